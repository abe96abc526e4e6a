"""The command `targets`: what the plan asks for, what of it is met, what is missing, grouped by chapter."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from withinreach.cli.group import JSON, STUDY, cli
from withinreach.cli.printing import print_json, records, wide_console
from withinreach.cli.studies import load, measure
from withinreach.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from withinreach.standards import Judgement, Register
    from withinreach.standards.rules.base import Language

    Row = dict[str, Any]

HEADINGS = {
    "zh": ("指标", "条款", "内容", "状态", "现状", "目标", "缺口", "缺少什么 / 如何补足"),
    "en": ("target", "clause", "what it asks", "state", "value", "asked", "gap", "missing / what closes it"),
}
WORDS = {
    "zh": {
        "hoped": "（力争 {0}）",
        "implied": "（推定）",
        "of_units": "（各区合计 {0}）",
        "close": "改造 {0} 或新增 {1}",
        "convert": "改造 {0}",
        "known": "已知 {0:.1%}",
        "imported": "{0} 年统计",
        "without": "不含长垣",
        "chapter": "第{0}章 {1}",
    },
    "en": {
        "hoped": " (hoped {0})",
        "implied": " (implied)",
        "of_units": " (sum of units {0})",
        "close": "convert {0} or add {1}",
        "convert": "convert {0}",
        "known": "{0:.1%} known",
        "imported": "statistic of {0}",
        "without": "without Changyuan",
        "chapter": "{0} {1}",
    },
}
SIGNS = {"at_least": "≥", "more_than": ">", "at_most": "≤"}
COLOURS = {"met": "green", "not_met": "red", "not_computable": "yellow"}
# Of these the value is a share of so few things that they are told, too.
OF_UNITS = ("every_unit", "conditional", "tiers", "colocation")


@cli.command()
@STUDY
@click.option("--unit", "code", help="Code of an area; default: all areas together.")
@JSON
def targets(study: Path, code: str | None, *, as_json: bool) -> None:
    """Tell which targets of the study's registers are met, how large the gaps are, and which input is missing."""
    from withinreach.analysis import judge
    from withinreach.model import TOTAL
    from withinreach.standards import known_registers

    loaded = load(study)
    if not loaded.registers:
        raise StudyError(
            f"{study}: names no registers to be judged by; add registers = [...] with your own files, or of those of "
            f"the package: {', '.join(known_registers())}"
        )
    judgement = judge(measure(loaded))
    unit = TOTAL if code is None else code
    if as_json:
        print_json(_as_json(judgement, unit))
    else:
        _print(judgement, unit)


def _as_json(judgement: Judgement, unit: str) -> dict[str, Any]:
    needs = {(r.id, t.id): list(t.needs) for r in judgement.registers for t in r.targets}
    counts = judgement.counts(unit)
    rows = records(judgement.of_unit(unit))
    return {
        "unit": unit,
        "counts": {str(register): counts.loc[register].to_dict() for register in counts.index},
        "targets": records(judgement.states(unit)),
        "rows": [row | {"needs": needs[row["register"], row["target"]]} for row in rows],
        "unused_statistics": list(judgement.unused),
    }


def _print(judgement: Judgement, unit: str) -> None:
    from withinreach.standards import tell_state

    console = wide_console()
    rows, states, counts = judgement.of_unit(unit), judgement.states(unit), judgement.counts(unit)
    for register in judgement.registers:
        here = states[states["register"] == register.id].set_index("target")["state"].to_dict()
        console.print(_table(register, records(rows[rows["register"] == register.id]), here, judgement.language))
        told = counts.loc[register.id].to_dict()
        console.print(", ".join(f"{tell_state(state, judgement.language)} {n}" for state, n in told.items()), "\n")
    for name in judgement.unused:
        click.echo(f"note: no register asks for the statistic {name}", err=True)


def _table(register: Register, rows: list[Row], states: dict[str, str], language: Language) -> Table:
    """One row per target, below it one per part where it has several, grouped by chapter."""
    from rich import box
    from rich.table import Table

    shown = Table(title=f"{register.title.in_(language)} · {rows[0]['name']}", title_justify="left", box=box.SIMPLE)
    for heading in HEADINGS[language]:
        shown.add_column(heading, overflow="fold")
    for chapter, of_chapter in groupby(rows, key=lambda row: row["chapter"]):
        shown.add_section()
        if chapter in register.chapters:
            title = WORDS[language]["chapter"].format(chapter, register.chapters[chapter].in_(language))
            shown.add_row("", "", f"[bold]{title}[/bold]")
        for target, parts in groupby(of_chapter, key=lambda row: row["target"]):
            _add_target(shown, list(parts), states[target], language)
    return shown


def _add_target(shown: Table, parts: list[Row], state: str, language: Language) -> None:
    from rich.markup import escape

    first = parts[0]
    about = escape(first["words"] if language == "zh" else first["gloss"])
    if len(parts) == 1:
        shown.add_row(first["target"], first["clause"], about, *_figures(first, language))
        return
    shown.add_row(first["target"], first["clause"], about, _coloured(state, language))
    for part in parts:
        shown.add_row("", "", f"  {escape(part['title'])}", *_figures(part, language))


def _figures(row: Row, language: Language) -> tuple[str, ...]:
    from rich.markup import escape

    cells = (_value(row), _asked(row, language), _gap(row, language), _remedy(row, language))
    return (_coloured(row["state"], language), *(escape(cell) for cell in cells))


def _coloured(state: str, language: Language) -> str:
    from withinreach.standards import tell_state

    told = tell_state(state, language)
    return f"[{COLOURS[state]}]{told}[/{COLOURS[state]}]" if state in COLOURS else told


def _value(row: Row) -> str:
    if row["value"] is None:
        return "—"
    parts = f" ({row['have']:,.0f}/{row['base']:,.0f})" if row["rule"] in OF_UNITS else ""
    return f"{_short(row['value'])} {row['unit']}{parts}"


def _asked(row: Row, language: Language) -> str:
    if row["target_value"] is None:
        return "—"
    hoped = "" if row["stretch_value"] is None else WORDS[language]["hoped"].format(_short(row["stretch_value"]))
    implied = WORDS[language]["implied"] if row["implied"] else ""
    return f"{SIGNS[row['sense']]} {_short(row['target_value'])} {row['unit']}{hoped}{implied}"


def _gap(row: Row, language: Language) -> str:
    """What is missing, and where surplus of one unit is set off against it, the sum of what units lack."""
    if row["gap"] is None:
        return "—"
    net = _needed(row, "gap")
    each = net if row["gap_of_units"] is None else _needed(row, "gap_of_units")
    return f"{net} {row['gap_unit']}" + ("" if each == net else WORDS[language]["of_units"].format(each))


def _remedy(row: Row, language: Language) -> str:
    """Why there is no verdict, or what closes the gap; and what the figure rests on."""
    words = WORDS[language]
    told = [row["reason"]] if row["reason"] else []
    if row["by_converting"]:
        ways = [how for how in ("by_converting", "by_adding") if row[how] is not None]
        close = words["close" if len(ways) == 2 else "convert"]
        told.append(close.format(*(_needed(row, how) for how in ways)))
    if row["known"] is not None and row["known"] < 1 and not row["reason"]:
        told.append(words["known"].format(row["known"]))
    if row["basis"] == "imported" and row["reported_year"] is not None:
        told.append(words["imported"].format(row["reported_year"]))
        told += [words["without"]] if row["includes_changyuan"] == "no" else []
    return "; ".join([*told, *([row["caveat"]] if row["caveat"] else [])])


def _short(value: float) -> str:
    """Two places at most, none for large numbers."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")


def _needed(row: Row, column: str) -> str:
    from withinreach.standards import closing

    return _short(closing(row[column], row["rule"]))
