"""Numbers as people type them into tables: 1,200 · １２０ · 约120 · 120余张 · 2.3万 · 113°53′27″."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.sources.headers import unit_factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# What people type for "nothing known". 无 is "none" and "not told" at once, so it is not taken for 0.
MISSING = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "—",
        "–",
        "——",
        "/",
        "\\",
        "无",
        "未知",
        "不详",
        "暂无",
        "暂缺",
        "待定",
        "待核实",
        "未提供",
        "空",
    }
    | {"nan", "NaN", "NA", "N/A", "n/a", "null", "NULL", "None", "none", "unknown"}
)
ABOUT = r"(?:大约|约计|约|将近|近|不少于|不低于|超过|≈|~|>=|≥|>)?"
NUMBER = re.compile(
    rf"{ABOUT}([+-]?(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?)(?:余|多|来)?([^\d.,].*?)?(?:余|多|左右|上下|以上)?"
)
DEGREES = re.compile(r"(?:[en]|东经|北纬)?([+-]?\d+(?:\.\d+)?)[°度]?[en]?")
SEXAGESIMAL = re.compile(r"(?:[en]|东经|北纬)?(\d{1,3})[°度](\d{1,2})['′分](\d{1,2}(?:\.\d+)?)(?:[\"″秒]|''|′′)[en]?")
EXAMPLES = 3


class Parsed(NamedTuple):
    """A column of numbers.

    Attributes
    ----------
    array : (k,) float64
        NaN where the field is empty, or says that nothing is known, or is no number.
    bad : (k,) bool
        Fields that are no number.
    examples
        Of fields that are not written as a plain number, what they were taken for: ``约120 = 120``.
    interpreted : int
        How many such fields there are.
    """

    array: NDArray[np.float64]
    bad: NDArray[np.bool_]
    examples: str
    interpreted: int


def parse_numbers(text: pd.Series, factor: float = 1.0) -> Parsed:
    """Read a column of numbers, times the factor of the unit that its header states."""
    return _parsed(text, lambda value: _number(value, factor), factor)


def parse_degrees(text: pd.Series) -> Parsed:
    """Read a column of coordinates: plain, or in degrees, minutes and seconds."""
    return _parsed(text, _degrees, 1.0)


def _parsed(text: pd.Series, read: Callable[[str], float | None], factor: float) -> Parsed:
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan) * factor
    doubtful = ~np.isfinite(values) & text.notna().to_numpy(bool)
    bad = np.zeros(len(values), bool)
    found: dict[str, float | None] = {}
    interpreted = 0
    for position in np.flatnonzero(doubtful):
        value = str(text.iloc[position]).strip()
        if value in MISSING:
            values[position] = np.nan
            continue
        if value not in found:
            found[value] = read(unicodedata.normalize("NFKC", value).lower().replace(" ", ""))
        number = found[value]
        bad[position] = number is None
        values[position] = np.nan if number is None else number
        interpreted += number is not None
    examples = [f"{value} = {number:.12g}" for value, number in found.items() if number is not None]
    return Parsed(values, bad, "; ".join(examples[:EXAMPLES]), interpreted)


def _number(text: str, factor: float) -> float | None:
    match = NUMBER.fullmatch(text)
    if match is None:
        return None
    unit = unit_factor(match[2]) if match[2] else 1.0
    if unit is None or (unit != 1 and factor != 1):
        return None
    return float(match[1].replace(",", "")) * unit * factor


def _degrees(text: str) -> float | None:
    match = SEXAGESIMAL.fullmatch(text)
    if match is not None:
        degrees, minutes, seconds = map(float, match.groups())
        return degrees + minutes / 60 + seconds / 3600 if minutes < 60 and seconds < 60 else None
    match = DEGREES.fullmatch(text)
    return None if match is None else float(match[1])
