"""A figure that a bureau publishes, held against the target: the table of statistics tells it, nothing computes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number
from withinreach.standards.needs import Need, Sort
from withinreach.standards.rules.base import Basis, Measured

if TYPE_CHECKING:
    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence

POINTS = {"zh": "个百分点", "en": "points"}


class Statistic(Measured):
    """The last year's figure of `statistic`, in the unit of the target.

    A `rate` holds for every unit that the table tells a figure of; a `total` is asked of the whole city, and the
    figures of its units are shown and not judged. The gap is what is missing to the target, in its own unit.
    """

    BASIS: ClassVar[Basis] = "imported"

    rule: Literal["statistic"] = "statistic"
    statistic: str
    counts: Literal["rate", "total"] = "rate"

    @model_validator(mode="before")
    @classmethod
    def _gap_in_the_unit_of_the_value(cls, raw: dict[str, Any]) -> dict[str, Any]:
        return {"gap_unit": raw.get("unit", POINTS), **raw}

    @property
    def imported_as(self) -> str:
        """The statistic."""
        return self.statistic

    @property
    def asked_of_whole(self) -> bool:
        """Whether it is a total."""
        return self.counts == "total"

    def needs(self) -> tuple[Need, ...]:
        """A row of the table of statistics."""
        return (Need(Sort.STATISTIC, self.statistic),)

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """What the table tells."""
        value = np.array([figure.value for figure in evidence.reported(self.statistic, units)], np.float64)
        known = {
            "value": value,
            "low": value,
            "high": value,
            "gap": lacking(number(self.value), value, self.sense),
            "gap_to_stretch": lacking(number(self.stretch), value, self.sense),
        }
        reason = np.where(np.isnan(value), Reason.NO_FIGURE, Reason.NONE).astype(object)
        if self.asked_of_whole and not units.whole:
            reason[:] = Reason.WHOLE_ONLY
        return assessed(self, known, reason)
