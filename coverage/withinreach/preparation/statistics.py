"""Imported statistics: what bureaus publish and no map can tell, one row per unit, statistic and year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.model import STATISTICS, TOTAL
from withinreach.preparation.attributes import filled
from withinreach.preparation.scope import note_elsewhere
from withinreach.sources.rows import need_columns, numbers, problem_lines
from withinreach.sources.tables import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.scope import Scope
    from withinreach.study import StatisticsLayer

# 含长垣 / 不含长垣, as yearbooks and spreadsheets put it.
YES_NO = {
    "": "", "yes": "yes", "no": "no", "true": "yes", "false": "no", "1": "yes", "0": "no",
    "是": "yes", "否": "no", "含": "yes", "不含": "no",
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = 1949, 2100


def prepare_statistics(layer: StatisticsLayer, scope: Scope, findings: Findings) -> pd.DataFrame:
    """Read the table of statistics.

    Returns
    -------
    DataFrame
        code (of an area, or ``total``), statistic, value, year, includes_changyuan (``yes``, ``no``, empty). Rows
        without a value, and rows of units that are none of the areas, are left out and noted.

    Raises
    ------
    SourceError
        One line for every row with a value or a year that is no number, and for every figure that stands twice.
    """
    columns = {name: getattr(layer, name) for name in STATISTICS if getattr(layer, name) is not None}
    # With the rows that call themselves totals: here they are figures.
    read = read_table(layer.path, tuple(columns.values()), layer.sheet)
    findings.take(layer.path, read.remarks)
    raw = read.rows
    need_columns(layer.path, raw, [(f"statistics.{name}", column) for name, column in columns.items()])
    percent = raw[layer.value].astype("str").str.strip().str.removesuffix("%").str.removesuffix("％")
    bare = raw.assign(**{layer.value: percent.where(raw[layer.value].notna())})
    values, years_told = numbers(layer.path, bare, layer.value), numbers(layer.path, raw, layer.year)
    findings.take(layer.path, (*values.remarks, *years_told.remarks))
    value, year, problems = values.array, years_told.array, values.problems + years_told.problems
    remedy = "is no year; give four digits"
    years = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (year == np.round(year))
    problems += problem_lines(layer.path, raw, ~years & (np.isnan(year) | (year >= 0)), layer.year, remedy)
    told = _changyuan(layer, raw)
    remedy = "is neither yes nor no (是, 否, 含, 不含)"
    problems += problem_lines(layer.path, raw, told.isna().to_numpy(), columns.get("includes_changyuan", ""), remedy)
    if problems:
        raise SourceError(problems)
    code = filled(raw[layer.code])
    table = pd.DataFrame(
        {
            "code": code.where(code != layer.whole, TOTAL),
            "statistic": filled(raw[layer.statistic]),
            "value": value,
            "year": year.astype(np.int64),
            "includes_changyuan": told,
        }
    ).astype(dict.fromkeys(("code", "statistic", "includes_changyuan"), "str"))
    _need_once(layer, raw, table)
    return table[_kept(layer, table, scope, findings)].reset_index(drop=True)


def _changyuan(layer: StatisticsLayer, raw: pd.DataFrame) -> pd.Series:
    if layer.includes_changyuan is None:
        return pd.Series("", index=raw.index)
    return filled(raw[layer.includes_changyuan]).str.lower().map(YES_NO)


def _need_once(layer: StatisticsLayer, raw: pd.DataFrame, table: pd.DataFrame) -> None:
    keys = ["code", "statistic", "year"]
    again = table.duplicated(keys).to_numpy()
    remedy = "stands twice for the same unit and year; keep one of the rows"
    problems = problem_lines(layer.path, raw, again, layer.statistic, remedy)
    if problems:
        raise SourceError(problems)


def _kept(layer: StatisticsLayer, table: pd.DataFrame, scope: Scope, findings: Findings) -> NDArray[np.bool_]:
    """Rows with a value for one of the areas or for all together."""
    others = table["code"].isin(scope.others).to_numpy(bool)
    note_elsewhere(layer.path, others, findings)
    elsewhere = ~others & ~table["code"].isin([*scope.areas.table["code"], TOTAL]).to_numpy()
    if elsewhere.any():
        codes = ", ".join(dict.fromkeys(table["code"][elsewhere]))
        findings.note("statistics_elsewhere", layer.path, {"count": elsewhere.sum(), "codes": codes})
    empty = table["value"].isna().to_numpy()
    if empty.any():
        findings.note("statistics_empty", layer.path, {"count": empty.sum()})
    return ~others & ~elsewhere & ~empty
