"""Equity: the nine-cell town by hand, pysal's `inequality`, and a person-by-person twin."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.measures.equity import measure_equity, worst_served
from withinreach.measures.inequality import concentration, gini, lorenz_curve, palma, theil
from withinreach.measures.strata import strata_of
from withinreach.reach import measure_reach, pairs_within
from withinreach.study.layers import TerrainLayer

fuzz = settings(max_examples=150, deadline=None)


@pytest.fixture
def case(tmp_path):
    return wr.prepare(wr.load_study(write_nine_cells(tmp_path)))


def equity_of(case, **changes):
    service = case.study.services["elder_care"].model_copy(update=changes)
    return measure_equity(case, measure_reach(case, service), pairs_within(case, service))


# 65 people have nothing, 140 have 0.1 places each, 30 have 0.7 and 60 have 0.8: 83 places for 295.
MEAN = 83 / 295
BY_HAND = {
    "gini": 1 - (140 * 14 + 30 * (14 + 35) + 60 * (35 + 83)) / (295 * 83),
    "theil": (14 * math.log(0.1 / MEAN) + 21 * math.log(0.7 / MEAN) + 48 * math.log(0.8 / MEAN)) / 83,
    # west: 75 places for 150; east: 8 for 145
    "theil_between": (75 * math.log(0.5 / MEAN) + 8 * math.log(8 / 145 / MEAN)) / 83,
    "theil_within": (
        6 * math.log(0.1 / 0.5) + 21 * math.log(0.7 / 0.5) + 48 * math.log(0.8 / 0.5) + 8 * math.log(0.1 / (8 / 145))
    )
    / 83,
    # 118 people with least: 65 with nothing, 53 with 0.1; 29.5 with most: all of 0.8
    "palma": 29.5 * 0.8 / (53 * 0.1),
    # 130 of 295 live 100 s from a facility, 30 more 200 s, 40 more 300 s, 80 more 400 s, 10 700 s and 5 without a way
    "p10_min": 100 / 60,
    "p50_min": 200 / 60,
    "p90_min": 400 / 60,
    "worst_tenth_min": 400 / 60,
}


def test_figures_of_the_town_by_hand(case):
    equity = equity_of(case)
    assert equity.score_name == "places_per_person"
    np.testing.assert_allclose(equity.score, [0.7, 0.8, 0.8, 0.8, 0.1, 0.1, 0, 0, 0])
    for name, want in BY_HAND.items():
        assert equity.figures.loc[name, "value"] == pytest.approx(want, rel=1e-12), name
    assert (equity.figures["reason"] == "").all()
    np.testing.assert_allclose(
        equity.lorenz, [[0, 0], [65 / 295, 0], [205 / 295, 14 / 83], [235 / 295, 35 / 83], [1, 1]], atol=1e-15
    )


def test_concentration_by_density_by_hand(case):
    """Ranked by residents: cells of 5, (7: no old people,) 10, 20, 30, 40, 50, 60 and 80."""
    ranks = [2.5, 10, 25, 50, 85, 130, 185, 255]
    amounts = [0, 0, 16, 21, 32, 0, 6, 8]
    want = 2 * sum(a * r / 295 for a, r in zip(amounts, ranks, strict=True)) / 83 - 1
    assert equity_of(case).figures.loc["concentration_density", "value"] == pytest.approx(want)
    # The old are all residents wherever they live: no rank, no concentration.
    assert equity_of(case).figures.loc["concentration_old", "value"] == pytest.approx(0, abs=1e-12)


def test_the_worst_served_tenth_by_hand(case):
    """29.5 people: the five of the island, ten who walk 700 s, and 14.5 of the 80 who walk 400 s."""
    equity = equity_of(case)
    np.testing.assert_allclose(equity.worst_share, [0, 0, 0, 0, 0, 14.5 / 80, 0, 1, 1])
    assert equity.worst["code"].tolist() == ["1", "2"]
    np.testing.assert_allclose(equity.worst["worst_people"], [0, 29.5])
    np.testing.assert_allclose(equity.worst["worst_of_area"], [0, 29.5 / 145])
    assert equity.worst["cells"].tolist() == [0, 3]


def test_a_service_without_capacity_counts_facilities(case):
    equity = equity_of(case, capacity=None, norm=None)
    assert equity.score_name == "facilities_within_cutoff"
    assert equity.score.tolist() == [1, 2, 2, 2, 1, 2, 1, 0, 0]


def test_strata_of_the_town_by_hand(case):
    strata = equity_of(case).strata.set_index("stratum")
    assert strata.loc["urban", "people"] == 0
    assert strata.loc["urban", "reason"] == "nobody lives here"
    assert strata.loc["rural", ["people", "served_people"]].tolist() == [295, 280]
    assert strata.loc["rural", "coverage"] == 280 / 295
    assert strata.loc["rural", "median_min"] == 200 / 60
    assert strata.loc["rural", "mean_score"] == pytest.approx(83 / 295)
    assert strata.loc["mountain", "reason"] == "the study gives no terrain"
    assert math.isnan(strata.loc["mountain", "people"])


def test_a_hundred_times_the_people_make_a_town(case):
    """15,700 and 13,000 on two square kilometres and 1,000 on the next; the island's 500 touch nobody."""
    table = case.people.table.assign(all=case.people.table["all"] * 100)
    urban = strata_of(replace(case, people=replace(case.people, table=table))).urban
    assert urban.tolist() == [True] * 8 + [False]


def test_mountain_is_where_streets_are_steep(case):
    network = case.study.network.model_copy(update={"terrain": TerrainLayer(path="heights.tif")})
    study = case.study.model_copy(update={"network": network})
    flat = replace(case, study=study)
    assert not strata_of(flat).mountain.any()
    uphill = np.array([[1.25, 1.0], [1.0, 1.0]])  # the street takes an eighth longer there and back; the island is flat
    steep = replace(flat, network=replace(case.network, uphill=uphill))
    # The street counts where its middle lies, at 1,200 m; the last cell on it is too far from there.
    assert strata_of(steep).mountain.tolist() == [True] * 7 + [False] * 2
    strata = equity_of(steep).strata.set_index("stratum")
    assert strata.loc["mountain", "people"] == 30 + 20 + 40 + 0 + 60 + 80 + 50


def test_nobody_lives_there(case):
    table = case.people.table.assign(old=0.0)
    equity = equity_of(replace(case, people=replace(case.people, table=table)))
    assert equity.figures["value"].isna().all()
    assert set(equity.figures["reason"]) == {"nobody lives here"}
    assert len(equity.lorenz) == 1
    assert equity.worst["worst_people"].tolist() == [0, 0]
    assert equity.worst["worst_of_area"].isna().all()


def test_nothing_is_reachable(case):
    """Within a second's walk there is nothing: no score to share, but walks there are."""
    equity = equity_of(case, cutoff_min=1 / 60)
    reasons = equity.figures["reason"]
    for name in ("gini", "theil", "theil_between", "theil_within", "palma", "concentration_density"):
        assert math.isnan(equity.figures.loc[name, "value"])
        assert reasons[name] == "nobody reaches anything"
    assert equity.figures.loc["p50_min", "value"] == 200 / 60


def test_palma_has_no_value_where_the_least_have_nothing():
    assert palma(np.array([0.0, 5.0]), np.array([40.0, 60.0])) == (
        pytest.approx(math.nan, nan_ok=True),
        "the 40 % with least reach nothing",
    )
    assert palma(np.array([0.0, 5.0]), np.array([39.0, 61.0]))[0] == pytest.approx(10)


# Properties and oracles -----------------------------------------------------------------------------------------------

crowds = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=12)


def arrays(crowd):
    score, people, unit = np.array(crowd).T
    return score.astype(float), people.astype(float), unit.astype(np.int32)


@fuzz
@given(crowds)
def test_theil_is_the_sum_of_its_parts(crowd):
    parts = theil(*arrays(crowd))
    if not math.isnan(parts.total):
        assert parts.total == pytest.approx(parts.between + parts.within, abs=1e-12)
        assert parts.between >= -1e-12
        assert parts.within >= -1e-12


@fuzz
@given(crowds)
def test_pysal_agrees_person_by_person(crowd):
    inequality = pytest.importorskip("inequality")
    score, people, unit = arrays(crowd)
    each = np.repeat(score, people.astype(int))
    if each.sum() == 0:
        assert math.isnan(gini(score, people))
        return
    assert gini(score, people) == pytest.approx(inequality.gini.Gini(each).g, abs=1e-9)
    lives = np.repeat(unit, people.astype(int))
    theirs = inequality.theil.TheilD(each.reshape(-1, 1), lives)
    ours = theil(score, people, unit)
    # It adds a tiny number to zeros.
    assert ours.total == pytest.approx(float(theirs.T[0]), abs=1e-6)
    assert ours.between == pytest.approx(float(theirs.bg[0]), abs=1e-6)


@fuzz
@given(crowds)
def test_figures_equal_those_of_persons_one_by_one(crowd):
    score, people, _ = arrays(crowd)
    each = sorted(np.repeat(score, 10 * people.astype(int)).tolist())
    n, total = len(each), sum(each)
    if total == 0:
        return
    differences = sum(abs(a - b) for a in each for b in each) if n <= 200 else None
    if differences is not None:
        assert gini(score, people) == pytest.approx(differences / (2 * n * total), abs=1e-9)
    least, most = sum(each[: n * 4 // 10]), sum(each[n - n // 10 :])
    got, why = palma(score, people)
    if least == 0:
        assert why == "the 40 % with least reach nothing"
    else:
        assert got == pytest.approx(most / least)
    # Ranked by itself the concentration is the Gini.
    assert concentration(score, people, score) == pytest.approx(gini(score, people), abs=1e-9)
    assert concentration(score, people, -score) == pytest.approx(-gini(score, people), abs=1e-9)
    curve = lorenz_curve(score, people)
    assert (curve["score_share"] <= curve["people_share"] + 1e-12).all()


@fuzz
@given(st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0, math.inf]), st.integers(0, 9)), min_size=1, max_size=8))
def test_the_worst_tenth_is_a_tenth(cells):
    seconds, people = np.array(cells).T
    share = worst_served(seconds, people)
    assert (people * share).sum() == pytest.approx(people.sum() / 10)
    assert ((share >= 0) & (share <= 1)).all()
    # Nobody is in it while somebody who walks farther is not.
    for value in np.unique(seconds):
        if (share[(seconds == value) & (people > 0)] > 0).any():
            assert (share[(seconds > value) & (people > 0)] > 1 - 1e-9).all()
