"""What it takes to lift single units: the fewest sites, and the least money, that bring one to a level of coverage.

Each unit is looked at alone, as if it had all sites to itself; spacing and units that want a site are not looked at. So
no choice lifts it with less. Sites near borders serve several units, so that what units take cannot simply be added up.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from withinreach.siting.solving.answers import Status
from withinreach.siting.solving.covering import covered_people, rounded_up, set_covering
from withinreach.siting.solving.highs import Programme, minimise
from withinreach.siting.solving.problem import Sites
from withinreach.siting.solving.sums import ROUNDING, sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand

# Shares below this are equal: one person of a million.
SAME_SHARE = 1e-6
# HiGHS keeps rows to 1e-6 of whatever they count, and errs where less is asked for: people of smaller units count
# manifold, so that `SAME_SHARE` of them is a hundred times that.
LEAST_PEOPLE = 1000.0
PRECISION = 1e-3


class Units(NamedTuple):
    """Rows that are still open, the unit of each, people of each unit with people, and those covered already.

    A person of a unit counts ``factor`` (u,) times in all of these.
    """

    rows: Demand
    of_row: NDArray[np.int64]
    people: NDArray[np.float64]
    covered: NDArray[np.float64]
    factor: NDArray[np.float64]

    @classmethod
    def of_people(
        cls, rows: Demand, of_row: NDArray[np.int64], people: NDArray[np.float64], covered: NDArray[np.float64]
    ) -> Units:
        """Units with people who count once each."""
        factor = np.maximum(1.0, LEAST_PEOPLE / people)
        rows = replace(rows, weight=rows.weight * factor[of_row])
        return cls(rows, of_row, people * factor, covered * factor, factor)

    @property
    def weight(self) -> NDArray[np.float64]:
        """People of each row, (r,), who count once each."""
        return self.rows.weight / self.factor[self.of_row]

    def coverage(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Share of the people of each unit who are covered, shape (u,)."""
        gained = np.where(self.rows.nearest(chosen) == 0, self.rows.weight, 0.0)
        return (self.covered + sums(self.of_row, gained, len(self.people))) / self.people

    def to_gain(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """People whom each unit must gain to come to a level, shape (u,)."""
        return level * self.people - self.covered


class _Step(NamedTuple):
    """Levels from low to high that a unit can be brought to with the same least amount."""

    low: float
    high: float
    least: float


class Measure(NamedTuple):
    """What is short: the number of new sites, or money.

    Attributes
    ----------
    price : (n,) float64
        What each site takes of it.
    limit : float
        What there is.
    """

    price: NDArray[np.float64]
    limit: float


def measures_of(sites: Sites) -> list[Measure]:
    """What limits a choice."""
    free = ~sites.fixed
    number = [] if sites.most is None else [Measure(free.astype(np.float64), float(sites.most))]
    money = [Measure(np.where(free, sites.cost, 0.0), sites.budget)] if np.isfinite(sites.budget) else []
    return number + money


class Lifts:
    """What lifting takes, found as it is asked for and kept."""

    def __init__(self, units: Units, sites: Sites, until: float) -> None:
        self.units, self.until = units, until
        self.measures = measures_of(sites)
        pairs = (np.ones(len(units.rows.site)), (units.of_row[units.rows.row], units.rows.site))
        reach = csr_array(pairs, shape=(len(units.people), len(sites)))
        reach.sum_duplicates()
        self.reach = reach.toarray() > 0
        self._steps: dict[tuple[int, int], list[_Step]] = {}
        gained = csr_array((units.rows.weight[units.rows.row], pairs[1]), shape=reach.shape)
        gained.sum_duplicates()
        self._gained = gained.toarray()

    def least(self, measure: int, unit: int, level: float) -> float:
        """The least of a measure that brings a unit to a level; inf if nothing does."""
        known = self._steps.setdefault((measure, unit), [])
        for step in known:
            if step.low <= level <= step.high:
                return step.least
        step = self._found(self.measures[measure].price, unit, level)
        known.append(step)
        return step.least

    def _found(self, price: NDArray[np.float64], unit: int, level: float) -> _Step:
        units = self.units
        need = float(level * units.people[unit] - units.covered[unit])
        rows = units.rows.of_rows(units.of_row == unit)
        total = float(rows.weight.sum())
        if need <= 0:
            return _Step(-np.inf, float(units.covered[unit] / units.people[unit]), 0.0)
        if need > total * (1 + ROUNDING):
            return _Step(level, np.inf, np.inf)
        used, site = np.unique(rows.site, return_inverse=True)
        rows = replace(rows, site=site.astype(np.int32))
        alone = replace(Sites.free(len(used)), cost=price[used])
        # Of merged rows what is in reach is at 0, and what serves nobody yet at 1.
        answer = set_covering(rows, alone, 0.0, min(1.0, need / total), self.until - time.monotonic())
        told = answer.certificate
        if told.status is Status.INFEASIBLE:
            return _Step(level, np.inf, np.inf)
        if told.status is not Status.OPTIMAL:
            return _Step(level, level, float(np.nan_to_num(told.bound)))
        gained = covered_people(rows, answer.chosen, 0.0)
        reached = float((units.covered[unit] + gained) / units.people[unit])
        return _Step(level, max(level, reached), told.objective)

    def roughly(self, measure: int, unit: int, level: float) -> float:
        """No more than `least`, found by adding up the sites that gain most for what they take."""
        need = float(level * self.units.people[unit] - self.units.covered[unit])
        if need <= 0:
            return 0.0
        gained, price = self._gained[unit], self.measures[measure].price
        here = np.flatnonzero(gained > 0)
        order = here[np.argsort(price[here] / gained[here], kind="stable")]
        together = np.cumsum(gained[order])
        if not len(order) or together[-1] < need * (1 - ROUNDING):
            return np.inf
        last = int(np.searchsorted(together, need * (1 - ROUNDING)))
        part = 1 - (together[last] - need) / gained[order[last]]
        taken = float(price[order[:last]].sum() + min(1.0, part) * price[order[last]])
        return rounded_up(taken, price)

    def highest(self) -> float:
        """A level that not all units come to if it is raised by 0.1 %, found without solving anything large."""
        low, high = 0.0, 1.0
        while high - low > PRECISION:
            middle = (low + high) / 2
            fits = self.possible(np.full(len(self.units.people), middle), self.roughly)
            low, high = (middle, high) if fits else (low, middle)
        return high

    def possible(self, levels: NDArray[np.float64], least_of: Callable[[int, int, float], float] | None = None) -> bool:
        """Whether units may all come to their levels (u,), -inf for any, as far as the amounts that it takes say.

        Sites that reach the same units count as one kind, of which so many, or so much money, may be taken.

        Parameters
        ----------
        least_of
            What a unit takes of a measure at least; by default `least`.
        """
        asked = np.flatnonzero(np.isfinite(levels))
        told = self.least if least_of is None else least_of
        for measure, (price, limit) in enumerate(self.measures):
            least = np.array([told(measure, unit, float(levels[unit])) for unit in asked.tolist()])
            wanting = least > 0
            amounts = Measure(price, limit)
            if np.isinf(least).any() or not _covers(self.reach[asked[wanting]], amounts, least[wanting], self.until):
                return False
        return True


def _covers(reach: NDArray[np.bool_], measure: Measure, least: NDArray[np.float64], until: float) -> bool:
    """Whether what there is may give each unit (rows of ``reach``) what it takes at least."""
    price, limit = measure
    if float(least.max(initial=0.0)) > limit * (1 + ROUNDING):
        return False
    if float(least.sum()) <= limit:
        return True
    kinds, kind = np.unique(reach, axis=1, return_inverse=True)
    most = sums(kind, price, kinds.shape[1])
    programme = Programme(
        cost=np.ones(len(most)),
        low=np.zeros(len(most)),
        high=most,
        # Of sites that take 1 each a whole number is chosen; of money any amount is the least that may be claimed.
        whole=np.full(len(most), bool(((price == 0) | (price == 1)).all())),
        rows=csr_array(kinds.astype(np.float64)),
        row_low=least,
        row_high=np.full(len(least), np.inf),
    )
    solved = minimise(programme, start=None, until=until)
    return solved.status is not Status.INFEASIBLE and solved.bound <= limit * (1 + ROUNDING)
