"""Lines as chains of shared positions, brought to agree wherever they cross, touch or overlap.

Every vertex is a position, and lines share a position or they do not: nothing depends on comparing coordinates after
the first step. In rounds, positions closer than a millimetre become one, a position on a segment becomes a vertex of
it, and a crossing becomes a new position of both lines, until a round finds nothing more to do. What is then left
over is settled: two segments of one level are apart, share an end, or are the same. Vertices far from any other line
keep their coordinates bit for bit, which rounding everything to a grid (snap rounding) would not leave so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.pieces import Chain

    Rows = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Metres = NDArray[np.float64]

# The network tells nodes apart by the millimetre, so what is nearer than that is the same place.
TOUCH_M = 0.001
# A vertex this near a segment lies on it. It must be well below the distance at which vertices become one: of two
# vertices that both lie near the segment from a third to the other, each would be inserted before the other for ever.
ON_SEGMENT_M = TOUCH_M / 2
# Street layers settle in 3 to 5 rounds; 120 lines thrown at random into a square of 5 cm took 11.
MAX_ROUNDS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Linework:
    """Lines as chains of positions.

    Attributes
    ----------
    xy : (p, 2) float64
        Positions, metres; some may no longer be in use.
    line : (v,) int64
        The line of each vertex, ascending.
    spot : (v,) int64
        The position of each vertex, in the order of its line.
    level : (s,) int64
        Rank of the level of each line; lines meet only within a level, except where an end comes to rest on a line.
    """

    xy: Metres
    line: Rows
    spot: Rows
    level: Rows


class _Segments(NamedTuple):
    """Segments between different positions: row of their first vertex, positions of both ends, level."""

    row: Rows
    start: Rows
    end: Rows
    level: Rows


class _Events(NamedTuple):
    """What one round found: pairs of positions that are one, and positions to insert into segments (by row)."""

    same: Rows  # (m, 2)
    row: Rows
    fraction: Metres
    position: Rows


def linework(lines: NDArray[np.object_], level: Rows) -> Linework:
    """Lines -> chains of positions, without vertices that repeat the one before within a millimetre."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    keep = _spaced(xy, line)
    xy, line = xy[keep], line[keep]
    place, spot = np.unique(xy[:, 0] + 1j * xy[:, 1], return_inverse=True)
    _, rank = np.unique(level, return_inverse=True)
    return _without_repeats(Linework(np.column_stack([place.real, place.imag]), line, spot, rank))


def _without_repeats(work: Linework) -> Linework:
    """Without vertices at the position of the one before; a line that shrank to one position keeps one vertex."""
    again = np.zeros(len(work.spot), bool)
    again[1:] = (work.line[1:] == work.line[:-1]) & (work.spot[1:] == work.spot[:-1])
    return replace(work, line=work.line[~again], spot=work.spot[~again])


def _spaced(xy: Metres, line: Rows) -> Mask:
    """Which vertices to keep so that the vertices of a line are more than a millimetre apart; ends always stay."""
    keep = np.ones(len(xy), bool)
    same_line = line[1:] == line[:-1]
    step = np.hypot(*np.diff(xy, axis=0).T)
    crowded = np.unique(line[1:][same_line & (step <= TOUCH_M)])
    starts, stops = np.searchsorted(line, crowded), np.searchsorted(line, crowded, side="right")
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        points = xy[start:stop].tolist()
        kept = [0]
        for row in range(1, len(points)):
            if math.dist(points[row], points[kept[-1]]) > TOUCH_M:
                kept.append(row)
        if kept[-1] != len(points) - 1:
            # The end takes the place of the vertex before it, unless that one is the start.
            kept = [*kept[: max(1, len(kept) - 1)], len(points) - 1]
        keep[start:stop] = False
        keep[np.add(kept, start)] = True
    return keep


def settle(work: Linework) -> tuple[Linework, Mask]:
    """Bring lines to agree.

    Returns
    -------
    work : Linework
    changed : (s,) bool
        The lines of which any vertex was inserted or moved.

    Raises
    ------
    SourceError
        If the lines do not settle, which needs a dense tangle far below a centimetre.
    """
    fresh = near = np.ones(len(work.level), bool)
    boxes = _boxes(work)
    tree = shapely.STRtree(boxes)
    work, changed = _apply(work, _unite(_in_one_mm(work, _is_end(work))))
    for _ in range(MAX_ROUNDS):
        work, events = _within_levels(work, fresh, near)
        if not (len(events.same) or len(events.row)):
            events = _at_nodes(work)
        work, fresh = _apply(work, events)
        if not fresh.any():
            return work, changed
        changed |= fresh
        near = np.zeros(len(near), bool)
        near[tree.query(boxes[fresh])[1]] = True
    where = work.xy[work.spot[fresh[work.line]]].mean(axis=0).round(1)
    raise SourceError(f"the lines around {where.tolist()} form a tangle that cannot be cut into streets; simplify it")


def _boxes(work: Linework) -> NDArray[np.object_]:
    """Rectangle around each line, wide enough that no number of rounds moves the line out of it."""
    start = np.searchsorted(work.line, np.arange(len(work.level)))
    low = np.minimum.reduceat(work.xy[work.spot], start) - MAX_ROUNDS * 2 * TOUCH_M
    high = np.maximum.reduceat(work.xy[work.spot], start) + MAX_ROUNDS * 2 * TOUCH_M
    boxes: NDArray[np.object_] = shapely.box(*low.T, *high.T)
    return boxes


# Finding -------------------------------------------------------------------------------------------------------


def _segments(work: Linework) -> _Segments:
    row = np.flatnonzero(work.line[1:] == work.line[:-1])
    return _Segments(row, work.spot[row], work.spot[row + 1], work.level[work.line[row]])


def _within_levels(work: Linework, fresh: Mask, near: Mask) -> tuple[Linework, _Events]:
    """Everything to do between segments of the same level, of which at least one belongs to a fresh line.

    ``near`` are the lines that come close to a fresh one, the fresh ones among them.
    """
    segments = _segments(work)
    segments = _Segments(*(field[near[work.line[segments.row]]] for field in segments))
    one, other = _neighbours(work, segments, fresh)
    same, rows, fractions, positions = [], [], [], []
    busy = np.zeros(len(one), bool)
    for vertex_of, base in ((one, other), (other, one)):
        for position in (segments.start[vertex_of], segments.end[vertex_of]):
            at_end, inside, fraction = _relation(work.xy, position, segments.start[base], segments.end[base])
            same.append(np.column_stack([position, at_end])[at_end >= 0])
            rows.append(segments.row[base][inside])
            fractions.append(fraction[inside])
            positions.append(position[inside])
            busy |= (at_end >= 0) | inside
    work, crossings = _crossings(work, segments, one[~busy], other[~busy])
    return work, _Events(
        np.concatenate(same),
        np.concatenate([*rows, crossings.row]),
        np.concatenate([*fractions, crossings.fraction]),
        np.concatenate([*positions, crossings.position]),
    )


def _neighbours(work: Linework, segments: _Segments, fresh: Mask) -> tuple[Rows, Rows]:
    """Pairs of segments of one level whose rectangles come within a millimetre; each pair once."""
    is_fresh = fresh[work.line[segments.row]]
    low = np.minimum(work.xy[segments.start], work.xy[segments.end]) - TOUCH_M
    high = np.maximum(work.xy[segments.start], work.xy[segments.end]) + TOUCH_M
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    tree = shapely.STRtree(boxes)
    asking = np.flatnonzero(is_fresh)
    one, other = tree.query(boxes[asking])
    one = asking[one]
    once = (one < other) | ((one > other) & ~is_fresh[other])
    once &= segments.level[one] == segments.level[other]
    return one[once], other[once]


def _relation(xy: Metres, position: Rows, start: Rows, end: Rows) -> tuple[Rows, Mask, Metres]:
    """How positions lie to segments.

    Returns
    -------
    at_end : (k,) int64
        The end of the segment that lies within a millimetre but is another position; -1 where none does.
    inside : (k,) bool
        Whether the position lies on the segment, away from its ends.
    fraction : (k,) float64
        Where on the segment.
    """
    along = xy[end] - xy[start]
    to = xy[position] - xy[start]
    # Two crossings may fall on the same coordinates before a round makes them one: a segment of no length.
    length = np.maximum(np.hypot(*along.T), np.finfo(np.float64).tiny)
    fraction = (to * along / length[:, None]).sum(axis=1) / length
    from_start = np.hypot(*to.T)
    from_end = np.hypot(*(xy[position] - xy[end]).T)
    off = np.abs(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]) / length
    apart = (position != start) & (position != end)
    at_start = apart & (from_start <= TOUCH_M)
    at_last = apart & ~at_start & (from_end <= TOUCH_M)
    inside = apart & ~at_start & ~at_last & (off <= ON_SEGMENT_M) & (fraction > 0) & (fraction < 1)
    return np.where(at_start, start, np.where(at_last, end, -1)), inside, fraction


def _crossings(work: Linework, segments: _Segments, one: Rows, other: Rows) -> tuple[Linework, _Events]:
    """New positions where two segments cross neither of which has a vertex on the other."""
    a, b = work.xy[segments.start[one]], work.xy[segments.end[one]]
    c, d = work.xy[segments.start[other]], work.xy[segments.end[other]]
    side_c, side_d = _side(a, b, c), _side(a, b, d)
    side_a, side_b = _side(c, d, a), _side(c, d, b)
    apart = (segments.start[one] != segments.start[other]) & (segments.end[one] != segments.end[other])
    apart &= (segments.start[one] != segments.end[other]) & (segments.end[one] != segments.start[other])
    cross = apart & (side_a * side_b < 0) & (side_c * side_d < 0)
    on_one = side_a[cross] / (side_a[cross] - side_b[cross])
    on_other = side_c[cross] / (side_c[cross] - side_d[cross])
    new = len(work.xy) + np.arange(len(on_one))
    point = a[cross] + on_one[:, None] * (b[cross] - a[cross])
    events = _Events(
        np.empty((0, 2), np.int64),
        np.concatenate([segments.row[one[cross]], segments.row[other[cross]]]),
        np.concatenate([on_one, on_other]),
        np.concatenate([new, new]),
    )
    return replace(work, xy=np.concatenate([work.xy, point])), events


def _side(a: Metres, b: Metres, p: Metres) -> Metres:
    """Twice the signed area of the triangle; positive where ``p`` lies left of the way from ``a`` to ``b``."""
    return (b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0])


def _at_nodes(work: Linework) -> _Events:
    """What is left when the lines of each level agree: nodes within one millimetre, and ends that rest on a line.

    A junction exactly above another one becomes one node with it, whatever the levels: the network has one node per
    millimetre.
    """
    same = _in_one_mm(work, _is_end(work) | nodes_along(work))
    if not work.level.any():
        return _unite(same)
    segments = _segments(work)
    position, level = _lone_ends(work, segments)
    tree = shapely.STRtree(shapely.linestrings(np.stack([work.xy[segments.start], work.xy[segments.end]], axis=1)))
    point = work.xy[position]
    lone, base = tree.query(shapely.box(*(point - TOUCH_M).T, *(point + TOUCH_M).T))
    away = level[lone] != segments.level[base]
    lone, base = lone[away], base[away]
    at_end, inside, fraction = _relation(work.xy, position[lone], segments.start[base], segments.end[base])
    near = np.column_stack([position[lone], at_end])[at_end >= 0]
    return _Events(np.concatenate([same, near]), segments.row[base][inside], fraction[inside], position[lone][inside])


def _in_one_mm(work: Linework, node: Mask) -> Rows:
    """Pairs of positions that the network takes for one node although their coordinates differ, shape (m, 2).

    Parameters
    ----------
    node : (v,) bool
        Vertices that are nodes.
    """
    used = np.zeros(len(work.xy), bool)
    used[work.spot[node]] = True
    at = np.flatnonzero(used)
    mm = np.round(work.xy[at] * 1000)
    _, first, cell = np.unique(mm[:, 0] + 1j * mm[:, 1], return_index=True, return_inverse=True)
    pairs = np.column_stack([at, at[first[cell]]])
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _unite(same: Rows) -> _Events:
    """Nothing but positions that are one."""
    return _Events(same, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


# Changing ------------------------------------------------------------------------------------------------------


def _apply(work: Linework, events: _Events) -> tuple[Linework, Mask]:
    """Insert and unite positions; the second value tells which lines changed."""
    target = _united(len(work.xy), events.same)
    row = np.concatenate([np.arange(len(work.spot)), events.row])
    fraction = np.concatenate([np.zeros(len(work.spot)), events.fraction])
    before = np.concatenate([work.spot, events.position])
    order = np.lexsort((fraction, row))
    line, spot = work.line[row[order]], target[before[order]]
    touched = (spot != before[order]) | (order >= len(work.spot))
    fresh = np.zeros(len(work.level), bool)
    fresh[line[touched]] = True
    return _without_repeats(replace(work, line=line, spot=spot)), fresh


def _united(count: int, same: Rows) -> Rows:
    """Where each position goes: to its lowest near neighbour, if that one stays.

    Chains (a near b near c) are not followed to their end within one round, or a chain of near positions would
    drag its far end across any distance.
    """
    target = np.arange(count)
    lower, higher = same.min(axis=1), same.max(axis=1)
    goes = np.zeros(count, bool)
    goes[higher] = True
    stays = ~goes[lower]
    np.minimum.at(target, higher[stays], lower[stays])
    return target


# Cutting -------------------------------------------------------------------------------------------------------


def _is_end(work: Linework) -> Mask:
    """Which vertices are the first or last of their line, shape (v,)."""
    first = np.ones(len(work.line), bool)
    first[1:] = work.line[1:] != work.line[:-1]
    return first | np.r_[first[1:], np.ones(min(1, len(first)), bool)]


def _degrees(work: Linework, segments: _Segments) -> tuple[Rows, Rows]:
    """Places (level and position, as one number, ascending) and how many different segments meet at each."""
    p = len(work.xy)
    # Sorted by hand: numpy 2.4 takes 5 to 10 times as long with the hash table of np.unique.
    edge = np.sort(_edge_key(work, segments))
    edge = edge[np.diff(edge, prepend=-1) > 0]
    level, low, high = edge // p // p, edge // p % p, edge % p
    return np.unique(np.concatenate([level * p + low, level * p + high]), return_counts=True)


def _edge_key(work: Linework, segments: _Segments) -> Rows:
    """One number per segment, the same for segments of one level between the same positions."""
    p = len(work.xy)
    low, high = np.minimum(segments.start, segments.end), np.maximum(segments.start, segments.end)
    return (segments.level * p + low) * p + high


def _lone_ends(work: Linework, segments: _Segments) -> tuple[Rows, Rows]:
    """Positions and levels of ends at which nothing else of their level arrives; the tip of a spike is one."""
    place, degree = _degrees(work, segments)
    lone = place[degree == 1]
    return lone % len(work.xy), lone // len(work.xy)


def nodes_along(work: Linework) -> Mask:
    """At which vertices inside settled lines a line has to be cut, shape (v,).

    A line is cut where a line of its level ends or turns back on itself, where streets of its level fork, and where
    an end rests on it that meets nothing of its own level, such as the head of a bridge. It is not cut where it
    merely has a vertex above or below a vertex of another level.
    """
    p = len(work.xy)
    segments = _segments(work)
    place, degree = _degrees(work, segments)
    is_end = _is_end(work)
    here = work.level[work.line] * p + work.spot
    turns = np.zeros(len(here), bool)
    turns[1:-1] = ~is_end[1:-1] & (work.spot[2:] == work.spot[:-2])
    ends = np.unique(here[is_end | turns])
    rests = place[degree == 1] % p
    fork = np.isin(here, place[degree != 2]) | np.isin(here, ends) | np.isin(work.spot, rests)
    return fork & ~is_end


def repeated(work: Linework, chain: Chain) -> Mask:
    """Which pieces of settled lines, cut at their nodes, repeat an earlier one of their level.

    Such pieces either share no segment or all of them, so the first segment decides.
    """
    inner = np.flatnonzero(chain.piece[1:] == chain.piece[:-1])
    row, piece = chain.row[inner], chain.piece[inner]
    segments = _Segments(row, work.spot[row], work.spot[chain.row[inner + 1]], work.level[work.line[row]])
    _, first, edge = np.unique(_edge_key(work, segments), return_index=True, return_inverse=True)
    _, opening = np.unique(piece, return_index=True)
    return piece[first[edge[opening]]] != piece[opening]
