"""Graphs of real cities as OSMnx and momepy make them: in, out and back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import osmium
import osmnx as ox
import pytest
import shapely
from click.testing import CliRunner

from graph_cases import (
    assert_equal_networks,
    assert_same_ways,
    prepared,
    told,
    written,
)
from withinreach.cli import cli
from withinreach.model import Network

if TYPE_CHECKING:
    import networkx as nx


@pytest.fixture(scope="module")
def helsinki(shared, tmp_path_factory) -> nx.MultiDiGraph:
    """The ways in the middle of the extract as OSMnx makes a graph of them, in degrees."""
    pbf = str(shared / "helsinki" / "network" / "Helsinki.osm.pbf")
    xml = tmp_path_factory.mktemp("helsinki") / "streets.osm"
    middle = shapely.box(24.939, 60.167, 24.950, 60.176)
    nodes = [(node.id, node.lon, node.lat) for node in osmium.FileProcessor(pbf, osmium.osm.NODE)]
    ids, lon, lat = (np.array(column) for column in zip(*nodes, strict=True))
    here = set(ids[shapely.contains_xy(middle, lon, lat)].tolist())
    with osmium.SimpleWriter(str(xml)) as writer:
        for item in osmium.FileProcessor(pbf, osmium.osm.NODE | osmium.osm.WAY):
            if item.is_node():
                writer.add(item)
            elif "highway" in item.tags:
                writer.add(item.replace(nodes=[node.ref for node in item.nodes if node.ref in here]))
    return ox.graph_from_xml(xml, simplify=False)


def test_the_graph_of_new_york_that_momepy_ships(shared):
    path = shared / "small_networks" / "nyc_graph.graphml"
    graph = ox.load_graphml(path)
    network = Network.from_networkx(graph)
    assert (network.n_nodes, network.n_segments) == (len(graph), graph.number_of_edges()) == (46, 73)
    assert_same_ways(graph, network, 46)
    read, found = prepared(path, "EPSG:32618", "EPSG:32618")
    assert_equal_networks(read, network)
    assert told(found, "graph_lengths") == ["edges state 8.6 km where they draw 8.6 km; 0 streets state none"]
    assert told(found, "graph_lengths_longer") == []


@pytest.mark.parametrize("simplified", [False, True])
def test_helsinki_in_memory_and_as_a_file(helsinki, simplified, tmp_path, measured):
    crs = "EPSG:3879"
    graph = ox.simplify_graph(helsinki) if simplified else helsinki
    projected = ox.project_graph(graph, to_crs=crs)
    network = Network.from_networkx(projected)
    assert network.n_segments == ox.convert.to_undirected(projected).number_of_edges()
    assert_same_ways(projected, network, 5)
    read, found = prepared(written(tmp_path / "x.graphml", graph), "wgs84", crs)
    assert (read.n_nodes, read.n_segments) == (network.n_nodes, network.n_segments)
    np.testing.assert_allclose(read.xy, network.xy, atol=1e-6)
    # positions are projected by pyproj in both, but not in arrays of the same size
    np.testing.assert_allclose(read.arc_mm, network.arc_mm, atol=1)
    stated_m = sum(data["length"] for *_, data in ox.convert.to_undirected(projected).edges(data=True))
    drawn_m = network.length_mm.sum() / 1000
    assert abs(stated_m / drawn_m - 1) < 0.005
    measured(
        f"OSMnx {'simplified' if simplified else 'unsimplified'}: {graph.number_of_edges()} edges, "
        f"{network.n_segments} streets; lengths along the sphere {stated_m / drawn_m - 1:+.2%} against {crs}"
    )
    assert told(found, "graph_lengths_longer") == []


def test_a_network_walks_out_to_osmnx_and_back_in(helsinki, tmp_path):
    crs = "EPSG:3879"
    network = Network.from_networkx(ox.project_graph(ox.simplify_graph(helsinki), to_crs=crs))
    out = network.to_networkx(crs)
    ox.convert.validate_graph(out)
    nodes, edges = ox.convert.graph_to_gdfs(out)
    assert len(nodes) == network.n_nodes
    assert len(edges) == 2 * network.n_segments
    assert ox.convert.to_undirected(out).number_of_edges() == network.n_segments
    stats = ox.stats.basic_stats(out)
    assert stats["street_length_total"] == pytest.approx(network.length_mm.sum() / 1000)
    assert stats["streets_per_node_avg"] == pytest.approx(2 * network.n_segments / network.n_nodes)
    path = written(tmp_path / "out.graphml", out)
    assert_equal_networks(Network.from_networkx(ox.load_graphml(path)), network)
    read, _ = prepared(path, crs, crs)
    same = [field.name for field in fields(Network) if field.name.startswith("arc")]
    assert all(np.array_equal(getattr(read, name), getattr(network, name)) for name in same)


def test_the_command_tells_what_a_graph_gives(shared):
    path = shared / "small_networks" / "nyc_graph.graphml"
    done = CliRunner().invoke(cli, ["network", str(path), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    assert (report["datum"], report["nodes"], report["edges"]) == ("EPSG:32618", 46, 73)
    assert {finding["rule"] for finding in report["findings"]} == {"graph_streets", "graph_lengths"}
