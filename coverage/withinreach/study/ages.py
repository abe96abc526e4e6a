"""Ages: the bands that people are published in, how files and columns name them, and what share of each a group takes.

Inside a band ages are taken as uniform: ages 0-2 are band 0 (up to 12 months) and two of the four years of band 1-4.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

BOTH = "t"
SEXES = ("f", "m")
# WorldPop begins its bands at 0, 1 and every five years; the last one is open. Release R2025A writes 00, 01, 05 … 90
# (00 = 0-12 months, 01 = 1-4 years), the releases before it 0, 1, 5 … 80.
WORLDPOP = re.compile(r"[a-z]{3}_(?P<sex>[ftm])_(?P<start>\d{1,2})_(?P<year>\d{4})(?:_.*)?\.tiff?", re.IGNORECASE)
WORLDPOP_LAST = {2: 90, 1: 80}
SEX_WORDS = {
    **dict.fromkeys(("男", "男性", "male", "m"), "m"),
    **dict.fromkeys(("女", "女性", "female", "f"), "f"),
    **dict.fromkeys(("合计", "小计", "total", "t", "both"), BOTH),
}
_SEX = rf"(?:(?P<sex>{'|'.join(sorted(SEX_WORDS, key=len, reverse=True))})[_\s]*)?"
# 男_0岁, 女_1到4岁, 0-4岁, 65岁及以上 of Chinese yearbooks; age_0_4, age_60_plus; ika0_9, ika_yli80 of HSY, Helsinki.
COLUMNS = tuple(
    re.compile(_SEX + pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<start>\d{1,3})\s*(?:岁?[到至\-–—~～])\s*(?P<last>\d{1,3})\s*岁",
        r"(?P<start>\d{1,3})\s*岁?(?P<open>及?以上)(?:岁)?",
        r"(?P<start>\d{1,3})岁",
        r"(?:age|ages|ika)[_\s]*(?P<start>\d{1,3})[_\-–](?P<last>\d{1,3})",
        r"(?:age|ages)[_\s]*(?P<start>\d{1,3})(?P<open>\+|_plus|_and_over)",
        r"ika[_\s]*(?P<open>yli)[_\s]*(?P<start>\d{1,3})",
    )
)


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Ages from ``start`` up to and without ``end`` in completed years; no ``end``: open above."""

    start: int
    end: int | None = None

    def __str__(self) -> str:
        return f"{self.start}+" if self.end is None else f"{self.start}-{self.end - 1}"


def worldpop_band(name: str) -> tuple[str, AgeBand, int] | None:
    """Sex (f, m, t), band and year of a WorldPop file name, e.g. ``chn_t_60_2025_CN_100m_R2025A_v1.tif``."""
    found = WORLDPOP.fullmatch(name)
    if found is None:
        return None
    start, last = int(found["start"]), WORLDPOP_LAST[len(found["start"])]
    if start > last or (start % 5 and start != 1):
        return None
    ends = {0: 1, 1: 5, last: None}
    return found["sex"].lower(), AgeBand(start, ends.get(start, start + 5)), int(found["year"])


def column_band(name: str) -> tuple[str, AgeBand] | None:
    """Sex and band of a column that is named for an age band, e.g. ``女_85岁以上``, ``0-4岁``, ``ika_yli80``."""
    for pattern in COLUMNS:
        found = pattern.fullmatch(name.strip())
        if found is not None:
            fields = found.groupdict()
            start = int(fields["start"])
            last = int(fields.get("last") or start)
            sex = SEX_WORDS[(fields["sex"] or BOTH).lower()]
            if last >= start:
                return sex, AgeBand(start, None if fields.get("open") else last + 1)
    return None


def band_shares(ages: AgeBand, bands: Mapping[str, tuple[str, AgeBand]]) -> dict[str, float]:
    """What share of each band belongs to an age group.

    Parameters
    ----------
    bands
        From the name of a file or column to its sex and band. Bands of both sexes count where there are any, else
        those of women and men together.

    Returns
    -------
    dict
        Only bands of which something belongs to the group, ascending.

    Raises
    ------
    SourceError
        If bands overlap, leave out ages of the group, or would have to be split although they are open above.
    """
    sexes = (BOTH,) if any(sex == BOTH for sex, _ in bands.values()) else SEXES
    shares: dict[str, float] = {}
    for sex in sexes:
        chosen = {name: band for name, (of, band) in bands.items() if of == sex}
        ascending = sorted(chosen, key=lambda name: (chosen[name].start, chosen[name].end or math.inf))
        _need_whole(ages, [chosen[name] for name in ascending], sex)
        shares |= {name: _share(ages, chosen[name]) for name in ascending if _share(ages, chosen[name]) > 0}
    return shares


def _share(ages: AgeBand, band: AgeBand) -> float:
    if band.end is None:
        return float(ages.end is None)
    end = band.end if ages.end is None else min(ages.end, band.end)
    return max(0, end - max(ages.start, band.start)) / (band.end - band.start)


def _need_whole(ages: AgeBand, bands: list[AgeBand], sex: str) -> None:
    """Raise unless the bands, ascending, hold every age of the group exactly once."""
    who = {BOTH: "", "f": " of women", "m": " of men"}[sex]
    for one, two in pairwise(bands):
        if one.end is None or one.end > two.start:
            raise SourceError(f"the bands {one} and {two}{who} overlap; name the parts of the group")
    at: int | None = ages.start
    for band in bands:
        if at is None or (ages.end is not None and at >= ages.end):
            break
        inside = ages.end is None or band.start < ages.end
        if band.end is None and inside and (ages.end is not None or ages.start > band.start):
            raise SourceError(f"ages {ages} would split the open band {band}{who}; end the group at {band.start}")
        if band.start <= at and (band.end is None or band.end > at):
            at = band.end
    if at is not None and (ages.end is None or at < ages.end):
        have = ", ".join(str(band) for band in bands) or "none"
        raise SourceError(f"ages {ages}: no band{who} holds age {at}; there are: {have}")
