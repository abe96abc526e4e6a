"""The worst-served unit first: coverage of units is raised from below.

Of two choices the better one is that whose worst unit is better covered; where they are equal, whose two worst units
are better covered together; and so on (leximin). Solved one sum of the k smallest after the other (Ogryczak & Śliwiński
2003, https://doi.org/10.1016/S0377-2217(02)00471-0), and at last the number of people.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from withinreach.siting.solving.answers import Answer, Status
from withinreach.siting.solving.covering import (
    certificate,
    covering_programme,
    none_possible,
    sites_of,
    still_open,
    with_row,
)
from withinreach.siting.solving.greedy import Choice
from withinreach.siting.solving.highs import Programme, minimise, steps_fit
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand, Sites

# Shares below this are equal: one person of ten million.
SAME_SHARE = 1e-7


class _Units(NamedTuple):
    """Rows that are still open, the unit of each, people of each unit with people, and those covered already."""

    rows: Demand
    of_row: NDArray[np.int64]
    people: NDArray[np.float64]
    covered: NDArray[np.float64]

    def coverage(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Share of the people of each unit who are covered."""
        gained = np.where(self.rows.nearest(chosen) == 0, self.rows.weight, 0.0)
        return (self.covered + sums(self.of_row, gained, len(self.people))) / self.people


def worst_first(
    demand: Demand, sites: Sites, unit: NDArray[np.integer], cutoff: float, limit_s: float = np.inf
) -> Answer:
    """Cover so that the worst-covered unit is covered as well as possible, then the next one.

    Parameters
    ----------
    unit : (k,) int
        Unit of each place of the demand, 0 or more.

    Returns
    -------
    Answer
        The objective is the coverage of the worst unit with people, 0 to 1. ``optimal`` speaks for all units.
    """
    began = time.monotonic()
    _, number = np.unique(unit, return_inverse=True)
    populated = np.flatnonzero(np.bincount(number, demand.weight) > 0)
    # Rows of units without people have no weight and never come up, wherever they are counted.
    number = np.minimum(np.searchsorted(populated, number), max(0, len(populated) - 1))
    left = still_open(demand, sites, cutoff, number)
    standing = demand.within(cutoff).nearest(sites.fixed) <= cutoff
    people = sums(number, demand.weight, len(populated))[: len(populated)]
    covered = sums(number, np.where(standing, demand.weight, 0.0), len(populated))[: len(populated)]
    units = _Units(left.rows, number[left.place], people, covered)
    chosen, bound, status = _raised(units, sites, _lifted(units, sites), began + limit_s)
    if chosen is None:
        return none_possible(sites, status, left.unservable, began)
    worst = float(units.coverage(chosen).min(initial=1.0))
    ended = certificate(worst, max(worst, bound), status, began)
    return Answer(chosen, replace(ended, status=status), left.unservable)


def _lifted(units: _Units, sites: Sites) -> NDArray[np.bool_] | None:
    """Lift the worst unit that a site can lift, by its best site, again and again."""
    choice = Choice(units.rows, sites)
    choice.take_wanted()
    while True:
        coverage = units.coverage(choice.allowance.chosen)
        allowed = choice.allowance.allowed()
        for unit in np.argsort(coverage, kind="stable").tolist():
            gains = choice.gains(np.where(units.of_row == unit, units.rows.weight, 0.0))
            best = int(np.where(allowed, gains, 0.0).argmax())
            if allowed[best] and gains[best] > 0:
                choice.take(best)
                break
        else:
            return None if len(choice.allowance.lacking()) else choice.allowance.chosen


def _raised(
    units: _Units, sites: Sites, start: NDArray[np.bool_] | None, until: float
) -> tuple[NDArray[np.bool_] | None, float, Status]:
    """The best choice, a bound on the coverage of the worst unit, and whether all stages were proven."""
    chosen, bound = start, 1.0
    programme = covering_programme(units.rows, sites)
    people_left = programme.cost
    for count in range(1, len(units.people) + 1):
        programme = _with_level(programme._replace(cost=np.zeros_like(programme.cost)), units, len(sites), count)
        if not steps_fit(programme.rows.nnz, until):
            return chosen, bound, Status.GREEDY if chosen is start else Status.TIME_LIMIT
        # The columns of earlier levels follow from the sites; HiGHS fills them in.
        solved = minimise(programme, start=_columns(chosen, programme), until=until)
        if solved.status is Status.INFEASIBLE:
            return chosen, np.nan, Status.INFEASIBLE
        bound = min(bound, -solved.bound) if count == 1 else bound
        chosen = _better(units, chosen, sites_of(solved, sites, None))
        if solved.status is not Status.OPTIMAL or chosen is None:
            return chosen, bound, Status.GREEDY if chosen is start else solved.status
        reached = float(np.sort(units.coverage(chosen))[:count].sum())
        programme = with_row(programme, -programme.cost, low=reached - SAME_SHARE)
    final = programme._replace(cost=np.concatenate([people_left, np.zeros(len(programme.cost) - len(people_left))]))
    solved = minimise(final, start=_columns(chosen, final), until=until)
    return _better(units, chosen, sites_of(solved, sites, None)), bound, solved.status


def _with_level(programme: Programme, units: _Units, n_sites: int, count: int) -> Programme:
    """The programme with one more level, which is to be raised: the sum of the smallest ``count`` coverages.

    New columns: a level, and by how much each unit falls short of it. The sum is ``count`` times the level less all
    that is short.
    """
    r, u = len(units.of_row), len(units.people)
    before = programme.rows.shape[1]
    left = csr_array(
        (-units.rows.weight / units.people[units.of_row], (units.of_row, n_sites + np.arange(r))), shape=(u, before)
    )
    short = csr_array((np.ones(u), np.arange(u), np.arange(u + 1)), shape=(u, u))
    rows = hstack([left, csr_array(np.full((u, 1), -1.0)), short])
    everybody = units.covered + sums(units.of_row, units.rows.weight, u)
    grown = hstack([programme.rows, csr_array((programme.rows.shape[0], 1 + u))])
    return Programme(
        cost=np.concatenate([programme.cost, [-float(count)], np.ones(u)]),
        low=np.concatenate([programme.low, np.zeros(1 + u)]),
        high=np.concatenate([programme.high, np.ones(1 + u)]),
        whole=np.concatenate([programme.whole, np.zeros(1 + u, bool)]),
        rows=csr_array(vstack([grown, rows])),
        row_low=np.concatenate([programme.row_low, -everybody / units.people]),
        row_high=np.concatenate([programme.row_high, np.full(u, np.inf)]),
    )


def _columns(chosen: NDArray[np.bool_] | None, programme: Programme) -> NDArray[np.float64] | None:
    if chosen is None:
        return None
    start = np.full(len(programme.cost), np.nan)
    start[: len(chosen)] = chosen
    return start


def _better(
    units: _Units, known: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    """The fairer of two choices; of equal ones that which covers more people."""
    if known is None or other is None:
        return other if known is None else known
    mine, theirs = units.coverage(known), units.coverage(other)
    ahead = np.sort(mine) - np.sort(theirs)
    apart = np.flatnonzero(np.abs(ahead) > SAME_SHARE)
    if len(apart):
        return known if ahead[apart[0]] > 0 else other
    return known if mine @ units.people >= theirs @ units.people else other
