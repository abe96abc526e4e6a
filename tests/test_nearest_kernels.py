"""The nearest facility of nodes and places: kernels against slow twins (equal), outside programs, at their edges."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import naive
from kernel_inputs import (
    arcs_of,
    both_ways,
    fuzz,
    grid_streets,
    labels_of,
    node_cases,
    place_cases,
    reach_places,
    seeds_from,
    segments_from,
    spots_from,
)
from withinreach.kernels.nearest import (
    UNREACHED,
    Nearest,
    nearest_to_nodes,
    nearest_to_places,
    seeds_of,
)
from withinreach.kernels.search import TILE_BITS

# --- nearest facility of every node

short = st.integers(0, 6)


@fuzz
@given(node_cases())
def test_nearest_to_nodes_equals_its_twin(
    case: tuple[int, list[tuple[int, int, int]], list[tuple[int, int, int]]],
) -> None:
    n, arcs, seeds = case
    assert labels_of(nearest_to_nodes(*arcs_of(n, arcs), seeds_from(seeds))) == naive.nearest_to_nodes(n, arcs, seeds)


@fuzz
@given(node_cases(), st.integers(0, 20) | st.integers(0, 10**12))
def test_nearest_to_nodes_within_a_cutoff_is_the_nearest_cut_there(
    case: tuple[int, list[tuple[int, int, int]], list[tuple[int, int, int]]], cutoff_mm: int
) -> None:
    n, arcs, seeds = case
    got = labels_of(nearest_to_nodes(*arcs_of(n, arcs), seeds_from(seeds), cutoff_mm))
    assert got == [x if x[0] <= cutoff_mm else naive.NO_LABEL for x in naive.nearest_to_nodes(n, arcs, seeds)]


@pytest.mark.parametrize(("sources", "longest_mm"), [(1, 10**6), (60, 10**6), (60, 5)])
def test_nearest_to_nodes_equals_its_twin_over_many_tiles(sources: int, longest_mm: int) -> None:
    n, streets = grid_streets(sources, side=220, longest_mm=longest_mm)
    rng = np.random.default_rng(sources)
    seeds = [
        (int(node), int(mm), int(source))
        for node, mm, source in zip(
            rng.integers(0, n, 2 * sources),
            rng.integers(0, longest_mm, 2 * sources),
            rng.integers(0, sources, 2 * sources),
            strict=True,
        )
    ]
    got = labels_of(nearest_to_nodes(*arcs_of(n, both_ways(streets)), seeds_from(seeds)))
    assert got == naive.nearest_to_nodes(n, both_ways(streets), seeds)
    assert (UNREACHED, -1) in got


def test_nearest_to_nodes_along_a_winding_road() -> None:
    """One road through all tiles, forth and back: as many rounds as a search can need."""
    n = 3 << TILE_BITS
    order = np.arange(n).reshape(3, -1).T.ravel().tolist()
    arcs = [(a, b, 1) for a, b in itertools.pairwise(order)]
    got = nearest_to_nodes(*arcs_of(n, arcs), seeds_from([(order[0], 5, 3)]))
    np.testing.assert_array_equal(got.mm[order], np.arange(n) + 5)
    assert (got.source == 3).all()


def test_nearest_to_nodes_agrees_with_scipy() -> None:
    n, streets = grid_streets(5, side=90, longest_mm=10**6)
    nodes = np.random.default_rng(5).choice(n, 40, replace=False)
    ptr, head, mm = arcs_of(n, both_ways(streets))
    # scipy takes a stored zero for no edge in some paths; one millimetre more on every arc says the same to both.
    graph = csr_array((mm + 1, head, ptr), shape=(n, n))
    want, _, source = dijkstra(graph, indices=nodes, min_only=True, return_predecessors=True)
    got = nearest_to_nodes(ptr, head, mm + 1, seeds_from([(int(v), 0, i) for i, v in enumerate(nodes)]))
    np.testing.assert_array_equal(np.where(got.mm == UNREACHED, np.inf, got.mm.astype(float)), want)
    same = nodes[got.source[got.source >= 0]] == source[got.source >= 0]
    assert same.mean() > 0.99, "but for ties, scipy names the same source"


def test_no_seeds_reach_nothing() -> None:
    assert labels_of(nearest_to_nodes(*arcs_of(2, [(0, 1, 4)]), seeds_from([]))) == [(UNREACHED, -1)] * 2


def test_a_network_without_nodes() -> None:
    assert labels_of(nearest_to_nodes(*arcs_of(0, []), seeds_from([]))) == []


def test_one_node_takes_the_lowest_source() -> None:
    assert labels_of(nearest_to_nodes(*arcs_of(1, [(0, 0, 0)]), seeds_from([(0, 7, 9), (0, 7, 2), (0, 8, 0)]))) == [
        (7, 2)
    ]


def test_the_lowest_source_wins_across_zero_length_arcs() -> None:
    chain = [(a, b, 0) for a in range(5) for b in (a - 1, a + 1) if 0 <= b < 5]
    assert labels_of(nearest_to_nodes(*arcs_of(5, chain), seeds_from([(4, 3, 1), (0, 3, 2)]))) == [(3, 1)] * 5


def test_arcs_are_one_way() -> None:
    assert labels_of(nearest_to_nodes(*arcs_of(2, [(0, 1, 4)]), seeds_from([(1, 0, 0)])))[0] == (UNREACHED, -1)


def test_long_ways_and_many_sources_fit_into_one_key() -> None:
    huge = 2**50
    arcs = [(i, i + 1, huge) for i in range(7)]
    seeds = [(0, huge, s) for s in range(100, 200)]
    assert labels_of(nearest_to_nodes(*arcs_of(8, arcs), seeds_from(seeds)))[-1] == (8 * huge, 100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arc_ptr": np.array([0, 1, 1])}, "arc_ptr must ascend from 0 to 2"),
        ({"arc_ptr": np.array([[0, 1, 2]])}, "arc_ptr must have shape"),
        ({"arc_head": np.array([1, 2], np.int32)}, r"arc_head must be in 0\.\.1"),
        ({"arc_head": np.array([-1, 0], np.int32)}, r"arc_head must be in 0\.\.1"),
        ({"arc_head": np.array([1, 0])}, "arc_head must be int32"),
        ({"arc_mm": np.array([1, -1])}, "arc_mm must be in"),
        ({"arc_mm": np.array([1.5, 1.0])}, "arc_mm must be int64"),
        ({"arc_mm": np.array([1])}, "arc_mm must have shape"),
        ({"arc_mm": np.array([2**58, 2**58])}, "too much for 61 bits"),
        ({"seeds": seeds_from([(2, 0, 0)])}, "seeds.node"),
        ({"seeds": seeds_from([(0, -1, 0)])}, "seeds.mm"),
        ({"seeds": seeds_from([(0, 0, -1)])}, "seeds.source"),
        ({"seeds": seeds_from([(0, 0, 0)])._replace(mm=np.array([0, 0]))}, "seeds.mm must have shape"),
    ],
)
def test_nearest_to_nodes_refuses(change: dict[str, object], message: str) -> None:
    good = {
        "arc_ptr": np.array([0, 1, 2]),
        "arc_head": np.array([1, 0], np.int32),
        "arc_mm": np.array([5, 5]),
        "seeds": seeds_from([(0, 0, s) for s in range(20)]),
    }
    assert labels_of(nearest_to_nodes(**good)) == [(0, 0), (5, 0)]
    with pytest.raises(ValueError, match=message):
        nearest_to_nodes(**(good | change))


# --- nearest facility of every place


@fuzz
@given(place_cases())
def test_nearest_to_places_equals_its_twin(
    case: tuple[int, list[naive.Street], list[naive.Place], list[naive.Place], list[int]],
) -> None:
    n, streets, facilities, places, rows = case
    got = reach_places(n, streets, facilities, places, rows)
    assert got == naive.nearest_to_places(streets, facilities, rows, places)


def random_places(rng: np.random.Generator, streets: list[naive.Street], count: int) -> list[naive.Place]:
    segments = rng.integers(-1, len(streets), count).tolist()
    return [
        naive.Place(s, int(rng.integers(0, streets[s].length_mm + 1)) if s >= 0 else 0, int(rng.integers(0, 50_000)))
        for s in segments
    ]


@pytest.mark.parametrize("hilly", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_nearest_to_places_agrees_with_networkx(seed: int, hilly: bool) -> None:
    n, streets = grid_streets(seed, side=14, longest_mm=200_000)
    rng = np.random.default_rng(seed)
    streets += [naive.Street(int(a), int(b), 30_000) for a, b in rng.integers(0, n, (20, 2))]
    if hilly:
        more = rng.uniform(1, 3, (len(streets), 2))
        streets = [
            street._replace(forward_mm=int(street.length_mm * there), backward_mm=int(street.length_mm * back))
            for street, (there, back) in zip(streets, more.tolist(), strict=True)
        ]
    facilities, places = random_places(rng, streets, 12), random_places(rng, streets, 300)
    graph = nx.MultiDiGraph()
    inserted = naive.graph_with_places(streets, dict(enumerate(facilities)), places)
    graph.add_weighted_edges_from((a, b, mm) for a, arcs in inserted.items() for b, mm in arcs)
    graph.add_nodes_from(("facility", row) for row in range(len(facilities)))
    want = nx.multi_source_dijkstra_path_length(graph, {("facility", row) for row in range(len(facilities))})
    single = {row: nx.single_source_dijkstra_path_length(graph, ("facility", row)) for row in range(len(facilities))}
    got = reach_places(n, streets, facilities, places)
    assert [mm for mm, _ in got] == [want.get(("place", i), UNREACHED) for i in range(len(places))]
    for i, (mm, row) in enumerate(got):
        equally_near = [r for r in single if single[r].get(("place", i)) == mm]
        assert row == min(equally_near, default=-1)


ROAD = [naive.Street(0, 1, 100)]


def test_the_way_along_one_segment_does_not_touch_its_ends() -> None:
    assert reach_places(2, ROAD, [naive.Place(0, 70, 5)], [naive.Place(0, 40, 3)]) == [(38, 0)]


def test_the_way_round_can_be_shorter_than_along_the_segment() -> None:
    streets = [*ROAD, naive.Street(0, 1, 2)]
    assert reach_places(2, streets, [naive.Place(0, 99, 0)], [naive.Place(0, 1, 0)]) == [(4, 0)]


def test_a_loop_is_walked_the_shorter_way_round() -> None:
    loop = [naive.Street(0, 0, 100)]
    assert reach_places(1, loop, [naive.Place(0, 95, 0)], [naive.Place(0, 5, 0), naive.Place(0, 60, 0)]) == [
        (10, 0),
        (35, 0),
    ]


def test_equally_near_facilities_go_to_the_lowest_row() -> None:
    facilities = [naive.Place(0, 90, 0), naive.Place(0, 10, 0), naive.Place(0, 50, 40), naive.Place(0, 10, 0)]
    assert reach_places(2, ROAD, facilities, [naive.Place(0, 50, 0)]) == [(40, 0)]
    assert reach_places(2, ROAD, facilities, [naive.Place(0, 50, 0)], rows=[3, 2, 1]) == [(40, 1)]


def test_facilities_at_the_place_itself_and_at_both_ends() -> None:
    facilities = [naive.Place(0, 0, 0), naive.Place(0, 100, 0), naive.Place(0, 40, 0)]
    places = [naive.Place(0, offset, 1) for offset in (0, 100, 40)]
    assert reach_places(2, ROAD, facilities, places) == [(1, 0), (1, 1), (1, 2)]


def test_unsnapped_places_and_facilities_have_no_way() -> None:
    nowhere = naive.Place(-1, 0, 0)
    assert reach_places(2, ROAD, [nowhere, naive.Place(0, 0, 0)], [nowhere, naive.Place(0, 9, 0)]) == [
        (UNREACHED, -1),
        (9, 1),
    ]
    assert reach_places(2, ROAD, [nowhere], [naive.Place(0, 9, 0)]) == [(UNREACHED, -1)]


def test_another_component_is_not_reached() -> None:
    streets = [*ROAD, naive.Street(2, 3, 50)]
    assert reach_places(4, streets, [naive.Place(0, 5, 0)], [naive.Place(1, 5, 0)]) == [(UNREACHED, -1)]


@pytest.mark.parametrize("facilities", [[], [naive.Place(0, 5, 0)]])
@pytest.mark.parametrize("places", [[], [naive.Place(0, 6, 0)]])
def test_no_places_or_no_facilities(facilities: list[naive.Place], places: list[naive.Place]) -> None:
    got = reach_places(2, ROAD, facilities, places)
    assert got == [((1, 0) if facilities else (UNREACHED, -1)) for _ in places]


def test_many_facilities_on_one_segment() -> None:
    rng = np.random.default_rng(1)
    street = naive.Street(0, 1, 10**6)
    facilities = [naive.Place(0, int(o), int(a)) for o, a in rng.integers(0, 10**6, (700, 2)) // [1, 100]]
    places = [naive.Place(0, int(o), 0) for o in rng.integers(0, 10**6, 900)]
    want = [
        min((abs(p.offset_mm - f.offset_mm) + f.access_mm, row) for row, f in enumerate(facilities)) for p in places
    ]
    assert reach_places(2, [street], facilities, places) == want


def test_seeds_are_both_ends_of_the_segments() -> None:
    segments = segments_from([naive.Street(4, 7, 100), naive.Street(5, 5, 10)])
    facilities = spots_from([naive.Place(1, 3, 1), naive.Place(-1, 0, 0), naive.Place(0, 30, 2)])
    seeds = seeds_of(segments, facilities, np.array([2, 1, 0], np.int32))
    assert [part.tolist() for part in seeds] == [[4, 5, 7, 5], [32, 4, 72, 8], [2, 0, 2, 0]]
    assert [part.dtype for part in seeds] == [np.int32, np.int64, np.int32]


def test_seeds_of_nothing_have_the_same_types() -> None:
    seeds = seeds_of(segments_from([]), spots_from([naive.Place(-1, 0, 0)]), np.array([0], np.int32))
    assert [(len(part), part.dtype) for part in seeds] == [(0, np.int32), (0, np.int64), (0, np.int32)]


def test_inputs_may_be_read_only_and_stay_as_they_are() -> None:
    streets, place = segments_from([naive.Street(0, 1, 100, 150, 120)]), spots_from([naive.Place(0, 5, 1)])
    rows = np.array([0], np.int32)
    before = [part.copy() for part in (*streets, *place)]
    for part in (*streets, *place, rows):
        part.flags.writeable = False
    nodes = nearest_to_nodes(*arcs_of(2, both_ways(ROAD)), seeds_of(streets, place, rows))
    assert labels_of(nearest_to_places(streets, nodes, place, rows, place)) == [(2, 0)]
    for part, old in zip((*streets, *place), before, strict=True):
        np.testing.assert_array_equal(part, old)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": segments_from([naive.Street(0, 2, 100)])}, r"segments.head must be in 0\.\.1"),
        ({"segments": segments_from([naive.Street(0, 1, -1)])}, "segments.length_mm must be in"),
        ({"nodes": Nearest(np.array([-1, 0]), np.zeros(2, np.int32))}, "nodes.mm must be in"),
        ({"nodes": Nearest(np.array([0, 0]), np.zeros(3, np.int32))}, "nodes.source must have shape"),
        ({"rows": np.array([1], np.int32)}, r"rows must be in 0\.\.0"),
        ({"facilities": spots_from([naive.Place(0, 101, 0)])}, "facilities row 0: offset_mm 101"),
        ({"places": spots_from([naive.Place(0, 0, 0), naive.Place(0, 101, 0)])}, "places row 1: offset_mm 101"),
        ({"places": spots_from([naive.Place(1, 0, 0)])}, r"places.segment must be in -1\.\.0"),
        ({"places": spots_from([naive.Place(-2, 0, 0)])}, r"places.segment must be in -1\.\.0"),
        ({"places": spots_from([naive.Place(0, -1, 0)])}, "places.offset_mm must be in"),
        ({"places": spots_from([naive.Place(0, 0, -1)])}, "places.access_mm must be in"),
        ({"places": spots_from([naive.Place(0, 0, 2**60)])}, "places.access_mm must be in"),
    ],
)
def test_nearest_to_places_refuses(change: dict[str, object], message: str) -> None:
    good = {
        "segments": segments_from(ROAD),
        "nodes": Nearest(np.array([5, 95]), np.zeros(2, np.int32)),
        "facilities": spots_from([naive.Place(0, 5, 0)]),
        "rows": np.array([0], np.int32),
        "places": spots_from([naive.Place(0, 9, 0)]),
    }
    assert labels_of(nearest_to_places(**good)) == [(4, 0)]
    with pytest.raises(ValueError, match=message):
        nearest_to_places(**(good | change))
