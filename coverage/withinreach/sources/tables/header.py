"""Where the header of a table is, below its titles, and what its rows name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from withinreach.sources.headers import BRACKETED, fold, known_labels, readings, unit_factor
from withinreach.sources.remarks import Remark, Spot

if TYPE_CHECKING:
    from collections.abc import Sequence

    Record = tuple[int, list[str]]

# Titles, dates and the name of the office stand above a header, never this many rows of them.
SEARCHED_ROWS = 40
HEADER_ROWS = 3
# Beside a Chinese letter a line break only folds a narrow cell.
FOLDED_LINE = re.compile(r"(?<=[^\x00-\x7f])\s*\n\s*|\s*\n\s*(?=[^\x00-\x7f])")
NUMBER = re.compile(r"[+-]?[\d,.]+%?")


@dataclass(frozen=True)
class Merge:
    """Cells that are merged into one; rows as a spreadsheet counts them, columns from 0, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True)
class Header:
    """The header of a table.

    Attributes
    ----------
    names
        One per column, no two alike: the second 名称 is 名称#2, the nameless sixth column is ``column 6``.
    first_row, last_row
        Rows that the header takes; data start below.
    hits
        How many of its cells are names that were known.
    above
        What stands above it, one text per row.
    """

    names: tuple[str, ...]
    first_row: int
    last_row: int
    hits: int
    above: tuple[str, ...]

    def remarks(self) -> tuple[Remark, ...]:
        """What the audit should say about it."""
        said = []
        if self.above:
            above = Spot(value=" / ".join(self.above)[:200])
            said.append(Remark("rows_above_header", {"count": len(self.above)}, above))
        if self.last_row > self.first_row:
            said.append(Remark("header_of_several_rows", {"first": self.first_row, "last": self.last_row}))
        return tuple(said)


def find_header(top: Sequence[Record], columns: Sequence[str], merges: Sequence[Merge] = ()) -> Header | None:
    """The header among the first rows of a table; None if there are none.

    It is the row with most cells that are known names, the first of equals; where no name is known, the first row
    that is about as wide as most. Rows around it belong to it if cells are merged across both, or if the lower one
    names only units, or parts of what the upper one leaves open.

    Parameters
    ----------
    top
        The first rows that hold anything.
    columns
        Names that are known beside those of ``headers.toml``.
    merges
        Merged cells of the sheet; those of a text table are unknown.
    """
    if not top:
        return None
    known = known_labels() | {fold(column) for column in columns}
    rows = [(number, _spread(number, [_clean(cell) for cell in cells], merges)) for number, cells in top]
    hits = [sum(not known.isdisjoint(readings(cell)) for cell in set(cells) if cell) for _, cells in rows]
    first = last = hits.index(max(hits)) if max(hits) else _first_wide(rows)
    while first > 0 and last - first + 1 < HEADER_ROWS and _is_group(rows[first - 1], rows[first], merges):
        first -= 1
    while last + 1 < len(rows) and last - first + 1 < HEADER_ROWS and _continues(rows[last], rows[last + 1], merges):
        last += 1
    names = rows[first][1]
    for _, below in rows[first + 1 : last + 1]:
        names = _composed(_carried(names, below), below)
    above = tuple(" ".join(dict.fromkeys(filter(None, cells))) for _, cells in rows[:first])
    return Header(_distinct(names), rows[first][0], rows[last][0], max(hits[first : last + 1]), above)


def _clean(text: str) -> str:
    return " ".join(FOLDED_LINE.sub("", text).split())


def _spread(row: int, cells: list[str], merges: Sequence[Merge]) -> list[str]:
    """The cells of a row, a merged one repeated over the columns that it takes.

    Over the rows that it takes it is not: `_composed` takes the name from above.
    """
    spread = list(cells)
    for merge in merges:
        if merge.first_row == row and merge.first_column < len(cells):
            spread += [""] * (merge.last_column + 1 - len(spread))
            for column in range(merge.first_column, merge.last_column + 1):
                spread[column] = cells[merge.first_column]
    return spread


def _first_wide(rows: Sequence[Record]) -> int:
    widths = [len(set(filter(None, cells))) for _, cells in rows]
    usual = Counter(widths).most_common(1)[0][0]
    return next(row for row, width in enumerate(widths) if 2 * width >= usual)


def _is_group(upper: Record, lower: Record, merges: Sequence[Merge]) -> bool:
    """Whether a row above the header groups its columns: 基本情况 over three of them, 床位 over two."""
    groups = set(filter(None, upper[1]))
    wide = any(merge.first_row == upper[0] and merge.last_column > merge.first_column for merge in merges)
    return (
        upper[0] == lower[0] - 1
        and wide
        and len(groups) > 1
        and not any(mark in cell for cell in groups for mark in (":", "\uff1a"))
    )


def _continues(upper: Record, lower: Record, merges: Sequence[Merge]) -> bool:
    """Whether a row goes on with the header above it."""
    cells = [cell for cell in lower[1] if cell]
    if lower[0] != upper[0] + 1 or not cells or any(NUMBER.fullmatch(cell) for cell in cells):
        return False
    if all(_is_unit(cell) for cell in cells) and (len(cells) > 1 or BRACKETED.fullmatch(cells[0])):
        return True
    if any(merge.first_row <= upper[0] and merge.last_row == lower[0] for merge in merges):
        return True
    # Without merged cells: every name below stands where the row above is empty, or starts what it leaves open.
    open_ended = [not cell for cell in upper[1]] + [True]
    pairs = list(zip_longest(upper[1], lower[1][: len(upper[1])], fillvalue=""))
    beneath = [(column, name) for column, (name, part) in enumerate(pairs) if part]
    return (
        len(beneath) == len(cells)
        and any(not name for _, name in beneath)
        and all(not name or open_ended[column + 1] for column, name in beneath)
    )


def _is_unit(cell: str) -> bool:
    inner = BRACKETED.fullmatch(cell)
    return unit_factor(inner[1] if inner else cell) is not None


def _carried(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """Names of the upper row, each also over the columns to its right that it leaves open and the lower row divides."""
    names = list(upper)
    for column in range(1, len(names)):
        if not names[column] and column < len(lower) and lower[column] and lower[column - 1]:
            names[column] = names[column - 1]
    return names


def _composed(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    return [_name(above, below) for above, below in zip_longest(upper, lower, fillvalue="")]


def _name(above: str, below: str) -> str:
    if not below or below == above:
        return above
    if not above:
        return below
    if _is_unit(below):
        return above + (below if BRACKETED.fullmatch(below) else f"({below})")
    return f"{above}/{below}"


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    distinct = []
    for column, name in enumerate(names, start=1):
        seen[name] += 1
        distinct.append((name if seen[name] == 1 else f"{name}#{seen[name]}") if name else f"column {column}")
    return tuple(distinct)
