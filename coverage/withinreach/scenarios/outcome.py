"""What a scenario leads to: the base result with only what it changes measured anew, equal to measuring everything."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.analysis import Result
from withinreach.measures import coverage_figures, ledger
from withinreach.reach import measure_own_reach, measure_reach, own_grounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Reach
    from withinreach.study import Service

POSITIONS = ("area", "segment", "offset_mm", "access_mm")


class _Difference(NamedTuple):
    """What two cases of one study differ in, for one service.

    Attributes
    ----------
    all_ways : bool
        Streets, walking, where people are, or what the service is.
    areas : (a,) int64
        Areas of the facilities that came, went or moved.
    figures : bool
        Anything in the tables although nobody walks differently.
    """

    all_ways: bool
    areas: NDArray[np.int64]
    figures: bool


def reanalyse(base: Result, case: Case) -> Result:
    """Measure a case that was made from that of a result.

    The answer is that of `analyse`, to the last digit; services of which nothing changes keep their reach and tables.

    Parameters
    ----------
    case
        As made by `Scenario.apply`: rows of the facilities of ``base.case`` are the same facilities.
    """
    reaches, own, tables, totals, ledgers = {}, {}, {}, {}, {}
    for name, service in case.study.services.items():
        difference = _difference(base.case, case, service)
        reaches[name], own[name] = _ways(base, case, service, difference)
        if reaches[name] is base.reaches[name] and not difference.figures:
            tables[name], totals[name], ledgers[name] = base.tables[name], base.totals[name], base.ledgers[name]
            continue
        tables[name], totals[name] = coverage_figures(case, reaches[name], own[name])
        ledgers[name] = ledger(case, reaches[name])
    return Result(
        case=case,
        reaches=MappingProxyType(reaches),
        own_reaches=MappingProxyType(own),
        tables=MappingProxyType(tables),
        totals=MappingProxyType(totals),
        ledgers=MappingProxyType(ledgers),
    )


def _ways(base: Result, case: Case, service: Service, difference: _Difference) -> tuple[Reach, Reach]:
    """The reach, and that with people's own area only."""
    if difference.all_ways:
        return measure_reach(case, service), measure_own_reach(case, service, own_grounds(case))
    if not len(difference.areas):
        return base.reaches[service.name], base.own_reaches[service.name]
    grounds = own_grounds(case, [int(area) for area in difference.areas if area >= 0])
    return measure_reach(case, service), measure_own_reach(case, service, grounds, base.own_reaches[service.name])


def _difference(before: Case, after: Case, service: Service) -> _Difference:
    study, old = after.study, before.study
    all_ways = (
        after.network is not before.network
        or after.people.segment is not before.people.segment
        or old.services.get(service.name) != service
        or old.profiles.get(service.profile) != study.profiles[service.profile]
    )
    rows, old_rows = (case.facility_rows(service.kinds) for case in (after, before))
    both = np.intersect1d(rows, old_rows)
    moved = np.zeros(len(both), bool)
    for name in POSITIONS:
        moved |= getattr(after.facilities, name)[both] != getattr(before.facilities, name)[both]
    came, went = np.setdiff1d(rows, old_rows), np.setdiff1d(old_rows, rows)
    areas = np.concatenate(
        [
            after.facilities.area[np.concatenate([came, both[moved]])],
            before.facilities.area[np.concatenate([went, both[moved]])],
        ]
    )
    figures = after.people.table is not before.people.table
    if service.capacity is not None:
        places = [case.facilities.table[service.capacity].to_numpy(np.float64) for case in (after, before)]
        figures |= len(rows) != len(old_rows) or not np.array_equal(
            places[0][rows], places[1][old_rows], equal_nan=True
        )
    return _Difference(bool(all_ways), np.unique(areas).astype(np.int64), bool(figures))
