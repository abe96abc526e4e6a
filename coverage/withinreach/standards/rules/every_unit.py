"""At least n, and not more than m, facilities of some kinds in every unit of a level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from withinreach.standards.assessment import Assessment, assessed
from withinreach.standards.needs import Need, Sort
from withinreach.standards.presence import Demand, in_units, presence, reason_of
from withinreach.standards.rules.base import SPATIAL, Level, Measured, Supply
from withinreach.study import Identifier

if TYPE_CHECKING:
    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence


class EveryUnit(Measured):
    """Of each supply in `facilities` at least `at_least`, at most `at_most`, in every unit of the level.

    The value is the share of the units, in per cent, that have them: 100 × units that comply / units; the target is
    100 unless the clause names a share. The gap is Σ max(0, at_least - what stands there) over the units and supplies:
    facilities of one unit do not serve another. `hoped` is what is hoped for beyond ("one or two": 1, hoped 2).
    With `of`, an attribute of the listed units, the numbers are per `per` of it: 30 m² per 100 households.
    `names_ending` keeps the units whose names end in one of the words: 街道 are no 乡镇.
    """

    rule: Literal["every_unit"] = "every_unit"
    value: float | None = 100.0
    facilities: tuple[Supply, ...] = Field(min_length=1)
    at_least: float = Field(default=1, ge=0)
    at_most: float | None = Field(default=None, ge=0)
    hoped: float | None = Field(default=None, gt=0)
    of: Identifier | None = None
    per: float = Field(default=1, gt=0)
    names_ending: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _attributes_need_a_list(self) -> EveryUnit:
        if self.of is not None and self.level in SPATIAL:
            raise ValueError(f"of is an attribute of listed units, which level = '{self.level}' has none of")
        return self

    @property
    def asked_of_whole(self) -> bool:
        """Whether the unit is the city."""
        return self.level == "city"

    def needs(self) -> tuple[Need, ...]:
        """The facilities, and the units with a way to tell which facility is whose."""
        supplies = [need for supply in self.facilities for need in supply.needs()]
        attribute = () if self.of is None else (Need(Sort.UNIT_ATTRIBUTE, self.of, (self.level,)),)
        return (*supplies, *unit_needs(self.level), *attribute)

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """Units that comply."""
        members = evidence.members(self.level, units).ending(self.names_ending)
        everyone = np.ones(len(members), bool)
        found = presence(evidence, members, self.demand)
        known, concerned = in_units(found, members, units, everyone, everyone)
        return assessed(self, known, reason_of(self.level, concerned, known["known"]))

    @property
    def demand(self) -> Demand:
        """What must stand in each unit."""
        return Demand(self.facilities, self.at_least, self.at_most, self.hoped, self.of, self.per)


def unit_needs(level: Level) -> tuple[Need, ...]:
    """A list of the units of a level, and polygons or a distance that give facilities to them."""
    if level in SPATIAL:
        return ()
    return Need(Sort.UNITS, level, (level,)), Need(Sort.UNIT_FACILITIES, level)
