"""Least walking: the p-median, and the p-centre, where the longest walk counts.

Hakimi 1964 (https://doi.org/10.1287/opre.12.3.450). Told to HiGHS by radii: a column per place and radius says that no
chosen site is within it (Cornuéjols, Nemhauser & Wolsey 1980, https://doi.org/10.1137/0601030; García, Labbé & Marín
2011, https://doi.org/10.1287/ijoc.1100.0418), and places whose nearest sites come in the same order share columns. The
centre is found by bisection on the radius (Minieka 1970, https://doi.org/10.1137/1012016).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from withinreach.siting.solving.answers import Answer, Status
from withinreach.siting.solving.covering import certificate, covers_all, covers_all_greedily, none_possible
from withinreach.siting.solving.highs import Programme
from withinreach.siting.solving.merging import ROOT, prefixes
from withinreach.siting.solving.savings import Saving, most_saved
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.siting.solving.problem import Demand, Sites


def median(demand: Demand, sites: Sites, limit_s: float = np.inf) -> Answer:
    """Choose sites with the least walking of all people together (p-median).

    Places that nothing serves and no site can serve do not count; they are ``unservable``. A place that some site can
    serve, but no chosen one, counts with the longest walk that it has to any site: where that is not to happen, give
    every place a ``base``, the walk that it counts with at most.

    Returns
    -------
    Answer
        The objective is people times walk.
    """
    began = time.monotonic()
    counted, unservable = _counted(demand)
    counted = _worth_walking(counted, sites)
    found = most_saved(Saving(counted, sites, radius_programme), began + limit_s)
    if found.chosen is None:
        return none_possible(sites, found.status, unservable, began)
    objective = float((counted.weight * counted.nearest(found.chosen)).sum())
    at_most = float((counted.weight * counted.base).sum())
    bound = objective if found.status is Status.OPTIMAL else min(objective, at_most - found.bound)
    return Answer(found.chosen, certificate(objective, bound, found.status, began), unservable)


def centre(demand: Demand, sites: Sites, limit_s: float = np.inf) -> Answer:
    """Choose sites so that the longest walk is as short as possible (p-centre); people count alike, however many.

    Returns
    -------
    Answer
        The objective is the longest walk of a place with people that something can serve.
    """
    began = time.monotonic()
    until = began + limit_s
    counted, unservable = _counted(demand)
    counted = counted.of_rows(counted.weight > 0)
    radii = np.unique(np.concatenate([[0.0], counted.walk, counted.base]))
    radii = radii[np.isfinite(radii)]
    # No choice serves all within radii[low], the best known one does within radii[high].
    low = _rank(radii, counted, np.ones(len(sites), bool)) - 1
    best, high = _greedy_centre(counted, sites, radii, until)
    status = Status.OPTIMAL
    while high - low > 1 and status is Status.OPTIMAL:
        middle = (low + high) // 2
        chosen, ended = covers_all(counted, sites, float(radii[middle]), until)
        if chosen is not None:
            best, high = chosen, _rank(radii, counted, chosen)
        elif ended is Status.INFEASIBLE:
            low = middle
        else:
            status = ended
    bound = float(radii[min(low + 1, len(radii) - 1)])
    if best is None:
        ended = Status.INFEASIBLE if status is Status.OPTIMAL else status
        return none_possible(sites, ended, unservable, began, bound)
    return Answer(best, certificate(float(radii[high]), bound, status, began), unservable)


def _greedy_centre(
    demand: Demand, sites: Sites, radii: NDArray[np.float64], until: float
) -> tuple[NDArray[np.bool_] | None, int]:
    """A choice that serves all, and the rank of its longest walk; none, and one rank too many, if none is found.

    The longest radius is tried first, for time may end before a shorter one is found.
    """
    best = covers_all_greedily(demand, sites, float(radii[-1]))
    low, high = -1, len(radii) if best is None else _rank(radii, demand, best)
    while best is not None and high - low > 1 and time.monotonic() < until:
        middle = (low + high) // 2
        chosen = covers_all_greedily(demand, sites, float(radii[middle]))
        if chosen is None:
            low = middle
        else:
            best, high = chosen, _rank(radii, demand, chosen)
    return best, high


def _rank(radii: NDArray[np.float64], demand: Demand, chosen: NDArray[np.bool_]) -> int:
    return int(np.searchsorted(radii, demand.nearest(chosen).max(initial=radii[0])))


def radius_programme(demand: Demand, sites: Sites) -> Programme:
    """Leave as little unsaved as the conditions allow.

    Columns: sites, then one per beginning of a list of nearest sites, which is 1 while none of these is chosen. It
    costs what the people whose list begins so walk farther than to the last of these, to the next one or the base.
    """
    by_walk = demand.nearest_first()
    tree = prefixes(by_walk.ptr, by_walk.site)
    n, r = len(sites), len(tree.site)
    last = np.zeros(len(by_walk.site), bool)
    last[by_walk.ptr[1:][np.diff(by_walk.ptr) > 0] - 1] = True
    following = np.where(last, by_walk.base[by_walk.row], np.append(by_walk.walk, 0)[1:])
    farther = sums(tree.of_pair, by_walk.weight[by_walk.row] * (following - by_walk.walk), r)
    inner = np.flatnonzero(tree.parent != ROOT)
    column = np.arange(n, n + r)
    row = np.concatenate([np.arange(r), np.arange(r), inner])
    chain = csr_array(
        (
            np.concatenate([np.ones(2 * r), np.full(len(inner), -1.0)]),
            (row, np.concatenate([column, tree.site, n + tree.parent[inner]])),
        ),
        shape=(r, n + r),
    )
    kept, kept_low, kept_high = sites.conditions()
    return Programme(
        cost=np.concatenate([np.zeros(n), farther]),
        low=np.concatenate([sites.fixed.astype(np.float64), np.zeros(r)]),
        high=np.ones(n + r),
        whole=np.arange(n + r) < n,
        rows=csr_array(vstack([chain, hstack([kept, csr_array((len(kept_low), r))])])),
        row_low=np.concatenate([(tree.parent == ROOT).astype(np.float64), kept_low]),
        row_high=np.concatenate([np.full(r, np.inf), kept_high]),
    )


def _counted(demand: Demand) -> tuple[Demand, NDArray[np.int64]]:
    """Places that something can serve, and the rows of the others that have people."""
    served = (np.diff(demand.ptr) > 0) | np.isfinite(demand.base)
    return demand.of_rows(served), np.flatnonzero(~served & (demand.weight > 0))


def _worth_walking(demand: Demand, sites: Sites) -> Demand:
    """A base for every place, and only the sites that are nearer than that."""
    base = demand.nearest(sites.fixed)
    longest = np.zeros(len(base))
    np.maximum.at(longest, demand.row, demand.walk)
    based = replace(demand, base=np.where(np.isfinite(base), base, longest))
    return based.of_walks(demand.walk < based.base[demand.row])
