"""What values of columns and fixed words say in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

_LANGUAGES = ("zh", "en")
# Values of a column by its name: (中文, English); what is not listed stands for itself.
_VALUES = MappingProxyType(
    {
        "level": {
            "city": ("市级", "city"),
            "county": ("县级", "county"),
            "township": ("街道乡镇", "township"),
            "village": ("社区村", "village"),
        },
        "ownership": {
            "public": ("公办", "public"),
            "public_private": ("公建民营", "public-private"),
            "private": ("民办", "private"),
        },
        "status": {
            "operating": ("正常运营", "operating"),
            "closed": ("已停业", "closed"),
            "under_construction": ("在建", "under construction"),
            "planned": ("规划", "planned"),
        },
        "flag": {"1.0": ("是", "yes"), "0.0": ("否", "no")},
        "basis": {
            "computed": ("计算", "computed"),
            "imported": ("统计", "statistic"),
            "narrative": ("叙述", "narrative"),
        },
        "attribute": {
            "binding": ("约束性", "binding"),
            "expected": ("预期性", "expected"),
        },
        "reason": {
            "distance": ("距离过远", "too far"),
            "no_connection": ("无路可达", "no way there"),
            "no_street": ("附近无道路", "no street near"),
            "capacity": ("规模不足", "no room"),
        },
        "suggestion": {
            "share": ("共建", "share a building"),
            "build": ("新建", "build"),
            "connect": ("连通道路", "connect"),
            "verify": ("核实路网", "verify the streets"),
        },
        "priority": {"high": ("高", "high"), "middle": ("中", "middle"), "low": ("低", "low")},
    }
)
_WORDS = {
    "county_total": ("合计", "total"),
    "chart_coverage": ("覆盖率与直线圈覆盖率", "Coverage, and coverage of the circle"),
    "chart_uncovered": ("未覆盖人口", "Uncovered people"),
    "chart_townships": ("各乡镇（街道）覆盖率", "coverage by township"),
    "chart_gaps": ("最大的空白区（未覆盖人口）", "Largest gaps (uncovered people)"),
    "no_people": ("无人口", "nobody lives here"),
    "priority_high": ("优先级高", "high priority"),
    "priority_middle": ("优先级中", "middle priority"),
    "priority_low": ("优先级低", "low priority"),
    "facilities": ("设施", "facilities"),
    "isochrones": ("等时圈", "isochrones"),
    "gaps": ("空白区", "gaps"),
    "catchments": ("就近范围", "catchments"),
    "status_served": ("已覆盖", "served"),
    "status_too_far": ("距离过远", "too far"),
    "status_not_connected": ("无路可达", "no way there"),
    "status_not_snapped": ("附近无道路", "no street near"),
    "status_outside_network": ("路网范围外", "outside the network"),
    "status_served_estimate": ("已覆盖（估算）", "served (estimate)"),
    "status_too_far_estimate": ("距离过远（估算）", "too far (estimate)"),
    "minutes": ("到最近设施的步行分钟数", "minutes to the nearest facility"),
    "status": ("状态", "status"),
    "protection": (
        "受保护：{groups}不足{minimum}人的数字及可由其推算的数字不发布（不是零）；取整基数{rounding}；不发布其网格级数据",
        "protected: of {groups} counts below {minimum} (not zero), and all of single cells; rounding base {rounding}",
    ),
    "workbook": ("公共服务步行覆盖", "coverage"),
}
WORDS = {
    language: MappingProxyType({name: said[place] for name, said in _WORDS.items()})
    for place, language in enumerate(_LANGUAGES)
}


def told(column: str, values: Iterable[object], language: str) -> list[str]:
    """Values of a column in words; empty where one is unknown."""
    place = _LANGUAGES.index(language)
    said = _VALUES[column]
    return ["" if pd.isna(value) else said.get(str(value), (str(value),) * 2)[place] for value in values]
