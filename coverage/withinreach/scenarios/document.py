"""A scenario as data: what is opened, closed, resized, moved, joined, and who lives and walks there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from withinreach.study import Profile
from withinreach.study.fields import Datum, Identifier, Strict

Position = tuple[float, float]


class Opening(Strict):
    """A new facility. Without a cost the tariff of its kind counts; without both the cost is unknown."""

    kind: Identifier
    name: str = ""
    at: Position
    capacity: float | None = Field(default=None, ge=0)
    cost: float | None = Field(default=None, ge=0)


class Named(Strict):
    """A facility of the case, by its id; `kind` tells it from one of another kind with the same id."""

    id: str
    kind: Identifier | None = None


class Closing(Named):
    """A facility that closes; that costs nothing unless told."""

    cost: float = Field(default=0.0, ge=0)


class Resizing(Named):
    """A facility with another number of places. Without a cost the tariff counts for every place that is added."""

    capacity: float = Field(ge=0)
    cost: float | None = Field(default=None, ge=0)


class Moving(Named):
    """A facility at another place, with all its places."""

    to: Position
    cost: float | None = Field(default=None, ge=0)


class Link(Strict):
    """A way that is missing today: a footbridge, a gate in a wall, a crossing.

    Its ends meet the nearest street, which is cut there; it is level and walked in both directions. `crossing` makes
    those wait whose profile waits at crossings.
    """

    title: str = ""
    line: tuple[Position, ...] = Field(min_length=2)
    crossing: bool = False
    cost: float | None = Field(default=None, ge=0)


class Blocked(Strict):
    """A street that nobody walks any more: the one nearest to a place, from crossing to crossing."""

    at: Position
    cost: float = Field(default=0.0, ge=0)


class Population(Strict):
    """Other people: every group times a factor, or the population layer of another study, such as that of a later year.

    People who live where no factor is given, and in groups without one, stay as they are.
    """

    factors: dict[Identifier, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    study: Path | None = None


class Tariff(Strict):
    """What a new facility of a kind costs: so much for the site, so much for each place.

    E.g. 50,000 yuan for a demonstration nursery, and 200 yuan per child and year (新政办〔2022〕96号 §3.2).
    """

    site: float = Field(ge=0)
    place: float = Field(default=0.0, ge=0)
    source: str


class Changes(Strict):
    """What a scenario changes; every part may be left out."""

    title: str = Field(min_length=1)
    datum: Datum = "wgs84"
    open: tuple[Opening, ...] = ()
    close: tuple[Closing, ...] = ()
    resize: tuple[Resizing, ...] = ()
    move: tuple[Moving, ...] = ()
    link: tuple[Link, ...] = ()
    block: tuple[Blocked, ...] = ()
    population: Population = Population()
    profiles: dict[Identifier, Profile] = Field(default_factory=dict)
    walking: dict[Identifier, Identifier] = Field(default_factory=dict)
    tariffs: dict[Identifier, Tariff] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_fate_each(self) -> Changes:
        twice: set[str] = set()
        for fates in ((*self.close, *self.resize), (*self.close, *self.move)):
            named = [(one.kind, one.id) for one in fates]
            twice |= {name for kind, name in named if named.count((kind, name)) > 1}
        if twice:
            raise ValueError(f"facility {', '.join(sorted(twice))} is named twice in close, resize and move; keep one")
        return self
