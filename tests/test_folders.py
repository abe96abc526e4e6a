"""Folders of counties, opened by what offices use."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import frictionless
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from matplotlib import font_manager

import withinreach as wr
from conftest import write_town
from withinreach.cli import cli
from withinreach.exports.dictionary import Dictionary
from withinreach.maps.plates import find_typeface
from withinreach.model import told_name
from withinreach.sources.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

WEST = "1_西区_coverage_2025-06-30.xlsx"


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def exported(study: Path, folder: Path) -> Path:
    return wr.export(wr.analyse(wr.prepare(wr.load_study(study))), folder)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def town_study(tmp_path_factory) -> Path:
    """The town with villages, townships and a register."""
    folder = tmp_path_factory.mktemp("town")
    study = write_town(folder)
    (folder / "villages.csv").write_text(
        "code,name,lon,lat\nv1,甲村,114.0,35.226\nv2,乙村,114.0022,35.2206\n", encoding="utf-8"
    )
    box = "[[[{w},3899300],[{e},3899300],[{e},3900600],[{w},3900600],[{w},3899300]]]"
    boxes = [("t1", "北镇", 499900, 500350), ("t2", "南镇", 500350, 500600)]
    features = ",".join(
        f'{{"type":"Feature","properties":{{"code":"{code}","name":"{name}"}},"geometry":'
        f'{{"type":"Polygon","coordinates":{box.format(w=west, e=east)}}}}}'
        for code, name, west, east in boxes
    )
    crs = '{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4547"}}'
    (folder / "townships.geojson").write_text(
        f'{{"type":"FeatureCollection","crs":{crs},"features":[{features}]}}', encoding="utf-8"
    )
    study.write_text(
        'registers = ["xinxiang-2025"]\n'
        + study.read_text(encoding="utf-8")
        + '\n[units.village]\npath = "villages.csv"\ndatum = "wgs84"\n'
        + '[units.township]\npath = "townships.geojson"\ndatum = "EPSG:4547"\n',
        encoding="utf-8",
    )
    return study


@pytest.fixture(scope="module")
def folder(town_study, tmp_path_factory) -> Path:
    return exported(town_study, tmp_path_factory.mktemp("out") / "out")


@pytest.fixture(scope="module")
def west(folder) -> Path:
    return folder / "county" / "1"


def cells_of(sheet) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_a_county_has_everything(west):
    assert sorted(path.name for path in west.iterdir()) == sorted(
        [
            "1.gpkg",
            "1.html",
            "1.xlsx",
            "1_brief.docx",
            "1_brief.xlsx",
            "1_cells.parquet",
            "1_clinic.png",
            "1_coverage.csv",
            "1_elder_care.png",
            "1_facilities.csv",
            "1_facilities.parquet",
            "1_gaps.csv",
            "1_gaps.geojson",
            "1_minutes.tif",
            "1_pairs.parquet",
            "1_targets.csv",
            "1_townships.csv",
            WEST,
            "datapackage.json",
            "manifest.json",
        ]
    )
    assert (west / WEST).read_bytes() == (west / "1.xlsx").read_bytes()


# The workbook ----------------------------------------------------------------------------------------------------


def test_without_a_chinese_typeface_nothing_is_begun(town, tmp_path, monkeypatch):
    """One line that names what to install, before the study is read: its people are broken, and nobody notices."""
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    (town.parent / "people.csv").write_text("broken", encoding="utf-8")
    for command in ("export", "batch", "brief"):
        find_typeface.cache_clear()
        done = CliRunner().invoke(cli, [command, str(town), "--out", str(tmp_path / "out")])
        assert done.exit_code == 1
        (line,) = done.stderr.splitlines()
        assert "apt-get install fonts-noto-cjk" in line
        assert not (tmp_path / "out").exists()
    find_typeface.cache_clear()


def test_workbook_by_hand(west):
    book = openpyxl.load_workbook(west / "1.xlsx")
    assert book.sheetnames == [
        "overview",
        "1 facilities",
        "2 targets",
        "3 coverage",
        "4 gaps",
        "rule checks",
        "notes",
        "dictionary",
    ]
    head, elder, clinic = cells_of(book["overview"])
    assert head[:5] == ["service", "cutoff\n(min)", "people\n(thousand)", "served people\n(thousand)", "coverage\n(%)"]
    # 20 at A1, 10.5 of 30.5 within 500 m; 31 of 61.5 are not
    assert elder[:4] == ["养老", 8.35, 0.0615, 0.0305]
    assert elder[4] == pytest.approx(100 * 30.5 / 61.5)
    assert elder[7] == pytest.approx(31)
    assert clinic[-4:] == ["—"] * 4
    facilities = cells_of(book["1 facilities"])
    assert [row[1] for row in facilities[1:]] == ["A1", "C1"]
    assert all(sheet.freeze_panes == "A2" for sheet in book)
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert len(book["overview"]._charts) == 4


def test_codes_are_text_and_figures_have_formats(west):
    book = openpyxl.load_workbook(west / "1.xlsx")
    overview, coverage = book["overview"], book["3 coverage"]
    assert (overview["C2"].number_format, overview["E2"].number_format) == ("0.00", "0.0")
    assert (coverage["B2"].value, coverage["B2"].data_type) == ("t1", "s")


def test_townships_and_their_county_stand_apart(west):
    rows = cells_of(openpyxl.load_workbook(west / "1.xlsx")["3 coverage"])
    told = {(row[0], row[2]): row for row in rows[1:]}
    # north: cells a and e (20 + 30 old people) and that off the streets (1); south: c
    assert told["养老", "北镇"][3] == pytest.approx(0.051)
    assert told["养老", "南镇"][3] == pytest.approx(0.0105)
    assert told["养老", "total"][3] == pytest.approx(0.0615)
    assert [told["养老", name][-1] for name in ("北镇", "南镇", "total")] == [2, 1, "—"]


def test_gaps_tell_what_would_close_them(west):
    """Whoever lives at e walks 750 m to the clinic: no building helps; the cell off the streets is to be verified."""
    table = pd.read_csv(west / "1_gaps.csv", dtype={"number": str, "code": str}, encoding="utf-8-sig")
    elder = table[table["service"] == "elder_care"]
    assert elder["number"].tolist() == ["1-elder_care-001", "1-elder_care-002"]
    assert elder["people"].tolist() == [30, 1]
    assert elder["suggestion"].tolist() == ["build", "verify"]
    assert elder["place"].tolist()[0] in ("甲村", "乙村")
    clinic = table[table["service"] == "clinic"].set_index("people")
    # 350 + 10 + 5 m at 1 m/s are 365 s of 360: people at a lack the clinic, and the old people's home there is at hand
    assert clinic.loc[100, "suggestion"] == "share"
    assert (clinic.loc[100, "site_id"], clinic.loc[100, "site_people"]) == ("A1", 100)


def test_formulas_of_the_data_are_text(town, tmp_path):
    edit(town.parent / "areas.geojson", ("西区", "=1+1"))
    names = (("甲养老院", "@SUM(1+9)*cmd|' /C calc'!A0"), ("丙诊所", "+1\t=2"))
    path = town.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace(*names[0]).replace(*names[1]), encoding="utf-8-sig")
    county = exported(town, tmp_path / "out") / "county" / "1"
    book = openpyxl.load_workbook(county / "1.xlsx")
    dangerous = [
        cell
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value[:1] in "=+-@"
    ]
    assert {"@SUM(1+9)*cmd|' /C calc'!A0", "=1+1"} <= {cell.value for cell in dangerous}
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in dangerous)
    assert "\n" + '"=' not in (county / "1_facilities.csv").read_text(encoding="utf-8-sig")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_same_figures(west, tmp_path):
    """Calculated anew by another program, saved as CSV: the overview is the first sheet."""
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    order = ["soffice", profile, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1"]
    subprocess.run(
        [*order, "--outdir", str(tmp_path), str(west / "1.xlsx")], check=True, timeout=180, capture_output=True
    )
    table = pd.read_csv(tmp_path / "1.csv")
    assert table.iloc[0, :5].tolist() == ["养老", 8.4, 0.06, 0.03, 49.6]


# Geodata ---------------------------------------------------------------------------------------------------------


def test_every_layer_opens_with_a_style_that_classes_each_feature_once(west):
    path = west / "1.gpkg"
    layers = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    assert layers == ["area", "facilities", "cells", "isochrones", "catchments", "gaps"]
    with sqlite3.connect(path) as package:
        styles = pd.read_sql("SELECT * FROM layer_styles", package)
        registered = package.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchall()
    assert registered == [("attributes",)]
    # The columns that QGIS makes and reads (QgsOgrProvider).
    assert set(styles.columns) >= {"f_table_name", "f_geometry_column", "styleName", "styleQML", "useAsDefault", "ui"}
    assert sorted(styles.loc[styles["useAsDefault"] == 1, "f_table_name"]) == sorted(layers)
    for style in styles.itertuples():
        document = ET.fromstring(style.styleQML)
        assert document.tag == "qgis"
        renderer = document.find("renderer-v2")
        assert renderer.get("type") == "RuleRenderer"
        symbols = {symbol.get("name"): symbol for symbol in renderer.iter("symbol")}
        rules = list(renderer.find("rules"))
        assert {rule.get("symbol") for rule in rules} == set(symbols)
        count = len(pyogrio.read_dataframe(path, layer=style.f_table_name))
        found = [
            len(pyogrio.read_dataframe(path, layer=style.f_table_name, where=rule.get("filter"))) for rule in rules
        ]
        assert sum(found) == count, style.styleName
        kind = {"Point": "marker", "MultiPolygon": "fill"}[
            pyogrio.read_info(path, layer=style.f_table_name)["geometry_type"]
        ]
        assert {symbol.get("type") for symbol in symbols.values()} == {kind}


def test_a_share_on_a_threshold_is_in_the_class_that_begins_there(west):
    with sqlite3.connect(west / "1.gpkg") as package:
        (qml,) = package.execute(
            "SELECT styleQML FROM layer_styles WHERE f_table_name = 'area' AND useAsDefault"
        ).fetchone()
    rules = {rule.get("label"): rule.get("filter") for rule in ET.fromstring(qml).iter("rule")}
    for share, label in [
        (0.5999, "< 60 %"),
        (0.6, "60–80 %"),
        (0.8, "80–95 %"),
        (0.95, "≥ 95 %"),
        (None, "nobody lives here"),
    ]:
        with sqlite3.connect(":memory:") as scratch:
            scratch.execute("CREATE TABLE area (elder_care_coverage REAL)")
            scratch.execute("INSERT INTO area VALUES (?)", (share,))
            hit = [
                name
                for name, where in rules.items()
                if where and scratch.execute(f"SELECT 1 FROM area WHERE {where}").fetchall()
            ]
        assert hit == [label]


def test_parquet_by_hand(west):
    cells = gpd.read_parquet(west / "1_cells.parquet")
    assert cells.crs == "EPSG:4547"
    assert cells["cell"].tolist() == [0, 1, 2, 3]
    assert cells["age_60_plus"].tolist() == [20, 30, 10.5, 1]
    assert gpd.read_parquet(west / "1_facilities.parquet")["id"].tolist() == ["A1", "C1"]
    pairs = pq.read_table(west / "1_pairs.parquet")
    assert json.loads(pairs.schema.metadata[b"withinreach"])["study"] == "town"
    assert pairs.schema.field("seconds").metadata[b"unit"] == b"s"
    # a to A1 10 m; c to A2 across the border 420 m; c to the clinic 175 m, e beyond 6 minutes
    told = {(row["service"], row["cell"], row["facility_id"]): row["seconds"] for row in pairs.to_pylist()}
    assert told["elder_care", 0, "A1"] == 10
    assert told["elder_care", 2, "A2"] == 420
    assert told["clinic", 2, "C1"] == 175
    assert not [key for key in told if key[0] == "clinic" and key[1] == 1]


def test_minutes_of_hectares_by_hand(west):
    with rasterio.open(west / "1_minutes.tif") as file:
        assert file.crs.to_epsg() == 4547
        assert (file.res, file.nodata) == ((100, 100), -1)
        assert file.descriptions[0] == "养老: minutes to the nearest facility"
        assert "3 not_snapped" in file.tags(2)["CODES"]
        at = [
            (500_000, 3_900_010),
            (500_200, 3_899_400),
            (500_500, 3_900_020),
            (500_300, 3_900_450),
            (500_000, 3_899_400),
        ]
        told = [tuple(map(float, values)) for values in file.sample([(x + 1, y + 1) for x, y in at], indexes=[1, 2])]
    minutes, status = zip(*told, strict=True)
    assert minutes[:3] == pytest.approx([10 / 60, 800 / 60, 420 / 60])
    assert minutes[3:] == (-1, -1)
    assert status == (0, 1, 0, 3, 255)


def test_gaps_are_polygons_of_their_cells(west):
    gaps = gpd.read_file(west / "1_gaps.geojson")
    assert gaps.crs == "EPSG:4326"
    assert gaps.is_valid.all()
    metres = gpd.read_file(west / "1.gpkg", layer="gaps")
    cells = gpd.read_parquet(west / "1_cells.parquet")
    for gap in metres.itertuples():
        lacking = cells[cells[f"{gap.service}_status"] != "served"]
        assert lacking.intersects(gap.geometry).sum() == gap.cells


def test_pockets_cover_the_ground_of_the_sample(tmp_path):
    """Cells of a raster in degrees: the squares neither overlap nor leave gaps."""
    write_sample(tmp_path / "sample", scale=0.01)
    result = wr.analyse(wr.prepare(wr.load_study(tmp_path / "sample" / "study.toml")))
    out = wr.export(result, tmp_path / "out", county="410703") / "county" / "410703"
    gaps = gpd.read_file(out / "410703.gpkg", layer="gaps")
    width, height = result.case.cell_size_m
    assert gaps.area.to_numpy() == pytest.approx(gaps["cells"].to_numpy() * width * height, rel=5e-3)
    assert gaps.is_valid.all()
    uncovered = pd.read_csv(out / "410703_coverage.csv", encoding="utf-8-sig").set_index("service")["uncovered_people"]
    assert gaps.groupby("service")["people"].sum().to_dict() == pytest.approx(uncovered.to_dict(), abs=1e-5)
    table = openpyxl.load_workbook(out / "410703.xlsx")
    assert table.sheetnames[:3] == ["概览", "附表1 设施现状", "附表2 指标完成"]
    assert table["概览"]["C1"].value == "服务对象人口\n(万人)"


# The data dictionary ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [".", "county/1", "county/2"])
def test_frictionless_reads_every_table(folder, place):
    package = frictionless.Package(folder / place / "datapackage.json")
    beside = {"datapackage.json", "county", "index.html"}
    assert {resource.path for resource in package.resources} == {
        path.name for path in (folder / place).iterdir()
    } - beside
    for resource in package.resources:
        if resource.format == "csv":
            report = resource.validate()
            assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])
            assert all(field.title and field.description for field in resource.schema.fields)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_column_is_explained(town_study, folder, language):
    """The dictionary raises for a column that it does not know."""
    dictionary = Dictionary(wr.load_study(town_study).model_copy(update={"language": language}))
    described = json.loads((folder / "county" / "1" / "datapackage.json").read_text(encoding="utf-8"))["resources"]
    layers = next(resource for resource in described if resource["path"] == "1.gpkg")["layers"]
    for layer in layers:
        fields = [field["name"] for field in layer["schema"]["fields"]]
        name = {"register": "facilities"}.get(layer["name"], layer["name"])
        assert fields == list(pyogrio.read_info(folder / "county" / "1" / "1.gpkg", layer=name)["fields"])
        meanings = [dictionary.column(layer["name"], field) for field in fields]
        assert all(meaning.title and meaning.description for meaning in meanings)
        if language == "zh":
            assert all(any(letter > "\u2e7f" for letter in meaning.description) for meaning in meanings)
    with pytest.raises(KeyError, match=r"area\.elder_car"):
        dictionary.column("area", "elder_car")


# Bytes and names -------------------------------------------------------------------------------------------------


def test_other_folders_processes_and_clocks_give_the_same_bytes(town_study, folder, tmp_path):
    again = tmp_path / "some" / "where"
    env = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "LANG": "C"}
    order = [sys.executable, "-m", "withinreach", "export", str(town_study), "--out", str(again)]
    subprocess.run(order, check=True, env=env, cwd=tmp_path, capture_output=True)
    first, second = files(folder), files(again)
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


NAMES = ["西/区", "..", "a" * 200, "区" * 200, 'a<b>:"c"|?*', "  ", "西区\u202e", ".", "", "CON", "西区\n"]


def test_names_are_no_paths():
    told = [told_name(name) for name in NAMES]
    assert all(name and not set(name) & set('\\/:*?"<>|\u202e\n') and name.strip(" .") == name for name in told)
    assert max(len(name.encode()) for name in told) <= 120
    assert told_name("辉县市") == "辉县市"


def test_a_county_of_any_name_can_be_written(town, tmp_path):
    name = "../区" + "区" * 200
    edit(town.parent / "areas.geojson", ('"西区"', json.dumps(name)))
    county = exported(town, tmp_path / "out") / "county" / "1"
    assert (county / f"1_{told_name(name)}_coverage_2025-06-30.xlsx").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "town"]


def test_counties_of_one_name_and_without_anything(town, tmp_path):
    """An island county without people, facilities or streets, of the same name as another."""
    areas = town.parent / "areas.geojson"
    data = json.loads(areas.read_text(encoding="utf-8"))
    rings = [
        [[[x, y], [x + 50, y], [x + 50, y + 50], [x, y + 50], [x, y]]]
        for x, y in ((510_000.0, 3_900_000.0), (511_000.0, 3_900_500.0))
    ]
    island = {"type": "MultiPolygon", "coordinates": rings}
    data["features"].append({"type": "Feature", "properties": {"code": "3", "name": "西区"}, "geometry": island})
    areas.write_text(json.dumps(data), encoding="utf-8")
    county = exported(town, tmp_path / "out") / "county" / "3"
    for path in county.glob("*.csv"):
        pd.read_csv(path, encoding="utf-8-sig")
    overview = cells_of(openpyxl.load_workbook(county / "3.xlsx")["overview"])
    assert overview[1][2] == 0  # nobody lives there, which is known
    assert overview[1][4] == "—"  # so that no share of them can be served
    assert len(gpd.read_file(county / "3_gaps.geojson")) == 0
    assert len(gpd.read_parquet(county / "3_cells.parquet")) == 0
    with rasterio.open(county / "3_minutes.tif") as file:
        assert np.unique(file.read(2)).tolist() == [255]
    layers = dict(pyogrio.list_layers(county / "3.gpkg"))
    assert layers["gaps"] == "MultiPolygon"
    assert shapely.get_num_geometries(gpd.read_file(county / "3.gpkg", layer="area").geometry.iloc[0]) == 2
    for resource in frictionless.Package(county / "datapackage.json").resources:
        if resource.format == "csv":
            assert resource.validate().valid
