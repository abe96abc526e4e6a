"""The audit as a workbook that a planner sorts and ticks off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.exports.workbook import Sheet, write_workbook

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    import pandas as pd

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


def write_findings(findings: pd.DataFrame, path: Path, language: str, day: dt.date) -> None:
    """Write findings as XLSX: a sheet that counts them by rule and file, with an example, and one with a row for each.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    rules = findings.groupby(["severity", "rule", "file"], sort=False)
    summary = rules.agg(count=("rule", "size"), example=("reason", "first")).reset_index()
    sheets = (Sheet(_told(summary, language)), Sheet(_told(findings, language)))
    write_workbook(dict(zip(SHEETS[language], sheets, strict=True)), path, day)


def _told(table: pd.DataFrame, language: str) -> pd.DataFrame:
    said = SEVERITIES[language]
    shown = table.assign(severity=table["severity"].map(lambda severity: said.get(severity, severity)))
    return shown.rename(columns=HEADERS[language])
