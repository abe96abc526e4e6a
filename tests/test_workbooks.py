"""Workbooks as a county office keeps them, and workbooks that lie about their size."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from bounded import told_and_grown
from withinreach.errors import SourceError
from withinreach.sources.tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

# Without the question mark: a field of several stands for letters that were lost.
LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="?")
FIELD = st.text(LETTERS | st.sampled_from("辉县市敬老院\u3000\uff08\uff09\uff0c")).map(str.strip)
quick = settings(max_examples=40, deadline=None)
HEADER = ("序号", "机构名称", "类别", "所属乡镇", "经度", "纬度", "床位数", None, "建筑面积", "运营状态", "建成年份")
BELOW = (None, None, None, None, None, None, "合计", "护理型", "(㎡)", None, None)
ROWS = [
    (1, "示例颐养院", "养老院", "洪门镇", 113.890907, 35.301856, "１２０", 60, "1,200", "正常运营", "2005年"),
    (2, "示例敬老院", "敬老院", None, 113.887113, 35.295949, "约80", 30, 900.5, "运营", 2010),
    (3, "示例幸福院", "农村幸福院", None, "１１３.914731", "35.297710", "20余张", "—", "—", "停业", "2015-06"),
    None,
    (
        4,
        "示例日间照料中心",
        "日间照料中心",
        "小店镇",
        113.882369,
        35.302522,
        None,
        None,
        350,
        "在建",
        dt.date(2024, 5, 1),
    ),
    (
        4,
        "示例日间照料中心",
        "日间照料中心",
        "小店镇",
        113.882369,
        35.302522,
        None,
        None,
        350,
        "在建",
        dt.date(2024, 5, 1),
    ),
]


@pytest.fixture
def office(tmp_path) -> Path:
    """A list of elder care: titles, a merged header of two rows, blank and repeated rows, totals, notes."""
    book = openpyxl.Workbook()
    cover = book.active
    cover.title = "说明"
    cover["A1"] = "填表说明：请于月底前上报"
    sheet = book.create_sheet("养老机构")
    sheet["A1"] = "附表1  辉县市养老服务设施现状一览表"
    sheet.merge_cells("A1:K1")
    sheet["A2"], sheet["H2"] = "填报单位：辉县市民政局", "2025年6月30日"
    sheet.merge_cells("A2:G2")
    sheet.merge_cells("H2:K2")
    for column, (above, below) in enumerate(zip(HEADER, BELOW, strict=True), start=1):
        sheet.cell(3, column, above)
        sheet.cell(4, column, below)
        if below is None:
            sheet.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)
    sheet.merge_cells("G3:H3")
    for number, row in enumerate(ROWS, start=5):
        for column, value in enumerate(row or (), start=1):
            sheet.cell(number, column, value)
    sheet.merge_cells("D5:D7")
    sheet["A11"], sheet["G11"] = "合计", 220
    sheet["A12"] = "注：1.床位数为核定床位；2.不含在建。"
    sheet.merge_cells("A12:K12")
    sheet["A13"] = "填表人：张三    审核人：李四"
    sheet.row_dimensions[7].hidden = True
    old = book.create_sheet("2019年")
    old.append(["机构名称", "类别", "经度", "纬度", "床位数"])
    old.sheet_state = "hidden"
    path = tmp_path / "养老机构.xlsx"
    book.save(path)
    return path


def refused(path, *parts: str, **options) -> None:
    with pytest.raises(SourceError) as caught:
        read_table(path, **options)
    (line,) = caught.value.problems
    for part in (path.name, *parts):
        assert part in line, line


def rules(table) -> dict:
    return {remark.rule: dict(remark.figures) for remark in table.remarks}


def test_the_list_of_an_office(office):
    table = read_table(office)
    assert list(table.rows.columns) == [
        "序号", "机构名称", "类别", "所属乡镇", "经度", "纬度", "床位数/合计", "床位数/护理型", "建筑面积(㎡)",
        "运营状态", "建成年份",
    ]  # fmt: skip
    assert table.rows.index.tolist() == [5, 6, 7, 9, 10, 11, 12, 13]
    assert table.rows.loc[5:7, "所属乡镇"].tolist() == ["洪门镇"] * 3
    assert rules(table) == {
        "workbook_read": {"sheet": "养老机构", "header": 4, "rows": 8},
        "rows_above_header": {"count": 2},
        "header_of_several_rows": {"first": 3, "last": 4},
        "sheets_not_read": {"count": 2, "hidden": 1},
        "hidden_rows_read": {"count": 1},
        "merged_text": {"count": 1},
    }


def test_the_list_of_an_office_becomes_facilities(office, town):
    text = town.read_text(encoding="utf-8")
    first, last = text.index("[[facilities]]"), text.index("[profiles.slow]")
    layer = '[[facilities]]\npath = "养老机构.xlsx"\ndatum = "gcj02"\n\n'
    town.write_text(text[:first] + layer + text[last:], encoding="utf-8")
    office.rename(town.parent / office.name)
    case = wr.prepare(wr.load_study(town))
    table = case.facilities.table
    assert table["row"].tolist() == [5, 6, 7, 9, 10]
    assert table["kind"].tolist() == [
        "elder_institution", "elder_township_home", "elder_village_home", "elder_day_care", "elder_day_care",
    ]  # fmt: skip
    assert table["beds"].fillna(-1).tolist() == [120, 80, 20, -1, -1]
    assert table["nursing_beds"].fillna(-1).tolist() == [60, 30, -1, -1, -1]
    assert table["area_m2"].fillna(-1).tolist() == [1200, 900.5, -1, 350, 350]
    assert table["built_year"].tolist() == [2005, 2010, 2015, 2024, 2024]
    assert table["status"].tolist() == ["operating", "operating", "closed", "under_construction", "under_construction"]
    assert table["township"].tolist() == ["洪门镇"] * 3 + ["小店镇"] * 2
    assert case.facility_rows(("elder_care",)).tolist() == [0, 1]
    assert case.facility_rows(("elder_institution",)).tolist() == [0, 1]
    assert case.facility_rows(("elder_community",)).tolist() == []
    told = case.audit.findings.query(f"file == '{office.name}'").set_index("rule")
    assert told.loc["facility_closed", "row"] == 7
    assert told.loc["facility_under_construction", "row"].tolist() == [9, 10]
    assert told.loc["total_left_out", "row"] == 11
    assert told.loc["note_left_out", "row"].tolist() == [12, 13]
    interpreted = told.loc["numbers_interpreted"].set_index("column")["value"]
    assert interpreted["床位数/合计"] == "１２０ = 120; 约80 = 80; 20余张 = 20"
    assert interpreted["建筑面积(㎡)"] == "1,200 = 1200"
    assert "beds = 床位数/合计" in told.loc["columns_found", "value"]


# Sheets -------------------------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path):
    """Write a workbook of sheets: name -> rows; a name that starts with - is hidden."""

    def write(**sheets: list[list]) -> Path:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for name, rows in sheets.items():
            sheet = made.create_sheet(name.strip("_"))
            sheet.sheet_state = "hidden" if name.startswith("_") else "visible"
            for row in rows:
                sheet.append(row)
        path = tmp_path / "t.xlsx"
        made.save(path)
        return path

    return write


LIST = [["名称", "经度", "纬度"], ["甲", 113.9, 35.3]]


def test_sheets_that_fit_equally_well_are_not_chosen_between(book):
    path = book(红旗区=LIST, 卫滨区=LIST, 说明=[["x"]])
    refused(path, "'红旗区', '卫滨区' fit equally well", "sheet")
    assert read_table(path, sheet="卫滨区").rows["名称"].tolist() == ["甲"]
    refused(path, "no sheet '牧野区'", "'红旗区', '卫滨区', '说明'", sheet="牧野区")


def test_a_hidden_sheet_is_read_only_if_named(book):
    path = book(_旧=LIST, 新=[["foo", "bar"], ["1", "2"]])
    assert list(read_table(path).rows.columns) == ["foo", "bar"]
    assert list(read_table(path, sheet="旧").rows.columns) == ["名称", "经度", "纬度"]


def test_the_columns_that_a_study_names_choose_the_sheet(book):
    path = book(a=LIST, b=[["wo", "was"], ["1", "2"]])
    assert list(read_table(path).rows.columns) == ["名称", "经度", "纬度"]
    path = book(a=[["u", "v"], ["1", "2"]], b=[["wo", "was"], ["1", "2"]])
    assert list(read_table(path, ["was"]).rows.columns) == ["wo", "was"]


# Cells --------------------------------------------------------------------------------------------------------


def test_cells_as_text(book):
    rows = [["名称", "区划代码", "a", "b", "c", "d"], ["甲", 410702, 113.890907, dt.date(2020, 5, 6), True, "  x "]]
    values = read_table(book(a=rows)).rows.to_numpy()[0].tolist()
    assert values == ["甲", "410702", "113.890907", "2020-05-06", "True", "x"]


def cached(path: Path, cell: str, value: str) -> None:
    """Give a formula the value that a spreadsheet program would have calculated."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    head, tail = sheet.split(f'<c r="{cell}"')
    # With lxml at hand openpyxl writes an empty value in another manner than without.
    filled = re.sub(r"<v ?/>|<v></v>", f"<v>{value}</v>", tail, count=1)
    parts["xl/worksheets/sheet1.xml"] = (head + f'<c r="{cell}"' + filled).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


def test_formulas_give_their_calculated_value_never_their_text(book):
    path = book(a=[["名称", "床位数"], ["甲", "=40+2"], ["乙", "=B2*2"]])
    refused(path, "'a': the formulas in B2, B3 were never calculated", "save it")
    cached(path, "B2", "42")
    refused(path, "the formulas in B3 were never calculated")
    cached(path, "B3", "84")
    table = read_table(path)
    assert table.rows["床位数"].tolist() == ["42", "84"]
    assert rules(table)["formulas_read"] == {"count": 2}


def test_errors_of_the_spreadsheet_are_told(book):
    path = book(a=[["名称", "床位数"], ["甲", "#N/A"], ["乙", 5]])
    table = read_table(path)
    assert rules(table)["error_cells"] == {"count": 1}
    assert table.rows["床位数"].isna().tolist() == [True, False]


def test_a_number_in_merged_cells_counts_once(tmp_path):
    made = openpyxl.Workbook()
    for row in (["名称", "床位数"], ["甲", 30], ["乙", None], ["丙", 5]):
        made.active.append(row)
    made.active.merge_cells("B2:B3")
    made.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    assert table.rows["床位数"].tolist()[::2] == ["30", "5"]
    assert table.rows["床位数"].isna().tolist() == [False, True, False]
    assert rules(table)["merged_numbers"] == {"count": 1}


@quick
@given(
    st.lists(
        st.lists(
            FIELD,
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_text_comes_back(tmp_path_factory, rows):
    made = openpyxl.Workbook()
    for row in (["设施名称", "详细地址"], *rows):
        made.active.append(row)
        for cell in made.active[made.active.max_row]:
            cell.data_type = "s"  # a text that begins with = is no formula here
    path = tmp_path_factory.mktemp("xlsx") / "t.xlsx"
    made.save(path)
    wanted = [row for row in rows if any(row)]
    if not wanted:
        refused(path, "no rows")
        return
    table = read_table(path).rows
    assert table.astype(object).where(table.notna(), "").to_numpy().tolist() == wanted


# Hostile workbooks --------------------------------------------------------------------------------------------


def packed(path: Path, part: str, content: bytes, times: int) -> None:
    """Replace a part of a workbook by a content repeated many times, without ever holding it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != part}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, kept in parts.items():
            archive.writestr(name, kept)
        with archive.open(part, "w", force_zip64=True) as target:
            for _ in range(times):
                target.write(content)


def test_a_zip_bomb(book):
    path = book(a=LIST)
    packed(path, "xl/worksheets/sheet1.xml", b" " * 1_000_000, 400)
    assert path.stat().st_size < 1_000_000
    told, grown = told_and_grown(path)
    assert "would unpack to 400 MB" in told
    assert "save the sheet that is needed as CSV" in told
    assert grown < 50


def test_a_zip_bomb_that_claims_to_be_small(book):
    """Whoever believes what the archive says unpacks 200 MB; here it is cut where it claims to end."""
    path = book(a=LIST)
    packed(path, "xl/worksheets/sheet1.xml", b" " * 1_000_000, 200)
    raw = path.read_bytes()
    path.write_bytes(raw.replace((2 * 10**8).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    told, grown = told_and_grown(path)
    assert "not a readable XLSX workbook" in told
    assert grown < 50


@pytest.mark.parametrize("cell", ["XFD1048576", "XFD2000", "C100000"])
def test_a_cell_far_out(book, cell):
    """As a dense rectangle the sheet would take gigabytes. 100,000 rows of 3 columns are a table, and are read."""
    path = book(a=LIST)
    made = openpyxl.load_workbook(path)
    made["a"][cell] = 1
    made.save(path)
    if cell == "C100000":
        assert read_table(path).rows.index.tolist() == [2, 100000]
        return
    told, grown = told_and_grown(path)
    assert "sheet 'a' has values up to row" in told
    assert grown < 100


def test_a_format_far_out_is_no_value(book):
    path = book(a=LIST)
    made = openpyxl.load_workbook(path)
    made["a"]["XFD9000"].number_format = "0.00"
    made.save(path)
    assert len(read_table(path).rows) == 1


def test_absurdly_many_columns(book):
    refused(book(a=[[f"c{i}" for i in range(6000)], [1]]), "6,000 columns")


def test_entities_are_not_expanded(book):
    path = book(a=LIST)
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    sheet = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><worksheet>&l11;</worksheet>'
    packed(path, "xl/worksheets/sheet1.xml", sheet.encode(), 1)
    refused(path, "declares XML entities")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04garbage", b"not a workbook", b"\x00" * 100])
def test_no_workbook(tmp_path, content):
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    refused(path, "not a readable XLSX workbook")


def test_a_workbook_with_a_password(tmp_path):
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600)
    refused(path, "password", "save it as .xlsx")


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
@pytest.mark.parametrize("content", [b"", b"<a>", b"\x00\xff", b"<a/>"])
def test_a_damaged_part(book, part, content):
    path = book(a=LIST)
    packed(path, part, content, 1)
    refused(path)
