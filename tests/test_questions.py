"""The commands that ask further, and what exports tell of facilities."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.cli import cli
from withinreach.measures.decay import Stepped


@pytest.fixture
def study(tmp_path):
    return write_nine_cells(tmp_path / "town")


@pytest.fixture
def result(study):
    return wr.analyse(wr.prepare(wr.load_study(study)))


def rows_of(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_supply_by_hand(result):
    supply = wr.weigh_supply(result, "elder_care")
    table = supply.areas.set_index("code")
    np.testing.assert_allclose(table["mean"], [75 / 150, 8 / 145])
    np.testing.assert_allclose(table["placed"], [130, 0], atol=1e-9)
    np.testing.assert_allclose(table["no_room"], [20, 0], atol=1e-9)
    np.testing.assert_allclose(supply.facilities["ratio"], [0.7, 0.1, np.nan])
    np.testing.assert_allclose(supply.facilities["taken"], [45, 20, np.nan])
    # the facilities' ratio stays that of everybody within the cutoff, whatever the decay
    decayed = wr.weigh_supply(result, "elder_care", decay=Stepped((200, 400, 600), (1, 0.5, 0.25)))
    np.testing.assert_allclose(decayed.access.score, [0.9, 0.94, 0.53, 0.61, 0.16, 0.08, 0, 0, 0])
    np.testing.assert_allclose(decayed.facilities["ratio"], [0.7, 0.1, np.nan])


@pytest.mark.parametrize("ask", [wr.weigh_supply, wr.weigh_equity])
def test_an_unknown_service_is_named(result, ask):
    with pytest.raises(wr.CoverageError, match="no service 'school' in the study; it has: elder_care"):
        ask(result, "school")


def test_supply_command(study):
    text = run("supply", study)
    assert "places that are known: 83, in 66.7% of the facilities" in text
    assert "at best 65.0 of them are used (no way to use more than 65.0)" in text
    assert "unserved although in reach: 20 people at least\n" in text
    assert "may find room where the capacity is unknown: 130 people" in text
    assert "overloaded: B院 (B): 200 people within reach, 20 places, 5.0 times what there is" in text
    told = json.loads(run("supply", study, "--json"))["elder_care"]
    assert told["placed"] == pytest.approx(65)
    assert told["facilities"][2]["capacity"] is None
    assert [row["room_unknown"] for row in told["areas"]] == [0, 130]


def test_equity_command(study):
    text = run("equity", study)
    assert "palma: 4.453" in text
    assert "mountain: the study gives no terrain" in text
    assert "the worst-served tenth lives in: 东 30, 西 0" in text
    told = json.loads(run("equity", study, "--json"))["elder_care"]
    assert told["score"] == "places_per_person"
    assert told["lorenz"][-1] == {"people_share": 1, "score_share": 1}


def test_sensitivity_command(study, tmp_path):
    text = run("sensitivity", study, "--runs", 5, "--other", study, "--plot", tmp_path / "plots")
    assert "养老: 94.9% [" in text
    assert "cutoff -33%: 94.9% (+0.0 points)" in text
    assert f"population {study}: 94.9%" in text
    assert (tmp_path / "plots" / "elder_care.png").is_file()
    told = json.loads(run("sensitivity", study, "--runs", 5, "--seed", 3, "--json"))
    assert told["seed"] == 3
    assert {row["code"] for row in told["intervals"]} == {"1", "2", "total"}


def test_change_command(study, tmp_path):
    after = write_nine_cells(tmp_path / "after")
    path = after.parent / "facilities.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([*lines[:3], "D,养老,丁院,501000,3905000.0,9", ""]), encoding="utf-8-sig")
    text = run("change", study, after)
    assert "养老: 94.9% -> 79.7%: facilities -15.25, people +0.00, streets +0.00" in text
    assert "new: 丁院 (D)" in text
    assert "closed: C院 (C)" in text
    told = json.loads(run("change", study, after, "--json"))
    assert [row["status"] for row in told["facilities"]] == ["kept", "kept", "new", "closed"]


def test_exports_list_facilities_with_their_loads(result, tmp_path):
    folder = wr.export(result, tmp_path / "out")
    rows = rows_of(folder / "facilities.csv")
    assert [row["id"] for row in rows] == ["A", "B", "C"]
    assert [row["ratio"] for row in rows] == ["0.7", "0.1", ""]
    assert [row["catchment_people"] for row in rows] == ["90.0", "200.0", "130.0"]
    east = rows_of(folder / "county" / "2" / "2_facilities.csv")
    assert [row["id"] for row in east] == ["C"]


def test_services_without_capacity_have_loads_without_places(town, tmp_path):
    folder = wr.export(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "out")
    rows = rows_of(folder / "facilities.csv")
    clinic = next(row for row in rows if row["service"] == "clinic")
    assert clinic["capacity"] == clinic["load"] == clinic["ratio"] == ""
    assert float(clinic["catchment_people"]) == 80
