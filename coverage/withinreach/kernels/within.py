"""Everything within a cutoff of each of many facilities, in whole millimetres: nodes first, then places.

One search per facility, pruned at the cutoff, in the order in which the facilities' nodes lie in memory, so that what
one search reads is still in the cache for the next. Whatever is exactly at the cutoff is within it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.cast import as_array, as_indices, as_lengths, as_pointers
from withinreach.kernels.jit import njit
from withinreach.kernels.nearest import (
    NO_SEGMENT,
    UNREACHED,
    Seeds,
    Segments,
    Spots,
    Ways,
    checked_segments,
    checked_spots,
    ways_along,
)
from withinreach.kernels.search import Arcs

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Distances are kept in 32 bits: 1,073 km are enough for every walk.
MAX_CUTOFF_MM = 2**30
FAR = 2**31 - 1
NO_ENTRY = -1
# Buckets are about as wide as an arc is long; half and twice that differ by less than a tenth. The bound keeps a
# study with centimetres of arcs and hours of walking from spending its time on empty buckets.
MAX_BUCKETS = 4096


class NodesWithin(NamedTuple):
    """Nodes within the cutoff of each facility, a CSR layout over f facilities.

    Attributes
    ----------
    ptr : (f + 1,) int64
        Entries of facility ``i`` are ``ptr[i]:ptr[i + 1]``.
    node : (p,) int32
        Each node once per facility, in no particular order.
    mm : (p,) int64
        Length of the shortest way.
    """

    ptr: NDArray[np.int64]
    node: NDArray[np.int32]
    mm: NDArray[np.int64]


class PlacesWithin(NamedTuple):
    """Places within the cutoff of each facility, a CSR layout over f facilities.

    Attributes
    ----------
    ptr : (f + 1,) int64
        Entries of facility ``i`` are ``ptr[i]:ptr[i + 1]``.
    place : (p,) int32
        Each place once per facility, ascending.
    mm : (p,) int64
        Length of the shortest way, both access ways included.
    """

    ptr: NDArray[np.int64]
    place: NDArray[np.int32]
    mm: NDArray[np.int64]


class _Starts(NamedTuple):
    """Seeds grouped by source, and the order in which the sources take their turns."""

    ptr: NDArray[np.int64]
    node: NDArray[np.int32]
    mm: NDArray[np.int64]
    order: NDArray[np.int64]


class _Hung(NamedTuple):
    """Places as entries of the nodes at both ends of their segments: ``place`` is ``mm`` from node ``i``."""

    ptr: NDArray[np.int64]
    place: NDArray[np.int32]
    mm: NDArray[np.int64]


class _Direct(NamedTuple):
    """Places on the segments of facilities, where the way need not touch a node.

    Attributes
    ----------
    ptr : (f + 1,) int64
        Places on the segment of facility ``i`` are ``ptr[i]:ptr[i + 1]``.
    place : (d,) int32
    mm : (d,) int64
        The way along the segment.
    """

    ptr: NDArray[np.int64]
    place: NDArray[np.int32]
    mm: NDArray[np.int64]


def nodes_within(arcs: Arcs, seeds: Seeds, n_sources: int, cutoff_mm: int) -> NodesWithin:
    """Find all nodes within a cutoff of each source.

    Fastest where nodes that are neighbours on the ground are neighbours in memory; the answer is the same for any
    order, but for the order of a source's nodes.

    Parameters
    ----------
    arcs
        Arcs out of each of n nodes, lengths in millimetres, 0 or more. For ways *to* facilities along one-way arcs,
        give the arcs reversed.
    seeds
        Where the sources start, from `seeds_of`; several may share a node or a source.
    n_sources
        Sources are 0 to ``n_sources - 1``; one without seeds reaches nothing.
    cutoff_mm
        Nodes at exactly this distance are within.

    Raises
    ------
    ValueError
        For wrong shapes, types or indices, lengths that are negative or 2**59 mm or more, and a
        cutoff that is negative or 2**30 mm or more.
    """
    head = as_array("arcs.head", arcs.head, np.int32)
    checked = Arcs(as_pointers("arcs.ptr", arcs.ptr, len(head)), head, as_lengths("arcs.mm", arcs.mm, length=len(head)))
    n_nodes = len(checked.ptr) - 1
    as_indices("arcs.head", head, n_nodes)
    node = as_indices("seeds.node", seeds.node, n_nodes)
    mm = as_lengths("seeds.mm", seeds.mm, length=len(node))
    source = as_indices("seeds.source", seeds.source, n_sources, length=len(node))
    _check_cutoff(cutoff_mm)
    grouped = np.argsort(source, kind="stable")
    ptr = _pointers(source, n_sources)
    # A source takes its turn where its first seed lies; one without seeds anywhere.
    turn = np.zeros(n_sources, np.int64)
    turn[source[grouped[::-1]]] = node[grouped[::-1]]
    starts = _Starts(ptr, node[grouped], mm[grouped], np.argsort(turn, kind="stable"))
    shift = max(_mean_bits(checked.mm), (cutoff_mm // MAX_BUCKETS).bit_length())
    found = _search_each(checked.ptr, _side_by_side(checked, cutoff_mm), starts, shift, cutoff_mm)
    return NodesWithin(*_in_order(*found))


def places_within(
    segments: Segments,
    nodes: NodesWithin,
    facilities: Spots,
    rows: NDArray[np.int32],
    places: Spots,
    cutoff_mm: int,
) -> PlacesWithin:
    """Find all places within a cutoff of each facility, both access ways and parts of segments included.

    The way leaves a place's segment at its tail or its head, or ends at a facility on the same segment.

    Parameters
    ----------
    segments
        All s segments of the network.
    nodes
        Nodes within the same cutoff of each of the chosen facilities, in the order of ``rows``.
    facilities
        All facilities, snapped or not.
    rows : (f,) int32
        The facilities that count. Those that are not snapped reach nothing.
    places
        k places; those that are not snapped are within nothing.
    cutoff_mm
        Places at exactly this distance are within.

    Returns
    -------
    PlacesWithin over the f chosen facilities

    Raises
    ------
    ValueError
        For wrong shapes or types, indices that do not exist, positions off their segment, and a cutoff that is
        negative or 2**30 mm or more.
    """
    ptr = as_pointers("nodes.ptr", nodes.ptr, len(nodes.node))
    node = as_indices("nodes.node", nodes.node, 2**31)
    within = NodesWithin(ptr, node, as_lengths("nodes.mm", nodes.mm, length=len(node)))
    checked = checked_segments(segments)
    spots = checked_spots("facilities", facilities, checked)
    chosen = as_indices("rows", rows, len(spots.segment), length=len(ptr) - 1)
    spots = Spots(spots.segment[chosen], spots.offset_mm[chosen], spots.access_mm[chosen])
    hangers = checked_spots("places", places, checked)
    _check_cutoff(cutoff_mm)
    n_nodes = 1 + max((int(ends.max()) for ends in (checked.tail, checked.head, node) if len(ends)), default=-1)
    ways = ways_along(checked, hangers)
    hung = _Hung(*_hang(checked, hangers, ways, n_nodes))
    direct = _along_segments(checked, spots, hangers, ways)
    return PlacesWithin(*_pair_each(within, hung, direct, len(hangers.segment), cutoff_mm))


def _check_cutoff(cutoff_mm: int) -> None:
    if not 0 <= cutoff_mm < MAX_CUTOFF_MM:
        raise ValueError(f"cutoff_mm must be in 0..{MAX_CUTOFF_MM - 1}, not {cutoff_mm}")


def _pointers(index: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Row pointers of entries grouped by an index, (count + 1,)."""
    ptr = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(index, minlength=count), out=ptr[1:])
    return ptr


def _mean_bits(mm: NDArray[np.int64]) -> int:
    """The power of two below the mean length, as its exponent."""
    return max(0, int(mm.mean(dtype=np.float64)).bit_length() - 1) if len(mm) else 0


def _along_segments(segments: Segments, facilities: Spots, places: Spots, ways: Ways) -> _Direct:
    """Pair every facility with the places on its segment; most segments have no facility, and are never looked at."""
    hosts = np.zeros(len(segments.tail) + 1, bool)  # the last one stands for -1, no segment
    hosts[facilities.segment] = True
    hosts[NO_SEGMENT] = False
    here = np.flatnonzero(hosts[places.segment]).astype(np.int32)
    here = here[np.argsort(places.segment[here], kind="stable")]
    sorted_ = places.segment[here]
    low = np.searchsorted(sorted_, facilities.segment, "left")
    count = np.where(facilities.segment == NO_SEGMENT, 0, np.searchsorted(sorted_, facilities.segment, "right") - low)
    ptr = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=ptr[1:])
    facility = np.repeat(np.arange(len(count)), count)
    place = here[np.arange(ptr[-1]) - ptr[facility] + low[facility]]
    to_facility = ways_along(segments, facilities)
    onwards = to_facility.from_tail[facility] - ways.from_tail[place]
    back = ways.to_tail[place] - to_facility.to_tail[facility]
    along = np.where(places.offset_mm[place] < facilities.offset_mm[facility], onwards, back)
    return _Direct(ptr, place, along + places.access_mm[place] + facilities.access_mm[facility])


@njit
def _side_by_side(arcs: Arcs, cutoff_mm: int) -> NDArray[np.int32]:
    """Head and length of each arc beside each other, (a, 2) in 32 bits; of lengths beyond the cutoff only that."""
    packed = np.empty((len(arcs.head), 2), np.int32)
    for a in range(len(arcs.head)):
        packed[a, 0], packed[a, 1] = arcs.head[a], min(arcs.mm[a], cutoff_mm + 1)
    return packed


@njit
def _search_each(  # noqa: C901, PLR0912
    ptr: NDArray[np.int64], arcs: NDArray[np.int32], starts: _Starts, shift: int, cutoff_mm: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """One search per source: where its entries begin, their number at ``i + 1``, and the nodes within the cutoff.

    A source's nodes wait for their turn in buckets of equal distance (Dial 1969), each bucket a list, last come, first
    served; a node that came nearer has a new entry, and the old one is stepped over. ``queue`` holds node, distance and
    the next entry of the list. One function in 32 bits: handing arrays from function to function and 64 bits made it
    3.4 times slower.
    """
    n_sources = len(starts.ptr) - 1
    best = np.full(len(ptr) - 1, FAR, np.int32)
    touched = np.empty(len(ptr) - 1, np.int32)
    first = np.full((cutoff_mm >> shift) + 1, NO_ENTRY, np.int32)
    queue = np.empty((1024, 3), np.int32)
    begin, size = np.zeros(n_sources, np.int64), np.zeros(n_sources + 1, np.int64)
    node, mm = np.empty(64 * n_sources, np.int32), np.empty(64 * n_sources, np.int32)
    used = 0
    for source in starts.order:
        count = pushed = 0
        for i in range(starts.ptr[source], starts.ptr[source + 1]):
            v, v_mm = starts.node[i], starts.mm[i]
            if v_mm <= cutoff_mm and v_mm < best[v]:
                if best[v] == FAR:
                    touched[count] = v
                    count += 1
                best[v] = v_mm
                if pushed == len(queue):
                    queue = np.concatenate((queue, queue))
                queue[pushed, 0], queue[pushed, 1], queue[pushed, 2] = v, v_mm, first[v_mm >> shift]
                first[v_mm >> shift] = pushed
                pushed += 1
        for bucket in range(len(first)):
            while first[bucket] != NO_ENTRY:
                entry = first[bucket]
                u, u_mm = queue[entry, 0], queue[entry, 1]
                first[bucket] = queue[entry, 2]
                if u_mm > best[u]:
                    continue
                while pushed + ptr[u + 1] - ptr[u] > len(queue):
                    queue = np.concatenate((queue, queue))
                for a in range(ptr[u], ptr[u + 1]):
                    v, v_mm = arcs[a, 0], np.int64(u_mm) + arcs[a, 1]
                    if v_mm <= cutoff_mm and v_mm < best[v]:
                        if best[v] == FAR:
                            touched[count] = v
                            count += 1
                        best[v] = v_mm
                        queue[pushed, 0], queue[pushed, 1], queue[pushed, 2] = v, v_mm, first[v_mm >> shift]
                        first[v_mm >> shift] = pushed
                        pushed += 1
        while used + count > len(node):
            node, mm = np.concatenate((node, np.empty_like(node))), np.concatenate((mm, np.empty_like(mm)))
        begin[source], size[source + 1] = used, count
        for i in range(count):
            v = touched[i]
            node[used], mm[used] = v, best[v]
            best[v] = FAR
            used += 1
    return begin, size, node[:used], mm[:used]


@njit
def _in_order(
    begin: NDArray[np.int64], ptr: NDArray[np.int64], node: NDArray[np.int32], mm: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Put the entries of the searches into the order of the sources; ``ptr[i + 1]`` counts those of source ``i``."""
    for source in range(len(begin)):
        ptr[source + 1] += ptr[source]
    ordered, ordered_mm = np.empty_like(node), np.empty(len(mm), np.int64)
    for source in range(len(begin)):
        for i in range(ptr[source + 1] - ptr[source]):
            ordered[ptr[source] + i] = node[begin[source] + i]
            ordered_mm[ptr[source] + i] = mm[begin[source] + i]
    return ptr, ordered, ordered_mm


@njit
def _hang(
    segments: Segments, places: Spots, ways: Ways, n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Sort places onto the nodes at both ends of their segments."""
    ptr = np.zeros(n_nodes + 2, np.int64)
    for segment in places.segment:
        if segment != NO_SEGMENT:
            ptr[segments.tail[segment] + 2] += 1
            ptr[segments.head[segment] + 2] += 1
    for i in range(n_nodes):
        ptr[i + 2] += ptr[i + 1]
    # One row ahead while it is filled: ptr[i + 1] moves from the start of node i to its end.
    place, mm = np.empty(ptr[-1], np.int32), np.empty(ptr[-1], np.int64)
    for i in range(len(places.segment)):
        segment = places.segment[i]
        if segment != NO_SEGMENT:
            tail, head = segments.tail[segment] + 1, segments.head[segment] + 1
            place[ptr[tail]], mm[ptr[tail]] = i, places.access_mm[i] + ways.to_tail[i]
            ptr[tail] += 1
            place[ptr[head]] = i
            mm[ptr[head]] = places.access_mm[i] + segments.forward_mm[segment] - ways.from_tail[i]
            ptr[head] += 1
    return ptr[:-1], place, mm


@njit
def _pair_each(
    nodes: NodesWithin, hung: _Hung, direct: _Direct, n_places: int, cutoff_mm: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    n_facilities = len(nodes.ptr) - 1
    best = np.full(n_places, UNREACHED, np.int64)
    touched = np.empty(n_places, np.int32)
    ptr = np.zeros(n_facilities + 1, np.int64)
    place, mm = np.empty(64 * n_facilities, np.int32), np.empty(64 * n_facilities, np.int64)
    used = 0
    for facility in range(n_facilities):
        count = 0
        for i in range(direct.ptr[facility], direct.ptr[facility + 1]):
            count = _pair(best, direct.place[i], direct.mm[i], cutoff_mm, touched, count)
        for i in range(nodes.ptr[facility], nodes.ptr[facility + 1]):
            for k in range(hung.ptr[nodes.node[i]], hung.ptr[nodes.node[i] + 1]):
                count = _pair(best, hung.place[k], nodes.mm[i] + hung.mm[k], cutoff_mm, touched, count)
        while used + count > len(place):
            place, mm = np.concatenate((place, np.empty_like(place))), np.concatenate((mm, np.empty_like(mm)))
        touched[:count].sort()
        for i in range(count):
            place[used], mm[used] = touched[i], best[touched[i]]
            best[touched[i]] = UNREACHED
            used += 1
        ptr[facility + 1] = used
    return ptr, place[:used], mm[:used]


@njit
def _pair(
    best: NDArray[np.int64],
    place: int | np.int32,
    mm: int | np.int64,
    cutoff_mm: int,
    touched: NDArray[np.int32],
    count: int,
) -> int:
    """Lower the way to a place, if it is within the cutoff; returns the number of places touched so far."""
    if mm <= cutoff_mm and mm < best[place]:
        if best[place] == UNREACHED:
            touched[count] = place
            count += 1
        best[place] = mm
    return count
