"""How a study is checked and repaired: thresholds of the audit, kept repairs, and the crosswalk of townships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from withinreach.study.fields import Identifier, Strict, file_named


def _ascending(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"the least, {value[0]:g}, is more than the most, {value[1]:g}")
    return value


class AuditSettings(Strict):
    """Thresholds of the audit.

    Facilities of one kind within `duplicate_within_m` whose names are alike to `duplicate_similarity` (1: equal) are
    told as duplicates. `limits` are the least and most that a facility of a kind holds, e.g.
    ``{ beds = { elder_care = [5, 800] } }``; they go before those of ``amounts.toml``.
    """

    duplicate_within_m: float = Field(default=100.0, ge=0, le=1000)
    duplicate_similarity: float = Field(default=0.85, ge=0.5, le=1)
    limits: dict[Identifier, dict[Identifier, Annotated[tuple[float, float], AfterValidator(_ascending)]]] = Field(
        default_factory=dict
    )


class RepairsFile(Strict):
    """The repairs that a study keeps, as `withinreach check --repair` writes them."""

    path: Path


Repairs = Annotated[RepairsFile, BeforeValidator(file_named)]


class CrosswalkLayer(Strict):
    """A table (CSV, XLSX) of townships and the reporting unit that each belongs to.

    `unit` is the column with the code of an area, whatever polygon the township lies in: development zones have
    townships but no polygon. `code_system` is a column that says whose codes they are (``NBS 2023`` …); townships of
    several lists may stand in one table, and a code that means another township in another list is reported.
    """

    path: Path
    code: str = "code"
    name: str = "name"
    unit: str = "unit"
    code_system: str | None = None
