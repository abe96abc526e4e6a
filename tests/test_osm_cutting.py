"""Where the ways of OpenStreetMap are cut into lines."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from osm_document import PATH, TRUNK, components, document, metres, network_of, read_document
from withinreach.errors import SourceError
from withinreach.sources.osm import read_osm
from withinreach.sources.way_cutting import WayNodes, cut_ways


@pytest.fixture
def osm(tmp_path):
    """Write a document and read the streets of it."""
    return partial(read_document, tmp_path / "streets.osm")


# Where ways are cut -----------------------------------------------------------------------------------------------


def test_ways_meet_where_they_share_a_node_and_only_there(osm):
    nodes = {1: (-100, 0), 2: (0, 0), 3: (100, 0), 4: (0, -50), 5: (0, 70), 6: (40, -50), 7: (40, 70)}
    streets = osm(nodes, [((1, 2, 3), PATH), ((4, 2, 5), PATH), ((6, 7), PATH)])
    assert metres(streets) == [50, 70, 100, 100, 120]  # the last one crosses on a bridge
    assert components(streets) == 2
    ends = shapely.get_coordinates(streets.lines.geometry[streets.lines["osm_id"] < 102].boundary)
    assert Counter(map(tuple, ends))[tuple(shapely.get_coordinates(streets.lines.geometry)[1])] == 4  # exactly equal


def test_ways_that_meet_at_their_ends_stay_whole(osm):
    nodes = {1: (0, 0), 2: (30, 40), 3: (60, 0), 4: (100, 0)}
    streets = osm(nodes, [((1, 2, 3), PATH), ((3, 4), PATH)])
    assert metres(streets) == [40, 100]
    assert components(streets) == 1


def test_a_roundabout_is_cut_at_its_arms(osm):
    nodes = {1: (0, 0), 2: (30, 0), 3: (30, 30), 4: (0, 30), 5: (-50, 0), 6: (80, 30)}
    streets = osm(nodes, [((1, 2, 3, 4, 1), PATH), ((5, 1), PATH), ((3, 6), PATH)])
    assert metres(streets) == [50, 50, 60, 60]
    assert components(streets) == 1


def test_an_arm_in_the_middle_of_a_closed_way_cuts_it_there_and_at_its_start(osm):
    nodes = {1: (0, 0), 2: (30, 0), 3: (30, 30), 4: (0, 30), 6: (80, 30)}
    assert metres(osm(nodes, [((1, 2, 3, 4, 1), PATH), ((3, 6), PATH)])) == [50, 60, 60]


def test_a_way_that_touches_itself_is_cut_where_it_does(osm):
    nodes = {1: (0, 0), 2: (50, 0), 3: (90, 0), 4: (90, 30), 5: (50, 30)}
    streets = osm(nodes, [((1, 2, 3, 4, 5, 2), PATH)])  # a P
    assert metres(streets) == [50, 140]
    eight = {1: (0, 0), 2: (-20, 20), 3: (-20, -20), 4: (20, 20), 5: (20, -20)}
    assert len(metres(osm(eight, [((1, 2, 3, 1, 4, 5, 1), PATH)]))) == 2


def test_a_closed_way_alone_is_one_line(osm):
    streets = osm({1: (0, 0), 2: (30, 0), 3: (30, 30)}, [((1, 2, 3, 1), PATH)])
    assert len(streets.lines) == 1
    assert streets.lines.geometry.iloc[0].is_ring


def test_a_square_is_walked_along_its_outline(osm):
    nodes = {1: (0, 0), 2: (30, 0), 3: (30, 30), 4: (0, 30), 5: (-50, 0), 6: (80, 30)}
    square = {"highway": "pedestrian", "area": "yes"}
    assert metres(osm(nodes, [((1, 2, 3, 4, 1), square), ((5, 1), PATH), ((3, 6), PATH)])) == [50, 50, 60, 60]


def test_a_square_that_is_a_relation_is_walked_along_its_outer_line(osm):
    nodes = {
        1: (0, 0),
        2: (30, 0),
        3: (30, 30),
        4: (0, 30),
        5: (-50, 0),
        6: (80, 30),
        7: (9, 9),
        8: (15, 9),
        9: (9, 15),
    }
    members = [(100, "outer"), (101, "inner")]
    ways = [((1, 2, 3, 4, 1), {}), ((7, 8, 9, 7), {}), ((5, 1), PATH), ((3, 6), PATH)]
    streets = osm(nodes, ways, relations=[(members, {"type": "multipolygon", "highway": "pedestrian"})])
    assert metres(streets) == [50, 50, 60, 60]
    assert streets.lines.set_index("osm_id")["highway"].loc[100].eq("pedestrian").all()
    closed = {"type": "multipolygon", "highway": "pedestrian", "foot": "no"}
    streets = osm(nodes, ways, relations=[(members, closed)])
    assert metres(streets) == [50, 50]
    assert streets.left_out[["osm_id", "key", "value"]].to_numpy().tolist() == [[100, "foot", "no"]]
    route = {"type": "route", "highway": "pedestrian"}
    assert metres(osm(nodes, ways, relations=[(members, route)])) == [50, 50]


def test_the_outline_of_a_square_that_is_a_street_itself_is_read_once(osm):
    nodes = {1: (0, 0), 2: (30, 0), 3: (30, 30)}
    relation = ([(100, "outer")], {"type": "multipolygon", "highway": "pedestrian"})
    streets = osm(nodes, [((1, 2, 3, 1), {"highway": "service"})], relations=[relation])
    assert streets.lines["highway"].tolist() == ["service"]


def test_a_closed_gate_divides_a_way_by_a_gap_of_centimetres(osm):
    nodes = {1: (0, 0), 2: (60, 0), 3: (100, 0)}
    streets = osm(nodes, [((1, 2, 3), PATH)], {2: {"barrier": "gate", "access": "private"}})
    assert components(streets) == 2
    assert network_of(streets).length_mm.sum() == pytest.approx(100_000 - 200, abs=20)
    (gap,) = streets.left_out.to_dict(orient="records")
    assert (gap["kind"], gap["osm_id"], gap["type"]) == ("barrier", 2, "gate")
    assert (gap["key"], gap["value"]) == ("access", "private")
    one, other = (set(line.coords) for line in streets.lines.geometry)
    assert len(set(gap["geometry"].coords) & one) == len(set(gap["geometry"].coords) & other) == 1


def test_a_closed_gate_where_one_way_ends_and_the_next_begins(osm):
    gate = {2: {"barrier": "gate", "locked": "yes"}}
    nodes = {1: (0, 0), 2: (60, 0), 3: (100, 0)}
    assert components(osm(nodes, [((1, 2), PATH), ((2, 3), PATH)], gate)) == 2
    assert components(osm(nodes, [((1, 2), PATH), ((3, 2), PATH)], gate)) == 2


def test_a_closed_gate_at_the_end_of_a_way_changes_nothing(osm):
    streets = osm({1: (0, 0), 2: (60, 0)}, [((1, 2), PATH)], {2: {"barrier": "gate", "locked": "yes"}})
    assert metres(streets) == [60]
    assert streets.left_out.empty


def test_a_closed_gate_on_a_junction_is_left_open_and_told(osm):
    nodes = {1: (0, 0), 2: (60, 0), 3: (100, 0), 4: (60, 30)}
    streets = osm(nodes, [((1, 2, 3), PATH), ((2, 4), PATH)], {2: {"barrier": "gate", "access": "private"}})
    assert components(streets) == 1
    assert tuple(remark[:2] for remark in streets.remarks) == (("barriers_on_junctions", {"count": 1}),)


def test_gates_nearer_to_each_other_than_the_gap_still_leave_two_ends(osm):
    gate = {"barrier": "gate", "locked": "yes"}
    nodes = {1: (0, 0), 2: (60, 0), 3: (60.05, 0), 4: (100, 0)}
    assert components(osm(nodes, [((1, 2, 3, 4), PATH)], {2: gate, 3: gate})) == 3


def test_a_gate_on_a_ring_opens_the_ring(osm):
    nodes = {1: (0, 0), 2: (30, 0), 3: (30, 30), 4: (0, 30), 5: (-50, 0)}
    ring = ((1, 2, 3, 4, 1), PATH)
    for gate in (1, 3):
        streets = osm(nodes, [ring], {gate: {"barrier": "gate", "locked": "yes"}})
        network = network_of(streets)
        assert (network.tail != network.head).all()
        assert network.component.max() == 0
    # from the arm both halves can be walked, but not through the gate
    streets = osm(nodes, [ring, ((5, 1), PATH)], {3: {"barrier": "gate", "locked": "yes"}})
    assert metres(streets) == [50, 60, 60]
    assert components(streets) == 1


def test_missing_nodes_divide_a_way_and_are_told(osm):
    nodes = {1: (0, 0), 2: (50, 0), 4: (90, 0), 5: (130, 0), 7: (300, 0)}
    streets = osm(nodes, [((9, 1, 2, 3, 4, 5, 3, 7, 8), PATH)])
    assert metres(streets) == [40, 50]  # 7 alone between two missing nodes is no line
    assert tuple(remark[:2] for remark in streets.remarks) == (("osm_nodes_missing", {"count": 3, "ways": 1}),)


def test_missing_nodes_of_what_is_left_out_anyway_are_not_told(osm):
    streets = osm({1: (0, 0), 2: (50, 0)}, [((1, 2), PATH), ((1, 2, 3), TRUNK)])
    assert streets.remarks == ()
    assert len(streets.left_out) == 1


def test_repeated_nodes_and_positions_out_of_range(osm):
    assert metres(osm({1: (0, 0), 2: (50, 0)}, [((1, 1, 2, 2), PATH)])) == [50]
    with pytest.raises(SourceError, match="their nodes are not in the file"):
        osm({1: (0, 0)}, [((1, 1), PATH)])


def test_latitudes_beyond_the_pole_count_as_missing(tmp_path):
    path = tmp_path / "x.osm"
    text = document({1: (0, 0), 2: (50, 0), 3: (70, 0)}, [((1, 2, 3), PATH)])
    lat = text.split('id="3" version="1" lat="')[1].split('"')[0]
    path.write_text(text.replace(lat, "95.0000000", 1) if text.count(lat) == 1 else _third_lat(text), encoding="utf-8")
    streets = read_osm(path)
    assert metres(streets) == [50]
    assert tuple(remark[:2] for remark in streets.remarks) == (("osm_nodes_missing", {"count": 1, "ways": 1}),)


def _third_lat(text: str) -> str:
    head, tail = text.split('id="3" version="1" lat="')
    return head + 'id="3" version="1" lat="95.0' + tail[tail.index('"') :]


# A slow, obvious twin -------------------------------------------------------------------------------------------


def naive_runs(ways, missing):
    """Nodes of ways without repetitions; a missing node divides a way, and a single node is no line."""
    runs = []
    for refs in ways:
        run = []
        for ref in [*refs, None]:
            if ref is None or ref in missing:
                runs.append(run)
                run = []
            elif not run or run[-1] != ref:
                run.append(ref)
    return [run for run in runs if len(run) > 1]


def naive_cut(ways, missing, closed):
    """Lines as tuples of (node, side), piece by piece; at a closed gate every line has a side of its own, else 0."""
    runs = naive_runs(ways, missing)
    uses = Counter(ref for run in runs for ref in run)
    arms = Counter(ref for run in runs for pair in pairwise(run) for ref in pair)
    gates = {ref for ref in closed if arms[ref] == 2}
    lines = []
    for run in runs:
        line = [run[0]]
        for ref in run[1:]:
            line.append(ref)
            if uses[ref] > 1 or ref in gates or len(line) == len(run):
                lines.append(line)
                line = [ref]
        if len(line) > 1:
            lines.append(line)
    side = iter(range(1, 10_000))
    return [tuple((ref, next(side) if ref in gates else 0) for ref in line) for line in lines], gates


@given(
    ways=st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=7), min_size=1, max_size=6),
    missing=st.sets(st.integers(0, 11), max_size=3),
    closed=st.sets(st.integers(0, 11), max_size=4),
)
def test_cutting_equals_its_slow_twin(ways, missing, closed):
    xy = {i: (0.001 * np.cos(i), 0.001 * np.sin(i)) for i in range(12)}  # no three in a line
    ref = np.array([r for way in ways for r in way], np.int64)
    lonlat = np.array([(np.nan, np.nan) if r in missing else xy[r] for r in ref.tolist()]).reshape(-1, 2)
    nodes = WayNodes(np.repeat(np.arange(len(ways)), [len(way) for way in ways]), ref, lonlat)
    cut = cut_ways(nodes, np.array(sorted(closed), np.int64))
    lines, gates = naive_cut(ways, missing, closed)
    for gate in gates:  # two arms along the same piece of street are one street, which no gate divides
        arms = [line[i][0] for line in lines for end, i in ((0, 1), (-1, -2)) if line[end][0] == gate]
        assume(len(set(arms)) == 2)

    assert len(cut.lines) == len(lines)
    assert set(cut.gate.tolist()) == gates
    twin = [sum(np.hypot(*np.subtract(xy[a], xy[b])) for (a, _), (b, _) in pairwise(t)) for t in lines]
    assert shapely.length(cut.lines) == pytest.approx(twin, abs=1e-5)
    graph = nx.MultiGraph()
    graph.add_edges_from((line[0], line[-1]) for line in lines)
    ours = nx.MultiGraph()
    ours.add_edges_from((line.coords[0], line.coords[-1]) for line in cut.lines)
    degrees = sorted(degree for _, degree in graph.degree())
    assert sorted(degree for _, degree in ours.degree()) == degrees
    sizes = sorted(graph.subgraph(c).number_of_edges() for c in nx.connected_components(graph))
    assert sorted(ours.subgraph(c).number_of_edges() for c in nx.connected_components(ours)) == sizes
