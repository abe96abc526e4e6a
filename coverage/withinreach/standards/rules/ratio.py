"""So much of something per 1,000 people of a stated group, or per 100 households."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from withinreach.measures.definitions import share
from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number, part_known
from withinreach.standards.needs import Need, Sort
from withinreach.standards.rules.base import NOTHING, SPATIAL, Measured, Supply, Words
from withinreach.standards.supplies import summed
from withinreach.study import Identifier, Strict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence


class Estimate(Strict):
    """Households where none are counted: people of a group, divided by the people per household."""

    of: Identifier
    divided_by: float = Field(gt=0)
    source: str


class Ratio(Measured):
    """`per` × capacity / people of the group `of`, in every unit and in all of them together.

    Gap: max(0, value × people / per - capacity), in places. That of all units together is the net one, for surplus
    of one unit is set off against another's need; Σ of the units' gaps is at least as large and stands beside it.
    `estimate` takes the place of a group that the study does not have. Not applicable where nobody lives.
    """

    PER_PEOPLE: ClassVar[bool] = True

    rule: Literal["ratio"] = "ratio"
    supply: Supply
    per: float = Field(gt=0)
    of: Identifier
    estimate: Estimate | None = None

    @model_validator(mode="after")
    def _of_areas(self) -> Ratio:
        if self.level not in SPATIAL:
            raise ValueError(
                f"level = '{self.level}': a ratio to people holds for the city or for counties; for listed units "
                "write rule = 'every_unit' with of and per"
            )
        return self

    def needs(self) -> tuple[Need, ...]:
        """The facilities with what is summed, and the people."""
        return (*self.supply.needs(), Need(Sort.GROUP, self.of if self.estimate is None else self.estimate.of))

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """Places per people."""
        sums = summed(evidence, self.supply, units.of_facility, units.count)
        base = self._base(evidence, units)
        known = {
            "value": self.per * share(sums.known, base),
            "low": self.per * share(sums.known, base),
            "high": self.per * share(sums.most, base),
            "have": sums.known,
            "base": base,
            "facilities": sums.facilities,
            "known": sums.told,
            "gap": lacking(number(self.value) * base / self.per, sums.known, self.sense),
            "gap_to_stretch": lacking(number(self.stretch) * base / self.per, sums.known, self.sense),
        }
        reason = np.where(base > 0, part_known(sums.told), Reason.NOBODY).astype(object)
        return assessed(self, known, reason)

    def caveat(self, evidence: Evidence) -> Words:
        """That the denominator is an estimate."""
        if self.estimate is None or not self._estimated(evidence):
            return NOTHING
        of, by, source = self.estimate.of, self.estimate.divided_by, self.estimate.source
        return Words(
            zh=f"{self.of} 按 {of} ÷ {by:g} 估算（{source}）", en=f"{self.of} estimated as {of} / {by:g} ({source})"
        )

    def _estimated(self, evidence: Evidence) -> bool:
        return self.of not in evidence.case.study.population.groups

    def _base(self, evidence: Evidence, units: Units) -> NDArray[np.float64]:
        if self.estimate is not None and self._estimated(evidence):
            return evidence.people(self.estimate.of, units) / self.estimate.divided_by
        return evidence.people(self.of, units)
