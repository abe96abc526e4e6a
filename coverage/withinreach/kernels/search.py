"""Shortest ways from many starts over a whole street network at once, one 64-bit key per node.

The search corrects labels instead of settling nodes one by one. Nodes come in blocks of neighbours, each small enough
for the cache; a block is worked off until it is quiet, then the next one. All blocks together advance in steps of
distance (delta-stepping, Meyer & Sanders 2003), which keeps a block from propagating labels that a nearer start will
replace. A priority queue sweeps its wavefront over the whole map instead and falls out of the cache: on 3.1 million
nodes it takes 7 times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_KEY = 2**62
NO_NODE = -1

# 4,096 nodes and their arcs take about 200 KB. Measured on 309,000 and 3.1 million nodes: 1,024 to 8,192 nodes and
# 8 to 32 mean arcs per step differ by a tenth; one step only (no delta) is three times slower from a single source.
BLOCK_BITS = 12
ARCS_PER_STEP = 16

# State of a node during the search: linked in its block's list of nodes to work off in this step; linked in the list
# of later steps; whether its entry there still stands, or was overtaken by a nearer label in this step.
NEAR = 1
LATER = 2
STANDS = 4

# Places in _Front.tally.
QUEUE_START = 0
QUEUED = 1
WAITING = 2
LOWEST_LATER = 3


class Arcs(NamedTuple):
    """Arcs out of each node in CSR layout: ``ptr (n + 1,)``, ``head (a,)``, ``mm (a,)``."""

    ptr: NDArray[np.int64]
    head: NDArray[np.int32]
    mm: NDArray[np.int64]


class Packing(NamedTuple):
    """How a key is made: the distance, then the rank of the source in its lowest bits.

    Attributes
    ----------
    bits : int
        Of the rank.
    step : int
        Of the distances, as keys.
    far : int
        Keys from here on are not looked for; nodes without a lower one have this key.
    """

    bits: int
    step: int
    far: int


class _Front(NamedTuple):
    """State of a search, per node (n) and per block (b). Lists of nodes are linked through arrays.

    Attributes
    ----------
    key : (n,) int64
    state : (n,) uint8
    near_next, later_next : (n,) int32
        The next node in the list of the block.
    near_first, near_last, later_first : (b,) int32
    queue : (b,) int32
        Circular queue of the blocks that have nodes to work off in this step.
    queued : (b,) bool
    waiting : (b,) int32
        Blocks that have nodes for later steps.
    tally : (4,) int64
    """

    key: NDArray[np.int64]
    state: NDArray[np.uint8]
    near_next: NDArray[np.int32]
    later_next: NDArray[np.int32]
    near_first: NDArray[np.int32]
    near_last: NDArray[np.int32]
    later_first: NDArray[np.int32]
    queue: NDArray[np.int32]
    queued: NDArray[np.bool_]
    waiting: NDArray[np.int32]
    tally: NDArray[np.int64]


@njit
def lowest_keys(
    arcs: Arcs, node: NDArray[np.int32], start_key: NDArray[np.int64], packing: Packing
) -> NDArray[np.int64]:
    """Lower the keys of all nodes until no arc can lower any further; none from ``packing.far`` on is looked for.

    A step works off the keys below its limit. Within a step blocks take turns, and each round of turns extends every
    shortest way by at least one block, so the search ends after at most as many rounds as there are nodes.
    """
    front = _new_front(len(arcs.ptr) - 1, packing.far)
    for i in range(len(node)):
        if start_key[i] < front.key[node[i]]:
            front.key[node[i]] = start_key[i]
            _postpone(front, node[i], start_key[i])
    while front.tally[WAITING] > 0:
        limit = front.tally[LOWEST_LATER] + packing.step
        _begin_step(front, limit)
        while front.tally[QUEUED] > 0:
            block = front.queue[front.tally[QUEUE_START]]
            front.tally[QUEUE_START] = (front.tally[QUEUE_START] + 1) % len(front.queue)
            front.tally[QUEUED] -= 1
            _work_off(arcs, front, block, limit, packing.bits)
            front.queued[block] = False
    return front.key


@njit
def _new_front(n_nodes: int, far: int) -> _Front:
    blocks = (n_nodes >> BLOCK_BITS) + 1
    tally = np.zeros(4, np.int64)
    tally[LOWEST_LATER] = NO_KEY
    return _Front(
        np.full(n_nodes, far, np.int64),
        np.zeros(n_nodes, np.uint8),
        np.empty(n_nodes, np.int32),
        np.empty(n_nodes, np.int32),
        np.full(blocks, NO_NODE, np.int32),
        np.full(blocks, NO_NODE, np.int32),
        np.full(blocks, NO_NODE, np.int32),
        np.empty(blocks, np.int32),
        np.zeros(blocks, np.bool_),
        np.empty(blocks, np.int32),
        tally,
    )


@njit
def _work_off(arcs: Arcs, front: _Front, block: int, limit: int, bits: int) -> None:
    """Follow the arcs out of a block's nodes, and out of those that become near meanwhile, first come, first served."""
    u = front.near_first[block]
    while u != NO_NODE:
        front.near_first[block] = front.near_next[u]
        front.state[u] &= LATER | STANDS
        key = front.key[u]
        for a in range(arcs.ptr[u], arcs.ptr[u + 1]):
            v = arcs.head[a]
            new_key = key + (arcs.mm[a] << bits)
            if new_key < front.key[v]:
                front.key[v] = new_key
                if new_key < limit:
                    _approach(front, v)
                else:
                    _postpone(front, v, new_key)
        u = front.near_first[block]


@njit
def _approach(front: _Front, v: int) -> None:
    """List a node for this step, and its block with it."""
    front.state[v] &= NEAR | LATER
    if front.state[v] & NEAR:
        return
    front.state[v] |= NEAR
    block = v >> BLOCK_BITS
    front.near_next[v] = NO_NODE
    if front.near_first[block] == NO_NODE:
        front.near_first[block] = v
    else:
        front.near_next[front.near_last[block]] = v
    front.near_last[block] = v
    if not front.queued[block]:
        front.queued[block] = True
        front.queue[(front.tally[QUEUE_START] + front.tally[QUEUED]) % len(front.queue)] = block
        front.tally[QUEUED] += 1


@njit
def _postpone(front: _Front, v: int, key: int) -> None:
    """List a node for a later step, and its block with it."""
    front.tally[LOWEST_LATER] = min(front.tally[LOWEST_LATER], key)
    if not front.state[v] & LATER:
        block = v >> BLOCK_BITS
        if front.later_first[block] == NO_NODE:
            front.waiting[front.tally[WAITING]] = block
            front.tally[WAITING] += 1
        front.later_next[v] = front.later_first[block]
        front.later_first[block] = v
    front.state[v] |= LATER | STANDS


@njit
def _begin_step(front: _Front, limit: int) -> None:
    """Bring the nodes whose keys are below the limit from the lists of later steps into this one."""
    waiting = front.tally[WAITING]
    front.tally[WAITING] = 0
    front.tally[LOWEST_LATER] = NO_KEY
    for i in range(waiting):
        # Refilled from its start while being read: never ahead of the reader.
        block = front.waiting[i]
        u = front.later_first[block]
        front.later_first[block] = NO_NODE
        while u != NO_NODE:
            following = front.later_next[u]
            stands = front.state[u] & STANDS
            front.state[u] &= NEAR
            if stands:
                if front.key[u] < limit:
                    _approach(front, u)
                else:
                    _postpone(front, u, front.key[u])
            u = following
