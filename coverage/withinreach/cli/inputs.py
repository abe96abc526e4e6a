"""Commands that make inputs or look at them: sample, fetch, network."""

from __future__ import annotations

from pathlib import Path

import click

from withinreach.cli.group import JSON, cli
from withinreach.cli.printing import grouped, print_json, records, shown
from withinreach.cli.progress_bar import progress_bar


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=20250630, show_default=True, help="Another seed, another city.")
@click.option("--scale", type=float, default=0.1, show_default=True, help="Share of the real size; 1 for benchmarks.")
def sample(folder: Path, seed: int, scale: float) -> None:
    """Write the synthetic sample city: areas, streets, people, facilities and a study that reads them."""
    from withinreach.sources.sample import write_sample

    with progress_bar("sample", 8) as step:
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
    with progress_bar("fetch", 1) as step:
        step("place")
        place = source.locate(area, client)
    click.echo(f"{place.title} ({place.osm or 'box'})", err=True)
    with progress_bar("fetch", source.count_steps(place)) as step:
        fetched = source.download(place, client, output, progress=step)
    for note in fetched.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(fetched.study)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--datum", help="wgs84, cgcs2000, gcj02, bd09 or EPSG:n; default: what the file states.")
@JSON
def network(file: Path, datum: str | None, *, as_json: bool) -> None:
    """Tell what a street file gives: nodes, length, components, and what of OpenStreetMap is no way on foot."""
    from withinreach.preparation.network_report import network_report

    report = network_report(file, datum=datum)
    if as_json:
        tables = {"left_out": records(report.left_out), "findings": records(report.findings)}
        print_json(report.figures() | tables)
        return
    for name, figure in report.figures().items():
        click.echo(f"{name}: {shown(figure)}")
    for line in grouped(report.findings):
        click.echo(line)
