"""Who lives there in a scenario: more or fewer of each group, or the people of another study."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from withinreach.errors import CoverageError
from withinreach.model import Audit
from withinreach.preparation import people_places, scope_of
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import metric_frame
from withinreach.preparation.people import prepare_people
from withinreach.preparation.support import with_support
from withinreach.study import load_study

if TYPE_CHECKING:
    from withinreach.model import Case
    from withinreach.scenarios.document import Population


def people_of(case: Case, population: Population) -> tuple[Case, list[str]]:
    """The case with the people of a scenario, and one line for every problem."""
    problems: list[str] = []
    if population.study is not None:
        case, problems = _of_another_study(case, population)
    known = list(case.study.population.groups)
    problems += [
        f"population.factors.{name}: no group of this name; the study has: {', '.join(known)}"
        for name in population.factors
        if name not in known
    ]
    if problems or not population.factors:
        return case, problems
    table, accounts = case.people.table.copy(), case.audit.accounts.copy()
    for name, factor in population.factors.items():
        table[name] *= factor
        accounts.loc[[name]] *= factor
    return replace(case, people=replace(case.people, table=table), audit=replace(case.audit, accounts=accounts)), []


def _of_another_study(case: Case, population: Population) -> tuple[Case, list[str]]:
    """The case with the population layer of another study, on its own streets and in its own areas."""
    findings, frame = Findings(), metric_frame(case.study.metric_crs)
    try:
        layer = load_study(str(population.study)).population
        missing = sorted({s.people for s in case.study.services.values()} - set(layer.groups))
        if missing:
            return case, [f"population.study: {population.study} has no group {', '.join(missing)}; services count it"]
        cells = prepare_people(layer, scope_of(case.areas, frame), frame, findings)
    except CoverageError as error:
        return case, [f"population.study: {problem}" for problem in error.problems]
    people = people_places(cells, case.network, case.study.network.snap_cap_m, frame)
    return replace(
        case,
        study=case.study.model_copy(update={"population": layer}),
        people=with_support(case.study.network, case.network, people, cells.size_m, cells.others_xy),
        cell_size_m=cells.size_m,
        audit=Audit(
            findings=findings.table(case.study.language),
            accounts=cells.accounts,
            factors=cells.factors,
            masked=cells.masked,
        ),
    ), []
