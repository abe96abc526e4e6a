"""The command that writes Word briefs."""

from __future__ import annotations

from pathlib import Path

import click

from withinreach.cli.group import STUDY, cli
from withinreach.cli.progress_bar import progress_bar
from withinreach.cli.studies import load, measure


@cli.command()
@STUDY
@click.option("--county", "counties", multiple=True, help="Code of an area. Default: all, and one brief of the whole.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder to write; default maps/<name of the study>-briefs."
)
@click.option("--template", type=click.Path(path_type=Path), help="Word document of your office (.docx) to write into.")
@click.option(
    "--save-template",
    "own",
    type=click.Path(path_type=Path),
    help="Write the template to start from, and nothing else.",
)
def brief(study: Path, counties: tuple[str, ...], out: Path | None, template: Path | None, own: Path | None) -> None:
    """Write a Word brief of 3 to 5 pages for each county: figures, map, targets, pockets, what would close them.

    Beside each stands a workbook with the cells that its numbers are from.
    """
    from withinreach.briefs import save_template
    from withinreach.publishing.briefing import look_for_supplies, write_brief

    loaded = load(study)
    if own is not None:
        click.echo(save_template(own, loaded.language))
        return
    look_for_supplies(loaded, template)
    result = measure(loaded)
    result.case.areas.rows_of(counties)
    folder = out or Path("maps", f"{loaded.name}-briefs")
    with progress_bar("briefs", len(counties) or len(result.case.areas) + 1) as step:
        write_brief(result, folder, county=counties or None, template=template, progress=step)
    click.echo(folder)
