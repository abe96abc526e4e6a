"""A result without the groups that are protected: what may be told of single cells."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import Places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Case
    from withinreach.reach import Reach
    from withinreach.study import Study


def open_result(result: Result) -> Result | None:
    """Leave protected groups out, the services that count them, and cells in which nobody else lives.

    A cell of few people is a household, and cells of a city add up to its totals: of these groups nothing about single
    cells is told, rather than most of it. Without protected groups this is the result itself.

    Returns
    -------
    Result or None
        None if nothing is left to tell.
    """
    study = result.case.study
    groups, services = study.protected_groups, study.protected_services
    if not groups:
        return result
    names = [name for name in study.services if name not in services]
    if not names:
        return None
    shown = [name for name in study.population.groups if name not in groups]
    cells = np.flatnonzero((result.case.people.table[shown] > 0).any(axis=1).to_numpy(bool))

    def cut(reaches: dict[str, Reach]) -> MappingProxyType[str, Reach]:
        return MappingProxyType({name: _cut(reaches[name], cells) for name in names})

    return replace(
        result,
        case=_open_case(result.case, _open_study(study, names, shown), cells),
        reaches=cut(dict(result.reaches)),
        own_reaches=cut(dict(result.own_reaches)),
        tables=MappingProxyType({name: result.tables[name] for name in names}),
        totals=MappingProxyType({name: result.totals[name] for name in names}),
        ledgers=MappingProxyType({name: result.ledgers[name] for name in names}),
    )


def _open_study(study: Study, services: list[str], groups: list[str]) -> Study:
    told = {name: study.population.groups[name] for name in groups}
    return study.model_copy(
        update={
            "services": {name: study.services[name] for name in services},
            "population": study.population.model_copy(update={"groups": told}),
        }
    )


def _open_case(case: Case, study: Study, cells: NDArray[np.int64]) -> Case:
    people, hidden = case.people, [name for name in case.study.population.groups if name not in study.population.groups]
    shown = Places(
        table=people.table.iloc[cells].drop(columns=hidden).reset_index(drop=True),
        xy=people.xy[cells],
        area=people.area[cells],
        segment=people.segment[cells],
        offset_mm=people.offset_mm[cells],
        access_mm=people.access_mm[cells],
    )
    accounts = case.audit.accounts
    told = accounts[~accounts.index.get_level_values(0).isin(hidden)]
    return replace(case, study=study, people=shown, audit=replace(case.audit, accounts=told))


def _cut(reach: Reach, cells: NDArray[np.int64]) -> Reach:
    return replace(
        reach,
        level_m=reach.level_m[cells],
        seconds=reach.seconds[cells],
        nearest=reach.nearest[cells],
        status=reach.status[cells],
    )
