"""Figures for JSON, which knows no NaN: a missing figure is null."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbers(values: NDArray[np.float64]) -> list[object]:
    """Values as a list, None for those that are not finite."""
    return [number(value) for value in values.tolist()]


def number(value: float) -> float | None:
    """A value, or None where it is not finite."""
    return value if np.isfinite(value) else None
