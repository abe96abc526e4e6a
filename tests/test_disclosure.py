"""Nobody can work out what is withheld: attacks by linear programmes on random tables and on written files."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import frictionless
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import withinreach as wr
from conftest import EAST, VETERANS, _box, _features, with_veterans
from withinreach.batch.parts import write_parts
from withinreach.batch.reading import read_county
from withinreach.cli import cli
from withinreach.exports.disclosure.counts import CountsBuilder
from withinreach.exports.disclosure.rounding import rounded
from withinreach.exports.disclosure.suppression import feasible_interval, small, suppressed
from withinreach.exports.withheld import PROTECTED
from withinreach.publishing import HOME, Material, write_county

if TYPE_CHECKING:
    from pathlib import Path

MINIMUM = 10.0


def attack(sums: np.ndarray, value: np.ndarray, known: np.ndarray, at: int) -> tuple[float, float]:
    """The least and the most that a count can be: dense, written anew, without the code of the project."""
    bounds = [(v, v) if k else (0, None) for v, k in zip(value, known, strict=True)]
    ends = []
    for sign in (1, -1):
        cost = np.zeros(len(value))
        cost[at] = sign
        found = linprog(cost, A_eq=sums, b_eq=sums @ value, bounds=bounds)
        ends.append(sign * found.fun if found.status == 0 else np.inf)
    return ends[0], ends[1]


AMOUNTS = st.one_of(st.just(0.0), st.integers(1, 9), st.integers(10, 60), st.floats(0.5, 200)).map(float)


@st.composite
def nested_tables(draw):
    """Two statuses and all people of counties, some with townships that need not cover them; and the sums."""
    parts = {
        str(county): [f"{county}.{n}" for n in range(draw(st.integers(0, 3)))]
        for county in range(draw(st.integers(1, 4)))
    }
    values: dict[tuple[str, str], float] = {}
    for quantity in ("served", "other"):
        for county, some in parts.items():
            for unit in some:
                values[quantity, unit] = draw(AMOUNTS)
            values[quantity, county] = sum(values[quantity, unit] for unit in some) + draw(AMOUNTS)
        values[quantity, "total"] = sum(values[quantity, county] for county in parts)
    units = [unit for quantity, unit in values if quantity == "served"]
    values |= {("people", unit): values["served", unit] + values["other", unit] for unit in units}
    build = CountsBuilder()
    for key, value in values.items():
        build.print_count(key, value)
    for unit in units:
        build.relate(("people", unit), [("served", unit), ("other", unit)])
    for quantity in ("people", "served", "other"):
        build.relate((quantity, "total"), [(quantity, county) for county in parts])
        for county, some in parts.items():
            build.relate((quantity, county), [(quantity, one) for one in some], rest=(quantity, county, "elsewhere"))
    return build.counts()


@settings(max_examples=25, deadline=None)
@given(nested_tables())
def test_no_attack_on_a_random_table_succeeds(counts):
    sensitive = small(counts.value, MINIMUM)
    hidden = suppressed(counts, sensitive, MINIMUM)
    assert hidden[sensitive & counts.printed].all()
    known = counts.printed & ~hidden
    sums = counts.sums.toarray()
    for at in np.flatnonzero(sensitive):
        low, high = attack(sums, counts.value, known, at)
        assert low <= 1e-4
        assert high >= MINIMUM - 1e-4
    for at in np.flatnonzero(hidden):
        low, high = attack(sums, counts.value, known, at)
        assert high - low >= MINIMUM - 1e-4, counts.keys[at]


@settings(max_examples=25, deadline=None)
@given(nested_tables(), st.sampled_from([3, 5, 10]))
def test_rounding_keeps_sums_and_hides_small_counts(counts, base):
    told = rounded(counts, base)
    assert np.allclose(told.sums @ told.value, 0)
    assert np.allclose(told.value % base, 0)
    assert (told.value >= 0).all()
    assert not told.value[counts.printed & (counts.value < 1e-6)].any()
    assert np.abs(told.value - counts.value)[counts.printed].max() < 3 * base
    sensitive = small(counts.value, MINIMUM)
    hidden = suppressed(told, sensitive, MINIMUM)
    sums = told.sums.toarray()
    for at in np.flatnonzero(hidden | sensitive):
        low, high = attack(sums, told.value, told.printed & ~hidden, at)
        assert high - low >= MINIMUM - 1e-4


def test_one_small_county_takes_another_with_it():
    build = CountsBuilder()
    for unit, value in (("a", 4.0), ("b", 30.0), ("c", 500.0), ("total", 534.0)):
        build.print_count(unit, value)
    build.relate("total", ["a", "b", "c"])
    counts = build.counts()
    hidden = suppressed(counts, small(counts.value, MINIMUM), MINIMUM)
    assert [key for key, gone in zip(counts.keys, hidden, strict=True) if gone] == ["a", "b"]
    low, high = feasible_interval(counts, hidden, 0)
    assert (low, high) == (0, 34)


def test_nothing_is_withheld_where_nothing_is_small():
    build = CountsBuilder()
    for unit, value in (("a", 0.0), ("b", 30.0), ("total", 30.0)):
        build.print_count(unit, value)
    build.relate("total", ["a", "b"])
    counts = build.counts()
    assert not suppressed(counts, small(counts.value, MINIMUM), MINIMUM).any()


# What is written -------------------------------------------------------------------------------------------------

COUNTS = ("people", "served_people", "uncovered_people", "served_own_people", "estimated_people", "circle_people")


def publish(study: Path, folder: Path) -> Path:
    return wr.export(wr.analyse(wr.prepare(wr.load_study(study))), folder)


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"code": str}, encoding="utf-8-sig", keep_default_na=False)


def test_veterans_are_protected_by_default_and_nobody_else(town, tmp_path):
    folder = publish(with_veterans(town), tmp_path / "out")
    coverage = table(folder / "coverage.csv").set_index(["service", "code"])
    assert coverage.loc[("elder_care", "2"), "people"] == "10.0"
    # 2.713 on the island are not served: too few to be told, and so is what gives them away
    assert coverage.loc[("honour", "2"), "uncovered_people"] == PROTECTED
    assert coverage.loc[("honour", "2"), "coverage"] == PROTECTED
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["disclosure"]
    assert (manifest["groups"], manifest["services"], manifest["minimum"]) == (["veterans"], ["honour"], 10)
    assert manifest["withheld_small_counts"] > 0


def test_without_veterans_nothing_is_withheld(town, tmp_path):
    folder = publish(town, tmp_path / "out")
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["disclosure"] is None
    for path in folder.rglob("*.csv"):
        assert PROTECTED not in path.read_text(encoding="utf-8-sig").replace('"protected"\r\n', "")


class _Reader:
    """What somebody knows who has every file: printed counts, and how they must add up. Written without our code."""

    def __init__(self, folder: Path) -> None:
        self.at: dict[tuple[str, ...], int] = {}
        self.value: list[float] = []
        self.rows: list[dict[int, float]] = []
        coverage, ledger = table(folder / "coverage.csv"), table(folder / "ledger.csv")
        units = [name for name in ledger.columns if name not in ("group", "service", "step", "outside_areas")]
        for row in coverage[coverage["service"] == "honour"].to_dict(orient="records"):
            for name in COUNTS:
                self.know((name, row["code"]), row[name])
        for row in ledger[ledger["service"] == "honour"].to_dict(orient="records"):
            for unit in units:
                self.know((row["step"], unit), row[unit])
        for path in folder.glob("county/*/*_townships.csv"):
            for row in table(path).query("service == 'honour'").to_dict(orient="records"):
                for name in COUNTS:
                    self.know((name, f"{path.parent.name}/{row['code']}"), row[name])
        self.relate([unit for unit in units if unit != "total"])

    def relate(self, counties: list[str]) -> None:
        statuses = [name for name, unit in self.at if unit == "total" and name not in (*COUNTS, "residual")]
        for name in (*COUNTS, *statuses):
            self.add((name, "total"), [(name, unit) for unit in counties])
        for unit in {unit for _, unit in self.at}:
            self.add(("people", unit), [("served_people", unit), ("uncovered_people", unit)])
            self.below(("served_own_people", unit), ("served_people", unit))
            self.below(("served_people", unit), ("circle_people", unit))
            self.below(("circle_people", unit), ("people", unit))
            if ("served", unit) in self.at:
                self.add(("people", unit), [(name, unit) for name in statuses])
                self.add(("served_people", unit), [("served", unit), ("served_estimate", unit)])
                self.add(("estimated_people", unit), [("served_estimate", unit), ("too_far_estimate", unit)])
            if "/" in unit:
                for name in COUNTS:
                    self.below((name, unit), (name, unit.split("/")[0]))

    def know(self, key: tuple[str, str], told: object) -> None:
        self.at[key] = len(self.value)
        self.value.append(np.nan if told == PROTECTED else float(told))

    def add(self, whole, parts) -> None:
        self.rows.append({self.at[whole]: -1.0, **{self.at[part]: 1.0 for part in parts}})

    def below(self, less, more) -> None:
        self.value.append(np.nan)
        self.rows.append({self.at[more]: -1.0, self.at[less]: 1.0, len(self.value) - 1: 1.0})

    def interval(self, key: tuple[str, str]) -> tuple[float, float]:
        sums = np.zeros((len(self.rows), len(self.value)))
        for number, row in enumerate(self.rows):
            for at, sign in row.items():
                sums[number, at] = sign
        # what is printed is rounded to six digits
        bounds = [(0, None) if np.isnan(v) else (max(v - 1e-5, 0), v + 1e-5) for v in self.value]
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(self.value))
            cost[self.at[key]] = sign
            found = linprog(cost, A_eq=sums, b_eq=np.zeros(len(sums)), bounds=bounds)
            assert found.status in (0, 3), found.message
            ends.append(sign * found.fun if found.status == 0 else np.inf)
        return ends[0], ends[1]


TOWNSHIPS = """
[units.township]
path = "townships.geojson"
datum = "EPSG:4547"
"""


@pytest.mark.parametrize("settings_of", ["", "\n[disclosure]\nrounding = 5\ngroups = ['veterans']\n"])
def test_no_attack_on_the_written_tables_succeeds(town, tmp_path, settings_of):
    boxes = [("t1", "北镇", 499900, 500350), ("t2", "南镇", 500350, 500600)]
    (town.parent / "townships.geojson").write_text(
        _features(
            [
                ({"code": code, "name": name}, _box(west - EAST, -700, east - EAST, 600))
                for code, name, west, east in boxes
            ]
        ),
        encoding="utf-8",
    )
    folder = publish(with_veterans(town, TOWNSHIPS + settings_of), tmp_path / "out")
    reader = _Reader(folder)
    gone = [key for key, at in reader.at.items() if np.isnan(reader.value[at])]
    assert len(gone) > 5
    for key in gone:
        low, high = reader.interval(key)
        assert high - low >= MINIMUM - 0.01, (key, low, high)
    if settings_of:
        told = np.array(reader.value)
        assert not (told[~np.isnan(told)] % 5).any()


def test_nothing_of_protected_cells_is_written_anywhere(town, tmp_path):
    folder = publish(with_veterans(town), tmp_path / "out")
    county = folder / "county" / "1"
    cells = gpd.read_parquet(county / "1_cells.parquet")
    assert "veterans" not in cells.columns
    assert not [name for name in cells.columns if name.startswith("honour")]
    with rasterio.open(county / "1_minutes.tif") as file:
        assert file.count == 4
    assert sorted(path.name for path in county.glob("*.png")) == ["1_clinic.png", "1_elder_care.png"]
    assert "honour" not in (county / "1_gaps.csv").read_text(encoding="utf-8-sig")
    assert "honour" not in (county / "1.html").read_text(encoding="utf-8")
    area = gpd.read_file(county / "1.gpkg", layer="area")
    assert area["honour_uncovered_people"].isna().all() == ("honour_uncovered_people" in area["protected"].iloc[0])
    loads = table(county / "1_facilities.csv").query("service == 'honour'")
    assert set(loads["nearest_people"]) == {PROTECTED}
    digits = {f"{people:.3f}".lstrip("0") for people in VETERANS}
    for path in folder.rglob("*"):
        if path.suffix in (".csv", ".json", ".geojson"):
            text = path.read_text(encoding="utf-8-sig")
        elif path.suffix in (".xlsx", ".docx"):
            with zipfile.ZipFile(path) as book:
                text = " ".join(book.read(name).decode("utf-8") for name in book.namelist() if name[-4:] == ".xml")
        else:
            continue
        assert not [number for number in digits if number in text], path.name


def test_parts_of_a_batch_withhold_the_same(town, tmp_path):
    """A county that is written alone knows what is withheld elsewhere for its sake."""
    study = with_veterans(town)
    write_parts(Material.of(wr.analyse(wr.prepare(wr.load_study(study)))), "key", tmp_path / "parts")
    folder = publish(study, tmp_path / "out")
    for code in ("1", "2"):
        alone = tmp_path / code
        alone.mkdir()
        write_county(read_county(tmp_path / "parts", code), code, alone, home=HOME)
        names = sorted(path.name for path in alone.iterdir())
        assert names == sorted(path.name for path in (folder / "county" / code).iterdir())
        assert [
            name for name in names if (alone / name).read_bytes() != (folder / "county" / code / name).read_bytes()
        ] == []


def test_where_every_group_is_protected_no_map_is_written(town, tmp_path):
    town.write_text(town.read_text(encoding="utf-8") + "\n[disclosure]\nminimum = 5\n", encoding="utf-8")
    folder = publish(town, tmp_path / "out")
    names = {path.name for path in (folder / "county" / "1").iterdir()}
    assert {"1.xlsx", "1_coverage.csv", "1.gpkg", "1_facilities.parquet"} <= names
    assert not {"1.html", "1_cells.parquet", "1_gaps.geojson", "1_minutes.tif", "1_brief.docx"} & names
    assert not [name for name in names if name.endswith(".png")]
    book = openpyxl.load_workbook(folder / "county" / "1" / "1.xlsx")
    assert "protected" in [cell.value for row in book["overview"].iter_rows() for cell in row]
    for resource in frictionless.Package(folder / "datapackage.json").resources:
        if resource.format == "csv":
            assert resource.validate().valid
    done = CliRunner().invoke(cli, ["map", str(town), "-o", str(tmp_path / "m.html")])
    assert done.exit_code == 1
    assert "every population group is protected" in done.stderr
    done = CliRunner().invoke(cli, ["brief", str(town), "--out", str(tmp_path / "briefs")])
    assert (done.exit_code, "no brief can be written" in done.stderr) == (1, True)


def test_a_group_that_is_not_there_is_an_error(town):
    town.write_text(town.read_text(encoding="utf-8") + "\n[disclosure]\ngroups = ['veteran']\n", encoding="utf-8")
    with pytest.raises(wr.CoverageError, match=r"disclosure.groups = 'veteran' is not defined here"):
        wr.load_study(town)
