"""All assumptions at once: coverage in many worlds that the inputs do not rule out, drawn by a seed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.kernels.nearest import NO_SOURCE, nearest_to_nodes, seeds_of
from withinreach.model import NO_SEGMENT, Costs, Places, walking_costs
from withinreach.progress import silent
from withinreach.reach import measure_reach, nearest_along, segments_of, spots_of
from withinreach.uncertainty.snapped import with_snap_cap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.progress import Progress
    from withinreach.reach import Reach

TOTAL = "total"
# Of the runs between the bounds.
LEVEL = 0.95


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
    case : Case
        With these cells only, snapped as far as any run may.
    cells : (c,) int64
        Rows of the cells in the whole case.
    estimated_mm : (c,) float64
        Walks that are estimates; inf for all others.
    costs : Costs
        Arcs between nodes that are near enough.
    street : (a,) int64
        The street of each of these arcs; both directions and parallel streets are one.
    """

    reach: Reach
    case: Case
    cells: NDArray[np.int64]
    estimated_mm: NDArray[np.float64]
    costs: Costs
    street: NDArray[np.int64]


class _Plots(NamedTuple):
    """Parts of squares in one area each, for adding up people without going through all cells."""

    of_cell: NDArray[np.int64]
    area: NDArray[np.int64]
    square: NDArray[np.int64]


class _World(NamedTuple):
    """What all runs share."""

    case: Case
    surroundings: tuple[_Surroundings, ...]
    n_streets: int
    plots: _Plots
    doubts: Doubts
    seed: int


def estimate_intervals(
    case: Case,
    *,
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
    world = _world(case, doubts or Doubts(), seed)
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


def _world(case: Case, doubts: Doubts, seed: int) -> _World:
    snapped = with_snap_cap(case, doubts.snap_cap_m[1])
    network = case.network
    ends = np.sort(np.column_stack([network.tail, network.head]).astype(np.int64), axis=1)
    streets = np.unique(ends[:, 0] * network.n_nodes + ends[:, 1])
    surroundings = tuple(
        _surroundings(snapped, measure_reach(case, service), streets, 1 + doubts.speed)
        for service in case.study.services.values()
    )
    return _World(case, surroundings, len(streets), _plots(case, doubts.population_patch_m), doubts, seed)


def _surroundings(case: Case, reach: Reach, streets: NDArray[np.int64], fastest: float) -> _Surroundings:
    profile = case.study.profiles[reach.service.profile]
    most_mm = reach.service.cutoff_s * profile.speed_mm_s * fastest
    costs = walking_costs(case.network, profile)
    found = nearest_along(case, reach.service, costs)
    estimated_mm = np.where(reach.estimated, reach.level_m * 1000, np.inf)
    cells = np.flatnonzero(((found.source != NO_SOURCE) & (found.mm <= most_mm)) | (estimated_mm <= most_mm))
    rows = case.facility_rows(reach.service.kinds)
    seeds = seeds_of(segments_of(case.network, costs), spots_of(case.facilities), rows)
    near = nearest_to_nodes(costs.arc_ptr, costs.arc_head, costs.arc_mm, seeds).mm <= most_mm
    n_nodes = case.network.n_nodes
    start = np.repeat(np.arange(n_nodes), np.diff(costs.arc_ptr))
    kept = near[start] & near[costs.arc_head]
    low, high = np.minimum(start, costs.arc_head)[kept], np.maximum(start, costs.arc_head)[kept]
    return _Surroundings(
        reach=reach,
        case=replace(case, people=_taken(case.people, cells)),
        cells=cells,
        estimated_mm=estimated_mm[cells],
        costs=_without(costs, ~kept),
        street=np.searchsorted(streets, low * n_nodes + high),
    )


def _plots(case: Case, patch_m: float) -> _Plots:
    corner = np.floor(case.people.xy / patch_m).astype(np.int64)
    square = np.unique(corner, axis=0, return_inverse=True)[1].reshape(-1)
    pairs, of_cell = np.unique(np.column_stack([case.people.area, square]), axis=0, return_inverse=True)
    return _Plots(of_cell.reshape(-1), pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64))


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
        service, case = one.reach.service, one.case
        drawn = replace(case, people=_capped(case.people, cap_mm), facilities=_capped(case.facilities, cap_mm))
        found = nearest_along(drawn, service, _without(one.costs, closed[one.street]))
        mm = np.where(found.source != NO_SOURCE, found.mm, one.estimated_mm)
        covered = mm <= service.cutoff_s * case.study.profiles[service.profile].speed_mm_s * speed
        people = world.case.people_of(service.people)
        served = np.bincount(plots.of_cell[one.cells[covered]], people[one.cells[covered]], len(factor))
        living = np.bincount(plots.of_cell, people, len(factor)).astype(np.float64)
        rows.append(_shares(world, served * factor, living, factor))
    return np.array(rows)


def _capped(places: Places, cap_mm: int) -> Places:
    return replace(places, segment=np.where(places.access_mm <= cap_mm, places.segment, NO_SEGMENT).astype(np.int32))


def _taken(places: Places, rows: NDArray[np.int64]) -> Places:
    return Places(
        table=places.table.iloc[rows],
        xy=places.xy[rows],
        area=places.area[rows],
        segment=places.segment[rows],
        offset_mm=places.offset_mm[rows],
        access_mm=places.access_mm[rows],
    )


def _without(costs: Costs, closed: NDArray[np.bool_]) -> Costs:
    """The costs without some of the arcs."""
    kept = np.concatenate([[0], np.cumsum(~closed)])[costs.arc_ptr]
    return replace(costs, arc_ptr=kept, arc_head=costs.arc_head[~closed], arc_mm=costs.arc_mm[~closed])


def _shares(
    world: _World, served: NDArray[np.float64], people: NDArray[np.float64], factor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the people of each area who are served, and of all, from those of its plots.

    Every area keeps its people, however the factors fell.
    """
    area, count = world.plots.area, len(world.case.areas)
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
