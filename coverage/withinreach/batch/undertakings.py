"""Many counties: what there is to do for some studies, in which order, and what became of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from withinreach.batch.gathering import TABLE, gather
from withinreach.batch.jobs import Label, Prepare, PublishCounty, PublishWhole
from withinreach.batch.reading import read_summary
from withinreach.batch.running import run_jobs
from withinreach.batch.sources import key_of, place_of
from withinreach.batch.workers import open_workers
from withinreach.batch.workplace import own_folder
from withinreach.errors import SourceError
from withinreach.model import file_stem
from withinreach.publishing import county_folder
from withinreach.publishing.briefing import look_for_supplies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from withinreach.batch.jobs import Done, Job
    from withinreach.batch.running import Watcher
    from withinreach.batch.sources import Source
    from withinreach.batch.workers import Hands
    from withinreach.batch.workplace import Workplace

WHOLE = "whole"


class Entry(NamedTuple):
    """What became of one thing that was to be done.

    Attributes
    ----------
    task : str
        ``prepare``, ``county`` or ``whole``; see `Job`.
    label : Label
    state : str
        ``done``, ``failed``, or ``kept``: an earlier batch had finished it.
    outcome : Done or None
        Time and memory where it was done.
    problems : tuple of str
        Why it failed.
    """

    task: str
    label: Label
    state: Literal["done", "kept", "failed"]
    outcome: Done | None = None
    problems: tuple[str, ...] = ()


def run_batch(sources: Sequence[Source], out: Path, *, hands: Hands, resume: bool, watcher: Watcher) -> list[Entry]:
    """Write the folders of all counties of some studies, as `export` writes them, byte by byte.

    Each study is read and measured once, and written as parts (see `write_parts`); then workers publish county by
    county, each reading what lies around its own. Of one study ``out`` becomes its folder; of several each gets a
    folder of its own in it, and beside them stands ``coverage.csv`` of all (see `gather`). What is finished appears at
    once and whole. Whatever breaks off, resuming goes on with what is not finished, and the same bytes come out.

    Parameters
    ----------
    resume
        Keep what an earlier batch has finished. A study whose inputs, parameters or versions have changed since is
        done anew, and its earlier folders are replaced once it is measured, as all are without ``resume``.
    watcher
        Sees every job start and end.

    Returns
    -------
    list of Entry
        Study by study, by code.

    Raises
    ------
    StudyError
        If no typeface with Chinese is installed here.
    SourceError
        If ``out`` cannot be used, another batch is at work there, or a template of briefs is no Word document.
    """
    if hands.scheduler is None:  # workers elsewhere have typefaces of their own
        for source in sources:
            look_for_supplies(source.study)
    with own_folder(out, resume=resume):
        undertakings = [_Undertaking.of(source, out, alone=len(sources) == 1) for source in sources]
        for one in undertakings:
            if one.outdated:
                watcher.outdated(one.label())
        agenda = _Agenda(undertakings)
        if not agenda.idle:
            with open_workers(hands) as workers:
                run_jobs(workers, agenda, watcher)
        if len(sources) > 1:
            agenda.gather(out)
        return agenda.report()


@dataclass
class _Undertaking:
    """What is to be done for one study."""

    source: Source
    key: str
    place: Workplace
    waiting: deque[Job] = field(default_factory=deque)
    kept: list[Label] = field(default_factory=list)
    open: int = 0
    failures: int = 0
    outdated: bool = False

    @classmethod
    def of(cls, source: Source, out: Path, *, alone: bool) -> _Undertaking:
        """Look at what is there already."""
        one = cls(source, key_of(source), place_of(source, out, alone=alone))
        accepted = one.place.accepted()
        if accepted is not None and accepted["key"] != one.key:
            one.outdated = True
        elif accepted is not None and one.place.complete and not one._todo(accepted):
            one._keep(accepted)
            one.place.remove_parts()
            return one
        summary = read_summary(one.parts)
        if summary is not None and summary["key"] == one.key:
            one.publish(summary)
        else:
            one.waiting.append(
                Prepare(one.label(), one.place.note("parts"), source.study.model_dump_json(), one.key, one.parts)
            )
            one.open = 1
        return one

    @property
    def parts(self) -> Path:
        return self.source.parts or self.place.parts

    def label(self, county: dict[str, Any] | None = None, cells: int = 0) -> Label:
        """What a job is about: a county, or the whole study."""
        study = self.source.study
        if county is None:
            return Label(study.name, "", study.title, cells)
        return Label(study.name, county["code"], county["name"], county["cells"])

    def publish(self, summary: dict[str, Any]) -> None:
        """Take the parts for what is to be published, the largest first."""
        self.place.accept(summary)
        place, todo = self.place, self._todo(summary)
        self._keep(summary)
        jobs: list[Job] = []
        if not place.whole_finished:
            everybody = self.label(cells=sum(county["cells"] for county in summary["counties"]))
            jobs.append(PublishWhole(everybody, place.note(WHOLE), self.parts, place.whole, place.staging))
        for county in sorted(todo, key=lambda county: (-county["cells"], county["code"])):
            code = county["code"]
            folder, note = county_folder(place.home, code), place.note(file_stem(code))
            jobs.append(PublishCounty(self.label(county), note, self.parts, folder, place.staging))
        self.waiting.extend(jobs)
        self.open = len(jobs)
        self._finish()

    def settle(self, job: Job, *, failed: bool) -> None:
        """A job of this study has ended."""
        self.open -= 1
        self.failures += failed
        if failed:
            return
        if isinstance(job, Prepare):
            summary = read_summary(self.parts)
            if summary is None:
                raise SourceError(f"{self.parts}: the parts are gone; do the workers see the same files?")
            self.publish(summary)
        else:
            self._finish()

    @property
    def complete(self) -> bool:
        """Whether all of the study is there, made from what it is now."""
        return self.place.complete and not self.failures

    def _todo(self, summary: dict[str, Any]) -> list[dict[str, Any]]:
        return [county for county in summary["counties"] if not self.place.finished(county["code"])]

    def _keep(self, summary: dict[str, Any]) -> None:
        self.kept = [self.label(county) for county in summary["counties"] if self.place.finished(county["code"])]

    def _finish(self) -> None:
        if not (self.open or self.failures) and not self.place.complete:
            self.place.finish()


class _Agenda:
    """All studies: counties of those that are measured come before the next study is."""

    def __init__(self, undertakings: list[_Undertaking]) -> None:
        self._by_name = {one.source.study.name: one for one in undertakings}
        self._entries = [Entry("county", label, "kept") for one in undertakings for label in one.kept]

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done."""
        return not any(one.waiting for one in self._by_name.values())

    def next(self) -> Job | None:
        """The next county, or the next study to be measured."""
        ready = [one for one in self._by_name.values() if one.waiting]
        if not ready:
            return None
        return min(ready, key=lambda one: isinstance(one.waiting[0], Prepare)).waiting.popleft()

    def waiting(self) -> list[Label]:
        """What is known to be left and not handed out."""
        return [job.label for one in self._by_name.values() for job in one.waiting]

    def done(self, job: Job, outcome: Done) -> None:
        """Take note, and see what can be done now."""
        self._by_name[job.label.study].settle(job, failed=False)
        self._entries.append(Entry(job.task, job.label, "done", outcome))

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        """Take note."""
        self._by_name[job.label.study].settle(job, failed=True)
        self._entries.append(Entry(job.task, job.label, "failed", problems=problems))

    def gather(self, out: Path) -> None:
        """Put the tables of all studies together, once all are complete."""
        if all(one.complete for one in self._by_name.values()):
            gather({name: one.place.home for name, one in self._by_name.items()}, out / TABLE)

    def report(self) -> list[Entry]:
        """What became of all."""
        order = {name: place for place, name in enumerate(self._by_name)}
        return sorted(self._entries, key=lambda one: (order[one.label.study], one.label.code, one.task))
