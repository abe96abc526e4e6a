"""Squares of a grid, dissolved by what they belong to."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import rasterio.features
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOBODY = -1


def dissolve(
    column: NDArray[np.int64], row: NDArray[np.int64], owner: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Polygons of the squares of each owner, on the grid: the square (c, r) reaches from there to (c + 1, r + 1).

    Parameters
    ----------
    column, row : (k,) int64
        Each square once, from 0 on.
    owner : (k,) int
        From 0 on; -1 for nobody.

    Returns
    -------
    found : (p,) int32
        Owners of any square, ascending.
    dissolved : (p,) object
        Valid MultiPolygon of each; squares that touch at a corner only are polygons of their own.
    """
    if not (owner != NOBODY).any():
        return np.empty(0, np.int32), np.empty(0, object)
    labels = np.full((int(row.max()) + 1, int(column.max()) + 1), NOBODY, np.int32)
    labels[row, column] = owner
    owners, outlines = [], []
    for outline, label in rasterio.features.shapes(labels, mask=labels != NOBODY):
        owners.append(int(label))
        outlines.append(outline["coordinates"])
    found, of = np.unique(np.array(owners, np.int32), return_inverse=True)
    order = np.argsort(of, kind="stable")
    return found, shapely.multipolygons(_polygons(outlines)[order], indices=of[order])


def _polygons(outlines: list[list[list[tuple[float, float]]]]) -> NDArray[np.object_]:
    """One for each outline, whose first ring is its shell."""
    rings = list(chain.from_iterable(outlines))
    corners = np.array(list(chain.from_iterable(rings)))
    ring_of_corner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    outline_of_ring = np.repeat(np.arange(len(outlines)), [len(outline) for outline in outlines])
    return shapely.polygons(shapely.linearrings(corners, indices=ring_of_corner), indices=outline_of_ring)
