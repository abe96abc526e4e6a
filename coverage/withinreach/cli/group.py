"""The command group, and the arguments that several commands share."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from withinreach.errors import CoverageError

STUDY = click.argument("study", type=click.Path(path_type=Path))
OUT = click.option("--out", type=click.Path(path_type=Path), help="Folder to write; default maps/<name of the study>.")
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; default: one per core, fewer for little."
)
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
