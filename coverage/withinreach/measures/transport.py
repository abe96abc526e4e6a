"""The transport problem: as many needs as possible find a place, and of all ways to do that the one with least walking.

Solved by HiGHS as SciPy bundles it: highspy itself prints its version to standard output whenever it is created, where
our JSON goes. The answer carries bounds that are computed here from the dual prices, so that a reader need not trust
the solver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Transport(NamedTuple):
    """Who goes where.

    Attributes
    ----------
    flow : (p,) float64
        Need of the pair's cell that the pair's facility takes.
    most : float
        No other answer takes more in all: a cut through the network, by its capacity.
    least_ms : float
        No other answer that takes as much walks less: need times milliseconds.
    """

    flow: NDArray[np.float64]
    most: float
    least_ms: float


class _Choices(NamedTuple):
    """The pairs, and what walks are divided by so that the longest costs 1."""

    ptr: NDArray[np.int64]
    facility: NDArray[np.int32]
    walk_ms: NDArray[np.int64]
    scale: int


class _Solved(NamedTuple):
    flow: NDArray[np.float64]
    price: NDArray[np.float64]


class _Groups(NamedTuple):
    """Cells with the same choices, whose walks differ by one amount for all of them, as one.

    Which of them goes where makes no difference to the sum of the walks, so nothing is lost.

    Attributes
    ----------
    shape : (g,) int64
        Of each group, a cell that stands for its choices.
    of_kind : (n,) int64
        The group of each kind of cell: a kind are the cells of one group that are equally far from everything.
    kind : (k,) int64
        Kind of each cell.
    base_ms : (k,) int64
        Walk of each cell to the nearest facility.
    """

    shape: NDArray[np.int64]
    of_kind: NDArray[np.int64]
    kind: NDArray[np.int64]
    base_ms: NDArray[np.int64]


def transport(
    need: NDArray[np.float64],
    capacity: NDArray[np.float64],
    ptr: NDArray[np.int64],
    facility: NDArray[np.int32],
    walk_ms: NDArray[np.int64],
) -> Transport:
    """Send need to capacity, in two steps of importance: as much as possible; then with the least walking.

    Measured on the sample prefecture: 48,000 pairs 0.3 s, 165,000 pairs 2 s, 677,000 pairs 15 to 23 s, which
    would be 74 s without joining cells. Several million pairs take many minutes.

    Parameters
    ----------
    need : (k,) float64
        0 or more.
    capacity : (f,) float64
        0 or more.
    ptr : (k + 1,) int64
        Pairs of cell ``i`` are ``ptr[i]:ptr[i + 1]``; one at least.
    facility : (p,) int32
        Ascending within a cell, each once.
    walk_ms : (p,) int64
        0 or more.

    Raises
    ------
    RuntimeError
        If HiGHS finds no optimum: a defect, for sending nothing is always possible.
    """
    if not len(need):
        return Transport(np.zeros(0), 0.0, 0.0)
    choices = _Choices(ptr, facility, walk_ms, scale=max(1, int(walk_ms.max())))
    # Taking one more place in may send one more need around every facility; that never outweighs it. Twice, so that
    # prices of scarce and of ample facilities are told apart at the half.
    worth = 2.0 * (len(capacity) + 2)
    solved = _solve(need, capacity, choices, _grouped(choices), worth)
    return Transport(solved.flow, *_bounds(need, capacity, choices, worth, solved))


def _grouped(choices: _Choices) -> _Groups:
    """Compare cells choice by choice: those that agree in the first ones are told apart by the next."""
    length = np.diff(choices.ptr)
    base_ms = np.minimum.reduceat(choices.walk_ms, choices.ptr[:-1])
    group = np.zeros(len(length), np.int64)
    for nth in range(int(length.max())):
        here = np.flatnonzero(length > nth)
        at = choices.ptr[here] + nth
        further = choices.walk_ms[at] - base_ms[here]
        choice = _numbered(choices.facility[at].astype(np.int64) * (int(further.max()) + 1) + further)
        group[here] = group.max() + 1 + _numbered(group[here] * (int(choice.max()) + 1) + choice)
    _, shape, group = np.unique(group, return_index=True, return_inverse=True)
    key = group * (int(base_ms.max()) + 1) + base_ms
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    return _Groups(shape, group[first], kind, base_ms)


def _numbered(key: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(key, return_inverse=True)[1]


def _solve(
    need: NDArray[np.float64], capacity: NDArray[np.float64], choices: _Choices, groups: _Groups, worth: float
) -> _Solved:
    """Flow of each pair and price of each facility.

    Columns: how much of a group each of its choices takes; how much of each kind of cell is sent at all. Rows: what a
    group's kinds send its choices take; a facility takes no more than its capacity.
    """
    length = np.diff(choices.ptr)[groups.shape]
    column_ptr = np.concatenate([[0], np.cumsum(length)])
    n_choices, n_groups, n_kinds = int(column_ptr[-1]), len(groups.shape), len(groups.of_kind)
    group = np.repeat(np.arange(n_groups), length)
    at = choices.ptr[groups.shape][group] + np.arange(n_choices) - column_ptr[group]
    further_ms = choices.walk_ms[at] - groups.base_ms[groups.shape][group]
    kind_base_ms = np.zeros(n_kinds, np.int64)
    kind_base_ms[groups.kind] = groups.base_ms
    kind_need = np.bincount(groups.kind, need, n_kinds)
    cost = np.concatenate([further_ms / choices.scale, kind_base_ms / choices.scale - worth])
    most = np.concatenate([np.full(n_choices, np.inf), kind_need])
    column = np.arange(n_choices + n_kinds)
    passed_on = csr_array(
        (
            np.concatenate([np.ones(n_choices), np.full(n_kinds, -1.0)]),
            (np.concatenate([group, groups.of_kind]), column),
        ),
        shape=(n_groups, len(column)),
    )
    taken_by = csr_array(
        (np.ones(n_choices), (choices.facility[at], column[:n_choices])), shape=(len(capacity), len(column))
    )
    # Dual simplex, one thread: the same input gives the same answer.
    found = linprog(
        cost,
        A_ub=taken_by,
        b_ub=capacity,
        A_eq=passed_on,
        b_eq=np.zeros(n_groups),
        bounds=np.column_stack([np.zeros(len(column)), most]),
        method="highs-ds",
    )
    if found.status != 0:
        raise RuntimeError(f"HiGHS ended with: {found.message}")
    value = np.maximum(found.x, 0.0)
    flow = _divided(need, choices, groups, taken=value[:n_choices], sent=value[n_choices:])
    return _Solved(flow, np.maximum(-found.ineqlin.marginals, 0.0))


def _divided(
    need: NDArray[np.float64],
    choices: _Choices,
    groups: _Groups,
    *,
    taken: NDArray[np.float64],
    sent: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The flow of each pair, from what each choice of a group takes and each kind of cell sends.

    Within a group any division walks the same. A kind's cells send in proportion to their need, and get of each
    facility in proportion to what they send.
    """
    column_ptr = np.concatenate([[0], np.cumsum(np.diff(choices.ptr)[groups.shape])])
    group = groups.of_kind[groups.kind]
    of_kind = np.bincount(groups.kind, need, len(sent))[groups.kind]
    sent_by_cell = sent[groups.kind] * np.divide(need, of_kind, out=np.zeros_like(need), where=need > 0)
    in_all = np.add.reduceat(taken, column_ptr[:-1])[group]
    share = np.divide(sent_by_cell, in_all, out=np.zeros_like(need), where=in_all > 0)
    cell = np.repeat(np.arange(len(need)), np.diff(choices.ptr))
    nth = np.arange(len(cell)) - choices.ptr[cell]
    return share[cell] * taken[column_ptr[group[cell]] + nth]


def _bounds(
    need: NDArray[np.float64], capacity: NDArray[np.float64], choices: _Choices, worth: float, solved: _Solved
) -> tuple[float, float]:
    """What no answer can exceed, and what no answer that takes as much can fall short of.

    The first is a cut: whatever is taken goes to a scarce facility, within its capacity, or comes from a cell that
    reaches another one, within its need. Any choice of scarce facilities gives a bound; prices above the half of
    what taking is worth give the best one. The second is weak duality, from the prices as they are.
    """
    scarce = solved.price > worth / 2
    cell = np.repeat(np.arange(len(need)), np.diff(choices.ptr))
    otherwise = np.zeros(len(need), bool)
    otherwise[cell[~scarce[choices.facility]]] = True
    most = float(capacity[scarce].sum() + need[otherwise].sum())
    best = np.maximum.reduceat(
        worth - choices.walk_ms / choices.scale - solved.price[choices.facility], choices.ptr[:-1]
    )
    value = float((need * np.maximum(best, 0.0)).sum() + (capacity * solved.price).sum())
    return most, max(0.0, (worth * float(solved.flow.sum()) - value) * choices.scale)
