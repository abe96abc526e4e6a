"""Sums per place, site or unit, and what counts as equal among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sums of the same numbers in another order differ by less than this share of the whole.
ROUNDING = 1e-9


def sums(index: NDArray[np.integer], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sum of the values of each index, shape (count,)."""
    return np.bincount(index, values, count).astype(np.float64)


def pointers(index: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Row pointers of entries that are grouped by an index, shape (count + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(index, minlength=count))]).astype(np.int64)
