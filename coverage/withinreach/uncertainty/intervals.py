"""All assumptions at once: coverage in many worlds that the inputs do not rule out, drawn by a seed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.kernels.nearest import NO_SOURCE, Spots, nearest_to_nodes, nearest_to_places, seeds_of
from withinreach.kernels.search import Arcs
from withinreach.model import NO_SEGMENT, walking_costs
from withinreach.progress import silent
from withinreach.reach import measure_reach, segments_of, spots_of
from withinreach.uncertainty.snapped import with_snap_cap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.kernels.nearest import Segments
    from withinreach.model import Case
    from withinreach.progress import Progress
    from withinreach.reach import Reach

TOTAL = "total"
# Of the runs between the bounds.
LEVEL = 0.95
NOTHING: Mapping[str, Reach] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is uncertain, and how far; every run draws each of them anew.

    Attributes
    ----------
    speed : float
        The speed of every profile is multiplied by a triangular draw from 1 - speed to 1 + speed. A ninth, for
        GB 50180 has its 15 minutes reach 800 to 1,000 m. It is the doubt about the mean of the group, not the spread
        of its people.
    snap_cap_m : (float, float)
        Uniform. 300 to 500 m are usual caps.
    closed_streets : float
        A share of the streets that is uniform from 0 to this one is closed, each by chance: behind the walls of a
        compound, dug up, or drawn where there is none. People on a closed street still reach both its ends. Not
        verified. (Streets that the data *lack* cannot be drawn; the speed makes up for some of that.)
    population_sd : float
        Squares of `population_patch_m` have log-normal errors of this relative size, scaled so that every area keeps
        its people. 0.136 is the largest error at test townships that the authors of a 1 km grid of China report (Fu
        et al. 2014: 4.5 to 13.6 %); that it holds for other grids and squares of 1 km is not verified.
    """

    speed: float = 1 / 9
    snap_cap_m: tuple[float, float] = (300.0, 500.0)
    closed_streets: float = 0.02
    population_sd: float = 0.136
    population_patch_m: float = 1000.0

    def __post_init__(self) -> None:
        if not (0 <= self.speed < 1 and 0 <= self.closed_streets <= 1 and 0 <= self.population_sd < 2):
            raise ValueError("speed must be in 0..1, closed_streets in 0..1 and population_sd in 0..2")
        if not (0 < self.snap_cap_m[0] <= self.snap_cap_m[1] and self.population_patch_m > 0):
            raise ValueError("snap_cap_m must ascend from above 0, and population_patch_m be above 0")


class _Surroundings(NamedTuple):
    """What any run can change of one service: the cells and streets within the longest walk of any.

    Attributes
    ----------
    reach : Reach
        By the study.
    most_mm : float
        What is walked in time at the study's speed.
    cells : Spots
        These c cells, snapped as far as any run may.
    estimated_mm : (c,) float64
        Walks that are estimates; inf for all others.
    people : (c,) float64
    plot : (c,) int64
        The plot of each cell.
    living : (p,) float64
        People of each plot, of these and all other cells.
    facilities : Spots
    rows : (r,) int32
        The facilities that count.
    segments : Segments
        Those that are near enough, and those that cells and facilities stand on.
    arcs : Arcs
        Of these segments.
    street : (a,) int64
        The street of each arc; both directions and parallel streets are one.
    """

    reach: Reach
    most_mm: float
    cells: Spots
    estimated_mm: NDArray[np.float64]
    people: NDArray[np.float64]
    plot: NDArray[np.int64]
    living: NDArray[np.float64]
    facilities: Spots
    rows: NDArray[np.int32]
    segments: Segments
    arcs: Arcs
    street: NDArray[np.int64]


class _Plots(NamedTuple):
    """Parts of squares in one area each, for adding up people without going through all cells."""

    of_cell: NDArray[np.int64]
    area: NDArray[np.int64]
    square: NDArray[np.int64]


class _World(NamedTuple):
    """What all runs share."""

    areas: int
    surroundings: tuple[_Surroundings, ...]
    n_streets: int
    plots: _Plots
    doubts: Doubts
    seed: int


def estimate_intervals(
    case: Case,
    *,
    reaches: Mapping[str, Reach] = NOTHING,
    doubts: Doubts | None = None,
    runs: int = 200,
    seed: int = 20250630,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Coverage of every service with a Monte Carlo interval, for each area and in total.

    Runs are independent of each other and of how many threads share them: the same seed gives the same table. With
    slopes, stairs and waits at crossings a slower run is slower by the same share everywhere. People whose walk is an
    estimate (``network.fallback_detour``) keep it.

    Parameters
    ----------
    reaches
        Those of `analyse` by service, where they are at hand.
    progress
        Called with the number of each run that is done.

    Returns
    -------
    DataFrame with columns
        service; code, of an area or ``total``; coverage, as `analyse` has it; low, median, high: the 2.5, 50 and 97.5
        percentile of the runs, NaN where nobody lives; runs.
    """
    if runs < 1:
        raise ValueError(f"runs must be 1 or more, not {runs}")
    world = _world(case, reaches, doubts or Doubts(), seed)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        drawn = []
        for number, shares in enumerate(pool.map(lambda run: _run(world, run), range(runs)), start=1):
            progress(f"run {number}")
            drawn.append(shares)
    bounds = np.percentile(np.array(drawn), [50 * (1 - LEVEL), 50, 50 * (1 + LEVEL)], axis=0)
    tables = [
        pd.DataFrame(
            {
                "service": one.reach.service.name,
                "code": [*case.areas.table["code"], TOTAL],
                "coverage": _coverage(case, one.reach),
                "low": bounds[0, row],
                "median": bounds[1, row],
                "high": bounds[2, row],
                "runs": runs,
            }
        )
        for row, one in enumerate(world.surroundings)
    ]
    return pd.concat(tables, ignore_index=True)


def _world(case: Case, reaches: Mapping[str, Reach], doubts: Doubts, seed: int) -> _World:
    snapped, plots = with_snap_cap(case, doubts.snap_cap_m[1]), _plots(case, doubts.population_patch_m)
    streets = _sorted_once(_street_keys(case.network.n_nodes, case.network.tail, case.network.head))
    surroundings = tuple(
        _surroundings(snapped, reaches[name] if name in reaches else measure_reach(case, service), plots, doubts.speed)
        for name, service in case.study.services.items()
    )
    numbered = tuple(one._replace(street=np.searchsorted(streets, one.street)) for one in surroundings)
    return _World(len(case.areas), numbered, len(streets), plots, doubts, seed)


def _surroundings(case: Case, reach: Reach, plots: _Plots, speed: float) -> _Surroundings:
    """The streets are told by their keys, see `_street_keys`."""
    network, service = case.network, reach.service
    profile = case.study.profiles[service.profile]
    in_time_mm = service.cutoff_s * profile.speed_mm_s
    longest_mm = in_time_mm * (1 + speed)
    costs, rows = walking_costs(network, profile), case.facility_rows(service.kinds)
    segments, facilities, homes = segments_of(network, costs), spots_of(case.facilities), spots_of(case.people)
    nodes = nearest_to_nodes(costs.arc_ptr, costs.arc_head, costs.arc_mm, seeds_of(segments, facilities, rows))
    found = nearest_to_places(segments, nodes, facilities, rows, homes)
    estimated_mm = np.where(reach.estimated, reach.level_m * 1000, np.inf)
    cells = np.flatnonzero(((found.source != NO_SOURCE) & (found.mm <= longest_mm)) | (estimated_mm <= longest_mm))
    near = nodes.mm <= longest_mm
    kept = near[network.tail] & near[network.head]
    for used in (homes.segment[cells], facilities.segment[rows]):
        kept[used[used != NO_SEGMENT]] = True
    some = np.flatnonzero(kept)
    # A part keeps the order of nodes, so that its arcs tell their streets by the nodes of the whole.
    part = network.part(some)
    walked = walking_costs(part, profile)
    ends = _sorted_once(np.concatenate([network.tail[some], network.head[some]]))
    start = np.repeat(ends, np.diff(walked.arc_ptr))
    number = np.full(network.n_segments + 1, NO_SEGMENT, np.int32)  # the last one stands for -1, no segment
    number[some] = np.arange(len(some), dtype=np.int32)
    people = case.people_of(service.people)
    return _Surroundings(
        reach=reach,
        most_mm=in_time_mm,
        cells=Spots(number[homes.segment[cells]], homes.offset_mm[cells], homes.access_mm[cells]),
        estimated_mm=estimated_mm[cells],
        people=people[cells],
        plot=plots.of_cell[cells],
        living=np.bincount(plots.of_cell, people, len(plots.area)).astype(np.float64),
        facilities=facilities._replace(segment=number[facilities.segment]),
        rows=rows,
        segments=segments_of(part, walked),
        arcs=Arcs(walked.arc_ptr, walked.arc_head, walked.arc_mm),
        street=_street_keys(network.n_nodes, start, ends[walked.arc_head]),
    )


def _street_keys(n_nodes: int, one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.int64]:
    """A number for each pair of nodes, the same in both directions."""
    return np.minimum(one, other).astype(np.int64) * n_nodes + np.maximum(one, other)


def _sorted_once(values: NDArray[np.integer]) -> NDArray[np.integer]:
    """What `np.unique` gives, which since NumPy 2.3 hashes first and takes ten times as long for a million streets."""
    ordered = np.sort(values)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _plots(case: Case, patch_m: float) -> _Plots:
    column, row = np.floor(case.people.xy / patch_m).astype(np.int64).T
    of_square = _numbered(column, row)[1]
    part, of_cell = _numbered(case.people.area.astype(np.int64), of_square)
    return _Plots(of_cell, part[:, 0], part[:, 1])


def _numbered(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs that there are, (p, 2), in their order, and which of them each one is."""
    if not len(first):
        return np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    low, span = second.min(), np.ptp(second) + 1
    key, which = np.unique(first * span + (second - low), return_inverse=True)
    return np.column_stack([key // span, key % span + low]), which


def _run(world: _World, run: int) -> NDArray[np.float64]:
    """Coverage per service and area, the total last, in one drawn world."""
    draw = np.random.default_rng([world.seed, run])
    doubts, plots = world.doubts, world.plots
    speed = draw.triangular(1 - doubts.speed, 1.0, 1 + doubts.speed) if doubts.speed else 1.0
    cap_mm = int(draw.uniform(*doubts.snap_cap_m) * 1000)
    closed = draw.random(world.n_streets) < draw.uniform(0, doubts.closed_streets)
    sd = doubts.population_sd
    factor = draw.lognormal(-(sd**2) / 2, sd, int(plots.square.max()) + 1)[plots.square]
    rows = []
    for one in world.surroundings:
        facilities, arcs = _capped(one.facilities, cap_mm), _without(one.arcs, closed[one.street])
        nodes = nearest_to_nodes(*arcs, seeds_of(one.segments, facilities, one.rows))
        found = nearest_to_places(one.segments, nodes, facilities, one.rows, _capped(one.cells, cap_mm))
        covered = np.where(found.source != NO_SOURCE, found.mm, one.estimated_mm) <= one.most_mm * speed
        served = np.bincount(one.plot[covered], one.people[covered], len(factor))
        rows.append(_shares(world, served * factor, one.living, factor))
    return np.array(rows)


def _capped(spots: Spots, cap_mm: int) -> Spots:
    """Spots that do not meet the network where the way to it is longer."""
    return spots._replace(segment=np.where(spots.access_mm <= cap_mm, spots.segment, np.int32(NO_SEGMENT)))


def _without(arcs: Arcs, closed: NDArray[np.bool_]) -> Arcs:
    """The arcs that are not closed."""
    kept = np.concatenate([[0], np.cumsum(~closed)])[arcs.ptr]
    return Arcs(kept, arcs.head[~closed], arcs.mm[~closed])


def _shares(
    world: _World, served: NDArray[np.float64], people: NDArray[np.float64], factor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the people of each area who are served, and of all, from those of its plots.

    Every area keeps its people, however the factors fell.
    """
    area, count = world.plots.area, world.areas
    drawn, inhabited = np.bincount(area, people * factor, count), np.bincount(area, people, count)
    share = np.divide(np.bincount(area, served, count), drawn, out=np.full(count, np.nan), where=drawn > 0)
    total = np.nansum(share * inhabited) / inhabited.sum() if inhabited.sum() > 0 else np.nan
    return np.append(share, total)


def _coverage(case: Case, reach: Reach) -> NDArray[np.float64]:
    """As the tables have it, per area and in total."""
    people = case.people_of(reach.service.people)
    served = np.where(reach.covered, people, 0.0)
    parts = [np.bincount(case.people.area, values, len(case.areas)) for values in (served, people)]
    both = [np.append(part, part.sum()) for part in parts]
    return np.divide(both[0], both[1], out=np.full(len(both[0]), np.nan), where=both[1] > 0)
