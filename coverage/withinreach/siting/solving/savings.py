"""The most that a choice of sites can save: greedy, better by exchange, bounded by relaxation, settled by HiGHS."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.siting.solving.answers import Status
from withinreach.siting.solving.exchange import exchanged
from withinreach.siting.solving.greedy import most_saving
from withinreach.siting.solving.highs import minimise, steps_fit
from withinreach.siting.solving.lagrange import relaxed
from withinreach.siting.solving.sums import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from withinreach.siting.solving.highs import Programme
    from withinreach.siting.solving.problem import Demand, Sites

# Shares of the time until exchanges end, and until the relaxation does; the rest is the solver's, if its steps fit.
FOR_EXCHANGE = 0.2
FOR_RELAXATION = 0.5
WITHOUT_SOLVER = 0.95


class Found(NamedTuple):
    """A choice that saves much.

    Attributes
    ----------
    chosen : (n,) bool or None
        None if no choice keeps the conditions, or none was found in time.
    saved : float
    bound : float
        No choice saves more.
    status : Status
    """

    chosen: NDArray[np.bool_] | None
    saved: float
    bound: float
    status: Status


class Saving(NamedTuple):
    """A problem of saving, and how it is told to HiGHS: ``programme`` leaves as little unsaved as possible."""

    demand: Demand
    sites: Sites
    programme: Callable[[Demand, Sites], Programme]


def most_saved(problem: Saving, until: float) -> Found:
    """Choose sites that save the most, within the conditions.

    Parameters
    ----------
    problem
        Every ``base`` is finite, and fixed sites have no pairs left: what they save counts as given.
    until
        When to stop, by `time.monotonic`.
    """
    demand, sites, _ = problem
    began = time.monotonic()
    start = most_saving(demand, sites)
    if not start.meets:
        return _settled(problem, Found(None, 0.0, start.bound, Status.GREEDY), until)
    first = exchanged(demand, sites, start.chosen, _share(began, until, FOR_EXCHANGE))
    found = _better(problem, Found(None, 0.0, start.bound, Status.GREEDY), first)
    if found.status is Status.OPTIMAL:
        return found
    fits = steps_fit(len(demand.site), _share(began, until, 1 - FOR_RELAXATION))
    pause = _share(began, until, FOR_RELAXATION if fits else WITHOUT_SOLVER)
    loose = relaxed(demand, sites, first, found.saved, pause)
    if sites.kept_by(loose.best):
        found = _better(problem, found, exchanged(demand, sites, loose.best, until))
    found = _better(problem, found._replace(bound=min(found.bound, loose.bound)), first)
    if found.status is Status.OPTIMAL:
        return found
    return _settled(_reduced(problem, *loose.ruled(found.saved)), found, until)


def saved_by(demand: Demand, chosen: NDArray[np.bool_]) -> float:
    """What a choice saves: people times the walk that they are spared."""
    return float((demand.weight * (demand.base - demand.nearest(chosen))).sum())


def _share(began: float, until: float, share: float) -> float:
    return began + (until - began) * share if np.isfinite(until) else until


def _better(problem: Saving, found: Found, chosen: NDArray[np.bool_]) -> Found:
    """What is found, or this choice if it saves more; proven if it meets the bound."""
    saved = saved_by(problem.demand, chosen)
    if found.chosen is None or saved > found.saved:
        found = found._replace(chosen=chosen, saved=saved)
    if found.saved >= found.bound * (1 - ROUNDING):
        return found._replace(bound=found.saved, status=Status.OPTIMAL)
    return found


def _reduced(problem: Saving, out: NDArray[np.bool_], sure: NDArray[np.bool_]) -> Saving:
    """The problem without the sites that no better choice has, and with those that all better ones have."""
    demand, sites, programme = problem

    def told(left: Demand, conditions: Sites) -> Programme:
        whole = programme(left, conditions)
        low, high = whole.low.copy(), whole.high.copy()
        high[: len(sites)][out] = 0.0
        low[: len(sites)][sure] = 1.0
        return whole._replace(low=low, high=high)

    return Saving(demand.of_walks(~out[demand.site]), sites, told)


def _settled(problem: Saving, found: Found, until: float) -> Found:
    """Ask HiGHS for something better, or a proof that nothing is."""
    programme = problem.programme(problem.demand, problem.sites)
    if not steps_fit(programme.rows.nnz, until):
        return found
    start = None if found.chosen is None else found.chosen.astype(np.float64)
    solved = minimise(programme, start=start, until=until)
    if solved.status is Status.INFEASIBLE:
        # Nothing is better than what is known; without anything known, nothing is possible.
        proven = Status.INFEASIBLE if found.chosen is None else Status.OPTIMAL
        return found._replace(bound=found.saved, status=proven)
    total = float((problem.demand.weight * problem.demand.base).sum())
    found = found._replace(bound=max(found.saved, min(found.bound, total - solved.bound)))
    if solved.value is None:
        return found
    better = np.rint(solved.value[: len(problem.sites)]).astype(bool)
    if found.chosen is None or saved_by(problem.demand, better) > found.saved:
        found = _better(problem, found, better)._replace(status=solved.status)
    if solved.status is Status.OPTIMAL:
        return found._replace(bound=found.saved, status=Status.OPTIMAL)
    return found
