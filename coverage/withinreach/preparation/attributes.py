"""Attributes of facilities, each typed once: numbers, stars, years, flags, categories, dates, text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.sources.figures import MISSING
from withinreach.sources.headers import Column, fold, roles
from withinreach.sources.remarks import Remark, Spot
from withinreach.sources.rows import numbers, problem_lines
from withinreach.sources.values import read_date, read_flag, read_star, read_year, vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# What says where and what a facility is has columns of its own in the table of facilities.
PLACE = frozenset({"id", "name", "kind", "amap_typecode", "x", "y", "datum"})
ATTRIBUTES = tuple(name for name in roles() if name not in PLACE and not roles()[name].asked)
READERS: Mapping[str, tuple[Callable[[str], float | None], str]] = {
    "star": (read_star, "is no number of stars from 1 to 5; correct it or leave it empty"),
    "year": (read_year, "is no year; correct it or leave it empty"),
    "flag": (read_flag, "is neither yes nor no; correct it or leave it empty"),
}
NAMED_VALUES = 5


class Typed(NamedTuple):
    """Columns of attributes by their names, a line for each bad field, and remarks for the audit."""

    columns: dict[str, pd.Series]
    problems: list[str]
    remarks: list[Remark]


def type_attributes(path: Path, table: pd.DataFrame, found: Mapping[str, Column], own: tuple[str, ...]) -> Typed:
    """Every attribute of ``headers.toml`` and the study's own; those that the file lacks are unknown.

    Parameters
    ----------
    table
        Text as it was read.
    found
        The column of each attribute that the file has.
    own
        Attributes that the study defines itself: numbers.

    Returns
    -------
    Typed
        Numbers, stars, years and flags as float64 (NaN: unknown), categories as categories, dates as datetime64,
        text as text (empty: unknown), with the index of the table.
    """
    typed = Typed({}, [], [])
    for name in dict.fromkeys((*ATTRIBUTES, *own)):
        holds = roles()[name].holds if name in roles() else "number"
        column = found.get(name)
        typed.columns[name] = _unknown(table, holds) if column is None else _read(path, table, name, column, typed)
    return typed


def _unknown(table: pd.DataFrame, holds: str) -> pd.Series:
    if holds == "text":
        return pd.Series("", table.index, dtype="str")
    if holds == "category":
        return pd.Series(pd.Categorical([None] * len(table), categories=[]), table.index)
    if holds == "date":
        return pd.Series(pd.NaT, table.index, dtype="datetime64[s]")
    return pd.Series(np.nan, table.index, dtype=np.float64)


def _read(path: Path, table: pd.DataFrame, name: str, column: Column, typed: Typed) -> pd.Series:
    holds = roles()[name].holds if name in roles() else "number"
    if holds == "number":
        read = numbers(path, table, column.name, column.factor)
        typed.problems.extend(read.problems)
        typed.remarks.extend(read.remarks)
        return pd.Series(read.array, table.index)
    text = filled(table[column.name])
    if holds == "text":
        return text
    if holds == "category":
        return _category(name, column.name, text, typed)
    if holds == "date":
        dates, bad = _each(text, read_date)
        typed.problems.extend(problem_lines(path, table, bad, column.name, "is no date; write it as 2025-06-30"))
        return pd.Series(pd.to_datetime(pd.Series(dates, table.index, dtype=object)).astype("datetime64[s]"))
    reader, remedy = READERS[holds]
    values, bad = _each(text, reader)
    typed.problems.extend(problem_lines(path, table, bad, column.name, remedy))
    return pd.Series(values, table.index, dtype=np.float64)


def filled(column: pd.Series) -> pd.Series:
    """A column as text without what stands for nothing known."""
    text = column.astype("str").str.strip()
    return text.where(text.notna() & ~text.isin(MISSING), "").astype("str")


def _each(text: pd.Series, read: Callable[[str], object]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """What each field was read as, None where it is empty or bad, and which are bad. Equal fields are read once."""
    found = {value: read(value) for value in text.unique() if value}
    values = text.map(found).to_numpy(object)
    empty = (text == "").to_numpy(bool)
    bad: NDArray[np.bool_] = np.asarray(pd.isna(values), bool) & ~empty
    return values, bad


def _category(name: str, column: str, text: pd.Series, typed: Typed) -> pd.Series:
    """Fields as the values of ``values.toml``; what it does not list stays as it stands, and the audit says so."""
    known = vocabulary(name)
    folded = {value: known.get(fold(value), "") for value in text.unique() if value}
    strange = [value for value, meant in folded.items() if not meant]
    if known and strange:
        counts = text[text.isin(strange)].value_counts()
        listed = "; ".join(f"{value} ({count})" for value, count in counts.head(NAMED_VALUES).items())
        at = Spot(column=column, value=listed)
        typed.remarks.append(Remark("values_not_known", {"count": int(counts.sum()), "attribute": name}, at))
    values = [folded[value] or value if value else None for value in text]
    return pd.Series(pd.Categorical(values), text.index)
