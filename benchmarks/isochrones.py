"""Isochrones of every facility of a prefecture: ``python -m benchmarks.isochrones``.

Ours against the usual recipe (the streets that are reached, buffered by the same width and merged), both from the same
search and with one thread. The recipe does one facility in fifty, and its seconds are scaled up. Shapes are compared,
too: a lattice counts ground by its nearest street, a buffer by any street near, so the buffer is larger.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import shapely

from benchmarks.fresh import ROOT
from benchmarks.run import sample_study

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.study import Service

MINUTES = 15.0
EVERY = 50


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Size of the sample city, 0.01 to 1.")
@click.option("--repetitions", default=3, show_default=True, type=click.IntRange(1))
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
def main(*, scale: float, repetitions: int, data: Path) -> None:
    """Trace all isochrones of 15 minutes and compare with buffers; the last line is JSON."""
    import withinreach as wr

    case = wr.prepare(wr.load_study(sample_study(data / f"sample-{scale:g}", scale)))
    services = list(case.study.services.values())
    seconds, shapes = zip(*[_traced(case) for _ in range(repetitions + 1)], strict=True)
    ours = statistics.median(seconds[1:])
    recipe, overlap = zip(
        *(_buffered(case, service, shapes[0][service.name]) for service in services),
        strict=True,
    )
    results = {
        "facilities": sum(len(one) for one in shapes[0].values()),
        "seconds": ours,
        "buffers_seconds": sum(recipe),
        "ratio": sum(recipe) / ours,
        "overlap": float(np.median(np.concatenate(overlap))),
    }
    click.echo(
        f"{results['facilities']:,} isochrones of {MINUTES:g} minutes: {ours:.2f} s (median of {repetitions}); "
        f"buffered streets {sum(recipe):.0f} s, {sum(recipe) / ours:.0f} times as long (one in {EVERY}, scaled up); "
        f"median overlap (IoU) {results['overlap']:.2f}"
    )
    click.echo(json.dumps(results))


def _traced(case: Case) -> tuple[float, dict[str, NDArray[np.object_]]]:
    import withinreach as wr

    began = time.perf_counter()
    found = wr.trace_all_isochrones(case, minutes=[MINUTES])
    return time.perf_counter() - began, {name: rows.geometry.to_numpy() for name, rows in found.groupby("service")}


def _buffered(case: Case, service: Service, shapes: NDArray[np.object_]) -> tuple[float, list[float]]:
    """Seconds of the recipe for all facilities of a service, and how far its shapes and ours overlap."""
    from withinreach.catchments.isochrones import OFF_STREET_M
    from withinreach.kernels.nearest import seeds_of
    from withinreach.kernels.search import Arcs
    from withinreach.kernels.within import nodes_within
    from withinreach.model import walking_costs
    from withinreach.reach.inputs import segments_of, spots_of

    network, rows = case.network, case.facility_rows(service.kinds)
    profile = case.study.profiles[service.profile]
    costs = walking_costs(network, profile)
    lines = shapely.linestrings(
        network.vertex_xy, indices=np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    )
    seeds = seeds_of(segments_of(network, costs), spots_of(case.facilities), rows)
    local = seeds._replace(source=np.searchsorted(rows, seeds.source).astype(np.int32))
    limit_mm = int(MINUTES * 60 * profile.speed_mm_s)
    nodes = nodes_within(Arcs(costs.arc_ptr, costs.arc_head, costs.arc_mm), local, len(rows), limit_mm)
    reached = np.zeros(network.n_nodes, bool)
    overlaps = []
    sample = range(0, len(rows), EVERY)
    began = time.perf_counter()
    buffers = []
    for at in sample:
        here = nodes.node[nodes.ptr[at] : nodes.ptr[at + 1]]
        reached[here] = True
        streets = lines[reached[network.tail] & reached[network.head]]
        reached[here] = False
        buffers.append(shapely.union_all(shapely.buffer(streets, OFF_STREET_M)))
    seconds = (time.perf_counter() - began) / max(1, len(sample)) * len(rows)
    for at, buffer in zip(sample, buffers, strict=True):
        both = shapely.union(buffer, shapes[at]).area
        if both > 0:
            overlaps.append(shapely.intersection(buffer, shapes[at]).area / both)
    return seconds, overlaps


if __name__ == "__main__":
    main()
