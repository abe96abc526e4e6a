"""Reach on a whole case against networkx, with every place inserted into the graph as a node of its own."""

from __future__ import annotations

from collections import defaultdict
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import withinreach as wr
from withinreach.reach import Status, measure_reach
from withinreach.sources.sample import write_sample

if TYPE_CHECKING:
    from withinreach.model import Case, Network


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    return wr.prepare(wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02)))


def test_people_of_every_unit_are_those_of_the_census(case):
    """Units, bands and groups, from twenty rasters and fifteen polygons to one table."""
    with (files("withinreach.sources.sample") / "census_2020.csv").open(encoding="utf-8") as file:
        census = pd.read_csv(file, comment="#", dtype={"code": str}).set_index("code")
    by_unit = case.people.table.groupby(case.areas.table["code"].to_numpy()[case.people.area]).sum()
    bands = [column for column in census.columns if column.isdigit()]
    old = [band for band in bands if int(band) >= 60]
    for code, row in census.iterrows():
        assert by_unit.loc[code, "all"] == row[bands].sum()
        assert by_unit.loc[code, "age_60_plus"] == row[old].sum()
        assert by_unit.loc[code, "age_0_2"] == row["00"] + row["01"] / 2
    assert case.audit.population.loc["read", "all"] == 6_251_929
    assert case.audit.population.loc["read", "age_60_plus"] == 1_105_560


def graph_with_places(case: Case, facilities: np.ndarray) -> nx.Graph:
    """Streets split where places meet them: ``("at", segment, mm)``; each place hangs there by its access leg."""
    network, stops = case.network, defaultdict(dict)
    graph = nx.Graph()
    for prefix, places, rows in (
        ("cell", case.people, range(len(case.people))),
        ("facility", case.facilities, facilities),
    ):
        for row in rows:
            segment = int(places.segment[row])
            if segment >= 0:
                stop = ("at", segment, int(places.offset_mm[row]))
                stops[segment][stop[2]] = stop
                graph.add_edge((prefix, int(row)), stop, weight=int(places.access_mm[row]))
    for segment in range(network.n_segments):
        for a, b, mm in split_segment(network, segment, stops[segment]):
            # of parallel ways the shorter one counts
            if not graph.has_edge(a, b) or graph[a][b]["weight"] > mm:
                graph.add_edge(a, b, weight=mm)
    return graph


def split_segment(network: Network, segment: int, stops: dict[int, tuple]):
    length = int(network.length_mm[segment])
    ends = [
        (0, ("node", int(network.tail[segment]))),
        *sorted(stops.items()),
        (length, ("node", int(network.head[segment]))),
    ]
    for (start, a), (end, b) in pairwise(ends):
        yield a, b, end - start


@pytest.mark.parametrize("name", ["elder_care", "clinic"])
def test_every_cell_of_a_case_equals_networkx(case, name):
    service = case.study.services[name]
    reach = measure_reach(case, service)
    rows = case.facility_rows(service.kinds)
    rows = rows[case.facilities.snapped[rows]]
    graph = graph_with_places(case, rows)
    lengths = nx.multi_source_dijkstra_path_length(graph, {("facility", int(row)) for row in rows})
    want = np.array([lengths.get(("cell", row), np.inf) for row in range(len(case.people))]) / 1000
    np.testing.assert_array_equal(reach.level_m, want)
    assert np.isfinite(want).sum() > 5_000


def test_nearest_is_the_lowest_row_among_equals(case):
    """Walk from single facilities: the named one is as near as any, and no lower row is."""
    service = case.study.services["veterans"]
    reach = measure_reach(case, service)
    rows = case.facility_rows(service.kinds)
    rows = rows[case.facilities.snapped[rows]]
    graph = graph_with_places(case, rows)
    best = np.full(len(case.people), np.inf)
    nearest = np.full(len(case.people), -1)
    for row in rows:  # ascending, so a later row must be strictly nearer
        lengths = nx.single_source_dijkstra_path_length(graph, ("facility", int(row)))
        metres = np.array([lengths.get(("cell", cell), np.inf) for cell in range(len(case.people))])
        nearer = metres < best
        best[nearer], nearest[nearer] = metres[nearer], row
    np.testing.assert_array_equal(reach.nearest, nearest)


def test_every_status_is_consistent_with_its_reason(case):
    service = case.study.services["elder_care"]
    reach = measure_reach(case, service)
    statuses = {status: reach.status == status for status in Status}
    assert sum(here.sum() for here in statuses.values()) == len(case.people)
    assert (reach.seconds[statuses[Status.SERVED]] <= service.cutoff_s).all()
    too_far = reach.seconds[statuses[Status.TOO_FAR]]
    assert (too_far > service.cutoff_s).all()
    assert np.isfinite(too_far).all()
    assert np.isinf(reach.seconds[statuses[Status.NOT_CONNECTED]]).all()
    assert case.people.snapped[statuses[Status.NOT_CONNECTED]].all()
    assert not case.people.snapped[statuses[Status.NOT_SNAPPED]].any()
    for status in (Status.SERVED, Status.TOO_FAR, Status.NOT_CONNECTED, Status.NOT_SNAPPED):
        assert statuses[status].any(), f"the sample city shows no cell that is {status.key}"


def test_seconds_are_metres_at_the_profiles_speed(case):
    service = case.study.services["elder_care"]
    reach = measure_reach(case, service)
    speed = case.study.profiles[service.profile].speed_m_s
    connected = reach.nearest >= 0
    np.testing.assert_allclose(reach.seconds[connected], reach.level_m[connected] / speed, rtol=1e-12)
    np.testing.assert_array_equal(np.isinf(reach.seconds), ~connected)


def test_no_way_is_shorter_than_the_straight_line(case):
    reach = measure_reach(case, case.study.services["clinic"])
    connected = reach.nearest >= 0
    straight = np.hypot(*(case.people.xy[connected] - case.facilities.xy[reach.nearest[connected]]).T)
    # Offsets along a segment are rounded to the millimetre, at each of the two ends.
    assert (reach.level_m[connected] >= straight - 0.002).all()
