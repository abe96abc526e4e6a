"""An upper bound on what any choice of sites can save, by Lagrangian relaxation, and the sites that it rules out.

Geoffrion 1974 (https://doi.org/10.1007/BFb0120690); for the p-median Cornuéjols, Fisher & Nemhauser 1977
(https://doi.org/10.1287/mnsc.23.8.789). Each place gets a price; a site is worth what it saves above the prices, and
the best sites by worth, plus all prices, are a bound for any prices. Prices are improved by steps along a subgradient.

Measured on 20,000 places and 2,000 sites with 330,000 pairs: within 0.1 % of the linear relaxation in 300 steps, 1 s;
HiGHS needs more than 20 s for the latter.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.siting.solving.sums import ROUNDING, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand, Sites

STEPS = 400
PATIENCE = 10
SHRINK = 0.7
SMALLEST_STEP = 1e-3


class Relaxed(NamedTuple):
    """What the relaxation says.

    Attributes
    ----------
    bound : float
        No choice saves more.
    best : (n,) bool
        The best choice that was met on the way; it keeps number and budget, perhaps not the other conditions.
    worth : (n,) float64
        What each site adds to the bound; -inf for fixed sites.
    counted : (n,) bool
        The sites whose worth is in the bound.
    full : bool
        Whether as many are counted as may be chosen.
    """

    bound: float
    best: NDArray[np.bool_]
    worth: NDArray[np.float64]
    counted: NDArray[np.bool_]
    full: bool

    def ruled(self, saved: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Sites that are in no choice that saves more than this, and sites that are in all of these, (n,) each.

        With any of the former, or without one of the latter, the bound falls to what is saved already.
        """
        free, limit = np.isfinite(self.worth), saved * (1 + ROUNDING)
        last_in = self.worth[self.counted].min(initial=np.inf) if self.full else 0.0
        next_out = max(0.0, self.worth[free & ~self.counted].max(initial=0.0))
        out = free & ~self.counted & (self.bound - last_in + self.worth <= limit)
        return out, self.counted & (self.bound - self.worth + next_out <= limit)


class _Worth(NamedTuple):
    """The best sites at given prices: worth of each after the price of money, which are best, and the bound."""

    worth: NDArray[np.float64]
    best: NDArray[np.bool_]
    bound: float


class _Relaxation:
    """Pairs by site, with what each saves."""

    def __init__(self, demand: Demand, sites: Sites) -> None:
        order = np.argsort(demand.site, kind="stable")
        self.row, self.site = demand.row[order], demand.site[order]
        self.saving = demand.weight[self.row] * np.maximum(demand.base[self.row] - demand.walk[order], 0)
        self.n_rows = len(demand.weight)
        self.sites = sites
        self.free = ~sites.fixed
        self.most = int(self.free.sum()) if sites.most is None else min(sites.most, int(self.free.sum()))

    def worth(self, price: NDArray[np.float64]) -> _Worth:
        above = np.maximum(self.saving - price[self.row], 0)
        worth = np.where(self.free, sums(self.site, above, len(self.free)), 0.0)
        money = self._price_of_money(worth)
        worth = np.where(self.free, worth - money * self.sites.cost, -np.inf)
        best = self._best(worth)
        spare = money * self.sites.budget if money else 0.0
        return _Worth(worth, best, float(price.sum() + worth[best].sum() + spare))

    def _best(self, worth: NDArray[np.float64]) -> NDArray[np.bool_]:
        best = np.zeros(len(worth), bool)
        best[np.argsort(-worth, kind="stable")[: self.most]] = True
        return best & (worth > 0)

    def _price_of_money(self, worth: NDArray[np.float64]) -> float:
        """The price at which the best sites just keep the budget; the bound is valid at any price."""
        cost, budget = self.sites.cost, self.sites.budget
        if not np.isfinite(budget) or cost[self._best(np.where(self.free, worth, -np.inf))].sum() <= budget:
            return 0.0
        low, high = 0.0, float((worth / np.maximum(cost, np.finfo(float).tiny))[self.free & (cost > 0)].max())
        for _ in range(50):
            middle = (low + high) / 2
            best = self._best(np.where(self.free, worth - middle * cost, -np.inf))
            low, high = (middle, high) if cost[best].sum() > budget else (low, middle)
        return high

    def slope(self, price: NDArray[np.float64], best: NDArray[np.bool_]) -> NDArray[np.float64]:
        taken = best[self.site] & (self.saving > price[self.row])
        slope = 1.0 - np.bincount(self.row[taken], minlength=self.n_rows)
        return np.where((price <= 0) & (slope > 0), 0.0, slope)

    def saved(self, chosen: NDArray[np.bool_]) -> float:
        here = chosen[self.site]
        best = np.zeros(self.n_rows)
        np.maximum.at(best, self.row[here], self.saving[here])
        return float(best.sum())

    def affordable(self, chosen: NDArray[np.bool_]) -> bool:
        return float(self.sites.cost[chosen].sum()) <= self.sites.budget


def relaxed(demand: Demand, sites: Sites, known: NDArray[np.bool_], known_saved: float, until: float) -> Relaxed:
    """Bound what can be saved, and rule sites out and in.

    Parameters
    ----------
    demand
        Every ``base`` is finite; fixed sites have no pairs left.
    known, known_saved
        A choice that keeps all conditions (or none, and 0), and what it saves.
    until
        When to stop, by `time.monotonic`.
    """
    relaxation = _Relaxation(demand, sites)
    price = np.zeros(len(demand.weight))
    np.maximum.at(price, relaxation.row, relaxation.saving / 2)
    best, best_saved = known, known_saved
    now = relaxation.worth(price)
    least, least_price, step, waited = now, price, 2.0, 0
    for _ in range(STEPS):
        if relaxation.affordable(now.best):
            saved = relaxation.saved(now.best)
            if saved > best_saved:
                best, best_saved = now.best | sites.fixed, saved
        slope = relaxation.slope(price, now.best)
        length = float((slope * slope).sum())
        if not length or now.bound <= best_saved * (1 + ROUNDING) or time.monotonic() > until:
            break
        price = np.maximum(0.0, price - step * max(now.bound - best_saved, 0.0) / length * slope)
        now = relaxation.worth(price)
        if now.bound < least.bound:
            least, least_price, waited = now, price, 0
            continue
        waited += 1
        if waited >= PATIENCE:
            step, waited, price, now = step * SHRINK, 0, least_price, least
            if step < SMALLEST_STEP:
                break
    full = int(least.best.sum()) == relaxation.most
    return Relaxed(least.bound, best, least.worth, least.best, full)
