"""Codes of units in tables: text, each once, and which of them are sums of others."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.sources.figures import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.population.files import Rows

# Where the levels of statistical codes end: province, prefecture, county (GB/T 2260), township, village.
LEVELS = (2, 4, 6, 9)
FULL_LENGTHS = (6, 9, 12)
# What a spreadsheet makes of a code that it took for a number.
DECIMALS = re.compile(r"\.0+$")


def text_codes(column: pd.Series) -> NDArray[np.object_]:
    """Codes as text, 410702 and never 410702.0; "" where there is none."""
    if pd.api.types.is_numeric_dtype(column):
        column = column.astype("Int64")
    text = column.astype("str").str.strip().str.replace(DECIMALS, "", regex=True)
    return np.where(column.isna() | text.isin(MISSING), "", text).astype(object)


def need_single_codes(rows: Rows, code: NDArray[np.object_], column: str) -> None:
    """Raise `SourceError` with a line for every code that stands in several rows; "" is none."""
    seen: dict[str, int] = {}
    problems = []
    for number, value in zip(rows.table.index, code, strict=True):
        if value and value in seen:
            problems.append(
                f"{rows.path}: row {number}, column '{column}': code {value} stands twice "
                f"(first in row {seen[value]}); merge the two or correct the code"
            )
        seen.setdefault(value, number)
    if problems:
        raise SourceError(problems)


def larger_units(code: NDArray[np.object_]) -> dict[int, NDArray[np.int64]]:
    """Rows that are the sum of other rows, each with the rows that it sums.

    410700 is a prefecture if there are codes from 410701 on, and its parts are all of them that have no parts
    themselves. Only codes of 6, 9 or 12 digits are read that way.
    """
    count = Counter(value[:level] for value in code for level in LEVELS if len(value) > level)
    stems = {row: _stem(value) for row, value in enumerate(code)}
    larger = {row: stem for row, stem in stems.items() if stem and count[stem] > 1}
    single = [row for row in range(len(code)) if row not in larger]
    return {
        row: np.array([part for part in single if code[part].startswith(stem)], np.int64)
        for row, stem in larger.items()
    }


def _stem(code: str) -> str:
    """The digits that all units inside a unit share; "" for codes of the last level and for other kinds of code."""
    if len(code) not in FULL_LENGTHS or not code.isdigit():
        return ""
    return next((code[:level] for level in LEVELS if level < len(code) and not code[level:].strip("0")), "")
