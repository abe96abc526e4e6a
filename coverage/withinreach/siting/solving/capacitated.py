"""Capacitated maximal covering: as many people as possible find a place with so many new sites or extensions.

Current, J.R. & Storbeck, J.E. 1988, Capacitated covering models, Environment and Planning B 15:153-163
(https://doi.org/10.1068/b150153). People are sent where there is room, which no planner can order: the figure is what
the places allow at best.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from withinreach.model import Frozen
from withinreach.siting.solving.answers import Answer, Status
from withinreach.siting.solving.covering import certificate, none_possible, sites_of
from withinreach.siting.solving.greedy import Allowance
from withinreach.siting.solving.highs import Programme, minimise, steps_fit
from withinreach.siting.solving.merging import merged
from withinreach.siting.solving.problem import Sites
from withinreach.siting.solving.sums import ROUNDING, pointers, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand


@dataclass(frozen=True, slots=True, eq=False)
class Rooms(Frozen):
    """Places at sites. An extension is a site of its own at the same door.

    Attributes
    ----------
    capacity : (n,) float64
        People whom each site takes, 0 or more.
    door : (n,) int32
        The column of the pairs that lead to each site; several sites may share one.
    """

    capacity: NDArray[np.float64]
    door: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Placed(Frozen):
    """Who finds a place where.

    Attributes
    ----------
    answer : Answer
        The objective is the number of people who find a place.
    flow : (p,) float64
        People of the pair's place who go to the pair's door.
    """

    answer: Answer
    flow: NDArray[np.float64]


class _Room(NamedTuple):
    """Groups of places with the same doors, and the sites at them.

    Attributes
    ----------
    rows : Demand
        One row per group; ``site`` of its pairs is a door.
    sites : Sites
    capacity : (n,) float64
        At most the people in reach of the site's door.
    door : (n,) int32
    n_doors : int
    """

    rows: Demand
    sites: Sites
    capacity: NDArray[np.float64]
    door: NDArray[np.int32]
    n_doors: int

    def opened(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Capacity of each door, shape (n_doors,)."""
        return sums(self.door[chosen], self.capacity[chosen], self.n_doors)


class _Found(NamedTuple):
    """The best choice so far, the flow of each pair of groups, and what no choice can place more than."""

    chosen: NDArray[np.bool_] | None
    flow: NDArray[np.float64]
    bound: float
    status: Status

    @property
    def people(self) -> float:
        return float(self.flow.sum()) if self.chosen is not None else 0.0

    def settled(self) -> bool:
        """Whether nothing is left to find."""
        return self.chosen is not None and self.people >= self.bound * (1 - ROUNDING)


def capacitated_covering(demand: Demand, sites: Sites, rooms: Rooms, cutoff: float, limit_s: float = np.inf) -> Placed:
    """Choose sites and extensions so that as many people as possible find a place within the cutoff.

    Two forms of the programme are solved one after the other, each in half of the time: which of them gives the better
    bound depends on the city. The better answer and the better bound are kept.

    Parameters
    ----------
    demand
        ``site`` of its pairs is a door, see `Rooms`; ``base`` is not looked at, for what serves people already are
        fixed sites with room.
    """
    began = time.monotonic()
    near = demand.walk <= cutoff
    reaching = np.bincount(demand.row[near], minlength=len(demand.weight)) > 0
    unservable = np.flatnonzero(~reaching & (demand.weight > 0))
    kept = near & (reaching & (demand.weight > 0))[demand.row]
    rows, groups = merged(demand.of_walks(near).of_rows(reaching & (demand.weight > 0)))
    n_doors = 1 + max(int(rooms.door.max(initial=-1)), int(rows.site.max(initial=-1)))
    in_reach = sums(rows.site, rows.weight[rows.row], n_doors)
    room = _Room(rows, sites, np.minimum(rooms.capacity, in_reach[rooms.door]), rooms.door, n_doors)
    found = _best(room, began, began + limit_s)
    if found.chosen is None:
        return Placed(none_possible(sites, found.status, unservable, began), np.zeros(len(demand.site)))
    flow = np.zeros(len(demand.site))
    flow[kept] = _spread(demand, kept, rows, groups.of_place, found.flow)
    people = float(flow.sum())
    ended = certificate(people, people if found.settled() else max(people, found.bound), found.status, began)
    return Placed(Answer(found.chosen, ended, unservable), flow)


def _best(room: _Room, began: float, until: float) -> _Found:
    start, flow = _filled(room)
    if start is not None:
        flow = _better_flow(room, start, flow, until)
    found = _Found(start, flow, _most_possible(room), Status.GREEDY)
    for linked, share in ((False, 0.5), (True, 1.0)):
        pause = began + (until - began) * share if np.isfinite(until) else until
        programme = _programme(room, linked=linked)
        if found.settled():
            return found._replace(status=Status.OPTIMAL)
        if not steps_fit(programme.rows.nnz, pause):
            return found
        solved = minimise(programme, start=None if start is None else start.astype(np.float64), until=pause)
        if solved.status is Status.INFEASIBLE:
            return found._replace(chosen=None, status=Status.INFEASIBLE)
        found = found._replace(bound=min(found.bound, -solved.bound))
        other = sites_of(solved, room.sites, None)
        if other is not None and solved.value is not None:
            flow = _fitting(room, other, solved.value[len(other) :])
            if flow.sum() > found.people:
                found = found._replace(chosen=other, flow=flow, status=solved.status)
        if solved.status is Status.OPTIMAL:
            return found._replace(bound=found.people, status=Status.OPTIMAL)
    return found


def _programme(room: _Room, *, linked: bool) -> Programme:
    """Place as many people as the conditions allow.

    Columns: sites, then the flow of each pair. Rows: a group sends no more than its people; a door takes no more than
    what is opened there; and, if linked, no group sends more people through a door than it has if anything is opened
    there at all, which follows for whole sites and says more for parts of sites.
    """
    rows, sites = room.rows, room.sites
    n, p, g = len(sites), len(rows.site), len(rows.weight)
    pair = np.arange(p)
    supply = csr_array((np.ones(p), (rows.row, n + pair)), shape=(g, n + p))
    doors = csr_array(
        (np.concatenate([np.ones(p), -room.capacity]), (np.concatenate([rows.site, room.door]), np.r_[n + pair, :n])),
        shape=(room.n_doors, n + p),
    )
    kept, kept_low, kept_high = sites.conditions()
    parts = [supply, doors, hstack([kept, csr_array((len(kept_low), p))])]
    low = [np.full(g + room.n_doors, -np.inf), kept_low]
    high = [rows.weight, np.zeros(room.n_doors), kept_high]
    if linked:
        at_door = csr_array((np.ones(n), (room.door, np.arange(n))), shape=(room.n_doors, n))
        widest = np.minimum(rows.weight[rows.row], room.opened(np.ones(n, bool))[rows.site])
        opened = csr_array((-widest, pair, np.arange(p + 1)), shape=(p, p)) @ at_door[rows.site]
        parts.append(hstack([opened, csr_array((np.ones(p), pair, np.arange(p + 1)), shape=(p, p))]))
        low.append(np.full(p, -np.inf))
        high.append(np.zeros(p))
    return Programme(
        cost=np.concatenate([np.zeros(n), np.full(p, -1.0)]),
        low=np.concatenate([sites.fixed.astype(np.float64), np.zeros(p)]),
        high=np.concatenate([np.ones(n), rows.weight[rows.row]]),
        whole=np.arange(n + p) < n,
        rows=csr_array(vstack(parts)),
        row_low=np.concatenate(low),
        row_high=np.concatenate(high),
    )


def _better_flow(
    room: _Room, chosen: NDArray[np.bool_], flow: NDArray[np.float64], until: float
) -> NDArray[np.float64]:
    """People of each pair of groups if these sites are opened: as many as possible, or ``flow`` if time is short."""
    settled = room._replace(sites=Sites.free(len(chosen)), capacity=np.where(chosen, room.capacity, 0.0))
    programme = _programme(settled, linked=False)
    if not steps_fit(programme.rows.nnz, until):
        return flow
    low = programme.low.copy()
    low[: len(chosen)] = 1.0
    linear = programme._replace(low=low, whole=np.zeros_like(programme.whole))
    solved = minimise(linear, start=None, until=until)
    if solved.status is not Status.OPTIMAL or solved.value is None:
        return flow
    return _fitting(room, chosen, solved.value[len(chosen) :])


def _fitting(room: _Room, chosen: NDArray[np.bool_], flow: NDArray[np.float64]) -> NDArray[np.float64]:
    """A flow that HiGHS found, which keeps rows up to its tolerance: people must fit exactly."""
    flow = np.maximum(flow, 0.0)
    for place, most in ((room.rows.site, room.opened(chosen)), (room.rows.row, room.rows.weight)):
        taken = sums(place, flow, len(most))
        flow *= np.divide(most, taken, out=np.ones(len(most)), where=taken > most)[place]
    return flow


def _filled(room: _Room) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64]]:
    """Sites one by one, each that which takes most people who have no place yet; those with few doors go first.

    Also the people of each pair of groups.
    """
    allowance = Allowance(room.sites)
    rows = room.rows
    doors = np.diff(rows.ptr)
    order = np.lexsort((doors[rows.row], rows.site))
    ptr = pointers(rows.site, room.n_doors)
    left, spare, flow = rows.weight.copy(), room.opened(allowance.chosen), np.zeros(len(rows.site))
    short = np.isfinite(room.sites.budget)
    price = np.maximum(room.sites.cost, np.finfo(float).tiny) if short else np.ones(len(room.sites))

    def fill(door: int) -> None:
        pairs = order[ptr[door] : ptr[door + 1]]
        here = rows.row[pairs]
        before = np.concatenate([[0.0], np.cumsum(left[here])[:-1]])
        taken = np.clip(spare[door] - before, 0.0, left[here])
        left[here] -= taken
        flow[pairs] += taken
        spare[door] -= taken.sum()

    for door in np.flatnonzero(spare > 0).tolist():
        fill(door)
    while True:
        waiting = sums(rows.site, left[rows.row], room.n_doors)[room.door]
        gain = np.minimum(spare[room.door] + room.capacity, waiting) / price
        lacking = allowance.lacking()
        possible = allowance.allowed() & (np.isin(room.sites.unit, lacking) if len(lacking) else gain > 0)
        if not possible.any():
            return None if len(lacking) else allowance.chosen, flow
        best = int(np.where(possible, gain, -1.0).argmax())
        allowance.take(best)
        spare[room.door[best]] += room.capacity[best]
        fill(int(room.door[best]))


def _most_possible(room: _Room) -> float:
    """Everybody in reach, or all the room that may be opened."""
    free = np.sort(room.capacity[~room.sites.fixed])[::-1]
    most = len(free) if room.sites.most is None else room.sites.most
    return float(min(room.rows.weight.sum(), room.capacity[room.sites.fixed].sum() + free[:most].sum()))


def _spread(
    demand: Demand, kept: NDArray[np.bool_], rows: Demand, group: NDArray[np.int64], flow: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Flow of the kept pairs: everybody of a group goes to each door in equal shares."""
    row = demand.row[kept]
    place = np.unique(row, return_inverse=True)[1]
    nth = np.arange(len(row)) - np.searchsorted(row, row)
    share = demand.weight[row] / rows.weight[group[place]]
    return flow[rows.ptr[group[place]] + nth] * share
