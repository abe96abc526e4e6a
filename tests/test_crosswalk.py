"""Townships and their units: by a table, by name, with every contradiction between lists told."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import withinreach as wr
from withinreach.model import Areas
from withinreach.preparation.code_changes import changed_codes, current_unit
from withinreach.preparation.crosswalk import read_crosswalk, short_name
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.scope import scope_of
from withinreach.study import CrosswalkLayer

FRAME = MetricFrame("EPSG:4547")


def areas(*codes: str) -> Areas:
    shapes = [shapely.box(at, 0, at + 1, 1) for at in range(len(codes))]
    table = gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=shapes, crs="EPSG:4547")
    return Areas(table.astype({"code": "str", "name": "str"}))


def read(path, text: str, *codes: str, **layer):
    path.write_text(text, encoding="utf-8")
    findings = Findings()
    crosswalk = read_crosswalk(CrosswalkLayer(path=path, **layer), scope_of(areas(*codes), FRAME), findings)
    return crosswalk, contradictions(findings.table("en"))


def contradictions(told: pd.DataFrame) -> pd.DataFrame:
    """What is told beside how the file was read."""
    return told[told["rule"] != "text_table_read"]


def test_townships_of_zones_get_the_unit_that_the_table_says(tmp_path):
    text = "code,name,unit\n410771001,关堤乡,410702\n410702001,西街街道,410702\n410728100,丁栾镇,410728\n"
    crosswalk, told = read(tmp_path / "t.csv", text, "410702", "410783")
    assert crosswalk.table[["unit", "area"]].to_numpy().tolist() == [["410702", 0], ["410702", 0], ["410783", 1]]
    assert told[["rule", "column", "value"]].to_numpy().tolist() == [["crosswalk_unit_old", "unit", "410728"]]


def test_a_unit_without_a_polygon_is_told_with_its_townships(tmp_path):
    text = "code,name,unit\n410771001,关堤乡,410771\n410771002,振中路街道,410771\n410702001,西街街道,410702\n"
    crosswalk, told = read(tmp_path / "t.csv", text, "410702")
    assert crosswalk.table["area"].tolist() == [-1, -1, 0]
    assert told["reason"].tolist() == ["the unit of 2 townships (关堤乡、振中路街道) is none of the areas"]


def test_a_code_that_is_another_township_in_another_list_is_told(tmp_path):
    """410711005 is 卫北街道 in the list of the NBS and 花园街道 in that of the map services."""
    text = (
        "code,name,unit,list\n410711005,卫北街道,410711,NBS 2023\n410711004,花园街道,410711,NBS 2023\n"
        "410711005,花园街道,410711,MCA 2020\n410711001,东干道街道,410711,NBS 2023\n"
        "410711001,东干道街道办事处,410711,MCA 2020\n"
    )
    crosswalk, told = read(tmp_path / "t.csv", text, "410711", code_system="list")
    assert told[["rule", "row", "value"]].to_numpy().tolist() == [["township_code_conflict", 4, "410711005"]]
    assert told["reason"].iloc[0] == "the code is 卫北街道 in 'NBS 2023' and 花园街道 in 'MCA 2020'"
    assert len(crosswalk.table) == 5


def test_lists_that_give_a_township_to_two_units_are_told(tmp_path):
    text = "code,name,unit,list\n410702008,关堤乡,410702,a\n410702100,关堤乡,410703,b\n"
    crosswalk, told = read(tmp_path / "t.csv", text, "410702", "410703", code_system="list")
    assert told["rule"].tolist() == ["township_unit_conflict"]
    name, nowhere = np.array(["关堤乡"], object), np.array([-1], np.int32)
    assert crosswalk.areas_of(name, nowhere).tolist() == [-1]
    assert crosswalk.areas_of(name, np.array([1], np.int32)).tolist() == [1]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("code,name\n1,a\n", r"no column 'unit' \(named by crosswalk\.unit in the study\)"),
        ("code,name,unit\n1,,2\n", r"row 2, column 'name': an empty field stands where a name is needed"),
        ("code,name,unit\n1,a,2\n1,a,3\n", r"row 3, column 'unit': township 1 a is in several units"),
    ],
)
def test_a_crosswalk_that_cannot_be_used_is_told(tmp_path, text, line):
    with pytest.raises(wr.CoverageError, match=line):
        read(tmp_path / "t.csv", text, "2")


def test_names_of_townships_without_what_lists_leave_out():
    assert [short_name(name) for name in ("西街街道", "西街街道办事处", "关堤乡", "关堤", "城关镇", "镇")] == [
        "西街", "西街", "关堤", "关堤", "城关", "镇",
    ]  # fmt: skip


def test_codes_of_today():
    assert changed_codes()["410728"] == "410783"
    assert [current_unit(code) for code in ("410728", "410728100", "410783", "410702001003", "1")] == [
        "410783", "410783", "410783", "410702", "1",
    ]  # fmt: skip


def test_the_170_townships_of_xinxiang(shared, tmp_path):
    """12 units with polygons and three zones: nine townships belong to no polygon, and none is lost."""
    path = shared / "xinxiang_townships" / "xinxiang_170_rowfilter.csv"
    raw = pd.read_csv(path, dtype=str)
    units = sorted(set(raw["areaCode"]) - {"410771", "410772", "410773"})
    findings = Findings()
    crosswalk = read_crosswalk(CrosswalkLayer(path=path, unit="areaCode"), scope_of(areas(*units), FRAME), findings)
    assert len(crosswalk.table) == 170
    assert (crosswalk.table["area"] < 0).sum() == 9
    told = contradictions(findings.table("zh"))
    assert told["value"].tolist() == ["410771", "410772", "410773"]
    name = crosswalk.table["name"].to_numpy(object)
    own = crosswalk.table["area"].to_numpy(np.int32)
    assert np.array_equal(crosswalk.areas_of(name, own), own)
    # Without a hint only names that several units share stay open.
    blind = crosswalk.areas_of(name, np.full(170, -1, np.int32))
    shared_names = crosswalk.table["name"].map(short_name).duplicated(keep=False).to_numpy()
    assert ((blind == own) | shared_names).all()


def test_a_study_holds_the_townships_of_its_facilities_against_its_crosswalk(town):
    """关堤乡 belongs to the eastern unit by the table; the facility that names it lies in the western one."""
    path = town.parent / "facilities.csv"
    header, first, *rest = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text(
        "\n".join([f"{header},所属乡镇", f"{first},关堤乡", *(f"{row}," for row in rest)]), encoding="utf-8"
    )
    (town.parent / "townships.csv").write_text("code,name,unit\n1001,关堤,2\n1002,西街街道,1\n", encoding="utf-8")
    text = town.read_text(encoding="utf-8").replace("[areas]", '[crosswalk]\npath = "townships.csv"\n\n[areas]', 1)
    town.write_text(text, encoding="utf-8")
    study = wr.load_study(town)
    assert town.parent / "townships.csv" in study.input_paths()
    told = wr.prepare(study).audit.findings.set_index("rule").loc["township_elsewhere"]
    assert told[["row", "column", "value"]].tolist() == [2, "所属乡镇", "关堤乡"]
    assert told["reason"] == "甲养老院: the crosswalk gives its township to 东区, but it lies in 西区"
