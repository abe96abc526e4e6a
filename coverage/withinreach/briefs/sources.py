"""Every number of a brief comes out of a cell of its tables, and the brief says which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from withinreach.briefs.blocks import Figure, Text
from withinreach.exports.withheld import PROTECTED

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
    withheld
        What stands in the place of a figure that is withheld.

    Attributes
    ----------
    cells : list of Cell
        In the order in which they were first told.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], withheld: str) -> None:
        self.tables = tables
        self._word = withheld
        self.cells: list[Cell] = []
        self._rows = {
            name: {key: row for row, key in enumerate(table[list(KEYS[name])].itertuples(index=False, name=None))}
            for name, table in tables.items()
        }
        self._place: dict[Cell, int] = {}

    def value(self, table: str, row: tuple[object, ...], column: str) -> float:
        """The number in a cell; NaN where there is no such row, or the cell is empty or withheld."""
        value = self._cell(table, row, column)
        return float("nan") if value is None or pd.isna(value) or _is_mark(value) else float(value)

    def figure(self, table: str, row: tuple[object, ...], column: str, tell: Callable[[float], str]) -> Run:
        """The number in a cell, told; without a source a dash where it is unknown, a word where it is withheld."""
        if _is_mark(self._cell(table, row, column)):
            return Text(self._word)
        value = self.value(table, row, column)
        text = tell(value)
        return Text(text) if pd.isna(value) else self._told(Cell(table, row, column, text))

    def day(self, key: str, tell: Callable[[str], str]) -> Run:
        """A date of the study, told."""
        value = str(self.tables["study"]["text"].iloc[self._rows["study"][key,]])
        return self._told(Cell("study", (key,), "text", tell(value)))

    def _cell(self, table: str, row: tuple[object, ...], column: str) -> Any:
        at = self._rows[table].get(row)
        return None if at is None else self.tables[table][column].iloc[at]

    def _told(self, cell: Cell) -> Figure:
        if cell not in self._place:
            self._place[cell] = len(self.cells)
            self.cells.append(cell)
        return Figure(cell.text, self._place[cell])


def _is_mark(value: object) -> bool:
    return isinstance(value, str) and value == PROTECTED
