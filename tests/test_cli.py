"""The commands end to end on the town."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
from click.testing import CliRunner

import withinreach as wr
from withinreach.cli import cli
from withinreach.cli.sites import OBJECTIVES
from withinreach.model import file_stem
from withinreach.publishing import HOME, Publication, write_county
from withinreach.siting.rules import Objective

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ran(town, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["run", str(town), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out, done


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_run_writes_map_tables_geodata_and_manifest(ran):
    out, done = ran
    whole = ["audit.csv", "calibration.csv", "coverage.csv", "datapackage.json", "facilities.csv", "index.html"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*whole, "county", "ledger.csv", "manifest.json"])
    for code in ("1", "2"):
        county = {path.name for path in (out / "county" / code).iterdir()}
        mine = {f"{code}.gpkg", f"{code}.html", f"{code}_coverage.csv"}
        assert county == mine | {"manifest.json", "datapackage.json"}
    assert done.stdout.rstrip().endswith(str(out / "index.html"))
    assert "ledger: served 38.5 + too_far 30.0 + not_connected 2.0 + not_snapped 1.0" in " ".join(done.stdout.split())


def test_same_inputs_give_the_same_bytes(town, ran, tmp_path):
    out, _ = ran
    again = tmp_path / "again"
    assert CliRunner().invoke(cli, ["run", str(town), "--out", str(again)]).exit_code == 0
    first, second = files(out), files(again)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_an_earlier_output_is_replaced_whole(town, ran):
    out, _ = ran
    (out / "county" / "left-over.txt").write_text("from an earlier run")
    assert CliRunner().invoke(cli, ["run", str(town), "--out", str(out)]).exit_code == 0
    assert not (out / "county" / "left-over.txt").exists()
    assert [p.name for p in out.parent.iterdir() if p.name.startswith(".")] == []


def test_county_csv_is_utf8_with_bom_and_codes_are_text(ran):
    raw = (ran[0] / "county" / "1" / "1_coverage.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    text = raw.decode("utf-8-sig")
    assert '\r\n"1","西区","elder_care"' in text
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["service"] for row in rows] == ["elder_care", "clinic"]
    assert float(rows[0]["uncovered_people"]) == 31
    assert rows[1]["capacity"] == ""


def test_table_of_everything_has_totals(ran):
    table = pd.read_csv(ran[0] / "coverage.csv", dtype={"code": str}, encoding="utf-8-sig")
    assert table["code"].tolist() == ["1", "2", "total"] * 2
    assert table.loc[2, "people"] == 71.5


def test_geopackage_has_area_facilities_and_cells(ran):
    path = ran[0] / "county" / "1" / "1.gpkg"
    names = ["area", "facilities", "cells", "isochrones", "catchments", "gaps", "layer_styles"]
    assert [name for name, _ in pyogrio.list_layers(path)] == names
    cells = gpd.read_file(path, layer="cells")
    assert cells.crs == "EPSG:4547"
    assert cells["elder_care_status"].tolist() == ["served", "too_far", "served", "not_snapped"]
    assert cells["elder_care_s"].tolist()[:3] == [10, 800, 420]
    assert cells["elder_care_s"].isna().tolist() == [False, False, False, True]
    assert cells["elder_care_nearest"].tolist()[:3] == ["A1", "A1", "A2"]
    assert gpd.read_file(path, layer="facilities")["name"].tolist() == ["甲养老院", "丙诊所"]
    area = gpd.read_file(path, layer="area")
    assert area["code"].tolist() == ["1"]
    assert area["elder_care_uncovered_people"].tolist() == [31]
    # the old people's home and the clinic of the west
    isochrones = gpd.read_file(path, layer="isochrones")
    assert isochrones[["service", "id", "minutes"]].to_numpy().tolist() == [
        ["elder_care", "A1", 8.35],
        ["clinic", "C1", 6],
    ]
    catchments = gpd.read_file(path, layer="catchments")
    assert catchments[["service", "id", "people"]].to_numpy().tolist() == [
        ["elder_care", "A1", 50],
        ["clinic", "C1", 270],
    ]
    for layer in (isochrones, catchments):
        assert layer.crs == "EPSG:4547"
        assert layer.geometry.contains(gpd.read_file(path, layer="facilities").geometry).all()


def test_manifest_names_inputs_parameters_and_ledger(town, ran):
    manifest = json.loads((ran[0] / "manifest.json").read_text(encoding="utf-8"))
    inputs = {item["file"]: item["sha256"] for item in manifest["inputs"]}
    for name in ("areas.geojson", "streets.geojson", "people.csv", "facilities.csv"):
        assert inputs[name] == hashlib.sha256((town.parent / name).read_bytes()).hexdigest()
    assert manifest["parameters"]["services"]["elder_care"]["cutoff_min"] == 8.35
    assert manifest["parameters"]["network"]["path"] == "streets.geojson"
    assert sum(manifest["ledger"]["elder_care"].values()) == 71.5
    assert manifest["versions"]["withinreach"] == wr.__version__
    assert str(town.parent) not in json.dumps(manifest, ensure_ascii=False)


def test_names_from_data_are_no_formulas(town, tmp_path):
    areas = town.parent / "areas.geojson"
    areas.write_text(areas.read_text(encoding="utf-8").replace("西区", "=1+1"), encoding="utf-8")
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "out")
    assert '"\'=1+1"' in (out / "coverage.csv").read_text(encoding="utf-8-sig")


def test_codes_from_data_are_no_paths(town, tmp_path):
    areas = town.parent / "areas.geojson"
    areas.write_text(
        areas.read_text(encoding="utf-8").replace('"code": 1', '"code": "../../1"').replace('"code": 2', '"code": "2"'),
        encoding="utf-8",
    )
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "deep" / "out")
    assert sorted(p.name for p in (out / "county").iterdir()) == ["2", "_.._1-f6e3895d"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "town"]


def test_export_of_one_county(town, tmp_path):
    done = CliRunner().invoke(cli, ["export", str(town), "--county", "2", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert [p.name for p in (tmp_path / "out" / "county").iterdir()] == ["2"]


def test_map_alone(town, tmp_path):
    target = tmp_path / "maps" / "town.html"
    done = CliRunner().invoke(cli, ["map", str(town), "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert "小镇" in target.read_text(encoding="utf-8")


def test_check_tells_findings_and_writes_nothing(town, tmp_path):
    before = files(tmp_path)
    done = CliRunner().invoke(cli, ["check", str(town)])
    assert done.exit_code == 0, done.output
    assert "info: streets.geojson: 2 separate components; the largest holds 71.4% of the nodes: kept" in done.stdout
    assert "1 cells with 5.0 people have no street within 300 m" in done.stdout
    assert files(tmp_path) == before


def test_check_as_json(town):
    told = json.loads(CliRunner().invoke(cli, ["check", str(town), "--json"]).stdout)
    assert told["population"]["read"]["all"] == 285
    first = told["findings"][0]
    assert (first["severity"], first["file"], first["row"]) == ("info", "streets.geojson", None)


def test_check_tells_problems_beside_findings_and_ends_with_1(town):
    (town.parent / "people.csv").write_text("x,y,all\n1,2,3\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["check", str(town), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["population"] is None
    assert "no column 'old'" in told["problems"][0]
    assert told["findings"][0]["rule"] == "components"
    assert f"error: {told['problems'][0]}" in done.stderr


@pytest.mark.parametrize(("language", "header"), [("en", "severity"), ("zh", "严重程度")])
def test_check_writes_a_workbook_in_the_language_of_the_study(town, tmp_path, language, header):
    path = town.parent / "facilities.csv"
    text = path.read_text(encoding="utf-8-sig") + "=1+1,学校,=cmd|' /C calc'!A0,500000,3900000,\n"
    path.write_text(text.replace("学校", "=学\x07校"), encoding="utf-8")
    town.write_text(town.read_text(encoding="utf-8").replace('"en"', f'"{language}"'), encoding="utf-8")
    target = tmp_path / "out" / "findings.xlsx"
    done = CliRunner().invoke(cli, ["check", str(town), "--xlsx", str(target)])
    assert done.exit_code == 0, done.output
    summary, every = openpyxl.load_workbook(target).worksheets
    assert every.cell(1, 1).value == summary.cell(1, 1).value == header
    rows = list(every.iter_rows(min_row=2))
    assert sum(row[3].value for row in summary.iter_rows(min_row=2)) == len(rows)
    assert f"{len(rows)} findings: 0 error" in done.stdout
    (odd,) = [row for row in rows if row[1].value == "kind_not_listed"]
    assert (odd[3].value, odd[5].value, odd[5].data_type) == (5, "=学校", "s")
    assert [path.name for path in target.parent.iterdir()] == ["findings.xlsx"]


def test_run_as_json_has_null_for_unknown(town, tmp_path):
    done = CliRunner().invoke(cli, ["run", str(town), "--json", "--out", str(tmp_path / "out")])
    told = json.loads(done.stdout)
    assert told["services"]["elder_care"]["areas"][1]["capacity"] is None
    assert told["services"]["elder_care"]["total"]["people"] == 71.5
    assert told["out"] == str(tmp_path / "out")


def test_rows_of_other_kinds_are_left_out_and_listed(town):
    path = town.parent / "facilities.csv"
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text + "S1,学校,丁小学,500000,3900000,\n", encoding="utf-8")
    case = wr.prepare(wr.load_study(town))
    assert case.facilities.table["id"].tolist() == ["A1", "A2", "C1"]
    finding = case.audit.findings.query("column == '类别'").iloc[0]
    assert (finding["row"], finding["value"], finding["action"]) == (5, "学校", "left out")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_module_can_be_run(option):
    done = subprocess.run([sys.executable, "-m", "withinreach", option], check=True, capture_output=True, text=True)
    assert "withinreach" in done.stdout


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "parquet"])
def test_isochrones_are_written_in_the_format_of_the_suffix(town, tmp_path, suffix):
    path = tmp_path / "new" / f"rings.{suffix}"
    order = ["isochrones", str(town), "--service", "elder_care", "--minutes", "4", "--minutes", "2", "-o", str(path)]
    done = CliRunner().invoke(cli, order)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{path}\n"
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    first = path.read_bytes()
    rings = gpd.read_parquet(path) if suffix == "parquet" else gpd.read_file(path)
    want = wr.trace_isochrones(wr.prepare(wr.load_study(town)), "elder_care", minutes=(2, 4))
    assert list(rings.columns) == list(want.columns)
    assert rings["minutes"].tolist() == [2, 4, 2, 4]
    assert rings.crs == ("EPSG:4326" if suffix == "geojson" else "EPSG:4547")
    assert rings.to_crs("EPSG:4547").geometry.area.tolist() == pytest.approx(want.geometry.area.tolist(), rel=1e-3)
    # an earlier file is replaced, by the same bytes
    assert CliRunner().invoke(cli, order).exit_code == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("service", "minutes", "name", "message"),
    [
        ("nursery", "5", "rings.gpkg", "no service 'nursery' in the study; it has: elder_care, clinic"),
        ("clinic", "0", "rings.gpkg", "minutes = [0.0]: give one or more numbers above 0, up to 240"),
        (
            "clinic",
            "5",
            "rings.shp",
            "rings.shp: '.shp' is no format for it; end the name in .gpkg, .geojson, .parquet",
        ),
    ],
)
def test_isochrones_that_cannot_be_written_are_told_in_one_line(town, tmp_path, service, minutes, name, message):
    path = tmp_path / "new" / name
    done = CliRunner().invoke(
        cli, ["isochrones", str(town), "--service", service, "--minutes", minutes, "-o", str(path)]
    )
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.rstrip().endswith(message)
    assert len(done.stderr.splitlines()) == 1
    assert not path.parent.exists()


def test_facilities_without_isochrones_are_told(town, tmp_path):
    path = town.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8-sig") + "Z9,诊所,远诊所,500300,3900450,\n", encoding="utf-8-sig")
    order = ["isochrones", str(town), "--service", "clinic", "-o", str(tmp_path / "rings.gpkg")]
    assert "note: 1 facilities without a street within 300 m" in CliRunner().invoke(cli, order).stderr


def test_codes_that_are_changed_for_file_names_stay_apart():
    codes = ["a/b", "a_b", "东区1", "西区1", "CON", "x" * 200, "x" * 201, "..", ""]
    stems = [file_stem(code) for code in codes]
    assert len(set(stems)) == len(codes)
    assert all(0 < len(stem) < 80 and stem.isascii() and "/" not in stem and stem[0] != "." for stem in stems)
    assert file_stem("410782") == "410782"


def test_a_county_is_written_the_same_whatever_else_is(town, tmp_path):
    """Its folder needs no other county, and no folder of the whole but for the link to the map of all."""
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    alone = tmp_path / "alone"
    alone.mkdir()
    write_county(Publication.of(result), "2", alone, home=HOME)
    assert files(alone) == files(wr.export(result, tmp_path / "all") / "county" / "2")


def test_every_objective_can_be_chosen():
    """The command names them itself, so that ``--help`` need not load what solves them."""
    assert get_args(Objective) == OBJECTIVES
