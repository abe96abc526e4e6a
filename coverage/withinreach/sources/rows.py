"""Columns of a table as numbers, and problems in its rows told as a person with the file open would look for them.

Tables come from `read_table` and `read_layer`; their index holds the number of each row in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.sources.figures import parse_degrees, parse_numbers
from withinreach.sources.headers import missing_column
from withinreach.sources.remarks import Remark, Spot

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.sources.figures import Parsed

# Of many equal problems the first few are named; the rest are counted.
NAMED_ROWS = 3


class Numbers(NamedTuple):
    """A column of numbers, with a line for each bad field, and what was interpreted, for the audit."""

    array: NDArray[np.float64]
    problems: list[str]
    remarks: list[Remark]


def need_columns(path: Path, table: pd.DataFrame, wanted: Iterable[tuple[str, str]]) -> None:
    """Raise unless the table has every wanted column.

    Parameters
    ----------
    wanted
        Pairs of the key of the study that names a column, and that name.

    Raises
    ------
    SourceError
        One line per missing column, with the columns that there are.
    """
    have = [str(column) for column in table.columns]
    missing = [missing_column(path, have, key, column) for key, column in wanted if column not in have]
    if missing:
        raise SourceError(missing)


def numbers(path: Path, table: pd.DataFrame, column: str, factor: float = 1.0) -> Numbers:
    """A column of counts as float64, NaN where the field is empty or a dash.

    Parameters
    ----------
    factor
        Of the unit that the header states, such as 10,000 for 万人.
    """
    parsed = parse_numbers(table[column], factor)
    problems = problem_lines(path, table, parsed.bad, column, "is not a number; correct it or leave it empty")
    problems += problem_lines(path, table, parsed.array < 0, column, "is negative; correct it")
    return Numbers(parsed.array, problems, _interpreted(column, parsed))


def coordinates(path: Path, table: pd.DataFrame, column: str) -> Numbers:
    """A column of coordinates as float64; every row needs one."""
    parsed = parse_degrees(table[column])
    remedy = "is not a coordinate; correct it or remove the row"
    problems = problem_lines(path, table, ~np.isfinite(parsed.array), column, remedy)
    return Numbers(parsed.array, problems, _interpreted(column, parsed))


def _interpreted(column: str, parsed: Parsed) -> list[Remark]:
    if not parsed.interpreted:
        return []
    return [Remark("numbers_interpreted", {"count": parsed.interpreted}, Spot(column=column, value=parsed.examples))]


def problem_lines(path: Path, table: pd.DataFrame, bad: NDArray[np.bool_], column: str, remedy: str) -> list[str]:
    """One line for each of the first bad rows, and one that counts the others."""
    rows = np.flatnonzero(bad)
    lines = [
        f"{path}: row {table.index[row]}, column '{column}': {_shown(table[column].iloc[row])} {remedy}"
        for row in rows[:NAMED_ROWS]
    ]
    if len(rows) > NAMED_ROWS:
        lines.append(f"{path}: column '{column}': {len(rows) - NAMED_ROWS} more rows like these")
    return lines


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return "an empty field"
    text = str(value)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
