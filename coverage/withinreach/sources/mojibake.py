"""Garbled text: what a wrong encoding has made of Chinese, and how it should read.

Four accidents happen to the tables of Chinese offices. Each leaves text that is valid in itself, so that no decoder
complains, and each can be told by undoing it: genuine text does not turn into Chinese when it is taken apart again.

========================= ================= =====================================
what was saved            how it was read   设施名称 has become
========================= ================= =====================================
UTF-8                     GBK               璁炬柦鍚嶇О
UTF-8                     Windows-1252      è®¾æ–½å��ç§°
GBK                       Windows-1252      ÉèÊ©Ãû³Æ
UTF-8, letters replaced   GBK               锟斤拷锟斤拷 (U+FFFD twice as GBK)
========================= ================= =====================================
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CHINESE = re.compile("[\u4e00-\u9fff]")
NOT_ASCII = re.compile("[^\x00-\x7f]")
# Letters that are gone for good: the replacement character, its GBK reading, and question marks instead of text.
LOST = re.compile("\ufffd|锟斤拷|锟斤|^[?？]{2,}$")
# Of genuine Chinese strings of three letters about 3 in 100,000 happen to be UTF-8 read as GBK, of six letters 1 in
# 10⁹ (from the ranges of both encodings); so six letters, in one string or several, and one string in a hundred.
MIN_LETTERS, MIN_SHARE = 6, 0.01
# Different strings that are looked at per column; a column of more is garbled in the first of them or nowhere.
LOOKED_AT = 20_000
# Western text in which a letter with a mark is followed by another is rare; four in a row are not Western.
WESTERN_RUN = re.compile("[\xa1-\xff\u0152-\u0178\u2013-\u203a\u20ac\u2122]{4,}")


class Garbled(NamedTuple):
    """A garbled string, how it should read (empty where that is lost), and the accident."""

    text: str
    meant: str
    accident: str


def garbled(strings: Iterable[str]) -> Garbled | None:
    """The first garbled string if the strings are garbled, else None.

    A few strings among many are believed to be genuine: see `MIN_LETTERS` and `MIN_SHARE`. Lost letters never are.
    """
    looked = hits = letters = 0
    first: Garbled | None = None
    for text in strings:
        if LOST.search(text):
            return Garbled(text, "", "letters were lost when it was saved")
        if text.isascii():
            continue
        looked += 1
        found = _undone(text)
        if found is not None:
            hits += 1
            letters += len(NOT_ASCII.findall(text))
            first = first or found
    return first if letters >= MIN_LETTERS and hits >= MIN_SHARE * looked else None


def _undone(text: str) -> Garbled | None:
    if CHINESE.search(text):
        meant = _decoded(text, "gb18030", "utf-8")
        return Garbled(text, meant, "UTF-8 was read as GBK") if meant and CHINESE.search(meant) else None
    if not WESTERN_RUN.search(text):
        return None
    for western in ("cp1252", "latin-1"):
        for meant_encoding, accident in (
            ("utf-8", "UTF-8 was read as Western text"),
            ("gb18030", "GBK was read as Western text"),
        ):
            meant = _decoded(text, western, meant_encoding)
            if meant and CHINESE.search(meant):
                return Garbled(text, meant, accident)
    return None


def _decoded(text: str, read_as: str, saved_as: str) -> str:
    try:
        return text.encode(read_as).decode(saved_as)
    except UnicodeError:
        return ""


def find_garbled(table: pd.DataFrame) -> tuple[str, Garbled] | None:
    """The first column with garbled text, or ``the header`` if its names are, and that text; None if there is none."""
    found = garbled(str(column) for column in table.columns)
    if found is not None:
        return "the header", found
    looked = ((f"column '{column}'", garbled(strings)) for column, strings in _texts(table))
    return next(((where, text) for where, text in looked if text is not None), None)


def need_readable(path: Path, table: pd.DataFrame) -> None:
    """Raise if the names of the columns or the text in them are garbled.

    Raises
    ------
    SourceError
        With the column, the first garbled text, how it should read, and what to do.
    """
    found = find_garbled(table)
    if found is None:
        return
    where, (text, meant, accident) = found
    instead = f" where '{meant[:40]}' is meant" if meant else ""
    raise SourceError(
        f"{path}: {where}: the text is garbled, '{text[:40]}'{instead}: {accident}; "
        "export the table again from where it is whole, as CSV UTF-8 or XLSX"
    )


def _texts(table: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """The different texts of each column of text that are not plain ASCII or might be lost letters."""
    for column in table.columns:
        values = table[column]
        if not pd.api.types.is_string_dtype(values.dtype):
            continue
        strings = pa.array(values.dropna().astype("str"), pa.large_string())
        doubtful = pc.or_(pc.invert(pc.string_is_ascii(strings)), pc.starts_with(strings, "??"))
        yield str(column), strings.filter(doubtful).unique()[:LOOKED_AT].to_pylist()
