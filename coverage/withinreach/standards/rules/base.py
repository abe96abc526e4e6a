"""What the kinds of rule share: their fields, and the facilities that they count."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from withinreach.standards.assessment import decide, number
from withinreach.standards.needs import Need, Sort
from withinreach.study import Identifier, Strict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.standards.assessment import Assessment
    from withinreach.standards.evidence import Evidence

Level = Literal["city", "county", "township", "village", "community", "estate"]
# Levels that a study always has: its areas are the counties, all of them together the city.
SPATIAL = ("city", "county")
Basis = Literal["computed", "imported", "narrative"]
Language = Literal["zh", "en"]
Sense = Literal["at_least", "more_than", "at_most"]


class Words(Strict):
    """A text in both languages of the reports."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """The text in one of them."""
        return self.zh if language == "zh" else self.en


def _both(value: object) -> object:
    return {"zh": value, "en": value} if isinstance(value, str) else value


Text = Annotated[Words, BeforeValidator(_both)]
NOTHING = Words(zh="", en="")
SITES = Words(zh="处", en="sites")
PERCENT = Words(zh="%", en="%")


class Supply(Strict):
    """Facilities of some kinds, and what is added up over them.

    `sum` names the attribute (beds, seats, area_m2 …); without it the facilities are counted. `where` keeps those
    whose attribute has one of the values, `at_least` those whose attribute reaches a number. `largest` is the most
    that one facility can have: with it a target can be judged although a few facilities do not tell, for it would
    be missed even if each of them were that large.
    """

    kinds: tuple[Identifier, ...] = Field(min_length=1)
    sum: Identifier | None = None
    where: dict[Identifier, tuple[str | float, ...]] = Field(default_factory=dict)
    at_least: dict[Identifier, float] = Field(default_factory=dict)
    largest: float | None = Field(default=None, gt=0)

    def needs(self) -> tuple[Need, ...]:
        """The kinds, and every attribute that is summed or asked for."""
        attributes = [*([self.sum] if self.sum else []), *self.where, *self.at_least]
        kind = Need(Sort.KIND, "|".join(self.kinds), self.kinds)
        return (kind, *(Need(Sort.ATTRIBUTE, name, self.kinds) for name in dict.fromkeys(attributes)))


class Rule(Strict):
    """One thing that a target asks for.

    `level` is the level at which the clause holds. A target with several rules names each (`name`) and says what it
    is about (`title`).
    """

    BASIS: ClassVar[Basis] = "computed"

    name: Identifier | None = None
    title: Text | None = None
    level: Level = "city"

    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """What is assessed, one after the other."""


class Single(Rule):
    """A rule that is assessed as a whole.

    `PER_PEOPLE` says whether people are its denominator.
    """

    PER_PEOPLE: ClassVar[bool] = False

    sense: Sense = "at_least"
    unit: Text = PERCENT
    gap_unit: Text = SITES
    implied: bool = False

    def parts(self) -> tuple[Part, ...]:
        """The rule itself."""
        return (Part("", self, judged=True),)

    @property
    def imported_as(self) -> str:
        """The statistic that tells its figure, where that is not the id of the target."""
        return ""

    def remark(self, language: Language) -> str:
        """Why it applies to nothing, where that is so of the clause itself."""
        del language
        return ""

    def caveat(self, evidence: Evidence) -> Words:
        """What a figure rests on that a reader must know."""
        del evidence
        return NOTHING

    @property
    def asked_of_whole(self) -> bool:
        """Whether it holds for all areas together and not for each."""
        return False

    @property
    def target(self) -> float:
        """What is asked for, NaN for nothing."""
        return math.nan

    def verdict(self, value: NDArray[np.float64]) -> NDArray[np.int8]:
        """How known values stand to the target."""
        return decide(value, value, self.target, self.sense)

    @abstractmethod
    def needs(self) -> tuple[Need, ...]:
        """Every input without which the rule is not computable."""

    @abstractmethod
    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """What the case shows, one entry per unit, once it has all that the rule needs."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rule as a part of another: a tier of a network, a definition of coverage.

    `judged` parts decide on the target; others stand beside the one that does.
    """

    name: str
    rule: Single
    judged: bool


class Measured(Single):
    """A rule with a number to hold a value against.

    `value` is the target and `stretch` what is hoped for beyond it, both in `unit`, as the document counts: 55 for
    55 %. Without a value the figure is measured and not judged. `gap_unit` is what is missing is counted in.
    `implied` marks a value that the clause does not name but cannot mean otherwise, e.g. 100 % for "every".
    """

    value: float | None = None
    stretch: float | None = None

    @property
    def target(self) -> float:
        """What is asked for, NaN for nothing."""
        return number(self.value)
