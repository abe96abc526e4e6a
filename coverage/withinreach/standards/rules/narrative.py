"""A clause without anything to measure, or one that a part of this program carries out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from withinreach.standards.assessment import Assessment, Reason, Verdict, figures
from withinreach.standards.rules.base import Basis, Language, Single, Text

if TYPE_CHECKING:
    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence
    from withinreach.standards.needs import Need


class Narrative(Single):
    """Applies to no unit. `why` says why nothing is measured, or which of our outputs serves the clause."""

    BASIS: ClassVar[Basis] = "narrative"

    rule: Literal["narrative"] = "narrative"
    why: Text

    def remark(self, language: Language) -> str:
        """Why nothing is measured."""
        return self.why.in_(language)

    def needs(self) -> tuple[Need, ...]:
        """Nothing."""
        return ()

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """Nothing is measured."""
        del evidence
        return Assessment(
            target=np.nan,
            stretch=np.nan,
            figures=figures(units.count, {}),
            verdict=np.full(units.count, Verdict.UNJUDGED, np.int8),
            reason=np.full(units.count, Reason.NARRATIVE, object),
        )
