"""A facility of the right kind at every tier: county, township and village."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from withinreach.standards.rules.base import Level, Part, Rule, Supply
from withinreach.standards.rules.every_unit import EveryUnit
from withinreach.study import Strict


class Tier(Strict):
    """What stands for the network at one level."""

    level: Level
    facilities: Supply
    names_ending: tuple[str, ...] = ()


class Tiers(Rule):
    """A network of several tiers is complete if every unit of each tier has a facility of the tier's kinds.

    One part per tier, each as `EveryUnit`: 100 × units with at least one / units of the level, in per cent, and the
    units without one as the gap. A tier whose units or facilities are not known leaves the network undecided, unless
    another one fails.
    """

    rule: Literal["tiers"] = "tiers"
    value: float = 100.0
    implied: bool = False
    tiers: tuple[Tier, ...] = Field(min_length=2)

    def parts(self) -> tuple[Part, ...]:
        """The tiers."""
        return tuple(Part(tier.level, self._every(tier), judged=True) for tier in self.tiers)

    def _every(self, tier: Tier) -> EveryUnit:
        return EveryUnit(
            level=tier.level,
            facilities=(tier.facilities,),
            names_ending=tier.names_ending,
            value=self.value,
            implied=self.implied,
        )
