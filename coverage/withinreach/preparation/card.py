"""What an examination of a study shows of itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from withinreach.showing import Column, card, line, table, text, whole, words

if TYPE_CHECKING:
    from collections.abc import Sequence

SEVERITIES = ("error", "warning", "info")


def examination_card(findings: pd.DataFrame, problems: Sequence[str], language: str) -> str:
    """Findings by rule, the gravest first, each with its first instance; above them what must be solved first."""
    says = words(language)
    titles = [Column(says[name], text, numbers=False) for name in ("severity", "rule", "says", "done")]
    columns = (*titles[:2], Column(says["count"], whole), *titles[2:])
    order = findings["severity"].map(SEVERITIES.index)
    groups = findings.iloc[order.argsort(kind="stable")].groupby(["severity", "rule"], sort=False)
    rows = [
        (says[severity], rule, len(group), _first(group), group["action"].iloc[0]) for (severity, rule), group in groups
    ]
    first = [line(says["no_case"]), *(line(one) for one in problems)] if problems else []
    return card(says["findings"], "", *first, table(columns, rows, says["more"]))


def _first(group: pd.DataFrame) -> str:
    """The reason of the first finding of a rule, with its row."""
    row, reason = group[["row", "reason"]].iloc[0]
    return str(reason) if pd.isna(row) else f"[{row}] {reason}"
