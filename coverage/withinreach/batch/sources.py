"""What a batch works on: studies, or parts that were made of them; what there is to do, before it is done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from withinreach.batch.jobs import Label, Prepare
from withinreach.batch.parts import SUMMARY
from withinreach.batch.reading import read_summary
from withinreach.batch.running import run_jobs
from withinreach.batch.workers import open_workers
from withinreach.batch.workplace import Workplace, own_folder
from withinreach.errors import CoverageError, SourceError
from withinreach.exports.manifest import provenance
from withinreach.preparation import read_areas
from withinreach.standards import load_registers
from withinreach.study import Study, load_studies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from withinreach.batch.jobs import Done, Job
    from withinreach.batch.running import Watcher
    from withinreach.batch.workers import Hands


class Source(NamedTuple):
    """A study, and a folder that holds its parts already, if there is one."""

    study: Study
    parts: Path | None


def load_sources(path: Path) -> list[Source]:
    """Read a study, a list of studies, or a folder that `partition` wrote.

    Raises
    ------
    CoverageError
        One line for every problem of all studies and the registers that they name.
    """
    if path.is_dir():
        return _partitioned(path)
    studies = load_studies(path, lambda study: read_areas(study).table["code"])
    problems: list[str] = []
    for study in studies:
        try:
            load_registers(study.registers)
        except CoverageError as error:
            problems += error.problems
    if problems:
        raise SourceError(problems)
    return [Source(study, None) for study in studies]


def _partitioned(folder: Path) -> list[Source]:
    found = [(parts, read_summary(parts)) for parts in sorted(path.parent for path in folder.glob(f"*/{SUMMARY}"))]
    if not found:
        raise SourceError(f"{folder}: holds no parts; name a study file, or a folder that `partition` wrote")
    return [Source(Study.model_validate(told["study"]), parts) for parts, told in found if told is not None]


def key_of(source: Source) -> str:
    """A digest of everything that decides on the folders of a study; empty where an input cannot be read."""
    if source.parts is not None:
        return str((read_summary(source.parts) or {}).get("key", ""))
    try:
        told = json.dumps(provenance(source.study), sort_keys=True, ensure_ascii=False)
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()


def place_of(source: Source, out: Path, *, alone: bool) -> Workplace:
    """Where the folders of a study go: ``out`` itself for a single study."""
    name = source.study.name
    return Workplace(out, name, out if alone else out / name)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch would do for a study.

    Attributes
    ----------
    label : Label
        The study and its cells, 0 where they are not known before it is measured.
    prepare : bool
        Whether it is to be read and measured.
    input_bytes : int
        Size of its inputs, or of its parts.
    todo, finished : tuple of Label
        Counties.
    """

    label: Label
    prepare: bool
    input_bytes: int
    todo: tuple[Label, ...]
    finished: tuple[Label, ...]


def look(sources: Sequence[Source], out: Path, *, resume: bool) -> list[Plan]:
    """What `run_batch` would do; writes nothing.

    Raises
    ------
    CoverageError
        If the areas of a study cannot be read.
    """
    return [_plan(source, place_of(source, out, alone=len(sources) == 1), resume=resume) for source in sources]


def _plan(source: Source, place: Workplace, *, resume: bool) -> Plan:
    study, key = source.study, key_of(source)
    summaries = [read_summary(source.parts or place.parts), place.accepted()]
    parts, known = (s if s is not None and s["key"] == key and (resume or source.parts) else None for s in summaries)
    counties = (parts or known or {}).get("counties")
    if counties is None:
        table = read_areas(study).table
        counties = [{"code": c, "name": n, "cells": 0} for c, n in zip(table["code"], table["name"], strict=True)]
    labels = [Label(study.name, str(one["code"]), str(one["name"]), one["cells"]) for one in counties]
    finished = [label for label in labels if resume and known is not None and place.finished(label.code)]
    todo = tuple(label for label in labels if label not in finished)
    paths = study.input_paths() if source.parts is None else source.parts.iterdir()
    return Plan(
        label=Label(study.name, "", study.title, sum(label.cells for label in labels)),
        prepare=parts is None and bool(todo or not place.complete),
        input_bytes=sum(path.stat().st_size for path in paths if path.is_file()),
        todo=todo,
        finished=tuple(finished),
    )


def partition(
    sources: Sequence[Source], out: Path, *, hands: Hands, watcher: Watcher
) -> list[tuple[Label, tuple[str, ...]]]:
    """Write the parts of each study into a folder of its own in ``out``; parts of the same inputs are kept.

    Returns
    -------
    list
        What failed, and why.

    Raises
    ------
    SourceError
        If ``out`` cannot be used, or somebody is at work there.
    """
    with own_folder(out, resume=True):
        agenda = _Preparing(sources, out)
        with open_workers(hands) as workers:
            run_jobs(workers, agenda, watcher)
        return agenda.problems


class _Preparing:
    """One job for each study that has no parts yet."""

    def __init__(self, sources: Sequence[Source], out: Path) -> None:
        self.problems: list[tuple[Label, tuple[str, ...]]] = []
        self._jobs: list[Prepare] = []
        for source in sources:
            study, key, parts = source.study, key_of(source), out / source.study.name
            if key and (read_summary(parts) or {}).get("key") == key:
                continue
            note = place_of(source, out, alone=False).note("parts")
            self._jobs.append(Prepare(Label(study.name, "", study.title, 0), note, study.model_dump_json(), key, parts))

    def next(self) -> Job | None:
        return self._jobs.pop(0) if self._jobs else None

    def waiting(self) -> list[Label]:
        return [job.label for job in self._jobs]

    def done(self, job: Job, outcome: Done) -> None:
        pass

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        self.problems.append((job.label, problems))
