"""Problems in the rows of a file, told the way a person with the file open would look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

# Of many equal problems the first few are named; the rest are counted.
NAMED_ROWS = 3
# What people type for "nothing known".
MISSING = frozenset({"", "-", "—", "–", "——", "/", "无", "nan", "NaN", "NA", "N/A", "null", "None"})


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
    listed = ", ".join(have[:20]) + (" …" if len(have) > 20 else "")
    missing = [
        f"{path}: no column '{column}' (named by {key} in the study); the file has: {listed}"
        for key, column in wanted
        if column not in have
    ]
    if missing:
        raise SourceError(missing)


def numbers(path: Path, table: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], list[str]]:
    """A column of counts as float64, NaN where the field is empty or a dash, and a line for each bad value."""
    values = _parsed(table[column])
    empty = table[column].isna().to_numpy() | table[column].astype(str).str.strip().isin(MISSING).to_numpy()
    bad = ~np.isfinite(values) & ~empty
    problems = problem_lines(path, table, bad, column, "is not a number; correct it or leave it empty")
    return values, problems + problem_lines(path, table, values < 0, column, "is negative; correct it")


def coordinates(path: Path, table: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], list[str]]:
    """A column of coordinates as float64, and a line for each row that has none."""
    values = _parsed(table[column])
    remedy = "is not a coordinate; correct it or remove the row"
    return values, problem_lines(path, table, ~np.isfinite(values), column, remedy)


def _parsed(text: pd.Series) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return values


def problem_lines(path: Path, table: pd.DataFrame, bad: NDArray[np.bool_], column: str, remedy: str) -> list[str]:
    """One line for each of the first bad rows, and one that counts the others."""
    rows = np.flatnonzero(bad)
    lines = [
        f"{path}: row {row_number(row)}, column '{column}': {_shown(table[column].iloc[row])} {remedy}"
        for row in rows[:NAMED_ROWS]
    ]
    if len(rows) > NAMED_ROWS:
        lines.append(f"{path}: column '{column}': {len(rows) - NAMED_ROWS} more rows like these")
    return lines


def row_number(position: int | np.integer) -> int:
    """The number that a spreadsheet shows for a data row: the header is row 1."""
    return int(position) + 2


def _shown(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return "an empty field"
    text = str(value)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
