"""The rules of the audit, each on facilities that break it and on facilities that do not, in the town."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

import withinreach as wr
from conftest import EAST, NORTH, write_town
from withinreach.model import Areas, Places
from withinreach.preparation import examine
from withinreach.preparation.areas import assign_areas
from withinreach.preparation.audit import RULES, Evidence, amounts, duplicates, labels, people, positions, townships
from withinreach.preparation.audit.amounts import outlying
from withinreach.preparation.audit.duplicates import find_duplicates
from withinreach.preparation.audit.names import folded, marks
from withinreach.preparation.crosswalk import Crosswalk
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.scope import scope_of
from withinreach.preparation.snapping import snap_places

FRAME = MetricFrame("EPSG:4547")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return wr.prepare(wr.load_study(write_town(tmp_path_factory.mktemp("town"))))


def evidence(case, rows: list[dict], **changes) -> Evidence:
    """The town with other facilities; what a row does not say is usual."""
    usual = {"kind": "elder_care", "status": "operating", "x": 100.0, "y": 0.0}
    table = pd.DataFrame([{"id": f"F{n}", "name": f"第{n}院", **usual, **row} for n, row in enumerate(rows)])
    table = table.assign(file="facilities.csv", row=np.arange(len(table)) + 2)
    xy = np.array([EAST, NORTH]) + table[["x", "y"]].to_numpy(float)
    places = Places(
        table.drop(columns=["x", "y"]), xy, assign_areas(case.areas, xy), *snap_places(case.network, xy, 300)
    )
    columns = {"facilities.csv": {name: name for name in ("x", "y", *table.columns)} | {"name": "名称"}}
    given = {
        "study": case.study,
        "columns": columns,
        "scope": scope_of(case.areas, FRAME),
        "network": case.network,
        "people": case.people,
    }
    return Evidence(facilities=places, **{**given, "water": case.water, "frame": FRAME, **changes})


def told(rule, *args) -> pd.DataFrame:
    findings = Findings()
    rule(*args, findings)
    return findings.table("en")


def rows_of(found: pd.DataFrame, rule: str) -> list[int]:
    return found.loc[found["rule"] == rule, "row"].tolist()


def test_the_order_of_the_rules_is_fixed_and_each_stands_once():
    assert len(RULES) == len(set(RULES)) >= 25


def test_the_town_has_nothing_that_the_rules_would_find(case):
    """But for what is meant to be odd in it; a clean table is not talked about."""
    clean = evidence(case, [{}, {"x": 700.0}, {"kind": "clinic", "x": 300.0}, {"kind": "clinic", "x": 800.0}])
    assert told(lambda findings: [rule(clean, findings) for rule in RULES])["rule"].tolist() == ["datum_untested"]


# Amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "name", "rows", "wrong"),
    [
        (
            amounts.note_contradictions,
            "nursing_beds_exceed_beds",
            [{"beds": 10.0, "nursing_beds": 11.0}, {"beds": 10.0, "nursing_beds": 10.0}, {"nursing_beds": 5.0}],
            [2],
        ),
        (
            amounts.note_contradictions,
            "residents_exceed_beds",
            [{"beds": 10.0, "residents": 10.0}, {"beds": 10.0, "residents": 12.0}, {"beds": 0.0, "residents": 3.0}],
            [3],
        ),
        (
            amounts.note_contradictions,
            "enrolment_exceeds_seats",
            [{"seats": 20.0, "enrolment": 25.0}, {"seats": np.nan, "enrolment": 25.0}],
            [2],
        ),
        (
            amounts.note_years,
            "built_year_impossible",
            [{"built_year": year} for year in (2025.0, 2026.0, 205.0, np.nan)],
            [3, 4],
        ),
        (amounts.note_zeros, "capacity_zero", [{"beds": 0.0}, {"beds": 1.0}, {"beds": np.nan}], [2]),
        (amounts.note_fractions, "amount_fractional", [{"beds": 10.5}, {"beds": 10.0}, {"beds": np.nan}], [2]),
        (
            amounts.note_beyond_limits,
            "amount_beyond_limits",
            [{"beds": beds} for beds in (5000.0, 50.0, 2.0, 0.0)] + [{"kind": "clinic", "beds": 500.0}],
            [2, 4, 6],
        ),
        (labels.note_nameless, "name_missing", [{"name": ""}, {"name": "甲"}], [2]),
        (
            labels.note_not_open,
            "name_says_not_open",
            [{"name": name} for name in ("甲院(停业)", "乙", "丙（拟建）", "丁已撤销", "建设中路站", "规划馆（东）")]
            + [{"name": "戊院(停业)", "status": "closed"}],
            [2, 4, 5],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_rule_finds_the_wrong_rows_and_no_others(case, rule, name, rows, wrong):
    assert rows_of(told(rule, evidence(case, rows)), name) == wrong


def test_a_study_sets_its_own_limits(town, case):
    own = town.read_text(encoding="utf-8") + "\n[audit.limits.beds]\nelder_care = [20, 60]\n"
    town.write_text(own, encoding="utf-8")
    found = told(
        amounts.note_beyond_limits, evidence(case, [{"beds": 10.0}, {"beds": 61.0}], study=wr.load_study(town))
    )
    assert found["row"].tolist() == [2, 3]
    assert found["reason"].iloc[0] == "第0院: beds of a elder_care are 20 to 60 (source: the study)"
    town.write_text(own.replace("[20, 60]", "[60, 20]"), encoding="utf-8")
    with pytest.raises(
        wr.CoverageError, match=r"audit\.limits\.beds\.elder_care: the least, 60, is more than the most"
    ):
        wr.load_study(town)


def test_outliers_are_told_of_enough_facilities_only(case):
    usual = [{"beds": float(beds)} for beds in np.linspace(40, 60, 40).round()]
    assert rows_of(told(amounts.note_outliers, evidence(case, [*usual, {"beds": 900.0}])), "amount_outlying") == [42]
    assert told(amounts.note_outliers, evidence(case, [*usual[:10], {"beds": 900.0}])).empty


@given(st.lists(st.floats(1, 1e6), max_size=60))
def test_outliers_do_not_depend_on_the_unit(values):
    values = np.array(values)
    assert np.array_equal(outlying(values), outlying(values * 1024))


# Positions --------------------------------------------------------------------------------------------------------


def test_places_against_areas_streets_and_water(case):
    rows = [{"x": 200.0}, {"x": -150.0}, {"x": 30_000.0}, {"x": 850.0, "y": 500.0}, {"x": 300.0, "y": 450.0}]
    found = evidence(case, rows)
    assert rows_of(told(positions.note_outside, found), "facility_outside_areas") == [3]
    far = told(positions.note_outside, found)
    assert rows_of(far, "facility_far_away") == [4]
    assert far["reason"].iloc[1] == "29 km from the nearest area (东区)"
    assert rows_of(told(positions.note_on_islands, found), "facility_detached") == [5]
    assert rows_of(told(positions.note_off_streets, found), "facility_off_streets") == [4, 6]
    water = (
        case.areas.table[["geometry"]]
        .iloc[:1]
        .set_geometry([shapely.box(EAST + 190, NORTH - 5, EAST + 210, NORTH + 5)])
    )
    assert rows_of(told(positions.note_on_water, evidence(case, rows, water=water)), "facility_on_water") == [2]


def test_many_names_on_one_point_are_told_and_a_house_of_three_is_not(case):
    many = [{"x": 300.0}] * 4 + [{"x": 400.0}] * 3
    found = told(positions.note_shared_spots, evidence(case, many))
    assert rows_of(found, "spot_shared") == [2, 3, 4, 5]
    assert "4 facilities" in found["reason"].iloc[0]


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_positions_with_few_decimals_are_told_in_the_datum_of_the_file(town, case, datum):
    text = town.read_text(encoding="utf-8").replace(
        'path = "facilities.csv"\ndatum = "EPSG:4547"', f'path = "facilities.csv"\ndatum = "{datum}"'
    )
    town.write_text(text, encoding="utf-8")
    lon, lat = np.array([114.001, 114.0012, 114.0]), np.array([35.23, 35.23, 35.2301])
    xy = FRAME.to_metres(datum, lon, lat) - (EAST, NORTH)
    found = evidence(case, [{"x": x, "y": y} for x, y in xy], study=wr.load_study(town))
    told_ = told(positions.note_coarse, found)
    assert told_[["row", "column", "value"]].to_numpy().tolist() == [[2, "x, y", "114.001, 35.23"]]


def test_longitude_and_latitude_exchanged_are_told_before_the_file_is_refused(town):
    text = town.read_text(encoding="utf-8").replace(
        'path = "facilities.csv"\ndatum = "EPSG:4547"', 'path = "facilities.csv"\ndatum = "wgs84"'
    )
    town.write_text(text, encoding="utf-8")
    (town.parent / "facilities.csv").write_text(
        "编号,类别,名称,x,y,床位\nA1,养老,甲,114.0012,35.2301,1\nA2,养老,乙,35.2302,114.0013,2\n", encoding="utf-8"
    )
    seen = examine(wr.load_study(town))
    assert any("row 3, column 'x'" in line for line in seen.problems)
    (found,) = seen.findings[seen.findings["rule"] == "coordinates_swapped"].to_dict(orient="records")
    assert (found["row"], found["value"]) == (3, "35.2302, 114.0013")
    assert [finding.proposal.change for finding in seen.proposed] == [{"x": "114.0013", "y": "35.2302"}]


# Labels -----------------------------------------------------------------------------------------------------------


def coded(case, *codes: str) -> Areas:
    return Areas(case.areas.table.assign(code=list(codes)).astype({"code": "str"}))


def test_units_by_code_and_by_name_against_the_place(case):
    rows = [
        {"unit_code": "410702", "unit_name": "西区"},
        {"unit_code": "410703", "unit_name": "东区"},
        {"unit_code": "410703", "unit_name": "西区"},
        {"unit_code": "", "unit_name": "东区", "x": 590.0},
        {"unit_code": "410702005", "unit_name": ""},
        {"unit_code": "999999", "unit_name": "别处"},
    ]
    found = evidence(case, rows, scope=scope_of(coded(case, "410702", "410703"), FRAME))
    elsewhere = told(labels.note_other_unit, found)
    assert elsewhere["row"].tolist() == [3, 4, 5]
    assert "labelled 东区, but lies in 西区, 10 m from there" in elsewhere["reason"].iloc[2]
    assert rows_of(told(labels.note_code_against_name, found), "unit_code_against_name") == [4]
    assert rows_of(told(labels.note_codes, found), "unit_code_unknown") == [7]


def test_the_old_code_of_changyuan_is_known_in_tables_and_in_areas(case):
    rows = [{"unit_code": "410728"}, {"unit_code": "410783"}, {"unit_code": "410728100"}]
    new = evidence(case, rows, scope=scope_of(coded(case, "410783", "410702"), FRAME))
    codes = told(labels.note_codes, new)
    assert codes[["rule", "row"]].to_numpy().tolist() == [["unit_code_old", 2]]
    assert told(labels.note_other_unit, new).empty
    old = evidence(case, rows, scope=scope_of(coded(case, "410728", "410702"), FRAME))
    assert told(labels.note_area_codes, old)["value"].tolist() == ["410728"]
    assert told(labels.note_other_unit, old).empty


def test_townships_are_found_by_name_never_by_code(case):
    table = pd.DataFrame(
        {
            "code": ["410702001", "410703001", "410702002", "410703002"],
            "name": ["西街街道", "关堤乡", "城关镇", "城关镇"],
            "code_system": "NBS 2023",
            "unit": ["410702", "410703", "410702", "410703"],
            "area": np.array([0, 1, 0, 1], np.int32),
        }
    )
    rows = [{"township": name} for name in ("西街街道办事处", "关堤乡", "城关镇", "无此乡", "")]
    found = told(townships.note_townships, evidence(case, rows, crosswalk=Crosswalk(table)))
    assert found["row"].tolist() == [3]
    assert found["reason"].iloc[0] == "第1院: the crosswalk gives its township to 东区, but it lies in 西区"


def test_units_without_a_facility_are_told_per_service(case):
    found = told(labels.note_bare_units, evidence(case, [{}, {"x": 700.0}, {"kind": "clinic"}]))
    assert found["reason"].tolist() == ["诊所: no facility in 1 units: 东区"]
    alone = told(labels.note_bare_units, evidence(case, [{}, {"x": 700.0}, {"kind": "clinic", "status": "closed"}]))
    assert alone[["rule", "file"]].to_numpy().tolist() == [["service_without_facilities", "facilities.csv"]]


def test_a_group_larger_than_everybody_is_told(case):
    table = case.people.table.copy()
    table.loc[[0, 2], "age_60_plus"] = [101.0, 80.0]
    found = told(people.note_larger_groups, evidence(case, [{}], people=replace(case.people, table=table)))
    assert found["reason"].tolist() == ["age_60_plus is larger than all in 1 cells or rows, by 1.0 people in all"]


# Duplicates -------------------------------------------------------------------------------------------------------


def test_of_duplicates_the_best_known_row_is_kept(case):
    rows = [
        {"name": "新乡市红旗区幸福里养老院", "x": 0.0},
        {"name": "幸福里养老院", "x": 60.0, "beds": 30.0},
        {"name": "幸福里养老院(东区)", "x": 90.0},
        {"name": "幸福里养老院", "x": 300.0},
        {"name": "幸福里养老院", "x": 60.0, "kind": "clinic"},
    ]
    found = told(duplicates.note_duplicates, evidence(case, rows))
    assert found["row"].tolist() == [2]
    assert (
        found["reason"].iloc[0]
        == "seems to be the same as '幸福里养老院', row 3 of facilities.csv: 60 m apart, names 100% alike"
    )


def test_repeated_names_and_ids(case):
    rows = [
        {"name": "安康站", "id": "A"},
        {"name": "安康站", "id": "B", "x": 400.0},
        {"name": "安康站", "id": "A", "x": 900.0},
    ]
    found = evidence(case, rows)
    names = told(duplicates.note_repeated_names, found)
    assert names[["row", "reason"]].to_numpy().tolist() == [
        [2, "2 facilities of one kind and unit have this name, up to 0.3 km apart (rows 2, 3)"]
    ]
    assert rows_of(told(duplicates.note_repeated_ids, found), "id_repeated") == [4]


def test_names_are_compared_without_region_form_and_punctuation():
    names = [
        "河南省新乡市红旗区　ＡＢ养老院（东院）",
        "上海普陀区长风敬老院",
        "幸福养老服务有限公司",
        "社区",
        "牧野县第一中学",
    ]
    assert folded(names, ["普陀区"]).tolist() == ["ab养老院东院", "长风敬老院", "幸福养老服务", "社区", "第一中学"]
    assert marks(["第一中学2号楼", "第二中学2号楼", "a座", "ab座"]).tolist() == ["一 2", "二 2", "a", ""]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 12).map(lambda step: step * 20.0),
            st.integers(0, 3).map(lambda step: step * 40.0),
            st.sampled_from(["a", "b"]),
            st.text("幸福安康一二站院", min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=25,
    ),
    st.sampled_from([0.0, 50.0, 100.0]),
    st.sampled_from([0.7, 0.85, 1.0]),
)
def test_duplicates_are_those_of_comparing_each_with_each(rows, within_m, similarity):
    xy = np.array([[x, y] for x, y, _, _ in rows])
    kind, name = (np.array([row[column] for row in rows], object) for column in (2, 3))
    mark = marks(name)
    naive = {
        (a, b)
        for a in range(len(rows))
        for b in range(a + 1, len(rows))
        if kind[a] == kind[b]
        and mark[a] == mark[b]
        and np.hypot(*(xy[a] - xy[b])) <= within_m
        and np.float32(fuzz.ratio(name[a], name[b])) / 100 >= similarity
    }
    found = find_duplicates(xy, kind, name, within_m, similarity)
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs <= naive
    # Rows of one spot and name stand in a chain: the group is the same, the pairs are fewer.
    assert groups(len(rows), pairs) == groups(len(rows), naive)


def groups(count: int, pairs: set[tuple[int, int]]) -> list[int]:
    """The lowest row that each row is joined with."""
    lowest = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            lowest[a] = lowest[b] = min(lowest[a], lowest[b])
    return lowest


# A real table -----------------------------------------------------------------------------------------------------


def test_shanghai_26_of_626_homes_lie_in_another_district_than_their_row_says(case, shared, measured):
    """Homes and districts in GCJ-02; the districts are of DataV, the homes were looked up at Amap by their address."""
    folder = shared / "shanghai_elderly"
    frame = MetricFrame("EPSG:4549")
    homes = pd.read_csv(folder / "elderly_geocoded.csv", encoding="utf-8-sig", dtype=str)
    layer = gpd.read_file(folder / "datav_310000.json")
    names = {"code": layer["adcode"].astype("str"), "name": layer["name"]}
    shapes = frame.geometries("gcj02", layer.geometry.to_numpy())
    areas = Areas(gpd.GeoDataFrame(names, geometry=shapes, crs=frame.crs).astype(dict.fromkeys(names, "str")))
    xy = frame.to_metres("gcj02", homes["lng"].to_numpy(float), homes["lat"].to_numpy(float))
    table = pd.DataFrame({"name": homes["name"], "unit_name": homes["district"], "beds": homes["beds"].astype(float)})
    table = table.assign(
        id=homes["id"], kind="elder_care", status="operating", file="facilities.csv", row=np.arange(626) + 2
    )
    places = Places(table, xy, assign_areas(areas, xy), *np.zeros((3, 626), np.int64))
    found = evidence(case, [{}], scope=scope_of(areas, frame), frame=frame)
    found = replace(found, facilities=places)
    elsewhere = told(labels.note_other_unit, found)
    assert len(elsewhere) == 26
    metres = elsewhere["reason"].str.extract(r"([\d,]+) m from there")[0].str.replace(",", "").astype(float)
    measured(f"26 of 626 homes of Shanghai are {metres.median():,.0f} m (median) from the district of their row")
    twice = told(duplicates.note_duplicates, found)
    assert twice["value"].tolist() == ["上海金山区亭林镇松隐敬老院"]
