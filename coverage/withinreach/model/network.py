"""Network: street segments as arrays, built from lines that share their ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from withinreach.model.frozen import Frozen
from withinreach.model.graphs import arrays_of, graph_of, need_metric_crs, streets_of

if TYPE_CHECKING:
    import networkx as nx
    from numpy.typing import NDArray

# 16 bits per axis: neighbours on the ground become neighbours in memory, which searches are sensitive to.
MORTON_BITS = 16


class Walked(NamedTuple):
    """Ways between nodes, one direction each: ``start`` and ``end`` (k,) int32, ``mm`` (k,) int64."""

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    mm: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Network(Frozen):
    """Street segments, walked in both directions, as arrays.

    ``n`` nodes, ``s`` segments, ``v`` vertices of their lines, ``a`` arcs (two per segment between different nodes;
    of parallel segments only the shortest has arcs, for scipy would *sum* parallel entries of a sparse matrix).

    Attributes
    ----------
    xy : (n, 2) float64
        Nodes, metres.
    tail, head : (s,) int32
        Nodes at the two ends of each segment.
    length_mm : (s,) int64
        Length of each segment, rounded up, so that no way is shorter than the straight line.
    vertex_ptr : (s + 1,) int64
        Vertices of segment ``i`` are ``vertex_xy[vertex_ptr[i]:vertex_ptr[i + 1]]``, from tail to head.
    vertex_xy : (v, 2) float64
        Vertices, metres.
    arc_ptr : (n + 1,) int64
        Arcs out of node ``i`` are ``arc_ptr[i]:arc_ptr[i + 1]``.
    arc_head : (a,) int32
        Where each arc leads.
    arc_mm : (a,) int64
        Length of each arc. The arcs are those of level walking, the same in both directions; see `walking_costs`.
    component : (n,) int32
        Connected component of each node, numbered by their size, largest first.
    steps, crossing : (s,) bool
        Segments that are stairs, and those that lead over a street; places never meet the network on stairs.
    uphill : (2, s) float64
        How many times longer a segment takes than a level one of its length: from tail to head, and from head to
        tail; 1 where no terrain is known.
    """

    xy: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_mm: NDArray[np.int64]
    vertex_ptr: NDArray[np.int64]
    vertex_xy: NDArray[np.float64]
    arc_ptr: NDArray[np.int64]
    arc_head: NDArray[np.int32]
    arc_mm: NDArray[np.int64]
    component: NDArray[np.int32]
    steps: NDArray[np.bool_]
    crossing: NDArray[np.bool_]
    uphill: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.xy)

    @property
    def n_segments(self) -> int:
        """Number of street segments."""
        return len(self.tail)

    def with_arcs(self) -> Network:
        """The same segments with the arcs and components that follow from their ends and lengths."""
        walked = both_ways(self.tail, self.head, self.length_mm, self.length_mm)
        arc_ptr, arc_head, arc_mm = shortest_arcs(self.n_nodes, walked)
        component = _components(arc_ptr, arc_head)
        return replace(self, arc_ptr=arc_ptr, arc_head=arc_head, arc_mm=arc_mm, component=component)

    def line_between(self, segment: int, from_mm: int, to_mm: int) -> NDArray[np.float64]:
        """Vertices of a piece of a segment, shape (v, 2) metres; the same place twice where the piece has no length.

        Offsets are shares of the segment's length in whole millimetres, which is that of its line rounded up.
        """
        line = self.vertex_xy[self.vertex_ptr[segment] : self.vertex_ptr[segment + 1]]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        low, high = (along[-1] * mm / max(1, int(self.length_mm[segment])) for mm in (from_mm, to_mm))
        ends = np.column_stack([np.interp([low, high], along, axis) for axis in line.T])
        return np.vstack([ends[:1], line[(along > low) & (along < high)], ends[1:]])

    def point_on(self, segment: int, offset_mm: int) -> NDArray[np.float64]:
        """The place on a segment that is so far from its tail, shape (2,) metres."""
        return self.line_between(segment, offset_mm, offset_mm)[0]

    def part(self, segments: NDArray[np.integer]) -> Network:
        """The network of some of the segments, in their order, with the nodes at their ends, in the order of these.

        Parameters
        ----------
        segments : (m,)
            Rows of segments, ascending, each once.
        """
        ends = np.concatenate([self.tail[segments], self.head[segments]])
        nodes, end = np.unique(ends, return_inverse=True)
        tail, head = end[: len(segments)].astype(np.int32), end[len(segments) :].astype(np.int32)
        size = np.diff(self.vertex_ptr)
        kept = np.zeros(self.n_segments, bool)
        kept[segments] = True
        length_mm = self.length_mm[segments]
        arc_ptr, arc_head, arc_mm = shortest_arcs(len(nodes), both_ways(tail, head, length_mm, length_mm))
        return Network(
            xy=self.xy[nodes],
            tail=tail,
            head=head,
            length_mm=length_mm,
            vertex_ptr=np.concatenate([[0], np.cumsum(size[segments])]).astype(np.int64),
            vertex_xy=self.vertex_xy[np.repeat(kept, size)],
            arc_ptr=arc_ptr,
            arc_head=arc_head,
            arc_mm=arc_mm,
            component=_components(arc_ptr, arc_head),
            steps=self.steps[segments],
            crossing=self.crossing[segments],
            uphill=self.uphill[:, segments],
        )

    @staticmethod
    def from_networkx(graph: nx.Graph) -> Network:
        """Build a network from a graph in OSMnx's conventions, projected to metres (``ox.project_graph``).

        Every street becomes one segment, walked both ways, whether its edges lead one way or both; streets meet where
        they share a node. Edges without ``geometry`` are straight. The length of a segment is that of its line in the
        graph's CRS, not the edge's ``length``: OSMnx measures along a sphere, 0.2 % shorter from west to east at 35° N
        than on the ground, and no way may be shorter than the straight line. Edges without any length and nodes
        without an edge are left out. Stairs (``highway=steps``, also as one of several values), crossings
        (``footway=crossing``) and ``uphill``, as `to_networkx` writes it, are kept.

        Parameters
        ----------
        graph
            Any graph of networkx; nodes with ``x`` and ``y``, and ``crs`` in ``graph.graph``.

        Raises
        ------
        SourceError
            If a node lacks its position, a geometry is no LineString, or no edge has any length.
        CrsError
            If the graph has no CRS, or one that does not measure metres.
        """
        need_metric_crs(graph)
        streets = streets_of(arrays_of(graph), "metres")
        network = build_network(streets.lines, streets.ends)
        steps, crossing = (streets.table[flag].to_numpy(bool, copy=True) for flag in ("steps", "crossing"))
        return replace(network, steps=steps, crossing=crossing, uphill=streets.uphill)

    def to_networkx(self, crs: str) -> nx.MultiDiGraph:
        """The network as a graph in OSMnx's conventions: two directed edges per segment.

        Nodes have ``x``, ``y`` and ``street_count``; edges ``length`` (metres), ``geometry``, ``osmid`` (the row of
        the segment, for OSMnx tells streets by it), ``oneway``, ``reversed`` and ``uphill`` (how many times longer the
        edge takes than a level one), stairs ``highway=steps`` and crossings ``footway=crossing``.

        Parameters
        ----------
        crs
            The CRS of the network's coordinates: ``case.network.to_networkx(case.study.metric_crs)``.
        """
        return graph_of(self, crs)


def build_network(lines: NDArray[np.object_], ends: NDArray[np.int64] | None = None) -> Network:
    """Build a network from lines in a metric CRS, one segment per line.

    Vertices are whole millimetres, and lines are joined where their ends are the same. Lines that cross without a
    shared end stay unconnected, as a bridge and the road below it must. All segments are level streets; what else is
    known about them is set with `dataclasses.replace`.

    Parameters
    ----------
    lines : (s,) array of LineString
    ends : (s, 2) int64, optional
        What meets where each line begins and ends, where a graph says so: equal numbers are joined, whatever their
        positions.
    """
    vertex_xy, line_of = shapely.get_coordinates(lines, return_index=True)
    vertex_xy = np.round(vertex_xy * 1000) / 1000
    vertex_ptr = np.concatenate([[0], np.cumsum(np.bincount(line_of, minlength=len(lines)))]).astype(np.int64)
    at = np.concatenate([vertex_xy[vertex_ptr[:-1]], vertex_xy[vertex_ptr[1:] - 1]])
    xy, node = _nodes(at, _on_millimetre(at) if ends is None else ends.T.ravel())
    tail, head = node[: len(lines)], node[len(lines) :]
    length_mm = whole_mm_up(_lengths_m(vertex_ptr, vertex_xy))
    arc_ptr, arc_head, arc_mm = shortest_arcs(len(xy), both_ways(tail, head, length_mm, length_mm))
    return Network(
        xy=xy,
        tail=tail,
        head=head,
        length_mm=length_mm,
        vertex_ptr=vertex_ptr,
        vertex_xy=vertex_xy,
        arc_ptr=arc_ptr,
        arc_head=arc_head,
        arc_mm=arc_mm,
        component=_components(arc_ptr, arc_head),
        steps=np.zeros(len(lines), bool),
        crossing=np.zeros(len(lines), bool),
        uphill=np.ones((2, len(lines))),
    )


def whole_mm_up(length_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Metres -> whole millimetres, rounded up, so that no way becomes shorter than the straight line.

    What exceeds a millimetre by less than a thousandth is noise of the projection, not length.
    """
    return np.ceil(np.round(length_m * 1000, 3)).astype(np.int64)


def _lengths_m(vertex_ptr: NDArray[np.int64], vertex_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of each line; the piece from the last vertex of a line to the first of the next one counts for none."""
    piece_m = np.append(np.hypot(*np.diff(vertex_xy, axis=0).T), 0.0)
    piece_m[vertex_ptr[1:] - 1] = 0.0
    return np.add.reduceat(piece_m, vertex_ptr[:-1]) if len(piece_m) > 1 else np.zeros(0)


def _nodes(ends: NDArray[np.float64], key: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Distinct ends by their key, in Morton order of their positions, and the node of each end."""
    _, first, node = np.unique(key, return_index=True, return_inverse=True)
    order = np.lexsort((first, _morton(_millimetres(ends)[first])))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return ends[first[order]], rank[node]


def _on_millimetre(ends: NDArray[np.float64]) -> NDArray[np.int64]:
    """One number per millimetre of the ground."""
    mm = _millimetres(ends)
    return mm[:, 0] * (mm[:, 1].max() + 1) + mm[:, 1]


def _millimetres(ends: NDArray[np.float64]) -> NDArray[np.int64]:
    mm = np.round(ends * 1000).astype(np.int64)  # whole numbers but for the last bit of the division
    return mm - mm.min(axis=0)


def _morton(mm: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position along a Z-order curve over the extent."""
    step = max(1, -(-int(mm.max() + 1) // (1 << MORTON_BITS)))
    code = np.zeros(len(mm), np.int64)
    cells = mm // step
    for bit in range(MORTON_BITS):
        code |= ((cells[:, 0] >> bit) & 1) << (2 * bit) | ((cells[:, 1] >> bit) & 1) << (2 * bit + 1)
    return code


def both_ways(
    tail: NDArray[np.int32], head: NDArray[np.int32], forward_mm: NDArray[np.int64], backward_mm: NDArray[np.int64]
) -> Walked:
    """Both directions of segments, told as from whom to whom people walk."""
    return Walked(np.concatenate([tail, head]), np.concatenate([head, tail]), np.concatenate([forward_mm, backward_mm]))


def shortest_arcs(n_nodes: int, walked: Walked) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Arcs against the direction of walking, for searches from facilities; of parallel ones the shortest.

    Returns
    -------
    arc_ptr : (n + 1,) int64
        Arcs out of node ``i`` are ``arc_ptr[i]:arc_ptr[i + 1]``.
    arc_head : (a,) int32
        The node from which people come to node ``i``; never ``i`` itself.
    arc_mm : (a,) int64
    """
    between = walked.start != walked.end
    start, end, mm = walked.end[between], walked.start[between], walked.mm[between]
    order = np.lexsort((mm, end, start))
    start, end, mm = start[order], end[order], mm[order]
    shortest = np.ones(len(start), bool)
    shortest[1:] = (start[1:] != start[:-1]) | (end[1:] != end[:-1])
    start, end, mm = start[shortest], end[shortest], mm[shortest]
    arc_ptr = np.concatenate([[0], np.cumsum(np.bincount(start, minlength=n_nodes))]).astype(np.int64)
    return arc_ptr, end, mm


def _components(arc_ptr: NDArray[np.int64], arc_head: NDArray[np.int32]) -> NDArray[np.int32]:
    n = len(arc_ptr) - 1
    graph = csr_array((np.ones(len(arc_head), np.int8), arc_head, arc_ptr), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    by_size = np.argsort(-np.bincount(label), kind="stable")
    rank = np.empty(len(by_size), np.int32)
    rank[by_size] = np.arange(len(by_size), dtype=np.int32)
    return rank[label]
