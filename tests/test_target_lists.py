"""Lists of units and statistics in the town of judged_town: how they are read, and what is wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import withinreach as wr
from conftest import EAST, NORTH
from withinreach.model import part_around
from withinreach.reach import measure_reach

if TYPE_CHECKING:
    from pathlib import Path
from judged_town import edit, judged_fixture, row  # noqa: F401


def box(west: float, south: float, east: float, north: float, code: str) -> dict:
    ring = [
        [EAST + x, NORTH + y] for x, y in ((west, south), (east, south), (east, north), (west, north), (west, south))
    ]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"id": code, "name": f"{code}镇", "county": "1"}, "geometry": geometry}


def write_polygons(path: Path, features: list[dict]) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8")


TOWNSHIPS = '\n[units.township]\npath = "townships.geojson"\ndatum = "EPSG:4547"\ncode = "id"\n'


def test_polygons_hold_facilities_and_lie_where_their_people_live(judged):
    features = [box(-100, -100, 250, 100, "a"), box(-100, -700, 600, -100, "b"), box(250, -100, 1000, 600, "c")]
    write_polygons(judged.parent / "townships.geojson", features)
    judged.write_text(judged.read_text(encoding="utf-8") + TOWNSHIPS, encoding="utf-8")
    case = wr.prepare(wr.load_study(judged))
    places = case.units["township"].places
    # a: the only cell; b: the cell at the end of Mill Lane; c: of four cells the nearest to their centre of gravity,
    # (80·500 + 40·900 + 10·850 + 5·300) / 135 = 637, (80·20 - 40·30 + 10·510 + 5·450) / 135 = 57
    assert (places.xy - [EAST, NORTH]).tolist() == [[0, 10], [200, -600], [500, 20]]
    assert places.area.tolist() == [0, 0, 0]
    tiers = row(wr.judge(wr.analyse(case)), "tiers/township")
    assert tiers[["state", "have", "base"]].tolist() == ["met", 3, 3]


def test_a_column_tells_the_area_of_a_unit(judged):
    write_polygons(judged.parent / "townships.geojson", [box(600, -100, 1000, 100, "d")])
    judged.write_text(judged.read_text(encoding="utf-8") + TOWNSHIPS + 'area = "county"\n', encoding="utf-8")
    case = wr.prepare(wr.load_study(judged))
    assert case.units["township"].places.area.tolist() == [0]


@pytest.mark.parametrize(
    ("file", "old", "new", "parts"),
    [
        ("villages.csv", "v2,", "v1,", ("row 3, column 'code'", "code v1 stands twice (first in row 2)")),
        ("villages.csv", "v2,", ",", ("row 3", "no code in column 'code'")),
        ("villages.csv", ",150,", ",many,", ("row 2, column '服务对象'", "'many' is not a number")),
        ("villages.csv", "甲村,500000.0", "甲村,", ("row 2, column 'x'", "is not a coordinate")),
        ("villages.csv", "户数", "户", ("no column '户数'", "units.village.attributes.households")),
        ("statistics.csv", "96.0", "viel", ("row 2, column '数值'", "is not a number")),
        ("statistics.csv", ",2022,", ",22,", ("row 2, column '年份'", "is no year")),
        ("statistics.csv", "2022,是", "2022,maybe", ("row 2, column '含长垣'", "neither yes nor no")),
        ("statistics.csv", "S1,97.2%,2023", "S1,97.2%,2022", ("row 3, column '指标'", "stands twice")),
        ("statistics.csv", "代码", "code", ("no column '代码'", "statistics.code")),
    ],
)
def test_bad_lists_and_statistics(judged, file, old, new, parts):
    edit(judged.parent / file, old, new)
    with pytest.raises(wr.CoverageError) as raised:
        wr.prepare(wr.load_study(judged))
    assert len(raised.value.problems) == 1
    for part in (file, *parts):
        assert part in raised.value.problems[0]


def test_figures_of_other_units_and_empty_ones_are_noted(judged):
    path = judged.parent / "statistics.csv"
    path.write_text(path.read_text(encoding="utf-8") + "9,S1,90,2023,\n2,S1,—,2023,\n", encoding="utf-8")
    (judged.parent / "villages.csv").write_text(
        (judged.parent / "villages.csv").read_text(encoding="utf-8") + f"v6,外村,{EAST - 9000},{NORTH},1,1\n",
        encoding="utf-8",
    )
    case = wr.prepare(wr.load_study(judged))
    rules = set(case.audit.findings["rule"])
    assert {"statistics_elsewhere", "statistics_empty", "units_outside_areas", "units_off_streets"} <= rules
    assert len(case.statistics) == 7
    assert row(wr.judge(wr.analyse(case)), "coverage/units")["base"] == 5


def test_units_of_a_part_walk_as_in_the_whole(judged):
    case = wr.prepare(wr.load_study(judged))
    clinic = case.study.services["clinic"]
    whole = measure_reach(case, clinic).unit_seconds["village"]
    for area, rows in ((0, [0, 1, 3]), (1, [2, 4])):
        part = part_around(case, area, 2000.0).case
        assert part.units["village"].places.table["code"].tolist() == [f"v{row + 1}" for row in rows]
        np.testing.assert_array_equal(measure_reach(part, clinic).unit_seconds["village"], whole[rows])
