"""Graphs in OSMnx's conventions, in memory and as GraphML files: in, out, and what is told on the way."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from conftest import EAST, NODES, NORTH, STREETS
from graph_cases import (
    CRS,
    assert_equal_networks,
    assert_same_ways,
    graph_of,
    prepared,
    told,
    written,
)
from withinreach.errors import CrsError, SourceError
from withinreach.model import Network

quick = settings(max_examples=60, deadline=None)

# Cases drawn by hand ------------------------------------------------------------------------------------------------

#   2 ----- 3
#   |       |      100 m apart
#   0 ----- 1
SQUARE = {0: (0, 0), 1: (100, 0), 2: (0, 100), 3: (100, 100)}
BOW = [(0, 0), (50, 50), (100, 0)]


def lengths(graph) -> list[int]:
    return sorted((Network.from_networkx(graph).length_mm / 1000).round(1).tolist())


@pytest.mark.parametrize(
    ("edges", "want"),
    [
        ([(0, 1, {})], [100]),
        ([(0, 1, {}), (1, 0, {})], [100]),
        ([(0, 1, {}), (0, 1, {})], [100]),
        ([(0, 1, {}), (1, 0, {"geometry": [(100, 0), (0, 0)]})], [100]),
        ([(0, 1, {}), (0, 1, {"geometry": BOW})], [100, 141.4]),
        ([(0, 1, {"geometry": BOW}), (1, 0, {"geometry": BOW[::-1]})], [141.4]),
        ([(0, 1, {"geometry": BOW[::-1]}), (1, 0, {"geometry": BOW})], [141.4]),
        ([(0, 1, {"highway": "steps"}), (1, 0, {"highway": "footway"})], [100, 100]),
        ([(0, 1, {"highway": ["steps", "path"]}), (1, 0, {"highway": ["path", "steps"]})], [100]),
        ([(0, 1, {}), (2, 2, {"geometry": [(0, 100), (30, 140), (0, 150), (0, 100)]})], [100, 131.6]),
        (
            [
                (2, 2, {"geometry": [(0, 100), (30, 140), (0, 150), (0, 100)]}),
                (2, 2, {"geometry": [(0, 100), (0, 150), (30, 140), (0, 100)]}),
            ],
            [131.6],
        ),
        ([(0, 1, {}), (2, 2, {})], [100]),
        ([(0, 1, {"length": 7.0})], [100]),
        ([(0, 1, {"geometry": [(10, 0), (90, 0)]})], [100]),
        ([(0, 1, {"geometry": [(90, 0), (10, 0)]})], [100]),
    ],
    ids=[
        "one way",
        "both ways",
        "twice",
        "both ways, one of them drawn",
        "parallel",
        "both ways, drawn",
        "both ways, drawn against their direction",
        "parallel and not of one kind",
        "kinds in another order",
        "a loop",
        "a loop both ways",
        "a loop of no length",
        "a length that is not drawn",
        "drawn away from its nodes",
        "drawn away from its nodes and against its direction",
    ],
)
def test_edges_become_streets(edges, want):
    assert lengths(graph_of(SQUARE, edges)) == want


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_any_kind_of_graph_is_a_network(kind):
    graph = graph_of(SQUARE, [(0, 1, {}), (1, 3, {}), (3, 2, {"geometry": [(100, 100), (50, 120), (0, 100)]})], kind)
    network = Network.from_networkx(graph)
    assert network.n_segments == 3
    assert_same_ways(nx.MultiDiGraph(graph), network, 4)


def test_nodes_join_streets_and_positions_do_not():
    """A footbridge that begins right above the street below it."""
    nodes = {"street": (0, 0), "bridge": (0, 0), "far": (100, 0), "over": (0, 100)}
    network = Network.from_networkx(graph_of(nodes, [("street", "far", {}), ("bridge", "over", {})]))
    assert network.n_nodes == 4
    assert network.component.max() == 1


def test_stairs_crossings_and_slopes_go_in_and_out():
    edges = [
        (0, 1, {"highway": "steps", "uphill": 1.5}),
        (1, 0, {"highway": "steps", "uphill": 1.25}),
        (1, 3, {"footway": "crossing"}),
        (3, 2, {"highway": ["footway", "steps"], "uphill": "1.75"}),
    ]
    network = Network.from_networkx(graph_of(SQUARE, edges))
    told = {
        (tuple(network.xy[t]), tuple(network.xy[h])): (steps, crossing, *uphill)
        for t, h, steps, crossing, uphill in zip(
            network.tail, network.head, network.steps, network.crossing, network.uphill.T, strict=True
        )
    }
    assert told == {
        ((0, 0), (100, 0)): (True, False, 1.5, 1.25),
        ((100, 0), (100, 100)): (False, True, 1.0, 1.0),
        ((100, 100), (0, 100)): (True, False, 1.75, 1.0),
    }
    assert_equal_networks(Network.from_networkx(network.to_networkx(CRS)), network)


WRONG = {
    "no position": (graph_of(SQUARE, [(0, 1, {}), (1, 9, {})]), SourceError, "node 9: no x and y"),
    "a point": (graph_of(SQUARE, []), SourceError, "edge 0 - 1: its geometry is Point, not LineString"),
    "no street": (graph_of(SQUARE, [(2, 2, {})]), SourceError, "no edge has any length"),
    "no edge": (graph_of(SQUARE, []), SourceError, "no edge has any length"),
    "degrees": (graph_of(SQUARE, [(0, 1, {})], crs="EPSG:4326"), CrsError, "ox.project_graph"),
    "web mercator": (graph_of(SQUARE, [(0, 1, {})], crs="EPSG:3857"), CrsError, "cannot measure walking distances"),
    "an unknown crs": (graph_of(SQUARE, [(0, 1, {})], crs="mine"), CrsError, "mine, is not known"),
    "no crs": (nx.Graph(), CrsError, "the graph has no crs"),
    "an infinite vertex": (
        graph_of(SQUARE, [(0, 1, {"geometry": [(0, 0), (50, np.inf), (100, 0)]})]),
        SourceError,
        "edge 0 - 1: its geometry has a vertex without a position",
    ),
}
WRONG["a point"][0].add_edge(0, 1, geometry=shapely.Point(0, 0))


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_graph_of_streets_is_told_in_one_line(case):
    graph, error, reason = WRONG[case]
    with pytest.raises(error, match=reason) as caught:
        Network.from_networkx(graph)
    assert len(caught.value.problems) == 1


# Any graph ----------------------------------------------------------------------------------------------------------

corners = st.integers(0, 8)
bends = st.none() | st.tuples(st.integers(0, 200), st.integers(0, 200))
any_edges = st.lists(st.tuples(corners, corners, bends), min_size=1, max_size=20)


def drawn_graph(edges) -> nx.MultiDiGraph:
    """Edges between nine corners, straight or by way of one bend."""
    nodes = {i: (100.0 * (i % 3), 100.0 * (i // 3)) for i in range(9)}
    told = [(u, v, {} if at is None else {"geometry": [nodes[u], at, nodes[v]]}) for u, v, at in edges]
    return graph_of(nodes, told)


def has_length(edges) -> bool:
    return any(u != v or at not in (None, (100 * (u % 3), 100 * (u // 3))) for u, v, at in edges)


@quick
@given(any_edges.filter(has_length))
def test_ways_through_any_graph_equal_those_of_networkx(edges):
    graph = drawn_graph(edges)
    assert_same_ways(graph, Network.from_networkx(graph), 9)


@quick
@given(any_edges.filter(has_length))
def test_a_network_comes_back_from_its_own_graph(edges):
    network = Network.from_networkx(drawn_graph(edges))
    slopes = 1 + np.arange(2 * network.n_segments).reshape(2, -1) / 64
    loops = network.tail == network.head
    slopes[1, loops] = slopes[0, loops]
    flags = {"steps": np.arange(network.n_segments) % 3 == 0, "crossing": np.arange(network.n_segments) % 2 == 0}
    network = replace(network, uphill=slopes, **flags)
    assert_equal_networks(Network.from_networkx(network.to_networkx(CRS)), network)


@quick
@given(any_edges.filter(has_length))
def test_the_streets_of_a_graph_do_not_depend_on_the_direction_of_its_edges(edges):
    graph = drawn_graph(edges)
    both = drawn_graph([*edges, *[(v, u, at) for u, v, at in edges[::2]]])
    assert_equal_networks(Network.from_networkx(both), Network.from_networkx(graph))


# Files --------------------------------------------------------------------------------------------------------------


def test_the_town_as_a_graph_gives_the_same_figures(town):
    """Both ways where the name of the first node comes first in the alphabet, one way elsewhere."""
    nodes = {name: (EAST + x, NORTH + y) for name, (x, y) in NODES.items()}
    edges = [(a, b, {"highway": ["residential", "service"]}) for a, b in STREETS]
    edges += [(b, a, told) for a, b, told in edges[:2]]
    ids = {name: i for i, name in enumerate(nodes)}
    graph = nx.relabel_nodes(graph_of(nodes, edges), ids)
    written(town.parent / "streets.graphml", graph)
    before = wr.analyse(wr.prepare(wr.load_study(town)))
    town.write_text(town.read_text(encoding="utf-8").replace("streets.geojson", "streets.graphml"), encoding="utf-8")
    after = wr.analyse(wr.prepare(wr.load_study(town)))
    for service in before.tables:
        assert after.table(service).equals(before.table(service))
    (reason,) = told(after.case.audit.findings, "graph_streets")
    assert reason.startswith("the graph has 5 streets; 2 more edges are the other direction of one")
    assert reason.endswith("3 have one direction only")


def test_what_became_of_the_edges_is_told(tmp_path):
    nodes = SQUARE | {4: (500, 500), 5: (100, 100)}
    edges = [
        (0, 1, {"length": 100.4}),
        (1, 0, {"length": 100.4}),
        (1, 3, {"length": 130.0, "highway": ["steps", "path"]}),
        (3, 2, {"geometry": [(100, 101), (0, 100)], "grade": 0.1, "length": 100.0}),
        (3, 5, {"length": 0.0}),
    ]
    network, found = prepared(written(tmp_path / "x.graphml", graph_of(nodes, edges)))
    assert network.n_segments == 3
    assert network.steps.sum() == 1
    want = {
        "graph_streets": "the graph has 3 streets; 1 more edges are the other direction of one or draw it again; "
        "2 have one direction only",
        "graph_left_out": "1 edges have no length and 1 nodes no edge",
        "graph_straight": "4 edges have no geometry",
        "graph_ends": "1 ends of lines are drawn away from their node, up to 1.0 m",
        "graph_stairs": "1 edges are stairs in part",
        "graph_slopes": "1 edges state a slope",
        "graph_lengths": "edges state 0.3 km where they draw 0.3 km; 0 streets state none",
        "graph_lengths_longer": "1 streets state over 2 % more than they draw, 0.03 km in all; "
        "they may not be drawn in full",
    }
    assert {rule: told(found, rule) for rule in want} == {rule: [text] for rule, text in want.items()}


@pytest.mark.parametrize(
    ("excluded", "left"),
    [(("steps",), 3), (("path", "steps"), 1), (("path;steps",), 3), (("path",), 3)],
)
def test_streets_of_several_kinds_are_excluded_if_all_of_them_are(tmp_path, excluded, left):
    edges = [(0, 1, {"highway": "residential"}), (1, 3, {"highway": ["steps", "path"]})]
    edges += [(3, 2, {"highway": "steps"}), (2, 0, {"highway": "path"})]
    path = written(tmp_path / "x.graphml", graph_of(SQUARE, edges))
    network, _ = prepared(path, exclude={"highway": excluded})
    assert network.n_segments == left


def test_any_attribute_of_edges_can_be_excluded_by(tmp_path):
    edges = [(0, 1, {"access": "private"}), (1, 3, {"access": "yes"}), (3, 2, {})]
    path = written(tmp_path / "x.graphml", graph_of(SQUARE, edges))
    network, found = prepared(path, exclude={"access": ("private",)})
    assert network.n_segments == 2
    assert told(found, "streets_excluded") == ["1 lines excluded by access: private 1"]
    with pytest.raises(SourceError, match="no column 'highway'"):
        prepared(path, exclude={"highway": ("steps",)})


GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="crs" for="graph" attr.name="crs" attr.type="string"/>
  <key id="x" for="node" attr.name="x" attr.type="double"><default>7</default></key>
  <key id="y" for="node" attr.name="y" attr.type="double"/>
  <key id="other" for="edge" attr.name="name" attr.type="string"/>
  <graph edgedefault="undirected">
    <edge source="a" target="b"><data key="other">x</data></edge>
    <node id="a"><data key="y">0</data></node>
    <node id="b"><data key="x">107</data><data key="y">0</data></node>
    CRS
  </graph>
</graphml>
"""


@pytest.mark.parametrize("where", ["<data key='crs'>EPSG:4547</data>", ""])
def test_other_programs_may_write_edges_first_and_defaults_and_no_crs(tmp_path, where):
    path = tmp_path / "x.graphml"
    path.write_text(GRAPHML.replace("CRS", where), encoding="utf-8")
    network, found = prepared(path)
    assert network.length_mm.tolist() == [100_000]
    assert told(found, "graph_streets")[0].endswith("0 have one direction only")


BAD_FILES = {
    "not xml": ("PK\x03\x04", CRS, {}, "cannot be read as GraphML"),
    "cut off": (GRAPHML[:600], CRS, {}, "cannot be read as GraphML"),
    "no nodes": ("<graphml/>", CRS, {}, "no edge has any length"),
    "an edge to nowhere": (GRAPHML.replace('target="b"', ""), CRS, {}, "an element lacks its 'target'"),
    "a node without a position": (GRAPHML.replace('target="b"', 'target="c"'), CRS, {}, "node c: no x and y"),
    "a hyperedge": (GRAPHML.replace("CRS", "<hyperedge/>"), CRS, {}, "hyperedge"),
    "bad geometry": (
        GRAPHML.replace('attr.name="name"', 'attr.name="geometry"'),
        CRS,
        {},
        "cannot be read as GraphML",
    ),
    "an unknown crs": (GRAPHML.replace("CRS", "<data key='crs'>mine</data>"), CRS, {}, "its crs, 'mine', is not known"),
    "another crs": (GRAPHML.replace("CRS", "<data key='crs'>EPSG:4326</data>"), CRS, {}, "the file says WGS 84"),
    "metres for degrees": (GRAPHML.replace("CRS", f"<data key='crs'>{CRS}</data>"), "wgs84", {}, "which means degrees"),
    "to be cleaned": (GRAPHML, CRS, {"clean": {"planarise": True}}, "network.clean would join bridges"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_used_is_told_in_one_line(tmp_path, case):
    text, datum, layer, reason = BAD_FILES[case]
    path = tmp_path / "x.graphml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(wr.CoverageError) as caught:
        prepared(path, datum, **layer)
    (problem,) = caught.value.problems
    assert str(path) in problem
    assert reason in problem


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        prepared(tmp_path / "x.graphml")
