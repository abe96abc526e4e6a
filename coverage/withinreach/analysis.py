"""Case -> Result: every service's reach and tables, kept with the inputs they came from; Result -> Judgement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from withinreach.measures import coverage_figures, ledger
from withinreach.model import Frozen
from withinreach.progress import silent
from withinreach.reach import measure_own_reach, measure_reach, own_grounds
from withinreach.showing import (
    Column,
    Dots,
    Sketch,
    beside,
    card,
    coverage_fills,
    coverage_legend,
    line,
    picture,
    share,
    table,
    text,
    words,
)
from withinreach.standards import judge_case, load_registers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from withinreach.model import Case, Part
    from withinreach.progress import Progress
    from withinreach.reach import Reach
    from withinreach.standards import Judgement


NO_FACILITY = -1
# A card shows so many services as maps, and all of them in its table.
SKETCHED_SERVICES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Result(Frozen):
    """What a case shows, per service.

    Attributes
    ----------
    case : Case
    reaches : mapping from service name to Reach, in the order of the study
    own_reaches : mapping from service name to Reach
        The same with facilities and streets of people's own area only; see `measure_own_reach`.
    tables : mapping from service name to DataFrame
        One row per area, in the order of the areas; see `measures.coverage_figures` for the columns.
    totals : mapping from service name to Series
        The same figures for all areas together.
    ledgers : mapping from service name to DataFrame
        People per status (rows) and area (columns, last one ``total``); see `measures.ledger`.
    """

    case: Case
    reaches: Mapping[str, Reach]
    own_reaches: Mapping[str, Reach]
    tables: Mapping[str, pd.DataFrame]
    totals: Mapping[str, pd.Series]
    ledgers: Mapping[str, pd.DataFrame]

    def table(self, service: str) -> pd.DataFrame:
        """One row per area, as a copy that is the caller's own.

        Raises
        ------
        StudyError
            If the study has no service of this name.
        """
        return self.tables[self.case.study.service(service).name].copy()

    def sketch(self, service: str, *dots: Dots) -> Sketch:
        """A small map: areas by coverage, the facilities of a service, and other dots above them."""
        case, asked = self.case, self.case.study.service(service)
        minutes = words(case.study.language)["minutes"].format(minutes=f"{asked.cutoff_min:g}")
        return Sketch(
            shapes=case.areas.table.geometry.to_numpy(),
            fills=coverage_fills(self.tables[service]["coverage"].to_numpy(np.float64)),
            dots=(Dots(case.facilities.xy[case.facility_rows(asked.kinds)]), *dots),
            title=f"{asked.title} · {minutes} · {share(self.totals[service]['coverage'])}",
        )

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {share(total['coverage'])}" for name, total in self.totals.items())
        return f"<Result {self.case.study.name}: {told}>"

    def _repr_html_(self) -> str:
        study, says = self.case.study, words(self.case.study.language)
        services = [study.services[name] for name in self.tables]
        columns = [Column(says["area"], text, numbers=False), *(Column(one.title, share) for one in services)]
        shares = [[says["total"], *(self.totals[one.name]["coverage"] for one in services)]]
        names = self.case.areas.table["name"]
        shares += [
            [name, *(self.tables[s.name]["coverage"].iloc[at] for s in services)] for at, name in enumerate(names)
        ]
        return card(
            study.title,
            study.notice,
            line(f"{says['covered_of']} · {says['as_of'].format(date=study.as_of)}"),
            beside(*(picture(self.sketch(one.name)) for one in services[:SKETCHED_SERVICES])),
            coverage_legend(says["no_people"]),
            table(columns, shares, says["more"]),
        )


def result_of(result: Result, part: Part) -> Result:
    """What a result says about one area, without measuring anew.

    Facilities that are not in the part are left out as the nearest ones (-1), which concerns only people who are not
    served by them in time.

    Parameters
    ----------
    part
        Cut out of ``result.case`` by `part_around`.
    """
    code = part.case.areas.table["code"].iloc[0]
    number = np.full(len(result.case.facilities) + 1, NO_FACILITY, np.int32)
    number[part.facilities] = np.arange(len(part.facilities), dtype=np.int32)

    units = {level: listed.places.area == part.area for level, listed in result.case.units.items()}

    def cut(reach: Reach) -> Reach:
        return replace(
            reach,
            level_m=reach.level_m[part.cells],
            seconds=reach.seconds[part.cells],
            nearest=number[reach.nearest[part.cells]],
            status=reach.status[part.cells],
            unit_seconds={level: seconds[units[level]] for level, seconds in reach.unit_seconds.items()},
        )

    rows = {name: table.iloc[[part.area]].reset_index(drop=True) for name, table in result.tables.items()}
    ledgers = {name: table[[code]].assign(total=table[code]) for name, table in result.ledgers.items()}
    return Result(
        case=part.case,
        reaches=MappingProxyType({name: cut(reach) for name, reach in result.reaches.items()}),
        own_reaches=MappingProxyType({name: cut(reach) for name, reach in result.own_reaches.items()}),
        tables=MappingProxyType(rows),
        totals=MappingProxyType({name: table.drop(columns=["code", "name"]).iloc[0] for name, table in rows.items()}),
        ledgers=MappingProxyType(ledgers),
    )


def analyse(case: Case, *, progress: Progress = silent) -> Result:
    """Measure every service of a case.

    Parameters
    ----------
    progress
        Called with the name of each service as its turn comes.
    """
    reaches, own, figures = {}, {}, {}
    grounds = own_grounds(case)
    for name, service in case.study.services.items():
        progress(name)
        reaches[name] = measure_reach(case, service)
        own[name] = measure_own_reach(case, service, grounds)
        figures[name] = coverage_figures(case, reaches[name], own[name])
    return Result(
        case=case,
        reaches=MappingProxyType(reaches),
        own_reaches=MappingProxyType(own),
        tables=MappingProxyType({name: one.table for name, one in figures.items()}),
        totals=MappingProxyType({name: one.total for name, one in figures.items()}),
        ledgers=MappingProxyType({name: ledger(case, reach) for name, reach in reaches.items()}),
    )


def judge(result: Result) -> Judgement:
    """Hold a result against the registers of targets that its study names.

    Returns
    -------
    Judgement
        Every target for every area and for all together: met, not met, not computable and for want of what, measured
        (the clause names no number), or not applicable; with the gap and what closes it.

    Raises
    ------
    StudyError
        With one line for every problem of every register.
    """
    return judge_case(result.case, result.reaches, load_registers(result.case.study.registers))
