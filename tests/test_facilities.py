"""Facilities: columns found by labels, attributes typed once, kinds translated, closed ones left out of services."""

from __future__ import annotations

import pandas as pd
import pytest

import withinreach as wr
from withinreach.errors import CoverageError, SourceError
from withinreach.sources.headers import Named, find_columns, header_factor, known_labels, readings, roles, unit_factor
from withinreach.sources.values import read_date, read_flag, read_star, read_year, vocabulary

EAST, NORTH = 500_000, 3_900_000


@pytest.fixture
def prepare(town):
    """Prepare the town with a table of facilities of its own and a layer that says only what it must."""

    text = town.read_text(encoding="utf-8")
    before, after = text.split("[[facilities]]")[0], text[text.index("[profiles.slow]") :]
    profile, clinic = after.split("[services.elder_care]")[0], after[after.index("[services.clinic]") :]

    def prepare(table: str, layer: str = "", services: str = "") -> wr.Case:
        head = '[[facilities]]\npath = "list.csv"\ndatum = "EPSG:4547"\n'
        town.write_text(f"{before}{head}{layer}\n{profile}{clinic}\n{services}", encoding="utf-8")
        (town.parent / "list.csv").write_text(table, encoding="utf-8")
        return wr.prepare(wr.load_study(town))

    return prepare


def refused(prepare, table: str, *parts: str, layer: str = "", services: str = "") -> None:
    with pytest.raises(CoverageError) as caught:
        prepare(table, layer, services)
    lines = caught.value.problems
    assert any(all(part in line for part in parts) for line in lines), lines


AT = f"{EAST},{NORTH}"


# Labels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("机构名称", "name"),
        ("设施名称 ", "name"),
        ("Name", "name"),
        ("核定床位数（张）", "beds"),
        ("床位数/合计", "beds"),
        ("床位数/护理型", "nursing_beds"),
        ("床位数（张）/其中:护理型", None),
        ("托位数", "seats"),
        ("在住人数", "residents"),
        ("建筑面积(㎡)", "area_m2"),
        ("所属县(市、区)", "unit_name"),
        ("所属乡镇(街道)", "township"),
        ("星级", "star"),
        ("性质", "ownership"),
        ("运营状态", "status"),
        ("建成年份", "built_year"),
        ("是否示范型", "is_model"),
        ("服务对象数", "service_objects"),
        ("更新日期", "as_of"),
        ("区划代码", "unit_code"),
        ("联系电话", None),
        ("备注", None),
    ],
)
def test_labels_after_the_table_of_the_plan(label, role, tmp_path):
    wanted = [name for name in roles() if name not in ("x", "y")]
    found = find_columns(tmp_path / "t.csv", [label], Named({}, dict.fromkeys(wanted, "k"), "wgs84"), wanted)
    assert list(found) == ([role] if role else [])


def test_no_label_means_two_things():
    seen = {}
    for role in roles().values():
        for label in role.labels.union(*role.labels_in.values()):
            assert seen.setdefault(label, role.name) == role.name, label
    assert known_labels() == set(seen)


@pytest.mark.parametrize(
    ("datum", "column"), [("gcj02", "XGCJ"), ("wgs84", "XWGS"), ("cgcs2000", None), ("EPSG:4547", None)]
)
def test_the_declared_datum_chooses_between_columns_that_say_theirs(tmp_path, datum, column):
    columns = ["ID", "XGCJ", "YGCJ", "XWGS", "YWGS"]
    found = find_columns(tmp_path / "t.csv", columns, Named({}, {"x": "facilities.x"}, datum), ["x"])
    assert (found["x"].name if found else None) == column


def test_a_column_that_says_the_datum_goes_before_one_that_says_none(tmp_path):
    found = find_columns(tmp_path / "t.csv", ["经度", "经度(GCJ-02)"], Named({}, {"x": "facilities.x"}, "gcj02"), ["x"])
    assert found["x"].name == "经度(GCJ-02)"


def test_columns_that_fit_equally_well_are_told_and_not_chosen_between(tmp_path):
    named = Named({}, {"beds": "facilities.attributes.beds", "name": "facilities.name"}, "wgs84")
    with pytest.raises(SourceError) as caught:
        find_columns(tmp_path / "t.csv", ["名称", "机构名称", "床位数", "核定床位"], named, ["name", "beds"])
    first, second = caught.value.problems
    assert "'名称', '机构名称' may each hold name; name one with facilities.name" in first
    assert "'床位数', '核定床位' may each hold beds; name one with facilities.attributes.beds" in second
    explicit = named._replace(columns={"beds": "核定床位", "name": "机构名称"})
    found = find_columns(tmp_path / "t.csv", ["名称", "机构名称", "床位数", "核定床位"], explicit, ["name", "beds"])
    assert [column.name for column in found.values()] == ["机构名称", "核定床位"]
    none = named._replace(columns={"beds": False, "name": "名称"})
    assert list(find_columns(tmp_path / "t.csv", ["名称", "床位数", "核定床位"], none, ["name", "beds"])) == ["name"]


def test_a_name_of_the_study_is_found_however_it_is_spaced(tmp_path):
    for name in ("机构 名称（全称）", "机构名称"):
        named = Named({"name": name}, {"name": "facilities.name"}, "wgs84")
        assert find_columns(tmp_path / "t.csv", ["机构名称(全称)"], named, ["name"])["name"].name == "机构名称(全称)"
    columns = ["机构名称", "机构名称(全称)"]
    assert find_columns(tmp_path / "t.csv", columns, named, ["name"])["name"].name == "机构名称", "the exact one"


@pytest.mark.parametrize(
    ("label", "factor"),
    [
        ("建筑面积(㎡)", 1),
        ("建筑面积（万平方米）", 1e4),
        ("占地面积(亩)", 2000 / 3),
        ("面积(公顷)", 1e4),
        ("服务人口(万人)", 1e4),
        ("人口[千人]", 1e3),
        ("床位数(张)", 1),
        ("床位数(含家庭床位)", 1),
        ("面积/万㎡", 1e4),
        ("床位数", 1),
    ],
)
def test_units_in_headers_are_factors(label, factor):
    assert header_factor(label) == pytest.approx(factor, rel=1e-12)


def test_what_is_no_unit():
    assert unit_factor("护理型") is None
    assert unit_factor("") is None
    assert readings("床位数/护理型") == ("床位数/护理型", "床位数护理型", "护理型床位数", "护理型")


# Values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "star"),
    [
        ("三星级", 3),
        ("3星", 3),
        ("三级", 3),
        ("５", 5),
        ("3.0", 3),
        ("★★★★", 4),
        ("★★★☆☆", 3),
        ("六星", None),
        ("无星", None),
        ("0", None),
    ],
)
def test_stars(text, star):
    assert read_star(text) == star


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2022-01-11", "2022-01-11"),
        ("2022/1/11", "2022-01-11"),
        ("2022.1.11", "2022-01-11"),
        ("2022年1月11日", "2022-01-11"),
        ("2022年1月", "2022-01-01"),
        ("２０２２年", "2022-01-01"),
        ("2022", "2022-01-01"),
        ("20220111", "2022-01-11"),
        ("2022-01-11 08:30:00", "2022-01-11"),
        ("2022-13-01", None),
        ("2022-02-30", None),
        ("22-01-11", None),
        ("去年", None),
        ("3022", None),
    ],
)
def test_dates(text, date):
    found = read_date(text)
    assert (None if found is None else found.isoformat()) == date
    assert read_year(text) == (None if date is None else int(date[:4]))


def test_yes_and_no():
    assert [read_flag(text) for text in ("是", "√", "Yes", "1", "否", "无", "0", "也许")] == [1, 1, 1, 1, 0, 0, 0, None]


def test_a_value_means_one_thing():
    for role in ("status", "ownership", "level", "datum", "flag"):
        assert vocabulary(role)
    assert vocabulary("status")["试运营"] == "operating"
    assert vocabulary("ownership")["公建民营"] == "public_private"
    assert not vocabulary("grade")


# Tables -> facilities -----------------------------------------------------------------------------------------


def test_columns_need_no_names_in_the_study(prepare):
    case = prepare(f"编号,设施名称,类别,x坐标,y坐标,床位数(张),备注\nA1,甲,养老院,{AT},12,x\n")
    table = case.facilities.table
    assert table[["id", "kind", "name", "beds", "row"]].to_numpy().tolist() == [
        ["A1", "elder_institution", "甲", 12.0, 2]
    ]
    told = case.audit.findings.query("rule == 'columns_found'")["value"].item()
    assert told == "x = x坐标; y = y坐标; id = 编号; name = 设施名称; kind = 类别; beds = 床位数(张)"


def test_every_attribute_is_typed_once_whether_the_file_has_it_or_not(prepare):
    told = {
        "名称": "甲", "类别": "托育园", "x": EAST, "y": NORTH, "床位": 10, "护理型床位": 4, "托位": 30, "在园人数": 25,
        "入住人数": 9, "建筑面积(万㎡)": 0.12, "星级": "三星级", "等级": "市级示范", "级别": "县级", "性质": "公建民营",
        "运营状态": "试运营", "建成年份": "2005年", "是否示范型": "是", "开业日期": "2006/3/1", "乡镇": "洪门镇",
    }  # fmt: skip
    full = prepare(f"{','.join(told)}\n{','.join(map(str, told.values()))}\n")
    bare = prepare(f"名称,类别,x,y\n甲,托育园,{AT}\n")
    row = full.facilities.table.iloc[0]
    assert row[["beds", "nursing_beds", "seats", "enrolment", "residents"]].tolist() == [10, 4, 30, 25, 9]
    assert row[["area_m2", "star", "built_year", "is_model"]].tolist() == pytest.approx([1200, 3, 2005, 1], rel=1e-12)
    assert row[["grade", "level", "ownership", "status"]].tolist() == [
        "市级示范",
        "county",
        "public_private",
        "operating",
    ]
    assert (row["opened"], row["township"]) == (pd.Timestamp("2006-03-01"), "洪门镇")
    assert list(bare.facilities.table.columns) == list(full.facilities.table.columns)
    kinds = [[str(dtype).split("[")[0] for dtype in case.facilities.table.dtypes] for case in (full, bare)]
    assert kinds[0] == kinds[1]
    assert bare.facilities.table[["beds", "star", "grade", "status", "opened"]].isna().all(axis=None)
    assert bare.facilities.table["township"].tolist() == [""]


def test_a_unit_in_a_header_multiplies_and_is_told(prepare):
    case = prepare(f"名称,类别,x,y,建筑面积（亩）\n甲,体育场,{AT},3\n")
    assert case.facilities.table["area_m2"].tolist() == pytest.approx([2000])
    finding = case.audit.findings.query("rule == 'unit_of_column'").iloc[0]
    assert (finding["column"], finding["action"]) == ("建筑面积（亩）", "multiplied by 666.667")


def test_closed_and_planned_facilities_stay_in_the_table_and_serve_nobody(prepare):
    rows = [
        ("甲", "正常运营", "", ""),
        ("乙", "已停业", "", ""),
        ("丙", "在建", "", ""),
        ("丁", "规划", "", ""),
        ("戊", "", "", ""),
        ("己", "运营", "", "2024-01-31"),
        ("庚", "", "2025-07-01", ""),
        ("辛", "", "2025-06-30", "2025-07-01"),
        ("壬", "装裱", "", ""),
    ]
    table = "名称,类别,x,y,运营状态,开业日期,停业日期\n" + "\n".join(
        f"{n},诊所,{AT},{s},{o},{c}" for n, s, o, c in rows
    )
    case = prepare(table)
    status = case.facilities.table["status"]
    assert status.astype(object).where(status.notna(), "").tolist() == [
        "operating", "closed", "under_construction", "planned", "", "closed", "planned", "", "装裱",
    ]  # fmt: skip
    assert case.facility_rows(("clinic",)).tolist() == [0, 4, 7, 8]
    told = case.audit.findings.set_index("rule")
    assert told.loc["facility_closed", "row"].tolist() == [3, 7]
    assert told.loc["facility_planned", "row"].tolist() == [5, 8]
    assert told.loc["facility_under_construction", "row"] == 4
    assert told.loc["values_not_known", "value"] == "装裱 (1)"
    assert wr.analyse(case).table("clinic")["facilities"].sum() == 4


def test_the_date_of_the_layer_decides_what_has_closed(prepare):
    case = prepare(f"名称,类别,x,y,停业日期\n甲,诊所,{AT},2024-01-31\n", layer="as_of = 2023-12-31")
    assert case.facility_rows(("clinic",)).tolist() == [0]


def test_unknown_kinds_are_counted_and_never_lost(prepare):
    case = prepare(f"名称,类别,x,y\n甲,诊所,{AT}\n乙,学校,{AT}\n丙,学校,{AT}\n丁,,{AT}\n")
    assert len(case.facilities) == 1
    told = case.audit.findings.query("rule == 'kind_not_listed'")
    assert told[["row", "value"]].to_numpy().tolist() == [[3, "学校"], [5, ""]]
    assert "in 2 rows" in told["reason"].iloc[0]
    refused(prepare, f"名称,类别,x,y\n乙,学校,{AT}\n", "column '类别'", "'学校'", "no value is a known kind")


def test_of_several_kinds_of_one_place_the_first_counts(prepare):
    case = prepare(f"名称,类别,x,y\n甲,090300|090100,{AT}\n乙,090102,{AT}\n")
    assert case.facilities.table["kind"].tolist() == ["clinic", "township_hospital"]
    assert case.audit.findings.query("rule == 'kinds_of_one_place'")["row"].tolist() == [2]


def test_codes_of_amap_serve_where_no_column_says_the_kind(prepare):
    case = prepare(f"名称,typecode,x,y\n甲,090300,{AT}\n")
    assert case.facilities.table["kind"].tolist() == ["clinic"]


def test_facilities_without_numbers_are_named_by_file_and_row(prepare):
    case = prepare(f"名称,x,y\n甲,{AT}\n乙,{AT}\n", layer='kind = "clinic"')
    assert case.facilities.table["id"].tolist() == ["list:2", "list:3"]


def test_a_column_that_says_another_datum_is_told(prepare):
    case = prepare(f"名称,类别,x,y,坐标系\n甲,诊所,{AT},CGCS2000\n乙,诊所,{AT},高德\n")
    told = case.audit.findings.query("rule == 'datum_said_otherwise'").iloc[0]
    assert (told["row"], told["value"]) == (2, "CGCS2000")


def test_a_service_without_any_open_facility_is_told(prepare):
    case = prepare(f"名称,类别,x,y\n甲,养老院,{AT}\n")
    assert "service clinic" in case.audit.findings.query("rule == 'service_without_facilities'")["reason"].item()


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        (f"类别,x,y\n诊所,{AT}\n", ("no column looks like name", "facilities.name", "类别, x, y")),
        ("名称,类别\n甲,诊所\n", ("no column looks like longitude or easting", "facilities.x")),
        (f"名称,x,y\n甲,{AT}\n", ("no column looks like the kind", "kind_column")),
        (f"名称,类别,x,y,星级\n甲,诊所,{AT},六星\n", ("row 2, column '星级'", "'六星' is no number of stars")),
        (f"名称,类别,x,y,建成年份\n甲,诊所,{AT},很早\n", ("row 2, column '建成年份'", "'很早' is no year")),
        (f"名称,类别,x,y,开业日期\n甲,诊所,{AT},2022-02-30\n", ("row 2", "'2022-02-30' is no date")),
        (f"名称,类别,x,y,是否示范型\n甲,诊所,{AT},也许\n", ("row 2", "'也许' is neither yes nor no")),
        (f"标题\n\n名称,类别,x,y,床位\n甲,诊所,{AT},十张\n", ("row 4, column '床位'", "'十张' is not a number")),
    ],
)
def test_what_cannot_be_read_is_told_with_row_and_column(prepare, table, parts):
    refused(prepare, table, "list.csv", *parts)


def test_the_capacity_of_a_service_must_be_told_by_some_layer(prepare):
    table = f"名称,类别,x,y,托位\n甲,诊所,{AT},5\n"
    more = 'capacity = "beds"\n'
    refused(prepare, table, "services.clinic.capacity = 'beds'", "they have: seats", services=more)


def test_kind_and_kind_column_together_are_refused(prepare):
    refused(prepare, f"名称,x,y\n甲,{AT}\n", "give either kind", layer='kind = "clinic"\nkind_column = "类别"')


def test_a_false_attribute_is_not_taken(prepare):
    table = f"名称,类别,x,y,床位数,核定床位\n甲,诊所,{AT},5,6\n"
    refused(prepare, table, "'床位数', '核定床位' may each hold beds")
    assert prepare(table, layer="attributes = { beds = false }").facilities.table["beds"].isna().all()
    assert prepare(table, layer='attributes = { beds = "核定床位" }').facilities.table["beds"].tolist() == [6]
