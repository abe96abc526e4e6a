"""The ledger from the raw file to the statuses, and the dates of what is divided by what."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import withinreach as wr
from population_files import STEP, write_grid
from withinreach.cli import cli
from withinreach.measures import continuous_ledger
from withinreach.model import Step
from withinreach.preparation.accounts import Accounts

CENSUS = """\
[population.calibration]
path = "census.csv"
as_of = 2020-11-01
groups = { all = ["all"], age_60_plus = ["old"] }

[[facilities]]"""


def edit(path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def town_with_everything(town):
    """Two people outside all areas, and a census with a unit that has no polygon."""
    people = town.parent / "people.csv"
    people.write_text(people.read_text() + "490000,3900000,2,1\n")
    (town.parent / "census.csv").write_text("code,all,old\n1,470,123\n2,50,10\n3,30,7\n", encoding="utf-8")
    edit(town, "[[facilities]]", CENSUS)
    return town


def test_groups_of_which_nobody_knows_which_holds_which_are_told(town_with_everything):
    findings = wr.prepare(wr.load_study(town_with_everything)).audit.findings
    told = findings.query("rule == 'groups_calibrated_apart'")["reason"]
    assert told.tolist() == ["nothing says which of all, age_60_plus hold the others"]


def test_every_step_by_hand(town_with_everything):
    """West has 61.5 old people and the census 123, so each of them counts twice."""
    result = wr.analyse(wr.prepare(wr.load_study(town_with_everything)))
    table = continuous_ledger(result.case, result.ledgers).query("group == 'age_60_plus'").drop(columns="group")
    steps = {(service, step): row for service, step, *row in table.itertuples(index=False)}
    by_hand = {  # west, east, outside, total
        ("", "read"): [61.5, 10, 1, 72.5],
        ("", "moved"): [0, 0, 0, 0],
        ("", "spread"): [0, 0, 0, 0],
        ("", "without_area"): [0, 0, 0, 0],
        ("", "outside_areas"): [0, 0, 1, 1],
        ("", "calibration"): [61.5, 0, 0, 61.5],
        ("", "in_areas"): [123, 10, 0, 133],
        ("", "census"): [123, 10, 7, 140],
        ("", "census_without_area"): [0, 0, 7, 7],
        ("", "residual"): [0, 0, 0, 0],
        ("", "snapped"): [121, 10, 0, 131],
        ("elder_care", "served"): [61, 8, 0, 69],
        ("elder_care", "too_far"): [60, 0, 0, 60],
        ("elder_care", "not_connected"): [0, 2, 0, 2],
        ("elder_care", "not_snapped"): [2, 0, 0, 2],
        ("elder_care", "outside_network"): [0, 0, 0, 0],
        ("elder_care", "residual"): [0, 0, 0, 0],
    }
    for key, row in by_hand.items():
        assert steps[key] == pytest.approx(row, abs=1e-10), key
    estimates = set(steps) - set(by_hand)
    assert all(step.endswith("_estimate") and not any(steps[service, step]) for service, step in estimates)


def test_without_a_census_its_lines_are_unknown(town):
    case = wr.prepare(wr.load_study(town))
    population = case.audit.population
    assert population.loc[["census", "census_without_area"]].isna().all(axis=None)
    assert population.loc["calibration"].tolist() == [0, 0]
    assert case.audit.factors.empty
    assert case.audit.factors.columns.tolist() == ["code", "name", "group", "people", "census", "factor", "plausible"]


def test_the_ledger_is_written_and_the_factors(town_with_everything, tmp_path):
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(town_with_everything))), tmp_path / "out")
    table = pd.read_csv(out / "ledger.csv", encoding="utf-8-sig", keep_default_na=False, na_values=[""])
    assert table.columns.tolist() == ["group", "service", "step", "1", "2", "outside_areas", "total"]
    assert table.query("step == 'in_areas'")["total"].tolist() == [520, 133]
    assert table.query("step == 'residual'")["total"].abs().max() < 1e-6
    factors = pd.read_csv(out / "calibration.csv", encoding="utf-8-sig", dtype={"code": str})
    assert factors["factor"].tolist() == pytest.approx([2, 1, 2, 1])
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["population"]["in_areas"] == {"all": 520, "age_60_plus": 133}
    assert manifest["population"]["census_without_area"] == {"all": 30, "age_60_plus": 7}
    assert abs(manifest["population"]["residual"]["all"]) < 1e-9
    assert {item["file"] for item in manifest["inputs"]} >= {"people.csv", "census.csv"}
    assert manifest["masked"] == [
        {"file": "people.csv", "column": column, "cells": 7, "no_data": 0, "not_a_number": 0, "negative": 0}
        for column in ("all", "old")
    ]


def test_unknown_lines_are_null_in_the_manifest_and_empty_in_the_table(town, tmp_path):
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "out")
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["population"]["census"] == {"all": None, "age_60_plus": None}
    with (out / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        census = [row for row in csv.reader(file) if row[2] == "census"]
    assert census == [[group, "", "census", "", "", "", ""] for group in ("all", "age_60_plus")]


def test_check_and_run_print_every_step(town_with_everything, tmp_path):
    done = CliRunner().invoke(cli, ["check", str(town_with_everything)])
    assert done.exit_code == 0, done.output
    line = next(line for line in done.stdout.splitlines() if line.startswith("people age_60_plus"))
    assert re.fullmatch(
        r"people age_60_plus: read 72\.5 - outside_areas 1\.0 \+ calibration 61\.5 = in_areas 133\.0; "
        r"residual -?\d\.\de[+-]\d\d; census 140\.0, of it without an area 7\.0",
        line,
    )
    done = CliRunner().invoke(cli, ["run", str(town_with_everything), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert "= 134.0 (age_60_plus read: 72.5, calibration: +61.5); residual" in told


def test_json_of_check_has_steps_and_factors(town_with_everything):
    told = json.loads(CliRunner().invoke(cli, ["check", str(town_with_everything), "--json"]).stdout)
    assert told["population"]["census"]["all"] == 550
    assert told["factors"][0] == {
        "code": "1", "name": "西区", "group": "all", "people": 235, "census": 470, "factor": 2, "plausible": False,
    }  # fmt: skip


def test_a_lost_person_is_a_defect():
    accounts = Accounts(["all"], ["1"])
    people = pd.DataFrame({"all": [3.0, 4.0]})
    accounts.enter(Step.READ, people, np.array([0, -1], np.int32))
    accounts.enter(Step.IN_AREAS, people, np.array([0, 0], np.int32))
    accounts.enter_outside(Step.OUTSIDE_AREAS, pd.Series({"all": 3.0}))
    with pytest.raises(AssertionError, match="people of all were lost in preparation"):
        accounts.table()


# Dates --------------------------------------------------------------------------------------------------------


def dates(study) -> list[tuple[str, str]]:
    found = wr.prepare(wr.load_study(study)).audit.findings.query("rule == 'dates_apart'")
    return list(zip(found["file"], found["value"], strict=True))


@pytest.mark.parametrize(
    ("people", "facilities", "apart"),
    [
        ("2020-11-01", None, True),  # of the study, 2025-06-30
        ("2024-06-30", None, False),
        ("2024-06-28", None, True),
        ("2020-11-01", "2021-03-01", False),
        ("2020-11-01", "2019-06-01", True),
    ],
)
def test_people_and_facilities_of_different_years(town, people, facilities, apart):
    edit(town, "as_of = 2020-11-01", f"as_of = {people}")
    if facilities:
        edit(town, 'path = "facilities.csv"', f'path = "facilities.csv"\nas_of = {facilities}')
    assert dates(town) == ([("facilities.csv", facilities or "2025-06-30")] if apart else [])


def test_people_and_census_of_different_years(town_with_everything):
    edit(town_with_everything, "as_of = 2020-11-01\nx", "as_of = 2025-01-01\nx")
    assert dates(town_with_everything) == [("census.csv", "2020-11-01")]


def test_rasters_of_another_year_than_declared(town):
    folder = town.parent / "worldpop"
    folder.mkdir()
    for band in ("00", "01", *(f"{age:02d}" for age in range(5, 95, 5))):
        write_grid(folder / f"chn_t_{band}_2025_CN_100m_R2025A_v1.tif", np.full((40, 40), 0.5))
    text = town.read_text(encoding="utf-8")
    head, rest = text.split("[population]")
    bands = '[population]\ndatum = "wgs84"\nas_of = 2020-11-01\nbands = { path = "worldpop", year = 2025 }\n\n'
    town.write_text(head + bands + "[[facilities]]" + rest.split("[[facilities]]", 1)[1], encoding="utf-8")
    findings = wr.prepare(wr.load_study(town)).audit.findings
    assert findings.query("rule == 'rasters_of_another_year'")[["file", "reason"]].to_numpy().tolist() == [
        ["worldpop", "the rasters are of 2025 by their names"]
    ]
    splits = findings.query("rule == 'age_band_split'")["reason"].tolist()
    assert splits[0] == "age_0_2 takes 0.5 of the band chn_t_01_2025_CN_100m_R2025A_v1.tif"
    assert len(splits) == 3


def test_areas_beyond_the_rasters_are_told(town):
    """Rasters that end 10 cells east of the western border."""
    edit(town, '[population]\ndatum = "EPSG:4547"', '[population]\ndatum = "wgs84"')
    for column in ("all", "old"):
        edit(town, f'path = "people.csv", column = "{column}"', f'path = "{column}.tif"')
        write_grid(town.parent / f"{column}.tif", np.full((40, 8), 0.5), at=(113.9985, 35.235), step=STEP)
    findings = wr.prepare(wr.load_study(town)).audit.findings.query("rule == 'area_beyond_rasters'")
    assert findings["value"].tolist() == ["1", "2"]
    assert findings["reason"].iloc[1] == "100.0% of the area lie beyond the rasters"


def test_groups_that_exceed_what_holds_them_are_told(town):
    for group, ages in (("all", [0]), ("age_60_plus", [60])):
        edit(town, f"[population.groups.{group}]", f"[population.groups.{group}]\nages = {ages}")
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace(",40.0,8.0", ",40.0,41.5"))
    (town.parent / "census.csv").write_text("code,all,old\n1,235,61.5\n2,50,43\n", encoding="utf-8")
    edit(town, "[[facilities]]", CENSUS)
    case = wr.prepare(wr.load_study(town))
    findings = case.audit.findings.query("rule == 'group_exceeds_group'")
    assert findings["reason"].tolist() == ["age_60_plus exceeds all in 1 cells, by 1.5 people"]
    assert (case.people_of("age_60_plus") <= case.people_of("all")).all()
