"""Street segments -> strokes: long lines that go on as straight as possible across the junctions.

A map of a whole city has room for its main streets only, and the network does not say which those are. The length of
a stroke does: streets that matter run far without a turn (Thomson and Richardson 1999, "The 'good continuation'
principle of perceptual organization applied to the generalization of road networks"). Strokes are also fewer and
longer than segments, so they simplify better and take less room in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.kernels.chains import chain_segments

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.kernels.chains import Chains
    from withinreach.model import Network

# A turn of more than 45 degrees ends a stroke, except where only two segments meet.
STRAIGHT = -np.cos(np.radians(45.0))
# Strokes of at least these lengths are drawn from the first, second, third zoom step on; see assets/base.js.
LEVEL_LENGTHS_M = (6000.0, 2000.0, 600.0)


def strokes(network: Network) -> NDArray[np.object_]:
    """Lines that cover every segment once, in metres, in no particular order."""
    if network.n_segments == 0:
        return np.empty(0, object)
    return _lines(network, chain_segments(_joints(network), network.n_segments))


def levels(lines: NDArray[np.object_]) -> NDArray[np.uint8]:
    """Importance of strokes: 0 for the longest, 3 for the shortest, shape (k,)."""
    return np.digitize(-shapely.length(lines), -np.array(LEVEL_LENGTHS_M), right=True).astype(np.uint8)


def spatial_order(lines: NDArray[np.object_], level: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Rows by level, inside a level along a Z curve, so that neighbours in the file are neighbours on the ground."""
    if len(lines) == 0:
        return np.empty(0, np.intp)
    start = shapely.get_coordinates(shapely.get_point(lines, 0))
    low, high = start.min(axis=0), start.max(axis=0)
    grid = ((start - low) / np.maximum(high - low, 1.0) * 0xFFFF).astype(np.uint64)
    return np.lexsort((_spread(grid[:, 0]) | (_spread(grid[:, 1]) << np.uint64(1)), level))


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero bit between the 16 low bits of each value."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        values = (values | (values << np.uint64(shift))) & np.uint64(mask)
    return values


def _joints(network: Network) -> NDArray[np.int64]:
    """Ends that may go on into one another across their node, the straightest pairs first, shape (p, 2)."""
    node = np.column_stack([network.tail, network.head]).ravel()
    outward = _outward(network)
    order = np.argsort(node, kind="stable")
    degree = np.bincount(node, minlength=network.n_nodes)
    firsts, seconds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for step in range(1, int(degree.max(initial=0))):
        a, b = order[:-step], order[step:]
        same = (node[a] == node[b]) & (a >> 1 != b >> 1)
        firsts.append(a[same])
        seconds.append(b[same])
    pairs = np.column_stack([np.concatenate(firsts), np.concatenate(seconds)])
    turn = (outward[pairs[:, 0]] * outward[pairs[:, 1]]).sum(axis=1)
    turn[degree[node[pairs[:, 0]]] == 2] = -2.0
    good = np.flatnonzero(turn < STRAIGHT)
    return pairs[good[np.argsort(turn[good], kind="stable")]]


def _outward(network: Network) -> NDArray[np.float64]:
    """Unit vector from each end (see `kernels.chains`) into its segment, shape (2 s, 2); zero without extent."""
    first, last = network.vertex_ptr[:-1], network.vertex_ptr[1:] - 1
    xy = network.vertex_xy
    vectors = np.stack([xy[first + 1] - xy[first], xy[last - 1] - xy[last]], axis=1).reshape(-1, 2)
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return vectors / np.where(length > 0, length, 1.0)[:, None]


def _lines(network: Network, chains: Chains) -> NDArray[np.object_]:
    """The line of each chain."""
    segment, backwards = chains.end >> 1, (chains.end & 1).astype(bool)
    # The first vertex of a segment is the last of the one before, where one goes before.
    joined = np.ones(len(chains.end), np.int64)
    joined[chains.ptr[:-1]] = 0
    first, last = network.vertex_ptr[segment], network.vertex_ptr[segment + 1] - 1
    count = last - first + 1 - joined
    step = np.where(backwards, -1, 1)
    start = np.where(backwards, last, first) + joined * step
    stop = np.append(0, np.cumsum(count))
    place = np.arange(stop[-1]) - np.repeat(stop[:-1], count)
    vertex = np.repeat(start, count) + np.repeat(step, count) * place
    return shapely.from_ragged_array(shapely.GeometryType.LINESTRING, network.vertex_xy[vertex], (stop[chains.ptr],))
