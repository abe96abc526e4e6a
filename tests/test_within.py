"""Everything within a cutoff: the kernel against its twin and networkx, and on a case against the nearest facility."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
import withinreach as wr
from kernel_inputs import (
    arcs_of,
    both_ways,
    grid_streets,
    node_cases,
    place_cases,
    seeds_from,
    segments_from,
    spots_from,
)
from withinreach.kernels.nearest import seeds_of
from withinreach.kernels.search import Arcs
from withinreach.kernels.within import nodes_within, places_within
from withinreach.reach import Status, measure_reach, pairs_within
from withinreach.sources.sample import write_sample

fuzz = settings(max_examples=150, deadline=None)
N_SOURCES = 41


def by_source(found, n_sources: int) -> dict[int, dict[int, int]]:
    ranges = [range(found.ptr[i], found.ptr[i + 1]) for i in range(n_sources)]
    return {i: {int(found.node[k]): int(found.mm[k]) for k in here} for i, here in enumerate(ranges) if len(here)}


@fuzz
@given(node_cases(), st.integers(0, 12) | st.integers(0, 10**9))
def test_nodes_equal_the_twin(case, cutoff_mm):
    n, arcs, seeds = case
    got = nodes_within(Arcs(*arcs_of(n, arcs)), seeds_from(seeds), N_SOURCES, cutoff_mm)
    want = naive.nodes_within(n, arcs, seeds, cutoff_mm)
    assert by_source(got, N_SOURCES) == {source: nodes for source, nodes in want.items() if nodes}
    assert len(got.node) == sum(len(nodes) for nodes in want.values())


@fuzz
@given(place_cases(), st.integers(0, 30))
def test_places_equal_the_twin(case, cutoff_mm):
    n, streets, facilities, places, rows = case
    chosen = np.array(rows, np.int32)
    segments, spots = segments_from(streets), spots_from(facilities)
    seeds = seeds_of(segments, spots, chosen)
    turn = {row: i for i, row in enumerate(rows)}
    local = seeds._replace(source=np.array([turn[row] for row in seeds.source.tolist()], np.int32))
    nodes = nodes_within(Arcs(*arcs_of(n, both_ways(streets))), local, len(rows), cutoff_mm)
    found = places_within(segments, nodes, spots, chosen, spots_from(places), cutoff_mm)
    got = [
        list(zip(found.place[a:b].tolist(), found.mm[a:b].tolist(), strict=True))
        for a, b in zip(found.ptr[:-1], found.ptr[1:], strict=True)
    ]
    assert got == naive.places_within(streets, facilities, rows, places, cutoff_mm)


def test_nodes_agree_with_networkx():
    n, streets = grid_streets(5, 30, 90_000)
    graph = nx.empty_graph(n)
    for street in streets:
        graph.add_edge(street.tail, street.head, weight=street.length_mm)
    starts = list(range(0, n, 37))
    seeds = seeds_from([(node, 0, source) for source, node in enumerate(starts)])
    got = by_source(nodes_within(Arcs(*arcs_of(n, both_ways(streets))), seeds, len(starts), 400_000), len(starts))
    for source, node in enumerate(starts):
        assert got[source] == nx.single_source_dijkstra_path_length(graph, node, cutoff=400_000)


def test_a_node_exactly_at_the_cutoff_is_within():
    arcs = Arcs(*arcs_of(2, [(0, 1, 1000)]))
    assert len(nodes_within(arcs, seeds_from([(0, 0, 0)]), 1, 1000).node) == 2
    assert len(nodes_within(arcs, seeds_from([(0, 0, 0)]), 1, 999).node) == 1


def test_ten_thousand_places_on_one_segment():
    streets = [naive.Street(0, 1, 10_000)]
    places = spots_from([naive.Place(0, offset, 0) for offset in range(10_000)])
    segments, rows = segments_from(streets), np.array([0], np.int32)
    facility = spots_from([naive.Place(0, 4_000, 5)])
    nodes = nodes_within(Arcs(*arcs_of(2, both_ways(streets))), seeds_of(segments, facility, rows), 1, 105)
    found = places_within(segments, nodes, facility, rows, places, 105)
    assert found.place.tolist() == list(range(3_900, 4_101))
    assert found.mm.tolist() == [abs(offset - 4_000) + 5 for offset in range(3_900, 4_101)]


@pytest.mark.parametrize("cutoff_mm", [-1, 2**30])
def test_a_cutoff_out_of_range_is_refused(cutoff_mm):
    with pytest.raises(ValueError, match="cutoff_mm"):
        nodes_within(Arcs(*arcs_of(1, [])), seeds_from([]), 0, cutoff_mm)


# On a case ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return wr.prepare(wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02)))


@pytest.mark.parametrize("name", ["elder_care", "nursery", "clinic", "veterans"])
def test_a_cell_has_a_pair_if_and_only_if_it_is_served(case, name):
    service = case.study.services[name]
    reach, pairs = measure_reach(case, service), pairs_within(case, service)
    least = np.full(len(case.people), np.inf)
    np.minimum.at(least, pairs.cell, pairs.seconds)
    served = reach.status == Status.SERVED
    np.testing.assert_array_equal(np.isfinite(least), served)
    np.testing.assert_array_equal(least[served], reach.seconds[served])
    order = np.lexsort((pairs.cell, pairs.facility))
    np.testing.assert_array_equal(order, np.arange(len(order)))


def test_pairs_of_the_town_by_hand(town):
    case = wr.prepare(wr.load_study(town))
    pairs = pairs_within(case, case.study.services["elder_care"])
    # within 501 m: cell 0 of A1; cells 2 (400 + 20 m) and 3 (30 m) of A2
    assert pairs.facility.tolist() == [0, 1, 1]
    assert pairs.cell.tolist() == [0, 2, 3]
    assert pairs.seconds.tolist() == [10, 420, 30]


def test_a_service_without_facilities_has_no_pairs(town):
    path = town.parent / "facilities.csv"
    rows = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join(rows[:3]) + "\n", encoding="utf-8-sig")
    case = wr.prepare(wr.load_study(town))
    assert len(pairs_within(case, case.study.services["clinic"]).cell) == 0
