"""Pockets of people whom nothing serves in time, and what stops them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from withinreach.reach import Status
from withinreach.siting.missing.paths import PathFinder
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.measures.assignment import Assignment

CAPACITY = "capacity"
# What stops people, by the status of their cell.
REASONS = {
    Status.TOO_FAR: "distance",
    Status.TOO_FAR_ESTIMATE: "distance",
    Status.NOT_CONNECTED: "no_connection",
    Status.NOT_SNAPPED: "no_street",
    Status.OUTSIDE_NETWORK: "no_street",
}
# Cells are neighbours if they touch at a side or a corner; a little more for grids of degrees.
NEIGHBOURS = 1.5


def lacking_people(result: Result, service: str, assignment: Assignment | None) -> NDArray[np.float64]:
    """People of each cell who are not served in time, or find no room although they would be in time, shape (k,)."""
    reach = result.reaches[service]
    people = result.case.people_of(reach.service.people)
    room = np.ones(len(people)) if assignment is None else assignment.served_share
    return np.where(reach.covered, people * (1 - room), people)


def pockets_of(
    result: Result, service: str, lacking: NDArray[np.float64]
) -> tuple[gpd.GeoDataFrame, NDArray[np.int64]]:
    """Neighbouring cells with people who lack a service, as pockets.

    Returns
    -------
    pockets : GeoDataFrame
        Most people first: people, cells, code of the area where most of them live, lon and lat of the cell where most
        of them live; nearest facility (id, name; empty where there is no way), its walk in minutes and level metres
        from that cell; reason (that of most people: ``distance``, ``no_connection``, ``no_street``, ``capacity``) and
        the people per reason. The geometry is the walk from that cell, or the cell alone where there is no way.
    of_cell : (k,) int64
        Row of the pocket of each cell, -1 for none.
    """
    case, reach = result.case, result.reaches[service]
    cells = np.flatnonzero(lacking > 0)
    near = NEIGHBOURS * max(case.cell_size_m)
    pairs = (
        cKDTree(case.people.xy[cells]).query_pairs(near, output_type="ndarray") if len(cells) else np.zeros((0, 2), int)
    )
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(cells), len(cells)))
    count, label = connected_components(graph, directed=False)
    people = sums(label, lacking[cells], count)
    rank = np.empty(count, np.int64)
    rank[np.lexsort((np.arange(count), -people))] = np.arange(count)
    pocket = rank[label]
    order = np.lexsort((cells, -lacking[cells], pocket))
    seat = cells[order[np.searchsorted(pocket[order], np.arange(count))]]
    of_cell = np.full(len(lacking), -1, np.int64)
    of_cell[cells] = pocket
    table = pd.DataFrame({"people": sums(pocket, lacking[cells], count), "cells": np.bincount(pocket, minlength=count)})
    table["code"] = case.areas.table["code"].to_numpy(object)[case.people.area[seat]]
    table[["lon", "lat"]] = case.people.table[["lon", "lat"]].to_numpy()[seat]
    connected = reach.nearest[seat] >= 0
    for name in ("id", "name"):
        known = case.facilities.table[name].to_numpy(object)[reach.nearest[seat]]
        table[f"nearest_{name}"] = np.where(connected, known, "")
    table["minutes"] = np.where(np.isfinite(reach.seconds[seat]), reach.seconds[seat] / 60, np.nan)
    table["level_m"] = np.where(np.isfinite(reach.level_m[seat]), reach.level_m[seat], np.nan)
    for reason in dict.fromkeys((*REASONS.values(), CAPACITY)):
        stopped = [status for status, why in REASONS.items() if why == reason]
        here = np.isin(reach.status[cells], stopped) if stopped else reach.covered[cells]
        table[f"{reason}_people"] = sums(pocket, np.where(here, lacking[cells], 0.0), count)
    columns = [f"{reason}_people" for reason in dict.fromkeys((*REASONS.values(), CAPACITY))]
    most = table[columns].to_numpy().argmax(axis=1) if count else np.zeros(0, int)
    table.insert(1, "reason", np.array([name.removesuffix("_people") for name in columns], object)[most])
    walks = [_walk(result, service, int(cell), finder) for finder in [_finder(result, service)] for cell in seat]
    texts = ["reason", "code", "nearest_id", "nearest_name"]
    frame = gpd.GeoDataFrame(table.astype(dict.fromkeys(texts, "str")), geometry=walks, crs=case.study.metric_crs)
    return frame, of_cell


def _finder(result: Result, service: str) -> PathFinder:
    return PathFinder(result.case, result.case.study.services[service])


def _walk(result: Result, service: str, cell: int, finder: PathFinder) -> shapely.Geometry:
    reach = result.reaches[service]
    if reach.nearest[cell] < 0 or reach.estimated[cell]:
        return shapely.Point(result.case.people.xy[cell])
    return finder.path(cell, float(reach.level_m[cell]), int(reach.nearest[cell]))
