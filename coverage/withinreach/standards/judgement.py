"""What came of it: every target of every register, for every unit and for all together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import pandas as pd

from withinreach.errors import StudyError
from withinreach.model import TOTAL, Frozen
from withinreach.standards.card import judgement_card

if TYPE_CHECKING:
    from withinreach.standards.register import Register


class State(StrEnum):
    """Where a target stands. None is met by default: each needs its figures."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_COMPUTABLE = "not_computable"
    MEASURED = "measured"
    NOT_APPLICABLE = "not_applicable"


# Of a target with several parts the first of these that a part has is the state of the whole.
GRAVEST = (State.NOT_MET, State.NOT_COMPUTABLE, State.MET, State.MEASURED, State.NOT_APPLICABLE)

DTYPES = {
    "register": "str", "target": "str", "part": "str", "chapter": "str", "clause": "str", "words": "str",
    "gloss": "str", "attribute": "str", "department": "str", "title": "str", "rule": "str", "level": "str",
    "year": "int64", "code": "str", "name": "str",
    "state": "str", "basis": "str", "judged": "bool", "sense": "str",
    "value": "float64", "low": "float64", "high": "float64", "target_value": "float64", "stretch_value": "float64",
    "implied": "bool",
    "unit": "str", "have": "float64", "base": "float64", "facilities": "float64", "known": "float64",
    "gap": "float64", "gap_to_stretch": "float64", "gap_of_units": "float64", "by_converting": "float64",
    "by_adding": "float64", "gap_unit": "str", "people_year": "Int64",
    "baseline": "float64", "baseline_year": "Int64",
    "reported": "float64", "reported_year": "Int64", "includes_changyuan": "str",
    "missing": "str", "reason": "str", "caveat": "str",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Judgement(Frozen):
    """Targets held against a case.

    Attributes
    ----------
    registers : tuple of Register
    table : DataFrame
        One row per target, part and unit, and one for all units together (code ``total``), in the order of the
        registers.

        register, target, part, chapter, clause, words, gloss, attribute, department, title, rule, level, year
            The clause and what it asks; whether it is ``binding`` or ``expected``, and who answers for it, where the
            document says so. ``part`` tells the rules of one target apart, the tiers of a network and the definitions
            of coverage.
        code, name
            The unit.
        state, basis, judged, sense
            `State`; ``computed``, ``imported`` or ``narrative``; whether the part decides on the target; whether the
            value must be ``at_least``, ``more_than`` or ``at_most`` what is asked for.
        value, low, high, target_value, stretch_value, unit, implied
            The figure, the bounds that hold whatever the unknown is, what is asked for and hoped for, in ``unit``;
            whether the clause names no number, but cannot mean another.
        have, base, facilities, known
            What the value is made of; facilities that were counted, and the share of them that tell.
        gap, gap_to_stretch, gap_of_units, by_converting, by_adding, gap_unit
            What is missing, of what is told; for all units together the net gap, and beside it the sum of the units'
            own, which no surplus elsewhere lessens; for shares what closes the gap by converting and by adding.
        people_year
            Year of the population where people are the denominator.
        baseline, baseline_year
            Where it stood when the plan began.
        reported, reported_year, includes_changyuan
            The figure that the table of statistics tells, for comparison, or as the value where nothing is computed.
        missing, reason, caveat
            Keys of the study that would make it computable; why there is no verdict, and what the figure rests on that
            a reader must know, in the study's language.
    unused : tuple of str
        Statistics of the table that no register asks for.
    language : str
        Of `reason`, `title` and the units.
    """

    registers: tuple[Register, ...]
    table: pd.DataFrame
    unused: tuple[str, ...]
    language: Literal["zh", "en"]

    def of_unit(self, code: str = TOTAL) -> pd.DataFrame:
        """The rows of one unit.

        Raises
        ------
        StudyError
            If no unit has this code.
        """
        known = list(dict.fromkeys(self.table["code"]))
        if len(self.table) and code not in known:
            raise StudyError(f"no unit with code {code}; the study has: {', '.join(known)}")
        return self.table[self.table["code"] == code].reset_index(drop=True)

    def states(self, code: str = TOTAL) -> pd.DataFrame:
        """One row per target: register, target, chapter, clause, state, for one unit."""
        rows = self.of_unit(code)
        keys = ["register", "target", "chapter", "clause"]
        first = ~rows.duplicated(keys)
        return rows[keys].assign(state=states_of_targets(rows))[first].reset_index(drop=True)

    def counts(self, code: str = TOTAL) -> pd.DataFrame:
        """Targets per register (rows) and state (columns, all of them), for one unit."""
        states = self.states(code)
        found = Counter(zip(states["register"], states["state"], strict=True))
        ids = pd.Index([register.id for register in self.registers], name="register")
        columns = pd.Index([state.value for state in State], name="state")
        return pd.DataFrame([[found[id_, state] for state in columns] for id_ in ids], index=ids, columns=columns)

    def __repr__(self) -> str:
        return self.counts().to_string()

    def _repr_html_(self) -> str:
        return judgement_card(self, [state.value for state in State])


def states_of_targets(rows: pd.DataFrame) -> pd.Series:
    """The state of the whole target that each row of a `Judgement.table` is a part of, for the unit of the row."""
    rank = rows["state"].map({state.value: place for place, state in enumerate(GRAVEST)})
    gravest = rank.where(rows["judged"]).groupby([rows["register"], rows["target"], rows["code"]]).transform("min")
    return gravest.map({place: state.value for place, state in enumerate(GRAVEST)}).astype("str")
