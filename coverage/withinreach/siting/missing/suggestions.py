"""What would close each pocket of one county: an existing building, a new site, a way, or a look at the ground."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import NOT_OPEN, Frozen
from withinreach.reach import pairs_to, spots_of
from withinreach.siting.missing.naming import place_names
from withinreach.siting.missing.pockets import find_pockets, lacking_in
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Case
    from withinreach.reach import Pairs
    from withinreach.study import Service

# A building is worth naming if it would serve at least so much of a pocket: with less, most of the pocket stays one.
SHARED_FROM = 0.5
# Pockets that hold half of the uncovered people come first, those up to 80 % next: a working order, not a norm.
PRIORITIES = {"high": 0.5, "middle": 0.8, "low": 1.0}
NO_BUILDING = -1


class Suggestion(StrEnum):
    """What would close a pocket."""

    SHARE = "share"
    BUILD = "build"
    CONNECT = "connect"
    VERIFY = "verify"


# What to do where not the distance is what stops people: a way is missing, or the map of the streets is.
BY_REASON = {"no_connection": Suggestion.CONNECT, "no_street": Suggestion.VERIFY}


@dataclass(frozen=True, slots=True, eq=False)
class CountyGaps(Frozen):
    """The pockets of one county and service.

    Attributes
    ----------
    service : str
    table : DataFrame
        The columns of `find_pockets`; place, the nearest listed unit of the county (empty where
        none is near); suggestion (`Suggestion`); site_id, site_name and site_people, the existing building of
        another kind in the county from which most people of the pocket would be in time, and how many (empty and NaN
        unless the suggestion is to share it); priority (`PRIORITIES`).
    of_cell : (k,) int64
        Row of the pocket of each cell of the case, -1 for none.
    """

    service: str
    table: pd.DataFrame
    of_cell: NDArray[np.int64]


def building_pairs(case: Case, service: Service) -> Pairs:
    """Cells within the cutoff of every open facility of another kind that meets the streets: where one could share."""
    other = ~case.facilities.table["status"].isin(NOT_OPEN).to_numpy(bool) & case.facilities.snapped
    other[case.facility_rows(service.kinds)] = False
    rows = np.flatnonzero(other).astype(np.int32)
    return pairs_to(case, service, spots_of(case.facilities), rows, service.cutoff_s)


def county_gaps(result: Result, service: str, area: int, buildings: Pairs) -> CountyGaps:
    """Pockets of the people of one county, as if it stood alone: a pocket ends at the border.

    A building in the county is suggested where it would serve at least `SHARED_FROM` of a pocket, walked from every
    cell; else a new site, or where no way or no street is known, to connect or to verify.

    Parameters
    ----------
    area
        Row of the county.
    buildings
        See `building_pairs`.
    """
    case = result.case
    lacking = lacking_in(result, service, area)
    found = find_pockets(result, service, lacking)
    table = found.table
    own = case.facilities.area[buildings.facility] == area
    walks = buildings.facility[own], buildings.cell[own]
    site, people = _best_building(walks, lacking, found.of_cell, len(case.facilities))
    shared = people >= SHARED_FROM * table["people"].to_numpy()
    told = case.facilities.table
    texts = {
        "place": place_names(case, found.seat),
        "suggestion": [
            str(BY_REASON.get(reason, Suggestion.SHARE if share else Suggestion.BUILD))
            for reason, share in zip(table["reason"], shared, strict=True)
        ],
        "priority": _priorities(table["people"].to_numpy()),
    }
    table = table.assign(**texts)
    kept = (table["suggestion"] == Suggestion.SHARE).to_numpy(bool)
    for name in ("id", "name"):
        values = told[name].to_numpy(object)
        texts[f"site_{name}"] = [str(values[row]) if keep else "" for row, keep in zip(site, kept, strict=True)]
    table = table.assign(**texts, site_people=np.where(kept, people, np.nan)).astype(dict.fromkeys(texts, "str"))
    return CountyGaps(service, table, found.of_cell)


def _best_building(
    walks: tuple[NDArray[np.int32], NDArray[np.int32]],
    lacking: NDArray[np.float64],
    of_cell: NDArray[np.int64],
    facilities: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each pocket the building that would serve most, the first of equals; and how many.

    Parameters
    ----------
    walks
        Rows of buildings and of the cells within the cutoff of each.
    facilities
        How many there are.
    """
    count = int(of_cell.max(initial=-1)) + 1
    best, people = np.full(count, NO_BUILDING, np.int64), np.zeros(count)
    building, cell = walks
    lacks = of_cell[cell] >= 0
    building, cell = building[lacks], cell[lacks]
    pair, position = np.unique(of_cell[cell] * facilities + building, return_inverse=True)
    served = sums(position, lacking[cell], len(pair))
    pocket, facility = np.divmod(pair, facilities)
    order = np.lexsort((facility, -served, pocket))
    first = np.ones(len(order), bool)
    first[1:] = pocket[order[1:]] != pocket[order[:-1]]
    chosen = order[first]
    best[pocket[chosen]], people[pocket[chosen]] = facility[chosen], served[chosen]
    return best, people


def _priorities(people: NDArray[np.float64]) -> list[str]:
    """By the share of all uncovered people in the pockets before this one, most people first."""
    before = (np.cumsum(people) - people) / max(people.sum(), 1.0)
    bounds = np.array(list(PRIORITIES.values()))
    names = list(PRIORITIES)
    return [names[place] for place in np.minimum(np.searchsorted(bounds, before, side="right"), len(names) - 1)]
