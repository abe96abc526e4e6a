"""The share of people, of settled land, or of villages and communities, that have a facility within the cutoff."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from withinreach.measures.definitions import LISTED, share, units_in_reach
from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number
from withinreach.standards.needs import Need, Sort
from withinreach.standards.rules.base import Level, Measured, Part
from withinreach.study import Identifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.reach import Reach
    from withinreach.standards.evidence import Evidence

    Floats = NDArray[np.float64]

By = Literal["people", "settled_area", "units"]
DEFINITIONS: tuple[By, ...] = ("people", "settled_area", "units")


class Coverage(Measured):
    """100 × covered / all, in per cent, of what `by` names; the other two definitions stand beside it, unjudged.

    `service` is a service of the study: it says which facilities, for whom, within how many minutes and at which
    speed, for no clause of the plan does. People are those of the service's group, settled land is that of all
    inhabited cells, and units are those of the levels in `listed` that the study lists. Gap: max(0, value × all -
    covered), in people, km² or units. Not applicable where nobody lives or nothing is listed.
    """

    PER_PEOPLE: ClassVar[bool] = True

    rule: Literal["coverage"] = "coverage"
    service: Identifier
    by: By = "people"
    listed: tuple[Level, ...] = LISTED

    def parts(self) -> tuple[Part, ...]:
        """The three definitions."""
        without = {"value": None, "stretch": None}
        return tuple(
            Part(by, self.model_copy(update={"by": by, **(without if by != self.by else {})}), judged=by == self.by)
            for by in DEFINITIONS
        )

    def needs(self) -> tuple[Need, ...]:
        """The service, and for a coverage of units a list of them."""
        service = Need(Sort.SERVICE, self.service)
        return (service, Need(Sort.UNITS, "|".join(self.listed), self.listed)) if self.by == "units" else (service,)

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """The coverage of one definition."""
        covered, everything = self._covered(evidence, evidence.reaches[self.service], units)
        value = 100 * share(covered, everything)
        known = {
            "value": value,
            "low": value,
            "high": value,
            "have": covered,
            "base": everything,
            "gap": lacking(number(self.value) / 100 * everything, covered, self.sense),
            "gap_to_stretch": lacking(number(self.stretch) / 100 * everything, covered, self.sense),
        }
        nothing = Reason.NO_UNITS if self.by == "units" else Reason.NOBODY
        return assessed(self, known, np.where(everything > 0, Reason.NONE, nothing).astype(object))

    def _covered(self, evidence: Evidence, reach: Reach, units: Units) -> tuple[Floats, Floats]:
        case = evidence.case
        if self.by == "units":
            listed, reached = units_in_reach(case, reach, units, self.listed)
            return reached, listed
        km2 = case.cell_size_m[0] * case.cell_size_m[1] / 1e6
        weights = case.people_of(reach.service.people) if self.by == "people" else np.full(len(case.people), km2)
        return units.people(np.where(reach.covered, weights, 0.0)), units.people(weights)
