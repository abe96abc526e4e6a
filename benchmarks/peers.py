"""How other libraries solve the same tasks: each in its own best way that we know, with everything prepared.

Whatever a library lets a user build once (graphs, contraction hierarchies, geometry objects, indices of places) is
built before the clock starts and reported apart. Where a library has no search from many sources, one extra node is
joined to all facilities by arcs of length zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.cases import CUTOFF_MM
from benchmarks.contender import Answer, pairs, per_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.cases import City

CUTOFF_M = CUTOFF_MM / 1000
# Farther than any node of the cities here is from a facility; pandana needs a bound.
UNCUT_M = 60_000.0
SCIPY_CHUNK = 50
OSMNX_EVERY = 50


def _dense(lengths: dict[Any, float], n_nodes: int, unit_mm: float = 1.0) -> Answer:
    """A dictionary of nodes as one value per node, in whole millimetres."""
    value = np.full(n_nodes, np.inf)
    value[np.fromiter(lengths.keys(), np.int64, len(lengths))] = np.fromiter(lengths.values(), np.float64, len(lengths))
    return per_row(np.rint(value * unit_mm))


def _joined(city: City) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Undirected edges, and one more node that is at distance zero from every facility."""
    start, end, mm = city.edges
    sources = city.sources
    start = np.concatenate([start, np.full(len(sources), city.n_nodes)])
    return start, np.concatenate([end, sources]), np.concatenate([mm, np.zeros(len(sources))])


# scipy


def scipy_graph(city: City) -> Any:
    from scipy.sparse import csr_array

    # The arrays are ours: no parallel arcs are left that a conversion from other layouts would sum.
    mm = city.arc_mm.astype(np.float64)
    return csr_array((mm, city.arc_head, city.arc_ptr), shape=(city.n_nodes, city.n_nodes))


def scipy_nearest(graph: Any, city: City) -> Any:
    from scipy.sparse.csgraph import dijkstra

    return dijkstra(graph, indices=city.sources, min_only=True)


def scipy_nearest_named(graph: Any, city: City) -> Any:
    from scipy.sparse.csgraph import dijkstra

    return dijkstra(graph, indices=city.sources, min_only=True, return_predecessors=True)


def scipy_nearest_cut(graph: Any, city: City) -> Any:
    from scipy.sparse.csgraph import dijkstra

    return dijkstra(graph, indices=city.sources, min_only=True, limit=CUTOFF_MM)


def scipy_every(city: City) -> int:
    """It fills a row of n values per facility: ten times the city takes a hundred times as long, hence a sample."""
    return 100 if city.n_nodes > 1_000_000 else 1


def scipy_within(graph: Any, city: City) -> Any:
    from scipy.sparse.csgraph import dijkstra

    sample = city.sources[:: scipy_every(city)]
    found = []
    for first in range(0, len(sample), SCIPY_CHUNK):
        mm = dijkstra(graph, indices=sample[first : first + SCIPY_CHUNK], limit=CUTOFF_MM)
        row, node = np.nonzero(np.isfinite(mm))
        found.append((row + first, node, mm[row, node]))
    return [np.concatenate(part) for part in zip(*found, strict=True)]


def scipy_within_answer(found: Any, city: City) -> Answer:
    row, node, mm = found
    return pairs(row * scipy_every(city), node, mm, city)


def scipy_legs_graph(city: City) -> Any:
    """One more node per facility, with one-way arcs to both ends of its street."""
    from scipy.sparse import csr_array

    tail, head = city.tail[city.facility_segment], city.head[city.facility_segment]
    length_mm = city.length_mm[city.facility_segment]
    to_tail = city.facility_access_mm + city.facility_offset_mm
    to_head = city.facility_access_mm + length_mm - city.facility_offset_mm
    mm = np.concatenate([city.arc_mm, np.column_stack([to_tail, to_head]).reshape(-1)]).astype(np.float64)
    end = np.concatenate([city.arc_head, np.column_stack([tail, head]).reshape(-1)]).astype(np.int32)
    ptr = np.concatenate([city.arc_ptr, city.arc_ptr[-1] + 2 * np.arange(1, len(tail) + 1)])
    n = city.n_nodes + len(tail)
    return csr_array((mm, end, ptr), shape=(n, n))


def scipy_places(graph: Any, city: City) -> Any:
    from scipy.sparse.csgraph import dijkstra

    sources = np.arange(city.n_nodes, city.n_nodes + len(city.facility_node))
    nodes = dijkstra(graph, indices=sources, min_only=True)
    segment = city.cell_segment
    by_tail = nodes[city.tail[segment]] + city.cell_offset_mm
    by_head = nodes[city.head[segment]] + city.length_mm[segment] - city.cell_offset_mm
    mm = np.minimum(by_tail, by_head)
    cell, along = _along_shared_streets(city)
    np.minimum.at(mm, cell, along)
    return np.where(segment >= 0, mm + city.cell_access_mm, np.inf)


def _along_shared_streets(city: City) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells on the street of a facility, one row per facility there, and the way along it."""
    order = np.argsort(city.facility_segment, kind="stable")
    host = city.facility_segment[order]
    first, last = (np.searchsorted(host, city.cell_segment, side) for side in ("left", "right"))
    cell = np.repeat(np.arange(len(first)), last - first)
    rank = np.arange(len(cell)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    facility = order[first[cell] + rank]
    along = np.abs(city.cell_offset_mm[cell] - city.facility_offset_mm[facility])
    return cell, along + city.facility_access_mm[facility]


# networkit, rustworkx, igraph


def networkit_graph(city: City) -> Any:
    import networkit

    networkit.setNumberOfThreads(1)
    start, end, mm = _joined(city)
    return networkit.GraphFromCoo((mm, (start, end)), n=city.n_nodes + 1, weighted=True)


def networkit_nearest(graph: Any, city: City) -> Any:
    import networkit

    search = networkit.distance.Dijkstra(graph, city.n_nodes, storePaths=False)
    search.run()
    return search.getDistances()


def networkit_answer(mm: Any, city: City) -> Answer:
    value = np.array(mm[: city.n_nodes])
    return per_row(np.where(value > 1e300, np.inf, value))  # its sign of "no way" is the largest float


def rustworkx_graph(city: City) -> Any:
    import rustworkx

    graph = rustworkx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(city.n_nodes + 1))
    graph.add_edges_from(list(zip(*(part.tolist() for part in _joined(city)), strict=True)))
    return graph


def rustworkx_nearest(graph: Any, city: City) -> Any:
    import rustworkx

    return rustworkx.graph_dijkstra_shortest_path_lengths(graph, city.n_nodes, float)


def rustworkx_answer(found: Any, city: City) -> Answer:
    lengths = dict(found)
    lengths.pop(city.n_nodes, None)
    return _dense(lengths, city.n_nodes)


def igraph_graph(city: City) -> Any:
    import igraph

    start, end, mm = _joined(city)
    return igraph.Graph(n=city.n_nodes + 1, edges=np.column_stack([start, end])), mm.tolist()


def igraph_nearest(graph: Any, city: City) -> Any:
    network, mm = graph
    return network.distances(source=[city.n_nodes], weights=mm, algorithm="dijkstra")


def igraph_answer(found: Any, city: City) -> Answer:
    return per_row(np.array(found[0][: city.n_nodes]))


# networkx and osmnx


def networkx_graph(city: City) -> Any:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(city.n_nodes))
    graph.add_weighted_edges_from(zip(*(part.tolist() for part in city.edges), strict=True), weight="mm")
    return graph


def networkx_nearest(graph: Any, city: City) -> Any:
    import networkx as nx

    return nx.multi_source_dijkstra_path_length(graph, set(city.sources.tolist()), weight="mm")


def networkx_nearest_cut(graph: Any, city: City) -> Any:
    import networkx as nx

    sources = set(city.sources.tolist())
    return nx.multi_source_dijkstra_path_length(graph, sources, cutoff=CUTOFF_MM, weight="mm")


def networkx_answer(found: Any, city: City) -> Answer:
    return _dense(found, city.n_nodes)


def networkx_within(graph: Any, city: City) -> Any:
    import networkx as nx

    search = nx.single_source_dijkstra_path_length
    return [search(graph, source, cutoff=CUTOFF_MM, weight="mm") for source in city.sources.tolist()]


def networkx_within_answer(found: Any, city: City) -> Answer:
    return _pairs_of_dicts(found, city, every=1, unit_mm=1.0)


def _pairs_of_dicts(found: list[dict[int, float]], city: City, *, every: int, unit_mm: float) -> Answer:
    row = np.repeat(np.arange(len(found)) * every, [len(lengths) for lengths in found])
    node = np.fromiter((node for lengths in found for node in lengths), np.int64, len(row))
    value = np.fromiter((value for lengths in found for value in lengths.values()), np.float64, len(row))
    return pairs(row, node, np.rint(value * unit_mm), city)


def osmnx_graph(city: City) -> Any:
    """The directed multigraph that osmnx works on, built from tables as its users do."""
    import geopandas as gpd
    import osmnx
    import pandas as pd
    import shapely

    start, end = np.concatenate([city.tail, city.head]), np.concatenate([city.head, city.tail])
    lines = _lines(city)
    nodes = gpd.GeoDataFrame(
        {"x": city.xy[:, 0], "y": city.xy[:, 1]}, geometry=shapely.points(city.xy), crs="EPSG:4547"
    ).rename_axis("osmid")
    ends = pd.DataFrame({"u": start, "v": end})
    ends["key"] = ends.groupby(["u", "v"]).cumcount()
    edges = gpd.GeoDataFrame(
        {"length": np.tile(city.length_mm / 1000, 2)},
        geometry=np.concatenate([lines, shapely.reverse(lines)]),
        crs="EPSG:4547",
        index=pd.MultiIndex.from_frame(ends),
    )
    return osmnx.graph_from_gdfs(nodes, edges)


def osmnx_nearest(graph: Any, city: City) -> Any:
    import networkx as nx

    return nx.multi_source_dijkstra_path_length(graph, set(city.sources.tolist()), weight="length")


def osmnx_nearest_cut(graph: Any, city: City) -> Any:
    import networkx as nx

    sources = set(city.sources.tolist())
    return nx.multi_source_dijkstra_path_length(graph, sources, cutoff=CUTOFF_M, weight="length")


def osmnx_answer(found: Any, city: City) -> Answer:
    return _dense(found, city.n_nodes, 1000)


def osmnx_every(_city: City) -> int:
    return OSMNX_EVERY


def osmnx_within(graph: Any, city: City) -> Any:
    import networkx as nx

    sample = city.sources[::OSMNX_EVERY].tolist()
    return [nx.ego_graph(graph, source, radius=CUTOFF_M, distance="length") for source in sample]


def osmnx_within_answer(found: Any, city: City) -> Answer:
    """An ego graph names its nodes, not how far they are: those are asked for here, after the clock has stopped."""
    import networkx as nx

    sample = city.sources[::OSMNX_EVERY].tolist()
    search = nx.single_source_dijkstra_path_length
    lengths = [search(graph, source, weight="length") for graph, source in zip(found, sample, strict=True)]
    return _pairs_of_dicts(lengths, city, every=OSMNX_EVERY, unit_mm=1000)


def osmnx_snap(graph: Any, city: City) -> Any:
    import osmnx

    return osmnx.distance.nearest_edges(graph, city.cell_xy[:, 0], city.cell_xy[:, 1], return_dist=True)


def osmnx_snap_answer(found: Any, city: City) -> Answer:
    distance_m = np.asarray(found[1])
    return per_row(np.where(distance_m <= city.snap_cap_m, distance_m, np.inf))


# pandana


class PandanaNetwork(NamedTuple):
    network: Any
    facility_x: Any
    facility_y: Any
    cell_node: NDArray[np.int64]


def pandana_graph(city: City) -> Any:
    import pandana
    import pandas as pd

    start, end, mm = city.edges
    # It cuts lengths off to whole millimetres; a tenth more keeps each at its own millimetre.
    metres = pd.DataFrame({"m": (mm + 0.1) / 1000})
    x, y = pd.Series(city.xy[:, 0]), pd.Series(city.xy[:, 1])
    network = pandana.Network(x, y, pd.Series(start), pd.Series(end), metres)
    cell_node = network.get_node_ids(pd.Series(city.cell_xy[:, 0]), pd.Series(city.cell_xy[:, 1])).to_numpy()
    return PandanaNetwork(network, x[city.sources], y[city.sources], cell_node)


def _pandana_search(graph: PandanaNetwork, distance_m: float) -> Any:
    graph.network.set_pois("facilities", distance_m, 1, graph.facility_x, graph.facility_y)
    return graph.network.nearest_pois(distance_m, "facilities", num_pois=1)[1].to_numpy()


def pandana_nearest(graph: Any, _city: City) -> Any:
    return _pandana_search(graph, UNCUT_M)


def pandana_nearest_cut(graph: Any, _city: City) -> Any:
    return _pandana_search(graph, CUTOFF_M)


def pandana_answer(metres: Any, _city: City) -> Answer:
    return per_row(_without_sentinel(metres, UNCUT_M))


def pandana_cut_answer(metres: Any, _city: City) -> Answer:
    return per_row(_without_sentinel(metres, CUTOFF_M))


def pandana_places(graph: Any, _city: City) -> Any:
    return _pandana_search(graph, UNCUT_M)[graph.cell_node]


def _without_sentinel(metres: NDArray[np.float64], most_m: float) -> NDArray[np.float64]:
    """It says "none" by the largest distance; a node at exactly that distance cannot be told from it."""
    return np.where(metres >= most_m, np.inf, np.rint(metres * 1000))


def pandana_within(graph: Any, city: City) -> Any:
    return graph.network.nodes_in_range(city.sources, CUTOFF_M)


def pandana_within_answer(found: Any, city: City) -> Answer:
    row = np.searchsorted(city.sources, found["source"].to_numpy())
    return pairs(row, found["destination"].to_numpy(), np.rint(found["m"].to_numpy() * 1000), city)


def pandana_snap(graph: Any, city: City) -> Any:
    import pandas as pd

    return graph.network.get_node_ids(pd.Series(city.cell_xy[:, 0]), pd.Series(city.cell_xy[:, 1]))


def node_snap_answer(node: Any, city: City) -> Answer:
    distance_m = np.hypot(*(city.xy[np.asarray(node)] - city.cell_xy).T)
    return per_row(np.where(distance_m <= city.snap_cap_m, distance_m, np.inf))


# cityseer


class CityseerNetwork(NamedTuple):
    structure: Any
    nodes: Any
    facilities: Any


def cityseer_graph(city: City) -> Any:
    """Filled through its Rust interface, which is much faster than from a networkx graph and gives the same object."""
    import geopandas as gpd
    import shapely
    from cityseer import rustalgos

    structure = rustalgos.graph.NetworkStructure()
    for node, (x, y) in enumerate(city.xy.tolist()):
        structure.add_street_node(str(node), x, y, True, 1.0)  # noqa: FBT003
    lines = _lines(city)
    tail, head = city.tail.tolist(), city.head.tolist()
    for start, end, shapes in ((tail, head, lines), (head, tail, shapely.reverse(lines))):
        for row, wkt in enumerate(shapely.to_wkt(shapes, rounding_precision=4).tolist()):
            structure.add_street_edge(start[row], end[row], row, str(start[row]), str(end[row]), wkt, 1.0)
    structure.validate()
    structure.build_edge_rtree()
    names = [str(node) for node in range(city.n_nodes)]
    nodes = gpd.GeoDataFrame(
        {"x": city.xy[:, 0], "y": city.xy[:, 1], "live": True, "weight": 1.0},
        geometry=shapely.points(city.xy),
        crs="EPSG:4547",
        index=names,
    )
    points = shapely.points(city.xy[city.sources])
    facilities = gpd.GeoDataFrame({"kind": ["facility"] * len(points)}, geometry=points, crs="EPSG:4547")
    return CityseerNetwork(structure, nodes, facilities)


def cityseer_nearest_cut(graph: Any, _city: City) -> Any:
    from cityseer.metrics import layers

    found = layers.compute_accessibilities(
        graph.facilities,
        "kind",
        ["facility"],
        graph.nodes,
        graph.structure,
        distances=[round(CUTOFF_M)],
        decay_fn="1",
    )
    return found[f"cc_facility_nearest_max_{round(CUTOFF_M)}"].to_numpy()


def cityseer_answer(metres: Any, _city: City) -> Answer:
    return per_row(np.where(np.isfinite(metres), np.rint(metres * 1000), np.inf))


# shapely and scipy's k-d tree: snapping


class Shapes(NamedTuple):
    lines: NDArray[np.object_]
    cells: NDArray[np.object_]


def _lines(city: City) -> NDArray[np.object_]:
    import shapely

    of_vertex = np.repeat(np.arange(len(city.tail)), np.diff(city.vertex_ptr))
    return shapely.linestrings(city.vertex_xy, indices=of_vertex)


def shapely_every(city: City) -> int:
    """One cell in ten on the tenfold network; the tree is still built over all its streets."""
    return 10 if city.n_nodes > 1_000_000 else 1


def shapely_shapes(city: City) -> Any:
    import shapely

    return Shapes(_lines(city), shapely.points(city.cell_xy[:: shapely_every(city)]))


def shapely_snap(shapes: Any, city: City) -> Any:
    import shapely

    tree = shapely.STRtree(shapes.lines)
    return tree.query_nearest(shapes.cells, max_distance=city.snap_cap_m, return_distance=True, all_matches=False)


def shapely_snap_answer(found: Any, city: City) -> Answer:
    (cell, _), distance_m = found
    every = shapely_every(city)
    key = np.arange(0, len(city.cell_xy), every)
    value = np.full(len(key), np.inf)
    value[cell] = distance_m
    return Answer(key, value)


def kdtree_snap(_graph: None, city: City) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(city.xy).query(city.cell_xy)[1]


def no_graph(_city: City) -> None:
    """Nothing is built before."""
