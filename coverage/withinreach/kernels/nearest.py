"""The nearest facility on the street network, in whole millimetres: for every node, then for every place.

A label is the pair (distance, source), compared in that order; among equally near facilities the lowest row wins.
Both are packed into one 64-bit key, so that the smaller key is the smaller pair and one number travels per node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.cast import as_array, as_indices, as_lengths, as_pointers
from withinreach.kernels.jit import njit
from withinreach.kernels.search import NO_KEY, Arcs, lower_keys, pace_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNREACHED = 2**62
NO_SOURCE = -1
NO_SEGMENT = -1
# The product of two lengths has to fit into 62 bits.
MAX_SEGMENT_MM = 2**31


class Seeds(NamedTuple):
    """Where the search starts: each source enters at a node, having come some way already.

    Attributes
    ----------
    node : (k,) int32
    mm : (k,) int64
    source : (k,) int32
        Row of the facility, 0 or more.
    """

    node: NDArray[np.int32]
    mm: NDArray[np.int64]
    source: NDArray[np.int32]


class Nearest(NamedTuple):
    """The way to the nearest source.

    Attributes
    ----------
    mm : (k,) int64
        Its length; `UNREACHED` where there is no way.
    source : (k,) int32
        The lowest row among equally near sources; -1 where there is no way.
    """

    mm: NDArray[np.int64]
    source: NDArray[np.int32]


class Segments(NamedTuple):
    """Street segments, walked in both directions.

    Attributes
    ----------
    tail, head : (s,) int32
        Nodes at the two ends; the same node twice for a loop.
    length_mm : (s,) int64
        What positions are told in. Less than 2**31, and so are the next two.
    forward_mm, backward_mm : (s,) int64
        What walking from tail to head, and from head to tail, amounts to. A part of a segment has the same share of
        it, see `ways_along`.
    """

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_mm: NDArray[np.int64]
    forward_mm: NDArray[np.int64]
    backward_mm: NDArray[np.int64]


def level_segments(tail: NDArray[np.int32], head: NDArray[np.int32], length_mm: NDArray[np.int64]) -> Segments:
    """Segments on which walking amounts to their length, in both directions."""
    return Segments(tail, head, length_mm, length_mm, length_mm)


class Spots(NamedTuple):
    """Where places meet the network.

    Attributes
    ----------
    segment : (k,) int32
        -1 where a place does not meet it; its other values do not count then.
    offset_mm : (k,) int64
        Position on the segment, from its tail.
    access_mm : (k,) int64
        Way from the place to that position.
    """

    segment: NDArray[np.int32]
    offset_mm: NDArray[np.int64]
    access_mm: NDArray[np.int64]


class Ways(NamedTuple):
    """What walking from the tail of a segment to a position on it amounts to, and walking back.

    Attributes
    ----------
    from_tail, to_tail : (k,) int64
        Of no meaning for places that are not snapped.
    """

    from_tail: NDArray[np.int64]
    to_tail: NDArray[np.int64]


class _OnSegments(NamedTuple):
    """Facilities sorted by segment and offset, with the best way to one of them in either direction.

    From a position, the best facility at or before entry i, towards the tail, is ``to_tail + before_mm[i]`` away, and
    the best one at or after it ``after_mm[i] - from_tail``.
    """

    ptr: NDArray[np.int64]
    offset_mm: NDArray[np.int64]
    before_mm: NDArray[np.int64]
    before: NDArray[np.int32]
    after_mm: NDArray[np.int64]
    after: NDArray[np.int32]


def seeds_of(segments: Segments, facilities: Spots, rows: NDArray[np.int32]) -> Seeds:
    """Let facilities enter the network at both ends of their segments, having walked from there *to* the facility.

    Parameters
    ----------
    segments
        All s segments of the network.
    facilities
        All facilities, snapped or not.
    rows : (r,) int32
        The facilities that count; their rows become the sources. Those that are not snapped give no seeds.

    Returns
    -------
    Seeds
        Two for each facility: all tails, then all heads.

    Raises
    ------
    ValueError
        For wrong shapes or types, rows that do not exist, and positions off their segment.
    """
    segments = checked_segments(segments)
    spots, source = _chosen(segments, facilities, rows)
    ways = ways_along(segments, spots)
    node = np.concatenate([segments.tail[spots.segment], segments.head[spots.segment]])
    from_tail = spots.access_mm + ways.from_tail
    from_head = spots.access_mm + segments.backward_mm[spots.segment] - ways.to_tail
    return Seeds(node, np.concatenate([from_tail, from_head]), np.tile(source, 2))


def ways_along(segments: Segments, spots: Spots) -> Ways:
    """What the way from the tail to each position amounts to, and the way back: the share of the segment, rounded down.

    Rounded in the same manner everywhere, so that parts of a way add up to the whole exactly.

    Parameters
    ----------
    segments, spots
        Checked before; see `checked_segments`.
    """
    forward, backward, length = segments.forward_mm, segments.backward_mm, segments.length_mm
    if forward is length and backward is length:
        return Ways(spots.offset_mm, spots.offset_mm)
    met = spots.segment != NO_SEGMENT
    here, at = spots.segment[met], spots.offset_mm[met]
    ways = Ways(np.zeros(len(met), np.int64), np.zeros(len(met), np.int64))
    along = np.maximum(length[here], 1)
    ways.from_tail[met] = forward[here] * at // along
    ways.to_tail[met] = backward[here] * at // along
    return ways


def nearest_to_nodes(
    arc_ptr: NDArray[np.int64],
    arc_head: NDArray[np.int32],
    arc_mm: NDArray[np.int64],
    seeds: Seeds,
    cutoff_mm: int = UNREACHED,
) -> Nearest:
    """Find the nearest source of every node, however far it is, or within a cutoff.

    Fastest where nodes that are neighbours on the ground are neighbours in memory; the answer is the same for any
    order.

    Parameters
    ----------
    arc_ptr : (n + 1,) int64
        Arcs out of node ``i`` are ``arc_ptr[i]:arc_ptr[i + 1]``. For ways *to* facilities along one-way arcs, give
        the arcs reversed.
    arc_head : (a,) int32
        Where each arc leads.
    arc_mm : (a,) int64
        Length of each arc, 0 or more.
    seeds
        Several may share a node or a source.
    cutoff_mm
        Nodes that are farther from every source have no way; those at exactly this distance have one.

    Returns
    -------
    Nearest, shapes (n,)

    Raises
    ------
    ValueError
        For wrong shapes, types or indices, a negative cutoff or negative lengths, or lengths so large that their sum
        times the number of sources does not fit into 61 bits (for 15,000 sources: 140 million kilometres of arcs).
    """
    head = as_array("arc_head", arc_head, np.int32)
    arcs = Arcs(as_pointers("arc_ptr", arc_ptr, len(head)), head, as_lengths("arc_mm", arc_mm, length=len(head)))
    n_nodes = len(arcs.ptr) - 1
    as_indices("arc_head", head, n_nodes)
    node = as_indices("seeds.node", seeds.node, n_nodes)
    mm = as_lengths("seeds.mm", seeds.mm, length=len(node))
    source = as_indices("seeds.source", seeds.source, 2**31, length=len(node))
    if len(node) == 0:
        return Nearest(np.full(n_nodes, UNREACHED, np.int64), np.full(n_nodes, NO_SOURCE, np.int32))
    sources, rank = np.unique(source, return_inverse=True)
    bits = (len(sources) - 1).bit_length()
    arcs_mm = float(arcs.mm.sum(dtype=np.float64))
    if (float(mm.max()) + arcs_mm) * 2.0**bits >= 2.0**61:
        raise ValueError(f"arc_mm add up to {arcs_mm:.3g} mm: with {len(sources)} sources too much for 61 bits")
    if cutoff_mm < 0:
        raise ValueError(f"cutoff_mm must be 0 or more, not {cutoff_mm}")
    far = min(NO_KEY, (cutoff_mm + 1) << bits)
    # Made by NumPy, which asks for large pages: of ten times as many nodes a search takes a tenth less time.
    key = np.full(n_nodes, far, np.int64)
    lower_keys(key, arcs, node, (mm << bits) | rank, bits, pace_of(arcs_mm, len(head), bits))
    return _unpacked(key, sources, bits, far)


def nearest_to_places(
    segments: Segments, nodes: Nearest, facilities: Spots, rows: NDArray[np.int32], places: Spots
) -> Nearest:
    """Find the nearest facility of every place, both access ways and parts of segments included.

    The way leaves a place's segment at its tail or its head, or ends at a facility on the same segment.

    Parameters
    ----------
    segments
        All s segments of the network.
    nodes
        The nearest of the same facilities from every node, from `nearest_to_nodes` with their `seeds_of`.
    facilities, rows
        As for `seeds_of`.
    places
        k places.

    Returns
    -------
    Nearest, shapes (k,)
        ``mm`` runs from the place itself to the facility itself. Places that are not snapped have no way.

    Raises
    ------
    ValueError
        For wrong shapes or types, indices that do not exist, and positions off their segment.
    """
    labels = _checked_nearest(nodes)
    segments = checked_segments(segments, len(labels.mm))
    spots, source = _chosen(segments, facilities, rows)
    on_segments = _sort_onto_segments(segments, spots, source)
    checked = checked_spots("places", places, segments)
    return Nearest(*_evaluate(segments, labels, on_segments, checked, ways_along(segments, checked)))


def _checked_nearest(nodes: Nearest) -> Nearest:
    mm = as_array("nodes.mm", nodes.mm, np.int64)
    if len(mm) and not (mm.min() >= 0 and mm.max() <= UNREACHED):
        raise ValueError(f"nodes.mm must be in 0..{UNREACHED}")
    return Nearest(mm, as_array("nodes.source", nodes.source, np.int32, (len(mm),)))


def checked_segments(segments: Segments, n_nodes: int = 2**31) -> Segments:
    """Check segments.

    Raises
    ------
    ValueError
        For wrong shapes or types, nodes that do not exist, and lengths that are negative, or 2**31 mm and more.
    """
    tail = as_indices("segments.tail", segments.tail, n_nodes)
    head = as_indices("segments.head", segments.head, n_nodes, length=len(tail))
    length_mm = _checked_part("length_mm", segments.length_mm, len(tail))
    forward_mm, backward_mm = (
        length_mm if part is segments.length_mm else _checked_part(name, part, len(tail))
        for name, part in (("forward_mm", segments.forward_mm), ("backward_mm", segments.backward_mm))
    )
    return Segments(tail, head, length_mm, forward_mm, backward_mm)


def _checked_part(name: str, values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    lengths = as_lengths(f"segments.{name}", values, length=count)
    if len(lengths) and lengths.max() >= MAX_SEGMENT_MM:
        raise ValueError(f"segments.{name} must be below {MAX_SEGMENT_MM} mm: cut longer segments")
    return lengths


def checked_spots(name: str, spots: Spots, segments: Segments) -> Spots:
    """Check positions on segments.

    Raises
    ------
    ValueError
        For wrong shapes or types, segments that do not exist, and positions beyond their end.
    """
    segment = as_indices(f"{name}.segment", spots.segment, len(segments.tail), lowest=NO_SEGMENT)
    checked = Spots(
        segment,
        as_lengths(f"{name}.offset_mm", spots.offset_mm, length=len(segment)),
        as_lengths(f"{name}.access_mm", spots.access_mm, length=len(segment)),
    )
    off = _first_off_segment(segments, checked)
    if off >= 0:
        raise ValueError(
            f"{name} row {off}: offset_mm {checked.offset_mm[off]} is beyond the end of segment {segment[off]}"
        )
    return checked


def _chosen(segments: Segments, facilities: Spots, rows: NDArray[np.int32]) -> tuple[Spots, NDArray[np.int32]]:
    """The snapped ones of the chosen facilities, and their rows."""
    checked = checked_spots("facilities", facilities, segments)
    chosen = as_indices("rows", rows, len(checked.segment))
    source = chosen[checked.segment[chosen] != NO_SEGMENT]
    return Spots(*(part[source] for part in checked)), source


def _sort_onto_segments(segments: Segments, spots: Spots, source: NDArray[np.int32]) -> _OnSegments:
    order = np.lexsort((spots.offset_mm, spots.segment))
    ptr = np.zeros(len(segments.tail) + 1, np.int64)
    np.cumsum(np.bincount(spots.segment, minlength=len(segments.tail)), out=ptr[1:])
    ways = ways_along(segments, spots)
    before_mm, after_mm = spots.access_mm - ways.to_tail, spots.access_mm + ways.from_tail
    sorted_ = _OnSegments(ptr, spots.offset_mm[order], before_mm[order], source[order], after_mm[order], source[order])
    _spread_along_segments(sorted_)
    return sorted_


def _unpacked(key: NDArray[np.int64], sources: NDArray[np.int32], bits: int, far: int) -> Nearest:
    """Take keys apart; they become the distances, in place."""
    source = np.empty(len(key), np.int32)
    _unpack(key, source, sources, bits, far)
    return Nearest(key, source)


@njit
def _unpack(key: NDArray[np.int64], source: NDArray[np.int32], sources: NDArray[np.int32], bits: int, far: int) -> None:
    for i in range(len(key)):
        if key[i] == far:
            key[i], source[i] = UNREACHED, NO_SOURCE
        else:
            source[i] = sources[key[i] & ((1 << bits) - 1)]
            key[i] >>= bits


@njit
def _first_off_segment(segments: Segments, spots: Spots) -> int:
    """First row that lies beyond the end of its segment, or -1."""
    for i in range(len(spots.segment)):
        segment = spots.segment[i]
        if segment != NO_SEGMENT and spots.offset_mm[i] > segments.length_mm[segment]:
            return i
    return -1


@njit
def _before(mm: int, source: int | np.int32, best_mm: int, best: int | np.int32) -> bool:
    """Whether the pair (mm, source) comes before another."""
    return bool((mm < best_mm) | ((mm == best_mm) & (source < best)))


@njit
def _spread_along_segments(on: _OnSegments) -> None:
    """Turn the ways of single facilities into the best of all before, and of all after, on the same segment."""
    for segment in range(len(on.ptr) - 1):
        for i in range(on.ptr[segment] + 1, on.ptr[segment + 1]):
            if _before(on.before_mm[i - 1], on.before[i - 1], on.before_mm[i], on.before[i]):
                on.before_mm[i], on.before[i] = on.before_mm[i - 1], on.before[i - 1]
        for i in range(on.ptr[segment + 1] - 2, on.ptr[segment] - 1, -1):
            if _before(on.after_mm[i + 1], on.after[i + 1], on.after_mm[i], on.after[i]):
                on.after_mm[i], on.after[i] = on.after_mm[i + 1], on.after[i + 1]


@njit
def _evaluate(
    segments: Segments, nodes: Nearest, on: _OnSegments, places: Spots, ways: Ways
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    mm = np.full(len(places.segment), UNREACHED, np.int64)
    source = np.full(len(places.segment), NO_SOURCE, np.int32)
    for i in range(len(places.segment)):
        segment = places.segment[i]
        if segment == NO_SEGMENT:
            continue
        tail, head = segments.tail[segment], segments.head[segment]
        # Everything is loaded before anything is compared: a wrong guess of a branch would wait for memory each time.
        best_mm, best = nodes.mm[tail] + ways.to_tail[i], nodes.source[tail]
        by_head, from_head = nodes.mm[head] + segments.forward_mm[segment] - ways.from_tail[i], nodes.source[head]
        head_first = _before(by_head, from_head, best_mm, best)
        best_mm, best = (by_head if head_first else best_mm), (from_head if head_first else best)
        if on.ptr[segment] < on.ptr[segment + 1]:
            direct, on_segment = _along_segment(on, segment, places.offset_mm[i], ways.from_tail[i], ways.to_tail[i])
            if _before(direct, on_segment, best_mm, best):
                best_mm, best = direct, on_segment
        if best_mm < UNREACHED:
            mm[i], source[i] = best_mm + places.access_mm[i], best
    return mm, source


@njit
def _along_segment(on: _OnSegments, segment: int, offset: int, from_tail: int, to_tail: int) -> tuple[int, np.int32]:
    """The best way from a position to a facility on the same segment, by bisection among these."""
    low, high = on.ptr[segment], on.ptr[segment + 1]
    first, last = low, high
    while low < high:
        middle = (low + high) // 2
        if on.offset_mm[middle] <= offset:
            low = middle + 1
        else:
            high = middle
    if low == first:
        return on.after_mm[low] - from_tail, on.after[low]
    best_mm, best = on.before_mm[low - 1] + to_tail, on.before[low - 1]
    if low < last and _before(on.after_mm[low] - from_tail, on.after[low], best_mm, best):
        return on.after_mm[low] - from_tail, on.after[low]
    return best_mm, best
