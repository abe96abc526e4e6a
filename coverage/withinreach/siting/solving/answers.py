"""What a solver answers: the sites, and how far from the best they may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Status(StrEnum):
    """How a search for sites ended."""

    OPTIMAL = "optimal"
    TIME_LIMIT = "time_limit"
    GREEDY = "greedy"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True)
class Certificate:
    """How good an answer is, and how we know.

    Attributes
    ----------
    objective : float
        What the chosen sites achieve; NaN where there is no answer.
    bound : float
        No choice of sites achieves more than this, or costs less where the objective is to be small.
    status : Status
        ``optimal``: proven the best. ``time_limit``: the best that was found in time. ``greedy``: the solver was not
        asked, or had found nothing better in time. ``infeasible``: no choice of sites meets the conditions.
    seconds : float
        From the pairs to the answer.
    """

    objective: float
    bound: float
    status: Status
    seconds: float

    @property
    def gap(self) -> float:
        """Distance of bound and objective as a share of the objective; 0 if optimal, NaN without an answer."""
        if self.bound == self.objective:
            return 0.0
        return abs(self.bound - self.objective) / abs(self.objective) if self.objective else np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Answer(Frozen):
    """Chosen sites.

    Attributes
    ----------
    chosen : (n,) bool
        Fixed sites are always among them; all others are False where there is no answer.
    certificate : Certificate
    unservable : (u,) int64
        Rows of the demand that no site can serve and nothing serves yet: with them, serving everybody is infeasible.
    """

    chosen: NDArray[np.bool_]
    certificate: Certificate
    unservable: NDArray[np.int64]
