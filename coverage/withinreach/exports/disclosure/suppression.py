"""Which counts are withheld so that no small one can be worked out from the others.

Small counts come first (primary suppression). Each must then stay uncertain for a reader who knows every printed count,
every relation and that no count is negative: it could be 0, and it could be the minimum. Where that is not so, further
counts are withheld (secondary suppression) by the linear programme of Fischetti and Salazar (Management Science 47,
2001, "Solving the cell suppression problem on tabular data with linear constraints", heuristic of section 4): of all
ways to change counts without breaking a relation, by which the small one reaches 0 or the minimum, the one that changes
the fewest people among those still printed. Whatever it changes is withheld.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack

from withinreach.exports.disclosure.counts import NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.exports.disclosure.counts import Counts

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]


def small(value: Floats, minimum: float) -> Bools:
    """Counts of somebody, but of fewer than the minimum."""
    return (value > NOISE) & (value < minimum - NOISE)


def suppressed(counts: Counts, sensitive: Bools, minimum: float) -> Bools:
    """Which printed counts are withheld, shape (n,).

    Parameters
    ----------
    sensitive : (n,) bool
        Small counts, printed or not.
    minimum
        Every count that is withheld stays uncertain by at least this many people.
    """
    hidden = ~counts.printed | sensitive
    done: set[int] = set()
    while todo := [at for at in _uncertain(counts, hidden, sensitive) if at not in done]:
        for at in todo:
            value = counts.value[at]
            # A small count could be none and could be the minimum. A larger one keeps its distance from below, too,
            # as far as there is something to take away.
            down = value if sensitive[at] else min(value, minimum)
            up = max(minimum - down, minimum - value)
            hidden |= _changed(counts, hidden, at, -down) | _changed(counts, hidden, at, up)
            done.add(at)
    return hidden & counts.printed


def _uncertain(counts: Counts, hidden: Bools, sensitive: Bools) -> list[int]:
    """Counts that must stay uncertain: the small ones, and those that are withheld for their sake."""
    return np.flatnonzero(sensitive | (hidden & counts.printed)).tolist()


def _changed(counts: Counts, hidden: Bools, at: int, change: float) -> Bools:
    """Counts that change, the fewest printed people, if one changes by so much and all relations still hold."""
    n = len(counts)
    if abs(change) <= NOISE:
        return np.zeros(n, bool)
    cost = np.where(hidden, 0.0, 1.0 + counts.value)
    more, less = np.full(n, np.inf), counts.value.copy()
    fixed = np.zeros((2, n))
    fixed[0 if change > 0 else 1, at] = abs(change)
    low = np.concatenate(fixed)
    high = np.concatenate([more, less])
    high[[at, n + at]] = low[[at, n + at]]
    found = linprog(
        np.concatenate([cost, cost]),
        A_eq=hstack([counts.sums, -counts.sums], format="csr"),
        b_eq=np.zeros(counts.sums.shape[0]),
        bounds=np.column_stack([low, high]),
        method="highs",
    )
    if not found.success:  # nobody can take so many away: all that is there goes
        return np.ones(n, bool)
    moved: Bools = np.abs(found.x[:n] - found.x[n:]) > NOISE
    return moved


def feasible_interval(counts: Counts, hidden: Bools, at: int) -> tuple[float, float]:
    """What a reader can say of one count who knows all that are not hidden: the least and the most that it can be."""
    n = len(counts)
    bounds = np.column_stack([np.where(hidden, 0.0, counts.value), np.where(hidden, np.inf, counts.value)])
    ends = []
    for sign in (1.0, -1.0):
        cost = np.zeros(n)
        cost[at] = sign
        found = linprog(cost, A_eq=csr_array(counts.sums), b_eq=_kept(counts), bounds=bounds, method="highs")
        ends.append(sign * found.fun if found.success else sign * -np.inf)
    return ends[0], ends[1]


def _kept(counts: Counts) -> Floats:
    """Relations hold as far as the counts themselves do, rounding included."""
    kept: Floats = counts.sums @ counts.value
    return kept
