"""What is left of a reach if nobody crosses a border: facilities and streets of people's own area only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.kernels.nearest import (
    NO_SEGMENT,
    NO_SOURCE,
    UNREACHED,
    Nearest,
    Seeds,
    Segments,
    Spots,
    nearest_to_nodes,
    nearest_to_places,
    seeds_of,
)
from withinreach.kernels.search import Arcs
from withinreach.model import walking_costs
from withinreach.reach.inputs import segments_of, spots_of
from withinreach.reach.nearest import reach_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach.nearest import Reach
    from withinreach.study import Service

NO_NODE = -1


class Grounds(NamedTuple):
    """The streets of areas: ``nodes`` holds an array of ascending node rows by row of the area."""

    nodes: Mapping[int, NDArray[np.int32]]


def own_grounds(case: Case, areas: Iterable[int] | None = None) -> Grounds:
    """Nodes that people of each area may use: those in the area, or no farther from it than the snap cap.

    A street on the border belongs to both sides, however the border was drawn beside it.

    Parameters
    ----------
    areas
        Rows of the areas that count, all by default.
    """
    x, y = case.network.xy.T
    shapes = case.areas.table.geometry.to_numpy()
    found = {}
    for row in range(len(shapes)) if areas is None else areas:
        area = shapely.buffer(shapes[row], case.study.network.snap_cap_m)
        west, south, east, north = shapely.bounds(area)
        near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north)).astype(np.int32)
        shapely.prepare(area)
        found[row] = near[shapely.intersects_xy(area, x[near], y[near])]
    return Grounds(found)


def measure_own_reach(case: Case, service: Service, grounds: Grounds, before: Reach | None = None) -> Reach:
    """The reach of a service if people used only facilities in their own area, and streets of its `own_grounds`.

    No cell is nearer than by `measure_reach`. Cells outside all areas reach nothing.

    Parameters
    ----------
    before
        An earlier own reach that still holds for the cells of all areas without grounds; by default these reach
        nothing.
    """
    costs = walking_costs(case.network, case.study.profiles[service.profile])
    arcs = Arcs(costs.arc_ptr, costs.arc_head, costs.arc_mm)
    segments = segments_of(case.network, costs)
    rows = case.facility_rows(service.kinds)
    mm = np.full(len(case.people), UNREACHED, np.int64)
    source = np.full(len(case.people), NO_SOURCE, np.int32)
    if before is not None:
        kept = np.flatnonzero(~np.isin(case.people.area, list(grounds.nodes)) & (before.nearest != NO_SOURCE))
        mm[kept], source[kept] = np.rint(before.level_m[kept] * 1000).astype(np.int64), before.nearest[kept]
    rank = np.full(case.network.n_nodes, NO_NODE, np.int32)
    for area, nodes in grounds.nodes.items():
        own = rows[case.facilities.area[rows] == area]
        cells = np.flatnonzero(case.people.area == area)
        if not (len(own) and len(cells)):
            continue
        facilities, people = _taken(spots_of(case.facilities), own), _taken(spots_of(case.people), cells)
        used = np.unique(np.concatenate([facilities.segment, people.segment]))
        used = used[used != NO_SEGMENT]
        rank[nodes] = np.arange(len(nodes), dtype=np.int32)
        streets, around = _local_segments(segments, used, rank, len(nodes)), _local_arcs(arcs, nodes, rank)
        rank[nodes] = NO_NODE
        found = _nearest(streets, around, _renumbered(facilities, used), _renumbered(people, used))
        mm[cells] = found.mm
        source[cells] = np.where(found.source == NO_SOURCE, NO_SOURCE, own[found.source])
    return reach_of(case, service, Nearest(mm, source))


def _nearest(segments: Segments, arcs: Arcs, facilities: Spots, places: Spots) -> Nearest:
    rows = np.arange(len(facilities.segment), dtype=np.int32)
    seeds = seeds_of(segments, facilities, rows)
    inside = seeds.node < len(arcs.ptr) - 2  # the last node stands for all that are outside; nobody gets there
    nodes = nearest_to_nodes(*arcs, Seeds(seeds.node[inside], seeds.mm[inside], seeds.source[inside]))
    return nearest_to_places(segments, nodes, facilities, rows, places)


def _taken(spots: Spots, rows: NDArray[np.integer]) -> Spots:
    return Spots(spots.segment[rows], spots.offset_mm[rows], spots.access_mm[rows])


def _renumbered(spots: Spots, used: NDArray[np.int32]) -> Spots:
    """Positions on the segments that are used, by their place among these."""
    met = spots.segment != NO_SEGMENT
    segment = np.where(met, np.searchsorted(used, spots.segment), NO_SEGMENT).astype(np.int32)
    return spots._replace(segment=segment)


def _local_segments(segments: Segments, used: NDArray[np.int32], rank: NDArray[np.int32], outside: int) -> Segments:
    """Some segments between the nodes of an area, and one more node for every end that is not among these."""
    tail, head = rank[segments.tail[used]], rank[segments.head[used]]
    tail[tail == NO_NODE] = outside
    head[head == NO_NODE] = outside
    return Segments(tail, head, segments.length_mm[used], segments.forward_mm[used], segments.backward_mm[used])


def _local_arcs(arcs: Arcs, nodes: NDArray[np.int32], rank: NDArray[np.int32]) -> Arcs:
    """Arcs between the nodes of an area, and one more node without any."""
    size = arcs.ptr[nodes + 1] - arcs.ptr[nodes]
    row = np.repeat(np.arange(len(nodes)), size)
    at = np.arange(len(row)) + np.repeat(arcs.ptr[nodes] - (np.cumsum(size) - size), size)
    head = rank[arcs.head[at]]
    kept = head != NO_NODE
    ptr = np.zeros(len(nodes) + 2, np.int64)
    np.cumsum(np.bincount(row[kept], minlength=len(nodes) + 1), out=ptr[1:])
    return Arcs(ptr, head[kept], arcs.mm[at][kept])
