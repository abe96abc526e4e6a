"""``make bench``: compare the kernels with other libraries, and take the whole process apart.

``python -m benchmarks.run --help`` lists what can be left out. Nothing here decides by time whether something passes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.cases import City, city_of, save_city, side_by_side
from benchmarks.fresh import ONE_THREAD, ROOT, first_calls, job, machine, peaks, pipelines
from benchmarks.measure import SLOW_S, Graphs, Row, measure, memory_bound
from benchmarks.report import Results, write
from benchmarks.tasks import TASKS

if TYPE_CHECKING:
    from benchmarks.contender import Task

WUHAN = ROOT / "tests" / "studies" / "wuhan.toml"
REAL_CASES = ROOT.parent / "shared" / "data"
# A graph that takes longer to build is not built once more for the memory of a second task.
COSTLY_GRAPH_S = 5.0


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Size of the sample city, 0.01 to 1.")
@click.option("--tenfold/--no-tenfold", default=True, help="The sample city ten times side by side.")
@click.option("--wuhan/--no-wuhan", default=True, help="The real city, where its data are.")
@click.option("--repetitions", default=5, show_default=True, type=click.IntRange(1), help="Rounds; threefold if quick.")
@click.option("--slow", is_flag=True, help="Also contenders that take minutes or many gigabytes.")
@click.option("--fresh/--no-fresh", default=True, help="Fresh processes: peak memory, cold start, the whole pipeline.")
@click.option("--task", "tasks", multiple=True, type=click.Choice([task.name for task in TASKS]), help="Only these.")
@click.option("--out", default=ROOT / "benchmarks", type=click.Path(path_type=Path), help="Where results go.")
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
def main(  # noqa: PLR0913
    *,
    scale: float,
    tenfold: bool,
    wuhan: bool,
    repetitions: int,
    slow: bool,
    fresh: bool,
    tasks: tuple[str, ...],
    out: Path,
    data: Path,
) -> None:
    """Measure ratios between libraries in one run; every answer is checked."""
    # Libraries read these when they load, and none has loaded yet.
    os.environ.update(ONE_THREAD | {"CITYSEER_QUIET_MODE": "true", "WITHINREACH_CACHE": ""})
    load = os.getloadavg()[0]
    notes: list[str] = []
    studies = {"prefecture": sample_study(data / f"sample-{scale:g}", scale)}
    if wuhan and REAL_CASES.is_dir():
        studies["wuhan"] = WUHAN
    elif wuhan:
        notes.append("wuhan: its data are not part of the project and not here")
    cities = _cities(studies, tenfold=tenfold)
    chosen = [task for task in TASKS if not tasks or task.name in tasks]
    rows = _measured(chosen, cities, repetitions=repetitions, slow=slow)
    ours = {row.city: row.seconds for row in rows if row.task == "nearest" and row.contender == "withinreach"}
    results = Results(
        machine=machine(),
        load=(load, os.getloadavg()[0]),
        cities=[_described(city) for city in cities],
        rows=rows,
        bound=memory_bound([city for city in cities if city.name in ours], ours),
        notes=notes,
        slow_s=SLOW_S,
        **(_in_fresh_processes(cities, rows, studies, min(3, repetitions)) if fresh else {}),
    )
    click.echo(write(results, out))


def _measured(tasks: list[Task], cities: list[City], *, repetitions: int, slow: bool) -> list[Row]:
    graphs = Graphs()
    return [
        row for task in tasks for row in measure(task, cities, graphs, repetitions=repetitions, slow=slow, say=_say)
    ]


def _in_fresh_processes(
    cities: list[City], rows: list[Row], studies: dict[str, Path], repetitions: int
) -> dict[str, Any]:
    """Cold start, peak memory and the pipeline, as `Results` takes them."""
    tasks = dict.fromkeys(row.task for row in rows)
    with tempfile.TemporaryDirectory(prefix="withinreach-bench-") as folder:
        arrays = {city.name: Path(folder, f"{city.name}.npz") for city in cities}
        for city in cities:
            save_city(city, arrays[city.name])
        smallest = min(cities, key=lambda city: city.n_nodes)
        _say("fresh processes: cold start")
        first = first_calls(str(arrays[smallest.name]), str(Path(folder, "numba")), [*tasks])
        _say("fresh processes: memory")
        memory = peaks(_memory_jobs(rows, arrays))
        _say("fresh processes: pipeline")
        whole = {name: pipelines(study, Path(folder, f"cache-{name}"), repetitions) for name, study in studies.items()}
        _say("fresh processes: further questions")
        further = {name: job("further", str(study)) for name, study in studies.items()}
    return {"first_calls": first, "memory": memory, "pipelines": whole, "further": further}


def sample_study(folder: Path, scale: float) -> Path:
    """The study of a sample city, generated once."""
    from withinreach.sources.sample import write_sample

    study = folder / "study.toml"
    if not study.is_file():
        _say(f"generating the sample city at scale {scale:g}")
        write_sample(folder, scale=scale)
    return study


def _cities(studies: dict[str, Path], *, tenfold: bool) -> list[City]:
    import withinreach as wr

    titles = {"prefecture": "the sample city", "wuhan": "Wuhan: OpenStreetMap, GHS-POP, clinics of Amap"}
    cities = []
    for name, study in studies.items():
        _say(f"preparing {name}")
        cities.append(city_of(wr.prepare(wr.load_study(study)), name, titles[name]))
        if name == "prefecture" and tenfold:
            cities.append(side_by_side(cities[0], "tenfold"))
    return cities


def _described(city: City) -> dict[str, int | str]:
    return {
        "name": city.name,
        "title": city.title,
        "nodes": city.n_nodes,
        "arcs": len(city.arc_head),
        "streets": len(city.tail),
        "facilities": len(city.facility_node),
        "cells": len(city.cell_xy),
    }


def _memory_jobs(rows: list[Row], arrays: dict[str, Path]) -> list[tuple[str, str, str, str]]:
    """Everybody on the sample city; on the tenfold one who can work on it."""
    contenders = {(task.name, one.name): one for task in TASKS for one in task.contenders}
    jobs, built = [], set()
    for row in rows:
        graph = contenders[row.task, row.contender].graph
        if row.skipped or row.city == "wuhan" or row.task == "nearest-cut":
            continue
        if (graph, row.city) in built and row.graph_s > COSTLY_GRAPH_S:
            continue
        built.add((graph, row.city))
        jobs.append((row.city, str(arrays[row.city]), row.task, row.contender))
    return jobs


def _say(line: str) -> None:
    click.echo(f"… {line}", err=True)


if __name__ == "__main__":
    sys.exit(main())
