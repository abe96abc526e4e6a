"""Encodings of text files: found from the bytes, strictly, so that a wrong guess fails instead of garbling."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, NamedTuple

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with BOM"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16 LE"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16 BE"),
)
# What is not text at all but is often renamed to .csv, by its first bytes.
OTHER_FILES = (
    (b"PK\x03\x04", "an XLSX workbook", "rename it to .xlsx"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Excel workbook", "save it as .xlsx"),
    (b"%PDF", "a PDF", "export the table as CSV or XLSX"),
)
# Chinese that people write is mostly in GB 2312, the first 6,763 characters of GB 18030. Other text that happens to
# be valid GB 18030 scatters over all 27,000: below this share it is not Chinese.
COMMON_SHARE = 0.7
# Of the bytes of a table in UTF-16 at least this share are the NULs beside digits, delimiters and line breaks.
UTF16_SHARE = 0.02
SEPARATORS = (",", "\t", ";", "\uff0c")


class Encoding(NamedTuple):
    """The name of a codec, and the name that people know it by."""

    codec: str
    title: str


def find_encoding(path: Path) -> Encoding:
    """The encoding of a text file: UTF-8 with or without BOM, UTF-16 LE or BE, or GB 18030 (GBK).

    The whole file is decoded once, piece by piece.

    Raises
    ------
    SourceError
        If it is none of these, or holds NUL bytes.
    """
    with path.open("rb") as file:
        head = file.read(CHUNK)
    for magic, what, remedy in OTHER_FILES:
        if head.startswith(magic):
            raise SourceError(f"{path}: is {what}, not text; {remedy}")
    marked = next((Encoding(codec, title) for mark, codec, title in BYTE_ORDER_MARKS if head.startswith(mark)), None)
    if marked is not None:
        _need_valid(path, marked)
        return marked
    if b"\0" in head:
        return _unmarked_utf16(path, head)
    wrong = _first_wrong(path, "utf-8")
    if wrong is None:
        return Encoding("utf-8", "UTF-8")
    if _first_wrong(path, "gb18030") is None and _is_chinese(head):
        return Encoding("gb18030", "GB18030")
    raise SourceError(
        f"{path}: is neither UTF-8 (byte {wrong + 1} does not fit) nor GB18030 text; save it as CSV UTF-8"
    )


def _unmarked_utf16(path: Path, head: bytes) -> Encoding:
    """UTF-16 without its mark: digits and commas have a NUL as their other byte, always on the same side."""
    low, high = head[0::2].count(0), head[1::2].count(0)
    for codec, title, here, there in (("utf-16-le", "UTF-16 LE", high, low), ("utf-16-be", "UTF-16 BE", low, high)):
        if here > 4 * there and here > UTF16_SHARE * len(head) and _first_wrong(path, codec) is None:
            text = head.decode(codec, errors="ignore")
            if any(mark in text for mark in SEPARATORS):
                return Encoding(codec, title)
    at = head.index(0) + 1
    raise SourceError(f"{path}: byte {at} is NUL, which no text holds; it is damaged or no table: export it again")


def _need_valid(path: Path, encoding: Encoding) -> None:
    wrong = _first_wrong(path, encoding.codec)
    if wrong is not None:
        raise SourceError(
            f"{path}: begins as {encoding.title}, but byte {wrong + 1} does not fit; it is damaged: export it again"
        )


def _first_wrong(path: Path, codec: str) -> int | None:
    """Position of the first byte that a codec refuses, counted from 0, or of a NUL character; None if there is none."""
    decoder = codecs.getincrementaldecoder(codec)()
    done = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return max(0, done - pending + error.start)
            if "\0" in text:
                return done + len(text[: text.index("\0")].encode(codec))
            if not chunk:
                return None
            done += len(chunk)


def _is_chinese(head: bytes) -> bool:
    """Whether text that GB 18030 can hold is mostly of characters that people write."""
    letters = [letter for letter in head.decode("gb18030", errors="ignore") if not letter.isascii()]
    common = sum(bool(letter.encode("gb2312", errors="ignore")) for letter in letters)
    return common >= COMMON_SHARE * len(letters)
