"""Facilities of four kinds, invented, with gaps that differ from unit to unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from withinreach.sources.datum import wgs84_to_gcj02
from withinreach.sources.sample.geography import to_degrees
from withinreach.sources.sample.lattice import FIELD
from withinreach.sources.sample.population import BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.population import Population
    from withinreach.sources.sample.streets import Streets

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

COLUMNS = (
    "编号", "设施名称", "类别", "级别", "区划代码", "所属县(市、区)", "经度", "纬度", "坐标系",
    "床位数", "护理型床位", "托位数", "星级", "是否示范", "性质", "运营状态", "建成年份",
)  # fmt: skip
COORDINATE_SYSTEM = "GCJ-02"
MISSING_SHARE = 0.03
# Places per 1,000 that the sample as a whole has, and the share of nursing beds: below the plan, as planners know it.
SEATS_PER_1000 = 2.03
BEDS_PER_1000_ELDERS = 28.0
NURSING_SHARE = 0.45
STREET_OFFSET_M = 25.0
NEIGHBOURHOOD_M = 640.0
# What a facility is called at each level, where that is not the title of its recipe.
TITLES = {
    "养老服务设施": {
        "市": "养老机构", "县": "养老机构", "街道乡镇": "区域性养老服务中心", "社区村": "社区养老服务站",
    },
    "退役军人服务站": {
        "市": "市级退役军人服务中心", "县": "县级退役军人服务中心",
        "街道乡镇": "乡镇退役军人服务站", "社区村": "村级退役军人服务站",
    },
}  # fmt: skip
MODEL_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of facility is made.

    Attributes
    ----------
    title : str
        Value of the column 类别.
    prefix, word : str
        Of the number, and of the invented name.
    count : int
        At the scale of 0.1; grows with the square root of the scale.
    spots : int
        Of so many spots, drawn as people are spread, the one is taken with most people around who have none yet.
    """

    title: str
    prefix: str
    word: str
    count: int
    spots: int


RECIPES = (
    Recipe("养老服务设施", "YL", "示例养老服务站", 150, 24),
    Recipe("托育机构", "TY", "示例托育园", 84, 16),
    Recipe("诊所", "ZS", "示例诊所", 194, 60),
    Recipe("退役军人服务站", "TJ", "示例退役军人服务站", 74, 9),
)


def found_facilities(
    geography: Geography, population: Population, streets: Streets, *, scale: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Site all facilities and give them names and places; the columns are `COLUMNS`."""
    used = np.unique(np.append(streets.a, streets.b))
    corners = streets.xy[used[streets.settlement[used] != FIELD]]
    provision = np.array([unit.provision for unit in geography.units])
    tables = []
    for recipe in RECIPES:
        cells = _sited(recipe, population, provision, scale, rng)
        spots = corners[cKDTree(corners).query(population.xy[cells])[1]]
        spots = spots + (rng.random(spots.shape) - 0.5) * 2 * STREET_OFFSET_M
        unit = population.unit[cells]
        # The nearest corner may lie beyond the border of the unit; the cell itself does not.
        beyond = [
            not shapely.contains_xy(geography.units[u].area_m, *spot) for u, spot in zip(unit, spots, strict=True)
        ]
        spots = np.where(np.array(beyond)[:, None], population.xy[cells], spots)
        tables.append(_described(recipe, geography, unit, spots, rng))
    table = pd.concat(tables, ignore_index=True)
    _add_places(table, population, rng)
    table["类别"] = [
        TITLES.get(kind, {}).get(level, kind) for kind, level in zip(table["类别"], table["级别"], strict=True)
    ]
    return table[list(COLUMNS)]


def _sited(recipe: Recipe, population: Population, provision: Floats, scale: float, rng: np.random.Generator) -> Ints:
    """Cells of the facilities of one kind, unit by unit."""
    total = population.people.sum(axis=1)
    home = population.settlement != FIELD
    residents = np.bincount(population.unit, total)
    share = residents**0.9 * provision * np.exp(0.18 * rng.standard_normal(len(residents)))
    count = _apportioned(share, max(round(recipe.count * (scale / 0.1) ** 0.5), 2 * len(share)))
    served = np.zeros(len(total), np.bool_)
    chosen: list[int] = []
    for unit, n in enumerate(count):
        cells = np.flatnonzero(home & (population.unit == unit))
        tree = cKDTree(population.xy[cells])
        chance = np.cumsum(total[cells])
        for _ in range(n):
            spots = np.searchsorted(chance, rng.random(recipe.spots) * chance[-1])
            around = [cells[near] for near in tree.query_ball_point(population.xy[cells[spots]], NEIGHBOURHOOD_M)]
            best = int(np.argmax([total[near][~served[near]].sum() for near in around]))
            served[around[best]] = True
            chosen.append(int(cells[spots[best]]))
    return np.array(chosen)


def _apportioned(share: Floats, total: int) -> Ints:
    """Whole numbers in proportion to shares, at least 1 each, that sum to the total."""
    exact = share / share.sum() * (total - len(share))
    count = np.floor(exact).astype(np.int64) + 1
    count[np.argsort(np.floor(exact) - exact, kind="stable")[: total - count.sum()]] += 1
    return count


def _described(
    recipe: Recipe, geography: Geography, unit: Ints, spots: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """Numbers, invented names and GCJ-02 coordinates."""
    lonlat = to_degrees(spots)
    lon, lat = wgs84_to_gcj02(lonlat[:, 0], lonlat[:, 1])
    level = np.array(["市", "县", "街道乡镇", "社区村"])[np.digitize(rng.random(len(unit)), (0.03, 0.12, 0.40))]
    return pd.DataFrame(
        {
            "编号": [f"{recipe.prefix}-{row + 1:04d}" for row in range(len(unit))],
            "设施名称": [f"{recipe.word} {chr(65 + u)}-{row + 1:03d}" for row, u in enumerate(unit)],
            "类别": recipe.title,
            "级别": level,
            "区划代码": [geography.units[u].code for u in unit],
            "所属县(市、区)": [geography.units[u].name for u in unit],
            "经度": np.round(lon, 6),
            "纬度": np.round(lat, 6),
            "坐标系": COORDINATE_SYSTEM,
            "性质": np.array(["公办", "公建民营", "民办"])[np.digitize(rng.random(len(unit)), (0.4, 0.65))],
            "运营状态": np.where(rng.random(len(unit)) < 0.97, "正常运营", "试运营"),
            "建成年份": rng.integers(1998, 2025, len(unit)),
            "unit": unit,
        }
    )


def _add_places(table: pd.DataFrame, population: Population, rng: np.random.Generator) -> None:
    """Beds, nursing beds, seats and stars, each missing here and there; adds columns to the table."""
    elderly = population.people[:, [int(band) >= 60 for band in BANDS]].sum(axis=1)
    elders, residents = (np.bincount(population.unit, w) for w in (elderly, population.people.sum(axis=1)))
    unit = table["unit"].to_numpy()
    size = np.array([{"市": 3.0, "县": 2.0, "街道乡镇": 1.0, "社区村": 0.5}[level] for level in table["级别"]])
    size = size * np.exp(0.35 * rng.standard_normal(len(table)))
    known = rng.random(len(table)) >= MISSING_SHARE
    uneven = np.exp(0.32 * rng.standard_normal((3, len(elders))))

    care, nursery, veterans = (table["类别"] == RECIPES[i].title for i in (0, 1, 3))
    beds = _shared(size, unit, care & known, elders * uneven[0], BEDS_PER_1000_ELDERS * elders.sum() / 1000, step=2)
    seats = _shared(
        size**0.6, unit, nursery & known, residents * uneven[1], SEATS_PER_1000 * residents.sum() / 1000, step=5
    )
    wish = uneven[2, unit] ** 0.7 * np.clip(1 + 0.25 * rng.standard_normal(len(table)), 0.3, 1.7)
    nursing = np.round(np.clip(wish * NURSING_SHARE * beds.sum() / (wish * beds).sum(), 0.05, 0.9) * beds)
    stars = np.digitize(rng.random(len(table)), (0.05, 0.20, 0.62, 0.90)) + 1
    table["床位数"] = _present(beds, care & known)
    table["护理型床位"] = _present(nursing, care & known & (rng.random(len(table)) >= MISSING_SHARE / 2))
    table["托位数"] = _present(seats, nursery & known)
    table["星级"] = _present(stars, veterans & known)
    model = np.where(rng.random(len(table)) < MODEL_SHARE, "是", "否")
    table["是否示范"] = pd.Series(model, index=table.index).where((nursery | veterans) & known)


def _shared(size: Floats, unit: Ints, rows: pd.Series[bool], need: Floats, total: float, *, step: int) -> Ints:
    """Places in multiples of a step: to units by their need, within a unit by size; 0 in other rows."""
    size = np.where(rows, size, 0.0)
    size = size * (need / np.maximum(np.bincount(unit, size, minlength=len(need)), 1e-9))[unit]
    places = np.round(size / size.sum() * total / step).astype(np.int64)
    return np.where(size > 0, np.maximum(places, 1), 0) * step


def _present(values: Ints | Floats, rows: pd.Series[bool]) -> pd.Series[int]:
    """Whole numbers in some rows, empty cells in the others."""
    return pd.Series(values, index=rows.index).where(rows).astype("Int64")
