"""Fixtures that several test files share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import withinreach as wr
from browsing import browser

if TYPE_CHECKING:
    from withinreach.analysis import Result

__all__ = ["browser"]  # a fixture of every test that opens a page

# Tests build their networks themselves; those of the cache name a folder of their own.
os.environ["WITHINREACH_CACHE"] = ""

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture
def measured(record_property):
    """Tell a figure that a test measured on a real city; it is printed at the end of the run."""

    def tell(text: str) -> None:
        record_property("measured", text)

    return tell


def pytest_terminal_summary(terminalreporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    told = [(r.nodeid, text) for r in reports for key, text in r.user_properties if key == "measured"]
    if told:
        terminalreporter.section("measured on real cities")
    for nodeid, text in sorted(told):
        terminalreporter.write_line(f"{nodeid.split('::')[0]}: {text}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real cases that are not part of the project; tests that use them are skipped where they are absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real cases (../shared/data) is not here")
    return SHARED


@pytest.fixture(scope="session")
def sample_result() -> Result:
    """The sample city, measured."""
    return wr.analyse(wr.sample_case())


# A town that can be checked by hand: metres in EPSG:4547 with the origin at (500 000 E, 3 900 000 N).
#
#      west unit (W)         |        east unit (E)
#
#   a---200---b---300---c----|--400---d          the High Street, y = 0
#             |              |
#            600             |
#             |              |
#             e              |                   f---100---g    an island without a bridge, y = 500
#
EAST, NORTH = 500_000.0, 3_900_000.0
NODES = {"a": (0, 0), "b": (200, 0), "c": (500, 0), "d": (900, 0), "e": (200, -600), "f": (800, 500), "g": (900, 500)}
STREETS = [("a", "b"), ("b", "c"), ("c", "d"), ("b", "e"), ("f", "g")]
PEOPLE = [  # x, y, everybody, aged 60 and more
    (0, 10, 100.0, 20.0),
    (200, -600, 50.0, 30.0),
    (500, 20, 80.0, 10.5),
    (900, -30, 40.0, 8.0),
    (850, 510, 10.0, 2.0),  # on the island
    (300, 450, 5.0, 1.0),  # 450 m from any street
]
FACILITIES = [  # id, kind, name, x, y, beds
    ("A1", "养老", "甲养老院", 0, 0, "10"),
    ("A2", "养老", "乙养老院", 900, 0, "—"),
    ("C1", "诊所", "丙诊所", 350, 5, ""),
]


def _features(geometries: list[tuple[dict, dict]]) -> str:
    features = [{"type": "Feature", "properties": p, "geometry": g} for p, g in geometries]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}, ensure_ascii=False)


def _at(x: float, y: float) -> list[float]:
    return [EAST + x, NORTH + y]


def _box(west: float, south: float, east: float, north: float) -> dict:
    ring = [_at(west, south), _at(east, south), _at(east, north), _at(west, north), _at(west, south)]
    return {"type": "Polygon", "coordinates": [ring]}


def write_town(folder: Path) -> Path:
    """The town as files, and the study that reads them."""
    units = [
        ({"code": 1, "name": "西区"}, _box(-100, -700, 600, 600)),
        ({"code": 2, "name": "东区"}, _box(600, -700, 1000, 600)),
    ]
    (folder / "areas.geojson").write_text(_features(units), encoding="utf-8")
    lines = [({}, {"type": "LineString", "coordinates": [_at(*NODES[a]), _at(*NODES[b])]}) for a, b in STREETS]
    (folder / "streets.geojson").write_text(_features(lines), encoding="utf-8")
    people = "\n".join(f"{EAST + x},{NORTH + y},{n},{old}" for x, y, n, old in PEOPLE)
    (folder / "people.csv").write_text(f"x,y,all,old\n{people}\n", encoding="utf-8")
    rows = "\n".join(f"{i},{kind},{name},{EAST + x},{NORTH + y},{beds}" for i, kind, name, x, y, beds in FACILITIES)
    (folder / "facilities.csv").write_text(f"编号,类别,名称,x,y,床位\n{rows}\n", encoding="utf-8-sig")
    study = folder / "study.toml"
    study.write_text(TOWN, encoding="utf-8")
    return study


TOWN = """\
name = "town"
title = "小镇"
language = "en"
metric_crs = "EPSG:4547"
as_of = 2025-06-30

[areas]
path = "areas.geojson"
datum = "EPSG:4547"

[network]
path = "streets.geojson"
datum = "EPSG:4547"
snap_cap_m = 300

[population]
datum = "EPSG:4547"
as_of = 2020-11-01
x = "x"
y = "y"

[population.groups.all]
title = "常住人口"
parts = [{ path = "people.csv", column = "all" }]

[population.groups.age_60_plus]
title = "60岁及以上"
parts = [{ path = "people.csv", column = "old" }]

[[facilities]]
path = "facilities.csv"
datum = "EPSG:4547"
x = "x"
y = "y"
id = "编号"
name = "名称"
kind_column = "类别"
kinds = { "养老" = "elder_care", "诊所" = "clinic" }
attributes = { beds = "床位" }

[profiles.slow]
title = "慢"
speed_m_s = 1.0
source = "a round figure for checking by hand"

[services.elder_care]
title = "养老"
kinds = ["elder_care"]
people = "age_60_plus"
cutoff_min = 8.35
profile = "slow"
capacity = "beds"
norm = { per_1000 = 500, of = "age_60_plus", source = "invented" }

[services.clinic]
title = "诊所"
kinds = ["clinic"]
people = "all"
cutoff_min = 6
profile = "slow"
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Path of the town's study file, in a folder of its own."""
    folder = tmp_path / "town"
    folder.mkdir()
    return write_town(folder)


VETERANS = (3.137, 20.211, 10.519, 8.071, 2.713, 1.409)
GROUP = """
[population.groups.veterans]
title = "退役军人"
parts = [{ path = "people.csv", column = "veterans" }]

[[facilities]]"""
SERVICE = """
[services.honour]
title = "退役军人服务"
kinds = ["elder_care"]
people = "veterans"
cutoff_min = 8.35
profile = "slow"
capacity = "beds"
"""


def with_veterans(study: Path, more: str = "") -> Path:
    """Give the town a protected group and a service for it."""
    path = study.parent / "people.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    told = [f"{row},{count}" for row, count in zip(rows, VETERANS, strict=True)]
    path.write_text("\n".join([f"{head},veterans", *told, ""]), encoding="utf-8")
    text = study.read_text(encoding="utf-8").replace("\n[[facilities]]", GROUP, 1)
    study.write_text(text + SERVICE + more, encoding="utf-8")
    return study
