"""Scenario and Case -> Case: everything that does not change is the same object."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from withinreach.errors import StudyError
from withinreach.scenarios.facilities import Ground, capacity_attributes, facilities_of
from withinreach.scenarios.people import people_of
from withinreach.scenarios.streets import Streets, streets_of
from withinreach.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.model import Case
    from withinreach.scenarios.document import Changes, Opening, Resizing


def applied(scenario: Changes, case: Case) -> Case:
    """The case as it would be; see `Scenario.apply`."""
    case, problems = people_of(case, scenario.population)
    study, more = _study_of(case.study, scenario)
    problems += more
    streets, more = streets_of(Streets(case.network, case.facilities, case.people, case.units), study, scenario)
    problems += more
    after = replace(case, study=study, **streets._asdict())
    facilities, more = facilities_of(after, Ground(study, streets.network, case.areas), scenario)
    problems += more
    if problems:
        raise StudyError(f"scenario '{scenario.title}': {problem}" for problem in problems)
    return replace(after, facilities=facilities)


def _study_of(study: Study, scenario: Changes) -> tuple[Study, list[str]]:
    """The study with other profiles."""
    if not scenario.profiles and not scenario.walking:
        return study, []
    unknown = [
        f"walking.{name}: no service of this name; the study has: {', '.join(study.services)}"
        for name in scenario.walking
        if name not in study.services
    ]
    services = {
        name: service.model_copy(update={"profile": scenario.walking.get(name, service.profile)})
        for name, service in study.services.items()
    }
    profiles = study.profiles | scenario.profiles
    changed = {
        "profiles": {name: profile.model_dump() for name, profile in profiles.items()},
        "services": {name: service.model_dump() for name, service in services.items()},
    }
    try:
        return Study.model_validate(study.model_dump() | changed), unknown
    except ValidationError as error:
        lines = [line for problem in error.errors() for line in str(problem["msg"]).splitlines()]
        return study, [*unknown, *(line.removeprefix("Value error, ") for line in lines)]


def cost_of(scenario: Changes, case: Case) -> float:
    """What a scenario costs; see `Scenario.cost`."""
    return float(sum(_costs(scenario, case), 0.0))


def _costs(scenario: Changes, case: Case) -> Iterator[float]:
    told: list[float | None] = [closing.cost for closing in scenario.close]
    told += [link.cost for link in scenario.link] + [blocked.cost for blocked in scenario.block]
    told += [moving.cost for moving in scenario.move]
    yield from (np.nan if cost is None else cost for cost in told)
    for opening in scenario.open:
        yield _cost_of_opening(scenario, opening)
    for resizing in scenario.resize:
        yield _cost_of_resizing(scenario, case, resizing)


def _cost_of_opening(scenario: Changes, opening: Opening) -> float:
    tariff = scenario.tariffs.get(opening.kind)
    if opening.cost is not None:
        return opening.cost
    if tariff is None or (opening.capacity is None and tariff.place > 0):
        return np.nan
    return tariff.site + tariff.place * (opening.capacity or 0.0)


def _cost_of_resizing(scenario: Changes, case: Case, resizing: Resizing) -> float:
    if resizing.cost is not None:
        return resizing.cost
    table = case.facilities.table
    here = (table["id"] == resizing.id).to_numpy()
    if resizing.kind is not None:
        here = here & (table["kind"] == resizing.kind).to_numpy()
    row = int(np.flatnonzero(here)[0])
    kind = str(table["kind"].iloc[row])
    attributes = capacity_attributes(case.study, kind)
    tariff = scenario.tariffs.get(kind)
    if tariff is None or not attributes:
        return np.nan
    return float(tariff.place * np.maximum(0.0, resizing.capacity - table[attributes[0]].iloc[row]))
