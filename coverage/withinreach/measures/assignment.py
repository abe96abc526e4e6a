"""Who finds a place when no facility takes more than it has room for: the best that the places there are allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.measures.market import capacities, market_of
from withinreach.measures.transport import transport
from withinreach.measures.units import Units
from withinreach.model import Frozen
from withinreach.reach import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Pairs, Reach
    from withinreach.study import Service

PLACED = "placed"
NO_ROOM = "no_room"
ROOM_UNKNOWN = "room_unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Assignment(Frozen):
    """The need for places, sent to facilities with room.

    Attributes
    ----------
    service : Service
    rows : (f,) int32
        Facilities of known capacity, rows in ``case.facilities``.
    taken, capacity : (f,) float64
        Places that are used and that there are.
    need, placed : (k,) float64
        Places that each cell needs by the norm, and those that it finds within the cutoff.
    unknown_near : (k,) bool
        Whether a facility of unknown capacity is within the cutoff.
    most_placed : float
        No assignment places more: equal to ``placed.sum()`` up to rounding, by a cut through the network.
    walk_s, least_walk_s : float
        Seconds walked, summed over the places; no assignment that places as much walks less than the second.
    """

    service: Service
    rows: NDArray[np.int32]
    taken: NDArray[np.float64]
    capacity: NDArray[np.float64]
    need: NDArray[np.float64]
    placed: NDArray[np.float64]
    unknown_near: NDArray[np.bool_]
    most_placed: float
    walk_s: float
    least_walk_s: float

    @property
    def served_share(self) -> NDArray[np.float64]:
        """Share of each cell's need that finds a place, shape (k,); 1 where it needs none."""
        share = np.divide(self.placed, self.need, out=np.ones_like(self.need), where=self.need > 0)
        return np.minimum(share, 1.0)  # flows are sums of floats


def assign_places(case: Case, pairs: Pairs) -> Assignment:
    """Send people to facilities within the cutoff that have room.

    As many places as possible are used, and of all ways to use as many the one with least walking is taken (Hitchcock's
    transport problem, 1941, solved by HiGHS, Huangfu & Hall 2018, https://doi.org/10.1007/s12532-017-0130-5). People
    do not choose like that, so the figure is a bound: **at least** those left over cannot be served by the places
    there are, however well everybody were directed.

    A cell needs ``norm × people / 1,000`` places, people of the group that the norm names; without a norm every person
    of the service's group needs one. Fractions stay. Walks count to the millisecond. Facilities of unknown capacity
    take nobody; `Assignment.unknown_near` tells who might find a place there.

    Raises
    ------
    StudyError
        If the service names no capacity.
    """
    market = market_of(case, pairs)
    need = places_needed(case, pairs.service)
    order = np.lexsort((market.facility, market.cell))
    reaching, cell = np.unique(market.cell[order], return_inverse=True)
    seconds = market.seconds[order]
    found = transport(
        need[reaching],
        market.capacity,
        np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(reaching)))]).astype(np.int64),
        market.facility[order],
        np.rint(seconds * 1000).astype(np.int64),
    )
    unknown = np.isnan(capacities(case, pairs.service))
    rows = case.facility_rows(pairs.service.kinds)
    unknown_near = np.zeros(len(need), bool)
    unknown_near[pairs.cell[np.isin(pairs.facility, rows[unknown])]] = True
    return Assignment(
        service=pairs.service,
        rows=market.rows,
        taken=np.bincount(market.facility[order], found.flow, len(market.rows)).astype(np.float64),
        capacity=market.capacity,
        need=need,
        placed=np.bincount(market.cell[order], found.flow, len(need)).astype(np.float64),
        unknown_near=unknown_near,
        most_placed=found.most,
        walk_s=float((found.flow * seconds).sum()),
        least_walk_s=found.least_ms / 1000,
    )


def places_needed(case: Case, service: Service) -> NDArray[np.float64]:
    """Places that each cell needs by the service's norm, or one per person without a norm, shape (k,)."""
    if service.norm is None:
        return case.people_of(service.people)
    return case.people_of(service.norm.of) * service.norm.per_1000 / 1000


def room_table(case: Case, reach: Reach, assignment: Assignment) -> pd.DataFrame:
    """People of the service's group by whether they find a place, one row per area; each person in one column.

    Columns
    -------
    code, name : str
    people : float
    placed : float
        Find a place within the cutoff. Of a cell whose need is met in part, that part of the people.
    no_room : float
        Within the cutoff of a facility, but all places there are taken: unserved although in reach.
    room_unknown : float
        The same, but a facility of unknown capacity is in reach as well, or only such.
    too_far, not_connected, not_snapped, outside_network, served_estimate, too_far_estimate : float
        Reach no facility along streets, as in the ledger; an estimated walk names no facility with room.
    """
    units = Units.of_areas(case)
    people = case.people_of(reach.service.people)
    left = people * (1 - assignment.served_share)
    near = reach.status == Status.SERVED
    columns = {
        "people": people,
        PLACED: np.where(near, people - left, 0.0),
        NO_ROOM: np.where(near & ~assignment.unknown_near, left, 0.0),
        ROOM_UNKNOWN: np.where(near & assignment.unknown_near, left, 0.0),
    }
    for status in Status:
        if status is not Status.SERVED:
            columns[status.key] = np.where(reach.status == status, people, 0.0)
    names = pd.DataFrame({"code": case.areas.table["code"], "name": case.areas.table["name"]})
    return pd.concat([names, pd.DataFrame({key: units.people(value) for key, value in columns.items()})], axis=1)
