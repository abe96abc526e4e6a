"""Which unit each cell and each facility counts for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import OUTSIDE_AREAS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """``count`` units, and the row of the unit of each cell and facility (-1: none)."""

    count: int
    of_cell: NDArray[np.int32]
    of_facility: NDArray[np.int32]

    @classmethod
    def of_areas(cls, case: Case) -> Units:
        """Every area for itself."""
        return cls(len(case.areas), case.people.area, case.facilities.area)

    @classmethod
    def all_together(cls, case: Case) -> Units:
        """All areas as one unit; facilities outside them still count for none."""
        return cls(1, _as_one(case.people.area), _as_one(case.facilities.area))

    def people(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value per cell over the cells of each unit, shape (count,)."""
        here = self.of_cell != OUTSIDE_AREAS
        return np.bincount(self.of_cell[here], weights[here], self.count).astype(np.float64)


def _as_one(area: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(area == OUTSIDE_AREAS, OUTSIDE_AREAS, 0).astype(np.int32)
