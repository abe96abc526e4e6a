"""Sensitivity by hand on the nine-cell town; Monte Carlo runs against runs without any short cut."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.kernels.nearest import NO_SOURCE
from withinreach.model import NO_SEGMENT, walking_costs
from withinreach.reach import measure_reach, nearest_along
from withinreach.sources.sample import write_sample
from withinreach.uncertainty import Doubts, Settings, draw_tornado, estimate_intervals, vary_assumptions
from withinreach.uncertainty.snapped import with_snap_cap

NONE = Doubts(speed=0, snap_cap_m=(300, 300), closed_streets=0, population_sd=0)


@pytest.fixture
def town(tmp_path):
    return wr.prepare(wr.load_study(write_nine_cells(tmp_path)))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    study = wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02))
    network = study.network.model_copy(update={"fallback_detour": 1.3})
    return wr.prepare(study.model_copy(update={"network": network}))


def test_one_assumption_at_a_time_by_hand(town):
    """130 people live 100 s from a facility, 30 live 200 s, 40 300 s, 80 400 s, 10 700 s, and five have no way."""
    crowded = replace(town, people=replace(town.people, table=town.people.table.assign(old=10.0)))
    table = vary_assumptions(
        town,
        settings=Settings(speeds=(0.5, 1.2), cutoffs=(0.5, 2 / 3), snap_caps_m=(300, 500)),
        others={"ten everywhere": crowded},
    )
    want = [
        ("base", "as in the study", 295, 280),
        ("speed", "-50%", 295, 200),  # 300 s become 600 s, and 400 s 800 s
        ("speed", "+20%", 295, 290),  # 700 s become 583 s
        ("cutoff", "-50%", 295, 200),
        ("cutoff", "-33%", 295, 280),  # 400 s exactly
        ("snap cap", "300 m", 295, 280),
        ("snap cap", "500 m", 295, 280),
        ("borders", "not crossed", 295, 280),  # cell 6 walks 500 s to C in place of 400 s to B
        ("population", "ten everywhere", 90, 70),
    ]
    got = table[["parameter", "setting", "people", "served_people"]]
    assert list(got.itertuples(index=False, name=None)) == want
    np.testing.assert_allclose(table["coverage"], [served / people for _, _, people, served in want])
    np.testing.assert_allclose(table["change"], table["coverage"] - 280 / 295, atol=1e-15)


def test_people_beyond_the_cap_count_with_a_larger_one(town):
    xy = town.people.xy.copy()
    xy[0, 1] += 400
    far = with_snap_cap(replace(town, people=replace(town.people, xy=xy)), 300)
    table = vary_assumptions(far, settings=Settings(snap_caps_m=(350, 500))).set_index(["parameter", "setting"])
    assert table.loc[("base", "as in the study"), "served_people"] == 250
    assert table.loc[("snap cap", "350 m"), "served_people"] == 250
    # 400 m to the street and 200 m to A: 600 s
    assert table.loc[("snap cap", "500 m"), "served_people"] == 280


def test_nobody_lives_there(town):
    empty = replace(town, people=replace(town.people, table=town.people.table.assign(old=0.0)))
    assert vary_assumptions(empty)["coverage"].isna().all()
    assert estimate_intervals(empty, runs=3)[["coverage", "low", "median", "high"]].isna().all(axis=None)


def test_a_population_with_other_services_is_refused(town):
    service = town.study.services["elder_care"].model_copy(update={"name": "school"})
    other = replace(town, study=town.study.model_copy(update={"services": {"school": service}}))
    with pytest.raises(wr.CoverageError, match="GHS-POP: has no service 'elder_care'"):
        vary_assumptions(town, others={"GHS-POP": other})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Settings(speeds=(0.0,)),
        lambda: Doubts(speed=1),
        lambda: Doubts(snap_cap_m=(500, 300)),
        lambda: Doubts(closed_streets=1.1),
        lambda: Doubts(population_sd=-0.1),
    ],
)
def test_wrong_settings_are_refused(make):
    with pytest.raises(ValueError, match="must"):
        make()


# Monte Carlo ----------------------------------------------------------------------------------------------------------


def test_without_doubts_there_is_no_interval(sample):
    table = estimate_intervals(sample, doubts=NONE, runs=2)
    for column in ("low", "median", "high"):
        np.testing.assert_allclose(table[column], table["coverage"], rtol=1e-12)
    totals = table[table["code"] == "total"].set_index("service")["coverage"]
    for name, total in wr.analyse(sample).totals.items():
        assert totals[name] == pytest.approx(total["coverage"], rel=1e-12)
    assert len(table) == len(sample.study.services) * (len(sample.areas) + 1)


def test_the_same_seed_gives_the_same_table(sample):
    first, again, other = (estimate_intervals(sample, runs=6, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert first.equals(estimate_intervals(sample, reaches=wr.analyse(sample).reaches, runs=6, seed=1))
    assert not first.equals(other)
    assert (first["low"] <= first["median"]).all()
    assert (first["median"] <= first["high"]).all()


def test_runs_equal_those_without_short_cuts(sample):
    """One run drawn by hand, over all cells and streets: nothing is lost by looking only at what a run can change."""
    doubts, seed = Doubts(closed_streets=0.3), 7
    table = estimate_intervals(sample, doubts=doubts, runs=1, seed=seed).set_index(["service", "code"])["median"]
    draw = np.random.default_rng([seed, 0])
    speed = draw.triangular(1 - doubts.speed, 1.0, 1 + doubts.speed)
    cap_m = int(draw.uniform(*doubts.snap_cap_m) * 1000) / 1000
    network = sample.network
    ends = np.sort(np.column_stack([network.tail, network.head]).astype(np.int64), axis=1)
    streets = np.unique(ends[:, 0] * network.n_nodes + ends[:, 1])
    closed = dict(zip(streets.tolist(), (draw.random(len(streets)) < draw.uniform(0, 0.3)).tolist(), strict=True))
    assert 0 < sum(closed.values()) < len(closed)
    squares = np.unique(np.floor(sample.people.xy / 1000), axis=0, return_inverse=True)[1].reshape(-1)
    sd = doubts.population_sd
    factor = draw.lognormal(-(sd**2) / 2, sd, squares.max() + 1)[squares]

    def capped(places):
        return replace(places, segment=np.where(places.access_mm <= cap_m * 1000, places.segment, NO_SEGMENT))

    wide = with_snap_cap(sample, doubts.snap_cap_m[1])
    wide = replace(wide, people=capped(wide.people), facilities=capped(wide.facilities))
    area, codes = sample.people.area, [*sample.areas.table["code"]]
    for name, service in sample.study.services.items():
        profile = sample.study.profiles[service.profile]
        costs = walking_costs(network, profile)
        start = np.repeat(np.arange(network.n_nodes), np.diff(costs.arc_ptr)).tolist()
        pairs = zip(start, costs.arc_head.tolist(), strict=True)
        stay = np.array([not closed[min(a, b) * network.n_nodes + max(a, b)] for a, b in pairs])
        ptr = np.concatenate([[0], np.cumsum(stay)])[costs.arc_ptr]
        thinned = replace(costs, arc_ptr=ptr, arc_head=costs.arc_head[stay], arc_mm=costs.arc_mm[stay])
        found = nearest_along(wide, service, thinned)
        base = measure_reach(with_snap_cap(sample, doubts.snap_cap_m[1]), service)
        assert base.estimated.any()
        mm = np.where(found.source != NO_SOURCE, found.mm, np.where(base.estimated, base.level_m * 1000, np.inf))
        people = sample.people_of(service.people)
        weight = people * factor
        served = weight * (mm / profile.speed_mm_s <= service.cutoff_s * speed)
        shares = np.bincount(area, served, len(codes)) / np.bincount(area, weight, len(codes))
        for code, share in zip(codes, shares, strict=True):
            assert table[name, code] == pytest.approx(share, rel=1e-9), (name, code)
        inhabited = np.bincount(area, people, len(codes))
        assert table[name, "total"] == pytest.approx((shares * inhabited).sum() / inhabited.sum(), rel=1e-9)


def test_closing_streets_only_takes_away(sample):
    table = estimate_intervals(sample, doubts=replace(NONE, closed_streets=0.5), runs=5)
    assert (table["high"] <= table["coverage"] + 1e-12).all()
    assert (table["low"] < table["coverage"]).any()


# The picture ----------------------------------------------------------------------------------------------------------


def test_a_tornado_has_a_bar_for_every_assumption(town, tmp_path):
    table = vary_assumptions(town)
    figure = draw_tornado(table, "elder_care")
    axes = figure.axes[0]
    assert len(axes.patches) == (table["parameter"] != "base").sum()
    assert {label.get_text() for label in axes.get_yticklabels()} == {"speed", "cutoff", "snap cap", "borders"}
    assert "study: 94.9" in axes.get_xlabel()
    figure.savefig(tmp_path / "tornado.png")
    assert (tmp_path / "tornado.png").stat().st_size > 5_000
    with pytest.raises(wr.CoverageError, match="no service 'clinic' in the table; it has: elder_care"):
        draw_tornado(table, "clinic")


def test_a_share_of_no_one_is_unknown(town):
    table = town.people.table.assign(old=np.where(town.people.area == 0, 0.0, town.people.table["old"]))
    rows = estimate_intervals(replace(town, people=replace(town.people, table=table)), runs=2).set_index("code")
    assert math.isnan(rows.loc["1", "low"])
    assert rows.loc["total", "coverage"] == 130 / 145
