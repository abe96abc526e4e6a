"""Coverage tables for scripts and spreadsheets."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.measures import township_table, townships_of
from withinreach.model import TOTAL
from withinreach.weighing import catchment_loads

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.analysis import Result

# Micro-people and micro-minutes: far below any meaning, and free of binary noise such as 0.30000000000000004.
DECIMALS = 6
# A cell that starts with one of these is run as a formula by spreadsheets; an apostrophe makes it text. The last four
# are what full-width input makes of the first.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def every_row(result: Result) -> pd.DataFrame:
    """One row per service and area, and one per service for all areas together (code `TOTAL`)."""
    blocks = []
    for name, table in result.tables.items():
        total = pd.DataFrame([{"code": TOTAL, "name": result.case.study.title, **result.totals[name].to_dict()}])
        total["facilities"] = total["facilities"].astype(table["facilities"].dtype)
        blocks.append(_with_service(result, name, pd.concat([table, total], ignore_index=True)))
    return pd.concat(blocks, ignore_index=True)


def township_rows(result: Result) -> pd.DataFrame:
    """One row per service and township, by area, with the area's code as ``county``.

    None where no polygons of townships are known.
    """
    case, townships = result.case, townships_of(result.case)
    if townships is None:
        blocks = [_with_service(result, name, table.iloc[:0]) for name, table in result.tables.items()]
        area = np.zeros(0, np.int32)
    else:
        blocks = [
            _with_service(result, name, township_table(case, reach, result.own_reaches[name], townships))
            for name, reach in result.reaches.items()
        ]
        area = np.tile(townships.area, len(blocks))
    by_area = np.argsort(area, kind="stable")
    rows = pd.concat(blocks, ignore_index=True).iloc[by_area].reset_index(drop=True)
    codes = case.areas.table["code"].to_numpy(object)
    rows.insert(0, "county", pd.Series(codes[area[by_area]], dtype="str"))
    return rows


def facility_rows(result: Result) -> pd.DataFrame:
    """One row per service and facility: whom it stands for, its load, and places per person of its catchment."""
    blocks = [catchment_loads(result, name).assign(service=name) for name in result.tables]
    return pd.concat(blocks, ignore_index=True)[["service", *blocks[0].columns.drop("service")]]


def _with_service(result: Result, name: str, table: pd.DataFrame) -> pd.DataFrame:
    service = result.case.study.services[name]
    profile = result.case.study.profiles[service.profile]
    head = pd.DataFrame(
        {
            "service": name,
            "people_group": service.people,
            "cutoff_min": service.cutoff_min,
            "speed_m_s": profile.speed_m_s,
        },
        index=table.index,
    )
    return pd.concat([table[["code", "name"]], head, table.drop(columns=["code", "name"])], axis=1)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as spreadsheets in Chinese offices read it: UTF-8 with BOM, text in quotes, no formulas.

    Withheld figures hold their mark; see `withheld`.
    """
    text = table.select_dtypes(include=["str", "object", "category"]).columns
    safe = table.round(DECIMALS).assign(**{column: table[column].astype(object).map(_field) for column in text})
    safe.to_csv(path, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")


def _field(value: object) -> object:
    """A field of a column of text, or of figures some of which are withheld."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return round(value, DECIMALS) if isinstance(value, float) else value
