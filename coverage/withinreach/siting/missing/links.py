"""Which single link would bring most people within time: a gate, a crossing, a bridge. Exact for every link named.

A link leads from a place on the streets with a long walk to one nearby, straight, with a short walk. Whom it serves is
found by one search as if a facility stood at its far end, at the distance of the link and of the walk behind it.
Nobody whom it serves lives farther from it, straight, than the time allows: an upper bound, by which links are looked
at in turn until none can be better than those that were found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from withinreach.kernels.nearest import Spots
from withinreach.model import walking_costs, whole_mm_up
from withinreach.preparation.frame import metric_frame
from withinreach.reach import nearest_ways, pairs_to
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Network

# Links may start and end every so many metres along the streets.
STEP_M = 25.0
# A link that spares less is a shortcut over the same street.
LEAST_SAVING_MM = 100_000
# Links nearer to each other than this stand for the same gap.
APART_M = 300.0
# Squares by which people around a link are bounded, metres; and links that are walked at a time.
SQUARE_M = 100.0
BATCH = 128


class _Places(NamedTuple):
    """Places along the streets: where they are, and the walk from each to the nearest facility, mm."""

    segment: NDArray[np.int32]
    offset_mm: NDArray[np.int64]
    xy: NDArray[np.float64]
    mm: NDArray[np.int64]


class _Links(NamedTuple):
    """Possible links: from, to, both rows of the places; and what is left to walk from the far end of the link, mm."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    mm: NDArray[np.int64]
    length_m: NDArray[np.float64]


class LinkGains(NamedTuple):
    """Links by the people whom each would serve, most first, and for each the cells that it would serve."""

    table: gpd.GeoDataFrame
    cells: list[NDArray[np.int32]]


def best_links(result: Result, service: str, lacking: NDArray[np.float64], longest_m: float, count: int) -> LinkGains:
    """The links that would serve most people of a service, one of those that are close together.

    Parameters
    ----------
    lacking : (k,) float64
        People of each cell whom nothing serves in time.
    longest_m
        Longer links are not looked for.
    count
        Links at most.

    Returns
    -------
    LinkGains
        The table has gained_people, length_m, lon and lat of its middle, over_water (whether it crosses the water
        of the study), x and y of its ends in the study's CRS (``from_x`` …), and the link as a line.
    """
    case, asked = result.case, result.case.study.services[service]
    cutoff_mm = int(asked.cutoff_s * case.study.profiles[asked.profile].speed_mm_s)
    places = _places(result, service)
    links = _possible(places, longest_m, cutoff_mm)
    most = _people_around(case.people.xy, lacking, places.xy[links.start], (cutoff_mm - links.mm) / 1000)
    order = np.lexsort((links.start, -most))
    order = order[most[order] > 0]
    walked: list[tuple[float, int, NDArray[np.int32]]] = []
    found: list[tuple[float, int, NDArray[np.int32]]] = []
    for first in range(0, len(order) if count else 0, BATCH):
        batch = order[first : first + BATCH]
        if len(found) == count and most[batch[0]] <= found[-1][0]:
            break
        walked += _walked(result, service, lacking, places, links, batch)
        found = _apart(walked, places, links, count)
    return LinkGains(_table(result, places, links, found), [cells for _, _, cells in found])


def _places(result: Result, service: str) -> _Places:
    """Nodes and places along the streets, but not on stairs, where nobody enters."""
    case, network = result.case, result.case.network
    rows = np.flatnonzero(~network.steps)
    pieces = np.maximum(1, np.ceil(network.length_mm[rows] / (STEP_M * 1000))).astype(np.int64)
    segment = np.repeat(rows, pieces + 1)
    nth = np.arange(len(segment)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    share = nth / np.repeat(pieces, pieces + 1)
    offset_mm = np.floor(share * network.length_mm[segment]).astype(np.int64)
    spots = Spots(segment.astype(np.int32), offset_mm, np.zeros(len(segment), np.int64))
    asked = case.study.services[service]
    mm = nearest_ways(case, asked, walking_costs(network, case.study.profiles[asked.profile]), spots).mm
    return _Places(spots.segment, offset_mm, _positions(network, segment, share), mm)


def _positions(network: Network, segment: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a share of each segment ends, metres."""
    step = np.hypot(*np.diff(network.vertex_xy, axis=0, prepend=network.vertex_xy[:1]).T)
    step[network.vertex_ptr[:-1]] = 0
    along = np.cumsum(step)
    # Segments one after the other on a single ruler, a metre apart.
    ruler = along + np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    low, high = ruler[network.vertex_ptr[:-1]], ruler[network.vertex_ptr[1:] - 1]
    at = low[segment] + share * (high - low)[segment]
    return np.column_stack([np.interp(at, ruler, axis) for axis in network.vertex_xy.T])


def _possible(places: _Places, longest_m: float, cutoff_mm: int) -> _Links:
    """From every place the link with the least to walk, if that spares something and leaves time."""
    good = np.flatnonzero(places.mm < cutoff_mm)
    slow = np.flatnonzero(places.mm > LEAST_SAVING_MM)
    if not len(good) or not len(slow):
        nothing = np.zeros(0, np.int64)
        return _Links(nothing, nothing, nothing, np.zeros(0))
    near = cKDTree(places.xy[slow]).sparse_distance_matrix(
        cKDTree(places.xy[good]), longest_m, output_type="coo_matrix"
    )
    start, end, length_mm = slow[near.row], good[near.col], whole_mm_up(near.data)
    mm = places.mm[end] + length_mm
    spares = (mm + LEAST_SAVING_MM <= places.mm[start]) & (mm < cutoff_mm) & (length_mm > 0)
    start, end, mm, length_m = start[spares], end[spares], mm[spares], near.data[spares]
    order = np.lexsort((end, mm, start))
    first = np.ones(len(order), bool)
    first[1:] = start[order[1:]] != start[order[:-1]]
    kept = order[first]
    return _Links(start[kept], end[kept], mm[kept], length_m[kept])


def _people_around(
    xy: NDArray[np.float64], people: NDArray[np.float64], centre: NDArray[np.float64], radius_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """People in the squares around each centre that hold the circle of the radius: never fewer than in the circle."""
    low = xy.min(axis=0)
    column, row = np.floor((xy - low) / SQUARE_M).astype(np.int64).T
    grid = np.zeros((int(column.max()) + 2, int(row.max()) + 2))
    np.add.at(grid, (column + 1, row + 1), people)
    total = grid.cumsum(axis=0).cumsum(axis=1)
    reach = radius_m[:, None]
    first = np.floor((centre - reach - low) / SQUARE_M).astype(np.int64)
    last = np.floor((centre + reach - low) / SQUARE_M).astype(np.int64) + 1
    west, south = np.clip(first, 0, np.array(grid.shape) - 1).T
    east, north = np.clip(last, 0, np.array(grid.shape) - 1).T
    # Sums of sums lose what is far below the people of a city.
    return np.maximum(total[east, north] - total[west, north] - total[east, south] + total[west, south], 0) * (1 + 1e-9)


def _walked(
    result: Result,
    service: str,
    lacking: NDArray[np.float64],
    places: _Places,
    links: _Links,
    batch: NDArray[np.int64],
) -> list[tuple[float, int, NDArray[np.int32]]]:
    """Links with the people whom each would serve, and their cells: walked as to a facility behind the link."""
    asked = result.case.study.services[service]
    start = links.start[batch]
    spots = Spots(places.segment[start], places.offset_mm[start], links.mm[batch])
    pairs = pairs_to(result.case, asked, spots, np.arange(len(batch), dtype=np.int32), asked.cutoff_s)
    served = ~result.reaches[service].covered[pairs.cell] & (lacking[pairs.cell] > 0)
    people = sums(pairs.facility[served], lacking[pairs.cell[served]], len(batch))
    bounds = np.searchsorted(pairs.facility[served], np.arange(len(batch) + 1))
    cells = pairs.cell[served]
    return [
        (float(people[i]), int(batch[i]), cells[bounds[i] : bounds[i + 1]]) for i in range(len(batch)) if people[i] > 0
    ]


def _apart(
    walked: list[tuple[float, int, NDArray[np.int32]]], places: _Places, links: _Links, count: int
) -> list[tuple[float, int, NDArray[np.int32]]]:
    """The best of each place, most people first, ``count`` at most; of equal ones the shortest link."""
    kept: list[tuple[float, int, NDArray[np.int32]]] = []
    at: list[NDArray[np.float64]] = []
    for one in sorted(walked, key=lambda link: (-link[0], links.length_m[link[1]], link[1])):
        here = places.xy[links.start[one[1]]]
        if all(np.hypot(*(here - other)) > APART_M for other in at):
            kept.append(one)
            at.append(here)
        if len(kept) == count:
            break
    return kept


def _table(
    result: Result, places: _Places, links: _Links, found: list[tuple[float, int, NDArray[np.int32]]]
) -> gpd.GeoDataFrame:
    rows = np.array([link for _, link, _ in found], np.int64)
    start, end = places.xy[links.start[rows]], places.xy[links.end[rows]]
    lines = shapely.linestrings(np.stack([start, end], axis=1)) if len(rows) else []
    water = result.case.water.geometry.to_numpy()
    wet = np.zeros(len(rows), bool)
    if len(water) and len(rows):
        wet[np.unique(shapely.STRtree(water).query(lines, "intersects")[0])] = True
    middle = metric_frame(result.case.study.metric_crs).to_lonlat((start + end) / 2)
    table = pd.DataFrame(
        {
            "gained_people": np.array([people for people, _, _ in found], np.float64),
            "length_m": links.length_m[rows],
            "lon": middle[:, 0],
            "lat": middle[:, 1],
            "over_water": wet,
            "from_x": start[:, 0],
            "from_y": start[:, 1],
            "to_x": end[:, 0],
            "to_y": end[:, 1],
        }
    )
    return gpd.GeoDataFrame(table, geometry=lines, crs=result.case.study.metric_crs)
