"""What a rule needs of a case, as the key of the study that would give it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """The sorts of input."""

    KIND = "facilities.kinds"
    ATTRIBUTE = "facilities.attributes"
    GROUP = "population.groups"
    SERVICE = "services"
    UNITS = "units"
    UNIT_FACILITIES = "units.near_m"
    UNIT_ATTRIBUTE = "units.attributes"
    STATISTIC = "statistics"


@dataclass(frozen=True, slots=True)
class Need:
    """An input: ``of`` says of what it is one, e.g. the level of a list of units, or the kinds of facility."""

    sort: Sort
    name: str
    of: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Where a study gives it, e.g. ``facilities.attributes.seats``, ``units.village.attributes.households``."""
        if self.sort is Sort.UNIT_ATTRIBUTE:
            return f"units.{'|'.join(self.of)}.attributes.{self.name}"
        if self.sort is Sort.UNIT_FACILITIES:
            return f"units.{self.name}.near_m"
        return f"{self.sort.value}.{self.name}"
