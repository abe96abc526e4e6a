"""What a worker does: prepare a study into parts, publish one of its counties, publish the whole.

A job is a value that any process can carry out, here or on another machine that sees the same files. Its folder
appears whole or not at all, so a job may be broken off at any moment, and done again.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import pyarrow as pa

from withinreach.analysis import analyse
from withinreach.batch.parts import write_parts
from withinreach.batch.reading import read_county, read_whole
from withinreach.exports import whole_folder
from withinreach.exports.geodata import Grounds, catchments_of, isochrones_of
from withinreach.preparation import prepare
from withinreach.publishing import HOME, NO_WALKS, Material, write_county, write_index, write_whole
from withinreach.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.progress import Progress

MIB = 1024 * 1024
# GDAL's options are those of a process, so that of threads of one process only one may write.
_ALONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class Label:
    """What a job is about, for people: ``code`` is empty for the whole study. ``cells`` is its size."""

    study: str
    code: str
    name: str
    cells: int


class Job(Protocol):
    """Something that a worker does."""

    @property
    def task(self) -> str:
        """``prepare``, ``county`` or ``whole``."""

    @property
    def label(self) -> Label:
        """What it is about."""

    @property
    def note(self) -> Path:
        """A file that tells its stage while it is done."""

    @property
    def stages(self) -> int:
        """How many stages it tells."""

    def run(self, tell: Progress) -> None:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job.

    Attributes
    ----------
    stages : mapping from name to float
        Seconds of each stage, on the clock.
    cpu_s : float
        Seconds that processors worked for it.
    peak_mib : float or None
        The most memory that its process had meanwhile, where the system tells.
    """

    stages: Mapping[str, float]
    cpu_s: float
    peak_mib: float | None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class Prepare:
    """Read and measure a study, as JSON, and write its parts."""

    label: Label
    note: Path
    study: str
    key: str
    parts: Path
    stages: ClassVar[int] = 4
    task: ClassVar[str] = "prepare"

    def run(self, tell: Progress) -> None:
        """Do it."""
        tell("reading")
        case = prepare(Study.model_validate_json(self.study))
        tell("walking")
        result = analyse(case)
        tell("measuring")
        grounds = Grounds(isochrones_of(case, case.facility_rows(())), catchments_of(case))
        material = Material.of(result, grounds, walks=NO_WALKS)  # found anew where a county is read
        tell("parts")
        write_parts(material, self.key, self.parts)


@dataclass(frozen=True, slots=True)
class PublishCounty:
    """Write the folder of a county from the parts of its study."""

    label: Label
    note: Path
    parts: Path
    folder: Path
    staged_in: Path
    stages: ClassVar[int] = 2
    task: ClassVar[str] = "county"

    def run(self, tell: Progress) -> None:
        """Do it."""
        tell("reading")
        publication = read_county(self.parts, self.label.code)
        tell("writing")
        with whole_folder(self.folder, staged_in=self.staged_in) as staging:
            write_county(publication, self.label.code, staging, home=HOME)


@dataclass(frozen=True, slots=True)
class PublishWhole:
    """Write tables and map of a whole study."""

    label: Label
    note: Path
    parts: Path
    folder: Path
    staged_in: Path
    stages: ClassVar[int] = 3
    task: ClassVar[str] = "whole"

    def run(self, tell: Progress) -> None:
        """Do it."""
        tell("reading")
        publication = read_whole(self.parts)
        tell("tables")
        with whole_folder(self.folder, staged_in=self.staged_in) as staging:
            write_whole(publication, staging)
            tell("map")
            write_index(publication, staging, publication.areas.table["code"])


def carry_out(job: Job) -> Done:
    """Do a job in this process, and tell its stages in its note."""
    begun: dict[str, float] = {}

    def tell(stage: str) -> None:
        begun[stage] = time.perf_counter()
        with suppress(OSError):  # a note that cannot be written is no reason to fail
            job.note.write_text(f"{len(begun)} {stage}", encoding="utf-8")

    with _ALONE:
        _give_back()
        _forget_peak()
        worked_s = time.process_time()
        try:
            job.run(tell)
        finally:
            with suppress(OSError):
                job.note.unlink(missing_ok=True)
        ends = [*list(begun.values())[1:], time.perf_counter()]
        stages = {stage: end - start for (stage, start), end in zip(begun.items(), ends, strict=True)}
        return Done(stages, time.process_time() - worked_s, _peak_mib())


def _give_back() -> None:
    """Let the system have what earlier jobs freed, so that a worker needs no more for its hundredth county.

    Arrow and glibc keep it in pieces for later (malloc_trim(3)): of 60 counties one after the other the last ones had
    up to 1,199 MiB and rising, so 1,071 and steady.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with suppress(AttributeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)


def _forget_peak() -> None:
    """Let Linux count the peak anew ("proc_pid_clear_refs", 5); elsewhere it is that of the whole process."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mib() -> float | None:
    """The most memory since `_forget_peak`; None where the system does not tell (Windows)."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
