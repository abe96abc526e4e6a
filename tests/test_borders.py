"""The reach that crosses no border, against networkx on the streets of one area after the other."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import shapely

import withinreach as wr
from test_reach import graph_with_places
from withinreach.model import Areas
from withinreach.reach import measure_own_reach, measure_reach, own_grounds
from withinreach.sources.sample import write_sample


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return wr.prepare(wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02)))


@pytest.mark.parametrize("name", ["elder_care", "clinic"])
def test_every_cell_equals_networkx_on_the_streets_of_its_own_area(case, name):
    service = case.study.services[name]
    rows = case.facility_rows(service.kinds)
    rows = rows[case.facilities.snapped[rows]]
    whole = graph_with_places(case, rows)
    want = np.full(len(case.people), np.inf)
    for area, shape in enumerate(case.areas.table.geometry):
        far = shapely.distance(shape, shapely.points(case.network.xy)) > case.study.network.snap_cap_m
        graph = whole.copy()
        graph.remove_nodes_from(("node", node) for node in np.flatnonzero(far).tolist())
        own = {("facility", int(row)) for row in rows[case.facilities.area[rows] == area]}
        lengths = nx.multi_source_dijkstra_path_length(graph, own) if own else {}
        for cell in np.flatnonzero(case.people.area == area).tolist():
            want[cell] = lengths.get(("cell", cell), np.inf) / 1000
    got = measure_own_reach(case, service, own_grounds(case))
    np.testing.assert_array_equal(got.level_m, want)
    assert (got.level_m > measure_reach(case, service).level_m).any()


@pytest.mark.parametrize("name", ["elder_care", "nursery", "clinic", "veterans"])
def test_nobody_is_nearer_than_with_what_lies_across(case, name):
    service = case.study.services[name]
    own, reach = measure_own_reach(case, service, own_grounds(case)), measure_reach(case, service)
    assert (own.seconds >= reach.seconds).all()
    connected = own.nearest >= 0
    assert (case.facilities.area[own.nearest[connected]] == case.people.area[connected]).all()


def test_with_one_area_there_is_nothing_across(case):
    shape = shapely.box(*case.network.vertex_xy.min(axis=0), *case.network.vertex_xy.max(axis=0)).buffer(50_000)
    one = Areas(case.areas.table.head(1).set_geometry([shape], crs=case.areas.table.crs))
    alone = replace(
        case,
        areas=one,
        people=replace(case.people, area=np.zeros_like(case.people.area)),
        facilities=replace(case.facilities, area=np.zeros_like(case.facilities.area)),
    )
    for service in case.study.services.values():
        own, reach = measure_own_reach(alone, service, own_grounds(alone)), measure_reach(alone, service)
        np.testing.assert_array_equal(own.level_m, reach.level_m)
        np.testing.assert_array_equal(own.nearest, reach.nearest)
        np.testing.assert_array_equal(own.status, reach.status)
