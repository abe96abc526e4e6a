"""The audit as a workbook that a planner sorts and ticks off."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

SHEETS = {"zh": ("按规则汇总", "问题清单"), "en": ("by rule", "findings")}
HEADERS = {
    "zh": {
        "severity": "严重程度",
        "rule": "规则",
        "file": "文件",
        "row": "行",
        "column": "列",
        "value": "值",
        "reason": "问题",
        "action": "处理或建议",
        "count": "数量",
        "example": "例",
    },
    "en": {
        "severity": "severity",
        "rule": "rule",
        "file": "file",
        "row": "row",
        "column": "column",
        "value": "value",
        "reason": "reason",
        "action": "done or proposed",
        "count": "count",
        "example": "example",
    },
}
SEVERITIES = {"zh": {"error": "错误", "warning": "警告", "info": "提示"}, "en": {}}
WIDTHS = {
    "severity": 10,
    "rule": 26,
    "file": 26,
    "row": 8,
    "column": 16,
    "value": 28,
    "reason": 70,
    "action": 46,
    "example": 90,
}


def write_findings(findings: pd.DataFrame, path: Path, language: str) -> None:
    """Write findings as XLSX: a sheet that counts them by rule and file, with an example, and one with a row for each.

    Texts are texts, also those that look like formulas. The file appears whole or not at all.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    book = Workbook(write_only=True)
    summary, every = (book.create_sheet(title) for title in SHEETS[language])
    rules = findings.groupby(["severity", "rule", "file"], sort=False)
    _fill(summary, rules.agg(count=("rule", "size"), example=("reason", "first")).reset_index(), language)
    _fill(every, findings, language)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            book.save(file)
        Path(file.name).replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error}") from None


def _fill(sheet: WriteOnlyWorksheet, table: pd.DataFrame, language: str) -> None:
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = WIDTHS.get(str(column), 10)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table) + 1}"
    header = [_text(sheet, HEADERS[language][str(column)]) for column in table.columns]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    said = SEVERITIES[language]
    shown = table.assign(severity=table["severity"].map(lambda severity: said.get(severity, severity)))
    for row in shown.astype(object).where(shown.notna(), None).itertuples(index=False):
        sheet.append(list(_cells(sheet, row)))


def _cells(sheet: WriteOnlyWorksheet, row: Iterable[object]) -> Iterable[object]:
    for value in row:
        yield _text(sheet, value) if isinstance(value, str) else value


def _text(sheet: WriteOnlyWorksheet, value: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    # openpyxl takes a text that begins with = for a formula.
    cell.data_type = "s"
    cell.alignment = Alignment(vertical="top", wrap_text=len(value) > WIDTHS["action"])
    return cell
