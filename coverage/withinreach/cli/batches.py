"""Commands for many counties: batch, partition."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from withinreach.cli.batch_progress import print_line, watching
from withinreach.cli.group import JSON, WORKERS, cli

if TYPE_CHECKING:
    from collections.abc import Iterable

    from withinreach.batch import Done, Entry, Label, Plan

WHAT = click.argument("what", metavar="STUDY|COUNTRY.toml|PARTS", type=click.Path(path_type=Path))
SCHEDULER = click.option("--scheduler", metavar="tcp://HOST:PORT", help="A Dask scheduler, whose workers do the work.")
FOLDER = click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
MIB = 1024 * 1024


@cli.command()
@WHAT
@FOLDER
@WORKERS
@SCHEDULER
@click.option("--resume", is_flag=True, help="Keep what an earlier batch has finished.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
@JSON
def batch(
    what: Path,
    out: Path,
    workers: int | None,
    scheduler: str | None,
    *,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write the folders of all counties of a study, of a list (studies = [...]) or a split study, on all cores.

    What fails is told at the end, the others are finished; --resume goes on with what is not, also after a crash.
    """
    from withinreach.batch import Hands, load_sources, look, run_batch
    from withinreach.errors import CoverageError

    _need_one(workers, scheduler)
    sources = load_sources(what)
    if dry_run:
        _print_plans(look(sources, out, resume=resume), as_json=as_json)
        return
    start = time.perf_counter()
    with watching(as_json=as_json) as watcher:
        entries = run_batch(sources, out, hands=Hands(workers, scheduler), resume=resume, watcher=watcher)
    _print_entries(entries, out, time.perf_counter() - start, as_json=as_json)
    if failed := [(entry.label, entry.problems) for entry in entries if entry.state == "failed"]:
        raise CoverageError(_told(failed))


@cli.command()
@WHAT
@FOLDER
@WORKERS
@SCHEDULER
def partition(what: Path, out: Path, workers: int | None, scheduler: str | None) -> None:
    """Measure studies and write them as parts, from which `batch` writes the folders, here or elsewhere."""
    from withinreach.batch import Hands, load_sources
    from withinreach.batch import partition as write
    from withinreach.errors import CoverageError

    _need_one(workers, scheduler)
    sources = load_sources(what)
    with watching(as_json=False) as watcher:
        failed = write(sources, out, hands=Hands(workers, scheduler), watcher=watcher)
    if failed:
        raise CoverageError(_told(failed))
    click.echo(out)


def _need_one(workers: int | None, scheduler: str | None) -> None:
    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers are processes of this machine, --scheduler has its own; give one of them")


def _told(failed: Iterable[tuple[Label, tuple[str, ...]]]) -> list[str]:
    """One line for every problem, with the county or the study that it hinders."""
    return [
        f"{' '.join(part for part in (label.study, label.code, label.name) if part)}: {problem}"
        for label, problems in failed
        for problem in problems
    ]


def _print_plans(plans: list[Plan], *, as_json: bool) -> None:
    for plan in plans:
        if as_json:
            print_line(
                {
                    "event": "plan",
                    "study": plan.label.study,
                    "prepare": plan.prepare,
                    "input_bytes": plan.input_bytes,
                    "cells": plan.label.cells or None,
                    "todo": [label.code for label in plan.todo],
                    "finished": [label.code for label in plan.finished],
                }
            )
            continue
        measured = "to be read and measured" if plan.prepare else "measured"
        cells = f", {plan.label.cells:,} cells" if plan.label.cells else ""
        click.echo(
            f"{plan.label.study} {plan.label.name}: {plan.input_bytes / MIB:,.1f} MiB, {measured}{cells}; "
            f"{len(plan.todo)} counties to publish, {len(plan.finished)} finished"
        )
        for label in plan.todo:
            click.echo(f"  {label.code} {label.name}")


def _print_entries(entries: list[Entry], out: Path, seconds: float, *, as_json: bool) -> None:
    from rich import box
    from rich.table import Table

    from withinreach.cli.printing import wide_console

    states = [entry.state for entry in entries]
    counts = {state: states.count(state) for state in ("done", "kept", "failed")}
    if as_json:
        print_line({"event": "end", **counts, "seconds": round(seconds, 3), "out": str(out)})
        return
    shown = Table(box=box.SIMPLE)
    several = len({entry.label.study for entry in entries}) > 1
    for column in (*(["study"] if several else []), "task", "code", "name", "state"):
        # In a narrow terminal names are cut, and no figures.
        shown.add_column(column, no_wrap=column != "name", overflow="ellipsis")
    for column in ("cells", "seconds", "MiB"):
        shown.add_column(column, justify="right", no_wrap=True)
    for entry in entries:
        label = entry.label
        study = [label.study] if several else []
        cells = f"{label.cells:,}" if label.cells else "—"
        shown.add_row(*study, entry.task, label.code, label.name, entry.state, cells, *_figures(entry.outcome))
    wide_console().print(shown)
    click.echo(f"{', '.join(f'{count} {state}' for state, count in counts.items())} in {seconds:.1f} s")
    click.echo(out)


def _figures(outcome: Done | None) -> tuple[str, str]:
    """Seconds and memory, a dash where they are unknown."""
    if outcome is None:
        return "—", "—"
    return f"{outcome.seconds:.1f}", "—" if outcome.peak_mib is None else f"{outcome.peak_mib:,.0f}"
