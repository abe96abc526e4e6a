"""Judgements before and after a scenario -> the targets of which it changes state, figure or gap, with the clause."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from withinreach.standards import states_of_targets, tell_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from withinreach.standards import Judgement

# What tells a row of a judgement from the others, and what it says of itself whatever the case.
KEYS = ["register", "target", "part", "code"]
ABOUT = ["register", "target", "part", "chapter", "clause", "words", "gloss", "title", "code", "name", "judged"]
FIGURES = ("state", "value", "gap")


def changed_targets(before: Judgement, after: Judgement) -> pd.DataFrame:
    """One row per part of a target and unit of which a scenario changes anything, in the order of the registers.

    Parameters
    ----------
    before, after
        Of one study: the same registers and units.

    Returns
    -------
    DataFrame
        `ABOUT`, target_value and unit, gap_unit; for each of `FIGURES` what it is before (``…_before``) and after
        (``…_after``); target_before and target_after, the state of the whole target, which may have several parts; and
        changes_state, whether that differs. Columns are those of `Judgement.table`.
    """
    old, new = before.table, after.table
    if not old[KEYS].equals(new[KEYS]):
        raise AssertionError("a scenario has judged other targets or units than its base")
    rows = new[[*ABOUT, "target_value", "unit", "gap_unit"]].copy()
    for figure in FIGURES:
        rows[f"{figure}_before"], rows[f"{figure}_after"] = old[figure], new[figure]
    rows["target_before"], rows["target_after"] = states_of_targets(old), states_of_targets(new)
    rows["changes_state"] = rows["target_before"] != rows["target_after"]
    return rows[differing(rows, FIGURES)].reset_index(drop=True)


def differing(table: pd.DataFrame, figures: Iterable[str]) -> pd.Series:
    """Rows in which any figure is another after (``…_after``) than before (``…_before``); unknown twice is the same."""
    differs = [
        (table[f"{name}_before"] != table[f"{name}_after"])
        & ~(table[f"{name}_before"].isna() & table[f"{name}_after"].isna())
        for name in figures
    ]
    return pd.concat(differs, axis=1).any(axis=1)


def tell_change(row: Mapping[str, Any], language: str) -> str:
    """A row of `changed_targets`, with its scenario, as a line."""
    states = " → ".join(tell_state(row[f"target_{when}"], language) for when in ("before", "after"))
    values = " → ".join(_shown(row[f"value_{when}"]) for when in ("before", "after"))
    asked = "" if math.isnan(row["target_value"]) else f" / {_shown(row['target_value'])}"
    what = row["words"] if language == "zh" else row["gloss"]
    named = " ".join(filter(None, (row["target"], row["title"], f"({row['register']} {row['clause']})")))
    return f"{row['scenario']} · {row['name']} · {named}: {states}, {values}{asked} {row['unit']}: {what}"


def _shown(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:,.6g}"
