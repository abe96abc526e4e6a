"""(Case, Service, Reach) -> one row per area: coverage, walking times, capacity against the norm, the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.measures.capacity import capacity_figures, needed
from withinreach.measures.circle import circle_figures, circle_of
from withinreach.measures.definitions import definition_figures
from withinreach.measures.ledger import continuous_ledger, ledger
from withinreach.measures.units import Units
from withinreach.measures.walking import nearest_first, walking_figures
from withinreach.model import OUTSIDE_AREAS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Reach

__all__ = [
    "Figures",
    "Townships",
    "continuous_ledger",
    "coverage_figures",
    "ledger",
    "needed",
    "township_table",
    "townships_of",
]


class Figures(NamedTuple):
    """All figures of one service: one row per area, and without code and name those of all areas together."""

    table: pd.DataFrame
    total: pd.Series


def coverage_figures(case: Case, reach: Reach, own: Reach) -> Figures:
    """All figures of one service, one row per area in the order of the areas, and those of all areas together.

    The gap of all together is the net one: surplus places of one area serve another. Compare it with the sum of the
    areas' gaps.

    Parameters
    ----------
    own
        The same service without what lies across a border; see `measure_own_reach`.

    Columns
    -------
    code, name : str
    people, served_people, uncovered_people : float
        People of the service's group; served within the cutoff; all others, whatever the reason.
    coverage : float
        Served people / people; NaN where nobody lives.
    served_own_people, coverage_own : float
        The same with facilities and streets of the own area only.
    estimated_people : float
        People whose time is an estimate from the straight line, whether they are served or not; see `measure_reach`.
    mean_min, median_min, p90_min : float
        Minutes to the nearest facility, weighted by people, among those who can reach one at all; NaN if nobody can.
    circle_people, circle_coverage : float
        People whose straight line to the nearest facility is no longer than the way that the cutoff allows, and their
        share of all people: the circle of a plan, which takes neither rivers nor detours into account.
    served_of_circle : float
        Served people / people in the circle, never above 1; NaN where nobody lives in it.
    settled_km2, settled_coverage : float
        Land of the inhabited cells, and the share of it within the cutoff; NaN where nobody lives.
    listed_units, listed_coverage : float
        Villages and communities that the study lists, and the share with a facility within the cutoff of their
        place; NaN without a list, or where the list has none.
    facilities : int
        Facilities of the service in the area.
    capacity : float
        Places that are known; 0 without facilities, NaN if none of the facilities tells.
    capacity_known : float
        Share of the facilities whose capacity is known; NaN without facilities or where the service has no capacity.
    capacity_per_1000, norm_per_1000 : float
        Places, and places that the norm asks for, per 1,000 people of the group that the norm names (without a norm:
        the service's group); NaN without people or without a norm.
    gap_places : float
        max(0, norm × people / 1,000 - capacity); NaN where one of them is unknown.
    """
    cells = _cells(case, reach)
    names = pd.DataFrame({"code": case.areas.table["code"], "name": case.areas.table["name"]})
    each = _figures(case, (reach, own), Units.of_areas(case), cells)
    together = _figures(case, (reach, own), Units.all_together(case), cells)
    return Figures(pd.concat([names, each], axis=1), together.iloc[0])


class Townships(NamedTuple):
    """Townships of which the polygons are known, by area: code and name, the row of the area, and what lies in them."""

    names: pd.DataFrame
    area: NDArray[np.int32]
    units: Units


def townships_of(case: Case) -> Townships | None:
    """The townships of all areas; None where the study knows no polygons of them.

    A cell and a facility count for the township of their area whose polygon holds them.
    """
    listed = case.units.get("township")
    if listed is None or listed.polygons is None:
        return None
    by_area = np.argsort(listed.places.area, kind="stable")
    rows = by_area[listed.places.area[by_area] != OUTSIDE_AREAS]
    table, area = listed.polygons.table.iloc[rows].reset_index(drop=True), listed.places.area[rows]
    return Townships(table[["code", "name"]], area, Units.of_polygons(case, table, area))


def township_table(case: Case, reach: Reach, own: Reach, townships: Townships) -> pd.DataFrame:
    """The figures of `coverage_figures`, one row per township; listed villages are not told apart by township."""
    figures = _figures(case, (reach, own), townships.units, _cells(case, reach))
    return pd.concat([townships.names, figures], axis=1).assign(listed_units=np.nan, listed_coverage=np.nan)


class _Cells(NamedTuple):
    """What is the same of cells for any units: whether each lies in the circle, and which has the shorter walk."""

    inside: NDArray[np.bool_]
    order: NDArray[np.intp]


def _cells(case: Case, reach: Reach) -> _Cells:
    return _Cells(circle_of(case, reach), nearest_first(reach))


def _figures(case: Case, reaches: tuple[Reach, Reach], units: Units, cells: _Cells) -> pd.DataFrame:
    """All figures, one row per unit, of the reach and the own reach."""
    reach, own = reaches
    families = (
        walking_figures(case, reach, own, units, cells.order),
        circle_figures(case, reach, units, cells.inside),
        definition_figures(case, reach, units),
        capacity_figures(case, reach, units),
    )
    return pd.concat(families, axis=1)
