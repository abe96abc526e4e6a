"""Tables: CSV and XLSX, every field as the text that stands in the file."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pandas as pd

from withinreach.errors import SourceError
from withinreach.sources.vectors import need_file

if TYPE_CHECKING:
    from pathlib import Path

TABLE_SUFFIXES = (".csv", ".xlsx")
# Most Chinese office exports are one of these; both decoders are strict, so a wrong guess fails instead of garbling.
ENCODINGS = ("utf-8-sig", "gb18030")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with its header in the first row; every field is text, empty fields are NaN.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or has no rows.
    """
    need_file(path)
    table = _read_csv(path) if path.suffix.lower() == ".csv" else _read_xlsx(path)
    table.columns = [str(column).strip() for column in table.columns]
    if table.empty:
        raise SourceError(f"{path}: the table has no rows below its header; add rows or remove the layer")
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    for encoding in ENCODINGS:
        try:
            return pd.read_csv(path, dtype=str, encoding=encoding, keep_default_na=False, na_values=[""])
        except UnicodeDecodeError:
            continue
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
            raise SourceError(f"{path}: not a readable CSV table: {str(error).strip()}") from None
    raise SourceError(f"{path}: neither UTF-8 nor GB18030 text; save it as CSV UTF-8")


def _read_xlsx(path: Path) -> pd.DataFrame:
    try:
        return pd.read_excel(path, dtype=str, engine="openpyxl", keep_default_na=False, na_values=[""])
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise SourceError(f"{path}: not a readable XLSX workbook: {str(error).strip()}") from None
