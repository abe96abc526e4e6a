"""How a batch goes: bars on a terminal, lines of JSON for scripts, nothing in logs."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from withinreach.batch import Done, Job, Label, Watcher

# What a job costs beside its cells, in cells: to start, to read, to draw.
FIXED_CELLS = 5_000
# Seconds over which the speed is averaged: jobs are few and long.
AVERAGED_S = 3600


@contextmanager
def watching(*, as_json: bool) -> Iterator[Watcher]:
    """Lines of JSON, or bars on a terminal, or nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    if as_json:
        yield _Lines()
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Quiet()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, speed_estimate_period=AVERAGED_S) as bars:
        yield Shown(bars)


def label_of(label: Label, task: str) -> dict[str, Any]:
    """A label for scripts."""
    return {"task": task, "study": label.study, "code": label.code or None, "name": label.name, "cells": label.cells}


def outcome_of(outcome: Done) -> dict[str, Any]:
    """Time and memory of a job for scripts."""
    peak = outcome.peak_mib
    return {
        "seconds": round(outcome.seconds, 3),
        "cpu_s": round(outcome.cpu_s, 3),
        "stages": {stage: round(seconds, 3) for stage, seconds in outcome.stages.items()},
        "peak_mib": None if peak is None else round(peak),
    }


def print_line(value: dict[str, Any]) -> None:
    """Print a value as one line of JSON, at once."""
    click.echo(json.dumps(value, ensure_ascii=False))


class _Quiet:
    """Sees everything and says nothing but what nobody may overlook."""

    def outdated(self, study: Label) -> None:
        """What an earlier batch made is outdated."""
        changed = "its inputs, parameters or versions have changed since; it is done anew"
        click.echo(f"note: {study.study} {study.name}: {changed}", err=True)

    def started(self, job: Job) -> None:
        """A job was handed out."""

    def done(self, job: Job, outcome: Done) -> None:
        """It was done."""

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        """It failed."""

    def looked(self, waiting: Sequence[Label]) -> None:
        """Some time has passed."""


class _Lines(_Quiet):
    """One line of JSON for every start and end."""

    def outdated(self, study: Label) -> None:
        print_line({"event": "outdated", "study": study.study, "name": study.name})

    def started(self, job: Job) -> None:
        print_line({"event": "started", **label_of(job.label, job.task)})

    def done(self, job: Job, outcome: Done) -> None:
        print_line({"event": "done", **label_of(job.label, job.task), **outcome_of(outcome)})

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        print_line({"event": "failed", **label_of(job.label, job.task), "problems": list(problems)})


class Shown(_Quiet):
    """One bar for all that is known of, and one for each job that is worked on, by its stages."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._all = bars.add_task("all", total=None)
        self._ended_cells = 0
        self._running: list[tuple[Job, TaskID]] = []

    def started(self, job: Job) -> None:
        """Add a bar."""
        task = self._bars.add_task(_title(job, "waits"), total=job.stages + 1)
        self._running.append((job, task))

    def done(self, job: Job, outcome: Done) -> None:  # noqa: ARG002 -- the table at the end tells it
        """Remove its bar."""
        self._end(job)

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        """Say so above the bars, and remove its bar."""
        self._bars.console.print(f"failed: {_title(job, '')}: {'; '.join(problems)}", markup=False, highlight=False)
        self._end(job)

    def looked(self, waiting: Sequence[Label]) -> None:
        """Move the bars to the stages that jobs tell."""
        begun = 0.0
        for job, task in self._running:
            stage, number = _stage(job)
            self._bars.update(task, description=_title(job, stage), completed=number)
            begun += _size(job.label) * number / (job.stages + 1)
        left = sum(map(_size, [*waiting, *(job.label for job, _ in self._running)]))
        self._bars.update(self._all, total=self._ended_cells + left, completed=self._ended_cells + begun)

    def _end(self, job: Job) -> None:
        self._ended_cells += _size(job.label)
        for one, task in self._running:
            if one is job:
                self._bars.remove_task(task)
        self._running = [(one, task) for one, task in self._running if one is not job]


def _size(label: Label) -> int:
    return FIXED_CELLS + label.cells


def _title(job: Job, stage: str) -> str:
    label = job.label
    return " ".join(part for part in (label.code or label.study, label.name, stage) if part)


def _stage(job: Job) -> tuple[str, int]:
    """The stage that a job tells in its note, and its number from 1; ``waits``, 0 before it tells any."""
    try:
        number, _, stage = job.note.read_text(encoding="utf-8").partition(" ")
        return stage, int(number)
    except (OSError, ValueError):  # not begun, or just being written
        return "waits", 0
