"""What a case knows that rules ask for: facilities and their attributes, people, units of every level, statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from withinreach.model import OUTSIDE_AREAS, Frozen
from withinreach.preparation.areas import assign_areas
from withinreach.standards.needs import Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.model import Case, UnitList
    from withinreach.reach import Reach
    from withinreach.standards.needs import Need
    from withinreach.standards.rules.base import Level, Supply

    Floats = NDArray[np.float64]


class Figure(NamedTuple):
    """An imported figure; ``includes_changyuan`` is ``yes``, ``no`` or empty."""

    value: float
    year: int | None
    includes_changyuan: str


NO_FIGURE = Figure(math.nan, None, "")


@dataclass(frozen=True, slots=True, eq=False)
class Members(Frozen):
    """The units of one level, e.g. every village, in which a rule must hold.

    Attributes
    ----------
    unit : (m,) int32
        The reporting unit that each is part of, -1 for none.
    of_facility : (f,) int32
        The member that each facility of the case counts for, -1 for none.
    table : DataFrame
        name and numeric attributes.
    """

    unit: NDArray[np.int32]
    of_facility: NDArray[np.int32]
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.unit)

    def ending(self, endings: tuple[str, ...]) -> Members:
        """Those whose name ends in one of some words; all of them without words. The others are part of no unit."""
        if not endings:
            return self
        here = self.table["name"].str.endswith(endings).to_numpy(bool)
        return Members(np.where(here, self.unit, OUTSIDE_AREAS).astype(np.int32), self.of_facility, self.table)


@dataclass(frozen=True, eq=False)
class Evidence:
    """A case with its reaches, as rules look at it.

    `no_counties` are the codes of areas that are reported but are no counties in law, e.g. development zones.
    """

    case: Case
    reaches: Mapping[str, Reach]
    no_counties: frozenset[str]

    def has(self, need: Need) -> bool:
        """Whether the case gives an input."""
        return bool(_LOOK[need.sort](self, need))

    # Facilities ----------------------------------------------------------------------------------------------

    def rows(self, kinds: tuple[str, ...]) -> NDArray[np.int32]:
        """Rows of the facilities of some kinds."""
        return self.case.facility_rows(kinds)

    def amounts(self, supply: Supply) -> tuple[NDArray[np.int32], Floats]:
        """Rows of the facilities of a supply's kinds, and what each adds to the sum.

        0 where the facility is not of those that are asked for, NaN where it does not tell what decides that, or how
        much it has.
        """
        rows = self.rows(supply.kinds)
        table = self.case.facilities.table
        amount = np.ones(len(rows))
        if supply.sum is not None:
            amount = numbers_of(table, supply.sum)[rows]
        sure, possible = at_least(table.iloc[rows], supply.at_least)
        for name, values in supply.where.items():
            has, told = _equal(table, name, values)
            sure, possible = sure & has[rows], possible & (has | ~told)[rows]
        return rows, np.where(possible, np.where(sure, amount, np.nan), 0.0)

    # People and units ----------------------------------------------------------------------------------------

    def people(self, group: str, units: Units) -> Floats:
        """People of a group per unit."""
        return units.people(self.case.people_of(group))

    def members(self, level: Level, units: Units) -> Members:
        """The units of a level, and the reporting unit that each is part of.

        The city is part of no area, only of all of them together.
        """
        if level == "city":
            unit = np.array([0 if units.whole else OUTSIDE_AREAS], np.int32)
            inside = np.where(self.case.facilities.area == OUTSIDE_AREAS, OUTSIDE_AREAS, 0)
            name = pd.DataFrame({"name": [self.case.study.title]})
            return Members(unit, inside.astype(np.int32), name)
        if level == "county":
            table = self.case.areas.table
            law = ~table["code"].isin(self.no_counties).to_numpy(bool)
            unit = np.where(law, units.of_area, OUTSIDE_AREAS).astype(np.int32)
            return Members(unit, self.case.facilities.area, pd.DataFrame({"name": table["name"]}))
        listed = self.case.units[level]
        return Members(units.of_place(listed.places.area), self._facility_members[level], listed.places.table)

    @cached_property
    def _facility_members(self) -> dict[str, NDArray[np.int32]]:
        return {level: self._nearest_members(listed) for level, listed in self.case.units.items()}

    def _nearest_members(self, listed: UnitList) -> NDArray[np.int32]:
        xy = self.case.facilities.xy
        if listed.polygons is not None:
            return assign_areas(listed.polygons, xy)
        if listed.near_m is None:
            return np.full(len(xy), OUTSIDE_AREAS, np.int32)
        away, nearest = cKDTree(listed.places.xy).query(xy)
        return np.where(away <= listed.near_m, nearest, OUTSIDE_AREAS).astype(np.int32)

    # Statistics ----------------------------------------------------------------------------------------------

    @cached_property
    def _latest(self) -> dict[tuple[str, str], Figure]:
        """Of every statistic and unit the figure of the last year."""
        rows = self.case.statistics.sort_values("year", kind="stable").itertuples(index=False)
        return {(row.statistic, row.code): Figure(row.value, row.year, row.includes_changyuan) for row in rows}

    @cached_property
    def _by_year(self) -> dict[tuple[str, str, int], float]:
        rows = self.case.statistics.itertuples(index=False)
        return {(row.statistic, row.code, row.year): row.value for row in rows}

    @cached_property
    def statistics(self) -> frozenset[str]:
        """Every statistic that any unit tells."""
        return frozenset(self.case.statistics["statistic"])

    def reported(self, statistic: str, units: Units) -> list[Figure]:
        """What is told of each unit."""
        return [self._latest.get((statistic, code), NO_FIGURE) for code in units.codes]

    def reported_in(self, year: int, statistic: str, units: Units) -> list[float]:
        """What is told of each unit for one year, NaN where nothing is."""
        return [self._by_year.get((statistic, code, year), np.nan) for code in units.codes]


def numbers_of(table: pd.DataFrame, name: str) -> Floats:
    """A column of numbers, NaN where a field is empty, or all of it where the table has no such column."""
    if name not in table:
        return np.full(len(table), np.nan)
    values: Floats = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return values


def _equal(
    table: pd.DataFrame, name: str, values: tuple[str | float, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which facilities have one of the values, and which tell theirs."""
    if name not in table:
        nothing = np.zeros(len(table), bool)
        return nothing, nothing
    return table[name].isin(values).to_numpy(bool), _told(table[name])


def _told(column: pd.Series) -> NDArray[np.bool_]:
    told: NDArray[np.bool_] = (column.notna() & (column.astype("str") != "")).to_numpy(bool)
    return told


def at_least(table: pd.DataFrame, numbers: Mapping[str, float]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of a table surely reach all of some numbers, and which may, for they do not tell."""
    sure, possible = np.ones(len(table), bool), np.ones(len(table), bool)
    for name, least in numbers.items():
        value = numbers_of(table, name)
        sure, possible = sure & (value >= least), possible & ~(value < least)
    return sure, possible


def _holds(evidence: Evidence, need: Need) -> bool:
    """Whether there are facilities of the kinds, or a layer that says it holds such: then there are none."""
    kinds = evidence.case.study.taxonomy.within(need.of)
    declared = evidence.case.study.facility_kinds
    return not kinds.isdisjoint(declared) or bool(evidence.case.facilities.table["kind"].isin(kinds).any())


def _tells(evidence: Evidence, need: Need) -> bool:
    """Whether any facility of the kinds tells an attribute; without facilities there is nothing to be told."""
    rows = evidence.rows(need.of)
    table = evidence.case.facilities.table
    return len(rows) == 0 or (need.name in table and bool(_told(table[need.name])[rows].any()))


def _assigns(evidence: Evidence, need: Need) -> bool:
    listed = evidence.case.units.get(need.name)
    return listed is None or listed.polygons is not None or listed.near_m is not None


_LOOK: Mapping[Sort, Callable[[Evidence, Need], object]] = {
    Sort.KIND: _holds,
    Sort.ATTRIBUTE: _tells,
    Sort.GROUP: lambda evidence, need: need.name in evidence.case.study.population.groups,
    Sort.SERVICE: lambda evidence, need: need.name in evidence.reaches,
    Sort.UNITS: lambda evidence, need: any(level in evidence.case.units for level in need.of),
    Sort.UNIT_FACILITIES: _assigns,
    Sort.UNIT_ATTRIBUTE: lambda evidence, need: any(
        need.name in evidence.case.units[level].places.table for level in need.of if level in evidence.case.units
    ),
    Sort.STATISTIC: lambda evidence, need: need.name in evidence.statistics,
}
