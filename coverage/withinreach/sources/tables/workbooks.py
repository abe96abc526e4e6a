"""XLSX workbooks: the sheet that holds the table, its values as text, and what a reader of the values would not see."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineWorkbook

from withinreach.errors import SourceError
from withinreach.sources.remarks import Remark, Spot
from withinreach.sources.rows import NAMED_ROWS
from withinreach.sources.tables.body import MAX_COLUMNS, Table, text_frame
from withinreach.sources.tables.header import SEARCHED_ROWS, Header, Merge, find_header
from withinreach.sources.tables.scanning import Oddities, oddities
from withinreach.sources.tables.unpacking import SheetPart, sheet_parts, unpacked

if TYPE_CHECKING:
    from pathlib import Path

    from python_calamine import CalamineSheet

    from withinreach.sources.tables.header import Record

    Value = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(frozen=True, eq=False)
class Sheet:
    """A sheet as it was read: its rows that hold anything, merged cells, and where its header is."""

    part: SheetPart
    records: list[Record]
    merges: tuple[Merge, ...]
    header: Header | None
    odd: Oddities

    @property
    def hits(self) -> int:
        """How many cells of its header are known names."""
        return self.header.hits if self.header is not None else 0


def read_workbook(path: Path, columns: tuple[str, ...], name: str | None) -> Table:
    """Read a sheet of a workbook; see `read_table`."""
    copy = unpacked(path)
    with zipfile.ZipFile(copy) as archive:
        parts = sheet_parts(path, archive)
        wanted = _asked_for(path, parts, name)
        odd = [oddities(path, archive, part) for part in wanted]
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(copy.getvalue()))
        sheets = [
            _read(workbook.get_sheet_by_name(part.name), part, seen, columns)
            for part, seen in zip(wanted, odd, strict=True)
        ]
    except CalamineError as error:
        raise SourceError(f"{path}: not a readable XLSX workbook: {str(error).strip()}; save it anew") from None
    sheet = _fittest(path, sheets)
    return _table(path, sheet, [part for part in parts if part is not sheet.part])


def _asked_for(path: Path, parts: list[SheetPart], name: str | None) -> list[SheetPart]:
    """The sheet of a name; without a name all that are not hidden."""
    wanted = [part for part in parts if (part.name == name if name is not None else not part.hidden)]
    if not wanted:
        listed = ", ".join(f"'{part.name}'" + (" (hidden)" if part.hidden else "") for part in parts) or "none"
        if name is not None:
            raise SourceError(f"{path}: no sheet '{name}'; the workbook has: {listed}")
        raise SourceError(f"{path}: all sheets are hidden: {listed}; name one with sheet = '…' in the study")
    return wanted


def _fittest(path: Path, sheets: list[Sheet]) -> Sheet:
    """The sheet whose header holds most of the known names; of one sheet no names need be known."""
    filled = [sheet for sheet in sheets if sheet.records]
    if not filled:
        raise SourceError(f"{path}: the table has no rows; give a workbook with a header and rows below it")
    most = max(sheet.hits for sheet in filled)
    fitting = [sheet for sheet in filled if sheet.hits == most]
    if len(fitting) > 1:
        listed = ", ".join(f"'{sheet.part.name}'" for sheet in fitting)
        raise SourceError(f"{path}: the sheets {listed} fit equally well; name one with sheet = '…' in the study")
    return fitting[0]


def _read(raw: CalamineSheet, part: SheetPart, odd: Oddities, columns: tuple[str, ...]) -> Sheet:
    merges = tuple(
        Merge(top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in raw.merged_cell_ranges or ()
    )
    rows = raw.to_python(skip_empty_area=False)
    records = [(number, [_text(value) for value in row]) for number, row in enumerate(rows, start=1)]
    records = [(number, cells) for number, cells in records if any(cells)]
    return Sheet(part, records, merges, find_header(records[:SEARCHED_ROWS], columns, merges), odd)


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)


def _table(path: Path, sheet: Sheet, others: list[SheetPart]) -> Table:
    header = sheet.header
    if header is None:
        raise AssertionError("a sheet with rows has a header")
    if len(header.names) > MAX_COLUMNS:
        raise SourceError(f"{path}: the header has {len(header.names):,} columns; a table has {MAX_COLUMNS} at most")
    _need_calculated(path, sheet)
    body = {number: cells for number, cells in sheet.records if number > header.last_row}
    filled = _fill_merged(sheet, header, body)
    rows = text_frame(header.names, iter(sorted(body.items())))
    return Table(rows, (*_remarks(sheet, header, others, len(rows)), *filled))


def _need_calculated(path: Path, sheet: Sheet) -> None:
    cells = sheet.odd.uncalculated
    if cells:
        named = ", ".join(cells[:NAMED_ROWS]) + (f" and {len(cells) - NAMED_ROWS} more" if cells[NAMED_ROWS:] else "")
        raise SourceError(
            f"{path}: sheet '{sheet.part.name}': the formulas in {named} were never calculated; "
            "open the workbook in a spreadsheet program and save it, or put the values there"
        )


def _fill_merged(sheet: Sheet, header: Header, body: dict[int, list[str]]) -> list[Remark]:
    """Repeat text that is merged over several rows in each of them; a number there counts once and is not repeated."""
    texts = numbers = 0
    for merge in sheet.merges:
        if merge.first_row <= header.last_row or merge.last_row == merge.first_row or merge.first_row not in body:
            continue
        cells = body[merge.first_row]
        value = cells[merge.first_column] if merge.first_column < len(cells) else ""
        below = [body[row] for row in range(merge.first_row + 1, merge.last_row + 1) if row in body]
        if not value or not below:
            continue
        if _is_number(value):
            numbers += 1
            continue
        texts += 1
        for row in below:
            row.extend([""] * (merge.first_column + 1 - len(row)))
            row[merge.first_column] = value
    said = []
    if texts:
        said.append(Remark("merged_text", {"count": texts}))
    if numbers:
        said.append(Remark("merged_numbers", {"count": numbers}))
    return said


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _remarks(sheet: Sheet, header: Header, others: list[SheetPart], count: int) -> list[Remark]:
    name = sheet.part.name
    said = [Remark("workbook_read", {"sheet": name, "header": header.last_row, "rows": count}), *header.remarks()]
    if others:
        listed = ", ".join(part.name for part in others)
        hidden = sum(part.hidden for part in others)
        said.append(Remark("sheets_not_read", {"count": len(others), "hidden": hidden}, Spot(value=listed[:200])))
    hidden_rows = [row for row in sheet.odd.hidden_rows if row > header.last_row]
    if hidden_rows:
        said.append(Remark("hidden_rows_read", {"count": len(hidden_rows)}, Spot(row=hidden_rows[0])))
    if sheet.odd.formulas:
        said.append(Remark("formulas_read", {"count": sheet.odd.formulas}))
    if sheet.odd.errors:
        said.append(
            Remark("error_cells", {"count": len(sheet.odd.errors)}, Spot(value=", ".join(sheet.odd.errors[:5])))
        )
    return said
