"""Dead ends that stop just short of another street: which there are, which to close, and the lines afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.model import build_network
from withinreach.preparation.noding import TOUCH_M
from withinreach.preparation.pieces import cut_chain, draw_pieces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Lines = NDArray[np.object_]
    Rows = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Metres = NDArray[np.float64]

INSIDE = -1
# A line of at most two gaps' length only circles back to where it starts if its ends are joined to the same street.
SHORT_GAPS = 2


class Gaps(NamedTuple):
    """Dead ends and what each could be joined to, shape (k,) each.

    Attributes
    ----------
    line : int64
        The line that would be extended.
    at_head : bool
        At its last vertex rather than at its first.
    node : int64
        The node of that end.
    short : bool
        Whether the line is at most two gaps long.
    target : int64
        The line to join it to.
    target_short : bool
    target_node : int64
        The node at that line's end; -1 for a place inside it.
    xy : float64, (k, 2)
        Where they would meet, metres.
    along_m : float64
        Where along the target that is, if inside it.
    gap_m : float64
        Length of the piece to add.
    """

    line: Rows
    at_head: Mask
    node: Rows
    short: Mask
    target: Rows
    target_short: Mask
    target_node: Rows
    xy: Metres
    along_m: Metres
    gap_m: Metres

    def take(self, rows: Rows | Mask) -> Gaps:
        """Some of the gaps."""
        return Gaps._make(field[rows] for field in self)


class _Vertices(NamedTuple):
    """Vertices of lines: the line of each, coordinates, and metres along the line."""

    line: Rows
    xy: Metres
    along_m: Metres


def find_gaps(lines: Lines, level: Rows, gap_m: float) -> Gaps:
    """Every dead end and every line within the distance of it, once for each pair.

    Of a line that has an end within the distance the nearer end counts. Insides count only within a level.
    """
    network = build_network(lines)
    tail, head = network.tail.astype(np.int64), network.head.astype(np.int64)
    degree = np.bincount(np.concatenate([tail, head]), minlength=network.n_nodes)
    own, at_head = _dead_ends(tail, head, degree)
    first, last = (shapely.get_coordinates(shapely.get_point(lines, which)) for which in (0, -1))
    point = np.where(at_head[:, None], last[own], first[own])

    ask, target = shapely.STRtree(lines).query(shapely.points(point), predicate="dwithin", distance=gap_m)
    own, at_head, point = own[ask], at_head[ask], point[ask]
    to_first, to_last = (np.hypot(*(ends[target] - point).T) for ends in (first, last))
    # An end is not a target for itself.
    to_first[(own == target) & ~at_head] = np.inf
    to_last[(own == target) & at_head] = np.inf
    nearer_last = to_last < to_first
    to_end = np.minimum(to_first, to_last)
    foot, along_m = _feet(lines, point, target)
    at_end = to_end <= gap_m
    xy = np.where(at_end[:, None], np.where(nearer_last[:, None], last[target], first[target]), foot)
    short = shapely.length(lines) <= SHORT_GAPS * gap_m
    gaps = Gaps(
        line=own,
        at_head=at_head,
        node=np.where(at_head, head[own], tail[own]),
        short=short[own],
        target=target,
        target_short=short[target],
        target_node=np.where(at_end, np.where(nearer_last, head[target], tail[target]), INSIDE),
        xy=xy,
        along_m=along_m,
        gap_m=np.hypot(*(xy - point).T),
    )
    other_node = np.where(at_head, tail[own], head[own])
    circles = gaps.short & ((tail[target] == other_node) | (head[target] == other_node))
    inside_allowed = (own != target) & (level[own] == level[target])
    return gaps.take(~circles & (gaps.gap_m <= gap_m) & (at_end | inside_allowed))


def _dead_ends(tail: Rows, head: Rows, degree: Rows) -> tuple[Rows, Mask]:
    """Lines with an end that no other line shares, and whether it is their last vertex."""
    starts, ends = np.flatnonzero(degree[tail] == 1), np.flatnonzero(degree[head] == 1)
    return np.concatenate([starts, ends]), np.repeat([False, True], [len(starts), len(ends)])


def _vertices(lines: Lines) -> _Vertices:
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    starts = np.searchsorted(line, np.arange(len(lines)))
    step[starts] = 0
    total = np.cumsum(step)
    return _Vertices(line, xy, total - total[starts][line])


def _feet(lines: Lines, point: Metres, target: Rows) -> tuple[Metres, Metres]:
    """The nearest place on each target line and how far along it lies; a vertex within a millimetre is taken."""
    near, local = np.unique(target, return_inverse=True)
    vertices = _vertices(lines[near])
    along_m = shapely.line_locate_point(lines[target], shapely.points(point))
    start = np.searchsorted(vertices.line, np.arange(len(near) + 1))
    # Lines one after the other on a single ruler, a metre apart.
    base = np.r_[0.0, np.cumsum(vertices.along_m[start[1:] - 1] + 1.0)]
    after = np.searchsorted(base[vertices.line] + vertices.along_m, base[local] + along_m)
    after = np.clip(after, start[local] + 1, start[local + 1] - 1)
    length = vertices.along_m[after] - vertices.along_m[after - 1]
    fraction = np.divide(along_m - vertices.along_m[after - 1], length, out=np.zeros(len(after)), where=length > 0)
    foot = vertices.xy[after - 1] + fraction[:, None] * (vertices.xy[after] - vertices.xy[after - 1])
    for vertex in (after - 1, after):
        at_vertex = np.abs(vertices.along_m[vertex] - along_m) <= TOUCH_M
        foot[at_vertex] = vertices.xy[vertex[at_vertex]]
        along_m = np.where(at_vertex, vertices.along_m[vertex], along_m)
    return foot, along_m


def choose_gaps(gaps: Gaps) -> Gaps:
    """Which gaps to close in one go, and whether to look again afterwards.

    Shortest first; of equal ones that of the last line, so that of two facing ends the first line's stays. An end is
    joined once, and an end that others were joined to stays where it is. Of a short line one end is joined at a time,
    so that the next round sees what the other one would circle back to.
    """
    order = np.lexsort((gaps.target, gaps.at_head, -gaps.line, gaps.gap_m))
    moved: set[int] = set()
    kept: set[int] = set()
    busy: set[int] = set()
    chosen: list[int] = []
    for row in order.tolist():
        node, target_node = int(gaps.node[row]), int(gaps.target_node[row])
        if node in moved or node in kept:
            continue
        short = {int(gaps.line[row])} if gaps.short[row] else set()
        short |= {int(gaps.target[row])} if gaps.target_short[row] else set()
        if target_node in moved or short & busy:
            continue
        moved.add(node)
        kept |= {target_node} - {INSIDE}
        busy |= short
        chosen.append(row)
    return gaps.take(np.array(chosen, np.int64))


def join_lines(lines: Lines, gaps: Gaps) -> tuple[Lines, Rows, int]:
    """Extend lines across gaps and cut those that are met inside.

    Returns
    -------
    lines : (k,) array of LineString
    source : (k,) int64
        The line that each comes from.
    cuts : int
    """
    vertices = _vertices(lines)
    inside = gaps.target_node == INSIDE
    line = np.concatenate([vertices.line, gaps.line, gaps.target[inside]])
    along_m = np.concatenate([vertices.along_m, np.where(gaps.at_head, np.inf, -np.inf), gaps.along_m[inside]])
    xy = np.concatenate([vertices.xy, gaps.xy, gaps.xy[inside]])
    cut = np.repeat([False, True], [len(vertices.line) + len(gaps.line), inside.sum()])
    order = np.lexsort((along_m, line))
    line, xy, cut = line[order], xy[order], cut[order]

    again = np.zeros(len(line), bool)
    again[1:] = (line[1:] == line[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)
    group = np.cumsum(~again) - 1
    cut = np.bincount(group, weights=cut) > 0
    line, xy = line[~again], xy[~again]
    chain = cut_chain(line, cut)
    changed = np.zeros(len(lines), bool)
    changed[gaps.line] = True
    parts, source = draw_pieces(lines, changed, chain, xy[chain.row])
    return parts, source, int(cut.sum())
