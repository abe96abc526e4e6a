"""Controlled rounding: every count becomes a multiple of a base, and whatever added up still does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, vstack

from withinreach.exports.disclosure.counts import NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.exports.disclosure.counts import Counts

# Counts are rounded to the multiple below or above. Of tables in three and more directions this can be impossible
# (Cox, J. American Statistical Association 82, 1987); then one multiple farther is allowed, and so on.
FARTHEST = 8


def rounded(counts: Counts, base: int) -> Counts:
    """The counts as multiples of the base, near to what they are, with all relations; those of nobody stay 0.

    Raises
    ------
    AssertionError
        If there is no such table within `FARTHEST` multiples: all 0 and multiples of a total always are one, so that
        this is a defect of ours.
    """
    exact = counts.value / base
    for far in range(FARTHEST):
        found = _nearest(counts, exact, far)
        if found is not None:
            return replace(counts, value=found * float(base))
    raise AssertionError(f"no rounding to {base} keeps the sums")


def _nearest(counts: Counts, exact: NDArray[np.float64], far: int) -> NDArray[np.float64] | None:
    """Whole multiples with the least sum of distances from what is exact, or None."""
    n, m = len(counts), counts.sums.shape[0]
    low = np.where(exact <= NOISE, 0.0, np.maximum(np.floor(exact + NOISE) - far, 0.0))
    high = np.where(exact <= NOISE, 0.0, np.ceil(exact - NOISE) + far)
    # What no table holds is only kept from falling below 0.
    low, high = np.where(counts.printed, low, 0.0), np.where(counts.printed, high, np.inf)
    identity = eye_array(n, format="csr")
    nothing = csr_array((m, n))
    rows = vstack(
        [
            hstack([counts.sums, nothing]),
            hstack([identity, -identity]),  # distances from below
            hstack([identity, identity]),  # and from above
        ],
        format="csr",
    )
    target = np.where(counts.printed, exact, 0.0)
    least = np.concatenate([np.zeros(m), np.full(n, -np.inf), target])
    most = np.concatenate([np.zeros(m), target, np.full(n, np.inf)])
    free = ~counts.printed
    least[m + n :][free], most[m : m + n][free] = -np.inf, np.inf
    cost = np.concatenate([np.zeros(n), counts.printed.astype(np.float64)])
    found = milp(
        cost,
        constraints=LinearConstraint(rows, least, most),
        integrality=np.concatenate([np.ones(n), np.zeros(n)]),
        bounds=Bounds(np.concatenate([low, np.zeros(n)]), np.concatenate([high, np.full(n, np.inf)])),
    )
    return None if found.x is None else np.round(found.x[:n])
