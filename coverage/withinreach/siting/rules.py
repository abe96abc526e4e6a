"""What a choice of sites must keep, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from withinreach.errors import StudyError
from withinreach.scenarios import Tariff
from withinreach.study import problem_lines, read_toml
from withinreach.study.fields import Datum, Identifier, Strict

Objective = Literal[
    "maximal_covering",
    "set_covering",
    "p_median",
    "p_centre",
    "capacitated_covering",
    "worst_first",
    "closing",
]


class Zones(Strict):
    """Polygons in which nothing may be opened: protected land, flood plains, industry."""

    path: Path
    datum: Datum


class Extension(Strict):
    """More places at a facility that exists."""

    places: float = Field(gt=0)
    cost: float = Field(default=1.0, ge=0)


class Rules(Strict):
    """What a choice of sites must keep; every part may be left out.

    Attributes
    ----------
    budget
        What all new sites and extensions may cost together.
    tariff
        What a site costs that tells no cost itself; without a tariff each counts 1.
    places
        Capacity of a site that tells none itself.
    extension
        Existing facilities may be extended by so much; asked only where capacities count.
    spacing_m
        New sites are at least so far, straight, from each other and from facilities of the service.
    each_area
        Every area without a facility of the service gets a site at least.
    forbidden
        Where nothing may be opened.
    weights
        How much a person of each group counts; by default those of the service's group count 1.
    share
        Of the people who are to be served, for ``set_covering``; of those served today, for ``closing``.
    limit_s
        When the search stops and tells its gap.
    limit_min
        Candidates are looked for within so many minutes, for ``p_median`` and ``p_centre``; in the former longer walks
        count as this long.
    """

    budget: float | None = Field(default=None, ge=0)
    tariff: Tariff | None = None
    places: float | None = Field(default=None, gt=0)
    extension: Extension | None = None
    spacing_m: float = Field(default=0.0, ge=0)
    each_area: bool = False
    forbidden: Zones | None = None
    weights: dict[Identifier, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    share: float = Field(default=1.0, gt=0, le=1)
    limit_s: float = Field(default=60.0, gt=0)
    limit_min: float = Field(default=60.0, gt=0, le=600)


def load_rules(path: Path) -> Rules:
    """Read rules from a TOML file; paths in it are taken from its folder.

    Raises
    ------
    StudyError
        One line for every problem: the file, the key, what is wrong and what would be right.
    """
    raw = read_toml(path, what="rules", absent="no such file of rules")
    try:
        rules = Rules.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Rules, raw)) from None
    if rules.forbidden is None:
        return rules
    anchored = rules.forbidden.model_copy(update={"path": path.parent / rules.forbidden.path})
    return rules.model_copy(update={"forbidden": anchored})
