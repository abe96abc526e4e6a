"""Jobs to workers, until all are done: what fails is told and the others go on."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import TYPE_CHECKING, Protocol

from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.batch.jobs import Done, Job, Label
    from withinreach.batch.workers import Workers

LOOK_S = 0.5
DIED = "its process died (killed, or out of memory); go on with --resume, or with fewer --workers"


class Agenda(Protocol):
    """What there is to do, and what becomes of it."""

    def next(self) -> Job | None:
        """A job that can be done now; None if there is none, or none before others are done."""

    def waiting(self) -> list[Label]:
        """What is known to be left and not handed out."""

    def done(self, job: Job, outcome: Done) -> None:
        """A job was done."""

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        """A job failed."""


class Watcher(Protocol):
    """Whoever wants to see how it goes."""

    def outdated(self, study: Label) -> None:
        """What an earlier batch made of a study is outdated: it is done anew."""

    def started(self, job: Job) -> None:
        """A job was handed out."""

    def done(self, job: Job, outcome: Done) -> None:
        """It was done."""

    def failed(self, job: Job, problems: tuple[str, ...]) -> None:
        """It failed."""

    def looked(self, waiting: Sequence[Label]) -> None:
        """Some time has passed; so much waits."""


def run_jobs(workers: Workers, agenda: Agenda, watcher: Watcher) -> None:
    """Carry out all jobs of an agenda.

    When a process dies, nobody knows which of the jobs that were worked on killed it: each of them is tried again,
    alone, and one that kills its process twice has failed.
    """
    running: dict[Future[Done], Job] = {}
    while True:
        while len(running) < workers.size and (job := agenda.next()) is not None:
            watcher.started(job)
            running[workers.submit(job)] = job
        if not running:
            return
        finished, _ = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        watcher.looked(agenda.waiting())
        suspects = [job for future in finished if not _settled(future, job := running.pop(future), agenda, watcher)]
        if not suspects:
            continue
        suspects += [job for future, job in running.items() if not _settled(future, job, agenda, watcher)]
        running.clear()
        workers.renew()
        for job in suspects:
            if not _settled(workers.submit(job), job, agenda, watcher):
                workers.renew()
                _fail(job, (DIED,), agenda, watcher)


def _settled(future: Future[Done], job: Job, agenda: Agenda, watcher: Watcher) -> bool:
    """Wait for a job and tell what became of it; False where its process died."""
    try:
        outcome = future.result()
        agenda.done(job, outcome)
    except BrokenExecutor:
        return False
    except CoverageError as error:
        _fail(job, error.problems, agenda, watcher)
    except (Exception, CancelledError) as error:  # noqa: BLE001 -- a defect in one county is not to stop the others
        _fail(job, (f"{type(error).__name__}: {error}",), agenda, watcher)
    else:
        watcher.done(job, outcome)
    return True


def _fail(job: Job, problems: tuple[str, ...], agenda: Agenda, watcher: Watcher) -> None:
    agenda.failed(job, problems)
    watcher.failed(job, problems)
