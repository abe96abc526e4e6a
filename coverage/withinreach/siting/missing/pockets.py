"""Pockets of people whom nothing serves in time, and what stops them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.kernels.groups import group_within
from withinreach.reach import Status
from withinreach.siting.missing.paths import PathFinder
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.measures.assignment import Assignment
    from withinreach.reach import Reach

CAPACITY = "capacity"
# What stops people, by the status of their cell.
REASONS = {
    Status.TOO_FAR: "distance",
    Status.TOO_FAR_ESTIMATE: "distance",
    Status.NOT_CONNECTED: "no_connection",
    Status.NOT_SNAPPED: "no_street",
    Status.OUTSIDE_NETWORK: "no_street",
}
NAMES = (*dict.fromkeys(REASONS.values()), CAPACITY)
# Cells are neighbours if they touch at a side or a corner; a little more for grids of degrees.
NEIGHBOURS = 1.5


def lacking_people(result: Result, service: str, assignment: Assignment | None) -> NDArray[np.float64]:
    """People of each cell who are not served in time, or find no room although they would be in time, shape (k,)."""
    reach = result.reaches[service]
    people = result.case.people_of(reach.service.people)
    room = np.ones(len(people)) if assignment is None else assignment.served_share
    return np.where(reach.covered, people * (1 - room), people)


def lacking_in(result: Result, service: str, area: int) -> NDArray[np.float64]:
    """`lacking_people` of one area (its row), as if it stood alone: a pocket ends at the border."""
    return np.where(result.case.people.area == area, lacking_people(result, service, None), 0.0)


class Pockets(NamedTuple):
    """Neighbouring cells with people who lack a service, most people first.

    Attributes
    ----------
    table : DataFrame
        One row per pocket; see `pockets_of`.
    seat : (p,) int64
        Cell of each.
    of_cell : (k,) int64
        Row of the pocket of each cell, -1 for none.
    """

    table: pd.DataFrame
    seat: NDArray[np.int64]
    of_cell: NDArray[np.int64]


def pockets_of(
    result: Result, service: str, lacking: NDArray[np.float64]
) -> tuple[gpd.GeoDataFrame, NDArray[np.int64]]:
    """Neighbouring cells with people who lack a service, as pockets, and the walk from each.

    Returns
    -------
    pockets : GeoDataFrame
        Most people first: people, reason (what stops most of them: ``distance``, ``no_connection``, ``no_street``,
        ``capacity``), cells, code, lon and lat of the *seat*, that is, of the cell with most people whom this reason
        stops; the facility nearest to the seat (id, name; empty where there is no way), the walk there in minutes and
        level metres; and people per reason. The geometry is that walk, or the seat where there is no way.
    of_cell : (k,) int64
        Row of the pocket of each cell, -1 for none.
    """
    found = find_pockets(result, service, lacking)
    finder = PathFinder(result.case, result.reaches[service].service)
    walks = [_walk(result, service, int(cell), finder) for cell in found.seat]
    return gpd.GeoDataFrame(found.table, geometry=walks, crs=result.case.study.metric_crs), found.of_cell


def find_pockets(result: Result, service: str, lacking: NDArray[np.float64]) -> Pockets:
    """The pockets of `pockets_of` without the walk from each, which takes ten times as long as everything else."""
    case, reach = result.case, result.reaches[service]
    cells = np.flatnonzero(lacking > 0)
    pocket, count = _pockets(case.people.xy[cells], lacking[cells], NEIGHBOURS * max(case.cell_size_m))
    why = _why(reach, cells)
    by_reason = sums(pocket * len(NAMES) + why, lacking[cells], count * len(NAMES)).reshape(count, len(NAMES))
    reason = by_reason.argmax(axis=1)
    order = np.lexsort((cells, -lacking[cells], why != reason[pocket], pocket))
    seat = cells[order[np.searchsorted(pocket[order], np.arange(count))]]
    texts = {
        "reason": np.array(NAMES, object)[reason],
        "code": case.areas.table["code"].to_numpy(object)[case.people.area[seat]],
        **{f"nearest_{name}": _of_nearest(result, service, seat, name) for name in ("id", "name")},
    }
    figures = {
        "people": by_reason.sum(axis=1),
        "cells": np.bincount(pocket, minlength=count),
        "lon": case.people.table["lon"].to_numpy()[seat],
        "lat": case.people.table["lat"].to_numpy()[seat],
        "minutes": _known(reach.seconds[seat] / 60),
        "level_m": _known(reach.level_m[seat]),
        **{f"{name}_people": by_reason[:, number] for number, name in enumerate(NAMES)},
    }
    table = pd.DataFrame(figures | texts).astype(dict.fromkeys(texts, "str"))[
        ["people", "reason", "cells", "code", "lon", "lat", "nearest_id", "nearest_name", "minutes", "level_m"]
        + [f"{name}_people" for name in NAMES]
    ]
    of_cell = np.full(len(lacking), -1, np.int64)
    of_cell[cells] = pocket
    return Pockets(table, seat, of_cell)


def _pockets(xy: NDArray[np.float64], people: NDArray[np.float64], near_m: float) -> tuple[NDArray[np.int64], int]:
    """The pocket of each cell, numbered by people, most first; and how many there are."""
    label = group_within(xy, near_m)
    count = int(label.max(initial=-1)) + 1
    rank = np.empty(count, np.int64)
    rank[np.lexsort((np.arange(count), -sums(label, people, count)))] = np.arange(count)
    return rank[label], count


def _why(reach: Reach, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """What stops the people of each cell, by its place in `NAMES`; those who would be in time lack room."""
    by_status = np.full(len(Status), NAMES.index(CAPACITY))
    for status, name in REASONS.items():
        by_status[status] = NAMES.index(name)
    return by_status[reach.status[cells]]


def _of_nearest(result: Result, service: str, cells: NDArray[np.int64], column: str) -> NDArray[np.object_]:
    """A column of the facility nearest to each cell, empty where there is no way."""
    nearest = result.reaches[service].nearest[cells]
    values = result.case.facilities.table[column].to_numpy(object)
    return np.array([values[row] if row >= 0 else "" for row in nearest], object)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)


def _walk(result: Result, service: str, cell: int, finder: PathFinder) -> shapely.Geometry:
    reach = result.reaches[service]
    if reach.nearest[cell] < 0 or reach.estimated[cell]:
        return shapely.Point(result.case.people.xy[cell])
    return finder.path(cell, float(reach.level_m[cell]), int(reach.nearest[cell]))
