"""Inputs of kernels in both shapes: lists for the slow twins, arrays for the kernels."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import naive
from withinreach.kernels.nearest import (
    Nearest,
    Seeds,
    Segments,
    Spots,
    level_segments,
    nearest_to_nodes,
    nearest_to_places,
    seeds_of,
)
from withinreach.kernels.snap import Snapped, snap_points

short = st.integers(0, 6)
# The first example compiles the kernel.
fuzz = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def csr_of(polylines: list[list[naive.Point]]) -> tuple[np.ndarray, np.ndarray]:
    ptr = np.cumsum([0] + [len(line) for line in polylines], dtype=np.int64)
    return ptr, np.array([vertex for line in polylines for vertex in line], np.float64).reshape(-1, 2)


def as_points(points: list[naive.Point]) -> np.ndarray:
    return np.array(points, np.float64).reshape(-1, 2)


def snapped(polylines: list[list[naive.Point]], points: list[naive.Point], cap_m: float) -> Snapped:
    return snap_points(*csr_of(polylines), as_points(points), cap_m)


def arcs_of(n_nodes: int, arcs: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(arcs, np.int64).reshape(-1, 3)
    table = table[np.argsort(table[:, 0], kind="stable")]
    ptr = np.concatenate([[0], np.cumsum(np.bincount(table[:, 0], minlength=n_nodes))]).astype(np.int64)
    return ptr, table[:, 1].astype(np.int32), table[:, 2].copy()


def both_ways(streets: list[naive.Street]) -> list[tuple[int, int, int]]:
    """Arcs against the direction of walking: out of a node to where people come from."""
    return [
        arc
        for street in streets
        for arc in (
            (street.head, street.tail, street.both()[0]),
            (street.tail, street.head, street.both()[1]),
        )
    ]


def seeds_from(seeds: list[tuple[int, int, int]]) -> Seeds:
    table = np.array(seeds, np.int64).reshape(-1, 3)
    return Seeds(table[:, 0].astype(np.int32), table[:, 1].copy(), table[:, 2].astype(np.int32))


def segments_from(streets: list[naive.Street]) -> Segments:
    table = np.array([(*street[:3], *street.both()) for street in streets], np.int64).reshape(-1, 5)
    tail, head = (table[:, i].astype(np.int32) for i in (0, 1))
    ways = (table[:, i].copy() for i in (2, 3, 4))
    # Without a way of their own they must equal those that are given as the length.
    level = all(street.forward_mm is None and street.backward_mm is None for street in streets)
    return level_segments(tail, head, next(ways)) if level else Segments(tail, head, *ways)


def spots_from(places: list[naive.Place]) -> Spots:
    table = np.array(places, np.int64).reshape(-1, 3)
    return Spots(table[:, 0].astype(np.int32), table[:, 1].copy(), table[:, 2].copy())


def labels_of(nearest: Nearest) -> list[tuple[int, int]]:
    assert nearest.mm.dtype == np.int64
    assert nearest.source.dtype == np.int32
    return list(zip(nearest.mm.tolist(), nearest.source.tolist(), strict=True))


def reach_places(
    n_nodes: int,
    streets: list[naive.Street],
    facilities: list[naive.Place],
    places: list[naive.Place],
    rows: list[int] | None = None,
) -> list[tuple[int, int]]:
    """All three kernels in a row, as an analysis uses them."""
    segments, spots = segments_from(streets), spots_from(facilities)
    chosen = np.array(range(len(facilities)) if rows is None else rows, np.int32)
    nodes = nearest_to_nodes(*arcs_of(n_nodes, both_ways(streets)), seeds_of(segments, spots, chosen))
    return labels_of(nearest_to_places(segments, nodes, spots, chosen, spots_from(places)))


@st.composite
def node_cases(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    n = draw(st.integers(1, 12))
    node, mm = st.integers(0, n - 1), short | st.integers(0, 10**9)
    arcs = draw(st.lists(st.tuples(node, node, mm), max_size=30))
    seeds = draw(st.lists(st.tuples(node, mm, st.integers(0, 40)), max_size=6))
    return n, arcs, seeds


def grid_streets(seed: int, side: int, longest_mm: int) -> tuple[int, list[naive.Street]]:
    """A grid of streets with gaps, its nodes numbered at random, so that arcs lead from tile to tile."""
    rng = np.random.default_rng(seed)
    name = rng.permutation(side * side).reshape(side, side)
    tail = np.concatenate([name[:, :-1].ravel(), name[:-1].ravel()])
    head = np.concatenate([name[:, 1:].ravel(), name[1:].ravel()])
    kept = np.flatnonzero(rng.random(len(tail)) < 0.7)
    mm = (rng.random(len(tail)) ** 4 * longest_mm).astype(np.int64)
    return side * side, [naive.Street(int(tail[i]), int(head[i]), int(mm[i])) for i in kept]


@st.composite
def place_cases(draw: st.DrawFn) -> tuple[int, list[naive.Street], list[naive.Place], list[naive.Place], list[int]]:
    n = draw(st.integers(1, 7))
    node = st.integers(0, n - 1)
    ways = st.none() | short
    streets = draw(st.lists(st.builds(naive.Street, node, node, short, ways, ways), min_size=1, max_size=9))

    @st.composite
    def place(draw: st.DrawFn) -> naive.Place:
        segment = draw(st.integers(-1, len(streets) - 1))
        longest = streets[segment].length_mm if segment >= 0 else 9
        return naive.Place(segment, draw(st.integers(0, longest)), draw(short))

    facilities = draw(st.lists(place(), max_size=7))
    places = draw(st.lists(place(), max_size=9))
    return n, streets, facilities, places, draw(st.permutations(range(len(facilities))))[: draw(st.integers(0, 7))]
