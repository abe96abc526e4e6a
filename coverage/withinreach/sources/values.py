"""Fields that hold one of a few things (``values.toml``), stars, a date, a year, yes or no: what they mean."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from withinreach.sources.headers import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

STARS = MappingProxyType({"一": 1, "二": 2, "三": 3, "四": 4, "五": 5} | {str(star): star for star in range(1, 6)})
STAR = re.compile(r"([一二三四五1-5])(?:\.0)?(?:星级?|级)?")
DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?(?:[ t]\d{1,2}:\d{2}.*)?")
PACKED_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
FIRST_YEAR, LAST_YEAR = 1850, 2100


@cache
def vocabulary(role: str) -> Mapping[str, str]:
    """The value that each known text of a column stands for, by the folded text; none for roles without values."""
    raw = tomllib.loads((files(__package__) / "values.toml").read_text(encoding="utf-8"))
    return MappingProxyType({fold(text): value for value, texts in raw.get(role, {}).items() for text in texts})


def read_star(text: str) -> float | None:
    """Stars, 1 to 5: 三星级, 3星, 三级, ★★★; None if it is none of these."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if plain and not plain.strip("★☆"):
        return float(plain.count("★")) or None
    match = STAR.fullmatch(plain)
    return None if match is None else float(STARS[match[1]])


def read_date(text: str) -> dt.date | None:
    """A date; of a month or a year alone its first day. None if it is no date."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    match = PACKED_DATE.fullmatch(plain) or DATE.fullmatch(plain.replace(" 0:00", "").strip())
    if match is None:
        return None
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        return dt.date(year, month, day) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:
        return None


def read_year(text: str) -> float | None:
    """The year of a date, or a year alone: 2005, 2005年, 2005-06."""
    date = read_date(text.removesuffix(".0"))
    return None if date is None else float(date.year)


def read_flag(text: str) -> float | None:
    """1 for yes, 0 for no; None if it is neither."""
    value = vocabulary("flag").get(fold(text))
    return None if value is None else float(value == "yes")
