"""Commands that ask what is missing and what if: missing, site, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from withinreach.cli.group import JSON, STUDY, cli
from withinreach.cli.printing import print_json, print_rows, records
from withinreach.cli.progress_bar import progress_bar
from withinreach.cli.studies import load, measure

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from withinreach.scenarios import Comparison
    from withinreach.siting import Missing
    from withinreach.siting.rules import Objective

POCKETS_SHOWN = 10
OBJECTIVES = (
    "maximal_covering",
    "set_covering",
    "p_median",
    "p_centre",
    "capacitated_covering",
    "worst_first",
    "closing",
)


@cli.command()
@STUDY
@click.option("--service", required=True, help="Which service of the study.")
@click.option("--new", type=click.IntRange(min=0), help="New sites at most.")
@click.option("--objective", type=click.Choice(OBJECTIVES), default="maximal_covering", show_default=True)
@click.option(
    "--candidates",
    default="kinds",
    show_default=True,
    help="kinds (existing facilities of other kinds), kinds:clinic,school, nodes:500, grid:500 (metres), or a file.",
)
@click.option(
    "--rules", type=click.Path(path_type=Path), help="TOML: budget, tariff, spacing_m, each_area, share, limit_s …"
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write: table, layers, the plan as a scenario.")
@JSON
def site(
    study: Path,
    service: str,
    new: int | None,
    objective: Objective,
    candidates: str,
    rules: Path | None,
    *,
    out: Path | None,
    as_json: bool,
) -> None:
    """Choose where next, what to extend or what to close, and tell how far from the best the choice may be."""
    from withinreach.exports.plans import export_plan, plan_figures
    from withinreach.siting import Rules, load_rules
    from withinreach.siting import site as choose

    kept = Rules() if rules is None else load_rules(rules)
    result = measure(load(study))
    with progress_bar("sites", 1) as step:
        step(f"{objective.replace('_', ' ')}, at most {kept.limit_s:g} s")
        plan = choose(result, service, new=new, objective=objective, candidates=candidates, rules=kept)
    if out is not None:
        export_plan(plan, out)
    if as_json:
        print_json(plan_figures(plan))
        return
    asked = f"{plan.service.title} · {objective.replace('_', ' ')} · {plan.candidates}"
    whole = "{:,.0f}".format
    shown: dict[str, Callable[[Any], str]] = dict.fromkeys(("action", "id", "name", "code"), str)
    shown |= {"lon": "{:.5f}".format, "lat": "{:.5f}".format}
    print_rows(asked, plan.sites, shown | dict.fromkeys(("capacity", "cost", "reached_people"), whole))
    for line in plan.lines():
        click.echo(line)
    click.echo("" if out is None else out, nl=out is not None)


@cli.command()
@STUDY
@click.option("--service", required=True, help="Which service of the study.")
@click.option("--longest", type=click.FloatRange(min=1), default=100, show_default=True, help="Longest link, metres.")
@click.option("--links", type=click.IntRange(min=0), default=10, show_default=True, help="How many links to name.")
@click.option("--room", is_flag=True, help="People in reach who find no place lack the service, too.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write: pockets, the walk of each, links.")
def missing(study: Path, service: str, longest: float, links: int, *, room: bool, out: Path | None) -> None:
    """Tell for everybody who is not served what stops them, and which gate, crossing or bridge would serve most."""
    from withinreach.exports.plans import export_missing
    from withinreach.measures.assignment import assign_places
    from withinreach.reach import pairs_within
    from withinreach.siting import explain_gaps

    result = measure(load(study))
    result.table(service)
    asked = result.case.study.services[service]
    with progress_bar("missing", 2) as step:
        step("who finds room")
        assignment = assign_places(result.case, pairs_within(result.case, asked)) if room else None
        step("pockets and links")
        told = explain_gaps(result, service, assignment=assignment, longest_m=longest, links=links)
    if out is not None:
        export_missing(told, out)
    _print_missing(told)
    click.echo("" if out is None else out, nl=out is not None)


def _print_missing(told: Missing) -> None:
    """The largest pockets with what stops their people, and the links that would serve most."""
    whole, tenth = "{:,.0f}".format, "{:,.1f}".format
    texts = dict.fromkeys(("code", "nearest_id", "nearest_name"), str)
    shown: dict[str, Callable[[Any], str]] = {"people": whole, "reason": str, **texts}
    shown |= {"minutes": tenth, "level_m": whole, "link": str}
    pockets = told.pockets.assign(link=[str(rank or "—") for rank in told.pockets["link"]])
    print_rows(f"{len(pockets)} pockets, largest first", pockets.head(POCKETS_SHOWN), shown)
    links = told.links.assign(link=[str(rank) for rank in range(1, len(told.links) + 1)])
    figures: dict[str, Callable[[Any], str]] = {"link": str, "gained_people": whole, "length_m": whole}
    figures |= {"over_water": str, "lon": "{:.5f}".format, "lat": "{:.5f}".format}
    print_rows("links that would serve most people", links, figures)


@cli.command()
@STUDY
@click.argument("scenarios", metavar="SCENARIO…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write: tables, workbook, who gains and loses.")
@click.option(
    "--map",
    "page",
    type=click.Path(path_type=Path),
    help="Before and after side by side as a page (.html), or plates (.png, .svg) in a folder.",
)
@JSON
def compare(study: Path, scenarios: tuple[Path, ...], out: Path | None, page: Path | None, *, as_json: bool) -> None:
    """Tell what scenarios change, per area and service: who gains, who loses, at what cost, and which targets."""
    from withinreach.exports.comparisons import export_comparison
    from withinreach.maps import draw_comparison
    from withinreach.maps.plates import write_differences
    from withinreach.scenarios import compare as told
    from withinreach.scenarios import load_scenario

    read = [load_scenario(path) for path in scenarios]
    result = measure(load(study))
    with progress_bar("scenarios", len(read)) as step:
        comparison = told(result, *read, progress=step)
    # What cannot be drawn is told before anything is written.
    drawn = None if page is None or page.suffix == "" else draw_comparison(comparison)
    if page is not None and drawn is None:
        page.mkdir(parents=True, exist_ok=True)
        write_differences(comparison, page)
    if out is not None:
        export_comparison(comparison, out)
    if page is not None and drawn is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        drawn.save(str(page))
    if as_json:
        tables = {"totals": comparison.totals, "areas": comparison.table, "targets": comparison.targets()}
        print_json({name: records(table) for name, table in tables.items()})
        return
    _print_comparison(comparison)
    for written in (out, page):
        click.echo("" if written is None else written, nl=written is not None)


def _print_comparison(comparison: Comparison) -> None:
    """Totals; the areas where something changes; and the targets that change state."""
    from withinreach.measures import needed
    from withinreach.model import TOTAL

    study = comparison.base.case.study
    titles = {name: service.title for name, service in study.services.items()}
    moved = {"gained_people": "{:,.0f}".format, "lost_people": "{:,.0f}".format}
    totals = comparison.totals.assign(service=comparison.totals["service"].map(titles))
    cost = {"cost": "{:,.0f}".format, "cost_per_gained": "{:,.1f}".format}
    print_rows("scenarios", totals, {"scenario": str, "service": str, **moved, **cost})
    areas = comparison.changed_rows()
    areas = areas[areas["code"] != TOTAL].assign(service=areas["service"].map(titles))
    areas["coverage"] = _before_after(areas, "coverage", "{:.1%}".format)
    areas["gap_places"] = _before_after(areas, "gap_places", lambda gap: f"{needed(gap):,.0f}")
    texts = dict.fromkeys(("scenario", "service", "code", "name"), str)
    print_rows("areas where something changes", areas, {**texts, **moved, "coverage": str, "gap_places": str})
    for line in comparison.target_lines():
        click.echo(line)


def _before_after(table: pd.DataFrame, figure: str, style: Callable[[Any], str]) -> list[str]:
    """What a figure is before and after, for each row."""
    rows = records(table[[f"{figure}_before", f"{figure}_after"]])
    return [" → ".join("—" if value is None else style(value) for value in row.values()) for row in rows]
