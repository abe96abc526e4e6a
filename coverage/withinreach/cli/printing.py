"""Results, findings and figures as lines, tables and JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from rich.console import Console

    from withinreach.analysis import Result

PIPED_WIDTH = 160
SEVERITIES = ("error", "warning", "info")
NAMED_FINDINGS = 3


def wide_console() -> Console:
    """The terminal, or for pipes and files a page wide enough for a table."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def print_tables(result: Result) -> None:
    """One table per service and its ledger below it."""
    from rich import box
    from rich.table import Table

    console = wide_console()
    for name, table in result.tables.items():
        service = result.case.study.services[name]
        shown = Table(
            title=f"{service.title} · {service.cutoff_min:g} min · {service.people}",
            title_justify="left",
            box=box.SIMPLE,
        )
        for column in ("code", "name"):
            shown.add_column(column, no_wrap=True)
        for column in (
            "people",
            "served",
            "covered",
            "own area\nonly",
            "in the\ncircle",
            "median\nmin",
            "sites",
            "places\n/ 1,000",
            "gap in\nplaces",
        ):
            shown.add_column(column, justify="right", no_wrap=True)
        for row in table.to_dict(orient="records"):
            shown.add_row(str(row["code"]), str(row["name"]), *_figures(row))
        shown.add_section()
        shown.add_row("total", "", *_figures(result.totals[name].to_dict()))
        console.print(shown)
        click.echo(_ledger_line(result, name))


def print_rows(title: str, table: pd.DataFrame, formats: dict[str, Callable[[Any], str]]) -> None:
    """Some columns of a table, texts to the left and numbers to the right, a dash where a value is missing."""
    from rich import box
    from rich.table import Table

    console = wide_console()
    shown = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column, style in formats.items():
        shown.add_column(column.replace("_", " "), justify="left" if style is str else "right", no_wrap=True)
    for row in _with_none(table[list(formats)]).to_dict(orient="records"):
        shown.add_row(*("—" if row[column] is None else style(row[column]) for column, style in formats.items()))
    console.print(shown)


def _figures(row: dict[str, Any]) -> list[str]:
    from withinreach.measures import needed

    formats = {
        "people": ",.0f",
        "served_people": ",.0f",
        "coverage": ".1%",
        "coverage_own": ".1%",
        "circle_coverage": ".1%",
        "median_min": ".1f",
        "facilities": ",.0f",
        "capacity_per_1000": ",.2f",
        "gap_places": ",.0f",
    }
    told = row | {"gap_places": needed(row["gap_places"])}
    return ["—" if math.isnan(told[key]) else format(told[key], style) for key, style in formats.items()]


def _ledger_line(result: Result, name: str) -> str:
    total = result.ledgers[name]["total"]
    people = result.case.study.services[name].people
    steps = result.case.audit.population[people]
    told = " + ".join(f"{key} {value:,.1f}" for key, value in total.items() if value or not key.endswith("_estimate"))
    calibrated = f", calibration: {steps['calibration']:+,.1f}" if steps["calibration"] else ""
    residual = total.sum() - steps["read"] - steps["calibration"]
    read = f"{people} read: {steps['read']:,.1f}{calibrated}"
    return f"ledger: {told} = {total.sum():,.1f} ({read}); residual {residual:.1e}"


def population_lines(population: pd.DataFrame) -> list[str]:
    """One line per group: from the raw files to the people in the areas, and what the census has."""
    lines = []
    for group in population:
        steps = population[group]
        told = [f"read {steps['read']:,.1f}"]
        told += [f"{sign} {step} {abs(steps[step]):,.1f}" for step, sign in _changes(steps) if steps[step]]
        line = f"people {group}: {' '.join(told)} = in_areas {steps['in_areas']:,.1f}; residual {steps['residual']:.1e}"
        if not math.isnan(steps["census"]):
            line += f"; census {steps['census']:,.1f}"
            if steps["census_without_area"]:
                line += f", of it without an area {steps['census_without_area']:,.1f}"
        lines.append(line)
    return lines


def _changes(steps: pd.Series) -> list[tuple[str, str]]:
    return [("outside_areas", "-"), ("without_area", "-"), ("calibration", "+" if steps["calibration"] > 0 else "-")]


def summary(result: Result) -> dict[str, Any]:
    """The figures of all services, for scripts."""
    return {
        "study": result.case.study.name,
        "services": {
            name: {
                "total": result.totals[name].to_dict(),
                "areas": records(table),
                "ledger": result.ledgers[name]["total"].to_dict(),
            }
            for name, table in result.tables.items()
        },
        "findings": len(result.case.audit.findings),
    }


def shown(figure: object) -> str:
    """A figure for a person: shares and lengths to three places, bounds to about a metre."""
    if isinstance(figure, tuple):
        return " ".join(f"{value:.5f}" for value in figure)
    return f"{figure:,.3f}" if isinstance(figure, float) else str(figure)


def grouped(findings: pd.DataFrame) -> list[str]:
    """The gravest first, and of many findings of one rule about one column of a file the first few."""
    order = findings["severity"].map(SEVERITIES.index)
    table = _with_none(findings.iloc[order.argsort(kind="stable")])
    lines = []
    for _, rows in table.groupby(["severity", "rule", "file", "column"], sort=False):
        shown = rows.head(len(rows) if len(rows) == NAMED_FINDINGS + 1 else NAMED_FINDINGS)
        lines += [_line(row) for row in shown.to_dict(orient="records")]
        if len(shown) < len(rows):
            lines.append(f"  … {len(rows) - len(shown)} more: {rows['rule'].iloc[0]}")
    return lines


def _line(row: dict[str, Any]) -> str:
    where = row["file"] + (f": row {row['row']}" if row["row"] is not None else "")
    column = f", {row['column']}" if row["column"] else ""
    value = f" '{row['value']}'" if row["value"] else ""
    return f"{row['severity']}: {where}{column}{value}: {row['reason']}: {row['action']}"


def counted(findings: pd.DataFrame) -> str:
    """How many findings there are of each severity."""
    counts = findings["severity"].value_counts()
    told = ", ".join(f"{counts.get(name, 0)} {name}" for name in SEVERITIES)
    return f"{len(findings)} findings: {told}"


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table, None where a value is missing."""
    rows: list[dict[str, Any]] = _with_none(table).to_dict(orient="records")
    return rows


def _with_none(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).where(table.notna(), None)


def print_json(value: object) -> None:
    """Print a value as JSON; unknown numbers as null."""
    click.echo(json.dumps(_without_nan(value), ensure_ascii=False, indent=2))


def _without_nan(value: object) -> object:
    """Unknown as null: JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
