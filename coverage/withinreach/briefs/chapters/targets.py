"""Targets of the plan: what is met, what is not and by how much, and what nobody can tell yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.briefs.blocks import Heading, Paragraph, Table, Text
from withinreach.briefs.chapters.summary import count_parts
from withinreach.briefs.voice import tell_amount
from withinreach.standards import State, closing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from withinreach.briefs.blocks import Block, Line, Run
    from withinreach.briefs.desk import Desk
    from withinreach.briefs.voice import Parts

# More than these make a table of the workbook, not of a brief.
MISSED, MET, MISSING, CONVERTED = 6, 3, 3, 1


def targets(desk: Desk) -> Iterator[Block]:
    """Counts per register, those met in a sentence, those missed in a table."""
    voice, judgement = desk.voice, desk.evidence.judgement
    yield Heading(1, voice.say("targets.heading"))
    if not judgement.registers:
        yield Paragraph(voice.say("targets.no_registers"))
        return
    counts: Line = ()
    # The first register stands in the summary.
    for register in judgement.registers[1:]:
        if not _decided(desk, register.id):
            continue
        parts: Parts = {"register": register.title.in_(voice.language), **count_parts(desk, register.id)}
        counts += voice.say("targets.counts", parts)
    if counts:
        yield Paragraph(counts)
    table = desk.sources.tables["targets"]
    judged = table[table["judged"]]
    met, missed = (judged[judged["state"] == state] for state in (State.MET, State.NOT_MET))
    yield Paragraph(_met(desk, met) + _missing(desk, judged))
    if missed.empty:
        yield Paragraph(voice.say("targets.none_missed"))
        return
    shown = _rows(missed)[:MISSED]
    rows = [_row(desk, row) for row in shown]
    yield Table(desk.table_caption("targets.caption"), voice.word("targets.head"), rows, (58, 14, 14, 14))
    after = _converted(desk, _rows(missed))
    if len(missed) > len(shown):
        after += voice.say("targets.more")
    if after:
        yield Paragraph(after)


def _decided(desk: Desk, register: str) -> bool:
    """Whether any target of a register is met or missed."""
    return any(desk.sources.value("counts", (register,), state) > 0 for state in (State.MET, State.NOT_MET))


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return table.to_dict(orient="records")


def _met(desk: Desk, met: pd.DataFrame) -> Line:
    if met.empty:
        return desk.voice.say("targets.none_met")
    names = dict.fromkeys(_named(desk, row) for row in _rows(met))
    return desk.voice.say("targets.met", {"list": desk.voice.listed(list(names)[:MET])})


def _missing(desk: Desk, judged: pd.DataFrame) -> Line:
    """The inputs that most targets wait for."""
    reasons = judged.loc[judged["state"] == State.NOT_COMPUTABLE, "reason"]
    lacking = reasons[reasons != ""].value_counts(sort=True).index[:MISSING]
    return desk.voice.say("targets.missing", {"list": desk.voice.listed(lacking)}) if len(lacking) else ()


def _row(desk: Desk, row: dict[str, object]) -> tuple[Line, ...]:
    return (
        _named(desk, row),
        _amount(_figure(desk, row, "value"), row["unit"]),
        _amount(_figure(desk, row, "target_value"), row["unit"]),
        _amount(_needed(desk, row, "gap"), row["gap_unit"]),
    )


def _figure(desk: Desk, row: dict[str, object], column: str) -> Run:
    return desk.sources.figure("targets", _key(row), column, tell_amount)


def _needed(desk: Desk, row: dict[str, object], column: str) -> Run:
    """What closes a gap."""
    rule = str(row["rule"])
    return desk.sources.figure("targets", _key(row), column, lambda gap: tell_amount(closing(gap, rule)))


def _amount(figure: Run, unit: object) -> Line:
    return (figure, Text(f" {unit}")) if unit and not isinstance(figure, Text) else (figure,)


def _key(row: dict[str, object]) -> tuple[object, ...]:
    return row["register"], row["target"], row["part"]


def _words(desk: Desk, row: dict[str, object]) -> str:
    return str(row["gloss"] if desk.voice.language == "en" and row["gloss"] else row["words"])


def _named(desk: Desk, row: dict[str, object]) -> Line:
    clause = str(row["clause"])
    parts: Parts = {"words": _words(desk, row), "clause": f"§{clause}" if clause[:1].isdigit() else clause}
    if row["title"]:
        return desk.voice.say("targets.part", parts | {"part": str(row["title"])})
    return desk.voice.say("targets.clause", parts)


def _converted(desk: Desk, missed: Sequence[dict[str, object]]) -> Line:
    """Shares that converting what is there would bring to their target."""
    told: Line = ()
    closed = [row for row in missed if _positive(row["by_converting"]) and _positive(row["by_adding"])]
    for row in closed[:CONVERTED]:
        parts: Parts = {
            "words": _words(desk, row),
            "converted": (_needed(desk, row, "by_converting"),),
            "added": (_needed(desk, row, "by_adding"),),
            "unit": str(row["gap_unit"]),
        }
        told += desk.voice.say("targets.convert", parts)
    return told


def _positive(value: object) -> bool:
    return isinstance(value, float) and bool(np.isfinite(value)) and value > 0
