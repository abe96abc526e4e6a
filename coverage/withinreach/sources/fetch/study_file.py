"""The study file that reads what was downloaded; only the population is left to add."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import shapely

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from withinreach.sources.fetch.kinds import Kind, Kinds
    from withinreach.sources.fetch.place import Place

STREETS = "streets.osm.gz"
BOUNDARY = "boundary.geojson"
FACILITIES = "facilities.csv"
POPULATION = "population.tif"
STUDY = "study.toml"
CHINA = "cn"
# CGCS2000 / 3-degree Gauss-Krüger, eastings without a zone number: EPSG:4534 has its central meridian at 75° E,
# EPSG:4554 at 135° E.
FIRST_MERIDIAN, LAST_MERIDIAN, FIRST_EPSG = 75, 135, 4534
ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
# Speeds and their sources, as in the sample's study.
PROFILES = {
    "elder": ("老年人", "Old people", 0.9, "Asher et al. 2012, England, 3145 people of 65+: men 0.9, women 0.8 m/s"),
    "infant_carer": ("带婴幼儿的照护者", "Carers with infants", 1.0, "customary, unverified; edit as needed"),
    "standard": ("居住区标准", "Residential standard", 1.0, "GB 50180-2018: 800-1000 m in 15 minutes, the middle"),
    "adult": ("成年人", "Adults", 1.33, "customary 4.8 km/h, unverified; edit as needed"),
}
SAMPLED_POINTS = 21


def metric_crs(place: Place) -> str:
    """The projected CRS of the study, ``EPSG:n``.

    In China the 3-degree Gauss-Krüger zone of CGCS2000 whose central meridian is nearest to the middle of the place;
    elsewhere the UTM zone that geopandas estimates.
    """
    if place.country == CHINA:
        west, _, east, _ = shapely.bounds(place.polygon)
        meridian = min(max(round((west + east) / 2 / 3) * 3, FIRST_MERIDIAN), LAST_MERIDIAN)
        return f"EPSG:{FIRST_EPSG + (meridian - FIRST_MERIDIAN) // 3}"
    return f"EPSG:{gpd.GeoSeries([place.polygon], crs='EPSG:4326').estimate_utm_crs().to_epsg()}"


def largest_error_ppm(crs: str, place: Place) -> float:
    """How much lengths in a CRS differ from those on the ellipsoid, at worst over the place's bounds, in ppm."""
    west, south, east, north = shapely.bounds(place.polygon)
    lon, lat = np.meshgrid(np.linspace(west, east, SAMPLED_POINTS), np.linspace(south, north, SAMPLED_POINTS))
    scale = pyproj.Proj(crs).get_factors(lon.ravel(), lat.ravel()).meridional_scale
    return float(np.abs(scale - 1).max() * 1e6)


@dataclass(frozen=True)
class Contents:
    """What the study file says about the download.

    Attributes
    ----------
    name
        Identifier of the study.
    as_of
        Date of OpenStreetMap's data.
    found
        Number of facilities per kind; kinds without any are missing.
    """

    name: str
    place: Place
    as_of: dt.date
    kinds: Kinds
    found: Mapping[str, int]


def study_name(text: str) -> str:
    """A text as the name of a study: letters, digits, dot, dash, underscore."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return name or "osm"


def study_text(contents: Contents) -> str:
    """The study as TOML with comments, in Chinese and English."""
    place = contents.place
    chinese = place.country == CHINA
    crs = metric_crs(place)
    crs_name, error_ppm = _comment(pyproj.CRS(crs).name), largest_error_ppm(crs, place)
    kinds = [kind for kind in contents.kinds.kinds if kind.name in contents.found] or list(contents.kinds.kinds)
    missing = [kind.name for kind in contents.kinds.kinds if kind.name not in contents.found]
    attributes = ", ".join(f"{name} = {_text(name)}" for name in contents.kinds.attributes)
    head = f"""\
# {_comment(place.title)}
# 由 withinreach fetch 生成;数据 © OpenStreetMap 贡献者,ODbL 1.0 / written by `withinreach fetch`.
# 路径相对于本文件;写错的键会报错 / paths are relative to this file; a mistyped key is an error.
#
# 只差人口 / Only the population is missing: put a grid of people (GeoTIFF, e.g. the WorldPop file of the country,
# https://hub.worldpop.org) beside this file as {POPULATION}, correct population.as_of, then run
#     withinreach check {STUDY}

name = {_text(contents.name)}
title = {_text(place.title.split(",")[0] if place.osm else contents.name)}
language = {_text("zh" if chinese else "en")}
metric_crs = {_text(crs)}        # {crs_name}; lengths err by {error_ppm:.0f} ppm at most
as_of = {contents.as_of.isoformat()}             # OpenStreetMap 数据日期 / date of the data
notice = {_text(ATTRIBUTION)}   # ODbL 要求注明 / required by the licence

[areas]
path = {_text(BOUNDARY)}
datum = "wgs84"

# 哪些道路可步行由 walking_tags.toml 决定,读取时计入审计 / which ways are walked on is decided when the file is read
[network]
path = {_text(STREETS)}
datum = "wgs84"

[population]
datum = "wgs84"
as_of = {contents.as_of.isoformat()}             # 改为人口数据的日期 / the date of your grid

# 老年人、婴幼儿等另加一组 / add a group for each age: [population.groups.age_60_plus]
[population.groups.all]
title = {_text("常住人口" if chinese else "All residents")}
parts = [{{ path = {_text(POPULATION)} }}]

# 地图上没有的设施不等于不存在;请与主管部门名册核对 / what is not mapped may still exist: check against the register
[[facilities]]
path = {_text(FACILITIES)}
datum = "wgs84"
kind_column = "kind"
attributes = {{ {attributes} }}
"""
    used = {kind.profile for kind in kinds}
    blocks = [_profile(name, chinese=chinese) for name in PROFILES if name in used]
    if missing:
        blocks.append(f"# 未找到 / none found: {', '.join(missing)}\n")
    blocks += [_service(kind, contents.found.get(kind.name, 0), chinese=chinese) for kind in kinds]
    return "\n".join([head, *blocks])


def _profile(name: str, *, chinese: bool) -> str:
    zh, en, speed_m_s, source = PROFILES[name]
    return f"""\
[profiles.{name}]
title = {_text(zh if chinese else en)}
speed_m_s = {speed_m_s}
source = {_text(source)}
"""


def _service(kind: Kind, count: int, *, chinese: bool) -> str:
    return f"""\
[services.{kind.name}]          # {count}
title = {_text(kind.zh if chinese else kind.en)}
kinds = [{_text(kind.name)}]
people = "all"
cutoff_min = 15
profile = {_text(kind.profile)}
"""


def _text(value: str) -> str:
    """A TOML string: JSON's rules, and TOML also escapes DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(value: str) -> str:
    """Text of one comment line: a control character would end the line or break the file."""
    return "".join(letter if letter.isprintable() else " " for letter in value)
