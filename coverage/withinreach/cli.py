"""The command line: parse, call the public API, print. Heavy modules are imported by the commands that need them."""

from __future__ import annotations

import json
import math
import sys
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from withinreach.errors import CoverageError
from withinreach.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from withinreach.analysis import Result
    from withinreach.progress import Progress
    from withinreach.study import Study

DEMO_STUDY = Path("data", "xinxiang-sample", "study.toml")
STUDY = click.argument("study", type=click.Path(path_type=Path))
OUT = click.option("--out", type=click.Path(path_type=Path), help="Folder to write; default maps/<name of the study>.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts instead of tables.")


class Commands(click.Group):
    """Tells an error of the input in plain lines, exit code 1; `--debug` gives the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CoverageError as error:
            if ctx.params.get("debug"):
                raise
            for line in error.problems:
                click.echo(f"error: {line}", err=True)
            ctx.exit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("withinreach"), prog_name="withinreach")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Who can walk to a public service in time, who cannot, and how far the numbers are from the plan.

    Start with `withinreach demo`, then copy data/xinxiang-sample/study.toml and name your own files in it.
    """
    del debug  # read by Commands


@cli.command()
@OUT
def demo(out: Path | None) -> None:
    """Run the embedded sample city and print where its map is."""
    if not DEMO_STUDY.is_file():
        from withinreach.sources.sample import write_sample

        click.echo(f"Writing the sample city to {DEMO_STUDY.parent} …", err=True)
        write_sample(DEMO_STUDY.parent)
    _run(DEMO_STUDY, out, as_json=False)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=20250630, show_default=True, help="Another seed, another city.")
@click.option("--scale", type=float, default=0.1, show_default=True, help="Share of the real size; 1 for benchmarks.")
def sample(folder: Path, seed: int, scale: float) -> None:
    """Write the synthetic sample city: areas, streets, people, facilities and a study that reads them."""
    from withinreach.sources.sample import write_sample

    with _progress("sample", 8) as step:
        path = write_sample(folder, seed=seed, scale=scale, progress=step)
    click.echo(path)


# A box may begin with a minus sign: what is no known option is an argument.
@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("area", metavar="PLACE|BBOX")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the new study.")
@click.option("--overpass-url", help="Another Overpass server; default https://overpass-api.de/api.")
@click.option("--nominatim-url", help="Another Nominatim server; default https://nominatim.openstreetmap.org.")
@click.option(
    "--max-minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="When to give up on a busy server.",
)
@click.option("--fresh", is_flag=True, help="Ask again for what earlier runs have brought.")
def fetch(
    area: str, output: Path, overpass_url: str | None, nominatim_url: str | None, *, max_minutes: float, fresh: bool
) -> None:
    """Download streets, boundaries and facilities from OpenStreetMap as a study that lacks only its population.

    The area is the name of a place, or west,south,east,north in degrees (WGS84). A download that broke off goes on
    where it stopped. Needs OSMnx: pip install 'withinreach[fetch]'.
    """
    from withinreach.sources import fetch as source

    services = source.Services(overpass_url or source.OVERPASS_URL, nominatim_url or source.NOMINATIM_URL)
    patience = source.Patience(total_s=max_minutes * 60)
    client = source.open_client(area, output, services=services, patience=patience, fresh=fresh)
    with _progress("fetch", 1) as step:
        step("place")
        place = source.locate(area, client)
    click.echo(f"{place.title} ({place.osm or 'box'})", err=True)
    with _progress("fetch", source.count_steps(place)) as step:
        fetched = source.download(place, client, output, progress=step)
    for note in fetched.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(fetched.study)


@cli.command()
@STUDY
@JSON
def check(study: Path, *, as_json: bool) -> None:
    """Report every problem of the inputs at once and what preparation would change; write nothing."""
    from withinreach.preparation import prepare

    loaded = _load(study)
    with _progress(loaded.name, PREPARE_STEPS) as step:
        audit = prepare(loaded, progress=step).audit
    if as_json:
        _print_json({"findings": _records(audit.findings), "population": audit.population.to_dict(orient="index")})
        return
    for line in _grouped(audit.findings):
        click.echo(line)
    click.echo(f"{study}: the inputs can be used; {len(audit.findings)} findings")


@cli.command()
@STUDY
@OUT
@JSON
def run(study: Path, out: Path | None, *, as_json: bool) -> None:
    """Measure a study: one map, tables and geodata per county, and a manifest."""
    _run(study, out, as_json=as_json)


@cli.command(name="map")
@STUDY
@click.option("-o", "--output", type=click.Path(path_type=Path), help="HTML file; default maps/<name>.html.")
def map_command(study: Path, output: Path | None) -> None:
    """Draw the gap map of a study as one HTML file that needs no network."""
    from withinreach.maps import draw_map

    loaded = _load(study)
    result = _analyse(loaded)
    target = output or Path("maps", f"{loaded.name}.html")
    target.parent.mkdir(parents=True, exist_ok=True)
    draw_map(result).save(str(target))
    click.echo(target)


@cli.command()
@STUDY
@click.option("--county", "counties", multiple=True, help="Code of an area; may be given several times. Default: all.")
@OUT
def export(study: Path, counties: tuple[str, ...], out: Path | None) -> None:
    """Write the tables and geodata of a study, per county."""
    from withinreach.exports import export as write

    loaded = _load(study)
    click.echo(write(_analyse(loaded), out or Path("maps", loaded.name), county=counties or None))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--datum", help="wgs84, cgcs2000, gcj02, bd09 or EPSG:n; default: what the file states.")
@JSON
def network(file: Path, datum: str | None, *, as_json: bool) -> None:
    """Tell what a street file gives: nodes, length, components, and what of OpenStreetMap is no way on foot."""
    from withinreach.preparation.network_report import network_report

    report = network_report(file, datum=datum)
    if as_json:
        tables = {"left_out": _records(report.left_out), "findings": _records(report.findings)}
        _print_json(report.figures() | tables)
        return
    for name, figure in report.figures().items():
        click.echo(f"{name}: {_shown(figure)}")
    for line in _grouped(report.findings):
        click.echo(line)


# What the commands share ------------------------------------------------------------------------------------

PREPARE_STEPS = 5
PIPED_WIDTH = 160


def _load(path: Path) -> Study:
    from withinreach.study import load_study

    return load_study(path)


def _analyse(study: Study) -> Result:
    from withinreach.analysis import analyse
    from withinreach.preparation import prepare

    with _progress(study.name, PREPARE_STEPS + len(study.services)) as step:
        return analyse(prepare(study, progress=step), progress=step)


def _run(path: Path, out: Path | None, *, as_json: bool) -> None:
    from withinreach.analysis import analyse
    from withinreach.exports import whole_folder, write_exports, write_manifest
    from withinreach.maps import draw_map
    from withinreach.preparation import prepare

    study = _load(path)
    folder = out or Path("maps", study.name)
    with (
        _progress(study.name, PREPARE_STEPS + len(study.services) + 2) as step,
        whole_folder(folder) as staging,
    ):
        result = analyse(prepare(study, progress=step), progress=step)
        step("map")
        draw_map(result).save(str(staging / "index.html"))
        step("tables and geodata")
        write_exports(result, staging)
        write_manifest(result, staging)
    if as_json:
        _print_json(_summary(result) | {"out": str(folder)})
    else:
        _print_tables(result)
        click.echo(folder / "index.html")


@contextmanager
def _progress(title: str, steps: int) -> Iterator[Progress]:
    """A bar on a terminal with the stage and an estimate of the time left; nothing in logs and pipes."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=steps)
        started = False

        def step(stage: str) -> None:
            nonlocal started
            bar.update(task, description=f"{title}: {stage}", advance=1 if started else 0)
            started = True

        yield step


def _print_tables(result: Result) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    for name, table in result.tables.items():
        service = result.case.study.services[name]
        shown = Table(
            title=f"{service.title} · {service.cutoff_min:g} min · {service.people}",
            title_justify="left",
            box=box.SIMPLE,
        )
        for column in ("code", "name"):
            shown.add_column(column, no_wrap=True)
        for column in ("people", "served", "covered", "median\nmin", "sites", "places\n/ 1,000", "gap in\nplaces"):
            shown.add_column(column, justify="right", no_wrap=True)
        for row in table.to_dict(orient="records"):
            shown.add_row(str(row["code"]), str(row["name"]), *_figures(row))
        shown.add_section()
        shown.add_row("total", "", *_figures(result.totals[name].to_dict()))
        console.print(shown)
        click.echo(_ledger_line(result, name))


def _figures(row: dict[str, Any]) -> list[str]:
    formats = {
        "people": ",.0f",
        "served_people": ",.0f",
        "coverage": ".1%",
        "median_min": ".1f",
        "facilities": ",.0f",
        "capacity_per_1000": ",.2f",
        "gap_places": ",.0f",
    }
    return ["—" if math.isnan(row[key]) else format(row[key], style) for key, style in formats.items()]


def _ledger_line(result: Result, name: str) -> str:
    total = result.ledgers[name]["total"]
    people = result.case.study.services[name].people
    told = " + ".join(f"{key} {value:,.1f}" for key, value in total.items())
    return (
        f"ledger: {told} = {total.sum():,.1f} ({people} read: {result.case.audit.population.loc['read', people]:,.1f})"
    )


def _summary(result: Result) -> dict[str, Any]:
    return {
        "study": result.case.study.name,
        "services": {
            name: {
                "total": result.totals[name].to_dict(),
                "areas": _records(table),
                "ledger": result.ledgers[name]["total"].to_dict(),
            }
            for name, table in result.tables.items()
        },
        "findings": len(result.case.audit.findings),
    }


def _shown(figure: object) -> str:
    """A figure for a person: shares and lengths to three places, bounds to about a metre."""
    if isinstance(figure, tuple):
        return " ".join(f"{value:.5f}" for value in figure)
    return f"{figure:,.3f}" if isinstance(figure, float) else str(figure)


def _grouped(findings: pd.DataFrame) -> list[str]:
    """One line per kind of finding, with the first row it concerns and how many more there are."""
    lines = []
    keys = ["severity", "file", "column", "reason", "action"]
    for key, rows in _with_none(findings).groupby(keys, sort=False):
        severity, file, column, reason, action = key
        first = rows.iloc[0]
        where = file + (f": row {first['row']}" if first["row"] is not None else "") + (f", {column}" if column else "")
        value = f" '{first['value']}'" if first["value"] else ""
        more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
        lines.append(f"{severity}: {where}{value}: {reason}: {action}{more}")
    return lines


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = _with_none(table).to_dict(orient="records")
    return records


def _with_none(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).where(table.notna(), None)


def _print_json(value: object) -> None:
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


def main() -> None:
    """Entry point of the `withinreach` command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    cli()
