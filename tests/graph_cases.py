"""Graphs in OSMnx's conventions, and networks that are held against them."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import osmnx as ox
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from withinreach.model import Network, whole_mm_up
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.streets import prepare_network
from withinreach.study import NetworkLayer

CRS = "EPSG:4547"


def graph_of(nodes, edges, kind=nx.MultiDiGraph, crs=CRS) -> nx.Graph:
    """Nodes {id: (x, y)}, edges [(u, v, attributes)]; a geometry may be given as a list of positions."""
    graph = kind(crs=crs)
    for node, (x, y) in nodes.items():
        graph.add_node(node, x=float(x), y=float(y))
    for u, v, values in edges:
        line = {"geometry": shapely.LineString(values["geometry"])} if "geometry" in values else {}
        graph.add_edge(u, v, **(values | line))
    return graph


def written(path, graph):
    """A graph as OSMnx saves it."""
    ox.save_graphml(graph, path)
    return path


def prepared(path, datum=CRS, crs=CRS, **layer):
    findings = Findings()
    network = prepare_network(NetworkLayer(path=path, datum=datum, **layer), MetricFrame(crs), findings)
    return network, findings.table("en")


def told(findings, rule) -> list[str]:
    return findings.loc[findings["rule"] == rule, "reason"].tolist()


def network_distances(network: Network, source: int) -> np.ndarray:
    """Millimetres from a node to all others, by scipy; inf where there is no way."""
    n = network.n_nodes
    arcs = csr_array((network.arc_mm.astype(float), network.arc_head, network.arc_ptr), shape=(n, n))
    return dijkstra(arcs, indices=source)


def walked_both_ways(graph: nx.Graph) -> nx.Graph:
    """The graph for networkx to walk: of each pair of nodes the shortest edge, along its line in the graph's CRS."""
    u, v = (list(ends) for ends in zip(*graph.edges(), strict=True))
    nodes = [[[graph.nodes[w][axis] for axis in "xy"] for w in ends] for ends in zip(u, v, strict=True)]
    drawn = [
        data.get("geometry", shapely.LineString(ends))
        for (*_, data), ends in zip(graph.edges(data=True), nodes, strict=True)
    ]
    on_millimetres = shapely.transform(np.array(drawn), lambda xy: np.round(xy * 1000) / 1000)
    walked = nx.Graph()
    walked.add_nodes_from(graph)
    for a, b, mm in sorted(
        zip(u, v, whole_mm_up(shapely.length(on_millimetres)).tolist(), strict=True), key=lambda edge: -edge[2]
    ):
        walked.add_edge(a, b, mm=mm)
    return walked


def assert_same_ways(graph: nx.Graph, network: Network, sources: int) -> None:
    """Shortest ways from some nodes to all, equal to the millimetre; nodes are known by their position."""
    at = {tuple(xy): row for row, xy in enumerate(np.round(network.xy * 1000).astype(int).tolist())}
    where = {node: (round(data["x"] * 1000), round(data["y"] * 1000)) for node, data in graph.nodes(data=True)}
    row = {node: at.get(position) for node, position in where.items()}
    times = Counter(where.values())
    alone = [node for node in graph if times[where[node]] == 1]
    assert len(alone) > 0.99 * len(graph)
    used = [node for node in alone if row[node] is not None]
    assert set(alone) - set(used) <= {n for n in graph if graph.degree(n) == 0 or set(graph.neighbors(n)) == {n}}
    walked = walked_both_ways(graph)
    for source in used[:: max(1, len(used) // sources)]:
        want = nx.single_source_dijkstra_path_length(walked, source, weight="mm")
        got = network_distances(network, row[source])
        assert {node: got[row[node]] for node in used} == {node: want.get(node, np.inf) for node in used}


def assert_equal_networks(one: Network, two: Network) -> None:
    """Equal up to the order and the direction of their segments."""
    for name in ("xy", "arc_ptr", "arc_head", "arc_mm", "component"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    assert sorted(segments(one)) == sorted(segments(two))


def segments(network: Network) -> list[tuple]:
    drawn = shapely.linestrings(
        network.vertex_xy, indices=np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    )
    rows = []
    for i, line in enumerate(drawn):
        ends, uphill, wkb = [network.tail[i], network.head[i]], network.uphill[:, i].tolist(), line.wkb
        if (network.tail[i], wkb) > (network.head[i], line.reverse().wkb):
            ends, uphill, wkb = ends[::-1], uphill[::-1], line.reverse().wkb
        rows.append((*ends, *uphill, wkb, network.length_mm[i], network.steps[i], network.crossing[i]))
    return rows
