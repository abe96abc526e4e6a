"""Who is served in time, and how long people walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.model import OUTSIDE_AREAS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.model import Case
    from withinreach.reach import Reach


def nearest_first(reach: Reach) -> NDArray[np.intp]:
    """Rows of the cells that can reach a facility, in the order of the time that it takes."""
    connected = np.flatnonzero(np.isfinite(reach.seconds))
    return connected[np.argsort(reach.seconds[connected], kind="stable")]


def walking_figures(case: Case, reach: Reach, own: Reach, units: Units, order: NDArray[np.intp]) -> pd.DataFrame:
    """People, served and uncovered people, coverage, and minutes to the nearest facility, one row per unit.

    Parameters
    ----------
    own
        The reach without what lies across a border.
    order
        See `nearest_first`.
    """
    people = case.people_of(reach.service.people)
    total = units.people(people)
    uncovered = units.people(np.where(reach.covered, 0.0, people))
    served = units.people(np.where(reach.covered, people, 0.0))
    served_own = units.people(np.where(own.covered, people, 0.0))
    with np.errstate(invalid="ignore"):
        coverage, coverage_own = (np.where(total > 0, part / total, np.nan) for part in (served, served_own))
    here = order[units.of_cell[order] != OUTSIDE_AREAS]
    minutes, weights, unit = reach.seconds[here] / 60, people[here], units.of_cell[here]
    reachable = np.bincount(unit, weights, units.count)
    with np.errstate(invalid="ignore"):
        mean = np.where(reachable > 0, np.bincount(unit, weights * minutes, units.count) / reachable, np.nan)
    median, p90 = sorted_quantiles(minutes, weights, unit, (0.5, 0.9), units.count)
    return pd.DataFrame(
        {
            "people": total,
            "served_people": served,
            "uncovered_people": uncovered,
            "coverage": coverage,
            "served_own_people": served_own,
            "coverage_own": coverage_own,
            "estimated_people": units.people(np.where(reach.estimated, people, 0.0)),
            "mean_min": mean,
            "median_min": median,
            "p90_min": p90,
        }
    )


def weighted_quantiles(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    unit: NDArray[np.int32],
    shares: tuple[float, ...],
    count: int,
) -> NDArray[np.float64]:
    """Per unit the smallest value that at least a share of the weight does not exceed.

    Parameters
    ----------
    values, weights, unit : (k,)
        ``unit`` from 0 to count - 1.

    Returns
    -------
    (len(shares), count) float64
        NaN for units without weight.
    """
    order = np.argsort(values, kind="stable")
    return sorted_quantiles(values[order], weights[order], unit[order], shares, count)


def sorted_quantiles(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    unit: NDArray[np.int32],
    shares: tuple[float, ...],
    count: int,
) -> NDArray[np.float64]:
    """The same of values that are sorted already."""
    if count > 1:
        # Numbers of 16 bits are sorted by radix: 600,000 in 4 ms in place of 60.
        narrow = unit.astype(np.int16) if count <= np.iinfo(np.int16).max else unit
        order = np.argsort(narrow, kind="stable")
        values, weights, unit = values[order], weights[order], unit[order]
    bounds = np.searchsorted(unit, np.arange(count + 1))
    result = np.full((len(shares), count), np.nan)
    for row in range(count):
        here = slice(bounds[row], bounds[row + 1])
        running = np.cumsum(weights[here])
        if len(running) and running[-1] > 0:
            at = np.searchsorted(running, np.array(shares) * running[-1])
            result[:, row] = values[here][at]
    return result
