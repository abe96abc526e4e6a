"""What is not to be told of few people: disclosure control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from withinreach.study.fields import Identifier, Strict

if TYPE_CHECKING:
    from withinreach.study.population import PopulationGroup

# Words by which a group of veterans is known, whose figures are protected also where nobody asks for it.
VETERANS = ("veteran", "退役军人")


class Disclosure(Strict):
    """Which counts of people are withheld or rounded before anything is written.

    No figure is told that counts fewer than `minimum` people but not nobody, nor any by which it could be worked out
    from the others: sums of counties, townships and statuses, and their differences. With `rounding` every count is a
    multiple of it, and sums still add up. `groups` are the population groups that this concerns, all of them where it
    names none. A threshold of 10 is usual for small counts (not verified for any Chinese rule: ask the bureau).

    What is about single cells (maps of cells, gaps, pairs, loads of facilities) is not told of these groups at all.
    """

    minimum: float = Field(default=10.0, ge=2, le=1000)
    rounding: int = Field(default=0, ge=0, le=1000)
    groups: tuple[Identifier, ...] = ()


def of_veterans(name: str, group: PopulationGroup) -> bool:
    """Whether a group is one of veterans, by its name or title."""
    return any(word in f"{name} {group.title}".lower() for word in VETERANS)
