"""Targets on the command line and in files."""

from __future__ import annotations

import json

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import withinreach as wr
from judged_town import REGISTER, edit, judged_fixture  # noqa: F401
from withinreach.cli import cli
from withinreach.standards.judgement import DTYPES


def test_command_prints_clause_state_gap_and_counts(judged):
    done = CliRunner().invoke(cli, ["targets", str(judged)])
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    for part in ("share of nursing beds", "convert 11 or add 25", "only 66.7% tell; undecided", "36.67 %", "≥ 55 %"):
        assert part in told, told
    assert "met 3, not met 11, not computable 2, measured 1, not applicable 1" in told
    assert "no register asks for the statistic spare" in done.stderr


def test_command_in_chinese(judged):
    edit(judged, 'language = "en"', 'language = "zh"')
    told = " ".join(CliRunner().invoke(cli, ["targets", str(judged), "--unit", "1"]).stdout.split())
    for part in ("第1章 一", "每千人", "已达标 3", "无法计算", "改造 11 或新增 25", "缺少乡级单元清单"):
        assert part in told, told


def test_command_as_json(judged):
    told = json.loads(CliRunner().invoke(cli, ["targets", str(judged), "--json", "--unit", "1"]).stdout)
    assert told["unit"] == "1"
    assert sum(told["counts"]["town"].values()) == 18
    nursing = next(row for row in told["rows"] if row["target"] == "nursing")
    assert nursing["by_adding"] == pytest.approx(11 / 0.45)
    assert nursing["needs"] == [
        "facilities.kinds.elder_institution",
        "facilities.attributes.beds",
        "facilities.attributes.nursing_beds",
    ]
    assert {"target": "ratio", "register": "town", "chapter": "1", "clause": "1.1", "state": "met"} in told["targets"]


def test_a_study_without_registers_says_which_there_are(town):
    done = CliRunner().invoke(cli, ["targets", str(town)])
    assert done.exit_code == 1
    assert "names no registers to be judged by" in done.stderr
    assert "henan, national-2025, national-2030, xinxiang-2025" in done.stderr


def test_unknown_unit_and_broken_register_are_errors_of_one_line(judged):
    done = CliRunner().invoke(cli, ["targets", str(judged), "--unit", "9"])
    assert (done.exit_code, done.stderr) == (1, "error: no unit with code 9; the study has: 1, 2, total\n")
    (judged.parent / "people.csv").unlink()  # registers are looked at first
    edit(judged.parent / "plan.toml", 'rule = "count"', 'rule = "cout"')
    for command in ("targets", "check", "run"):
        done = CliRunner().invoke(cli, [command, str(judged)])
        assert done.exit_code == 1
        assert "plan.toml: targets.count.rules.1" in done.stderr


def test_exports_hold_targets_of_all_and_of_each(judged, tmp_path):
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(judged))), tmp_path / "out")
    everything = pd.read_csv(out / "targets.csv", encoding="utf-8-sig", dtype={"code": str})
    assert list(everything.columns) == list(DTYPES)
    assert set(everything["code"]) == {"1", "2", "total"}
    one = pd.read_csv(out / "county" / "1" / "1_targets.csv", encoding="utf-8-sig", dtype={"code": str})
    assert set(one["code"]) == {"1"}
    assert "inf" not in (out / "targets.csv").read_text(encoding="utf-8-sig")
    book = openpyxl.load_workbook(out / "targets.xlsx")
    assert book.sheetnames == ["targets", "units", "notes"]
    header = [cell.value for cell in book["targets"][1]]
    values = dict(zip(header, (cell.value for cell in book["targets"][2]), strict=True))
    assert (values["target"], values["state"], values["code"]) == ("ratio", "met", "total")
    assert values["value"] == pytest.approx(3000 / 285)
    assert book["targets"].freeze_panes == "A2"
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["targets"]["town"]["not_met"] == 11
    assert {"plan.toml", "villages.csv", "statistics.csv"} <= {item["file"] for item in manifest["inputs"]}
    assert manifest["parameters"]["registers"] == [{"name": "", "path": "plan.toml"}]


def test_workbooks_of_equal_inputs_are_equal(judged, tmp_path):
    edit(judged.parent / "areas.geojson", "西区", "=1+1")
    result = wr.analyse(wr.prepare(wr.load_study(judged)))
    first, second = (wr.export(result, tmp_path / name) / "targets.xlsx" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert openpyxl.load_workbook(first)["units"]["H2"].data_type == "s"


def test_the_town_names_every_kind_of_rule():
    for kind in (
        "ratio",
        "share",
        "coverage",
        "every_unit",
        "conditional",
        "tiers",
        "colocation",
        "statistic",
        "count",
    ):
        assert f'rule = "{kind}"' in REGISTER
