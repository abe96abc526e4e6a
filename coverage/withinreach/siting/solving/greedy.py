"""Lazy greedy choice of sites: the start of every search, an answer by itself, and a bound on every other answer.

What a set of sites saves is submodular: a site saves the less the more others are chosen. So a gain that was computed
earlier is an upper bound of today's (Minoux 1978), and the best k sites save at most e / (e - 1) times what the first
k greedy ones do (Nemhauser, Wolsey & Fisher 1978, https://doi.org/10.1007/BF01588971).
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.siting.solving.sums import ROUNDING, pointers, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand, Sites


class Greedy(NamedTuple):
    """A greedy choice.

    Attributes
    ----------
    chosen : (n,) bool
        Fixed sites included.
    meets : bool
        Whether it keeps all conditions; it always stays within the number, the budget and the spacing, but may leave
        a unit without a site.
    saved : float
        What the chosen sites save: people times walk.
    bound : float
        What no choice can save more than.
    """

    chosen: NDArray[np.bool_]
    meets: bool
    saved: float
    bound: float


class _BySite(NamedTuple):
    """Pairs grouped by site."""

    ptr: NDArray[np.int64]
    site: NDArray[np.int32]
    row: NDArray[np.int64]
    walk: NDArray[np.float64]


def most_saving(demand: Demand, sites: Sites, enough: float = np.inf) -> Greedy:
    """Choose sites one by one, each the one that saves most, per cost where there is a budget.

    Units that want a site get their best one first. Of equal sites the lowest row is taken.

    Parameters
    ----------
    demand
        Every ``base`` is finite: what people walk, or count as walking, without any site that may be chosen.
    enough
        Stop as soon as this much is saved.
    """
    choice = Choice(demand, sites)
    bound = choice.bound()
    choice.take_wanted()
    choice.take_all(enough)
    meets = not len(choice.allowance.lacking())
    return Greedy(choice.allowance.chosen, meets, choice.saved, max(choice.saved, min(bound, choice.bound())))


def _by_site(demand: Demand, n_sites: int) -> _BySite:
    order = np.argsort(demand.site, kind="stable")
    return _BySite(pointers(demand.site, n_sites), demand.site[order], demand.row[order], demand.walk[order])


class Allowance:
    """What may still be chosen: the number, the money and the spacing that are left."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self.chosen = np.zeros(len(sites), bool)
        self._barred = np.zeros(len(sites), bool)
        self._left = np.inf if sites.most is None else sites.most
        self._money = sites.budget
        for row in np.flatnonzero(sites.fixed).tolist():
            self.take(row)

    def allowed(self) -> NDArray[np.bool_]:
        """Which sites may be taken, shape (n,)."""
        possible = ~self.chosen & ~self._barred & (self.sites.cost <= self._money)
        return possible if self._left > 0 else np.zeros(len(possible), bool)

    def take(self, site: int) -> None:
        """Choose a site."""
        if not self.sites.fixed[site]:
            self._left -= 1
            self._money -= self.sites.cost[site]
        self.chosen[site] = True
        near = self.sites.apart[(self.sites.apart == site).any(axis=1)]
        self._barred[near[near != site]] = True

    def lacking(self) -> NDArray[np.int64]:
        """Units that want a site and have none yet."""
        return np.setdiff1d(np.flatnonzero(self.sites.wanting), self.sites.unit[self.chosen])


class Choice:
    """A choice that grows, and what it saves."""

    def __init__(self, demand: Demand, sites: Sites) -> None:
        self.sites, self.weight = sites, demand.weight
        self.pairs = _by_site(demand, len(sites))
        self.walk = demand.nearest(sites.fixed)
        self.allowance = Allowance(sites)
        self.saved = 0.0
        # What a gain is divided by: the cost where money is short, nothing where only the number counts.
        short = np.isfinite(sites.budget) or sites.most is None
        self._price = np.maximum(sites.cost, np.finfo(float).tiny) if short else np.ones(len(sites))

    def gain(self, site: int) -> float:
        """What a site would save today."""
        here = slice(self.pairs.ptr[site], self.pairs.ptr[site + 1])
        row = self.pairs.row[here]
        return float((self.weight[row] * np.maximum(self.walk[row] - self.pairs.walk[here], 0)).sum())

    def gains(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each site would save today, by any weights of the places; 0 for chosen ones."""
        row = self.pairs.row
        saving = weight[row] * np.maximum(self.walk[row] - self.pairs.walk, 0)
        return np.where(self.allowance.chosen, 0.0, sums(self.pairs.site, saving, len(self.sites)))

    def take(self, site: int) -> None:
        """Choose a site."""
        self.saved += self.gain(site)
        here = slice(self.pairs.ptr[site], self.pairs.ptr[site + 1])
        self.walk[self.pairs.row[here]] = np.minimum(self.walk[self.pairs.row[here]], self.pairs.walk[here])
        self.allowance.take(site)

    def take_wanted(self) -> None:
        """Give every unit that wants a site its best one, as far as the limits allow."""
        for unit in self.allowance.lacking().tolist():
            worth = np.where(self.allowance.allowed() & (self.sites.unit == unit), self.gains(self.weight), -np.inf)
            if np.isfinite(worth).any():
                self.take(int((worth / self._price).argmax()))

    def take_all(self, enough: float) -> None:
        """Take sites as long as one saves anything and the limits allow, or until enough is saved."""
        worth = self.gains(self.weight) / self._price
        heap = [(-worth[site], site) for site in np.flatnonzero(worth > 0).tolist()]
        heapq.heapify(heap)
        while heap and self.saved < enough * (1 - ROUNDING):
            _, site = heapq.heappop(heap)
            if not self.allowance.allowed()[site]:
                continue
            today = self.gain(site) / float(self._price[site])
            if heap and (-today, site) > heap[0]:
                heapq.heappush(heap, (-today, site))
            elif today > 0:
                self.take(site)

    def bound(self) -> float:
        """No choice saves more than this one plus the best gains that the number and the budget allow together."""
        gains = self.gains(self.weight)
        most = len(gains) if self.sites.most is None else self.sites.most
        by_number = np.sort(gains)[::-1][:most].sum()
        cost = np.maximum(self.sites.cost, np.finfo(float).tiny)
        order = np.argsort(-gains / cost, kind="stable")
        spent_before = np.concatenate([[0.0], np.cumsum(cost[order])])[:-1]
        share = np.clip((self.sites.budget - spent_before) / cost[order], 0, 1)
        return self.saved + float(min(by_number, (gains[order] * share).sum()))
