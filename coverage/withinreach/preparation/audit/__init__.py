"""The audit of a case: rules that look at its facilities, people and areas, and change nothing.

::

    Evidence -> rules -> Findings, some with a proposal
    datums, displacement    whether layers are where they say
    labels, positions       each facility against unit, streets, water, and what its row says of it
    duplicates, names       the same facility twice
    amounts, people         beds, seats and people against each other and against what is believable

Each rule is a function; `RULES` is their order, which is the order of what they find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.preparation.audit import (
    amounts,
    datums,
    displacement,
    duplicates,
    labels,
    people,
    positions,
    townships,
)
from withinreach.preparation.audit.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable

    from withinreach.preparation.findings import Findings

__all__ = ["RULES", "Evidence", "audit"]

RULES: tuple[Callable[[Evidence, Findings], None], ...] = (
    datums.note_datums,
    displacement.note_displaced_areas,
    labels.note_area_codes,
    labels.note_codes,
    labels.note_code_against_name,
    labels.note_other_unit,
    townships.note_townships,
    positions.note_outside,
    positions.note_coarse,
    positions.note_shared_spots,
    positions.note_on_water,
    positions.note_off_streets,
    positions.note_on_islands,
    duplicates.note_duplicates,
    duplicates.note_repeated_names,
    duplicates.note_repeated_ids,
    labels.note_nameless,
    labels.note_not_open,
    amounts.note_beyond_limits,
    amounts.note_outliers,
    amounts.note_contradictions,
    amounts.note_zeros,
    amounts.note_fractions,
    amounts.note_years,
    labels.note_bare_units,
    people.note_larger_groups,
)


def audit(evidence: Evidence, findings: Findings) -> None:
    """Let every rule look at a case."""
    for rule in RULES:
        rule(evidence, findings)
