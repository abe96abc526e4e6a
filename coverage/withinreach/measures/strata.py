"""Urban, rural and mountain: which kind of place each cell lies in, by rules that are stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case

# Degree of urbanisation, as the UN Statistical Commission endorsed it in 2020 (European Union et al. 2021, "Applying
# the degree of urbanisation", https://doi.org/10.2785/706535): squares of 1 km with 300 people or more that touch, at
# a corner too, and hold 5,000 together are urban clusters.
SQUARE_M = 1000.0
URBAN_PER_KM2 = 300.0
URBAN_CLUSTER_PEOPLE = 5000.0
# Ours, not verified: mountain where the streets of the 2.25 km square around a cell take a tenth longer there and back
# than on the level, by Tobler's function; that is a slope of about 5 %.
PATCH_M = 250.0
PATCHES_ACROSS = 9
MOUNTAIN_LONGER = 1.1


class Strata(NamedTuple):
    """Kinds of places. A cell may be mountain besides being urban or rural.

    Attributes
    ----------
    urban : (k,) bool
        The others are rural.
    mountain : (k,) bool or None
        None where the study has no terrain, so that nothing can be said.
    """

    urban: NDArray[np.bool_]
    mountain: NDArray[np.bool_] | None


def strata_of(case: Case) -> Strata:
    """Sort the cells of a case.

    Urban are the cells in urban clusters of the degree of urbanisation, counted with the study's largest group of
    people on squares of 1 km of its metric CRS. Mountain, where the study gives a terrain, are cells around which
    streets are steep (see `MOUNTAIN_LONGER`).
    """
    return Strata(_urban(case.people.xy, case.people_of(everybody(case))), _mountain(case))


def everybody(case: Case) -> str:
    """The group that stands for all residents: the one with most people, the first of the study among equals."""
    totals = {group: case.people_of(group).sum() for group in case.study.population.groups}
    return max(totals, key=lambda group: totals[group])


def _urban(xy: NDArray[np.float64], people: NDArray[np.float64]) -> NDArray[np.bool_]:
    at, shape = _squares(xy, SQUARE_M)
    grid = np.bincount(at, people, shape[0] * shape[1]).reshape(shape)
    cluster, _ = ndimage.label(grid >= URBAN_PER_KM2 * (SQUARE_M / 1000) ** 2, structure=np.ones((3, 3)))
    urban = np.bincount(cluster.reshape(-1), grid.reshape(-1)) >= URBAN_CLUSTER_PEOPLE
    urban[0] = False  # what lies in no cluster
    found: NDArray[np.bool_] = urban[cluster.reshape(-1)[at]]
    return found


def _mountain(case: Case) -> NDArray[np.bool_] | None:
    if case.study.network.terrain is None:
        return None
    network, cells = case.network, len(case.people)
    middle = (network.xy[network.tail] + network.xy[network.head]) / 2
    at, shape = _squares(np.concatenate([case.people.xy, middle]), PATCH_M)
    length = np.bincount(at[cells:], network.length_mm, shape[0] * shape[1]).reshape(shape)
    effort = np.bincount(at[cells:], network.length_mm * network.uphill.mean(axis=0), length.size).reshape(shape)
    around = [
        ndimage.uniform_filter(grid, PATCHES_ACROSS, mode="constant").reshape(-1)[at[:cells]]
        for grid in (length, effort)
    ]
    # Running sums leave rounding behind where there are no streets: less than a millimetre is none.
    some = around[0] > 1
    mountain: NDArray[np.bool_] = some & (around[1] >= MOUNTAIN_LONGER * around[0])
    return mountain


def _squares(xy: NDArray[np.float64], side_m: float) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """The square of each point, counted along the rows of the grid that holds them all, and its shape."""
    square = np.floor(xy / side_m).astype(np.int64)
    column, row = (square - square.min(axis=0)).T
    shape = int(column.max()) + 1, int(row.max()) + 1
    return column * shape[1] + row, shape
