"""Ways as lists of nodes -> lines that share their ends where people can turn, and are apart where a gate is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Half of the gap at a closed gate. Ends are joined to the millimetre, so the two sides must not touch.
GATE_M = 0.1
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class WayNodes:
    """Nodes of ways, one way after the other, each in its own order.

    Attributes
    ----------
    way : (v,) int64
        Row of the way, ascending.
    ref : (v,) int64
        Which node. Ways meet where they have a node in common, not where their lines cross.
    lonlat : (v, 2) float64
        Degrees; NaN for a node that is not in the file.
    """

    way: NDArray[np.int64]
    ref: NDArray[np.int64]
    lonlat: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> WayNodes:
        return WayNodes(self.way[rows], self.ref[rows], self.lonlat[rows])


@dataclass(frozen=True)
class Cut:
    """Lines between the places where people can turn.

    Attributes
    ----------
    lines : (s,) array of LineString
        Degrees.
    way : (s,) int64
        The way that each line is a piece of.
    gates : (g,) array of LineString
        The pieces of a few centimetres that were taken out at closed gates, from one side to the other.
    gate : (g,) int64
        Node of each of them.
    ambiguous : int
        Closed gates on a junction of three arms and more. Which arm is closed is not mapped; none was cut.
    """

    lines: NDArray[np.object_]
    way: NDArray[np.int64]
    gates: NDArray[np.object_]
    gate: NDArray[np.int64]
    ambiguous: int


@dataclass(frozen=True)
class _Runs:
    """Nodes that follow each other without a gap: `first` and `last` mark the ends of each run."""

    nodes: WayNodes
    first: NDArray[np.bool_]
    last: NDArray[np.bool_]


def whole_lines(nodes: WayNodes) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Ways as lines without cutting them at junctions, and the way of each; a missing node divides a way."""
    runs = _runs(nodes)
    starts = np.flatnonzero(runs.first)
    rows, line = _expanded(starts, np.flatnonzero(runs.last))
    return shapely.linestrings(runs.nodes.lonlat[rows], indices=line), runs.nodes.way[starts]


def cut_ways(nodes: WayNodes, closed: NDArray[np.int64]) -> Cut:
    """Cut ways at every node that is used twice, by two ways or by one, and open a gap at closed gates.

    Parameters
    ----------
    closed
        Nodes where a gate is closed.
    """
    runs = _runs(nodes)
    distinct, node, uses = np.unique(runs.nodes.ref, return_inverse=True, return_counts=True)
    ends = runs.first.astype(np.int64) + runs.last
    arms = np.bincount(node, weights=2 - ends, minlength=len(distinct))
    shut = np.isin(distinct, closed)
    gate = shut & (arms == 2)

    turn = (ends == 0) & ((uses > 1) | gate)[node]
    starts, stops = np.flatnonzero(runs.first | turn), np.flatnonzero(runs.last | turn)
    rows, line = _expanded(starts, stops)
    lonlat = runs.nodes.lonlat[rows]
    gates, gate_row = _open_gaps(lonlat, line, gate[node[rows]], runs.nodes.ref[rows])
    lines = shapely.linestrings(lonlat, indices=line)
    real = shapely.length(lines) > 0
    return Cut(
        lines=lines[real],
        way=runs.nodes.way[starts][real],
        gates=gates,
        gate=runs.nodes.ref[rows][gate_row],
        ambiguous=int((shut & (arms > 2)).sum()),
    )


def _open_gaps(
    lonlat: NDArray[np.float64], line: NDArray[np.int64], gate: NDArray[np.bool_], ref: NDArray[np.int64]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Pull the ends of lines back from closed gates, in ``lonlat`` itself.

    Returns
    -------
    gates : (g,) array of LineString
        What was taken out, from one side to the other.
    row : (g,) int64
        A row of ``lonlat`` that stood at the gate.
    """
    new_line = line[1:] != line[:-1]
    begins = np.flatnonzero(gate & np.concatenate([[True], new_line])[: len(line)])
    finishes = np.flatnonzero(gate & np.concatenate([new_line, [True]])[: len(line)])
    at_gate = np.concatenate([begins, finishes])
    inward = np.concatenate([begins + 1, finishes - 1])
    stood, pulled = lonlat[at_gate], _pulled_back(lonlat[at_gate], lonlat[inward])
    lonlat[at_gate] = pulled
    # A gate has two arms, so its two ends follow each other.
    order = np.argsort(ref[at_gate], kind="stable")
    one, other = order[::2], order[1::2]
    return shapely.linestrings(np.stack([pulled[one], stood[one], pulled[other]], axis=1)), at_gate[one]


def _runs(nodes: WayNodes) -> _Runs:
    """Leave out missing nodes, which divide a way, repeated nodes, and what is then a single node."""
    here = ~np.isnan(nodes.lonlat[:, 0])
    run = np.cumsum(~here)[here]
    nodes = nodes[here]
    new = np.append(True, (np.diff(nodes.way) != 0) | (np.diff(run) != 0))[: len(run)]
    again = ~new
    again[1:] &= nodes.ref[1:] == nodes.ref[:-1]
    nodes, new = nodes[~again], new[~again]
    last = np.append(new[1:], True)[: len(new)]
    longer = ~(new & last)
    return _Runs(nodes[longer], new[longer], last[longer])


def _expanded(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers from each start to its end, both included, and which pair each comes from."""
    size = ends - starts + 1
    line = np.repeat(np.arange(len(starts)), size)
    rows = np.arange(len(line)) + np.repeat(starts - (np.cumsum(size) - size), size)
    return rows, line


def _pulled_back(gate: NDArray[np.float64], inward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points beside the gates, `GATE_M` towards the next vertex, at most a third of the way to it."""
    step = inward - gate
    metres = METRES_PER_DEGREE * np.hypot(step[:, 0] * np.cos(np.radians(gate[:, 1])), step[:, 1])
    share = np.minimum(1 / 3, GATE_M / np.maximum(metres, 1e-9))
    return gate + step * share[:, np.newaxis]
