"""Tables as a workbook that offices read: header frozen, codes as text, and the same bytes for the same tables."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

WIDEST, NARROWEST = 60, 8
NUMBER = "#,##0.##"
# The earliest that a zip archive can say; openpyxl would write the clock, also into the properties.
EPOCH = (1980, 1, 1, 0, 0, 0)
MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path, day: dt.date) -> None:
    """Write one sheet per table, dated with the study's day.

    Text stays text, also where it looks like a formula or a number; unknown figures are empty cells.
    """
    book = Workbook()
    book.remove(book.active)
    for title, table in sheets.items():
        _fill(book.create_sheet(title), table)
    book.properties.created = dt.datetime.combine(day, dt.time())
    raw = BytesIO()
    book.save(raw)
    stamp = f"{day.isoformat()}T00:00:00Z".encode()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = MODIFIED.sub(rb"\g<1>" + stamp, content)
            target.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)


def _fill(sheet: Worksheet, table: pd.DataFrame) -> None:
    sheet.append(list(table.columns))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    for number, row in enumerate(table.astype(object).where(table.notna(), None).itertuples(index=False), start=2):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # or a name that starts with = would be a formula
                cell.alignment = Alignment(wrap_text=True, vertical="top")
            else:
                cell.number_format = NUMBER
    for place, column in enumerate(table.columns, start=1):
        longest = max([len(str(column)), *(len(str(value)) for value in table[column])])
        sheet.column_dimensions[get_column_letter(place)].width = min(max(2 * longest, NARROWEST), WIDEST)
