"""Tables of a result -> the same tables as they may be published."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.exports.disclosure.counts import CountsBuilder
from withinreach.exports.disclosure.rounding import rounded
from withinreach.exports.disclosure.suppression import small, suppressed
from withinreach.exports.withheld import PROTECTED, figures, withheld, withhold
from withinreach.model import TOTAL, Frozen, Step
from withinreach.reach import Status
from withinreach.standards.judging import Question
from withinreach.standards.needs import Sort
from withinreach.study import Disclosure

if TYPE_CHECKING:
    from withinreach.exports.disclosure.counts import Counts
    from withinreach.standards import Judgement, Register
    from withinreach.study import Study

PEOPLE = "people"
COUNTED = ("served_people", "uncovered_people", "served_own_people", "estimated_people", "circle_people")
# Shares: numerator and denominator, both columns of the same row.
SHARES = {
    "coverage": ("served_people", PEOPLE),
    "coverage_own": ("served_own_people", PEOPLE),
    "circle_coverage": ("circle_people", PEOPLE),
    "served_of_circle": ("served_people", "circle_people"),
}
WALKS = ("mean_min", "median_min", "p90_min")
PER_PEOPLE = ("capacity_per_1000", "gap_places")
LOADS = ("nearest_people", "catchment_people", "people_per_place", "catchment_need", "load", "overload_places", "ratio")
JUDGED = ("value", "low", "high", "have", "base", "gap", "gap_to_stretch", "gap_of_units", "by_converting", "by_adding")
CALIBRATED = ("people", "census", "factor")
# Numbers of veterans that facilities tell of themselves.
OBJECTS = "service_objects"


class Tables(NamedTuple):
    """The tables of a publication.

    ``townships`` has the columns of ``coverage`` and ``county``, the code of the area; ``register`` are the facilities
    with the ``code`` of theirs.
    """

    coverage: pd.DataFrame
    townships: pd.DataFrame
    ledger: pd.DataFrame
    loads: pd.DataFrame
    factors: pd.DataFrame
    findings: pd.DataFrame
    register: pd.DataFrame
    judgement: Judgement


@dataclass(frozen=True, slots=True, eq=False)
class Protection(Frozen):
    """What was done to protect people.

    Attributes
    ----------
    rule : Disclosure
    groups, services : tuple of str
        What is protected; services by the group that they count.
    small, others : int
        Counts withheld because they are small, and for the sake of those.
    """

    rule: Disclosure
    groups: tuple[str, ...]
    services: tuple[str, ...]
    small: int
    others: int

    @property
    def acted(self) -> bool:
        """Whether any count of people is withheld or rounded."""
        return self.small + self.others > 0 or self.rule.rounding > 0

    def told(self) -> dict[str, object]:
        """For the manifest."""
        return {
            "groups": list(self.groups),
            "services": list(self.services),
            "minimum": self.rule.minimum,
            "rounding": self.rule.rounding,
            "withheld_small_counts": self.small,
            "withheld_other_counts": self.others,
            "mark": PROTECTED,
            "not_told_of_these_services": [
                "maps, cells, pairs, hectares, gaps, isochrones, catchments and loads of facilities"
            ],
            "limits": ["texts of audit.csv are not looked through", "other publications are not known"],
        }


class Released(NamedTuple):
    """Tables as they may be published, and what was done to them."""

    tables: Tables
    protection: Protection | None


# A unit of the tables: the code of an area, `TOTAL`, or the codes of a county and a township of it.
Unit = Hashable
Told = Mapping[Hashable, float]


def release(tables: Tables, study: Study) -> Released:
    """Withhold and round what the study protects; nothing where it protects nobody."""
    rule = study.disclosure or Disclosure()
    register = _small_objects(tables.register, rule.minimum)
    if not study.protected_groups:
        return Released(tables._replace(register=register), None)
    told: dict[Hashable, float] = {}
    few = others = 0
    for group in study.protected_groups:
        counts = _counts_of(group, tables, study)
        sensitive = small(counts.value, rule.minimum)
        shown = rounded(counts, rule.rounding) if rule.rounding else counts
        hidden = suppressed(shown, sensitive, rule.minimum)
        told |= dict(zip(counts.keys, np.where(hidden, np.nan, shown.value).tolist(), strict=True))
        few += int((hidden & sensitive).sum())
        others += int((hidden & ~sensitive).sum())
    services = study.protected_services
    protection = Protection(rule, study.protected_groups, services, few, others)
    changed = tables._replace(
        coverage=_coverage(tables.coverage, list(tables.coverage["code"]), told, study),
        townships=_coverage(
            tables.townships, list(zip(tables.townships["county"], tables.townships["code"], strict=True)), told, study
        ),
        ledger=_ledger(tables.ledger, told, protection),
        loads=_withheld_rows(tables.loads, tables.loads["service"].isin(services), LOADS),
        register=register,
    )
    if protection.acted:
        changed = changed._replace(
            factors=_withheld_rows(tables.factors, tables.factors["group"].isin(protection.groups), CALIBRATED),
            judgement=_judgement(tables.judgement, protection),
        )
    return Released(changed, protection)


# What adds up -----------------------------------------------------------------------------------------------------


def _counts_of(group: str, tables: Tables, study: Study) -> Counts:
    """Every count of people of a group that the tables hold, and how they add up."""
    build = CountsBuilder()
    services = [name for name, service in study.services.items() if service.people == group]
    steps = tables.ledger[(tables.ledger["group"] == group) & (tables.ledger["step"] == Step.IN_AREAS)].iloc[0]
    codes = [name for name in tables.ledger.columns if name not in ("group", "service", "step", "outside_areas", TOTAL)]
    for unit in (*codes, TOTAL):
        build.print_count((group, PEOPLE, unit), steps[unit])
    build.relate((group, PEOPLE, TOTAL), [(group, PEOPLE, code) for code in codes])
    below = _townships(build, group, services, tables.townships)
    for name in services:
        rows = tables.coverage[tables.coverage["service"] == name].set_index("code")
        statuses = tables.ledger[tables.ledger["service"] == name].set_index("step")
        for unit in (*codes, TOTAL):
            for quantity in COUNTED:
                build.print_count((name, quantity, unit), rows.loc[unit, quantity])
            for status in Status:
                build.print_count((name, status.key, unit), statuses.loc[status.key, unit])
            _relate_unit(build, group, name, unit)
            _relate_statuses(build, group, name, unit)
        for quantity in (*COUNTED, *(status.key for status in Status)):
            build.relate((name, quantity, TOTAL), [(name, quantity, code) for code in codes])
    for county, units in below.items():
        for owner, quantity in [(group, PEOPLE), *((name, one) for name in services for one in COUNTED)]:
            parts = [(owner, quantity, unit) for unit in units]
            build.relate((owner, quantity, county), parts, rest=(owner, quantity, county, "elsewhere"))
    return build.counts()


def _townships(
    build: CountsBuilder, group: str, services: list[str], townships: pd.DataFrame
) -> dict[str, list[tuple[str, str]]]:
    """Print the counts of townships, and tell the townships of each county."""
    below: dict[str, list[tuple[str, str]]] = {}
    for name in services:
        for row in townships[townships["service"] == name].to_dict(orient="records"):
            unit = (row["county"], row["code"])
            if unit not in below.setdefault(row["county"], []):
                below[row["county"]].append(unit)
                build.print_count((group, PEOPLE, unit), row[PEOPLE])
            for quantity in COUNTED:
                build.print_count((name, quantity, unit), row[quantity])
            _relate_unit(build, group, name, unit)
            build.relate((group, PEOPLE, unit), [(name, "estimated_people", unit)], rest=(name, "walked", unit))
    return below


def _relate_unit(build: CountsBuilder, group: str, name: str, unit: Unit) -> None:
    """Who is served or not, by whom, and who is in the circle. The differences are known to whoever subtracts."""
    people, served, circle = (group, PEOPLE, unit), (name, "served_people", unit), (name, "circle_people", unit)
    build.relate(people, [served, (name, "uncovered_people", unit)])
    build.relate(served, [(name, "served_own_people", unit)], rest=(name, "served_across", unit))
    build.relate(circle, [served], rest=(name, "circle_unserved", unit))
    build.relate(people, [circle], rest=(name, "outside_circle", unit))


def _relate_statuses(build: CountsBuilder, group: str, name: str, unit: Unit) -> None:
    build.relate((group, PEOPLE, unit), [(name, status.key, unit) for status in Status])
    for whole, parts in (
        ("served_people", (Status.SERVED, Status.SERVED_ESTIMATE)),
        ("estimated_people", (Status.SERVED_ESTIMATE, Status.TOO_FAR_ESTIMATE)),
    ):
        build.relate((name, whole, unit), [(name, status.key, unit) for status in parts])


# What is told -----------------------------------------------------------------------------------------------------


def _coverage(table: pd.DataFrame, units: list[Unit], told: Told, study: Study) -> pd.DataFrame:
    """A table of coverage with the counts that may be told, and what follows from them."""
    services = [study.services[name] for name in table["service"]]
    out = table.reset_index(drop=True)
    mine = np.array([service.people in study.protected_groups for service in services], bool)
    if not mine.any():
        return _per_people(out, units, told, study)
    keys = {
        PEOPLE: [(service.people, PEOPLE, unit) for service, unit in zip(services, units, strict=True)],
        **{one: [(service.name, one, unit) for service, unit in zip(services, units, strict=True)] for one in COUNTED},
    }
    for column, of_row in keys.items():
        known = np.array([told.get(key, np.nan) for key in of_row])
        out[column] = withhold(out[column].where(~mine, known), mine & np.isnan(known))
    for column, (part, whole) in SHARES.items():
        hidden = mine & (withheld(out[part]) | withheld(out[whole])).to_numpy(bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = figures(out[part]) / figures(out[whole]).where(figures(out[whole]) > 0)
        out[column] = withhold(out[column].where(~mine, share), hidden)
    hidden = mine & (withheld(out[PEOPLE]) | withheld(out["served_people"])).to_numpy(bool)
    for column in WALKS:
        out[column] = withhold(out[column], hidden)
    return _per_people(out, units, told, study)


def _per_people(out: pd.DataFrame, units: list[Unit], told: Told, study: Study) -> pd.DataFrame:
    """Places per 1,000 people and the gap to the norm, by the people of the norm's group that may be told."""
    services = [study.services[name] for name in out["service"]]
    groups = [service.people if service.norm is None else service.norm.of for service in services]
    mine = np.array([group in study.protected_groups for group in groups], bool)
    people = np.array([told.get((group, PEOPLE, unit), np.nan) for group, unit in zip(groups, units, strict=True)])
    capacity, norm = figures(out["capacity"]), figures(out["norm_per_1000"])
    with np.errstate(invalid="ignore", divide="ignore"):
        again = {
            "capacity_per_1000": (capacity * 1000 / people).where(people > 0),
            "gap_places": (norm * people / 1000 - capacity).clip(lower=0),
        }
    for column in PER_PEOPLE:
        out[column] = withhold(out[column].where(~mine, again[column]), mine & np.isnan(people))
    return out


def _ledger(table: pd.DataFrame, told: Told, protection: Protection) -> pd.DataFrame:
    """Statuses and people in the areas as they may be told; other steps of these groups not, if any count is not."""
    out = table.copy()
    mine = table["group"].isin(protection.groups)
    columns = [name for name in table.columns if name not in ("group", "service", "step")]
    for name in columns:
        values = out[name].astype(object)
        for at in np.flatnonzero(mine):
            group, service, step = table.loc[at, ["group", "service", "step"]]
            key = (service, step, name) if service else (group, PEOPLE, name)
            if step == Step.IN_AREAS or service:
                known = told.get(key, values[at])
                values[at] = PROTECTED if isinstance(known, float) and np.isnan(known) else known
            elif protection.acted:
                values[at] = PROTECTED
        out[name] = values if (values == PROTECTED).any() else values.astype(table[name].dtype)
    return out


def _withheld_rows(table: pd.DataFrame, rows: pd.Series, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table in which some columns of some rows are withheld."""
    hidden = rows.to_numpy(bool)
    return table.assign(**{name: withhold(table[name], hidden) for name in columns})


def _small_objects(register: pd.DataFrame, minimum: float) -> pd.DataFrame:
    """Facilities without the small numbers of veterans that they tell."""
    if OBJECTS not in register:
        return register
    values = register[OBJECTS].to_numpy(np.float64)
    return register.assign(**{OBJECTS: withhold(register[OBJECTS], small(np.nan_to_num(values), minimum))})


def _judgement(judgement: Judgement, protection: Protection) -> Judgement:
    """Targets about protected groups keep their state, but not the figures from which it follows."""
    asked = {key for register in judgement.registers for key in _asking(register, protection)}
    table = judgement.table
    rows = [key in asked for key in zip(table["register"], table["target"], table["part"], strict=True)]
    return replace(judgement, table=_withheld_rows(table, pd.Series(rows, index=table.index, dtype=bool), JUDGED))


def figures_only(judgement: Judgement) -> Judgement:
    """For readers that know figures only: what is withheld is unknown to them."""
    table = judgement.table
    return replace(judgement, table=table.assign(**{name: figures(table[name]) for name in JUDGED}))


def _asking(register: Register, protection: Protection) -> list[tuple[str, str, str]]:
    """Parts of the register's targets that count people of a protected group."""
    found = []
    for target in register.targets:
        for rule in target.rules:
            for part in rule.parts():
                needs = part.rule.needs()
                if any(
                    (need.sort is Sort.GROUP and need.name in protection.groups)
                    or (need.sort is Sort.SERVICE and need.name in protection.services)
                    for need in needs
                ):
                    found.append((register.id, target.id, Question(register, target, rule, part).key))
    return found
