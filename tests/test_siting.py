"""Sites on a case: the town by hand, candidates, rules, plans as scenarios, the command line."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from shapely.geometry import box

import withinreach as wr
from conftest import EAST, NORTH
from test_scenarios import at
from withinreach.cli import cli
from withinreach.reach import pairs_to, pairs_within, spots_of
from withinreach.scenarios import Tariff, compare, load_scenario, reanalyse
from withinreach.siting import Candidates, Extension, Rules, Status, Zones, candidates_of, listed, load_rules, site
from withinreach.sources.sample import write_sample
from withinreach.study import FacilityLayer


@pytest.fixture
def town_case(town):
    return wr.analyse(wr.prepare(wr.load_study(town)))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return wr.analyse(wr.prepare(wr.load_study(write_sample(folder, scale=0.02))))


def places(result, points, tmp_path) -> Candidates:
    """Candidates at points of the town, with a cost and 25 places each."""
    path = tmp_path / "rooms.csv"
    rows = "\n".join(f"K{i},Room {i},{EAST + x},{NORTH + y},25,{100 * (i + 1)}" for i, (x, y) in enumerate(points))
    path.write_text(f"id,name,x,y,capacity,cost\n{rows}\n", encoding="utf-8")
    columns = {"capacity": "capacity", "cost": "cost"}
    layer = FacilityLayer(path=path, datum="EPSG:4547", x="x", y="y", kind="room", attributes=columns)
    return listed(result.case, layer)


# The town, by hand: elder care at a and d, 501 s at 1 m/s; old people 20 at a, 30 at e, 10.5 at c, 8 at d, 2 on the
# island, 1 without a street. Today e is too far from both (800 m), c is 420 m from d.


def test_the_next_site_is_where_the_uncovered_live(town_case, tmp_path):
    three = places(town_case, [(200, -600), (350, 0), (850, 500)], tmp_path)
    plan = site(town_case, "elder_care", new=1, candidates=three)
    assert plan.sites["id"].tolist() == ["K0"]
    assert plan.sites["reached_people"].tolist() == [30]
    assert plan.sites["cost"].tolist() == [100]
    assert plan.certificate.objective == plan.certificate.bound == 20 + 30 + 10.5 + 8
    assert plan.certificate.status is Status.OPTIMAL
    assert plan.unservable_people == 1
    assert town_case.case.people.table["age_60_plus"].iloc[plan.unservable].tolist() == [1]
    after = compare(town_case, plan.scenario("one more"))
    assert after.outcomes[0].result.totals["elder_care"]["served_people"] == plan.certificate.objective
    assert after.totals.set_index("service").loc["elder_care", "cost_per_gained"] == pytest.approx(100 / 30)


def test_budget_share_spacing_and_zones(town_case, tmp_path):
    three = places(town_case, [(200, -600), (350, 0), (850, 500)], tmp_path)
    poor = site(town_case, "elder_care", candidates=three, rules=Rules(budget=99))
    assert len(poor.sites) == 0
    both = site(town_case, "elder_care", candidates=three, rules=Rules(budget=400))
    assert both.sites["id"].tolist() == ["K0", "K2"]
    share = site(town_case, "elder_care", objective="set_covering", candidates=three, rules=Rules(share=70 / 71.5))
    assert share.sites["id"].tolist() == ["K0", "K2"]
    assert share.certificate.objective == 400
    everybody = site(town_case, "elder_care", objective="set_covering", candidates=three)
    assert everybody.certificate.status is Status.INFEASIBLE
    assert everybody.unservable_people == 1
    assert "no choice of these sites does it" in str(everybody)
    away = site(town_case, "elder_care", new=3, candidates=three, rules=Rules(spacing_m=600))
    assert away.sites["id"].tolist() == ["K0"]  # K1 is 350 m from A1, K2 502 m from A2, straight
    assert "within 600 m of an existing one" in away.candidates
    flood = tmp_path / "flood.geojson"
    gpd.GeoDataFrame(geometry=[box(EAST, NORTH - 700, EAST + 300, NORTH - 500)], crs="EPSG:4547").to_file(flood)
    dry = site(
        town_case, "elder_care", new=1, candidates=three, rules=Rules(forbidden=Zones(path=flood, datum="EPSG:4547"))
    )
    assert dry.sites["id"].tolist() == ["K2"]
    assert "1 of them in forbidden zones" in dry.candidates


def test_weights_by_group(town_case, tmp_path):
    """Everybody counts on the island (10), so it comes before e (30 old people) only if others count much more."""
    three = places(town_case, [(200, -600), (850, 500)], tmp_path)
    weights = {"age_60_plus": 0.0, "all": 1.0}
    plan = site(town_case, "elder_care", new=1, candidates=three, rules=Rules(weights=weights))
    assert plan.sites["reached_people"].tolist() == [50]
    with pytest.raises(wr.CoverageError, match="no group 'age_99'"):
        site(town_case, "elder_care", new=1, rules=Rules(weights={"age_99": 1}))


def test_less_walking_and_the_longest_walk(town_case, tmp_path):
    three = places(town_case, [(200, -600), (500, 0), (850, 500)], tmp_path)
    least = site(town_case, "elder_care", new=1, objective="p_median", candidates=three)
    assert least.sites["id"].tolist() == ["K0"]
    # a 10 m to A1, e none, c 420 m and d 30 m to A2, the island counts with an hour, the last has no street
    assert least.certificate.objective == 20 * 10 + 0 + 10.5 * 420 + 8 * 30 + 2 * 3600
    longest = site(town_case, "elder_care", new=1, objective="p_centre", candidates=three)
    assert longest.sites["id"].tolist() == ["K0"]
    assert longest.certificate.objective == 420


def test_the_worst_area_first(town_case, tmp_path):
    """West has 61.5 old people in reach of a street, of whom 30.5 are served; east 8 of 10."""
    three = places(town_case, [(200, -600), (850, 500)], tmp_path)
    plan = site(town_case, "elder_care", new=1, objective="worst_first", candidates=three)
    assert plan.sites["id"].tolist() == ["K0"]
    assert plan.certificate.objective == 0.8
    assert plan.certificate.status is Status.OPTIMAL


def test_places_are_not_filled_twice(town_case, tmp_path):
    """A place for every second old person: 10 at a and 15 at e and 5.25 at c and 4 at d; A1 has 10, A2 tells none."""
    three = places(town_case, [(200, -600), (350, 0)], tmp_path)
    plan = site(town_case, "elder_care", new=1, objective="capacitated_covering", candidates=three)
    assert plan.sites["id"].tolist() == ["K0"]
    assert plan.certificate.objective == 10 + 15
    assert plan.notes == ("1 of 2 existing facilities tell no capacity and take nobody here",)
    rules = Rules(extension=Extension(places=3, cost=7), budget=8)
    grown = site(town_case, "elder_care", objective="capacitated_covering", candidates=three, rules=rules)
    assert grown.sites["action"].tolist() == []  # A1 is enough for a; nobody else is within its cutoff
    with pytest.raises(wr.CoverageError, match="names no capacity"):
        site(town_case, "clinic", new=1, objective="capacitated_covering")


def test_extension_where_the_need_is(town_case, tmp_path):
    """Of clinics and homes only elder care counts places; with room for 5 at a, 5 of the 10 there find none."""
    smaller = wr.Scenario(title="x", datum="EPSG:4547", resize=[{"id": "A1", "capacity": 5}]).apply(town_case.case)
    rules = Rules(extension=Extension(places=4, cost=7))
    far = places(town_case, [(850, 500)], tmp_path)
    plan = site(wr.analyse(smaller), "elder_care", new=1, objective="capacitated_covering", candidates=far, rules=rules)
    assert plan.sites[["action", "id", "capacity", "cost"]].to_numpy().tolist() == [["extend", "A1", 9, 7]]
    assert plan.certificate.objective == 9
    table = plan.scenario("more beds").apply(smaller).facilities.table
    assert table["beds"].tolist()[0] == 9


def test_closing_loses_nobody(town_case):
    """Another home next door to A1 can close, and only one of the two."""
    twin = wr.Scenario(title="twin", datum="EPSG:4547", open=[{"kind": "elder_care", "at": at(10, 0)}])
    result = wr.analyse(twin.apply(town_case.case))
    plan = site(result, "elder_care", objective="closing")
    assert len(plan.sites) == 1
    assert plan.certificate.objective == 2
    after = compare(result, plan.scenario("closed"))
    assert after.totals["lost_people"].tolist() == [0, 0]
    assert after.outcomes[0].result.totals["elder_care"]["facilities"] == 2


def test_candidates_by_word(town_case):
    service = town_case.case.study.services["elder_care"]
    assert candidates_of(town_case.case, service, "kinds").places.table["id"].tolist() == ["C1"]
    assert len(candidates_of(town_case.case, service, "nodes:10")) == 7
    assert len(candidates_of(town_case.case, service, "nodes:5000")) < 7
    squares = candidates_of(town_case.case, service, "grid:100")
    assert "1 of them off the streets" in squares.origin
    for wrong, text in (("kinds:school", "kind school"), ("grid:", "give the metres"), ("random", "are not known")):
        with pytest.raises(wr.CoverageError, match=text):
            candidates_of(town_case.case, service, wrong)


def test_questions_that_lack_something(town_case):
    with pytest.raises(wr.CoverageError, match="no service 'school'"):
        site(town_case, "school", new=1)
    with pytest.raises(wr.CoverageError, match="needs a number of new sites"):
        site(town_case, "elder_care")


# The sample -----------------------------------------------------------------------------------------------------


def test_pairs_to_other_places_are_those_of_facilities_there(sample):
    case, service = sample.case, sample.case.study.services["clinic"]
    rows = case.facility_rows(service.kinds)
    ours, theirs = (
        pairs_within(case, service),
        pairs_to(case, service, spots_of(case.facilities), rows[:7], service.cutoff_s),
    )
    first = np.isin(ours.facility, rows[:7])
    np.testing.assert_array_equal(theirs.facility, ours.facility[first])
    np.testing.assert_array_equal(theirs.cell, ours.cell[first])
    np.testing.assert_array_equal(theirs.seconds, ours.seconds[first])


@pytest.mark.parametrize("candidates", ["kinds", "grid:1500", "nodes:2000"])
def test_a_plan_serves_whom_it_says(sample, candidates):
    plan = site(sample, "nursery", new=4, candidates=candidates)
    assert plan.certificate.status is Status.OPTIMAL
    after = wr.analyse(plan.scenario("four").apply(sample.case))
    assert after.totals["nursery"]["served_people"] == pytest.approx(plan.certificate.objective, rel=1e-12)
    assert len(plan.sites) == 4
    again = site(sample, "nursery", new=4, candidates=candidates)
    pd.testing.assert_frame_equal(plan.sites, again.sites)


def test_each_area_gets_one(sample):
    rows = sample.case.facility_rows(("nursery",))
    last = rows[sample.case.facilities.area[rows] == len(sample.case.areas) - 1]
    named = [{"id": one, "kind": "nursery"} for one in sample.case.facilities.table["id"].iloc[last]]
    without = reanalyse(sample, wr.Scenario(title="none in the last", close=named).apply(sample.case))
    rules = Rules(each_area=True, tariff=Tariff(site=50_000, place=200, source="T14"), places=60)
    plan = site(without, "nursery", new=2, candidates="grid:1000", rules=rules)
    assert sample.case.areas.table["code"].iloc[-1] in set(plan.sites["code"])
    assert plan.sites["cost"].tolist() == [62_000.0] * len(plan.sites)


# The command line -----------------------------------------------------------------------------------------------


def test_site_and_compare_from_the_shell(town, tmp_path):
    (tmp_path / "rules.toml").write_text("share = 0.9\nlimit_s = 5\n", encoding="utf-8")
    asked = ["site", str(town), "--service", "elder_care", "--new", "1", "--candidates", "nodes:10"]
    done = CliRunner().invoke(cli, [*asked, "--rules", str(tmp_path / "rules.toml"), "--out", str(tmp_path / "plan")])
    assert done.exit_code == 0, done.output
    assert "optimal" in done.output
    assert {p.name for p in (tmp_path / "plan").iterdir()} == {
        "sites.csv",
        "unservable.csv",
        "plan.json",
        "plan.gpkg",
        "scenario.toml",
        "manifest.json",
    }
    told = json.loads((tmp_path / "plan" / "plan.json").read_text(encoding="utf-8"))
    assert told["status"] == "optimal"
    assert told["objective"] == told["bound"]
    scenario = load_scenario(tmp_path / "plan" / "scenario.toml")
    assert len(scenario.open) == 1
    assert len(gpd.read_file(tmp_path / "plan" / "plan.gpkg", layer="unservable")) == 1
    nobody = pd.read_csv(tmp_path / "plan" / "unservable.csv", dtype={"code": str})
    assert nobody[["code", "age_60_plus"]].to_numpy().tolist() == [["1", 1]]
    assert "people whom no candidate can serve: 1.0; most in 1 1" in done.output
    run = CliRunner().invoke(
        cli, ["compare", str(town), str(tmp_path / "plan" / "scenario.toml"), "--out", str(tmp_path / "what if")]
    )
    assert run.exit_code == 0, run.output
    table = pd.read_csv(tmp_path / "what if" / "comparison.csv", dtype={"code": str})
    assert table["gained_people"].max() == 30
    changes = gpd.read_file(tmp_path / "what if" / "changes.gpkg", layer="scenario_1")
    assert changes["elder_care_change"].tolist() == ["gains"]
    sheets = pd.read_excel(tmp_path / "what if" / "comparison.xlsx", sheet_name=None, engine="openpyxl")
    assert list(sheets) == ["totals", "areas", "targets"]
    as_json = CliRunner().invoke(cli, [*asked, "--json"])
    assert json.loads(as_json.stdout)["sites"][0]["action"] == "open"


def test_every_plan_goes_on_as_a_scenario_through_its_file(town_case, tmp_path):
    """Opened with a cost, extended and closed: the file says the same, and makes the same case."""
    three = places(town_case, [(200, -600), (350, 0), (850, 500)], tmp_path)
    smaller = wr.Scenario(title="x", datum="EPSG:4547", resize=[{"id": "A1", "capacity": 5}]).apply(town_case.case)
    lacking = wr.analyse(smaller)
    twin = wr.Scenario(title="twin", datum="EPSG:4547", open=[{"kind": "elder_care", "at": at(10, 0)}])
    double = wr.analyse(twin.apply(town_case.case))
    more, far = Rules(extension=Extension(places=4, cost=7)), places(town_case, [(850, 500)], tmp_path)
    plans = [
        site(town_case, "elder_care", new=2, candidates=three),
        site(town_case, "elder_care", new=2, objective="worst_first", candidates=three),
        site(lacking, "elder_care", new=1, objective="capacitated_covering", candidates=far, rules=more),
        site(double, "elder_care", objective="closing"),
    ]
    assert {action for plan in plans for action in plan.sites["action"]} == {"open", "extend", "close"}
    for plan in plans:
        scenario = plan.scenario(plan.title)
        file = tmp_path / "plan.toml"
        file.write_text(scenario.to_toml(), encoding="utf-8")
        assert load_scenario(file) == scenario
        one, other = (told.apply(plan.base.case) for told in (scenario, load_scenario(file)))
        pd.testing.assert_frame_equal(one.facilities.table, other.facilities.table)
        np.testing.assert_array_equal(one.facilities.xy, other.facilities.xy)
        assert scenario.cost(plan.base.case) == plan.sites["cost"].sum()


def test_wrong_rules_are_told_in_one_line(town, tmp_path):
    (tmp_path / "rules.toml").write_text("shares = 0.9\n", encoding="utf-8")
    with pytest.raises(wr.CoverageError, match=r"shares: unknown key \(did you mean 'share'\?\)"):
        load_rules(tmp_path / "rules.toml")
    done = CliRunner().invoke(
        cli, ["site", str(town), "--service", "elder_care", "--rules", str(tmp_path / "rules.toml")]
    )
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1


def test_a_scenario_survives_its_file(tmp_path):
    scenario = wr.Scenario(
        title='多 "一" 座\n桥',
        datum="EPSG:4547",
        open=[{"kind": "clinic", "at": (1.5, 2.25), "cost": 3}],
        link=[{"line": [(0, 0), (1, 1)], "crossing": True}],
        population={"factors": {"all": 1.1}},
        profiles={"fast": {"title": "快", "speed_m_s": 2.0, "source": "x"}},
        walking={"clinic": "fast"},
        tariffs={"clinic": {"site": 5, "source": "T14"}},
    )
    (tmp_path / "s.toml").write_text(scenario.to_toml(), encoding="utf-8")
    assert load_scenario(tmp_path / "s.toml") == scenario
