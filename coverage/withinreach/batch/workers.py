"""Who carries out jobs: processes on this machine, or the workers of a Dask cluster. Both are executors."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from withinreach.batch.jobs import carry_out
from withinreach.errors import CoverageError
from withinreach.processes import open_processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future

    from withinreach.batch.jobs import Done, Job

PATIENCE_S = 30


class Workers(Protocol):
    """Workers that carry out jobs."""

    @property
    def size(self) -> int:
        """How many jobs are worked on at a time."""

    def submit(self, job: Job) -> Future[Done]:
        """Hand out a job."""

    def renew(self) -> None:
        """Replace workers that died."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the work.

    Attributes
    ----------
    workers
        So many processes of this machine; None: one per core.
    scheduler
        In their place the workers of a Dask scheduler, by its address, e.g. ``tcp://10.0.0.1:8786``. They need this
        package and the same files under the same paths.
    """

    workers: int | None = None
    scheduler: str | None = None


@contextmanager
def open_workers(hands: Hands) -> Iterator[Workers]:
    """Workers until the block ends.

    Raises
    ------
    CoverageError
        If no scheduler answers, or `distributed` is not installed.
    """
    if hands.scheduler is not None:
        with _dask(hands.scheduler) as workers:
            yield workers
        return
    processes = _Processes(hands.workers or os.cpu_count() or 1)
    try:
        yield processes
    finally:
        processes.close()


class _Processes:
    """Processes of this machine."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._executor = open_processes(size)

    def submit(self, job: Job) -> Future[Done]:
        try:
            return self._executor.submit(carry_out, job)
        except BrokenExecutor:  # somebody died since the last look
            self.renew()
            return self._executor.submit(carry_out, job)

    def renew(self) -> None:
        self.close()
        self._executor = open_processes(self.size)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)


class _Cluster:
    """The workers of a Dask scheduler, which replaces those that die by itself."""

    def __init__(self, executor: Executor, client: object) -> None:
        self._executor, self._client = executor, client

    @property
    def size(self) -> int:
        threads: dict[str, int] = self._client.nthreads()  # type: ignore[attr-defined]
        return max(1, len(threads))

    def submit(self, job: Job) -> Future[Done]:
        return self._executor.submit(carry_out, job)

    def renew(self) -> None:
        """Nothing to do."""


@contextmanager
def _dask(scheduler: str) -> Iterator[Workers]:
    try:
        from distributed import Client  # noqa: PLC0415 -- an extra
    except ImportError:
        raise CoverageError("--scheduler needs Dask: pip install 'withinreach[cluster]'") from None
    try:
        client = Client(scheduler, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise CoverageError(f"{scheduler}: no scheduler answers ({error}); start one with `dask scheduler`") from None
    with client:
        yield _Cluster(client.get_executor(pure=False), client)
