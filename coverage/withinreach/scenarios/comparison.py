"""Results side by side: what a scenario changes per area and service, who gains and who loses, at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from withinreach.analysis import judge
from withinreach.errors import StudyError
from withinreach.measures.units import Units
from withinreach.model import TOTAL, Frozen
from withinreach.progress import silent
from withinreach.scenarios.card import comparison_card
from withinreach.scenarios.outcome import reanalyse
from withinreach.scenarios.targets import changed_targets, differing, tell_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.progress import Progress
    from withinreach.scenarios.scenario import Scenario

HEADINGS = {"zh": "状态改变的目标：{0} 项", "en": "targets that change state: {0}"}
GAINS, LOSES = "gains", "loses"
# Figures of `coverage_figures` that a comparison shows before and after.
SHOWN = ("people", "served_people", "coverage", "mean_min", "facilities", "capacity", "gap_places")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(Frozen):
    """A scenario and what it leads to.

    Attributes
    ----------
    scenario : Scenario
    result : Result
        Like any other: it can be drawn, exported, and held against targets.
    cost : float
        NaN where the cost of one of its parts is unknown.
    """

    scenario: Scenario
    result: Result
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Frozen):
    """A result and what some scenarios make of it.

    Attributes
    ----------
    base : Result
    outcomes : tuple of Outcome
        In the order in which the scenarios were given.
    table : DataFrame
        One row per scenario, service and area, and one for all areas together (code ``total``): scenario, service,
        code, name; gained_people and lost_people, those of the scenario's people who are served in time only with it,
        or only without it (NaN where it has people at other places); for each of `SHOWN` the figure before
        (``…_before``) and after (``…_after``).
    totals : DataFrame
        One row per scenario and service: scenario, service, cost, gained_people, lost_people, and cost_per_gained:
        the cost of the whole scenario per person who gains this service; NaN where nobody does.
    """

    base: Result
    outcomes: tuple[Outcome, ...]
    table: pd.DataFrame
    totals: pd.DataFrame

    def __str__(self) -> str:
        return "\n".join([self.totals.to_string(index=False), *self.target_lines()])

    def target_lines(self) -> list[str]:
        """One line for every target that changes state, in the study's language; none where there are no registers."""
        study, targets = self.base.case.study, self.targets()
        if not study.registers:
            return []
        rows = targets[targets["changes_state"]].to_dict(orient="records")
        return [HEADINGS[study.language].format(len(rows)), *(tell_change(row, study.language) for row in rows)]

    def outcome(self, title: str) -> Outcome:
        """What a scenario leads to.

        Raises
        ------
        StudyError
            If none of the scenarios has this title.
        """
        found = {one.scenario.title: one for one in self.outcomes}
        if title not in found:
            raise StudyError(f"no scenario '{title}'; compared are: {', '.join(found)}")
        return found[title]

    def changed_rows(self) -> pd.DataFrame:
        """The rows of the table where somebody gains or loses, or a figure changes."""
        moved = (self.table[["gained_people", "lost_people"]] > 0).any(axis=1)
        changed = moved | differing(self.table, SHOWN)
        return self.table[changed].reset_index(drop=True)

    def targets(self) -> pd.DataFrame:
        """Targets of the study's registers of which a scenario changes state, figure or gap, per unit and in total.

        Judged when it is asked for: on a prefecture half a second for the base and for each scenario.

        Returns
        -------
        DataFrame
            scenario, then the columns of `changed_targets`. Empty where the study names no registers.
        """
        before = judge(self.base)
        blocks = {one.scenario.title: changed_targets(before, judge(one.result)) for one in self.outcomes}
        told = pd.concat([changed_targets(before, before), *blocks.values()], ignore_index=True)
        titles = [title for title, block in blocks.items() for _ in range(len(block))]
        told.insert(0, "scenario", pd.Series(titles, dtype="str"))
        return told

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return comparison_card(self)

    def changes(self, title: str) -> gpd.GeoDataFrame:
        """The inhabited cells where a scenario changes who is served, as points in the study's CRS.

        Per service ``<service>_change`` (``gains``, ``loses`` or nothing), people of its group, and seconds before and
        after; NaN where there is no way. Empty for a scenario with people at other places.
        """
        return _changes(self.base, self.outcome(title).result)


def compare(base: Result, *scenarios: Scenario, progress: Progress = silent) -> Comparison:
    """Apply scenarios to the case of a result, one by one, and compare.

    Parameters
    ----------
    progress
        Called with the title of each scenario as its turn comes.

    Raises
    ------
    StudyError
        One line for every part of a scenario that does not fit the case, and if two scenarios have the same title.
    """
    titles = [scenario.title for scenario in scenarios]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise StudyError(f"several scenarios are called '{title}'; give each a title of its own" for title in twice)
    outcomes = []
    for scenario in scenarios:
        progress(scenario.title)
        result = reanalyse(base, scenario.apply(base.case))
        outcomes.append(Outcome(scenario, result, scenario.cost(base.case)))
    blocks = [_block(base, one, name) for one in outcomes for name in base.tables]
    table = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()
    return Comparison(base, tuple(outcomes), table, _totals(outcomes, table))


def change_of_cells(base: Result, result: Result, service: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Cells that are served in time only after, and only before; both (k,)."""
    before, after = base.reaches[service].covered, result.reaches[service].covered
    return after & ~before, before & ~after


def _same_places(base: Result, result: Result) -> bool:
    return base.case.people.xy is result.case.people.xy


def _block(base: Result, outcome: Outcome, service: str) -> pd.DataFrame:
    result = outcome.result
    before, after = (_with_total(one, service) for one in (base, result))
    block = pd.DataFrame({"scenario": outcome.scenario.title, "service": service}, index=before.index)
    block[["code", "name"]] = before[["code", "name"]]
    block["gained_people"], block["lost_people"] = _moved_people(base, result, service)
    for figure in SHOWN:
        block[f"{figure}_before"], block[f"{figure}_after"] = before[figure], after[figure]
    return block


def _with_total(result: Result, service: str) -> pd.DataFrame:
    total = pd.DataFrame([{"code": TOTAL, "name": result.case.study.title, **result.totals[service].to_dict()}])
    return pd.concat([result.tables[service], total], ignore_index=True)


def _moved_people(base: Result, result: Result, service: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """People who gain and who lose, one value per area and one for all."""
    units = Units.of_areas(result.case)
    if not _same_places(base, result):
        unknown = np.full(units.count + 1, np.nan)
        return unknown, unknown
    if base.reaches[service] is result.reaches[service]:
        return np.zeros(units.count + 1), np.zeros(units.count + 1)
    people = result.case.people_of(result.case.study.services[service].people)
    gained, lost = (units.people(np.where(one, people, 0.0)) for one in change_of_cells(base, result, service))
    return np.append(gained, gained.sum()), np.append(lost, lost.sum())


def _totals(outcomes: list[Outcome], table: pd.DataFrame) -> pd.DataFrame:
    columns = ["scenario", "service", "cost", "gained_people", "lost_people", "cost_per_gained"]
    if not len(table):
        return pd.DataFrame(columns=columns)
    totals = table.loc[table["code"] == TOTAL, ["scenario", "service", "gained_people", "lost_people"]]
    totals = totals.reset_index(drop=True)
    totals["cost"] = totals["scenario"].map({one.scenario.title: one.cost for one in outcomes})
    gained = totals["gained_people"].where(totals["gained_people"] > 0)
    return totals.assign(cost_per_gained=totals["cost"] / gained)[columns]


def _changes(base: Result, result: Result) -> gpd.GeoDataFrame:
    columns: dict[str, NDArray[np.generic]] = {}
    changed = np.zeros(len(result.case.people), bool)
    if not _same_places(base, result):
        return gpd.GeoDataFrame(geometry=[], crs=base.case.study.metric_crs)
    for name, service in result.case.study.services.items():
        gains, loses = change_of_cells(base, result, name)
        changed |= gains | loses
        columns[f"{name}_change"] = np.where(gains, GAINS, np.where(loses, LOSES, ""))
        columns[f"{name}_people"] = result.case.people_of(service.people)
        for when, one in (("before", base), ("after", result)):
            seconds = one.reaches[name].seconds
            columns[f"{name}_s_{when}"] = np.where(np.isfinite(seconds), seconds, np.nan)
    rows = np.flatnonzero(changed)
    table = pd.DataFrame({name: values[rows] for name, values in columns.items()})
    codes = base.case.areas.table["code"].to_numpy(object)[result.case.people.area[rows]]
    table.insert(0, "code", pd.Series(codes, dtype="str"))
    return gpd.GeoDataFrame(
        table, geometry=gpd.points_from_xy(*result.case.people.xy[rows].T), crs=base.case.study.metric_crs
    )
