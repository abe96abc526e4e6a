"""Segments that go on into one another -> chains, each as the ends at which its segments are entered.

An *end* is one of the two ends of a segment: ``2 i`` at the tail of segment ``i``, ``2 i + 1`` at its head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Chains(NamedTuple):
    """Every segment once.

    Attributes
    ----------
    end : (s,) int64
        Ends at which segments are entered, chain by chain.
    ptr : (c + 1,) int64
        Where each chain begins, and the last one ends.
    """

    end: NDArray[np.int64]
    ptr: NDArray[np.int64]


def chain_segments(pairs: NDArray[np.int64], segments: int) -> Chains:
    """Join ends, each to one other at most, and follow them.

    Parameters
    ----------
    pairs : (p, 2) int64
        Ends that may be joined, those first that rather should; none twice, and no segment's two ends.
    segments
        How many there are.

    Returns
    -------
    Chains
        First those with two loose ends, each from the lower one and in the order of these, then rings, each from the
        tail of its lowest segment.

    Raises
    ------
    ValueError
        If an end is not one of a segment.
    """
    pairs = np.ascontiguousarray(pairs, np.int64).reshape(-1, 2)
    if len(pairs) and not (pairs.min() >= 0 and pairs.max() < 2 * segments):
        raise ValueError(f"ends must be from 0 to {2 * segments - 1}, not {pairs.min()} to {pairs.max()}")
    return Chains(*_chain(pairs, segments))


@njit
def _chain(pairs: NDArray[np.int64], segments: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    mate = np.full(2 * segments, -1)
    for at in range(len(pairs)):
        one, other = pairs[at, 0], pairs[at, 1]
        if mate[one] < 0 and mate[other] < 0:
            mate[one], mate[other] = other, one
    used = np.zeros(segments, np.bool_)
    ends, ptr = np.empty(segments, np.int64), np.zeros(segments + 1, np.int64)
    chains = done = 0
    # Loose ends first: a chain that begins at one of its segments in the middle would be cut in two.
    for rings in range(2):
        for start in range(0, 2 * segments, 1 + rings):
            if (rings == 0 and mate[start] >= 0) or used[start >> 1]:
                continue
            end = start
            while end >= 0 and not used[end >> 1]:
                used[end >> 1] = True
                ends[done] = end
                done += 1
                end = mate[end ^ 1]
            chains += 1
            ptr[chains] = done
    return ends, ptr[: chains + 1].copy()
