"""Loads and the assignment to facilities with room: the nine-cell town by hand, networkx, and what must always hold."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.measures.assignment import assign_places, places_needed, room_table
from withinreach.measures.load import facility_loads
from withinreach.measures.transport import transport
from withinreach.reach import Status, measure_reach, pairs_within
from withinreach.sources.sample import write_sample

fuzz = settings(max_examples=200, deadline=None)


@pytest.fixture
def case(tmp_path):
    return wr.prepare(wr.load_study(write_nine_cells(tmp_path)))


def measured(case, **changes):
    service = case.study.services["elder_care"].model_copy(update=changes)
    return measure_reach(case, service), pairs_within(case, service)


def test_loads_of_the_town_by_hand(case):
    loads = facility_loads(case, *measured(case))
    assert loads[["id", "name", "code"]].to_numpy().tolist() == [
        ["A", "A院", "1"],
        ["B", "B院", "1"],
        ["C", "C院", "2"],
    ]
    want = {
        "capacity": [63, 20, math.nan],
        # cell 3 is as far from A as from B and counts for the first
        "nearest_people": [30 + 20 + 40, 0 + 60 + 80, 50],
        "catchment_people": [90, 200, 130],
        "people_per_place": [90 / 63, 10, math.nan],
        "catchment_need": [45, 100, 65],  # one place for two
        "load": [45 / 63, 5, math.nan],
        "overload_places": [0, 80, math.nan],
    }
    assert list(loads.columns) == ["id", "name", "code", *want]
    for column, values in want.items():
        np.testing.assert_allclose(loads[column], values, rtol=1e-12, err_msg=column)


def test_loads_without_a_norm_need_a_place_for_everybody(case):
    loads = facility_loads(case, *measured(case, norm=None))
    assert loads["catchment_need"].tolist() == [90, 200, 130]


def test_a_facility_without_places_is_overloaded_without_measure(case):
    table = case.facilities.table.assign(beds=[0.0, 20.0, 0.0])
    loads = facility_loads(replace(case, facilities=replace(case.facilities, table=table)), *measured(case))
    assert loads["load"].tolist() == [math.inf, 5, math.inf]
    assert np.isnan(loads["people_per_place"]).tolist() == [True, False, True]
    assert loads["overload_places"].tolist() == [45, 80, 65]


def test_the_assignment_of_the_town_by_hand(case):
    """A has room for its 45; of the 70 places that cells 5 and 6 need B has 20, and they go to the nearer one."""
    reach, pairs = measured(case)
    assignment = assign_places(case, pairs)
    np.testing.assert_allclose(assignment.need, [15, 10, 20, 0, 30, 40, 25, 5, 2.5])
    np.testing.assert_allclose(assignment.placed, [15, 10, 20, 0, 20, 0, 0, 0, 0])
    np.testing.assert_allclose(assignment.taken, [45, 20])
    assert assignment.most_placed == pytest.approx(65)
    assert assignment.walk_s == pytest.approx(15 * 200 + 10 * 100 + 20 * 300 + 20 * 100)
    assert assignment.least_walk_s == pytest.approx(assignment.walk_s)
    # C may have room: cells 6 and 7 reach it
    assert np.flatnonzero(assignment.unknown_near).tolist() == [5, 6]
    table = room_table(case, reach, assignment).set_index("code")
    want = {
        "name": ["西", "东"],
        "people": [150, 145],
        "placed": [30 + 20 + 40 + 40, 0],
        "no_room": [20, 0],
        "room_unknown": [0, 80 + 50],
        "too_far": [0, 10],
        "not_connected": [0, 5],
        "not_snapped": [0, 0],
        "outside_network": [0, 0],
        "served_estimate": [0, 0],
        "too_far_estimate": [0, 0],
    }
    assert list(table.columns) == list(want)
    for column in list(want)[1:]:
        np.testing.assert_allclose(table[column], want[column], atol=1e-9, err_msg=column)


def test_nobody_needs_a_place(case):
    table = case.people.table.assign(old=0.0)
    empty = replace(case, people=replace(case.people, table=table))
    assignment = assign_places(empty, measured(empty)[1])
    assert assignment.placed.sum() == assignment.most_placed == assignment.walk_s == 0
    assert (assignment.served_share == 1).all()


def test_nothing_is_reachable(case):
    assignment = assign_places(case, measured(case, cutoff_min=0.01)[1])
    assert assignment.placed.sum() == assignment.most_placed == assignment.least_walk_s == 0
    assert assignment.taken.tolist() == [0, 0]
    assert assignment.need.sum() == 147.5


def test_every_capacity_is_unknown(case):
    table = case.facilities.table.assign(beds=math.nan)
    dark = replace(case, facilities=replace(case.facilities, table=table))
    reach, pairs = measured(dark)
    table = room_table(dark, reach, assign_places(dark, pairs))
    assert table["placed"].tolist() == [0, 0]
    assert table["room_unknown"].tolist() == [150, 130]


# The transport problem ------------------------------------------------------------------------------------------------


@st.composite
def problems(draw):
    k, f = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    # few different walks, so that cells with the same choices turn up
    options = st.dictionaries(st.integers(0, f - 1), st.sampled_from([0, 1, 2, 60_000, 60_001, 900_000]), min_size=1)
    chosen = [sorted(draw(options).items()) for _ in range(k)]
    need = draw(st.lists(st.integers(0, 12), min_size=k, max_size=k))
    capacity = draw(st.lists(st.integers(0, 15), min_size=f, max_size=f))
    return chosen, need, capacity


def solved(chosen, need, capacity):
    ptr = np.concatenate([[0], np.cumsum([len(row) for row in chosen])]).astype(np.int64)
    flat = [entry for row in chosen for entry in row]
    facility = np.array([j for j, _ in flat], np.int32)
    walk_ms = np.array([ms for _, ms in flat], np.int64)
    return transport(np.array(need, float), np.array(capacity, float), ptr, facility, walk_ms), ptr, facility, walk_ms


@fuzz
@given(problems())
def test_transport_equals_networkx(problem):
    chosen, need, capacity = problem
    found, _, _, walk_ms = solved(*problem)
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for cell, row in enumerate(chosen):
        graph.add_edge("from", ("cell", cell), capacity=need[cell], weight=0)
        for j, ms in row:
            graph.add_edge(("cell", cell), ("facility", j), weight=ms, capacity=1000)
    for j, room in enumerate(capacity):
        graph.add_edge(("facility", j), "to", capacity=room, weight=0)
    flow = nx.max_flow_min_cost(graph, "from", "to")
    assert found.flow.sum() == pytest.approx(sum(flow["from"].values()), abs=1e-7)
    assert (found.flow * walk_ms).sum() == pytest.approx(nx.cost_of_flow(graph, flow), abs=1e-3)
    # the bounds are those of nobody's word
    assert found.most == pytest.approx(found.flow.sum(), abs=1e-7)
    assert found.least_ms == pytest.approx((found.flow * walk_ms).sum(), rel=1e-6, abs=1e-2)


@fuzz
@given(problems(), st.floats(0.1, 3))
def test_no_capacity_is_exceeded_and_nobody_is_sent_twice(problem, fraction):
    chosen, need, capacity = problem
    parts = [n * fraction for n in need]
    found, ptr, facility, _ = solved(chosen, parts, capacity)
    assert (found.flow >= 0).all()
    assert (np.bincount(facility, found.flow, len(capacity)) <= np.array(capacity) + 1e-9).all()
    cell = np.repeat(np.arange(len(need)), np.diff(ptr))
    assert (np.bincount(cell, found.flow, len(need)) <= np.array(parts) + 1e-9).all()


def test_cells_in_the_same_place_fare_the_same():
    """Three cells with the same walks and one facility: a third of each need is met, whatever its size."""
    found, *_ = solved([[(0, 5)], [(0, 5)], [(0, 5)]], [3, 6, 9], [6])
    np.testing.assert_allclose(found.flow, [1, 2, 3])


def test_one_more_place_is_worth_any_detour():
    """Cell 0 must go to the far facility so that cell 1, which reaches only the near one, finds room."""
    found, *_ = solved([[(0, 0), (1, 900_000)], [(0, 900_000)]], [1, 1], [1, 1])
    np.testing.assert_allclose(found.flow, [0, 1, 1])


# On a case ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return wr.prepare(wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02)))


@pytest.mark.parametrize("name", ["elder_care", "nursery"])
def test_every_person_of_the_sample_is_in_one_class(sample, name):
    service = sample.study.services[name]
    reach, pairs = measure_reach(sample, service), pairs_within(sample, service)
    assignment = assign_places(sample, pairs)
    table = room_table(sample, reach, assignment)
    classes = ["placed", "no_room", "room_unknown", *(s.key for s in Status if s is not Status.SERVED)]
    np.testing.assert_allclose(table[classes].sum(axis=1), table["people"], rtol=1e-12)
    assert table["people"].sum() == pytest.approx(sample.people_of(service.people).sum())
    assert (table[["placed", "no_room", "room_unknown"]].sum() > 0).all()
    assert (assignment.taken <= assignment.capacity + 1e-9).all()
    assert (assignment.placed <= assignment.need + 1e-9).all()
    assert assignment.taken.sum() == pytest.approx(assignment.placed.sum())
    assert assignment.most_placed == pytest.approx(assignment.placed.sum(), rel=1e-9)
    assert assignment.least_walk_s == pytest.approx(assignment.walk_s, rel=1e-6)
    assert not assignment.placed[~reach.covered].any()


@pytest.mark.parametrize("name", ["elder_care", "nursery"])
def test_nearest_people_of_the_sample_are_the_served_ones(sample, name):
    service = sample.study.services[name]
    reach, pairs = measure_reach(sample, service), pairs_within(sample, service)
    loads = facility_loads(sample, reach, pairs)
    people = sample.people_of(service.people)
    assert loads["nearest_people"].sum() == pytest.approx(people[reach.covered].sum())
    assert (loads["nearest_people"] <= loads["catchment_people"] + 1e-9).all()
    need = places_needed(sample, service)
    assert loads["catchment_need"].sum() == pytest.approx(need[pairs.cell].sum())
