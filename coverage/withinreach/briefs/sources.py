"""Every number of a brief comes out of a cell of its tables, and the brief says which."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from withinreach.briefs.blocks import Figure, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from withinreach.briefs.blocks import Run

# The columns that tell the rows of each table apart.
KEYS: Mapping[str, tuple[str, ...]] = {
    "coverage": ("code", "service"),
    "intervals": ("code", "service"),
    "counts": ("register",),
    "targets": ("register", "target", "part"),
    "pockets": ("service", "rank"),
    "plans": ("service",),
    "sites": ("service", "rank"),
    "study": ("key",),
}


class Cell(NamedTuple):
    """Where a number is from: table, the values of its `KEYS`, column; and how the brief shows it."""

    table: str
    row: tuple[object, ...]
    column: str
    text: str


class Sources:
    """The tables of one brief, and the cells of them that it tells.

    Parameters
    ----------
    tables
        One for each of `KEYS`; no two rows have the same key.

    Attributes
    ----------
    cells : list of Cell
        In the order in which they were first told.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.tables = tables
        self.cells: list[Cell] = []
        self._rows = {
            name: {key: row for row, key in enumerate(table[list(KEYS[name])].itertuples(index=False, name=None))}
            for name, table in tables.items()
        }
        self._place: dict[Cell, int] = {}

    def value(self, table: str, row: tuple[object, ...], column: str) -> float:
        """The number in a cell; NaN where there is no such row or the cell is empty."""
        at = self._rows[table].get(row)
        value = None if at is None else self.tables[table][column].iloc[at]
        return float("nan") if value is None or pd.isna(value) else float(value)

    def figure(self, table: str, row: tuple[object, ...], column: str, tell: Callable[[float], str]) -> Run:
        """The number in a cell, told; a dash without a source where it is unknown."""
        value = self.value(table, row, column)
        text = tell(value)
        return Text(text) if pd.isna(value) else self._told(Cell(table, row, column, text))

    def day(self, key: str, tell: Callable[[str], str]) -> Run:
        """A date of the study, told."""
        value = str(self.tables["study"]["text"].iloc[self._rows["study"][key,]])
        return self._told(Cell("study", (key,), "text", tell(value)))

    def _told(self, cell: Cell) -> Figure:
        if cell not in self._place:
            self._place[cell] = len(self.cells)
            self.cells.append(cell)
        return Figure(cell.text, self._place[cell])
