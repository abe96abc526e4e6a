"""Who could use which places: people and facilities of a service, joined by the walks within its cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.errors import StudyError
from withinreach.model import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Pairs
    from withinreach.study import Service


@dataclass(frozen=True, slots=True, eq=False)
class Market(Frozen):
    """The pairs of a service with what stands at both ends: people and places.

    Facilities whose capacity is unknown are left out, for neither 0 nor a guess would be true; ``known`` tells how
    many are in. Cells that reach nothing are in as well: they have people, and no pair.

    Attributes
    ----------
    rows : (f,) int32
        Rows in ``case.facilities`` of the facilities that count, ascending.
    capacity : (f,) float64
        Their places, 0 or more.
    people : (k,) float64
        People of the service's group per cell, fractions included.
    cell : (p,) int32
        Row in ``case.people`` of each pair.
    facility : (p,) int32
        Position in ``rows`` of each pair.
    seconds : (p,) float64
        Walking time of each pair.
    known : float
        Share of the service's facilities whose capacity is known; NaN where it has no facility.
    """

    rows: NDArray[np.int32]
    capacity: NDArray[np.float64]
    people: NDArray[np.float64]
    cell: NDArray[np.int32]
    facility: NDArray[np.int32]
    seconds: NDArray[np.float64]
    known: float

    def to_facilities(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value per pair over the pairs of each facility, shape (f,)."""
        return np.bincount(self.facility, values, len(self.capacity)).astype(np.float64)

    def to_cells(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value per pair over the pairs of each cell, shape (k,)."""
        return np.bincount(self.cell, values, len(self.people)).astype(np.float64)


def market_of(case: Case, pairs: Pairs) -> Market:
    """Put people and places to the pairs of a service.

    Raises
    ------
    StudyError
        If the service names no capacity.
    """
    rows, capacity = case.facility_rows(pairs.service.kinds), capacities(case, pairs.service)
    told = ~np.isnan(capacity)
    position = np.full(len(case.facilities), -1, np.int32)
    position[rows[told]] = np.arange(told.sum(), dtype=np.int32)
    facility = position[pairs.facility]
    kept = facility >= 0
    return Market(
        rows=rows[told],
        capacity=capacity[told],
        people=case.people_of(pairs.service.people),
        cell=pairs.cell[kept],
        facility=facility[kept],
        seconds=pairs.seconds[kept],
        known=float(told.mean()) if len(rows) else np.nan,
    )


def capacities(case: Case, service: Service) -> NDArray[np.float64]:
    """Places of a service's facilities, in the order of their rows, NaN where unknown.

    Raises
    ------
    StudyError
        If the service names no capacity.
    """
    if service.capacity is None:
        raise StudyError(
            f"services.{service.name}: names no capacity, so there are no places to share; "
            "give the attribute that counts them as capacity"
        )
    return case.capacities(service.capacity)[case.facility_rows(service.kinds)]
