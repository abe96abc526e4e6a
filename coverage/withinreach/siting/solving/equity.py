"""The worst-served unit first: coverage of units is raised from below.

Of two choices the better one is that whose worst unit is better covered; where they are equal, whose second worst is;
and so on (leximin); and of choices that are equal in all this that which covers more people. The level of the worst
units is made as high as possible, then as few as possible are left at it, then the level of the others is raised.
Units that no choice can lift any more are settled, and stand aside (Ogryczak, Luss, Pióro, Nace & Tomaszewski 2014,
Fair optimization and networks, https://doi.org/10.1155/2014/612018).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from withinreach.siting.solving.answers import Answer, Status
from withinreach.siting.solving.covering import (
    certificate,
    covering_programme,
    none_possible,
    sites_of,
    still_open,
)
from withinreach.siting.solving.greedy import Choice
from withinreach.siting.solving.highs import Solved, minimise, steps_fit
from withinreach.siting.solving.levels import Levels, Stair
from withinreach.siting.solving.lifting import SAME_SHARE, Lifts, Units
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.highs import Programme
    from withinreach.siting.solving.problem import Demand, Sites


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
    units = Units.of_people(left.rows, number[left.place], people, covered)
    search = _Search(units, sites, began + limit_s)
    search.climb()
    if search.chosen is None:
        return none_possible(sites, search.status, left.unservable, began)
    worst = float(units.coverage(search.chosen).min(initial=1.0))
    bound = worst if search.status is Status.OPTIMAL else max(worst, search.bound)
    return Answer(search.chosen, certificate(worst, bound, search.status, began), left.unservable)


class _Search:
    """The search from the worst unit upwards.

    Attributes
    ----------
    chosen : (n,) bool or None
        The best choice so far.
    bound : float
        No choice covers the worst unit better.
    status : Status
    floor : (u,) float64
        Every choice that is as good as the best one covers each unit at least so well.
    open : (u,) bool
        Units that are not settled.
    stairs : list of Stair
        Levels at which some open units have to be left, perhaps these, perhaps others.
    """

    def __init__(self, units: Units, sites: Sites, until: float) -> None:
        self.units, self.sites, self.until = units, sites, until
        self.lifts = Lifts(units, sites, until)
        self.start = self.chosen = _lifted(units, sites)
        nothing, everything = (units.coverage(sites.fixed | one) for one in (False, True))
        self.bound = min(float(everything.min(initial=1.0)), self.lifts.highest())
        self.status = Status.OPTIMAL
        self.floor = nothing
        self.open = np.ones(len(nothing), bool)
        self.stairs: list[Stair] = []
        self._base = covering_programme(units.rows, sites)
        self._movable = np.zeros(len(nothing), bool)

    def climb(self) -> None:
        """Level by level; ends early where time does, or where nothing is possible."""
        if self.chosen is None and self._solve(self._base).status is Status.INFEASIBLE:
            self.status = Status.INFEASIBLE
        if self._going():
            self._raise()
        while self._going():
            self._climb_on(self._level())
        if self._sound():
            uncovered = np.concatenate([np.zeros(len(self.sites)), self.units.weight])
            self._solve(self._levels(self.floor).programme(uncovered), self.chosen)
        if self.status is Status.TIME_LIMIT and self.chosen is self.start and self.chosen is not None:
            self.status = Status.GREEDY

    def _sound(self) -> bool:
        return self.chosen is not None and self.status is Status.OPTIMAL

    def _going(self) -> bool:
        """Whether there is a next level, and time to look for it."""
        return self._sound() and self._below() < int(self.open.sum())

    def _below(self) -> int:
        """How many open units may be left below the next level."""
        return self.stairs[-1].below if self.stairs else 0

    def _coverage(self) -> NDArray[np.float64]:
        if self.chosen is None:
            raise AssertionError("nothing is chosen yet")
        return self.units.coverage(self.chosen)

    def _level(self) -> float:
        """What the open units come to, but for those that may be left below."""
        return float(np.sort(self._coverage()[self.open])[self._below()])

    def _climb_on(self, level: float) -> None:
        """Settle what can be settled, make sure that the level cannot be higher, and leave few units at it."""
        if not self.stairs:
            self.floor[self.open] = np.maximum(self.floor[self.open], level)
        self._settle()
        # A settled unit at the level proves that it cannot be higher.
        settled = int((~self.open & (np.abs(self.floor - level) <= SAME_SHARE)).sum())
        if not self._going():
            return
        if not settled:
            self._raise()
        if self._going() and self._level() <= level + SAME_SHARE:
            self._leave(level + SAME_SHARE, max(0, self._below() + 1 - settled))

    def _raise(self) -> None:
        """Bring the level as high as possible."""
        here, below = np.flatnonzero(self.open), self._below()
        above = Stair(np.full(len(here), self._level() + SAME_SHARE), below, here)
        if not below and not self._conceivable(here, above.levels):
            self.bound = min(self.bound, self._level())
            return
        ceiling = 1.0 if below else self._ceiling(here)
        self.bound = min(self.bound, ceiling)
        solved = self._solve(self._levels(self.floor).raised(above, self.floor, ceiling))
        self.bound = min(self.bound, self._level() if self._sound() else max(self._level(), -solved.bound))

    def _ceiling(self, here: NDArray[np.int64]) -> float:
        """The lowest floor that not all of some units can come to; units with such a floor are out of question."""
        for floor in np.unique(self.floor[here]).tolist():
            if floor > self._level() and not self._conceivable(here, np.maximum(self.floor[here], floor)):
                return float(floor)
        return 1.0

    def _settle(self) -> None:
        """Units that the best choice covers as every choice does that is as good, and that none of these covers better.

        All are asked after at once: whether any of them can be lifted. Those that can are left out, and the others
        asked after again.
        """
        coverage, level = self._coverage(), self._level()
        waits = self._movable & (coverage > level + SAME_SHARE)
        idle = np.flatnonzero(self.open & (coverage <= self.floor + SAME_SHARE) & ~waits)
        better = coverage + SAME_SHARE
        can = np.array([self._conceivable(np.array([unit]), better[[unit]]) for unit in idle.tolist()], bool)
        self._stand_aside(idle[~can], coverage)
        group = idle[can]
        while len(group):
            levels = self._levels(self.floor)
            levels.stair(Stair(better[group], len(group) - 1, group), self.floor)
            solved = self._solve(levels.programme(np.zeros_like(self._base.cost)))
            if not self._sound():
                return
            chosen = sites_of(solved, self.sites, None)
            if chosen is None:
                self._stand_aside(group, coverage)
                return
            lifted = self.units.coverage(chosen)[group] >= better[group] - SAME_SHARE / 2
            # What HiGHS takes for lifted may be so by its tolerance alone; then nothing is known of the others.
            self._movable[group[lifted] if lifted.any() else group] = True
            group = group[~lifted] if lifted.any() else group[:0]

    def _conceivable(self, units: NDArray[np.int64], levels: NDArray[np.float64]) -> bool:
        """Whether some units might come to some levels, by what that takes at least."""
        asked = self.floor.copy()
        asked[units] = levels
        return self.lifts.possible(asked)

    def _stand_aside(self, units: NDArray[np.int64], coverage: NDArray[np.float64]) -> None:
        self.floor[units], self.open[units] = coverage[units], False

    def _leave(self, above: float, least: int) -> None:
        """Leave as few open units as possible below a level; at least so many are."""
        here = np.flatnonzero(self.open)
        levels = np.full(len(here), above)
        if (self._coverage()[here] < above).sum() > least:
            self._solve(self._levels(self.floor).fewest(Stair(levels, least, here), self.floor))
        below = int((self._coverage()[here] < above).sum())
        if below:
            self.stairs.append(Stair(levels, below, here))
        else:
            self.stairs.clear()
            self.floor[here] = np.maximum(self.floor[here], above)

    def _levels(self, floor: NDArray[np.float64]) -> Levels:
        """What every choice keeps that is as good as the best one so far, with some floors raised."""
        levels = Levels(self.units, self._base, self.lifts)
        levels.floors(floor)
        for stair in self.stairs:
            levels.stair(stair, floor)
        return levels

    def _solve(self, programme: Programme, start: NDArray[np.bool_] | None = None) -> Solved:
        """Solve a programme, and keep its choice if it is better."""
        if not steps_fit(programme.rows.nnz, self.until):
            self.status = Status.TIME_LIMIT
            return Solved(None, -np.inf, Status.TIME_LIMIT)
        known = None
        if start is not None:
            known = np.full(len(programme.cost), np.nan)
            known[: len(start)] = start
        solved = minimise(programme, start=known, until=self.until)
        if solved.status is Status.TIME_LIMIT:
            self.status = Status.TIME_LIMIT
        self.chosen = _better(self.units, self.chosen, sites_of(solved, self.sites, None))
        return solved


def _lifted(units: Units, sites: Sites) -> NDArray[np.bool_] | None:
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


def _better(units: Units, known: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """The fairer of two choices; of equal ones that which covers more people."""
    if known is None or other is None:
        return other if known is None else known
    mine, theirs = units.coverage(known), units.coverage(other)
    ahead = np.sort(mine) - np.sort(theirs)
    apart = np.flatnonzero(np.abs(ahead) > SAME_SHARE)
    if len(apart):
        return known if ahead[apart[0]] > 0 else other
    people = units.people / units.factor
    return known if mine @ people >= theirs @ people else other
