"""Prefectures side by side, from files to the folders of all counties: ``python -m benchmarks.scale``.

First one prefecture, as `withinreach run` does it, its case prepared and from the cache.

Each copy of the sample city is moved in degrees: streets, areas and water, cells of the rasters, facilities. It is a
study of its own, or with ``--together`` a prefecture of a province that has one set of files; see `province`.
`withinreach batch` runs in a fresh process with its workers; what it prints as JSON is added up. Time per county and
memory of a worker should not grow with the number of copies; no figure decides whether anything passes.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import geopandas as gpd
import rasterio

from benchmarks.fresh import ROOT, job, machine
from benchmarks.province import Place, write_province
from benchmarks.report import as_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PREFECTURE_SCALE = 1.0
# Columns and rows of copies around the central meridian of the study's CRS; the rasters are 1,956 x 1,144 cells of
# 1 / 1200 degree.
COLUMNS, FIRST_COLUMN = 6, -3
STEP_DEGREES = (1980 / 1200, 1152 / 1200)
TASKS = ("prepare", "whole", "county")


@click.command()
@click.option("--copies", multiple=True, type=click.IntRange(1, 30), default=(1, 10), show_default=True)
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, type=click.IntRange(1))
@click.option("--scale", default=PREFECTURE_SCALE, show_default=True, help="Size of the sample city.")
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
@click.option("--out", default=ROOT / "benchmarks", type=click.Path(path_type=Path), help="Where scale.md goes.")
@click.option("--together", multiple=True, type=click.IntRange(1, 30), help="So many copies in one set of files.")
@click.option("--warm/--cold", default=True, show_default=True, help="One copy again, its case from the cache.")
def main(
    *,
    copies: tuple[int, ...],
    together: tuple[int, ...],
    workers: int,
    scale: float,
    data: Path,
    out: Path,
    warm: bool,
) -> None:
    """Publish all counties of so many prefectures; the last line is JSON."""
    sample = _sample(data, scale)
    results: dict[str, Any] = {
        "machine": machine(),
        "workers": workers,
        "scale": scale,
        "alone": _alone(sample / "study.toml", data / "cache", data / "alone"),
        "runs": [],
    }
    # The last ones take long: what is known is written as it comes.
    for title, country, cache in _to_run(sample, data, copies, together, warm=warm):
        results["runs"].append(_run(title, country(), workers, cache))
        (out / "scale.md").write_text(_report(results), encoding="utf-8")
    print(json.dumps(results))


def _to_run(
    sample: Path, data: Path, copies: Sequence[int], together: Sequence[int], *, warm: bool
) -> Iterator[tuple[str, Callable[[], Path], str]]:
    """Title, what writes the studies, and the cache, of each batch."""
    scale = sample.name.removeprefix("sample-")
    if warm:
        cache = data / "cache"
        yield "1, its case from the cache", partial(_cached, sample, data / f"country-{scale}", cache), str(cache)
    for n in copies:
        yield f"{n} from files", partial(_country, sample, data / f"country-{scale}", n), ""
    for n in together:
        yield f"{n} of one set of files", partial(_province, sample, data / f"province-{scale}-{n}", n), ""


def _sample(data: Path, scale: float) -> Path:
    folder = data / f"sample-{scale:g}"
    if not (folder / "study.toml").is_file():
        from withinreach.sources.sample import write_sample

        click.echo("… writing the sample city", err=True)
        write_sample(folder, scale=scale)
    return folder


def _country(sample: Path, folder: Path, copies: int) -> Path:
    """A list of so many studies, each a copy of the sample beside the others."""
    names = [f"copy-{number + 1:02d}" for number in range(copies)]
    for number, name in enumerate(names):
        if not (folder / name / "study.toml").is_file():
            click.echo(f"… writing {name}", err=True)
            _move(sample, folder / name, *_degrees(number))
    path = folder / f"{copies}.toml"
    path.write_text(f"studies = {json.dumps([f'{name}/study.toml' for name in names])}\n", encoding="utf-8")
    return path


def _cached(sample: Path, folder: Path, cache: Path) -> Path:
    """One copy, whose case is put into a cache."""
    country = _country(sample, folder, 1)
    job("pipeline", str(folder / "copy-01" / "study.toml"), WITHINREACH_CACHE=str(cache))
    return country


def _province(sample: Path, folder: Path, copies: int) -> Path:
    """So many copies in one set of files."""
    click.echo(f"… writing a province of {copies}", err=True)
    return write_province(sample, folder, [Place(f"99{n + 1:02d}", *_degrees(n)) for n in range(copies)])


def _degrees(number: int) -> tuple[float, float]:
    """How far east and north of the sample a copy lies; the first one is the sample where it is."""
    row, column = divmod(number, COLUMNS)
    column = column if number == 0 else (column - FIRST_COLUMN) % COLUMNS + FIRST_COLUMN
    return column * STEP_DEGREES[0], row * STEP_DEGREES[1]


def _move(sample: Path, folder: Path, east: float, north: float) -> None:
    """Write the sample so many degrees farther; its study, named after the folder, last."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sample, folder)
    for path in sorted(folder.rglob("*")):
        match path.suffix:
            case ".tif":
                _move_raster(path, east, north)
            case ".geojson":
                layer = gpd.read_file(path)
                path.unlink()
                layer.set_geometry(layer.translate(east, north)).to_file(path, driver="GeoJSON")
            case ".parquet":
                layer = gpd.read_parquet(path)
                layer.set_geometry(layer.translate(east, north)).to_parquet(path)
            case ".csv":
                _move_rows(path, east, north)
    study = folder / "study.toml"
    study.write_text(study.read_text(encoding="utf-8").replace('"xinxiang-sample"', f'"{folder.name}"'), "utf-8")


def _move_raster(path: Path, east: float, north: float) -> None:
    with rasterio.open(path) as source:
        cells, profile = source.read(), source.profile
    a = profile["transform"]
    profile["transform"] = rasterio.Affine(a.a, a.b, a.c + east, a.d, a.e, a.f + north)
    with rasterio.open(path, "w", **profile) as target:
        target.write(cells)


def _move_rows(path: Path, east: float, north: float) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    if "经度" not in header:
        return
    x, y = header.index("经度"), header.index("纬度")
    for row in rows:
        row[x], row[y] = f"{float(row[x]) + east:.6f}", f"{float(row[y]) + north:.6f}"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _alone(study: Path, cache: Path, out: Path) -> dict[str, Any]:
    """One prefecture by `withinreach run`, its case prepared and from the cache: the median of three each."""
    click.echo("… one prefecture", err=True)
    job("folders", str(study), str(out), WITHINREACH_CACHE=str(cache))
    found = {}
    for title, folder in (("case prepared", ""), ("case from the cache", str(cache))):
        runs = [job("folders", str(study), str(out), WITHINREACH_CACHE=folder) for _ in range(3)]
        found[title] = sorted(runs, key=lambda run: sum(run["stages"].values()))[1]
    shutil.rmtree(out)
    return found


def _run(title: str, country: Path, workers: int, cache: str) -> dict[str, Any]:
    """One batch from files to folders, which are removed again."""
    click.echo(f"… {title}", err=True)
    out = country.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "withinreach", "batch", country, "--out", out, "--workers", str(workers), "--json"],
        env=os.environ | {"WITHINREACH_CACHE": cache},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - start
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    shutil.rmtree(out)
    told = [line for line in map(json.loads, done.stdout.splitlines()) if line["event"] == "done"]
    return {
        "title": title,
        "seconds": seconds,
        "studies": sum(line["task"] == "prepare" for line in told),
        "counties": sum(line["task"] == "county" for line in told),
        "cells": sum(line["cells"] for line in told if line["task"] == "whole"),
        "written_mb": written / 1e6,
        "tasks": {task: _added(line for line in told if line["task"] == task) for task in TASKS},
    }


def _added(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    lines = list(lines)
    return {
        "seconds": sum(line["seconds"] for line in lines),
        "cpu_s": sum(line["cpu_s"] for line in lines),
        "median": statistics.median(line["cpu_s"] for line in lines),
        "peak_mib": max(line["peak_mib"] or 0 for line in lines),
        "stages": {stage: sum(line["stages"][stage] for line in lines) for stage in lines[0]["stages"]},
    }


def _report(results: dict[str, Any]) -> str:
    host, workers = results["machine"], results["workers"]
    head = ["copies", "counties", "cells", "seconds", "per county", "CPU s per county"]
    head += [f"{task}: {what}" for task in TASKS for what in ("share", "CPU s", "MiB")]
    rows = []
    for run in results["runs"]:
        working = sum(task["cpu_s"] for task in run["tasks"].values())
        row = [run["title"], f"{run['counties']:,}", f"{run['cells']:,}", f"{run['seconds']:.1f}"]
        row += [f"{run['seconds'] / run['counties']:.2f}", f"{working / run['counties']:.2f}"]
        for task in run["tasks"].values():
            row += [f"{task['cpu_s'] / working:.0%}", f"{task['median']:.2f}", f"{task['peak_mib']:,.0f}"]
        rows.append(row)
    told = f"{host['processor']}, {host['cores']} cores, {host['memory_gb']} GB, {host['system']}, "
    told += f"Python {host['python']}; {workers} workers; scale {results['scale']:g}."
    lines = [
        "# From files to the folders of all counties",
        "",
        told,
        "",
        *_alone_lines(results["alone"]),
        "## Everything of every county, by several workers",
        "",
        "`withinreach batch` on copies of the sample city side by side, each a study of its own, or all in one set of",
        "files that is split by the codes of the areas, of which each study reads what lies around it. Seconds on the",
        "clock, from the start of the command to its end, imports included; *per county* is that over the number of",
        "counties. A study is *prepared* (read, measured, written as parts), its *whole* published (tables, map of",
        "all), and each *county*. CPU s are those that processors worked for a job, the median of all of its kind,",
        "which do not mind who else is at work on the machine; shares are those of all; memory is the most that a",
        "worker had during one. Written by `python -m benchmarks.scale`.",
        "",
        as_table(head, rows),
        "",
        "Seconds of the stages, all workers together:",
        "",
        as_table(["copies", "job", "stage", "seconds", "per study"], _stages(results["runs"])),
        "",
    ]
    return "\n".join(lines)


def _alone_lines(alone: dict[str, Any]) -> list[str]:
    size = next(iter(alone.values()))["size"]
    head = ["stage", *(title for run in alone for title in (run, "share"))]
    totals = [sum(run["stages"].values()) for run in alone.values()]
    rows = []
    for stage in next(iter(alone.values()))["stages"]:
        row = [stage]
        for run, total in zip(alone.values(), totals, strict=True):
            seconds = run["stages"].get(stage, 0.0)
            row += [f"{seconds:.2f}", f"{seconds / total:.0%}"]
        rows.append(row)
    rows.append(["all", *(text for total in totals for text in (f"{total:.2f}", ""))])
    rows.append(["peak memory, MB", *(text for run in alone.values() for text in (f"{run['peak_mb']:,.0f}", ""))])
    return [
        "## One prefecture: `withinreach run`",
        "",
        f"{size['nodes']:,} nodes, {size['cells']:,} cells, {size['facilities']:,} facilities,",
        f"{size['services']} services: the map of all and, for each of {size['counties']} counties, its map, coverage",
        f"and GeoPackage, written by {size['workers']} processes. Seconds from the start of a fresh process,",
        "the median of three; memory is the peak of all processes added up.",
        "",
        as_table(head, rows),
        "",
    ]


def _stages(runs: list[dict[str, Any]]) -> list[list[str]]:
    return [
        [run["title"], task, stage, f"{seconds:.1f}", f"{seconds / run['studies']:.2f}"]
        for run in runs
        for task, told in run["tasks"].items()
        for stage, seconds in told["stages"].items()
    ]


if __name__ == "__main__":
    main()
