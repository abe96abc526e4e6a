"""What facilities have together, with bounds for those that do not tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.measures.definitions import share
from withinreach.model import OUTSIDE_AREAS, Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.standards.evidence import Evidence
    from withinreach.standards.rules.base import Supply

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sums(Frozen):
    """The sum of a supply per unit.

    Attributes
    ----------
    known : (u,) float64
        Over the facilities that tell: the least that it can be.
    most : (u,) float64
        The most that it can be, each facility that does not tell being the largest possible; inf without such a limit.
    facilities : (u,) float64
        Facilities of the supply's kinds.
    told : (u,) float64
        The share of them that tell; NaN without facilities.
    """

    known: Floats
    most: Floats
    facilities: Floats
    told: Floats


def summed(evidence: Evidence, supply: Supply, of_facility: NDArray[np.int32], count: int) -> Sums:
    """Add up a supply over units.

    Parameters
    ----------
    of_facility : (f,) int32
        The unit of each facility of the case, -1 for none.
    """
    rows, amount = evidence.amounts(supply)
    unit = of_facility[rows]
    here = unit != OUTSIDE_AREAS
    unit, amount = unit[here], amount[here]
    silent = np.isnan(amount)
    facilities = np.bincount(unit, minlength=count).astype(np.float64)
    unknown = np.bincount(unit, silent, count).astype(np.float64)
    known = np.bincount(unit, np.where(silent, 0.0, amount), count).astype(np.float64)
    most = known.copy()
    most[unknown > 0] += unknown[unknown > 0] * largest(supply)
    return Sums(
        known=known,
        most=most,
        facilities=facilities,
        told=share(facilities - unknown, facilities),
    )


def largest(supply: Supply) -> float:
    """The most that one facility adds: 1 where facilities are counted."""
    if supply.sum is None:
        return 1.0
    return np.inf if supply.largest is None else supply.largest
