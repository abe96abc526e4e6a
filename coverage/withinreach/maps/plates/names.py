"""Names on a plate: each where it has room, none over another; measured in millimetres of the sheet."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from withinreach.maps.plates.frame import MM_PER_POINT, Box

if TYPE_CHECKING:
    from collections.abc import Iterator

# Widths in ems: Chinese signs fill the em, western letters of a sans serif take about this much of it.
WIDE, NARROW = 1.0, 0.58
LINE_EM = 1.25
# No line of a sheet has room for more signs than this.
LONGEST = 300
# Categories of signs that no line begins with: closing brackets and quotes, commas and stops.
CLOSING = ("Pe", "Pf", "Po")


def text_width_mm(text: str, points: float) -> float:
    """Width of the longest line of a text."""
    return max(_ems(line) for line in text.split("\n")) * points * MM_PER_POINT


def cut_to(text: str, width_mm: float, points: float) -> str:
    """A text in one line, ended by an ellipsis where it would be wider than this."""
    line = " ".join(text[:LONGEST].split())
    if text_width_mm(line, points) <= width_mm:
        return line
    while line and text_width_mm(f"{line}…", points) > width_mm:
        line = line[:-1]
    return f"{line}…"


def wrapped(text: str, width_mm: float, points: float) -> str:
    """A text in lines that are no wider than this; broken at spaces, or after any Chinese sign."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and _ems(line + piece.rstrip()) * points * MM_PER_POINT > width_mm:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return "\n".join([*lines, line.rstrip()])


def _pieces(text: str) -> Iterator[str]:
    """What may not be parted: words with the space behind them, and single Chinese signs with what closes on them."""
    piece = ""
    for sign, following in zip(text, [*text[1:], " "], strict=True):
        piece += sign
        ends = sign.isspace() or unicodedata.east_asian_width(sign) in "WF"
        if ends and unicodedata.category(following) not in CLOSING and unicodedata.category(sign) != "Ps":
            yield piece
            piece = ""
    if piece:
        yield piece


def _ems(text: str) -> float:
    return sum(WIDE if unicodedata.east_asian_width(sign) in "WFA" else NARROW for sign in text)


class Spot(NamedTuple):
    """Where a text stands: the middle of its box, mm, and how far that is from what it names."""

    x: float
    y: float
    away: float


@dataclass(slots=True)
class Room:
    """The ground that is still free of names.

    Attributes
    ----------
    frame : Box
        Names stay inside.
    taken : list of Box
        Grows with every name.
    """

    frame: Box
    taken: list[Box] = field(default_factory=list)

    def claim(self, text: str, points: float, spots: Iterator[Spot]) -> Spot | None:
        """The first of some spots where a text has room, which is then taken; None where it has none."""
        width = text_width_mm(text, points) + points * MM_PER_POINT * 0.3
        height = points * MM_PER_POINT * LINE_EM * (1 + text.count("\n"))
        for spot in spots:
            box = Box(spot.x - width / 2, spot.y - height / 2, spot.x + width / 2, spot.y + height / 2)
            if self.frame.holds(box) and not any(box.meets(other) for other in self.taken):
                self.taken.append(box)
                return spot
        return None


def around(x: float, y: float, text: str, points: float) -> Iterator[Spot]:
    """Beside a sign: right, left, above, below."""
    aside = text_width_mm(text, points) / 2 + 1.4
    upright = points * MM_PER_POINT * LINE_EM / 2 + 1.2
    for right, up in ((aside, 0.0), (-aside, 0.0), (0.0, upright), (0.0, -upright)):
        yield Spot(x + right, y + up, 0.0)


def centred_or_near(x: float, y: float) -> Iterator[Spot]:
    """In the middle of an area, else ever farther from it, where a line must lead back."""
    yield Spot(x, y, 0.0)
    for away in (3.0, 6.0, 9.0, 13.0, 17.0, 21.0):
        for right, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.6), (-0.8, 0.6), (0.8, -0.6), (-0.8, -0.6)):
            yield Spot(x + 1.4 * away * right, y + away * up, away)
