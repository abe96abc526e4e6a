"""A list of villages as a bureau of civil affairs has it: households, and people whom veterans' stations serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.sources.sample.geography import to_degrees
from withinreach.sources.sample.settlements import Tier

if TYPE_CHECKING:
    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.settlements import Settlements

# 5,654,433 people in 1,809,874 family households of the city, census of 2020.
PEOPLE_PER_HOUSEHOLD = 3.12
# Invented: veterans and others entitled per resident, and how far villages differ.
ENTITLED_SHARE, SPREAD = 0.025, 0.4
MISSING_SHARE = 0.03


def listed_villages(geography: Geography, settlements: Settlements, *, rng: np.random.Generator) -> pd.DataFrame:
    """Every village with an invented code and name, its middle in WGS84, households and people to serve."""
    rows = np.flatnonzero(settlements.tier == Tier.VILLAGE)
    unit = settlements.unit[rows]
    number = np.array([int((unit[:row] == u).sum()) + 1 for row, u in enumerate(unit)])
    lonlat = to_degrees(settlements.xy[rows])
    people = settlements.people[rows]
    entitled = np.round(people * ENTITLED_SHARE * np.exp(SPREAD * rng.standard_normal(len(rows))))
    told = rng.random(len(rows)) >= MISSING_SHARE
    return pd.DataFrame(
        {
            "村代码": [f"{geography.units[u].code}S{n:04d}" for u, n in zip(unit, number, strict=True)],
            "村名": [f"示例村 {chr(65 + u)}-{n:03d}" for u, n in zip(unit, number, strict=True)],
            "区划代码": [geography.units[u].code for u in unit],
            "经度": lonlat[:, 0],
            "纬度": lonlat[:, 1],
            "户数": np.maximum(np.round(people / PEOPLE_PER_HOUSEHOLD), 1).astype(np.int64),
            "服务对象数": pd.Series(entitled).where(told).astype("Int64"),
        }
    )
