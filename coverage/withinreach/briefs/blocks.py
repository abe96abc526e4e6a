"""What a brief is made of, before it is a Word file: headings, paragraphs, tables and pictures of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Text(NamedTuple):
    """Fixed words, or a name out of the data: no figure of the brief."""

    text: str


class Figure(NamedTuple):
    """A number as the brief shows it, and the cell that it is from: its place among the `Sources`."""

    text: str
    source: int


Run = Text | Figure
Line = tuple[Run, ...]


class Heading(NamedTuple):
    """Of level 0 (title), 1 or 2."""

    level: int
    line: Line


class Paragraph(NamedTuple):
    """Running text; ``style`` is a key of `template.STYLES`."""

    line: Line
    style: str = "body"


class Table(NamedTuple):
    """A table with its caption above; ``widths`` are parts of the whole, columns ``names`` hold text."""

    caption: Line
    head: Sequence[str]
    rows: Sequence[Sequence[Line]]
    widths: Sequence[float]
    names: Collection[int] = (0,)


class Picture(NamedTuple):
    """A PNG with its caption below, and what it shows in words."""

    png: bytes
    caption: Line
    told: str


Block = Heading | Paragraph | Table | Picture
