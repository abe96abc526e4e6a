"""Better by exchange: one chosen site for another, as long as that saves more (Teitz & Bart 1968)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from withinreach.siting.solving.sums import ROUNDING, sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand, Sites


def exchanged(demand: Demand, sites: Sites, chosen: NDArray[np.bool_], until: float) -> NDArray[np.bool_]:
    """The best single exchange again and again; every step keeps the conditions that the choice keeps.

    Parameters
    ----------
    demand
        Every ``base`` is finite.
    chosen : (n,) bool
    until
        When to stop, by `time.monotonic`.
    """
    chosen = chosen.copy()
    total = float((demand.weight * demand.base).sum())
    while time.monotonic() < until:
        out = np.flatnonzero(chosen & ~sites.fixed)
        if not len(out):
            break
        gain = np.where(_possible(sites, chosen, out), _gains(demand, chosen, out, len(sites)), -np.inf)
        best = np.unravel_index(int(gain.argmax()), gain.shape)
        if gain[best] <= total * ROUNDING:
            break
        chosen[out[best[0]]], chosen[best[1]] = False, True
    return chosen


def _gains(demand: Demand, chosen: NDArray[np.bool_], out: NDArray[np.int64], n_sites: int) -> NDArray[np.float64]:
    """What is saved by leaving each chosen site (rows) and taking each other one (columns)."""
    row = demand.row
    nearest, by, second = _two_nearest(demand, chosen)
    position = np.full(n_sites + 1, -1)
    position[out] = np.arange(len(out))
    leaves = position[by]  # the place of its nearest chosen site among those that may leave; -1 where none of them
    weight = demand.weight[row]
    stays = weight * np.maximum(nearest[row] - demand.walk, 0)
    gain = np.broadcast_to(sums(demand.site, stays, n_sites), (len(out), n_sites)).copy()
    lost = leaves >= 0
    gain -= sums(leaves[lost], (demand.weight * (second - nearest))[lost], len(out))[:, None]
    pairs = lost[row]
    more = (weight * np.maximum(second[row] - demand.walk, 0) - stays)[pairs]
    key = leaves[row[pairs]] * n_sites + demand.site[pairs]
    gain += sums(key, more, len(out) * n_sites).reshape(len(out), n_sites)
    return gain


def _two_nearest(
    demand: Demand, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Walk to the nearest chosen site, which one (n for what stands already), and walk to the next one."""
    here = np.flatnonzero(chosen[demand.site])
    row, walk, site = demand.row[here], demand.walk[here], demand.site[here]
    order = np.lexsort((site, walk, row))
    row, walk, site = row[order], walk[order], site[order]
    start = np.ones(len(row), bool)
    start[1:] = row[1:] != row[:-1]
    nearest, second = demand.base.copy(), demand.base.copy()
    by = np.full(len(nearest), len(chosen), np.int64)
    first = np.flatnonzero(start)
    closer = walk[first] < nearest[row[first]]
    nearest[row[first[closer]]] = walk[first[closer]]
    by[row[first[closer]]] = site[first[closer]]
    follow = np.flatnonzero(~start & np.concatenate([[False], start[:-1]]))
    second[row[follow]] = np.minimum(second[row[follow]], walk[follow])
    return nearest, by, second


def _possible(sites: Sites, chosen: NDArray[np.bool_], out: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which exchanges (chosen site, other site) keep the budget, the spacing and the units that want a site."""
    spent = float(sites.cost[chosen & ~sites.fixed].sum())
    possible = spent - sites.cost[out][:, None] + sites.cost <= sites.budget
    possible &= ~chosen
    near = np.zeros((len(out), len(sites)), bool)
    position = np.full(len(sites), -1)
    position[out] = np.arange(len(out))
    clashes = np.zeros(len(sites), np.int64)
    for one, other in (sites.apart.T, sites.apart.T[::-1]):
        np.add.at(clashes, other, chosen[one])
        leaves = position[one] >= 0
        near[position[one[leaves]], other[leaves]] = True
    possible &= (clashes == 0) | ((clashes == 1) & near)
    units = sites.unit[chosen]
    alone = np.array([sites.unit[row] >= 0 and (units == sites.unit[row]).sum() == 1 for row in out], bool)
    wanted = np.zeros(len(out), bool)
    inside = sites.unit[out] >= 0
    if len(sites.wanting):
        wanted[inside] = sites.wanting[sites.unit[out[inside]]]
    possible &= ~(alone & wanted)[:, None] | (sites.unit[out][:, None] == sites.unit)
    return possible
