"""What the values of a sheet do not show: hidden rows, formulas, errors, and cells that lie far out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from withinreach.errors import SourceError
from withinreach.sources.tables.unpacking import parse_part

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

    from withinreach.sources.tables.unpacking import Attributes, SheetPart

# In memory the sheet is a rectangle: one cell in the last corner of Excel's grid would make it 17 billion cells.
MAX_CELLS = 10_000_000
# What a plain sheet does not hold: formulas, hidden rows, errors, prefixes and declarations. Where one of these stands
# in a text it only costs the time of a closer look.
ODD = (b"<f", b":f", b"hidden", b't="e"', b"t='e'", b"<!", b":c ", b"<c>", b"\0")
REFERENCE = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')


@dataclass(frozen=True)
class Oddities:
    """What the values of a sheet do not show.

    Attributes
    ----------
    hidden_rows
        Numbers of hidden rows that hold values.
    formulas
        How many cells hold a formula with its calculated value.
    uncalculated
        Cells that hold a formula and no value, such as ``D5``.
    errors
        Cells that show an error such as #N/A.
    """

    hidden_rows: tuple[int, ...] = ()
    formulas: int = 0
    uncalculated: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


NOTHING_ODD = Oddities()


def oddities(path: Path, archive: zipfile.ZipFile, sheet: SheetPart) -> Oddities:
    """Look through a sheet once, without keeping its values.

    Raises
    ------
    SourceError
        If its XML is broken, or its values span more than `MAX_CELLS` cells.
    """
    with archive.open(sheet.part) as source:
        extent = _plain_extent(source.read())
    if extent is not None and extent[0] * extent[1] <= MAX_CELLS:
        return NOTHING_ODD
    scan = _Scan()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = scan.start
    parser.EndElementHandler = scan.end
    parser.CharacterDataHandler = scan.text
    parse_part(path, archive, sheet.part, parser)
    if scan.rows * scan.columns > MAX_CELLS:
        raise SourceError(
            f"{path}: sheet '{sheet.name}' has values up to row {scan.rows:,}, column {scan.columns:,}; at most "
            f"{MAX_CELLS:,} cells are read: delete what lies far from the table, or save it as CSV"
        )
    return Oddities(
        hidden_rows=tuple(scan.hidden_rows),
        formulas=scan.formulas,
        uncalculated=tuple(scan.uncalculated),
        errors=tuple(scan.errors),
    )


def _plain_extent(xml: bytes) -> tuple[int, int] | None:
    """Rows and columns up to which a sheet has cells, filled or not; None if it may hold anything odd.

    Nearly all sheets are plain. Looking for what would make one odd takes a tenth of the time of parsing it.
    """
    if any(sign in xml for sign in ODD):
        return None
    cells = REFERENCE.findall(xml)
    if len(cells) != xml.count(b"<c "):
        return None
    columns, rows = {column for column, _ in cells}, {row for _, row in cells}
    return max(map(int, rows), default=0), max((_column_of(name.decode()) for name in columns), default=0)


class _Scan:
    """Handlers of expat for the XML of a sheet; elements may carry a prefix."""

    def __init__(self) -> None:
        self.rows = self.columns = self.formulas = 0
        self.hidden_rows: list[int] = []
        self.uncalculated: list[str] = []
        self.errors: list[str] = []
        self._row = self._column = 0
        self._hidden = False
        self._cell: Attributes = {}
        self._formula = self._filled = self._in_value = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = name.rpartition(":")[2]
        if local == "c":
            self._column = _column_of(attributes["r"]) if "r" in attributes else self._column + 1
            self._cell, self._formula, self._filled = attributes, False, False
        elif local == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._column, self._hidden = 0, attributes.get("hidden") in ("1", "true")
        elif local == "f":
            self._formula = True
        elif local in ("v", "t"):
            self._in_value = True

    def text(self, data: str) -> None:
        if self._in_value and not data.isspace():
            self._filled = True

    def end(self, name: str) -> None:
        local = name.rpartition(":")[2]
        if local in ("v", "t"):
            self._in_value = False
        elif local == "c":
            self._end_cell()

    def _end_cell(self) -> None:
        if self._filled:
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
            self.formulas += self._formula
            if self._hidden and self.hidden_rows[-1:] != [self._row]:
                self.hidden_rows.append(self._row)
            if self._cell.get("t") == "e":
                self.errors.append(self._name())
        elif self._formula:
            self.uncalculated.append(self._name())

    def _name(self) -> str:
        return self._cell.get("r", f"row {self._row}, column {self._column}")


def _column_of(reference: str) -> int:
    """Number of the column of a cell, from 1: A5 -> 1, AA5 -> 27."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter.upper()) - 64
    return column
