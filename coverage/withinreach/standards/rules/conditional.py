"""Facilities in every unit of a level that is large enough: villages with 100 people to serve have a model station."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from withinreach.standards.assessment import Assessment, assessed
from withinreach.standards.evidence import at_least
from withinreach.standards.needs import Need, Sort
from withinreach.standards.presence import in_units, presence, reason_of
from withinreach.standards.rules.every_unit import EveryUnit
from withinreach.study import Identifier

if TYPE_CHECKING:
    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence


class Conditional(EveryUnit):
    """As `EveryUnit`, for the units whose attributes reach the numbers in `where_units`.

    A unit that does not tell its attribute may be concerned: bounds are taken over both cases.
    """

    rule: Literal["conditional"] = "conditional"  # type: ignore[assignment]
    where_units: dict[Identifier, float] = Field(min_length=1)

    def needs(self) -> tuple[Need, ...]:
        """As for every unit, and the attributes of the condition."""
        attributes = [Need(Sort.UNIT_ATTRIBUTE, name, (self.level,)) for name in self.where_units]
        return (*super().needs(), *attributes)

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """Units that the condition holds for and that comply."""
        members = evidence.members(self.level, units).ending(self.names_ending)
        applies, may_apply = at_least(members.table, self.where_units)
        found = presence(evidence, members, self.demand)
        known, concerned = in_units(found, members, units, applies, may_apply)
        return assessed(self, known, reason_of(self.level, concerned, known["known"]))
