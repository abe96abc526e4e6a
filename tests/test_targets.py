"""Targets in the town of judged_town, every figure worked out by hand; their edges; scenarios."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import withinreach as wr
from conftest import EAST, NORTH
from judged_town import edit, judge, judged_fixture, row, write_judged_town  # noqa: F401
from withinreach.analysis import result_of
from withinreach.model import part_around
from withinreach.scenarios import Scenario, reanalyse
from withinreach.standards import closing
from withinreach.standards.assessment import Verdict, decide
from withinreach.standards.judgement import DTYPES
from withinreach.standards.rules.count import Count


@pytest.fixture(scope="module")
def judgement(tmp_path_factory):
    return judge(write_judged_town(tmp_path_factory.mktemp("town")))


MET, NOT_MET, OPEN, NO, MEASURED = "met", "not_met", "not_computable", "not_applicable", "measured"
NAN = math.nan

# target, unit: state, value, have, base, known, gap. West has 235 people (61.5 aged 60 and more), east 50 (10).
BY_HAND = [
    # 3 seats; 2.35 are asked for in the west, 0.5 in the east, 2.85 in all
    ("ratio", "1", MET, 3000 / 235, 3, 235, 1, 0),
    ("ratio", "2", NOT_MET, 0, 0, 50, NAN, 0.5),
    ("ratio", "total", MET, 3000 / 285, 3, 285, 1, 0),
    # 60 m² and 10 m²; households of three
    ("households", "1", MET, 6000 * 3 / 235, 60, 235 / 3, 1, 0),
    ("households", "2", NOT_MET, 1000 * 3 / 50, 10, 50 / 3, 1, 0.7 * 50 / 3 - 10),
    ("households", "total", MET, 7000 * 3 / 285, 70, 95, 1, 0),
    # 10 + 12 nursing beds of 40 + 20; the institution in the east tells nothing: it may have any number
    ("nursing", "1", NOT_MET, 2200 / 60, 22, 60, 1, 11),
    ("nursing", "2", OPEN, NAN, NAN, 0, 0, NAN),
    ("nursing", "total", OPEN, 2200 / 60, 22, 60, 2 / 3, 11),
    # with 20 beds at most, all for nursing, it would be 42 of 80
    ("nursing_bounded", "2", OPEN, NAN, NAN, 0, 0, NAN),
    ("nursing_bounded", "total", NOT_MET, 2200 / 60, 22, 60, 2 / 3, 11),
    # H1 tells 20 people in 40 beds, H2 none: 20 to 40 of 60
    ("occupied", "1", OPEN, 50, 20, 40, 0.5, 4),
    ("occupied", "2", OPEN, NAN, NAN, 0, 0, NAN),
    # V1 and V4 of V1, V2, V4; V3 does not tell: 2 or 3 of 4
    ("stars", "1", NOT_MET, 200 / 3, 2, 3, 1, 0.7),
    ("stars", "2", OPEN, NAN, NAN, 0, 0, NAN),
    ("stars", "total", NOT_MET, 200 / 3, 2, 3, 0.75, 0.7),
    # 60+ within 501 m: 20 at H1 and 10.5 at 420 m, not 30 at 700 m; 8 of 10 in the east
    ("coverage/people", "1", NOT_MET, 3050 / 61.5, 30.5, 61.5, NAN, 0.6 * 61.5 - 30.5),
    ("coverage/people", "2", MET, 80, 8, 10, NAN, 0),
    ("coverage/people", "total", NOT_MET, 3850 / 71.5, 38.5, 71.5, NAN, 0.6 * 71.5 - 38.5),
    ("coverage/settled_area", "1", MEASURED, 50, 0.02, 0.04, NAN, NAN),
    ("coverage/settled_area", "total", MEASURED, 50, 0.03, 0.06, NAN, NAN),
    # v1 at H1, v4 400 m away, not v2; v3, not v5 on the island
    ("coverage/units", "1", MEASURED, 200 / 3, 2, 3, NAN, NAN),
    ("coverage/units", "2", MEASURED, 50, 1, 2, NAN, NAN),
    ("coverage/units", "total", MEASURED, 60, 3, 5, NAN, NAN),
    # two institutions in the west are one too many; nothing is lacking
    ("one_each", "1", NOT_MET, 0, 0, 1, 1, 0),
    ("one_each", "2", MET, 100, 1, 1, 1, 0),
    ("one_each", "total", NOT_MET, 50, 1, 2, 1, 0),
    ("whole", "1", NO, NAN, 0, 0, NAN, NAN),
    ("whole", "total", NOT_MET, 0, 0, 1, 1, 1),
    # v1 needs 0.5 and has 1, v2 needs 1 and has 1; v4 does not tell its households; v3 needs 1.5, v5 needs 2
    ("per_unit", "1", OPEN, 200 / 3, 2, 3, 2 / 3, NAN),
    ("per_unit", "2", NOT_MET, 0, 0, 2, 1, 0.5 + 2),
    # v1 (150 to serve) has a model station, v2 (100) one that is none; v5 (300) has none; v3 may be concerned
    ("model", "1", NOT_MET, 50, 1, 2, 1, 1),
    ("model", "2", NOT_MET, 0, 0, 1, 0.5, 1),
    ("model", "total", NOT_MET, 100 / 3, 1, 3, 0.75, 2),
    ("tiers/county", "total", MET, 100, 2, 2, 1, 0),
    # V4 stands 300 m from v4 and counts for no village; 岛社区 is no 村
    ("tiers/village", "1", NOT_MET, 200 / 3, 2, 3, 1, 1),
    ("tiers/village", "2", MET, 100, 1, 1, 1, 0),
    ("tiers/village", "total", NOT_MET, 75, 3, 4, 1, 1),
    ("tiers/township", "total", OPEN, NAN, NAN, NAN, NAN, NAN),
    # C1 is 30 m from H2, 130 m from H1
    ("beside", "1", MET, 50, 1, 2, 1, 0),
    ("beside", "2", NOT_MET, 0, 0, 1, 1, 0.5),
    ("beside", "total", NOT_MET, 100 / 3, 1, 3, 1, 0.5),
    # V1 and V4, V3 perhaps: not 4
    ("count", "1", NO, 2, NAN, NAN, 1, NAN),
    ("count", "total", NOT_MET, 2, NAN, NAN, 0.75, 2),
    # the last year's figure; more than 97
    ("imported/rate", "1", NOT_MET, 95, NAN, NAN, NAN, 2),
    ("imported/rate", "2", OPEN, NAN, NAN, NAN, NAN, NAN),
    ("imported/rate", "total", MET, 97.2, NAN, NAN, NAN, 0),
    ("imported/total", "2", NO, 300_000, NAN, NAN, NAN, NAN),
    ("imported/total", "total", NOT_MET, 580_000, NAN, NAN, NAN, 10_000),
    ("computed_elsewhere", "1", OPEN, NAN, NAN, NAN, NAN, NAN),
    ("computed_elsewhere", "total", MET, 12, NAN, NAN, NAN, NAN),
    ("no_number", "total", MEASURED, 1, NAN, NAN, 1, NAN),
    ("story", "total", NO, NAN, NAN, NAN, NAN, NAN),
]


@pytest.mark.parametrize("by_hand", BY_HAND, ids=lambda by_hand: "-".join(by_hand[:2]))
def test_every_kind_of_rule_by_hand(judgement, by_hand):
    target, code, state, *wanted = by_hand
    found = row(judgement, target, code)
    assert found["state"] == state
    figures = found[["value", "have", "base", "known", "gap"]].astype(float)
    np.testing.assert_allclose(figures, wanted, rtol=1e-12, atol=1e-12)


def test_bounds_hold_whatever_the_unknown_is(judgement):
    for target, code, low, high in [
        ("nursing", "total", 0, 100),
        ("nursing_bounded", "total", 2200 / 80, 4200 / 80),
        ("occupied", "1", 2000 / 60, 4000 / 60),
        ("occupied", "total", 0, math.inf),
        ("stars", "total", 50, 75),
        ("per_unit", "1", 200 / 3, 100),
        # v3 may be concerned and fail, or be concerned and have a model station
        ("model", "2", 0, 50),
        ("model", "total", 25, 50),
        ("count", "total", 2, 3),
    ]:
        found = row(judgement, target, code)
        np.testing.assert_allclose([found["low"], found["high"]], [low, high], err_msg=f"{target} {code}")


def test_what_closes_the_gap_of_a_share(judgement):
    """x = 0.55 B - N by converting; by adding (0.55 B - N) / 0.45, for new beds add to all of them."""
    nursing = row(judgement, "nursing", "1")
    np.testing.assert_allclose([nursing["by_converting"], nursing["by_adding"]], [0.55 * 60 - 22, 11 / 0.45])
    assert math.isclose((22 + nursing["by_adding"]) / (60 + nursing["by_adding"]), 0.55)
    stars = row(judgement, "stars", "1")
    np.testing.assert_allclose([stars["by_converting"], stars["by_adding"]], [0.7, 7])
    occupied = row(judgement, "occupied", "1")
    assert math.isnan(occupied["by_converting"])
    assert math.isnan(occupied["by_adding"])


def test_the_net_gap_and_the_sum_of_the_units_gaps_stand_side_by_side(judgement):
    total = row(judgement, "ratio")
    # the surplus of the west (3 - 2.35) covers the east in the net gap, and nobody in its own
    assert (total["gap"], total["gap_of_units"]) == (0, 0.5)
    assert total["gap_to_stretch"] == pytest.approx(2.7)
    assert row(judgement, "coverage/people")["gap_of_units"] == pytest.approx(6.4)
    # what one unit lacks is not known, so the sum is not
    assert math.isnan(row(judgement, "nursing")["gap_of_units"])
    assert row(judgement, "one_each")["gap_to_stretch"] == 1 + 2


def test_missing_inputs_are_named(judgement):
    assert row(judgement, "nursing")["missing"] == "facilities.attributes.beds; facilities.attributes.nursing_beds"
    assert row(judgement, "tiers/township")["missing"] == "units.township"
    assert row(judgement, "computed_elsewhere", "1")["missing"] == "facilities.kinds.kindergarten"
    assert row(judgement, "imported/rate", "2")["missing"] == "statistics.S1"
    assert row(judgement, "per_unit", "1")["missing"] == "units.village.attributes.households"
    told = judgement.table
    assert (told.loc[told["state"] == OPEN, "missing"] != "").all()
    assert (told.loc[told["state"].isin([OPEN, NO]), "reason"] != "").all()
    assert (told.loc[told["state"].isin([MET, NOT_MET, MEASURED]), ["missing", "reason"]] == "").all(axis=None)


def test_imported_figures_say_their_year_and_whether_changyuan_is_in_them(judgement):
    rate = row(judgement, "imported/rate")
    assert (rate["basis"], rate["reported_year"], rate["includes_changyuan"]) == ("imported", 2023, "no")
    elsewhere = row(judgement, "computed_elsewhere")
    assert (elsewhere["basis"], elsewhere["reported"], elsewhere["reported_year"]) == ("imported", 12, 2024)
    assert row(judgement, "computed_elsewhere", "1")["basis"] == "computed"
    assert judgement.unused == ("spare",)


def test_a_bureaus_figure_of_what_has_definitions_beside_it_goes_by_the_id_of_the_target(judged):
    path = judged.parent / "statistics.csv"
    path.write_text(
        path.read_text(encoding="utf-8") + "市,coverage,61,2024,\n市,tiers.township,100,2024,\n", encoding="utf-8"
    )
    edit(judged.parent / "plan.toml", 'service = "elder_care"', 'service = "bus"')
    judgement = judge(judged)
    assert row(judgement, "coverage/people")[["state", "value", "basis"]].tolist() == [MET, 61, "imported"]
    assert row(judgement, "coverage/settled_area")["state"] == OPEN
    assert row(judgement, "tiers/township")[["state", "basis"]].tolist() == [MET, "imported"]


def test_denominators_carry_their_year_and_estimates_a_caveat(judgement):
    assert row(judgement, "ratio")["people_year"] == 2020
    assert row(judgement, "nursing")["people_year"] is pd.NA
    assert "all / 3 (invented)" in row(judgement, "households")["caveat"]


def test_state_of_a_target_with_several_parts(judgement):
    states = judgement.states().set_index("target")["state"]
    assert states["tiers"] == NOT_MET  # although the townships are not known
    assert states["coverage"] == NOT_MET  # the other definitions decide nothing
    assert states["imported"] == NOT_MET
    assert judgement.counts().loc["town"].to_dict() == {
        "met": 3,
        "not_met": 11,
        "not_computable": 2,
        "measured": 1,
        "not_applicable": 1,
    }
    assert judgement.counts("2").loc["town"].sum() == 18


def test_unknown_unit_is_named(judgement):
    with pytest.raises(wr.CoverageError, match="no unit with code 3; the study has: 1, 2, total"):
        judgement.of_unit("3")


@pytest.mark.parametrize(
    ("gap", "rule", "told"),
    [
        (87.8, "share", 88),
        (88.0, "share", 88),
        (88 + 1e-9, "capacity", 88),
        (0.0, "count", 0),
        (1.25, "statistic", 1.25),
    ],
)
def test_what_closes_a_gap_is_whole_but_points_of_a_statistic(gap, rule, told):
    assert closing(gap, rule) == told
    assert math.isnan(closing(math.nan, rule))


def test_number_that_is_due_in_a_year():
    rule = Count.model_validate(
        {"rule": "count", "facilities": {"kinds": ["nursery"]}, "value": 20, "by_year": {"2023": 10, "2021": 5}}
    )
    assert [rule.due(year) for year in (2020, 2021, 2022, 2023, 2024, 2026)] == [5, 5, 10, 10, 20, 20]


# Edges --------------------------------------------------------------------------------------------------------


def test_where_nobody_lives_nothing_is_met_or_missed(judged):
    people = judged.parent / "people.csv"
    people.write_text("\n".join(people.read_text().splitlines()[:4]) + "\n")
    judgement = judge(judged)
    for target in ("ratio", "households", "coverage/people", "coverage/settled_area"):
        found = row(judgement, target, "2")
        assert (found["state"], found["reason"]) == (NO, "nobody lives here"), target
        assert found[["value", "gap"]].isna().all(), target
    # the units and facilities are still there
    assert row(judgement, "coverage/units", "2")["value"] == 50
    assert row(judgement, "one_each", "2")["state"] == MET


def test_where_nothing_is_reachable_coverage_is_nought(judged):
    path = judged.parent / "facilities.csv"
    island = f"X,养老院,岛,{EAST + 850},{NORTH + 500},,,,,,,\n"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("H")]
    path.write_text("\n".join(kept) + "\n" + island, encoding="utf-8")
    west = row(judge(judged), "coverage/people", "1")
    assert (west["state"], west["value"], west["gap"]) == (NOT_MET, 0, pytest.approx(0.6 * 61.5))


def test_without_facilities_of_a_kind_there_is_nothing_and_not_nothing_known(judged):
    path = judged.parent / "facilities.csv"
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(("H", "N", "V"))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    judgement = judge(judged)
    assert row(judgement, "nursing")["reason"] == "no facilities to take a share of"
    assert [row(judgement, t)["state"] for t in ("nursing", "stars", "beside")] == [NO] * 3
    seats = row(judgement, "ratio")
    assert (seats["state"], seats["value"], seats["gap"]) == (NOT_MET, 0, 2.85)
    assert row(judgement, "one_each")["gap"] == 2
    assert row(judgement, "count")["gap"] == 4


def test_capacity_that_nobody_tells_is_not_computable(judged):
    edit(judged.parent / "facilities.csv", ",,3,,,,", ",,,,,,")
    judgement = judge(judged)
    found = row(judgement, "ratio")
    assert (found["state"], found["missing"]) == (OPEN, "facilities.attributes.seats")
    assert math.isnan(found["value"])
    # one unit in which nobody tells, among others that do
    path = judged.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8") + f"N2,托育,N2,{EAST + 900},{NORTH},,,9,,,,\n", encoding="utf-8")
    found = row(judge(judged), "ratio", "1")
    assert (found["state"], found["known"], found["low"]) == (OPEN, 0, 0)
    assert found[["value", "have", "gap"]].isna().all()
    # and where the file has no such column
    edit(judged, 'seats = "托位"', "seats = false")
    found = row(judge(judged), "ratio", "2")
    assert (found["state"], found["missing"]) == (OPEN, "facilities.attributes.seats")


def test_capacity_known_for_some_is_enough_where_it_suffices(judged):
    path = judged.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8") + f"N2,托育,N2,{EAST},{NORTH},,,,,,,\n", encoding="utf-8")
    found = row(judge(judged), "ratio")
    assert (found["state"], found["known"], found["high"]) == (MET, 0.5, math.inf)
    edit(judged.parent / "plan.toml", "value = 10, stretch = 20", "value = 11, stretch = 20")
    found = row(judge(judged), "ratio")
    assert (found["state"], found["missing"]) == (OPEN, "facilities.attributes.seats")
    edit(
        judged.parent / "plan.toml",
        'sum = "seats" }, per = 1000, of = "all", value = 11',
        'sum = "seats", largest = 0.1 }, per = 1000, of = "all", value = 11',
    )
    assert row(judge(judged), "ratio")["state"] == NOT_MET


def test_units_without_a_facility_of_theirs_to_tell(judged):
    edit(judged, "near_m = 150\n", "")
    judgement = judge(judged)
    found = row(judgement, "model")
    assert (found["state"], found["missing"]) == (OPEN, "units.village.near_m")
    assert row(judgement, "coverage/units")["value"] == 60


def test_no_list_of_units(judged):
    text = judged.read_text(encoding="utf-8")
    start, end = text.index("[units.village]"), text.index("[statistics]")
    judged.write_text(text[:start] + text[end:], encoding="utf-8")
    judgement = judge(judged)
    assert row(judgement, "coverage/units")["missing"] == "units.village|community"
    assert row(judgement, "coverage/people")["state"] == NOT_MET
    assert "units.village" in row(judgement, "model")["missing"]


def test_areas_that_are_no_counties_are_not_asked(judged):
    edit(judged.parent / "plan.toml", "year = 2025\n", 'year = 2025\nno_counties = ["1"]\n')
    judgement = judge(judged)
    assert row(judgement, "one_each", "1")["reason"] == "no unit of the level here"
    assert row(judgement, "one_each")[["have", "base"]].tolist() == [1, 1]
    assert row(judgement, "ratio", "1")["state"] == MET


def test_a_study_without_registers_has_an_empty_judgement(town):
    table = judge(town).table
    assert table.empty
    assert table.dtypes.astype(str).to_dict() == DTYPES


@given(
    low=st.floats(0, 200),
    more=st.floats(0, 100),
    target=st.floats(0, 200),
    sense=st.sampled_from(["at_least", "more_than", "at_most"]),
    place=st.floats(0, 1),
)
def test_a_verdict_holds_for_every_value_between_the_bounds(low, more, target, sense, place):
    high = low + more
    verdict = decide(np.array([low]), np.array([high]), target, sense)[0]
    value = np.array([low + place * more])
    inside = decide(value, value, target, sense)[0]
    assert verdict in (Verdict.OPEN, inside)
    assert inside != Verdict.OPEN


# Scenarios ------------------------------------------------------------------------------------------------------


def trial(**changes) -> Scenario:
    return Scenario(title="trial", datum="EPSG:4547", **changes)


def test_listed_units_stay_on_the_streets_of_a_scenario(judged):
    """A bridge from d to g brings v5 to H3: 500 m across and 50 m along the island."""
    base = wr.analyse(wr.prepare(wr.load_study(judged)))
    after = trial(link=[{"line": [[EAST + 900, NORTH], [EAST + 900, NORTH + 500]]}]).apply(base.case)
    seconds = reanalyse(base, after).reaches["elder_care"].unit_seconds["village"]
    assert base.reaches["elder_care"].unit_seconds["village"].tolist() == [0, 700, 0, 400, math.inf]
    assert seconds.tolist() == [0, 700, 0, 400, 550]
    # Mill Lane is closed: v2 has no way, and no other street near
    after = trial(block=[{"at": [EAST + 200, NORTH - 300]}]).apply(base.case)
    result = reanalyse(base, after)
    assert result.reaches["elder_care"].unit_seconds["village"].tolist() == [0, math.inf, 0, 400, math.inf]
    assert row(wr.judge(result), "coverage/units", "1")[["have", "base"]].tolist() == [2, 3]


def test_a_scenario_is_judged_like_any_case(judged):
    base = wr.analyse(wr.prepare(wr.load_study(judged)))
    after = trial(open=[{"kind": "nursery", "at": [EAST + 900, NORTH]}]).apply(base.case)
    found = row(wr.judge(reanalyse(base, after)), "ratio", "2")
    # seats are no capacity of a service here, so the new nursery tells none
    assert (found["state"], found["missing"]) == (OPEN, "facilities.attributes.seats")
    after = trial(close=[{"id": "H2"}]).apply(base.case)
    assert row(wr.judge(reanalyse(base, after)), "one_each", "1")["state"] == MET


def test_a_result_of_a_part_keeps_its_units(judged):
    result = wr.analyse(wr.prepare(wr.load_study(judged)))
    part = part_around(result.case, 1, 2000.0)
    reach = result_of(result, part).reaches["elder_care"]
    assert reach.unit_seconds["village"].tolist() == [0, math.inf]
