"""Covering problems: most people with so many sites, everybody (or a share) with the fewest, the worst unit first.

Church & ReVelle 1974 (MCLP, https://doi.org/10.1007/BF01942293); Toregas et al. 1971 (LSCP,
https://doi.org/10.1287/opre.19.6.1363).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from withinreach.siting.solving.answers import Answer, Certificate, Status
from withinreach.siting.solving.greedy import most_saving
from withinreach.siting.solving.highs import Programme, Solved, minimise, steps_fit
from withinreach.siting.solving.merging import merged
from withinreach.siting.solving.savings import Saving, most_saved
from withinreach.siting.solving.sums import ROUNDING, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.greedy import Greedy
    from withinreach.siting.solving.problem import Demand, Sites


class Open(NamedTuple):
    """What is left to decide about covering.

    Attributes
    ----------
    rows : Demand
        Places that are not covered yet and that some site would cover, merged; see `merged`.
    place : (r,) int64
        A place of the demand that stands for each row.
    covered : float
        People who are covered whatever is chosen.
    unservable : (u,) int64
        Rows of the demand that have people, are not covered and have no site in reach.
    """

    rows: Demand
    place: NDArray[np.int64]
    covered: float
    unservable: NDArray[np.int64]


def maximal_covering(demand: Demand, sites: Sites, cutoff: float, limit_s: float = np.inf) -> Answer:
    """Cover as many people as possible within the limits of number and budget (MCLP).

    Parameters
    ----------
    cutoff
        Places whose walk is at most this are covered.
    limit_s
        When to stop and tell how far from the best the answer may be.

    Returns
    -------
    Answer
        The objective is the number of covered people, by what stands already included.
    """
    began = time.monotonic()
    left = still_open(demand, sites, cutoff)
    found = most_saved(Saving(left.rows, sites, merged_programme), began + limit_s)
    if found.chosen is None:
        return none_possible(sites, found.status, left.unservable, began)
    objective = covered_people(demand, found.chosen, cutoff)
    bound = max(objective, left.covered + found.bound)
    return Answer(found.chosen, certificate(objective, bound, found.status, began), left.unservable)


def set_covering(demand: Demand, sites: Sites, cutoff: float, share: float = 1.0, limit_s: float = np.inf) -> Answer:
    """Cover everybody, or a share of the people, at the least cost (LSCP, and its partial form).

    Parameters
    ----------
    share
        Of all people, from 0 to 1.

    Returns
    -------
    Answer
        The objective is the cost of the chosen sites that are not fixed: their number where each costs 1. It is
        infeasible if the sites of ``unservable`` people are missing for the share.
    """
    began = time.monotonic()
    left = still_open(demand, sites, cutoff)
    enough = share * float(demand.weight.sum()) - left.covered
    within_reach = float(left.rows.weight.sum())
    if enough > within_reach * (1 + ROUNDING):
        return none_possible(sites, Status.INFEASIBLE, left.unservable, began)
    enough = min(enough, within_reach)
    start = most_saving(left.rows, sites, enough)
    known = start.chosen if start.meets and start.saved >= enough * (1 - ROUNDING) else None
    free = np.where(sites.fixed, 0.0, sites.cost)
    bound = rounded_up(_least_cost(left.rows, sites, enough), free)
    if known is not None and float(free[known].sum()) <= bound * (1 + ROUNDING):
        bound = float(free[known].sum())
        return Answer(known, certificate(bound, bound, Status.OPTIMAL, began), left.unservable)
    programme = _sharing(left.rows, sites, enough, everybody=share >= 1)
    solved = Solved(None, -np.inf, Status.GREEDY)
    if steps_fit(programme.rows.nnz, began + limit_s):
        first = None if known is None else known.astype(np.float64)
        solved = minimise(programme, start=first, until=began + limit_s)
    chosen = sites_of(solved, sites, known)
    if known is not None and chosen is not None and free[known].sum() < free[chosen].sum():
        chosen = known
    status = _status(solved, chosen, start.chosen)
    if chosen is None or solved.status is Status.INFEASIBLE:
        return none_possible(sites, status, left.unservable, began)
    objective = float(free[chosen].sum())
    bound = min(objective, rounded_up(max(bound, solved.bound), free))
    return Answer(chosen, certificate(objective, bound, status, began), left.unservable)


def _sharing(rows: Demand, sites: Sites, enough: float, *, everybody: bool) -> Programme:
    """Spend as little as possible on covering enough of the people."""
    programme = covering_programme(rows, sites)
    if everybody:
        programme = _nobody_left(programme, sites)
    else:
        programme = with_row(programme, programme.cost, high=(float(rows.weight.sum()) - enough) * (1 + ROUNDING))
    free = np.where(sites.fixed, 0.0, sites.cost)
    return programme._replace(cost=np.concatenate([free, np.zeros(len(rows.weight))]))


def _least_cost(rows: Demand, sites: Sites, enough: float) -> float:
    """What covering enough people costs at least: as if no two sites covered the same ones, and parts could be had."""
    gain = np.where(sites.fixed, 0.0, sums(rows.site, rows.weight[rows.row], len(sites)))
    some = np.flatnonzero(gain > 0)
    order = some[np.argsort(sites.cost[some] / gain[some], kind="stable")]
    before = np.concatenate([[0.0], np.cumsum(gain[order])[:-1]])
    part = np.clip((enough * (1 - ROUNDING) - before) / gain[order], 0, 1)
    return float((part * sites.cost[order]).sum())


def covers_all(demand: Demand, sites: Sites, cutoff: float, until: float) -> tuple[NDArray[np.bool_] | None, Status]:
    """Sites that cover every place within the conditions; otherwise whether there are none or time ran out."""
    left = still_open(demand, sites, cutoff)
    if len(left.unservable):
        return None, Status.INFEASIBLE
    start = most_saving(left.rows, sites)
    if _all_saved(start, left.rows):
        return start.chosen, Status.OPTIMAL
    if start.bound < float(left.rows.weight.sum()) * (1 - ROUNDING):
        return None, Status.INFEASIBLE
    programme = _nobody_left(covering_programme(left.rows, sites), sites)
    if not steps_fit(programme.rows.nnz, until):
        return None, Status.TIME_LIMIT
    solved = minimise(programme._replace(cost=np.zeros_like(programme.cost)), start=None, until=until)
    return sites_of(solved, sites, None), solved.status


def covers_all_greedily(demand: Demand, sites: Sites, cutoff: float) -> NDArray[np.bool_] | None:
    """Sites that cover every place within the conditions, if the greedy choice does."""
    left = still_open(demand, sites, cutoff)
    start = most_saving(left.rows, sites)
    return start.chosen if not len(left.unservable) and _all_saved(start, left.rows) else None


def _all_saved(start: Greedy, rows: Demand) -> bool:
    return start.meets and start.saved >= float(rows.weight.sum()) * (1 - ROUNDING)


def _nobody_left(programme: Programme, sites: Sites) -> Programme:
    """The same with everybody covered."""
    high = programme.high.copy()
    high[len(sites) :] = 0.0
    return programme._replace(high=high)


def merged_programme(rows: Demand, sites: Sites) -> Programme:
    """The same for places that are merged first; some may have no site left."""
    return covering_programme(merged(rows)[0], sites)


def covering_programme(rows: Demand, sites: Sites) -> Programme:
    """Leave as few people uncovered as the conditions allow.

    Columns: sites, then one per row, the share of it that stays uncovered, which is 0 as soon as a site in reach is
    chosen.
    """
    n, k = len(sites), len(rows.weight)
    reach = csr_array((np.ones(len(rows.site)), rows.site, rows.ptr), shape=(k, n))
    left = csr_array((np.ones(k), np.arange(k), np.arange(k + 1)), shape=(k, k))
    kept, kept_low, kept_high = sites.conditions()
    return Programme(
        cost=np.concatenate([np.zeros(n), rows.weight]),
        low=np.concatenate([sites.fixed.astype(np.float64), np.zeros(k)]),
        high=np.ones(n + k),
        whole=np.arange(n + k) < n,
        rows=csr_array(vstack([hstack([reach, left]), hstack([kept, csr_array((len(kept_low), k))])])),
        row_low=np.concatenate([np.ones(k), kept_low]),
        row_high=np.concatenate([np.full(k, np.inf), kept_high]),
    )


def with_row(
    programme: Programme, values: NDArray[np.float64], *, low: float = -np.inf, high: float = np.inf
) -> Programme:
    """A programme with one more row."""
    row = csr_array(values[None, :])
    return programme._replace(
        rows=csr_array(vstack([programme.rows, row])),
        row_low=np.append(programme.row_low, low),
        row_high=np.append(programme.row_high, high),
    )


def covered_people(demand: Demand, chosen: NDArray[np.bool_], cutoff: float) -> float:
    """People within the cutoff of a chosen site or of what serves them already."""
    return float(demand.weight[demand.nearest(chosen) <= cutoff].sum())


def still_open(demand: Demand, sites: Sites, cutoff: float, label: NDArray[np.integer] | None = None) -> Open:
    """What fixed sites and what stands already leave open; places with different labels, (k,), stay apart."""
    near = demand.within(cutoff)
    covered = near.nearest(sites.fixed) <= cutoff
    served = np.diff(near.ptr) > 0
    open_ = np.flatnonzero(~covered & served & (demand.weight > 0))
    mask = np.zeros(len(covered), bool)
    mask[open_] = True
    rows, groups = merged(near.of_rows(mask), None if label is None else label[open_])
    unservable = np.flatnonzero(~covered & ~served & (demand.weight > 0))
    return Open(rows, open_[groups.first], float(demand.weight[covered].sum()), unservable)


def sites_of(solved: Solved, sites: Sites, start: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """The chosen sites: the solver's, or the start where it found none."""
    if solved.value is None:
        return start
    return np.rint(solved.value[: len(sites)]).astype(bool)


def certificate(objective: float, bound: float, status: Status, began: float) -> Certificate:
    """A certificate, as of now; an answer that meets its bound is optimal, whoever found it."""
    if bound == objective:
        status = Status.OPTIMAL
    return Certificate(objective, bound, status, time.monotonic() - began)


def none_possible(
    sites: Sites, status: Status, unservable: NDArray[np.int64], began: float, bound: float = np.nan
) -> Answer:
    """An answer without sites, and what may be known of any that has some; nothing of one that there is not."""
    told = np.nan if status is Status.INFEASIBLE else bound
    return Answer(sites.fixed.copy(), Certificate(np.nan, told, status, time.monotonic() - began), unservable)


def _status(solved: Solved, chosen: NDArray[np.bool_] | None, start: NDArray[np.bool_]) -> Status:
    stopped = solved.status is Status.TIME_LIMIT
    if stopped and chosen is not None and np.array_equal(chosen, start):
        return Status.GREEDY
    return solved.status


def rounded_up(bound: float, cost: NDArray[np.float64]) -> float:
    """A bound on a sum of whole costs is a whole number."""
    whole = np.isfinite(bound) and bool((cost == np.rint(cost)).all())
    return float(np.ceil(bound - 1e-6)) if whole else bound
