"""Tables as a workbook that offices read: header frozen, codes as text, and the same bytes for the same tables."""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import xlsxwriter

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

WIDEST, NARROWEST = 60, 8
NUMBER = "#,##0.##"
# XML 1.0, production 2: characters that no document may hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Text is text, also where it looks like a formula, an address or a number.
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path, day: dt.date) -> None:
    """Write one sheet per table, dated with the study's day.

    Unknown figures are empty cells. The file appears whole or not at all.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
            whole = Path(folder, path.name)
            with xlsxwriter.Workbook(whole, OPTIONS) as book:
                book.set_properties({"created": dt.datetime.combine(day, dt.time())})
                top = book.add_format({"text_wrap": True, "valign": "top"})
                head = book.add_format({"text_wrap": True, "valign": "top", "bold": True})
                number = book.add_format({"num_format": NUMBER})
                for title, table in sheets.items():
                    _fill(book.add_worksheet(title), table, head, {str: top, float: number})
            whole.replace(path)
    except (OSError, xlsxwriter.exceptions.XlsxWriterException) as error:
        raise SourceError(f"{path}: cannot be written: {error}") from None


def _fill(sheet: Worksheet, table: pd.DataFrame, head: Format, formats: Mapping[type, Format]) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(table), max(0, len(table.columns) - 1))
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, str(column), head)
        longest = len(str(column))
        values = table[column].astype(object).where(table[column].notna(), None)
        for row, value in enumerate(values, start=1):
            if value is None:
                continue
            if isinstance(value, str):
                longest = max(longest, len(value))
                sheet.write_string(row, place, ILLEGAL.sub("", value), formats[str])
            elif isinstance(value, bool):
                sheet.write_boolean(row, place, value)
            elif math.isfinite(value):
                longest = max(longest, len(f"{value:,.2f}"))
                sheet.write_number(row, place, value, formats[float])
        sheet.set_column(place, place, min(max(1.2 * longest, NARROWEST), WIDEST))
