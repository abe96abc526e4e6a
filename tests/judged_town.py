"""The town of conftest with facilities of many kinds, five villages, statistics, and a register that asks of each.

::

    v1,H1 --- H2 ------ C1 ..... v4 ------|------ v3,H3     villages v1 to v5 with their people to serve:
     V1        |                 .        |       V3        150, 100, not told, 20, 300
              v2,V2              V4       |                 v5 lies on the island; V4 is 300 m from v4
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import withinreach as wr
from conftest import EAST, NORTH, write_town

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FACILITIES = [  # kind, id, x, y: beds, nursing beds, seats, residents, stars, model, m²
    ("养老院", "H1", 0, 0, "40,10,,20,,,40"),
    ("养老院", "H2", 100, 0, "20,12,,,,,20"),
    ("养老院", "H3", 900, 0, ",,,,,,10"),
    ("托育", "N1", 0, 0, ",,3,,,,"),
    ("诊所", "C1", 130, 0, ",,,,,,"),
    ("站", "V1", 0, 50, ",,,,3,1,"),
    ("站", "V2", 200, -560, ",,,,2,0,"),
    ("站", "V3", 900, 60, ",,,,,,"),
    ("站", "V4", 500, 300, ",,,,5,1,"),
]
VILLAGES = [  # code, name, x, y, people to serve, households
    ("v1", "甲村", 0, 0, "150", "10"),
    ("v2", "乙村", 200, -600, "100", "20"),
    ("v3", "丙村", 900, 0, "", "30"),
    ("v4", "丁村", 500, 0, "20", ""),
    ("v5", "岛社区", 850, 500, "300", "40"),
]
STATISTICS = """\
代码,指标,数值,年份,含长垣
市,S1,96.0,2022,是
市,S1,97.2%,2023,否
1,S1,95,2023,
市,S2,580000,2024,
2,S2,300000,2024,
市,computed_elsewhere,12,2024,
市,spare,1,2024,
"""
STUDY = """
[units.village]
path = "villages.csv"
datum = "EPSG:4547"
x = "x"
y = "y"
near_m = 150
attributes = { service_objects = "服务对象", households = "户数" }

[statistics]
path = "statistics.csv"
code = "代码"
statistic = "指标"
value = "数值"
year = "年份"
includes_changyuan = "含长垣"
whole = "市"
"""
ATTRIBUTES = """attributes = { beds = "床位", nursing_beds = "护理", seats = "托位", residents = "在住", \
star = "星级", is_model = "示范", area_m2 = "面积" }"""
REGISTER = """\
id = "town"
title = "小镇规划"
source = "invented"
year = 2025

[chapters]
1 = "一"
2 = "二"

[[targets]]
id = "ratio"
clause = "1.1"
words = "每千人"
gloss = "seats per 1,000"
rules = [{ rule = "ratio", supply = { kinds = ["nursery"], sum = "seats" }, per = 1000, of = "all", value = 10, \
stretch = 20, gap_unit = "个" }]

[[targets]]
id = "households"
clause = "1.1"
words = "每百户"
gloss = "m² per 100 households, three people in each"
rules = [{ rule = "ratio", supply = { kinds = ["elder_institution"], sum = "area_m2" }, per = 100, of = "households", \
estimate = { of = "all", divided_by = 3, source = "invented" }, value = 70 }]

[[targets]]
id = "nursing"
clause = "1.1"
words = "护理型"
gloss = "share of nursing beds"
rules = [{ rule = "share", part = { kinds = ["elder_institution"], sum = "nursing_beds" }, \
whole = { kinds = ["elder_institution"], sum = "beds" }, value = 55 }]

[[targets]]
id = "nursing_bounded"
clause = "1.1"
words = "护理型"
gloss = "the same, no institution having more than 20 beds"
rules = [{ rule = "share", part = { kinds = ["elder_institution"], sum = "nursing_beds" }, \
whole = { kinds = ["elder_institution"], sum = "beds", largest = 20 }, value = 55 }]

[[targets]]
id = "occupied"
clause = "1.1"
words = "入住率"
gloss = "people per bed; more people are no more beds"
rules = [{ rule = "share", part = { kinds = ["elder_institution"], sum = "residents" }, part_adds = false, \
whole = { kinds = ["elder_institution"], sum = "beds" }, value = 60 }]

[[targets]]
id = "stars"
clause = "1.1"
words = "三级以上"
gloss = "stations with three stars"
rules = [{ rule = "share", part = { kinds = ["veterans"], at_least = { star = 3 } }, whole = { kinds = ["veterans"] }, \
value = 90 }]

[[targets]]
id = "coverage"
clause = "1.1"
words = "覆盖"
gloss = "people in reach"
rules = [{ rule = "coverage", service = "elder_care", value = 60, gap_unit = "人" }]

[[targets]]
id = "one_each"
clause = "2.1"
words = "每个"
gloss = "one institution in every county, not two, three hoped for"
rules = [{ rule = "every_unit", level = "county", facilities = [{ kinds = ["elder_institution"] }], at_most = 1, \
hoped = 3 }]

[[targets]]
id = "whole"
clause = "2.1"
words = "全市"
gloss = "two clinics in the city"
rules = [{ rule = "every_unit", level = "city", facilities = [{ kinds = ["clinic"] }], at_least = 2 }]

[[targets]]
id = "per_unit"
clause = "2.1"
words = "每户"
gloss = "half a station per ten households of every village"
rules = [{ rule = "every_unit", level = "village", facilities = [{ kinds = ["veterans"] }], at_least = 0.5, per = 10, \
of = "households" }]

[[targets]]
id = "model"
clause = "2.1"
words = "示范型"
gloss = "a model station where there are 100 to serve"
rules = [{ rule = "conditional", level = "village", where_units = { service_objects = 100 }, \
facilities = [{ kinds = ["veterans"], where = { is_model = [1] } }] }]

[[targets]]
id = "tiers"
clause = "2.1"
words = "三级网络"
gloss = "institutions in counties, stations in villages (村)"
rules = [{ rule = "tiers", tiers = [{ level = "county", facilities = { kinds = ["elder_institution"] } }, \
{ level = "village", facilities = { kinds = ["veterans"] }, names_ending = ["村"] }, \
{ level = "township", facilities = { kinds = ["veterans"] } }] }]

[[targets]]
id = "beside"
clause = "2.1"
words = "融合"
gloss = "institutions beside a clinic"
rules = [{ rule = "colocation", facilities = { kinds = ["elder_institution"] }, near = { kinds = ["clinic"] }, \
within_m = 60, value = 50 }]

[[targets]]
id = "count"
clause = "2.2"
words = "不少于"
gloss = "model stations"
rules = [{ rule = "count", facilities = { kinds = ["veterans"], where = { is_model = [1] } }, value = 4, \
by_year = { 2024 = 1 } }]

[[targets]]
id = "imported"
clause = "2.2"
words = "参保率"
gloss = "a rate and a total"
[[targets.rules]]
rule = "statistic"
name = "rate"
title = "参保率"
statistic = "S1"
value = 97
sense = "more_than"
[[targets.rules]]
rule = "statistic"
name = "total"
title = "参保人数"
statistic = "S2"
counts = "total"
value = 590_000
unit = "人"

[[targets]]
id = "computed_elsewhere"
clause = "2.2"
words = "幼儿园"
gloss = "a ratio that the bureau tells"
rules = [{ rule = "ratio", supply = { kinds = ["kindergarten"], sum = "seats" }, per = 1000, of = "all", value = 10 }]

[[targets]]
id = "no_number"
clause = "2.2"
words = "一批"
gloss = "a number of clinics"
rules = [{ rule = "count", facilities = { kinds = ["clinic"] } }]

[[targets]]
id = "story"
clause = "2.2"
words = "完善"
gloss = "nothing to measure"
rules = [{ rule = "narrative", why = "叙述" }]
"""


def write_judged_town(folder: Path) -> Path:
    """The town, what is judged in it, and its register ``plan.toml``; the path of the study."""
    study = write_town(folder)
    rows = "\n".join(f"{i},{kind},{i},{EAST + x},{NORTH + y},{figures}" for kind, i, x, y, figures in FACILITIES)
    header = "编号,类别,名称,x,y,床位,护理,托位,在住,星级,示范,面积"
    (folder / "facilities.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    villages = "\n".join(f"{code},{name},{EAST + x},{NORTH + y},{n},{h}" for code, name, x, y, n, h in VILLAGES)
    (folder / "villages.csv").write_text(f"code,name,x,y,服务对象,户数\n{villages}\n", encoding="utf-8")
    (folder / "statistics.csv").write_text(STATISTICS, encoding="utf-8")
    (folder / "plan.toml").write_text(REGISTER, encoding="utf-8")
    text = study.read_text(encoding="utf-8")
    text = text.replace(
        '{ "养老" = "elder_care", "诊所" = "clinic" }',
        '{ "养老院" = "elder_institution", "托育" = "nursery", "站" = "veterans", "诊所" = "clinic" }',
    )
    text = text.replace('attributes = { beds = "床位" }', ATTRIBUTES)
    text = text.replace('kinds = ["elder_care"]', 'kinds = ["elder_institution"]')
    study.write_text('registers = ["plan.toml"]\n' + text + STUDY, encoding="utf-8")
    return study


@pytest.fixture(name="judged")
def judged_fixture(tmp_path: Path) -> Path:
    """Path of the study of the judged town, in a folder of its own."""
    folder = tmp_path / "town"
    folder.mkdir()
    return write_judged_town(folder)


def judge(study: Path) -> wr.Judgement:
    return wr.judge(wr.analyse(wr.prepare(wr.load_study(study))))


def row(judgement: wr.Judgement, target: str, code: str = "total") -> pd.Series:
    name, _, part = target.partition("/")
    rows = judgement.of_unit(code)
    return rows[(rows["target"] == name) & (rows["part"] == part)].iloc[0]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
