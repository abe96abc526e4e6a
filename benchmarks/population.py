"""People of a prefecture, from WorldPop's bands to the census: ``python -m benchmarks.population``.

Every cell of 3 arc-seconds in the 15 units of the sample is inhabited, 1.2 million of them. Twenty bands are read and
summed to all people and five age groups, every cell gets its unit, and all are calibrated to the census of 2020. The
answer is checked; no time decides whether it passes.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from benchmarks.fresh import ROOT
from benchmarks.worker import peak_mb

if TYPE_CHECKING:
    from withinreach.preparation.people import People

CELLS_PER_DEGREE = 1200
RASTERS = "worldpop"
CENSUS = "census.csv"
POPULATION = """\
[population]
datum = "wgs84"
as_of = 2020-11-01
bands = { path = "worldpop", year = 2020 }

[population.calibration]
path = "census.csv"
as_of = 2020-11-01

[[facilities]]"""


@click.command()
@click.option("--coarse", default=1, show_default=True, type=click.IntRange(1), help="Cells this many times as wide.")
@click.option("--repetitions", default=5, show_default=True, type=click.IntRange(1))
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
def main(*, coarse: int, repetitions: int, data: Path) -> None:
    """Read, assign and calibrate the people of a prefecture; the last line is JSON."""
    folder = data / f"people-{coarse}"
    if not (folder / CENSUS).is_file():
        click.echo("… writing a settled prefecture", err=True)
        _write(folder, coarse)
    results = _measured(folder, repetitions)
    click.echo(
        f"{results['cells']:,} cells, {results['groups']} groups, {results['units']} units: "
        f"{results['seconds']:.2f} s (median of {repetitions}), at most {results['peak_mb']:,.0f} MB"
    )
    click.echo(json.dumps(results))


def _write(folder: Path, coarse: int) -> None:
    """The sample's units, twenty rasters in which everybody lives everywhere, and the census with a column per band."""
    import rasterio

    from withinreach.sources.sample import write_sample
    from withinreach.sources.sample.population import BANDS, read_census

    study = write_sample(folder, scale=0.01)
    head, rest = study.read_text(encoding="utf-8").split("[population]", 1)
    study.write_text(head + POPULATION + rest.split("[[facilities]]", 1)[1], encoding="utf-8")
    west, south, east, north = 113.38, 34.87, 115.03, 35.85
    height, width = (round((high - low) * CELLS_PER_DEGREE / coarse) for low, high in ((south, north), (west, east)))
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float32", "nodata": -99_999}
    profile |= {
        "crs": "EPSG:4326",
        "transform": rasterio.transform.from_bounds(west, south, east, north, width, height),
    }
    (folder / RASTERS).mkdir()
    rng = np.random.default_rng(20_201_101)
    for band in BANDS:
        path = folder / RASTERS / f"chn_t_{band}_2020_CN_100m_R2025A_v1.tif"
        with rasterio.open(path, "w", tiled=True, compress="deflate", **profile) as target:
            target.write(rng.gamma(0.3, 1.0, (height, width)).astype(np.float32), 1)
    starts = [int(band) for band in BANDS]
    columns = [f"{start}到{end - 1}岁" for start, end in itertools.pairwise(starts)] + [f"{starts[-1]}岁以上"]
    rows = [",".join(["code", *columns])]
    codes = sorted(f"4107{unit}" for unit in ("02", "03", "04", 11, 21, 24, 25, 26, 27, 71, 72, 73, 81, 82, 83))
    rows += [",".join([code, *map(str, people)]) for code, people in zip(codes, read_census().people, strict=True)]
    (folder / CENSUS).write_text("\n".join(rows) + "\n", encoding="utf-8")


def _measured(folder: Path, repetitions: int) -> dict[str, Any]:
    from withinreach.preparation.areas import prepare_areas
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.people import prepare_people
    from withinreach.preparation.scope import scope_of
    from withinreach.study import load_study

    study = load_study(folder / "study.toml")
    frame = MetricFrame(study.metric_crs)
    areas = prepare_areas(study.areas, frame, Findings())
    seconds = []
    for _ in range(repetitions):
        began = time.perf_counter()
        people = prepare_people(study.population, scope_of(areas, frame), frame, Findings())
        seconds.append(time.perf_counter() - began)
    _check(people)
    return {
        "cells": len(people.xy),
        "groups": len(people.groups.columns),
        "units": len(areas),
        "seconds": statistics.median(seconds),
        "peak_mb": peak_mb(),
    }


def _check(people: People) -> None:
    """Everybody of the census is there, by unit and group."""
    accounts = people.accounts
    for group in people.groups:
        got, wanted = accounts.loc[(group, "in_areas")], accounts.loc[(group, "census")]
        if not np.allclose(got, wanted, rtol=1e-9):
            raise AssertionError(f"{group}: {got} is not the census, {wanted}")


if __name__ == "__main__":
    main()
