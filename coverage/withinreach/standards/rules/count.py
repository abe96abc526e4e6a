"""So many facilities in the whole city by a year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number, part_known
from withinreach.standards.rules.base import Measured, Supply
from withinreach.standards.supplies import summed

if TYPE_CHECKING:
    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence
    from withinreach.standards.needs import Need


class Count(Measured):
    """Facilities of a supply in the whole city, against the number that is due.

    `by_year` holds numbers that are due earlier than the target's own year. On the study's date the first number is
    asked for whose year has not passed, and after the last year the last one. Units show their count, unjudged.
    """

    rule: Literal["count"] = "count"
    facilities: Supply
    by_year: dict[int, float] = Field(default_factory=dict)

    @property
    def asked_of_whole(self) -> bool:
        """Always."""
        return True

    def needs(self) -> tuple[Need, ...]:
        """The facilities."""
        return self.facilities.needs()

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """The count, and how many are missing."""
        sums = summed(evidence, self.facilities, units.of_facility, units.count)
        due = self.model_copy(update={"value": self.due(evidence.case.study.as_of.year)})
        known = {
            "value": sums.known,
            "low": sums.known,
            "high": sums.most,
            "facilities": sums.facilities,
            "known": sums.told,
            "gap": lacking(number(due.value), sums.known, self.sense),
            "gap_to_stretch": lacking(number(self.stretch), sums.known, self.sense),
        }
        whole = np.full(units.count, units.whole)
        return assessed(due, known, np.where(whole, part_known(sums.told), Reason.WHOLE_ONLY).astype(object))

    def due(self, year: int) -> float | None:
        """The number that is due in a year."""
        ahead = [year_due for year_due in self.by_year if year_due >= year]
        return self.by_year[min(ahead)] if ahead else self.value
