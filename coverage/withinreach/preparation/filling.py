"""Points that fill polygons evenly, for people of whom only the unit is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_POINTS = 20_000_000


def fill_polygons(shapes: NDArray[np.object_], spacing_m: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The centres of square cells that lie in each polygon; one point on it where there is none.

    Parameters
    ----------
    shapes : (n,) polygons, metres
    spacing_m
        Side of a cell. All cells belong to one grid, so that polygons that share a border share no cell.

    Returns
    -------
    xy : (p, 2) float64
    owner : (p,) int64
        Row of the polygon of each point, ascending; every polygon has a point.

    Raises
    ------
    SourceError
        If they would be too many points.
    """
    bounds = shapely.bounds(shapes)
    cells = np.ceil((bounds[:, 2:] - bounds[:, :2]) / spacing_m) + 1
    if cells.prod(axis=1).sum() > MOST_POINTS:
        raise SourceError(
            f"polygons would be filled with up to {cells.prod(axis=1).sum():,.0f} points {spacing_m:g} m apart; "
            "set a larger population.cell_m"
        )
    shapely.prepare(shapes)
    found = [_centres_in(shape, box, spacing_m) for shape, box in zip(shapes, bounds, strict=True)]
    count = np.array([len(xy) for xy in found], np.int64)
    empty = np.flatnonzero(count == 0)
    for row, point in zip(empty, shapely.get_coordinates(shapely.point_on_surface(shapes[empty])), strict=True):
        found[row] = point[None, :]
    owner = np.repeat(np.arange(len(shapes)), np.maximum(count, 1))
    return np.concatenate([np.empty((0, 2)), *found]), owner


def _centres_in(shape: object, bounds: NDArray[np.float64], spacing_m: float) -> NDArray[np.float64]:
    first, last = np.floor(bounds[:2] / spacing_m), np.ceil(bounds[2:] / spacing_m)
    x, y = ((np.arange(first[i], last[i]) + 0.5) * spacing_m for i in (0, 1))
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return xy[shapely.contains_xy(shape, xy)]
