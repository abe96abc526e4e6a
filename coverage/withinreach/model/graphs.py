"""Graphs in OSMnx's conventions: their edges as streets, each street once, and a network as such a graph.

In these conventions a graph holds its ``crs``, a node its ``x`` and ``y``, an edge its ``length`` in metres and its
``geometry``, a LineString, unless it is straight. A street that can be driven both ways is two directed edges; people
walk it both ways whatever its edges say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyproj
import shapely
from pyproj.exceptions import CRSError

from withinreach.errors import CrsError, SourceError
from withinreach.model.crs import measures_metres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    import networkx as nx
    from numpy.typing import NDArray

    from withinreach.model.network import Network

# What is read of an edge.
EDGE_KEYS = ("osmid", "geometry", "length", "highway", "footway", "cycleway", "bridge", "tunnel", "uphill", "grade")
# Drawn ends within a millimetre of their node, in metres or in degrees, are at it.
AT_NODE = {"metres": 1e-3, "degrees": 1e-8}
NAMED = 3
# What OpenStreetMap says of stairs and of crossings.
STAIRS = (("highway", "steps"),)
CROSSING = (("footway", "crossing"),)


class Graph(NamedTuple):
    """A graph as arrays.

    Attributes
    ----------
    node : (n,) object
        Ids of the nodes, for messages.
    xy : (n, 2) float64
        In the graph's CRS; NaN where a node has no position.
    u, v : (e,) int64
        Rows of the nodes that each edge leads from and to.
    edges : mapping from keys (`EDGE_KEYS` and any others) to sequences of e values
        None where an edge lacks the key; keys that no edge has are missing. Values are as OSMnx has them: texts, or
        lists of these where an edge is made of several ways; geometries are LineStrings.
    directed : bool
    """

    node: NDArray[np.object_]
    xy: NDArray[np.float64]
    u: NDArray[np.int64]
    v: NDArray[np.int64]
    edges: Mapping[str, Sequence[Any]]
    directed: bool


class GraphStreets(NamedTuple):
    """The streets of a graph, each once, and what became of its edges.

    Attributes
    ----------
    lines : (s,) array of LineString
        From node to node, in the graph's CRS.
    ends : (s, 2) int64
        Rows of the nodes where each line begins and ends.
    edge : (s,) int64
        Row of the edge that each street was taken from.
    table : DataFrame with s rows
        steps (in part, too), crossing, bridge (also a tunnel) and stated_m (the edge's ``length``, NaN where it has
        none).
    uphill : (2, s) float64
        As in `Network`: from the beginning of each line to its end, and back; 1 where no edge tells.
    repeated, one_way, straight, empty, lonely, stairs_in_part, graded : int
        Edges that were the other direction of a street or drew it again; streets with edges in one direction only;
        edges without geometry; edges without any length, which are left out; nodes without an edge; edges of which
        only a part is stairs; edges with a slope (``grade`` or ``uphill``).
    led : (k,) array of LineString
        What was added to lines that are drawn away from their node.
    """

    lines: NDArray[np.object_]
    ends: NDArray[np.int64]
    edge: NDArray[np.int64]
    table: pd.DataFrame
    uphill: NDArray[np.float64]
    repeated: int
    one_way: int
    straight: int
    empty: int
    lonely: int
    stairs_in_part: int
    graded: int
    led: NDArray[np.object_]


def need_metric_crs(graph: nx.Graph) -> None:
    """Raise `CrsError` unless lengths in the graph's CRS are metres."""
    remedy = "project it with ox.project_graph(graph, to_crs=...) to a CRS in metres, for Xinxiang EPSG:4547"
    if "crs" not in graph.graph:
        raise CrsError(f"the graph has no crs; set graph.graph['crs'], or {remedy}")
    try:
        crs = pyproj.CRS.from_user_input(graph.graph["crs"])
    except CRSError:
        raise CrsError(f"the graph's crs, {graph.graph['crs']}, is not known; correct graph.graph['crs']") from None
    if not measures_metres(crs):
        raise CrsError(f"the graph's crs, {crs.name}, cannot measure walking distances; {remedy}")


def arrays_of(graph: nx.Graph) -> Graph:
    """Take what is needed from a graph of networkx, directed or not, with parallel edges or without."""
    row = {node: i for i, node in enumerate(graph)}
    xy = [(number(data.get("x")), number(data.get("y"))) for _, data in graph.nodes(data=True)]
    edges = list(graph.edges(data=True))
    have = set().union(*(data for _, _, data in edges))
    return Graph(
        node=np.array([str(node) for node in graph], object),
        xy=np.array(xy, np.float64).reshape(-1, 2),
        u=np.array([row[u] for u, _, _ in edges], np.int64),
        v=np.array([row[v] for _, v, _ in edges], np.int64),
        edges={key: [data.get(key) for _, _, data in edges] for key in EDGE_KEYS if key in have},
        directed=graph.is_directed(),
    )


def number(value: object) -> float:
    """A value as a number, NaN where it is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan


def streets_of(graph: Graph, unit: str) -> GraphStreets:
    """The streets of a graph.

    Edges between the same nodes that draw the same line, in either direction, are one street if they are also of one
    ``osmid`` and kind; other parallel edges are streets of their own. Nodes are what joins streets, not positions.

    Parameters
    ----------
    unit
        ``metres`` or ``degrees``: what the graph's coordinates are.

    Raises
    ------
    SourceError
        One line per problem: nodes without a position, geometries that are no lines, no edge with any length.
    """
    _need_positions(graph)
    drawn = _geometries(graph)
    straight = shapely.is_missing(drawn)
    lines, led = _from_node_to_node(graph, drawn, AT_NODE[unit])
    table = _features(graph)
    real = shapely.length(lines) > 0
    if not real.any():
        raise SourceError("no edge has any length; give a graph of streets")
    first, again = _repeated(graph, lines, table, real)
    kept = np.flatnonzero(real & ~again)
    uphill, graded = _slopes(graph)
    both, two_way = _both_ways(graph, first, again, uphill)
    used = np.unique(np.concatenate([graph.u, graph.v]))
    return GraphStreets(
        lines=lines[kept],
        ends=np.column_stack([graph.u, graph.v])[kept],
        edge=kept,
        table=table.iloc[kept].drop(columns=["kind", "in_part"]).reset_index(drop=True),
        uphill=both[:, kept],
        repeated=int(again.sum()),
        one_way=int((~two_way[kept]).sum()) if graph.directed else 0,
        straight=int(straight.sum()),
        empty=int((~real).sum()),
        lonely=len(graph.node) - len(used),
        stairs_in_part=int(table["in_part"].sum()),
        graded=int(graded.sum()),
        led=led,
    )


def _need_positions(graph: Graph) -> None:
    used = np.unique(np.concatenate([graph.u, graph.v]))
    lost = used[~np.isfinite(graph.xy[used]).all(axis=1)]
    if len(lost):
        named = ", ".join(graph.node[lost[:NAMED]])
        more = f" and {len(lost) - NAMED} more nodes" if len(lost) > NAMED else ""
        raise SourceError(f"node {named}{more}: no x and y; every node needs its position")


def _geometries(graph: Graph) -> NDArray[np.object_]:
    """The geometry of every edge, in two dimensions; None where it has none."""
    told = pd.Series(graph.edges.get("geometry", [None] * len(graph.u)), dtype=object)
    drawn = told.where(told.notna(), None).to_numpy(object, copy=True)
    wrong = np.flatnonzero([not (shape is None or isinstance(shape, shapely.LineString)) for shape in drawn])
    if len(wrong):
        u, v = graph.node[graph.u[wrong[0]]], graph.node[graph.v[wrong[0]]]
        raise SourceError(
            f"edge {u} - {v}: its geometry is {type(drawn[wrong[0]]).__name__}, not LineString "
            f"({len(wrong)} edges like this); give lines, or remove the geometry where an edge is straight"
        )
    drawn[shapely.is_empty(drawn)] = None
    drawn = shapely.force_2d(drawn)
    xy, edge = shapely.get_coordinates(drawn, return_index=True)
    lost = edge[~np.isfinite(xy).all(axis=1)]
    if len(lost):
        u, v = graph.node[graph.u[lost[0]]], graph.node[graph.v[lost[0]]]
        raise SourceError(f"edge {u} - {v}: its geometry has a vertex without a position; correct it")
    return drawn


def _from_node_to_node(
    graph: Graph, drawn: NDArray[np.object_], at_node: float
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Lines from the node that an edge leads from to the other one, and what had to be added for that."""
    lines = drawn.copy()
    nodes = np.stack([graph.xy[graph.u], graph.xy[graph.v]], axis=1)
    straight = shapely.is_missing(drawn)
    lines[straight] = shapely.linestrings(nodes[straight])
    ends = _ends(lines)
    against = _apart(ends[:, ::-1], nodes).sum(axis=1) < _apart(ends, nodes).sum(axis=1)
    lines[against] = shapely.reverse(lines[against])
    ends[against] = ends[against][:, ::-1]
    away = _apart(ends, nodes) > at_node
    for edge in np.flatnonzero(away.any(axis=1)):
        inner = shapely.get_coordinates(lines[edge])
        before, after = nodes[edge, :1][away[edge, :1]], nodes[edge, 1:][away[edge, 1:]]
        lines[edge] = shapely.LineString(np.concatenate([before, inner, after]))
    return lines, shapely.linestrings(np.stack([ends[away], nodes[away]], axis=1))


def _ends(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """First and last vertex of every line, shape (e, 2, 2)."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    last = np.cumsum(np.bincount(line, minlength=len(lines))) - 1
    return np.stack([xy[np.concatenate([[0], last[:-1] + 1])[: len(lines)]], xy[last]], axis=1)


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances between points, the last axis of both."""
    return np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])


def _features(graph: Graph) -> pd.DataFrame:
    highway, footway, cycleway, bridge, tunnel = (
        texts(graph, key) for key in ("highway", "footway", "cycleway", "bridge", "tunnel")
    )
    steps = _where(highway, lambda kinds: "steps" in kinds)
    crossing = [_where(tag, lambda kinds: "crossing" in kinds) for tag in (highway, footway, cycleway)]
    off_ground = [_where(tag, lambda kinds: bool(kinds - {"", "no"})) for tag in (bridge, tunnel)]
    return pd.DataFrame(
        {
            "kind": pd.Series(highway, dtype="str"),
            "steps": steps,
            "crossing": np.logical_or.reduce(crossing),
            "bridge": np.logical_or.reduce(off_ground),
            "stated_m": _numbers(graph, "length", np.nan),
            "in_part": steps & (highway != "steps"),
        }
    )


def texts(graph: Graph, key: str) -> NDArray[np.object_]:
    """A tag of every edge; several values joined by semicolons, as OpenStreetMap does; empty where there is none."""
    values = graph.edges.get(key)
    if values is None:
        return np.full(len(graph.u), "", object)
    text = pd.Series(
        [_joined(value) if isinstance(value, (list, tuple, set)) else value for value in values], dtype=object
    )
    return text.where(text.notna(), "").astype(str).to_numpy(object)


def _joined(values: Iterable[object]) -> str:
    return ";".join(sorted({str(value) for value in values}))


def _where(text: NDArray[np.object_], fits: Callable[[set[str]], bool]) -> NDArray[np.bool_]:
    """Which texts have values that fit."""
    code, distinct = pd.factorize(text)
    return np.array([fits(set(value.split(";"))) for value in distinct], bool)[code]


def _numbers(graph: Graph, key: str, missing: float) -> NDArray[np.float64]:
    values = graph.edges.get(key)
    if values is None:
        return np.full(len(graph.u), missing)
    found = np.array([number(value) for value in values], np.float64)
    return np.where(np.isnan(found), missing, found)


def _slopes(graph: Graph) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How many times longer each edge takes than a level one, and which edges have a slope."""
    uphill = np.maximum(_numbers(graph, "uphill", 1.0), 1.0)
    return uphill, (uphill > 1) | (_numbers(graph, "grade", 0.0) != 0)


def _repeated(
    graph: Graph, lines: NDArray[np.object_], table: pd.DataFrame, real: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The first edge that draws the same street as each edge, and which edges are not the first; none of no length."""
    low, high = np.minimum(graph.u, graph.v), np.maximum(graph.u, graph.v)
    key = table[["kind", "steps", "crossing", "bridge"]].assign(
        low=low, high=high, line=shapely.to_wkb(shapely.normalize(lines)), osmid=texts(graph, "osmid")
    )
    group = key.groupby(list(key.columns), sort=False, dropna=False).ngroup().to_numpy()
    _, at, of = np.unique(group, return_index=True, return_inverse=True)
    first = at[of]
    return first, real & (first != np.arange(len(lines)))


def _both_ways(
    graph: Graph, first: NDArray[np.int64], again: NDArray[np.bool_], uphill: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How uphill each edge is, there and back, and which edges have another one that leads back."""
    back = again & ((graph.u == graph.v) | (graph.u != graph.u[first]))
    both = np.vstack([uphill, np.ones(len(uphill))])
    both[1, first[back]] = uphill[back]
    two_way = np.zeros(len(uphill), bool)
    two_way[first[back]] = True
    return both, two_way


def graph_of(network: Network, crs: str) -> nx.MultiDiGraph:
    """A network as a graph; see `Network.to_networkx`."""
    import networkx as nx  # noqa: PLC0415 - takes 0.2 s, and nothing else needs it

    graph = nx.MultiDiGraph(crs=crs, simplified=True, created_with="withinreach")
    streets = np.bincount(np.concatenate([network.tail, network.head]), minlength=network.n_nodes)
    for node, ((x, y), count) in enumerate(zip(network.xy.tolist(), streets.tolist(), strict=True)):
        graph.add_node(node, x=x, y=y, street_count=count)
    segment = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    lines = shapely.linestrings(network.vertex_xy, indices=segment)
    told = zip(
        network.tail.tolist(),
        network.head.tolist(),
        network.length_mm.tolist(),
        network.steps.tolist(),
        network.crossing.tolist(),
        *network.uphill.tolist(),
        lines,
        shapely.reverse(lines),
        strict=True,
    )
    for row, (tail, head, mm, steps, crossing, up, down, line, back) in enumerate(told):
        street = {"osmid": row, "length": mm / 1000, "oneway": False, **dict(STAIRS * steps + CROSSING * crossing)}
        graph.add_edge(tail, head, geometry=line, reversed=False, uphill=up, **street)
        graph.add_edge(head, tail, geometry=back, reversed=True, uphill=down, **street)
    return graph
