"""Names of facilities, made comparable: what is left when region, legal form and punctuation are taken away."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

PUNCTUATION = re.compile(r"[\s()\[\]{}<>《》【】〔〕「」·•.,、。;:'\"“”‘’\-_/\\|+*&#@!?~]+")
# Leading province, city and county: two or three characters before 省 and 县, as names of institutions begin.
REGION = re.compile(r"^(?:\w{2,3}省)?(?:\w{2,3}市)?(?:\w{1,3}[区县](?!域))?")
LEGAL_FORM = re.compile(r"(?:股份|责任)?有限(?:责任)?公司|分公司|集团|民办非企业(?:单位)?$")
# What tells neighbours apart whose names are otherwise the same: the first and the second clinic, East and West Street.
MARK = re.compile(r"\d+|[一二三四五六七八九十东南西北上下前后左右内外新老大小甲乙丙丁]|(?<![a-z])[a-z](?![a-z])")
SHORTEST = 2
# 上海普陀区…, 新乡市红旗区…: a unit of the study stands within the first characters of a name.
LEADING = 4


def folded(names: Iterable[str], regions: Iterable[str] = ()) -> NDArray[np.object_]:
    """Names without case, full-width forms, punctuation, leading regions and legal forms, each at least 2 characters.

    Parameters
    ----------
    regions
        Names of units of the study, taken away where a name begins with one, or has one after few characters.
    """
    own = sorted(filter(None, map(_plain, regions)), key=len, reverse=True)
    leading = re.compile(f"^.{{0,{LEADING}}}?(?:{'|'.join(map(re.escape, own))})") if own else None
    found = {name: _folded(_plain(name), leading) for name in dict.fromkeys(names)}
    return np.array([found[name] for name in names], object)


def _plain(name: str) -> str:
    return PUNCTUATION.sub("", unicodedata.normalize("NFKC", name).lower())


def _folded(name: str, leading: re.Pattern[str] | None) -> str:
    rest = REGION.sub("", name)
    rest = rest if leading is None else leading.sub("", rest)
    rest = LEGAL_FORM.sub("", rest)
    return rest if len(rest) >= SHORTEST else name


def marks(names: Iterable[str]) -> NDArray[np.object_]:
    """Numbers, directions and the like in each name, in order: two names that differ in them are two places."""
    found = {name: " ".join(MARK.findall(name)) for name in dict.fromkeys(names)}
    return np.array([found[name] for name in names], object)
