"""Jobs in fresh processes, and what this machine is."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
# Each library reads its own variable when it loads.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
LIBRARIES = (
    "withinreach", "numba", "numpy", "scipy", "shapely", "networkit", "rustworkx", "igraph", "networkx", "osmnx",
    "pandana", "cityseer",
)  # fmt: skip


def job(*arguments: str, **environment: str) -> dict[str, Any]:
    """Run a command of ``worker.py`` in a process of its own.

    Raises
    ------
    RuntimeError
        With the end of what the process said, if it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def peaks(jobs: Sequence[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
    """Peak memory of each (city, arrays, task, contender); memory does not mind a neighbour, so two at a time."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: job("memory", *one[1:]), jobs))
    return [
        {"city": city, "task": task, "contender": contender} | answer
        for (city, _, task, contender), answer in zip(jobs, found, strict=True)
    ]


def first_calls(arrays: str, cache: str, tasks: Sequence[str]) -> dict[str, Any]:
    """Seconds on top of a usual call: once per machine, when code is compiled, and once per process afterwards."""
    return {
        "compiling": job("first", arrays, *tasks, NUMBA_CACHE_DIR=cache),
        "from the cache": job("first", arrays, *tasks, NUMBA_CACHE_DIR=cache),
    }


def pipelines(study: Path, cache: Path, repetitions: int) -> dict[str, Any]:
    """The whole process from files to tables, with the case prepared anew and taken from the cache."""
    found = {}
    job("pipeline", str(study), WITHINREACH_CACHE=str(cache))
    for title, folder in (("case prepared", ""), ("case from the cache", str(cache))):
        runs = [job("pipeline", str(study), WITHINREACH_CACHE=folder) for _ in range(repetitions)]
        found[title] = {
            "stages": {name: statistics.median(run["stages"][name] for run in runs) for name in runs[0]["stages"]},
            "seconds": statistics.median(sum(run["stages"].values()) for run in runs),
            "peak_mb": max(run["peak_mb"] for run in runs),
            "size": runs[0]["size"],
            "runs": repetitions,
        }
    return found


def machine() -> dict[str, Any]:
    """Processor, memory, system and versions; nothing that names the machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": 1,
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
