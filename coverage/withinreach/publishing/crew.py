"""Who writes the folders of a publication: this process, alone or with others that read it from a file, once each.

Processes take as long to start as a few counties take to be written, so they are started before there is anything to
do, and told of it when it is known.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, BrokenExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from withinreach.errors import CoverageError
from withinreach.processes import open_processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from withinreach.publishing.publication import Publication


# A process takes three seconds of a core until it writes: as long as maps of so many cells, or these complete folders.
CELLS_PER_START = 30_000
FOLDERS_PER_START = 2
DIED = "a process that wrote folders died (killed, or out of memory); run it again with --workers 1"


class Task(NamedTuple):
    """Something to be written; any process can do it.

    Attributes
    ----------
    name : str
        For people who wait.
    write : callable
        A function of a module, or a `functools.partial` of one, that takes the publication.
    """

    name: str
    write: Callable[[Publication], None]


class Crew(Protocol):
    """Whoever carries out tasks."""

    def carry_out(self, publication: Publication, tasks: Sequence[Task]) -> Iterator[str]:
        """Do all of them; the name of each as its turn comes, or where several work, once it is done.

        Raises
        ------
        CoverageError
            If a process dies; whatever a task raises is raised here, too.
        """


class _Alone:
    """The process that asks, one task after the other."""

    def carry_out(self, publication: Publication, tasks: Sequence[Task]) -> Iterator[str]:
        for task in tasks:
            yield task.name
            task.write(publication)


ALONE = _Alone()


class _Several:
    """Who asks, and other processes of this machine: they take tasks from the front, who asks from the back."""

    def __init__(self, others: ProcessPoolExecutor, size: int) -> None:
        self._others, self._size = others, size

    def carry_out(self, publication: Publication, tasks: Sequence[Task]) -> Iterator[str]:
        left, done = deque(tasks), deque[str]()
        with tempfile.TemporaryDirectory(prefix="withinreach-") as folder, ThreadPoolExecutor(self._size) as handing:
            path = Path(folder, "publication")
            with path.open("wb") as file:
                _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(publication)
            helpers = [handing.submit(self._hand_out, path, left, done) for _ in range(self._size)]
            try:
                while (task := _taken(left.pop)) is not None:
                    task.write(publication)
                    done.append(task.name)
                    yield from _told(done, helpers)
                wait(helpers, return_when=FIRST_EXCEPTION)
                yield from _told(done, helpers)
            except BrokenExecutor:
                raise CoverageError(DIED) from None
            finally:
                left.clear()  # nobody writes on where something failed

    def _hand_out(self, path: Path, left: deque[Task], done: deque[str]) -> None:
        """Keep one of the others at work."""
        while (task := _taken(left.popleft)) is not None:
            self._others.submit(_carry_out, path, task.write).result()
            done.append(task.name)


def _taken(take: Callable[[], Task]) -> Task | None:
    """A task, None if none is left; several threads may take at once."""
    try:
        return take()
    except IndexError:
        return None


def _told(done: deque[str], helpers: Sequence[Future[None]]) -> Iterator[str]:
    """Names of what was done since the last look; whatever stopped a helper is raised."""
    for helper in helpers:
        if helper.done():
            helper.result()
    while done:
        yield done.popleft()


def worth_maps(cells: int) -> int:
    """How many processes the maps of so many cells are worth; at most one per core."""
    return _at_most_cores(cells // CELLS_PER_START)


def worth_folders(counties: int) -> int:
    """How many processes so many complete folders are worth; at most one per core."""
    return _at_most_cores(counties // FOLDERS_PER_START)


def _at_most_cores(processes: int) -> int:
    return max(1, min(os.cpu_count() or 1, processes))


@contextmanager
def open_crew(workers: int) -> Iterator[Crew]:
    """So many processes until the block ends, of which one is this.

    Whoever starts processes from a script of their own needs ``if __name__ == "__main__":`` there, for each of them
    imports it.
    """
    if workers == 1:
        yield ALONE
        return
    others = open_processes(workers - 1)
    try:
        for _ in range(workers - 1):
            others.submit(_be_ready)
        yield _Several(others, workers - 1)
    finally:
        others.shutdown(wait=True, cancel_futures=True)


class _Pickler(pickle.Pickler):
    """Pickles mappings that cannot be changed, too."""

    def reducer_override(self, value: Any) -> Any:
        return (_unchangeable, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


def _unchangeable(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """`MappingProxyType` by a name that a pickle can tell."""
    return MappingProxyType(values)


# What this process has read last.
_read: dict[Path, Publication] = {}


def _be_ready() -> None:
    """Nothing: that it can be called means that everything is imported."""


def _carry_out(path: Path, write: Callable[[Publication], None]) -> None:
    if path not in _read:
        _read.clear()
        with path.open("rb") as file:
            _read[path] = pickle.load(file)  # noqa: S301 -- our own, in a folder that nobody else can write into
    write(_read[path])
