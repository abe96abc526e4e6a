"""The solvers: published optima, every choice tried on small problems, bounds, limits of time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siting_cases import Problem, choices, clustered, covered, problems, walks
from withinreach.siting.solving import capacitated, covering, equity, lifting, savings
from withinreach.siting.solving.answers import Status
from withinreach.siting.solving.capacitated import Rooms, capacitated_covering
from withinreach.siting.solving.closing import fewest_kept
from withinreach.siting.solving.covering import maximal_covering, set_covering, still_open
from withinreach.siting.solving.equity import worst_first
from withinreach.siting.solving.greedy import most_saving
from withinreach.siting.solving.highs import minimise, steps_fit
from withinreach.siting.solving.lagrange import relaxed
from withinreach.siting.solving.lifting import Lifts, Units
from withinreach.siting.solving.median import centre, median
from withinreach.siting.solving.merging import merged, prefixes, same_sites
from withinreach.siting.solving.problem import Demand, Sites

if TYPE_CHECKING:
    from collections.abc import Callable

    from withinreach.siting.solving.answers import Answer
    from withinreach.siting.solving.highs import Programme, Solved

fuzz = settings(max_examples=60, deadline=None)
CUTOFF = 3.0


# Published optima -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def san_francisco(shared):
    """205 census tracts with POP2000 and 16 candidate stores, metres; spopt prints the optima in its notebook."""
    folder = shared / "spopt_sf"
    table = pd.read_csv(folder / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    walk = table.pivot_table(index="DestinationName", columns="name", values="distance")
    people = table.drop_duplicates("DestinationName").set_index("DestinationName")["demand"].loc[walk.index]
    want = json.loads((folder / "EXPECTED.json").read_text(encoding="utf-8"))
    return Demand.of_matrix(people.to_numpy(float), walk.to_numpy()), want


def test_published_optima(san_francisco):
    demand, want = san_francisco
    covering = maximal_covering(demand, Sites.free(16, 4), 5000.0)
    assert covering.certificate.objective == want["MCLP_radius5000_p4"]["objective"] == 875_247
    everybody = set_covering(demand, Sites.free(16), 5000.0)
    assert everybody.certificate.objective == everybody.chosen.sum() == want["LSCP_radius5000"]["facilities"] == 8
    least = median(demand, Sites.free(16, 4))
    assert least.certificate.objective == pytest.approx(want["PMedian_p4"]["objective"], rel=1e-12)
    mean = least.certificate.objective / demand.weight.sum()
    assert mean == pytest.approx(want["PMedian_p4"]["mean_dist"], rel=1e-12)
    longest = centre(demand, Sites.free(16, 4))
    assert round(longest.certificate.objective, 2) == want["PCenter_p4"]["objective"] == 7403.06
    for answer in (covering, everybody, least, longest):
        assert answer.certificate.status is Status.OPTIMAL
        assert answer.certificate.gap == 0
        assert answer.certificate.bound == answer.certificate.objective


# Every choice tried ---------------------------------------------------------------------------------------------


def check(problem: Problem, answer, best: float | None, value) -> None:
    """An answer is the best of all choices, keeps the conditions, and says so."""
    if best is None:
        assert answer.certificate.status is Status.INFEASIBLE
        assert np.isnan(answer.certificate.objective)
        return
    assert answer.certificate.status is Status.OPTIMAL
    assert answer.certificate.objective == pytest.approx(best, abs=1e-6)
    assert answer.certificate.bound == pytest.approx(best, abs=1e-6)
    assert any(np.array_equal(answer.chosen, choice) for choice in choices(problem.sites))
    assert value(answer.chosen) == pytest.approx(best, abs=1e-6)


@fuzz
@given(problems())
def test_maximal_covering_is_the_best_of_all_choices(problem):
    demand, sites = problem.demand, problem.sites

    def value(chosen):
        return covered(demand, chosen, CUTOFF)

    best = max(map(value, choices(sites)), default=None)
    answer = maximal_covering(demand, sites, CUTOFF)
    check(problem, answer, best, value)
    nobody = [
        place
        for place, walk in enumerate(walks(demand, np.ones(len(sites), bool)))
        if walk > CUTOFF and demand.weight[place] > 0
    ]
    assert answer.unservable.tolist() == nobody


@fuzz
@given(problems(), st.sampled_from([0.3, 0.7, 0.95, 1.0]))
def test_set_covering_is_the_best_of_all_choices(problem, share):
    demand, sites = problem.demand, problem.sites
    enough = share * demand.weight.sum()

    def cost(chosen):
        return float(sites.cost[chosen & ~sites.fixed].sum())

    kept = [chosen for chosen in choices(sites) if covered(demand, chosen, CUTOFF) >= enough - 1e-9]
    answer = set_covering(demand, sites, CUTOFF, share)
    check(problem, answer, min(map(cost, kept), default=None), cost)
    if kept:
        assert covered(demand, answer.chosen, CUTOFF) >= enough - 1e-6


@fuzz
@given(problems())
def test_median_is_the_best_of_all_choices(problem):
    demand, sites = problem.demand, problem.sites
    longest = [max(demand.walk[a:b], default=np.inf) for a, b in zip(demand.ptr, demand.ptr[1:], strict=False)]
    fixed = walks(demand, sites.fixed)
    at_most = [walk if np.isfinite(walk) else far for walk, far in zip(fixed, longest, strict=True)]

    def value(chosen):
        told = zip(demand.weight, walks(demand, chosen), at_most, strict=True)
        return float(sum(people * min(walk, most) for people, walk, most in told if np.isfinite(min(walk, most))))

    check(problem, median(demand, sites), min(map(value, choices(sites)), default=None), value)


@fuzz
@given(problems())
def test_centre_is_the_best_of_all_choices(problem):
    demand, sites = problem.demand, problem.sites
    everything = walks(demand, np.ones(len(sites), bool))
    counts = [place for place, walk in enumerate(everything) if np.isfinite(walk) and demand.weight[place] > 0]

    def value(chosen):
        found = walks(demand, chosen)
        return max((found[place] for place in counts), default=0.0)

    best = min(map(value, choices(sites)), default=None)
    if best is not None and np.isinf(best):
        best = None
    check(problem, centre(demand, sites), best, value)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([3, 7]).flatmap(lambda units: problems(units=units)))
def test_worst_first_is_the_best_of_all_choices(problem):
    """Also with more units than can be lifted, of which as few as possible are left."""
    demand, sites, unit = problem.demand, problem.sites, problem.unit
    people = np.bincount(unit, demand.weight, 7)

    def coverage(chosen):
        near = np.array(walks(demand, chosen)) <= CUTOFF
        return sorted((np.bincount(unit, demand.weight * near, 7)[people > 0] / people[people > 0]).tolist())

    ranked = sorted(([round(x, 6) for x in coverage(c)], covered(demand, c, CUTOFF)) for c in choices(sites))
    answer = worst_first(demand, sites, unit, CUTOFF)
    if not ranked:
        assert answer.certificate.status is Status.INFEASIBLE
        return
    assert answer.certificate.status is Status.OPTIMAL
    assert coverage(answer.chosen) == pytest.approx(ranked[-1][0], abs=1e-5)
    assert covered(demand, answer.chosen, CUTOFF) == pytest.approx(ranked[-1][1], abs=1e-4)
    if people.any():
        assert answer.certificate.objective == pytest.approx(ranked[-1][0][0], abs=1e-5)


@fuzz
@given(problems(units=4), st.integers(0, 3), st.floats(0.05, 1.0))
def test_no_choice_lifts_a_unit_with_less_than_it_takes_at_least(problem, unit, level):
    left = still_open(problem.demand, problem.sites, CUTOFF, problem.unit)
    standing = np.array(walks(problem.demand, problem.sites.fixed)) <= CUTOFF
    people = np.bincount(problem.unit, problem.demand.weight, 4)
    covered = np.bincount(problem.unit, problem.demand.weight * standing, 4)
    units = Units.of_people(left.rows, problem.unit[left.place], np.where(people > 0, people, 1.0), covered)
    lifts = Lifts(units, problem.sites, np.inf)
    levels = np.where(np.arange(4) == unit, level, -np.inf)
    for chosen in choices(problem.sites):
        if units.coverage(chosen)[unit] >= level:
            assert lifts.possible(levels)
            for number, measure in enumerate(lifts.measures):
                assert lifts.least(number, unit, level) <= measure.price[chosen].sum() + 1e-6


def placed_at_best(demand: Demand, room: np.ndarray, cutoff: float) -> float:
    """Most people who find a place, by the cuts: of any set of doors all room, and all who reach another door."""
    reach = [
        {int(demand.site[i]) for i in range(demand.ptr[p], demand.ptr[p + 1]) if demand.walk[i] <= cutoff}
        for p in range(len(demand.weight))
    ]
    least = np.inf
    for bits in range(2 ** len(room)):
        cut = {door for door in range(len(room)) if bits >> door & 1}
        outside = sum(w for w, doors in zip(demand.weight, reach, strict=True) if doors - cut)
        least = min(least, sum(room[door] for door in cut) + outside)
    return float(least)


@fuzz
@given(problems(), st.data())
def test_capacitated_covering_is_the_best_of_all_choices(problem, data):
    demand, sites = problem.demand, problem.sites
    n = len(sites)
    capacity = np.array(data.draw(st.lists(st.integers(0, 12), min_size=n, max_size=n)), float)
    # The last sites may be extensions at the door of an earlier one.
    door = np.array([data.draw(st.sampled_from([i, i, max(0, i - 1)])) for i in range(n)], np.int32)
    doors = int(max(door.max(), demand.site.max(initial=0))) + 1

    def value(chosen):
        return placed_at_best(demand, np.bincount(door[chosen], capacity[chosen], doors), CUTOFF)

    found = capacitated_covering(demand, sites, Rooms(capacity, door), CUTOFF)
    check(problem, found.answer, max(map(value, choices(sites)), default=None), value)
    people, taken = np.bincount(demand.row, found.flow, len(demand.weight)), np.bincount(demand.site, found.flow, doors)
    assert (found.flow >= 0).all()
    assert not found.flow[demand.walk > CUTOFF].any()
    assert (people <= demand.weight + 1e-9).all()
    assert (taken <= np.bincount(door[found.answer.chosen], capacity[found.answer.chosen], doors) + 1e-9).all()
    if found.answer.certificate.status is not Status.INFEASIBLE:
        assert found.flow.sum() == pytest.approx(found.answer.certificate.objective)


@fuzz
@given(problems(limited=False))
def test_closing_loses_nobody_and_keeps_as_few_as_possible(problem):
    demand, n = problem.demand, len(problem.sites)
    everybody = covered(demand, np.ones(n, bool), CUTOFF)
    answer = fewest_kept(demand, Sites.free(n), CUTOFF)
    assert covered(demand, answer.chosen, CUTOFF) == everybody
    fewest = min(c.sum() for c in choices(Sites.free(n)) if covered(demand, c, CUTOFF) == everybody)
    assert answer.chosen.sum() == answer.certificate.objective == fewest


# Properties -----------------------------------------------------------------------------------------------------


@fuzz
@given(problems(limited=False))
def test_more_sites_never_cover_fewer(problem):
    people = [
        maximal_covering(problem.demand, Sites.free(len(problem.sites), most), CUTOFF).certificate.objective
        for most in range(len(problem.sites) + 1)
    ]
    assert people == sorted(people)


@fuzz
@given(problems(limited=False))
def test_greedy_is_within_its_guarantee_and_its_bound_holds(problem):
    rows = still_open(problem.demand, problem.sites, CUTOFF).rows
    greedy = most_saving(rows, problem.sites)
    best = max(float(rows.weight[np.array(walks(rows, chosen)) == 0].sum()) for chosen in choices(problem.sites))
    assert greedy.saved >= (1 - 1 / np.e) * best - 1e-9
    assert greedy.saved <= best <= greedy.bound + 1e-9


@fuzz
@given(problems())
def test_the_relaxation_bounds_every_choice_and_rules_out_none_that_is_better(problem):
    left = still_open(problem.demand, problem.sites, CUTOFF)
    kept = choices(problem.sites)
    nothing = problem.sites.fixed
    told = relaxed(left.rows, problem.sites, nothing, 0.0, time.monotonic() + 10)

    def saved(chosen):
        return float(left.rows.weight[np.array(walks(left.rows, chosen)) == 0].sum())

    for known in {saved(chosen) for chosen in kept}:
        out, sure = told.ruled(known)
        for chosen in kept:
            assert saved(chosen) <= told.bound + 1e-6
            if saved(chosen) > known:
                assert not (chosen & out).any()
                assert chosen[sure].all()


@fuzz
@given(problems())
def test_merged_places_are_those_with_the_same_sites(problem):
    demand = problem.demand.within(CUTOFF)
    sets = [tuple(demand.site[a:b].tolist()) for a, b in zip(demand.ptr, demand.ptr[1:], strict=False)]
    groups = same_sites(demand.ptr, demand.site)
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            assert (groups.of_place[i] == groups.of_place[j]) == (one == other)
    rows, _ = merged(demand, problem.unit)
    assert rows.weight.sum() == demand.weight.sum()
    assert len(rows.weight) == len(set(zip(sets, problem.unit.tolist(), strict=True)))
    tree = prefixes(demand.ptr, demand.site)
    beginnings = {one[: i + 1] for one in sets for i in range(len(one))}
    assert len(tree.site) == len(beginnings)
    for i, pair in enumerate(tree.of_pair.tolist()):
        told, node = [], pair
        while node >= 0:
            told.append(int(tree.site[node]))
            node = int(tree.parent[node])
        place = int(demand.row[i])
        assert tuple(told[::-1]) == sets[place][: i - int(demand.ptr[place]) + 1]


# Larger problems ------------------------------------------------------------------------------------------------


def limited(demand: Demand, n: int, radius: float, limit_s: float) -> dict[str, Callable[[], Answer]]:
    """Every objective with a limit of time, few sites for many places in ten units."""
    rooms = Rooms(np.full(n, 2_000.0), np.arange(n, dtype=np.int32))
    unit = np.arange(len(demand.weight)) % 10
    few = Sites.free(n, max(4, n // 50))
    share = 0.9 * float(demand.weight[np.diff(demand.ptr) > 0].sum() / demand.weight.sum())
    return {
        "maximal covering": lambda: maximal_covering(demand, few, radius, limit_s),
        "set covering": lambda: set_covering(demand, Sites.free(n), radius, share, limit_s),
        "median": lambda: median(demand, few, limit_s),
        "centre": lambda: centre(demand, Sites.free(n, n - n // 20), limit_s),
        "capacitated": lambda: capacitated_covering(demand, few, rooms, radius, limit_s).answer,
        "worst first": lambda: worst_first(demand, few, unit, radius, limit_s),
        "closing": lambda: fewest_kept(demand, Sites.free(n), radius, 0.95, limit_s),
    }


SMALL_IS_GOOD = ("set covering", "median", "centre", "closing")


@pytest.fixture(scope="module")
def proven():
    """A problem that is solved to the end, and what is optimal."""
    demand = clustered(1_000, 80, 0.07)
    return demand, {name: solve().certificate for name, solve in limited(demand, 80, 0.07, np.inf).items()}


@pytest.mark.parametrize("limit_s", [0.0, 0.02, 0.2])
def test_what_a_limit_of_time_leaves_unproven_lies_between_answer_and_bound(proven, limit_s):
    demand, best = proven
    for name, solve in limited(demand, 80, 0.07, limit_s).items():
        told, optimum = solve().certificate, best[name]
        assert optimum.status is Status.OPTIMAL
        near = 1e-6 * abs(optimum.objective)
        low, high = (told.bound, told.objective) if name in SMALL_IS_GOOD else (told.objective, told.bound)
        assert low <= optimum.objective + near, name
        assert high >= optimum.objective - near or np.isnan(high), name
        assert (told.gap == 0) == (told.status is Status.OPTIMAL), name


def test_no_search_is_begun_that_the_limit_does_not_hold(monkeypatch):
    """HiGHS never gets more than the limit, nor a programme of which nobody asked whether its first steps fit in.

    How long it takes in the end `benchmarks.siting` tells; seconds prove nothing on a machine that others use, too.
    """
    fitting: list[int] = []
    left: list[float] = []

    def asks(entries: int, until: float) -> bool:
        fits = steps_fit(entries, until)
        fitting.extend([entries] if fits else [])
        return fits

    def watched(programme: Programme, **given: Any) -> Solved:
        left.append(given["until"] - time.monotonic())
        assert programme.rows.nnz in fitting or programme.rows.nnz < 10_000
        return minimise(programme, **given)

    for module in (capacitated, covering, equity, lifting, savings):
        monkeypatch.setattr(module, "minimise", watched)
    for module in (capacitated, covering, equity, savings):
        monkeypatch.setattr(module, "steps_fit", asks)
    for radius, limit_s in ((0.04, 1.0), (0.025, 1.0)):
        demand = clustered(20_000, 2_000, radius)
        for name, solve in limited(demand, 2_000, radius, limit_s).items():
            told = solve().certificate
            assert np.isfinite(told.bound), name
            assert told.gap >= 0 or np.isnan(told.objective), name
    assert len(left) > 5
    assert max(left) <= 1.0


def test_the_same_problem_gives_the_same_sites():
    demand = clustered(1_500, 120, 0.06)
    one, other = (maximal_covering(demand, Sites.free(120, 8), 0.06) for _ in range(2))
    np.testing.assert_array_equal(one.chosen, other.chosen)
    assert one.certificate.status is Status.OPTIMAL


def test_relaxation_and_solver_agree_on_a_larger_problem():
    demand = clustered(1_500, 120, 0.06)
    answer = median(demand, Sites.free(120, 8))
    assert answer.certificate.status is Status.OPTIMAL
    base = np.array([demand.walk[a:b].max(initial=0) for a, b in zip(demand.ptr, demand.ptr[1:], strict=False)])
    based = Demand(demand.weight, base, demand.ptr, demand.site, demand.walk)
    saved = float((demand.weight * base).sum()) - answer.certificate.objective
    told = relaxed(based, Sites.free(120, 8), np.zeros(120, bool), 0.0, time.monotonic() + 60)
    assert saved <= told.bound <= 1.05 * saved
