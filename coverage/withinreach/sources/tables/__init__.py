"""Tables: CSV and XLSX as offices keep them, every field as the text that stands in the file.

::

    file -> records (number of the row, its cells) -> header found -> Table
    delimited                 CSV: encoding and delimiter are found, not assumed
    unpacking, scanning       XLSX: sizes are proven before anything is unpacked, and what values do not show is told
    workbooks                 XLSX: the sheet is chosen, and read
    header, body              where the header is, and which rows below it are no data
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.errors import SourceError
from withinreach.sources.files import need_file
from withinreach.sources.mojibake import need_readable
from withinreach.sources.tables.body import Table, data_rows
from withinreach.sources.tables.delimited import read_delimited
from withinreach.sources.tables.workbooks import read_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["TABLE_SUFFIXES", "Table", "data_rows", "read_table"]

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm")
OLD_WORKBOOK_SUFFIXES = (".xls", ".xlsb", ".et", ".ods", ".numbers")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *WORKBOOK_SUFFIXES, *OLD_WORKBOOK_SUFFIXES)


def read_table(path: Path, columns: Iterable[str] = (), sheet: str | None = None) -> Table:
    """Read a table; its header is found by the names that it should hold.

    Parameters
    ----------
    columns
        Names that the header is known to hold, beside those of ``headers.toml``.
    sheet
        Which sheet of a workbook; without it the one whose header holds most of the names.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or garbled, has no rows, or two of its sheets fit equally well.
    """
    need_file(path)
    suffix = path.suffix.lower()
    if suffix in OLD_WORKBOOK_SUFFIXES:
        raise SourceError(f"{path}: workbooks are read as XLSX; open it and save it as .xlsx")
    if suffix in WORKBOOK_SUFFIXES:
        table = read_workbook(path, tuple(columns), sheet)
    elif sheet is not None:
        raise SourceError(f"{path}: a text table has no sheets; remove sheet = '{sheet}' from the study")
    else:
        table = read_delimited(path, tuple(columns))
    if table.rows.empty:
        raise SourceError(f"{path}: the table has no rows below its header; add rows or remove the layer")
    need_readable(path, table.rows)
    return table
