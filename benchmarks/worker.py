"""What needs a fresh process: peak memory, the first call ever and the first call of a process, the whole pipeline.

``python -m benchmarks.worker memory ARRAYS TASK CONTENDER``, ``... first ARRAYS TASK...``, ``... pipeline STUDY`` or
``... further STUDY`` ends with one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from withinreach.model import Case
    from withinreach.publishing import Crew, Publication
    from withinreach.publishing.crew import Task

RUNS = 200


def peak_mb() -> float:
    """The most memory that this process ever held, in MB.

    On Linux from /proc: what getrusage tells there includes the memory of the parent at the time of the fork.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return _rusage_mb(resource.RUSAGE_SELF)


def peak_of_a_child_mb() -> float:
    """The most memory that any process which this one started, and which has ended, ever held, in MB."""
    import resource

    return _rusage_mb(resource.RUSAGE_CHILDREN)


def _rusage_mb(who: int) -> float:
    import resource

    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def memory(arrays: str, task_name: str, contender_name: str) -> dict[str, Any]:
    """Peak memory of building what a contender needs and of one run, libraries included."""
    from benchmarks.cases import load_city
    from benchmarks.tasks import TASKS

    task = next(task for task in TASKS if task.name == task_name)
    contender = next(one for one in task.contenders if one.name == contender_name)
    city = load_city(Path(arrays))
    inputs_mb = peak_mb()
    contender.run(contender.graph(city), city)
    return {"inputs_mb": inputs_mb, "peak_mb": peak_mb()}


def first(arrays: str, *names: str) -> dict[str, Any]:
    """Seconds to import the kernels, and how much longer the first call of each of ours takes than the second."""
    from benchmarks.cases import load_city
    from benchmarks.tasks import TASKS

    city = load_city(Path(arrays))
    began = time.perf_counter()
    import withinreach.kernels.nearest
    import withinreach.kernels.snap
    import withinreach.kernels.within  # noqa: F401

    seconds = {"import": time.perf_counter() - began}
    for task in (task for task in TASKS if task.name in names):
        ours = task.contenders[0]
        graph = ours.graph(city)
        began = time.perf_counter()
        ours.run(graph, city)
        between = time.perf_counter()
        ours.run(graph, city)
        seconds[task.name] = max(0.0, 2 * between - began - time.perf_counter())
    return seconds


class _Stages:
    """Stages of a process as they begin."""

    def __init__(self) -> None:
        self._marks: list[tuple[str, float]] = [("import", time.perf_counter())]

    def __call__(self, stage: str) -> None:
        self._marks.append((stage, time.perf_counter()))

    def seconds(self) -> dict[str, float]:
        """How long each took, those of one name together; the last one has just ended."""
        self("end")
        seconds: dict[str, float] = {}
        for (name, at), (_, after) in pairwise(self._marks):
            seconds[name] = seconds.get(name, 0.0) + after - at
        return seconds


def pipeline(study: str) -> dict[str, Any]:
    """Seconds of each stage from the files to the tables, and peak memory."""
    mark = _Stages()
    import withinreach as wr

    load, prepare, analyse = wr.load_study, wr.prepare, wr.analyse
    mark("study")
    case = prepare(load(Path(study)), progress=mark)
    mark("analyse")
    analyse(case)
    return {"stages": mark.seconds(), "peak_mb": peak_mb(), "size": _size(case)}


def folders(study: str, folder: str) -> dict[str, Any]:
    """Seconds of each stage from the files to what ``withinreach run`` writes, and peak memory of all processes."""
    mark = _Stages()
    import withinreach as wr
    from withinreach.publishing import open_crew, publish, worth_maps

    load, prepare, analyse = wr.load_study, wr.prepare, wr.analyse
    mark("study")
    case = prepare(load(Path(study)), progress=mark)
    workers = worth_maps(len(case.people))
    with open_crew(workers) as crew:
        mark("analyse")
        result = analyse(case)
        mark("what all folders share")
        publish(result, Path(folder), crew=_Marked(crew, mark))
        mark("leaving")
    peak = peak_mb() + (workers - 1) * peak_of_a_child_mb()
    size = _size(case) | {"counties": len(case.areas), "workers": workers}
    return {"stages": mark.seconds(), "peak_mb": peak, "size": size}


class _Marked:
    """A crew that says when it begins."""

    def __init__(self, crew: Crew, mark: _Stages) -> None:
        self._crew, self._mark = crew, mark

    def carry_out(self, publication: Publication, tasks: Sequence[Task]) -> Iterator[str]:
        self._mark("counties, and map of all")
        yield from self._crew.carry_out(publication, tasks)


def _size(case: Case) -> dict[str, int]:
    size = {"nodes": case.network.n_nodes, "cells": len(case.people), "facilities": len(case.facilities)}
    return size | {"services": len(case.study.services)}


def further(study: str) -> dict[str, Any]:
    """Seconds of questions that are asked of a case once it is analysed; compiling is not among them."""
    import withinreach as wr

    case = wr.prepare(wr.load_study(Path(study)))
    result = wr.analyse(case)
    sharing = [name for name, service in case.study.services.items() if service.capacity is not None]
    asked: dict[str, Callable[[], object]] = {
        "floating catchments, loads and assignment": lambda: [wr.weigh_supply(result, name) for name in sharing],
        "equity": lambda: [wr.weigh_equity(result, name) for name in result.reaches],
        "one assumption at a time": lambda: wr.vary_assumptions(case),
        f"{RUNS} Monte Carlo runs": lambda: wr.estimate_intervals(case, runs=RUNS),
    }
    wr.estimate_intervals(case, runs=1)
    wr.vary_assumptions(case)
    seconds = {}
    for question, ask in asked.items():
        began = time.perf_counter()
        ask()
        seconds[question] = time.perf_counter() - began
    return {"seconds": seconds, "services": len(result.reaches), "sharing": len(sharing), "peak_mb": peak_mb()}


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "memory": memory,
    "first": first,
    "pipeline": pipeline,
    "folders": folders,
    "further": further,
}

if __name__ == "__main__":
    # Last line of the output, whatever libraries print before.
    print("\n" + json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
