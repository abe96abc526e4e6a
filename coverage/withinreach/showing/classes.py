"""Classes of coverage by policy thresholds, and how they look: on cards as on the maps."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from withinreach.showing.sketch import legend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COVERAGE_BREAKS = (0.6, 0.8, 0.95)
NO_PEOPLE = -1
# Sums of fractional people carry noise of about 1e-15; a share of 0.8 must not fall a class short for it.
SHARE_DIGITS = 9
# The last one stands for no people.
COVERAGE_FILLS = ("#e3eef0", "#a9d0d5", "#5fa5b1", "#1f6b7a", "#f1f1ee")


def coverage_classes(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Class of each share of people covered: 0 below 60 %, 1 from 60 %, 2 from 80 %, 3 from 95 % on; -1 for NaN.

    A share on a threshold belongs to the class that begins there.
    """
    found = np.searchsorted(COVERAGE_BREAKS, np.round(shares, SHARE_DIGITS), side="right")
    return np.where(np.isnan(shares), NO_PEOPLE, found)


def coverage_fills(shares: NDArray[np.float64]) -> list[str]:
    """The colour of each share of people covered."""
    return [COVERAGE_FILLS[at] for at in coverage_classes(shares)]


def coverage_legend(no_people: str) -> str:
    """A line of HTML that tells the colours; ``no_people`` is the word for areas without people."""
    names = class_names([at * 100 for at in COVERAGE_BREAKS], "%")
    return legend(tuple(zip(COVERAGE_FILLS, (*names, no_people), strict=True)))


def class_names(breaks: Sequence[float], unit: str = "") -> list[str]:
    """Names of the classes between rising breaks, the lowest first."""
    marks = [f"{at:g}" for at in breaks]
    return [f"< {marks[0]}{unit}", *(f"{a}–{b}{unit}" for a, b in pairwise(marks)), f"≥ {marks[-1]}{unit}"]
