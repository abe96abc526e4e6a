"""Targets of the plan for one unit, with clause, state and figures, as the page lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from withinreach.maps.numbers import number
from withinreach.model import TOTAL
from withinreach.standards import State, closing

if TYPE_CHECKING:
    from withinreach.standards import Judgement

FIGURES = ("value", "low", "high", "target_value", "stretch_value")
GAPS = ("gap", "gap_of_units", "by_converting", "by_adding")
TEXTS = ("register", "target", "clause", "words", "gloss", "title", "state", "basis", "sense", "unit", "gap_unit")
REMARKS = ("missing", "reason", "caveat")


def target_content(judgement: Judgement, code: str = TOTAL) -> dict[str, object]:
    """Every part of every target for one unit, in the order of the registers; the registers with how many are met.

    Words, gloss and unit are those of the register and of the study's language; a figure that is unknown is null.
    """
    if not judgement.registers:
        return {"registers": [], "rows": []}
    counts = judgement.counts(code)
    registers = [
        {
            "id": register.id,
            "title": {language: register.title.in_(language) for language in ("zh", "en")},
            "source": register.source,
            "counts": {state.value: int(counts.loc[register.id, state.value]) for state in State},
        }
        for register in judgement.registers
    ]
    return {"registers": registers, "rows": [_row(row) for row in judgement.of_unit(code).to_dict(orient="records")]}


def _row(row: dict[str, Any]) -> dict[str, object]:
    """What is empty or unknown is left out."""
    texts = {name: str(row[name]) for name in (*TEXTS, *REMARKS) if row[name]}
    figures = {name: number(float(row[name])) for name in FIGURES if np.isfinite(row[name])}
    gaps = {name: number(closing(float(row[name]), row["rule"])) for name in GAPS if np.isfinite(row[name])}
    return {**texts, **figures, **gaps, "judged": bool(row["judged"])}
