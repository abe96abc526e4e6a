"""Floating catchments: every figure of the nine-cell town by hand, twins, conservation, and pysal's `access`."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.kernels.agents import Choices, settle
from withinreach.measures.decay import Binary, Exponential, Gaussian, Linear, Logistic, Stepped
from withinreach.measures.floating import (
    Toll,
    access_table,
    modified_two_step,
    rational_agents,
    spatial_availability,
    three_step,
    two_step,
)
from withinreach.measures.market import Market, market_of
from withinreach.reach import pairs_within

fuzz = settings(max_examples=150, deadline=None)
STEPS = Stepped((200, 400, 600), (1, 0.5, 0.25))


@pytest.fixture
def case(tmp_path):
    return wr.prepare(wr.load_study(write_nine_cells(tmp_path)))


@pytest.fixture
def market(case):
    return market_of(case, pairs_within(case, case.study.services["elder_care"]))


def test_the_market_of_the_town_by_hand(market):
    assert market.rows.tolist() == [0, 1]
    assert market.capacity.tolist() == [63, 20]
    assert market.known == 2 / 3  # C does not tell
    assert market.people.tolist() == [30, 20, 40, 0, 60, 80, 50, 10, 5]
    assert market.facility.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert market.cell.tolist() == [0, 1, 2, 3, 1, 2, 3, 4, 5]
    assert market.seconds.tolist() == [200, 100, 300, 400, 500, 300, 200, 100, 400]


# Scores of cells 1 to 9, demand of A and B; 63 and 20 places.
BY_HAND = {
    # A: 63 / (30 + 20 + 40 + 0); B: 20 / (20 + 40 + 0 + 60 + 80)
    "2SFCA": (two_step, Binary(600), [0.7, 0.8, 0.8, 0.8, 0.1, 0.1, 0, 0, 0], [90, 200]),
    # A: 63 / (30 + 20 + 20); B: 20 / (5 + 20 + 60 + 40)
    "E2SFCA": (two_step, STEPS, [0.9, 0.94, 0.53, 0.61, 0.16, 0.08, 0, 0, 0], [70, 125]),
    # the same ratios 0.9 and 0.16, times the squared weights
    "M2SFCA": (modified_two_step, STEPS, [0.9, 0.91, 0.265, 0.385, 0.16, 0.04, 0, 0, 0], [70, 125]),
    # choices: 2: 4/5 A, 1/5 B; 3: halves; 4: 1/3 A, 2/3 B. A: 63 / (30 + 16 + 10); B: 20 / (1 + 10 + 60 + 40)
    "3SFCA": (
        three_step,
        STEPS,
        [
            Fraction(9, 8),
            Fraction(9, 10) + Fraction(1, 111),
            Fraction(9, 32) + Fraction(5, 111),
            Fraction(9, 48) + Fraction(40, 333),
            Fraction(20, 111),
            Fraction(10, 111),
            0,
            0,
            0,
        ],
        [56, 111],
    ),
    "spatial availability": (
        spatial_availability,
        STEPS,
        [0.9, 0.94, 0.53, math.nan, 0.16, 0.08, 0, 0, 0],
        [70, 125],
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_scores_of_the_town_by_hand(market, name):
    measure, decay, score, demand = BY_HAND[name]
    access = measure(market, decay)
    np.testing.assert_allclose(access.score, np.array(score, float), rtol=1e-12)
    np.testing.assert_allclose(access.demand, demand, rtol=1e-12)
    np.testing.assert_allclose(access.ratio, [63 / demand[0], 20 / demand[1]], rtol=1e-12)


def test_places_of_the_town_are_conserved_or_lost_by_hand(market):
    lost = {"2SFCA": 0, "E2SFCA": 0, "3SFCA": 0, "spatial availability": 0}
    # M2SFCA: 27 + 18.2 + 10.6 + 9.6 + 3.2 of 83 places come to the people
    for name, want in (lost | {"M2SFCA": 83 - 68.6}).items():
        measure, decay, *_ = BY_HAND[name]
        got = np.nansum(measure(market, decay).score * market.people)
        assert got == pytest.approx(83 - want), name


def test_spatial_availability_with_squared_people_by_hand(market):
    # A: 63 / (900 + 400 + 800) = 0.03; B: 20 / (100 + 800 + 3600 + 3200) = 20 / 7700
    access = spatial_availability(market, STEPS, alpha=2)
    places = np.array([27, 12 + 20 / 77, 24 + 160 / 77, 0, 720 / 77, 640 / 77, 0, 0, 0])
    np.testing.assert_allclose(np.nan_to_num(access.score) * market.people, places, rtol=1e-12)
    assert places.sum() == pytest.approx(83)


def test_rational_agents_by_hand(market):
    """With 30 and 50 places for the 230 who reach them, 2.875 people per place everywhere cost 1.

    Cells 1 and 2 use A, 5 and 6 use B; cell 3 is as near to both and fills A up from 50 to 86.25, B to 143.75. The
    walk adds t / 600.
    """
    access = rational_agents(replace(market, capacity=np.array([30.0, 50.0])), Toll(600), gap=1e-12)
    np.testing.assert_allclose(access.demand, [86.25, 143.75], rtol=1e-9)
    want = [1 + 200 / 600, 1 + 100 / 600, 1.5, 1 + 200 / 600, 1 + 100 / 600, 1 + 400 / 600, np.inf, np.inf, np.inf]
    np.testing.assert_allclose(access.score, want, rtol=1e-9)


def test_a_table_per_area_by_hand(case, market):
    table = access_table(case, market, two_step(market, Binary(600)))
    assert table[["code", "name"]].to_numpy().tolist() == [["1", "西"], ["2", "东"]]
    # west: 30 of 0.7, 60 of 0.8, 60 of 0.1; the island's five and cells 6, 7, 8 are in the east
    assert table["people"].tolist() == [150, 145]
    assert table["reaching_people"].tolist() == [150, 80]
    np.testing.assert_allclose(table["mean"], [(21 + 48 + 6) / 150, 8 / 145], rtol=1e-12)
    assert table["p10"].tolist() == [0.1, 0]
    assert table["median"].tolist() == [0.7, 0.1]
    np.testing.assert_allclose(table["p90"], [0.8, 0.1], rtol=1e-12)


# Edge rows --------------------------------------------------------------------------------------------------------

FAMILY = {
    "2SFCA": (two_step, Binary(600)),
    "E2SFCA": (two_step, STEPS),
    "Gaussian": (two_step, Gaussian(600)),
    "M2SFCA": (modified_two_step, STEPS),
    "3SFCA": (three_step, STEPS),
    "spatial availability": (spatial_availability, STEPS),
}


@pytest.mark.parametrize("name", FAMILY)
def test_nobody_lives_there(market, name):
    """The places of a facility with nobody in reach come to nobody; its ratio is unknown, the cells have 0."""
    measure, decay = FAMILY[name]
    access = measure(replace(market, people=np.zeros(9)), decay)
    assert access.demand.tolist() == [0, 0]
    assert np.isnan(access.ratio).all()
    assert (np.nan_to_num(access.score) == 0).all()


@pytest.mark.parametrize("name", FAMILY)
def test_nothing_is_reachable(market, name):
    measure, decay = FAMILY[name]
    nothing = np.zeros(0, np.int32)
    access = measure(replace(market, cell=nothing, facility=nothing, seconds=np.zeros(0)), decay)
    assert len(access.score) == 9
    assert (np.nan_to_num(access.score) == 0).all()
    assert np.isnan(access.ratio).all()


def test_rational_agents_without_people_or_pairs_cost_infinitely(market):
    nothing = np.zeros(0, np.int32)
    for empty in (
        replace(market, people=np.zeros(9)),
        replace(market, cell=nothing, facility=nothing, seconds=np.zeros(0)),
        replace(market, capacity=np.zeros(2)),
    ):
        access = rational_agents(empty, Toll(600))
        assert np.isinf(access.score).all()
        assert access.demand.tolist() == [0, 0]
        assert np.isnan(access.ratio).all()


def test_a_facility_that_is_empty_by_decree_gives_nothing(market):
    access = two_step(replace(market, capacity=np.array([0.0, 20.0])), Binary(600))
    assert access.ratio.tolist() == [0, 0.1]
    assert access.score[0] == 0


def test_a_service_without_capacity_is_refused(case):
    service = case.study.services["elder_care"].model_copy(update={"capacity": None, "norm": None})
    with pytest.raises(wr.CoverageError, match=r"services\.elder_care: names no capacity"):
        market_of(case, pairs_within(case, service))


# Decays -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decay", "seconds", "weights"),
    [
        (Binary(600), [0, 600, 600.001], [1, 1, 0]),
        (STEPS, [0, 200, 200.001, 400, 600, 601], [1, 1, 0.5, 0.5, 0.25, 0]),
        (Stepped.thirds(900), [300, 600, 900, 901], [1, 0.68, 0.22, 0]),
        (Gaussian(600), [0, 600, 700], [1, 0, 0]),
        (Gaussian(600), [300], [(math.exp(-0.125) - math.exp(-0.5)) / (1 - math.exp(-0.5))]),
        (Exponential(0.1), [0, 600], [1, math.exp(-1)]),
        (Linear(600), [0, 150, 600, 700], [1, 0.75, 0, 0]),
        (Logistic(600, 100), [0, 600, 1e9], [1, (1 + math.exp(-6 * math.pi / math.sqrt(3))) / 2, 0]),
    ],
)
def test_decays_by_hand(decay, seconds, weights):
    np.testing.assert_allclose(decay(np.array(seconds, float)), weights, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    "decay", [Binary(600), STEPS, Gaussian(600), Exponential(0.1), Linear(600), Logistic(400, 150)], ids=str
)
def test_decays_never_rise_and_stay_within_0_and_1(decay):
    weights = decay(np.linspace(0, 2000, 5001))
    assert weights.max() == 1
    assert weights.min() >= 0
    assert (np.diff(weights) <= 0).all()
    assert decay(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Binary(0), "cutoff_s must be above 0 and finite, not 0"),
        (lambda: Gaussian(-1), "cutoff_s"),
        (lambda: Linear(math.inf), "cutoff_s"),
        (lambda: Exponential(math.nan), "per_min"),
        (lambda: Logistic(600, 0), "sd_s"),
        (lambda: Toll(0), "tau_s"),
        (lambda: Stepped((), ()), "one weight per end"),
        (lambda: Stepped((200, 100), (1, 0.5)), "ends_s must be positive and ascend"),
        (lambda: Stepped((100, 200), (0.5, 1)), "weights must be within 0..1 and not ascend"),
        (lambda: Stepped((100, 200), (2, 1)), "weights must be within 0..1"),
    ],
)
def test_wrong_parameters_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


# Properties -----------------------------------------------------------------------------------------------------------

# Thousandths of people: fractions, but none so small that a ratio overflows.
fractional = st.integers(0, 10**6).map(lambda n: n / 1000)
somebody = st.integers(1, 10**6).map(lambda n: n / 1000)


@st.composite
def markets(draw, people=fractional, capacity=fractional) -> Market:
    k, f = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    chosen = draw(st.lists(st.sampled_from([(j, i) for j in range(f) for i in range(k)]), unique=True))
    facility, cell = np.array(sorted(chosen), np.int32).reshape(-1, 2).T
    seconds = draw(st.lists(st.integers(0, 600), min_size=len(chosen), max_size=len(chosen)))
    return Market(
        rows=np.arange(f, dtype=np.int32),
        capacity=np.array(draw(st.lists(capacity, min_size=f, max_size=f)), float),
        people=np.array(draw(st.lists(people, min_size=k, max_size=k)), float),
        cell=np.ascontiguousarray(cell),
        facility=np.ascontiguousarray(facility),
        seconds=np.array(seconds, float),
        known=1.0,
    )


@fuzz
@given(markets(), st.sampled_from([Binary(600), STEPS, Linear(700), Exponential(0.2)]))
def test_places_are_conserved(market, decay):
    for measure in (two_step, three_step, spatial_availability):
        access = measure(market, decay)
        shared = market.capacity[access.demand > 0].sum()
        assert np.nansum(access.score * market.people) == pytest.approx(shared, rel=1e-9), measure.__name__
    access = modified_two_step(market, decay)
    assert (access.score * market.people).sum() <= market.capacity[access.demand > 0].sum() * (1 + 1e-9)


@fuzz
@given(markets(), st.sampled_from([Binary(600), STEPS, Gaussian(600), Exponential(0.2)]))
def test_the_family_equals_its_twin(market, decay):
    weight = decay(market.seconds)
    pairs = list(zip(market.cell.tolist(), market.facility.tolist(), strict=True))
    wanted, people, capacity = weight.tolist(), market.people.tolist(), market.capacity.tolist()
    score, demand = naive.floating(pairs, wanted, wanted, people, capacity)
    assert two_step(market, decay).score.tolist() == score
    assert two_step(market, decay).demand.tolist() == demand
    squared = [w * w for w in wanted]
    assert (
        modified_two_step(market, decay).score.tolist() == naive.floating(pairs, wanted, squared, people, capacity)[0]
    )
    together = [0.0] * len(people)
    for (cell, _), w in zip(pairs, wanted, strict=True):
        together[cell] += w
    both = [w / together[cell] * w if together[cell] else 0.0 for (cell, _), w in zip(pairs, wanted, strict=True)]
    assert three_step(market, decay).score.tolist() == naive.floating(pairs, both, both, people, capacity)[0]


@fuzz
@given(markets(people=somebody), st.sampled_from([Binary(600), STEPS, Linear(700)]))
def test_spatial_availability_is_the_two_step_one_where_people_live(market, decay):
    np.testing.assert_allclose(
        spatial_availability(market, decay).score, two_step(market, decay).score, rtol=1e-9, atol=1e-12
    )


def choices_of(options: list[list[tuple[int, float]]]) -> Choices:
    ptr = np.concatenate([[0], np.cumsum([len(row) for row in options])]).astype(np.int64)
    flat = [entry for row in options for entry in row]
    return Choices(ptr, np.array([j for j, _ in flat], np.int32), np.array([walk for _, walk in flat], np.float64))


@fuzz
@given(markets(), st.lists(st.floats(0.01, 10), min_size=5, max_size=5), st.integers(1, 4))
def test_settling_equals_its_twin(market, crowding, rounds):
    options = [
        [(int(j), t / 600) for i, j, t in zip(market.cell, market.facility, market.seconds, strict=True) if i == cell]
        for cell in range(len(market.people))
    ]
    crowding = crowding[: len(market.capacity)]
    found = settle(choices_of(options), market.people, np.array(crowding), -1.0, rounds)
    used, load = naive.settle(options, market.people.tolist(), crowding, rounds)
    assert found.people.tolist() == [people for row in used for people in row]
    assert found.load.tolist() == load
    assert found.rounds == rounds


@fuzz
@given(markets())
def test_nobody_can_do_better_by_going_elsewhere(market):
    """At equilibrium; and everybody who reaches open places is somewhere, whole people or not."""
    access = rational_agents(market, Toll(300), gap=1e-9)
    open_to = market.capacity[market.facility] > 0
    reaching = np.unique(market.cell[open_to])
    assert access.demand.sum() == pytest.approx(market.people[reaching].sum(), rel=1e-9)
    if market.people[reaching].sum() > 0:
        rho = market.people[reaching].sum() / market.capacity[np.unique(market.facility[open_to])].sum()
        cost = np.divide(
            access.demand, rho * market.capacity, out=np.zeros(len(market.rows)), where=market.capacity > 0
        )
        paid = cost[market.facility] + market.seconds / 300
        least = np.full(len(market.people), np.inf)
        np.minimum.at(least, market.cell[open_to], paid[open_to])
        np.testing.assert_allclose(access.score, least, rtol=1e-9)
        # The total cost of the crowd is what the least costs add up to: nobody pays more than he must.
        total = (access.demand * cost).sum()
        assert total <= (market.people[reaching] * least[reaching]).sum() * (1 + 1e-6)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"people": np.array([-1.0])}, "people must be finite"),
        ({"crowding": np.array([0.0])}, "crowding must be above 0"),
        ({"choices": Choices(np.array([0, 1]), np.array([1], np.int32), np.array([0.0]))}, "choices.facility"),
        ({"choices": Choices(np.array([0, 1]), np.array([0], np.int32), np.array([np.inf]))}, "choices.walk"),
        ({"choices": Choices(np.array([0, 2]), np.array([0], np.int32), np.array([0.0]))}, "choices.ptr"),
    ],
)
def test_the_kernel_checks_its_arguments(change, told):
    good = {"choices": choices_of([[(0, 1.0)]]), "people": np.array([1.0]), "crowding": np.array([1.0])}
    with pytest.raises(ValueError, match=told):
        settle(**(good | change), tolerance=1e-6, most_rounds=10)


# Outside oracles ------------------------------------------------------------------------------------------------------


def test_the_published_example_of_spatial_availability():
    """Soukhov et al. (2023), figures of their table: three towns, three centres, e^(-0.1 t)."""
    minutes = np.array([[15, 30, 100], [30, 15, 100], [100, 100, 15]])
    facility, cell = np.divmod(np.arange(9, dtype=np.int32), 3)
    example = Market(
        rows=np.arange(3, dtype=np.int32),
        capacity=np.array([100_000.0, 100_000.0, 10_000.0]),
        people=np.array([50_000.0, 150_000.0, 10_000.0]),
        cell=cell,
        facility=facility,
        seconds=minutes[cell, facility] * 60.0,
        known=1.0,
    )
    available = spatial_availability(example, Exponential(0.1)).score * example.people
    np.testing.assert_allclose(available, [66833.5, 133203.4, 9963.2], atol=0.05)


def random_market(seed: int) -> Market:
    """Two hundred cells of whole people and twelve facilities, everybody within reach of all."""
    rng = np.random.default_rng(seed)
    at, stand = rng.random((200, 2)), rng.random((12, 2))
    facility, cell = np.divmod(np.arange(2400, dtype=np.int32), 200)
    metres = np.hypot(*(at[cell] - stand[facility]).T) * 900
    return Market(
        rows=np.arange(12, dtype=np.int32),
        capacity=rng.integers(5, 80, 12).astype(float),
        people=rng.integers(50, 400, 200).astype(float),
        cell=cell,
        facility=facility,
        seconds=np.round(metres),
        known=1.0,
    )


def frames(market: Market) -> dict[str, pd.DataFrame]:
    return {
        "demand_df": pd.DataFrame({"demand": market.people}),
        "supply_df": pd.DataFrame({"supply": market.capacity}),
        "cost_df": pd.DataFrame({"origin": market.cell, "dest": market.facility, "cost": market.seconds}),
    }


# pysal's own code, under the pandas of today
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_access_of_pysal_agrees():
    fca = pytest.importorskip("access.fca")
    market = random_market(3)
    tables = {name: frame.rename_axis("geoid") for name, frame in frames(market).items()}
    demand, supply, cost = (tables[name] for name in ("demand_df", "supply_df", "cost_df"))
    weights = pytest.importorskip("access.weights").step_fn({200: 1, 400: 0.5, 600: 0.25})
    two = fca.two_stage_fca(
        demand, supply, cost, 600, demand_index=True, demand_name="demand", supply_index=True, supply_name="supply"
    )
    np.testing.assert_allclose(two_step(market, Binary(600)).score, two.reindex(range(200), fill_value=0.0), rtol=1e-12)
    enhanced = fca.two_stage_fca(
        demand,
        supply,
        cost,
        600,
        demand_index=True,
        demand_name="demand",
        supply_index=True,
        supply_name="supply",
        weight_fn=weights,
    )
    np.testing.assert_allclose(two_step(market, STEPS).score, enhanced.reindex(range(200), fill_value=0.0), rtol=1e-12)
    three = fca.three_stage_fca(
        demand,
        supply,
        cost,
        600,
        demand_index=True,
        demand_name="demand",
        supply_index=True,
        supply_name="supply",
        weight_fn=weights,
    )
    np.testing.assert_allclose(three_step(market, STEPS).score, three.reindex(range(200), fill_value=0.0), rtol=1e-12)


def test_raam_of_pysal_comes_near():
    """It moves whole people for a set number of cycles, so it stops short of the equilibrium, within a percent here."""
    raam = pytest.importorskip("access.raam").raam
    market = random_market(4)
    theirs = raam(**frames(market), tau=900, max_cycles=400).reindex(range(200))
    ours = rational_agents(market, Toll(900), gap=1e-9)
    np.testing.assert_allclose(ours.score, theirs, rtol=0.02)
    assert abs(ours.score.mean() / theirs.mean() - 1) < 0.002
