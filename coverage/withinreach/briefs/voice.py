"""Sentences of a language, filled with figures and names."""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal

from withinreach.briefs.blocks import Line, Text
from withinreach.maps.telling import UNKNOWN
from withinreach.measures import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from withinreach.briefs.blocks import Run

Part = str | Line
Parts = dict[str, Part]
# Chinese counts its headings, English its letters.
ORDINALS = {"zh": "一二三四五六七八九十", "en": "abcdefghij"}


@cache
def _words(language: str) -> Mapping[str, Any]:
    text = (files("withinreach.briefs") / "words" / f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


class Voice:
    """The words of one language.

    Parameters
    ----------
    language
        ``zh`` or ``en``.
    """

    def __init__(self, language: Literal["zh", "en"]) -> None:
        self.language: Literal["zh", "en"] = language
        self._words = _words(language)

    def word(self, key: str) -> Any:
        """What stands under ``section.name``."""
        section, _, name = key.partition(".")
        return self._words[section][name]

    def say(self, key: str, parts: Mapping[str, Part] | None = None) -> Line:
        """A sentence whose names in braces are filled."""
        runs: list[Run] = []
        for fixed, name, _, _ in Formatter().parse(self.word(key)):
            if fixed:
                runs.append(Text(fixed))
            if name is not None:
                part = (parts or {})[name]
                runs += [Text(part)] if isinstance(part, str) else part
        return tuple(runs)

    def listed(self, lines: Iterable[Part]) -> Line:
        """Parts one after the other, with the sign of a list between them."""
        runs: list[Run] = []
        for line in lines:
            if runs:
                runs.append(Text(self.word("signs.list")))
            runs += [Text(line)] if isinstance(line, str) else line
        return tuple(runs)

    def ordinal(self, place: int) -> str:
        """The mark of a paragraph by its place from 0: （二）, (b)."""
        first = self.word("coverage.first")
        return str(first).replace(ORDINALS[self.language][0], ORDINALS[self.language][place % 10])

    def day(self, iso: str) -> str:
        """A date: 2025年6月30日, 30 June 2025."""
        day = dt.date.fromisoformat(iso)
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def tell(pattern: str) -> Callable[[float], str]:
    """A teller of numbers by a format, with a dash for what is unknown."""

    def told(value: float) -> str:
        return format(value, pattern) if math.isfinite(value) else UNKNOWN

    return told


tell_count = tell(",.0f")
tell_minutes = tell(".1f")
tell_ratio = tell(",.2f")
tell_plain = tell("g")
tell_degrees = tell(".3f")


def tell_amount(value: float) -> str:
    """At most two decimals, and none that is 0."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if math.isfinite(value) else UNKNOWN


def tell_needed(gap: float) -> str:
    """Whole places that close a gap."""
    return tell_count(needed(gap))
