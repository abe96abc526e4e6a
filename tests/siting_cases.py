"""Random siting problems that are small enough to try every choice of sites."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from withinreach.siting.solving.problem import Demand, Sites


class Problem(NamedTuple):
    """A full matrix of walks (inf where there is no way), people and their unit, and the sites."""

    demand: Demand
    unit: np.ndarray
    sites: Sites


@st.composite
def problems(draw, *, limited: bool = True, units: int = 3) -> Problem:
    """Up to eight places and six sites; some sites fixed, some too near each other, perhaps too little money."""
    k, n = draw(st.integers(1, 5 + units)), draw(st.integers(1, 6))
    walk = np.array(draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 7, np.inf]), min_size=k * n, max_size=k * n)))
    weight = np.array(draw(st.lists(st.integers(0, 9), min_size=k, max_size=k)), float)
    base = np.array(draw(st.lists(st.sampled_from([np.inf, np.inf, np.inf, 1.0, 6.0]), min_size=k, max_size=k)))
    demand = Demand.of_matrix(weight, walk.reshape(k, n).astype(float))
    demand = Demand(weight, base, demand.ptr, demand.site, demand.walk)
    unit = np.array(draw(st.lists(st.integers(0, units - 1), min_size=k, max_size=k)))
    flags = st.lists(st.integers(0, 5).map(lambda i: i == 0), min_size=n, max_size=n)
    fixed = np.array(draw(flags))
    if not limited:
        return Problem(demand, unit, Sites.free(n, draw(st.integers(1, n))))
    pairs = [pair for pair in itertools.combinations(range(n), 2) if not fixed[list(pair)].all()]
    apart = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)) if pairs else []
    sites = Sites(
        fixed=fixed,
        cost=np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), float),
        apart=np.array(apart, np.int32).reshape(-1, 2),
        unit=np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)), np.int32),
        wanting=np.array(draw(st.lists(st.integers(0, 4).map(lambda i: i == 0), min_size=3, max_size=3))),
        most=draw(st.none() | st.integers(0, n)),
        budget=draw(st.just(np.inf) | st.integers(0, 10).map(float)),
    )
    return Problem(demand, unit, sites)


def choices(sites: Sites) -> list[np.ndarray]:
    """Every choice that keeps the conditions, tried one by one."""
    kept = []
    for bits in itertools.product([False, True], repeat=len(sites)):
        chosen = np.array(bits)
        new = chosen & ~sites.fixed
        if not chosen[sites.fixed].all():
            continue
        if sites.most is not None and new.sum() > sites.most:
            continue
        if sites.cost[new].sum() > sites.budget:
            continue
        if any(chosen[a] and chosen[b] for a, b in sites.apart):
            continue
        if not set(np.flatnonzero(sites.wanting)) <= set(sites.unit[chosen]):
            continue
        kept.append(chosen)
    return kept


def walks(demand: Demand, chosen: np.ndarray) -> list[float]:
    """Walk of each place to the nearest chosen site or to what serves it already."""
    found = []
    for place, base in enumerate(demand.base.tolist()):
        pairs = range(demand.ptr[place], demand.ptr[place + 1])
        found.append(min([base] + [float(demand.walk[i]) for i in pairs if chosen[demand.site[i]]]))
    return found


def covered(demand: Demand, chosen: np.ndarray, cutoff: float) -> float:
    near = [walk <= cutoff for walk in walks(demand, chosen)]
    return float(sum(people for people, in_reach in zip(demand.weight, near, strict=True) if in_reach))


def clustered(k: int, n: int, radius: float, seed: int = 1) -> Demand:
    """Places around thirty centres, and sites near some of them."""
    rng = np.random.default_rng(seed)
    places = rng.random((30, 2))[rng.integers(0, 30, k)] + rng.normal(0, 0.05, (k, 2))
    sites = places[rng.choice(k, n, replace=False)] + rng.normal(0, 0.005, (n, 2))
    near = cKDTree(places).sparse_distance_matrix(cKDTree(sites), radius, output_type="coo_matrix")
    people = rng.integers(1, 60, k).astype(float)
    return Demand.of_pairs(people, np.full(k, np.inf), (near.row, near.col, near.data))
