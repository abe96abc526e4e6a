"""The town of conftest, every figure worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import withinreach as wr
from withinreach.reach import Status


@pytest.fixture
def result(town):
    return wr.analyse(wr.prepare(wr.load_study(town)))


def test_metres_seconds_and_nearest_by_hand(result):
    elder = result.reaches["elder_care"]
    # cell 2: 600 m down Mill Lane and 200 m west; cell 3: 20 m to the street and 400 m east, not 520 m west
    assert elder.level_m.tolist() == [10, 800, 420, 30, math.inf, math.inf]
    assert elder.seconds.tolist() == [10, 800, 420, 30, math.inf, math.inf]
    assert elder.nearest.tolist() == [0, 0, 1, 1, -1, -1]
    assert [Status(s).key for s in elder.status] == [
        "served",
        "too_far",
        "served",
        "served",
        "not_connected",
        "not_snapped",
    ]
    clinic = result.reaches["clinic"]
    # the clinic lies in the middle of a segment, 5 m off it: both access legs and the partial segments count
    assert clinic.level_m.tolist() == [365, 755, 175, 585, math.inf, math.inf]


HAND_CHECKED = {
    "code": ["1", "2"],
    "name": ["西区", "东区"],
    "people": [61.5, 10.0],
    "served_people": [30.5, 8.0],
    "uncovered_people": [31.0, 2.0],
    "coverage": [30.5 / 61.5, 0.8],
    # who lives at c walks 420 m across the border, and 520 m to the west, which is too far
    "served_own_people": [20.0, 8.0],
    "coverage_own": [20 / 61.5, 0.8],
    "estimated_people": [0.0, 0.0],
    "mean_min": [(20 * 10 + 30 * 800 + 10.5 * 420) / 60.5 / 60, 0.5],
    "median_min": [7.0, 0.5],
    "p90_min": [800 / 60, 0.5],
    "circle_people": [30.5, 8.0],  # 501 m around both ends of the High Street: e is 632 m away
    "circle_coverage": [30.5 / 61.5, 0.8],
    "served_of_circle": [1.0, 1.0],
    # of four and two inhabited hectares two and one lie within the cutoff; the town lists no villages
    "settled_km2": [0.04, 0.02],
    "settled_coverage": [0.5, 0.5],
    "listed_units": [math.nan, math.nan],
    "listed_coverage": [math.nan, math.nan],
    "facilities": [1, 1],
    "capacity": [10.0, math.nan],
    "capacity_known": [1.0, 0.0],
    "capacity_per_1000": [10_000 / 61.5, math.nan],
    "norm_per_1000": [500.0, 500.0],
    "gap_places": [0.5 * 61.5 - 10, math.nan],
}


def test_table_by_hand(result):
    table = result.table("elder_care")
    assert list(table.columns) == list(HAND_CHECKED)
    for column, want in HAND_CHECKED.items():
        if isinstance(want[0], str):
            assert table[column].tolist() == want
        else:
            np.testing.assert_allclose(table[column].to_numpy(float), want, rtol=1e-12, err_msg=column)


def test_total_by_hand(result):
    total = result.totals["elder_care"]
    assert total["people"] == 71.5
    assert total["served_people"] == 38.5
    assert total["served_own_people"] == 28
    assert total["coverage"] == 38.5 / 71.5
    assert total["facilities"] == 2
    assert total["capacity"] == 10
    assert total["capacity_known"] == 0.5
    assert total["gap_places"] == 0.5 * 71.5 - 10


def test_service_without_capacity_or_norm(result):
    table = result.table("clinic")
    assert table["facilities"].tolist() == [1, 0]
    assert (
        table[["capacity", "capacity_known", "capacity_per_1000", "norm_per_1000", "gap_places"]].isna().all(axis=None)
    )


def test_circle_and_walk_by_hand(result):
    """360 m around the clinic: a is 350.04 m away, but walks 365; c is 150.7 m away and walks 175."""
    table = result.table("clinic")
    assert table["circle_people"].tolist() == [180, 0]
    assert table["served_people"].tolist() == [80, 0]
    assert table["circle_coverage"].tolist() == [180 / 235, 0]
    assert table["served_of_circle"].fillna(-1).tolist() == [80 / 180, -1]
    assert result.totals["clinic"]["served_of_circle"] == 80 / 180


def test_ledger_by_hand(result):
    ledger = result.ledgers["elder_care"]
    assert list(ledger.columns) == ["1", "2", "total"]
    assert ledger["total"].to_dict() == {
        "served": 38.5,
        "too_far": 30.0,
        "not_connected": 2.0,
        "not_snapped": 1.0,
        "outside_network": 0.0,
        "served_estimate": 0.0,
        "too_far_estimate": 0.0,
        "outside_areas": 0.0,
    }
    assert ledger.loc["not_connected", "2"] == 2.0


def test_people_outside_all_areas_stay_in_the_ledger(town):
    path = town.parent / "people.csv"
    path.write_text(path.read_text() + "490000,3900000,7,3.25\n")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    assert result.ledgers["elder_care"]["total"]["outside_areas"] == 3.25
    assert result.ledgers["elder_care"]["total"].sum() == 74.75
    assert result.totals["elder_care"]["people"] == 71.5
    assert any("outside all areas" in reason for reason in result.case.audit.findings["reason"])


def test_people_far_from_all_streets_are_outside_the_network(town):
    text = town.read_text(encoding="utf-8")
    areas = town.parent / "areas.geojson"
    areas.write_text(areas.read_text(encoding="utf-8").replace("499900.0", "480000.0"), encoding="utf-8")
    people = town.parent / "people.csv"
    people.write_text(people.read_text() + "490000,3900000,7,3\n")
    town.write_text(text, encoding="utf-8")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    assert result.ledgers["clinic"]["total"]["outside_network"] == 7
    assert result.ledgers["clinic"]["total"]["not_snapped"] == 5


def test_estimates_are_straight_lines_and_marked_as_such(town):
    text = town.read_text(encoding="utf-8").replace("snap_cap_m = 300", "snap_cap_m = 300\nfallback_detour = 1.3")
    town.write_text(text.replace("cutoff_min = 6", "cutoff_min = 10"), encoding="utf-8")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    clinic = result.reaches["clinic"]
    walked, island, field = clinic.seconds[:4], clinic.seconds[4], clinic.seconds[5]
    assert walked.tolist() == [365, 755, 175, 585]
    assert island == pytest.approx(1.3 * math.hypot(500, 505), abs=0.001)
    assert field == pytest.approx(1.3 * math.hypot(50, 445), abs=0.001)
    assert [Status(s).key for s in clinic.status[4:]] == ["too_far_estimate", "served_estimate"]
    assert clinic.nearest[4:].tolist() == [2, 2]
    table = result.table("clinic")
    assert table["estimated_people"].tolist() == [5, 10]
    assert table["served_people"].tolist() == [185, 40]
    assert result.ledgers["clinic"]["total"][["served_estimate", "too_far_estimate"]].tolist() == [5, 10]
    assert result.ledgers["clinic"]["total"].sum() == 285
    # what the figure without crossing borders rests on is never an estimate
    assert table["served_own_people"].tolist() == [180, 0]


@pytest.mark.parametrize(("y", "served"), [(20.0, True), (20.001, False)])
def test_exactly_at_the_cutoff_is_covered_and_a_millisecond_beyond_is_not(town, y, served):
    # 400 m along the street and y metres to it: 420 s at 1 m/s, the cutoff of 7 minutes
    town.write_text(town.read_text(encoding="utf-8").replace("8.35", "7"), encoding="utf-8")
    path = town.parent / "people.csv"
    path.write_text(path.read_text().replace("500500.0,3900020.0", f"500500.0,{3_900_000 + y}"))
    reach = wr.analyse(wr.prepare(wr.load_study(town))).reaches["elder_care"]
    assert reach.seconds[2] == (420.0 if served else 420.001)
    assert reach.covered[2] == served


def test_cells_on_the_border_of_two_units_count_once(town):
    path = town.parent / "people.csv"
    path.write_text(path.read_text() + "500600,3900000,9,3\n500600,3900100,4,1\n")
    case = wr.prepare(wr.load_study(town))
    assert case.people.area.tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert case.audit.population.loc["outside_areas", "all"] == 0


def test_nobody_lives_there(town):
    path = town.parent / "people.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:4]) + "\n")
    row = wr.analyse(wr.prepare(wr.load_study(town))).table("elder_care").iloc[1]
    assert row["people"] == 0
    assert row["uncovered_people"] == 0
    for column in ("coverage", "mean_min", "median_min", "p90_min", "capacity_per_1000"):
        assert math.isnan(row[column]), column


def test_nothing_is_reachable(town):
    path = town.parent / "facilities.csv"
    rows = path.read_text(encoding="utf-8-sig").splitlines()
    island = f"X,诊所,岛,{500_850},{3_900_500},"
    path.write_text("\n".join([*rows[:3], island]) + "\n", encoding="utf-8-sig")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    west = result.table("clinic").iloc[0]
    assert west["coverage"] == 0
    assert math.isnan(west["mean_min"])
    assert result.ledgers["clinic"].loc["not_connected", "1"] == 230


def test_inputs_and_results_are_read_only(result):
    with pytest.raises(ValueError, match="read-only"):
        result.case.people.access_mm[0] = 1
    with pytest.raises(AttributeError):
        result.case.network.xy = None
    with pytest.raises(TypeError):
        result.tables["elder_care"] = None


def test_unknown_service_is_named(result):
    with pytest.raises(wr.CoverageError, match=r"no service 'nursery'.*elder_care, clinic"):
        result.table("nursery")


def test_profiles_of_the_package_can_be_named_and_replaced(town):
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace('profile = "slow"', 'profile = "elder_80"'), encoding="utf-8")
    study = wr.load_study(town)
    assert study.profiles["elder_80"].speed_mm_s == 800
    assert {"elder_65", "adult", "infant_carer", "wheelchair", "gb50180", "e_bike", "slow"} <= set(study.profiles)
    own = '[profiles.elder_80]\ntitle = "我们的"\nspeed_m_s = 0.75\nsource = "measured here"\n\n[profiles.slow]'
    town.write_text(town.read_text(encoding="utf-8").replace("[profiles.slow]", own), encoding="utf-8")
    assert wr.load_study(town).profiles["elder_80"].speed_mm_s == 750


def test_what_the_audit_says_of_the_ground(town):
    findings = wr.prepare(wr.load_study(town)).audit.findings
    told = [f"{severity}: {reason}" for severity, reason in findings[["severity", "reason"]].itertuples(index=False)]
    for line in (
        "info: half of the people live within 10 m of a street, 95 % within 30 m; the farthest that was snapped 30 m",
        "info: 1 cells with 5.0 people have no street within 300 m",
        "info: half of the facilities are within 0 m of a street, 95 % within 5 m; the farthest that was snapped 5 m",
        "warning: a part of 0.1 km with 10.0 people has no way to the rest",
        "info: 5 of 7 nodes are dead ends (71.4%)",
        # High Street up to 500 m and Mill Lane on four cells of a hectare
        "info: 1 km of streets on 0.0 settled km²: 27.5 km per km²",
    ):
        assert line in told, told


def test_parts_without_a_way_to_the_rest_are_told_with_a_place_and_their_facilities(town):
    """The island, where 10 people live at (850, 510), gets a clinic."""
    path = town.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8-sig") + "Z7,诊所,岛上诊所,500820,3900500,\n", encoding="utf-8-sig")
    case = wr.prepare(wr.load_study(town))
    findings = case.audit.findings.set_index("rule")
    assert findings.loc["part_detached", "value"] == "{:.5f} {:.5f}".format(*case.people.table.loc[4, ["lon", "lat"]])
    told = findings.loc["facility_detached"]
    assert told[["severity", "file", "row", "value"]].tolist() == ["warning", "facilities.csv", 5, "岛上诊所"]
    assert told["reason"] == "stands on a part of 0.1 km with 10.0 people that has no way to the rest"


def test_facilities_that_nobody_can_use_are_told(town):
    path = town.parent / "facilities.csv"
    path.write_text(
        path.read_text(encoding="utf-8-sig") + "Z9,诊所,远诊所,500300,3900450,\nZ8,诊所,外诊所,499880,3900000,\n"
    )
    findings = wr.prepare(wr.load_study(town)).audit.findings.set_index("value")
    assert findings.loc["远诊所", ["severity", "row", "reason"]].tolist() == ["warning", 5, "no street within 300 m"]
    assert findings.loc["外诊所", ["row", "reason", "action"]].tolist() == [
        6,
        "outside all areas",
        "serves people across the border",
    ]
