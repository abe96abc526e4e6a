"""Registers and a case -> Judgement: every part of every rule, for every unit and for all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from withinreach.measures.units import Units
from withinreach.standards.assessment import LEAVING_OPEN, Assessment, Reason, Verdict, figures
from withinreach.standards.evidence import Evidence
from withinreach.standards.judgement import DTYPES, Judgement, State
from withinreach.standards.needs import Sort
from withinreach.standards.texts import tell_missing, tell_part, tell_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.model import Case
    from withinreach.reach import Reach
    from withinreach.standards.needs import Need
    from withinreach.standards.register import Register, Target
    from withinreach.standards.rules import AnyRule, Part
    from withinreach.standards.rules.base import Single
    from withinreach.study import Study

    # Of one question, as lists with one entry per unit: a table for each would take forty times longer.
    Columns = dict[str, Any]

# What some facilities or units tell and others do not.
TOLD_BY_EACH = (Sort.ATTRIBUTE, Sort.UNIT_ATTRIBUTE, Sort.STATISTIC)
STATES = {Verdict.MET: State.MET, Verdict.MISSED: State.NOT_MET, Verdict.OPEN: State.NOT_COMPUTABLE}


def judge_case(case: Case, reaches: Mapping[str, Reach], registers: tuple[Register, ...]) -> Judgement:
    """Hold a case and its reaches against registers."""
    blocks: list[Columns] = []
    asked = set()
    for register in registers:
        evidence = Evidence(case, reaches, frozenset(register.no_counties))
        for target in register.targets:
            for question in (Question(register, target, rule, part) for rule in target.rules for part in rule.parts()):
                blocks += _answered(question, evidence)
                asked.add(question.statistic)
    unused = dict.fromkeys(name for name in case.statistics["statistic"] if name not in asked)
    table = pd.DataFrame({name: [value for block in blocks for value in block[name]] for name in DTYPES})
    return Judgement(registers, table.astype(DTYPES), tuple(unused), case.study.language)


@dataclass(frozen=True, slots=True)
class Question:
    """One part of a rule of a target of a register."""

    register: Register
    target: Target
    rule: AnyRule
    part: Part

    @property
    def key(self) -> str:
        """What tells it from the other parts of its target, e.g. ``unemployment`` or ``county``; mostly empty."""
        return ".".join(name for name in (self.rule.name, self.part.name) if name)

    @property
    def statistic(self) -> str:
        """The id under which the table of statistics tells its figure.

        That of the target, with the name of the rule and the part where several decide on it.
        """
        alone = self.part.judged and sum(part.judged for part in self.rule.parts()) == 1
        names = (self.target.id, self.rule.name, "" if alone else self.part.name)
        return self.part.rule.imported_as or ".".join(name for name in names if name)


def _answered(question: Question, evidence: Evidence) -> list[Columns]:
    """The columns of `Judgement.table` for every unit, and for all units together."""
    missing = [need for need in question.part.rule.needs() if not evidence.has(need)]
    units, whole = Units.of_areas(evidence.case), Units.all_together(evidence.case)
    each, together = _columns(question, evidence, units, missing), _columns(question, evidence, whole, missing)
    if question.rule.BASIS == "computed":
        gaps = [gap for gap, state in zip(each["gap"], each["state"], strict=True) if state != State.NOT_APPLICABLE]
        together["gap_of_units"] = [sum(gaps) if gaps else np.nan]
    return [each, together]


def _columns(question: Question, evidence: Evidence, units: Units, missing: list[Need]) -> Columns:
    rule, language = question.part.rule, evidence.case.study.language
    found = _nothing(rule, units) if missing else rule.assess(evidence, units)
    reported = evidence.reported(question.statistic, units)
    columns: Columns = {
        **{name: values.tolist() for name, values in found.figures.items()},
        "state": _states(found),
        "basis": [rule.BASIS] * units.count,
        **_baseline(question, evidence, units),
        "reported": [figure.value for figure in reported],
        "reported_year": [figure.year for figure in reported],
        "includes_changyuan": [figure.includes_changyuan for figure in reported],
        "missing": _missing(found, missing, rule),
        "reason": _reasons(found, missing, rule, evidence.case.study),
    }
    same = _described(question, found, evidence.case)
    same |= {"gap_of_units": np.nan, "caveat": rule.caveat(evidence).in_(language)}
    names = [evidence.case.study.title] if units.whole else list(evidence.case.areas.table["name"])
    columns |= {"code": list(units.codes), "name": names}
    columns |= {name: [value] * units.count for name, value in same.items()}
    return _with_reported(columns, rule)


def _baseline(question: Question, evidence: Evidence, units: Units) -> Columns:
    """Where each unit stood in the year from which the targets count: what its statistics, or the document tell."""
    year, told = question.register.base_year, question.target.baseline
    if year is None:
        return {"baseline": [np.nan] * units.count, "baseline_year": [None] * units.count}
    values = evidence.reported_in(year, question.statistic, units)
    if units.whole and told is not None and np.isnan(values[0]):
        values = [told]
    return {"baseline": values, "baseline_year": [None if np.isnan(value) else year for value in values]}


def _nothing(rule: Single, units: Units) -> Assessment:
    """An assessment for which an input is missing."""
    elsewhere = rule.asked_of_whole and not units.whole
    return Assessment(
        target=rule.target,
        stretch=np.nan,
        figures=figures(units.count, {}),
        verdict=np.full(units.count, Verdict.UNJUDGED if elsewhere else Verdict.OPEN, np.int8),
        reason=np.full(units.count, Reason.WHOLE_ONLY if elsewhere else Reason.NONE, object),
    )


def _states(found: Assessment) -> list[str]:
    return [
        _state(verdict, reason, value)
        for verdict, reason, value in zip(found.verdict, found.reason, found.figures["value"], strict=True)
    ]


def _state(verdict: int, reason: Reason, value: float) -> State:
    """Without a verdict a rule does not apply, or has a value and no target, or not even a value."""
    if verdict != Verdict.UNJUDGED:
        return STATES[Verdict(verdict)]
    if reason not in LEAVING_OPEN:
        return State.NOT_APPLICABLE
    return State.NOT_COMPUTABLE if np.isnan(value) else State.MEASURED


def _reasons(found: Assessment, missing: list[Need], rule: Single, study: Study) -> list[str]:
    """Why there is no verdict; empty where there is one."""
    remark = rule.remark(study.language)
    lacking = tell_missing(missing, study.taxonomy, study.language)
    told = []
    for verdict, reason, known in zip(found.verdict, found.reason, found.figures["known"], strict=True):
        decided = verdict in (Verdict.MET, Verdict.MISSED)
        open_for = lacking if reason == Reason.NONE else tell_reason(reason, known, study.language)
        told.append("" if decided else remark or open_for)
    return told


def _missing(found: Assessment, missing: list[Need], rule: Single) -> list[str]:
    """Keys of the inputs that would make a unit's figure computable."""
    each = "; ".join(need.key for need in rule.needs() if need.sort in TOLD_BY_EACH)
    everywhere = "; ".join(need.key for need in missing)
    told = []
    for verdict, reason in zip(found.verdict, found.reason, strict=True):
        partly = reason != Reason.NONE and verdict not in (Verdict.MET, Verdict.MISSED)
        told.append("" if reason not in LEAVING_OPEN else each if partly else everywhere)
    return told


def _with_reported(columns: Columns, rule: Single) -> Columns:
    """The bureau's figure in the place of one that cannot be computed."""
    value = np.array(columns["reported"], np.float64)
    verdict = rule.verdict(value)
    for row in np.flatnonzero(~np.isnan(value)):
        if columns["state"][row] != State.NOT_COMPUTABLE or rule.BASIS != "computed":
            continue
        state = _state(verdict[row], Reason.NONE, value[row])
        for name in ("value", "low", "high"):
            columns[name][row] = value[row]
        for name, told in (("state", state), ("basis", "imported"), ("missing", ""), ("reason", "")):
            columns[name][row] = told
    return columns


def _described(question: Question, found: Assessment, case: Case) -> dict[str, Any]:
    """What is the same for every unit: the clause and what it asks."""
    register, target, rule, language = question.register, question.target, question.part.rule, case.study.language
    title = "" if question.rule.title is None else question.rule.title.in_(language)
    return {
        "register": register.id,
        "target": target.id,
        "part": question.key,
        "chapter": target.chapter,
        "clause": target.clause,
        "words": target.words,
        "gloss": target.gloss,
        "attribute": target.attribute or "",
        "department": target.department,
        "title": tell_part(question.part.name, title, language),
        "rule": question.rule.rule,
        "level": rule.level,
        "year": register.year if target.year is None else target.year,
        "judged": question.part.judged,
        "sense": rule.sense,
        "target_value": found.target,
        "stretch_value": found.stretch,
        "implied": rule.implied,
        "unit": rule.unit.in_(language),
        "gap_unit": rule.gap_unit.in_(language),
        "people_year": case.study.population.as_of.year if rule.PER_PEOPLE else None,
    }
