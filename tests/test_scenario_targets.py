"""Targets of which scenarios change the state: in the judged town by hand, on the command line, in the folder."""

from __future__ import annotations

import json

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import withinreach as wr
from judged_town import write_judged_town
from test_scenarios import at, in_town
from withinreach.cli import cli
from withinreach.scenarios import Scenario, compare
from withinreach.standards import states_of_targets

# Of 71.5 old people 38.5 live within 501 m of H1, H2 or H3; with a home at e, where 30 of them live, 68.5.
AT_E = {"kind": "elder_institution", "name": "H4", "at": at(200, -600), "cost": 900}


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "town"
    folder.mkdir()
    return wr.analyse(wr.prepare(wr.load_study(write_judged_town(folder))))


def row(targets: pd.DataFrame, target: str, code: str) -> pd.Series:
    name, _, part = target.partition("/")
    (found,) = targets[(targets["target"] == name) & (targets["part"] == part) & (targets["code"] == code)].index
    return targets.loc[found]


def test_a_target_that_is_newly_met(base):
    targets = compare(base, in_town(open=[AT_E])).targets()
    whole = row(targets, "coverage/people", "total")
    assert whole[["clause", "words", "state_before", "state_after"]].tolist() == ["1.1", "覆盖", "not_met", "met"]
    assert whole[["target_before", "target_after", "changes_state"]].tolist() == ["not_met", "met", True]
    assert whole["value_before"] == pytest.approx(100 * 38.5 / 71.5)
    assert whole["value_after"] == pytest.approx(100 * 68.5 / 71.5)
    assert whole["gap_before"] == pytest.approx(0.6 * 71.5 - 38.5)
    assert (whole["gap_after"], whole["target_value"], whole["unit"]) == (0, 60, "%")
    west = row(targets, "coverage/people", "1")
    assert west["value_before"] == pytest.approx(100 * 30.5 / 61.5)
    assert west["changes_state"]
    # In the east nobody is served who was not, and nothing is told of it.
    assert targets.loc[targets["code"] == "2", "target"].tolist() == []
    # One home of three is beside a clinic, then one of four: another figure, the same state.
    beside = row(targets, "beside", "total")
    assert not beside["changes_state"]
    assert (beside["state_before"], beside["state_after"]) == ("not_met", "not_met")
    assert (beside["value_before"], beside["value_after"]) == (pytest.approx(100 / 3), 25)


def test_a_target_that_is_no_longer_met(base):
    told = compare(base, in_town(close=[{"id": "N1"}]), Scenario(title="nothing"))
    targets = told.targets()
    assert set(targets["scenario"]) == {"trial"}
    whole = row(targets, "ratio", "total")
    assert whole[["target_before", "target_after"]].tolist() == ["met", "not_met"]
    assert whole["value_before"] == pytest.approx(3 * 1000 / 285)
    assert (whole["value_after"], whole["gap_after"]) == (0, pytest.approx(2.85))
    assert "trial · 小镇 · ratio (town 1.1): met → not met, 10.5263 → 0 / 10 " in str(told)
    assert "targets that change state: 2" in str(told)  # the west and all together


def test_the_state_of_a_target_is_that_of_its_gravest_part(base):
    judgement = wr.judge(base)
    rows = judgement.table.assign(whole=states_of_targets(judgement.table))
    for code in ("1", "2", "total"):
        here = rows[rows["code"] == code].drop_duplicates("target").set_index("target")["whole"]
        assert here.to_dict() == judgement.states(code).set_index("target")["state"].to_dict()
    whole = rows[(rows["target"] == "tiers") & (rows["code"] == "total")]
    assert whole["state"].tolist() == ["met", "not_met", "not_computable"]
    assert whole["whole"].tolist() == ["not_met"] * 3


def test_without_registers_there_is_nothing_to_tell(town):
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    told = compare(result, in_town(close=[{"id": "A1"}]))
    assert len(told.targets()) == 0
    assert "targets" not in str(told)
    assert list(compare(result).targets().columns) == list(told.targets().columns)


def test_scenarios_need_titles_of_their_own(base):
    with pytest.raises(wr.CoverageError, match="several scenarios are called 'trial'"):
        compare(base, in_town(), in_town(close=[{"id": "N1"}]))
    with pytest.raises(wr.CoverageError, match="no scenario 'other'; compared are: trial"):
        compare(base, in_town()).changes("other")


def test_compare_tells_targets_in_every_form(tmp_path):
    folder = tmp_path / "town"
    folder.mkdir()
    study = write_judged_town(folder)
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(in_town(open=[AT_E], close=[{"id": "N1"}]).to_toml(), encoding="utf-8")
    asked = ["compare", str(study), str(scenario)]
    done = CliRunner().invoke(cli, [*asked, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "49.6% → 98.4%" in done.output  # the west, people served
    assert "trial · 西区 · coverage people (town 1.1): not met → met" in done.output
    as_json = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).stdout)
    changed = [one for one in as_json["targets"] if one["changes_state"]]
    assert {(one["target"], one["code"]) for one in changed} >= {("coverage", "1"), ("ratio", "total")}
    table = pd.read_csv(tmp_path / "out" / "targets.csv", dtype={"code": str}, keep_default_na=False)
    assert len(table) == len(as_json["targets"])
    book = openpyxl.load_workbook(tmp_path / "out" / "comparison.xlsx")
    assert book.sheetnames == ["totals", "areas", "targets"]
    head, first = ([cell.value for cell in book["targets"][number]] for number in (1, 2))
    told = dict(zip(head, first, strict=True))
    assert told["state, before"] in {"met", "not met", "measured", "not computable"}
    assert {"clause", "value, before", "value, after", "gap, after", "changes state"} <= set(head)
    areas = gpd.read_file(tmp_path / "out" / "changes.gpkg", layer="areas_1")
    assert areas["targets_newly_met"].tolist() == [1, 0]
    # No nursery is left; and the new home does not tell its area, so that nobody knows whether the sum is enough.
    assert areas["targets_no_longer_met"].tolist() == [2, 0]
    assert areas["elder_care_gained_people"].tolist() == [30, 0]
    assert areas["elder_care_coverage_after"].tolist() == pytest.approx([60.5 / 61.5, 0.8])
