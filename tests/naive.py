"""Slow, obvious twins of the kernels: plain Python, no index, no packing, no order of visits.

The tests hold kernel and twin equal, not close: twins use the same floating-point expressions and whole millimetres.
"""

from __future__ import annotations

import heapq
import itertools
import math
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    Point = tuple[float, float]
    Graph = dict[Hashable, list[tuple[Hashable, int]]]
    Label = tuple[int, int]

NO_LABEL = (2**62, -1)


class Place(NamedTuple):
    """Where a place meets the network; segment -1 if it does not."""

    segment: int
    offset_mm: int
    access_mm: int


class Street(NamedTuple):
    """A segment between two nodes; walking it amounts to its length, unless a way forward and backward is given."""

    tail: int
    head: int
    length_mm: int
    forward_mm: int | None = None
    backward_mm: int | None = None

    def forward(self, offset_mm: int) -> int:
        """From the tail to a position."""
        return self._share(self.forward_mm, offset_mm)

    def backward(self, offset_mm: int) -> int:
        """From a position to the tail."""
        return self._share(self.backward_mm, offset_mm)

    def _share(self, whole_mm: int | None, offset_mm: int) -> int:
        if whole_mm is None:
            return offset_mm
        return whole_mm * offset_mm // max(1, self.length_mm)

    def both(self) -> tuple[int, int]:
        """The whole way forward, and backward."""
        forward, backward = self.forward_mm, self.backward_mm
        return (self.length_mm if forward is None else forward, self.length_mm if backward is None else backward)


def snap_points(
    polylines: Sequence[Sequence[Point]], points: Iterable[Point], cap_m: float
) -> list[tuple[int, float, float]]:
    """Segment, offset and distance of each point: every point against every piece of every polyline."""
    return [_snap_point(polylines, point, cap_m) for point in points]


def _snap_point(polylines: Sequence[Sequence[Point]], point: Point, cap_m: float) -> tuple[int, float, float]:
    candidates = []
    for segment, vertices in enumerate(polylines):
        start = 0.0
        for a, b in itertools.pairwise(vertices):
            distance2, share = _project(a, b, point)
            length = math.sqrt((b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1]))
            candidates.append((distance2, segment, start + share * length))
            start += length
    if candidates:
        distance2, segment, offset = min(candidates)
        if math.sqrt(distance2) <= cap_m:
            return segment, offset, math.sqrt(distance2)
    return -1, math.nan, math.inf


def _project(a: Point, b: Point, point: Point) -> tuple[float, float]:
    """Squared distance of a point from a piece, and where on the piece it is nearest, 0 to 1."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    rx, ry = point[0] - a[0], point[1] - a[1]
    share = min(1.0, max(0.0, (rx * dx + ry * dy) / max(dx * dx + dy * dy, sys.float_info.min)))
    x, y = rx - share * dx, ry - share * dy
    if share >= 1.0:
        x, y = point[0] - b[0], point[1] - b[1]
    return x * x + y * y, share


def nearest_to_nodes(
    n_nodes: int, arcs: Iterable[tuple[int, int, int]], seeds: Iterable[tuple[int, int, int]]
) -> list[Label]:
    """Distance and source of each node: Dijkstra's algorithm on pairs (mm, source).

    ``arcs`` are (from, to, mm) and ``seeds`` (node, mm, source).
    """
    graph: Graph = defaultdict(list)
    for tail, head, mm in arcs:
        graph[tail].append((head, mm))
    labels = _dijkstra(graph, [((mm, source), node) for node, mm, source in seeds])
    return [labels.get(node, NO_LABEL) for node in range(n_nodes)]


def nearest_to_places(
    streets: Sequence[Street], facilities: Sequence[Place], rows: Iterable[int], places: Sequence[Place]
) -> list[Label]:
    """Distance and facility of each place: all of them become nodes of a graph, one search per facility."""
    rows = list(rows)
    graph = graph_with_places(streets, {row: facilities[row] for row in rows}, places)
    found = [NO_LABEL] * len(places)
    for row in rows:
        labels = _dijkstra(graph, [((0, row), ("facility", row))])
        found = [min(found[i], labels.get(("place", i), NO_LABEL)) for i in range(len(places))]
    return found


def nodes_within(
    n_nodes: int, arcs: Iterable[tuple[int, int, int]], seeds: Sequence[tuple[int, int, int]], cutoff_mm: int
) -> dict[int, dict[int, int]]:
    """Nodes within the cutoff of each source and their distance: one whole search per source, cut afterwards."""
    arcs = list(arcs)
    found = {}
    for source in {seed[2] for seed in seeds}:
        labels = nearest_to_nodes(n_nodes, arcs, [seed for seed in seeds if seed[2] == source])
        found[source] = {node: mm for node, (mm, _) in enumerate(labels) if mm <= cutoff_mm}
    return found


def places_within(
    streets: Sequence[Street], facilities: Sequence[Place], rows: Iterable[int], places: Sequence[Place], cutoff_mm: int
) -> list[list[tuple[int, int]]]:
    """Places within the cutoff of each chosen facility and their distance: one facility after the other."""
    found = []
    for row in rows:
        labels = nearest_to_places(streets, facilities, [row], places)
        found.append([(place, mm) for place, (mm, _) in enumerate(labels) if mm <= cutoff_mm])
    return found


class Limits(NamedTuple):
    """Step of a lattice, how far from a street places count, how far ground does, and the longest way."""

    step_m: float
    snap_cap_m: float
    off_street_m: float
    way_mm: int


def lattice_in_time(
    polylines: Sequence[Sequence[Point]],
    streets: Sequence[Street],
    facilities: Sequence[Point],
    points: Sequence[Point],
    limits: Limits,
) -> list[list[bool]]:
    """Which points of a lattice belong to the isochrone of each facility: each point is a place of its own.

    It does where its way is no longer than the limit and its street near enough, or where it is one of the four around
    the facility. A facility that has no street has none.
    """
    spots = _places(polylines, streets, facilities, limits.snap_cap_m)
    ground = _places(polylines, streets, points, limits.off_street_m)
    step_m = limits.step_m
    found = []
    for row, (x, y) in enumerate(facilities):
        near = {place for place, _ in places_within(streets, spots, [row], ground, limits.way_mm)[0]}
        west, south = math.floor(x / step_m) * step_m, math.floor(y / step_m) * step_m
        corners = set(itertools.product((west, west + step_m), (south, south + step_m)))
        snapped = spots[row].segment >= 0
        found.append([snapped and (i in near or point in corners) for i, point in enumerate(points)])
    return found


def lattice_nearest(
    polylines: Sequence[Sequence[Point]],
    streets: Sequence[Street],
    facilities: Sequence[Point],
    points: Sequence[Point],
    snap_cap_m: float,
) -> list[int]:
    """The facility nearest to each point of a lattice, -1 where there is no street or no way."""
    spots, ground = (_places(polylines, streets, some, snap_cap_m) for some in (facilities, points))
    return [source for _, source in nearest_to_places(streets, spots, range(len(spots)), ground)]


def _places(
    polylines: Sequence[Sequence[Point]], streets: Sequence[Street], points: Sequence[Point], cap_m: float
) -> list[Place]:
    """Where points meet the network, in whole millimetres."""
    places = []
    for segment, offset_m, distance_m in snap_points(polylines, points, cap_m):
        if segment < 0:
            places.append(Place(-1, 0, 0))
            continue
        offset_mm = min(max(round(offset_m * 1000), 0), streets[segment].length_mm)
        places.append(Place(segment, offset_mm, math.ceil(round(distance_m * 1000, 3))))
    return places


def graph_with_places(streets: Sequence[Street], facilities: dict[int, Place], places: Sequence[Place]) -> Graph:
    """The streets, cut wherever a place meets them, and every place as a node at the end of its access way.

    Walked backwards: ``graph[a]`` holds (b, mm) for a way of mm from b to a, so that searches from facilities find
    the ways to them.
    """
    graph: Graph = defaultdict(list)

    def join(one: Hashable, other: Hashable, there_mm: int, back_mm: int) -> None:
        graph[other].append((one, there_mm))
        graph[one].append((other, back_mm))

    named = [(("facility", row), place) for row, place in facilities.items()]
    named += [(("place", i), place) for i, place in enumerate(places)]
    for segment, street in enumerate(streets):
        here, there_mm, back_mm = ("node", street.tail), 0, 0
        met = [(place.offset_mm, name, place.access_mm) for name, place in named if place.segment == segment]
        for offset_mm, name, access_mm in sorted(met):
            forward, backward = street.forward(offset_mm), street.backward(offset_mm)
            join(here, ("met", name), forward - there_mm, backward - back_mm)
            join(("met", name), name, access_mm, access_mm)
            here, there_mm, back_mm = ("met", name), forward, backward
        forward, backward = street.both()
        join(here, ("node", street.head), forward - there_mm, backward - back_mm)
    return graph


def _dijkstra(graph: Graph, starts: list[tuple[Label, Hashable]]) -> dict[Hashable, Label]:
    settled: dict[Hashable, Label] = {}
    # The counter keeps the heap from comparing nodes.
    heap = [(label, i, node) for i, (label, node) in enumerate(starts)]
    heapq.heapify(heap)
    pushed = len(heap)
    while heap:
        (mm, source), _, node = heapq.heappop(heap)
        if node in settled:
            continue
        settled[node] = (mm, source)
        for neighbour, arc_mm in graph[node]:
            if neighbour not in settled:
                heapq.heappush(heap, ((mm + arc_mm, source), pushed, neighbour))
                pushed += 1
    return settled


def floating(
    pairs: Sequence[tuple[int, int]],
    wanted: Sequence[float],
    granted: Sequence[float],
    mass: Sequence[float],
    capacity: Sequence[float],
) -> tuple[list[float], list[float]]:
    """Score of each cell and demand of each facility: what is wanted adds up, what is there is divided by it.

    ``pairs`` are (cell, facility), and ``wanted`` and ``granted`` the weights of each in the two steps.
    """
    demand = [0.0] * len(capacity)
    for (cell, facility), weight in zip(pairs, wanted, strict=True):
        demand[facility] += mass[cell] * weight
    score = [0.0] * len(mass)
    for (cell, facility), weight in zip(pairs, granted, strict=True):
        if demand[facility] > 0:
            score[cell] += capacity[facility] / demand[facility] * weight
    return score, demand


def settle(
    choices: Sequence[Sequence[tuple[int, float]]], people: Sequence[float], crowding: Sequence[float], rounds: int
) -> tuple[list[list[float]], list[float]]:
    """People of each cell at each of its facilities after some rounds, and the load of the facilities.

    ``choices`` are (facility, cost of the walk) per cell. One cell after the other empties its facilities and fills
    them again from the cheapest up, all that it uses to the same cost.
    """
    used = [[0.0] * len(options) for options in choices]
    load = [0.0] * len(crowding)
    for _ in range(rounds):
        for cell, options in enumerate(choices):
            if people[cell] > 0 and options:
                for k, (facility, _walk) in enumerate(options):
                    load[facility] -= used[cell][k]
                cost = [walk + crowding[facility] * load[facility] for facility, walk in options]
                used[cell] = _fill(people[cell], cost, [crowding[facility] for facility, _walk in options])
                for k in sorted(range(len(options)), key=lambda k: cost[k]):
                    load[options[k][0]] += used[cell][k]
        load = [0.0] * len(crowding)
        for cell, options in enumerate(choices):
            for k, (facility, _walk) in enumerate(options):
                load[facility] += used[cell][k]
    return used, load


def _fill(people: float, cost: Sequence[float], crowding: Sequence[float]) -> list[float]:
    """Divide people among options whose cost rises with them, to one level of cost."""
    order = sorted(range(len(cost)), key=lambda k: cost[k])
    room, share, level, open_to = 0.0, 0.0, math.inf, []
    for k in order:
        if cost[k] >= level:
            break
        share += 1.0 / crowding[k]
        room += 1.0 / crowding[k] * cost[k]
        level = (people + room) / share
        open_to.append(k)
    return [max(0.0, (level - cost[k]) / crowding[k]) if k in open_to else 0.0 for k in range(len(cost))]


def rake(table: Sequence[Sequence[float]], rows: Sequence[float], columns: Sequence[float]) -> list[list[float]]:
    """Scale columns and rows of a table in turn, cell by cell, until the rows are met to 1e-10 of the whole."""
    fitted = [list(row) for row in table]
    for _ in range(10_000):
        for column, wanted in enumerate(columns):
            have = sum(row[column] for row in fitted)
            for row in fitted:
                row[column] *= wanted / have
        if max(abs(sum(row) - wanted) for row, wanted in zip(fitted, rows, strict=True)) <= 1e-10 * sum(columns):
            break
        for row, wanted in zip(fitted, rows, strict=True):
            have = sum(row)
            row[:] = [value * (wanted / have) for value in row]
    return fitted


def group_within(points: Sequence[Point], near: float) -> list[int]:
    """Twin of kernels.groups.group_within: everybody looks at everybody."""
    group = [-1] * len(points)
    for first in range(len(points)):
        if group[first] >= 0:
            continue
        group[first] = max(group) + 1
        waiting = [first]
        while waiting:
            x, y = points[waiting.pop()]
            for other, (u, v) in enumerate(points):
                if group[other] < 0 and (x - u) * (x - u) + (y - v) * (y - v) <= near * near:
                    group[other] = group[first]
                    waiting.append(other)
    return group


def chain_segments(pairs: Sequence[tuple[int, int]], segments: int) -> list[list[int]]:
    """Twin of kernels.chains.chain_segments: each chain as the ends at which its segments are entered."""
    mate: dict[int, int] = {}
    for one, other in pairs:
        if one not in mate and other not in mate:
            mate[one], mate[other] = other, one
    used: set[int] = set()
    chains = []
    loose = [end for end in range(2 * segments) if end not in mate]
    for start in [*loose, *range(0, 2 * segments, 2)]:
        chain, end = [], start
        while end >= 0 and end // 2 not in used:
            used.add(end // 2)
            chain.append(end)
            end = mate.get(end ^ 1, -1)
        if chain:
            chains.append(chain)
    return chains
