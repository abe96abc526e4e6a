"""Points of a square lattice over the ground, as places: each meets the nearest street like any cell of people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.errors import CoverageError
from withinreach.kernels.nearest import Spots
from withinreach.model import NO_SEGMENT
from withinreach.preparation.snapping import snap_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Network

# Points per side of a tile. Tiles are what is chosen of the lattice: small ones hug a circle, and few are enough.
TILE = 16


class Lattice(NamedTuple):
    """Lattice points that have a street near.

    Points lie at multiples of the lattice's step, so that every lattice of the same step is part of one.

    Attributes
    ----------
    step_mm : int
    column, row : (k,) int64
        The point is at (column, row) times the step.
    spots : Spots
        Where each meets the network, shapes (k,).
    """

    step_mm: int
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    spots: Spots


def whole_step_mm(cell_m: float) -> int:
    """The step of a lattice in whole millimetres.

    Raises
    ------
    CoverageError
        If it is not a length in whole millimetres.
    """
    step_mm = round(cell_m * 1000) if np.isfinite(cell_m) else 0
    if step_mm < 1 or abs(step_mm - cell_m * 1000) > 1e-6:
        raise CoverageError(f"cell_m = {cell_m:g}: give a length in metres, in whole millimetres")
    return step_mm


def tiles_around(xy: NDArray[np.float64], radius_m: float, step_mm: int) -> NDArray[np.int64]:
    """Tiles of which a point may be within a radius of some position, each once, shape (t, 2): column and row."""
    side_m = TILE * step_mm / 1000
    low = np.floor((xy - radius_m) / side_m).astype(np.int64)
    span = int(2 * radius_m // side_m) + 2
    across = np.stack(np.meshgrid(np.arange(span), np.arange(span)), axis=-1).reshape(-1, 2)
    tiles = low[:, None, :] + across
    beside = np.maximum(tiles * side_m - xy[:, None, :], xy[:, None, :] - (tiles + 1) * side_m)
    near = np.hypot(*np.moveaxis(np.maximum(beside, 0), -1, 0)) <= radius_m
    return np.unique(tiles[near], axis=0)


def tiles_near_streets(network: Network, cap_m: float, step_mm: int) -> NDArray[np.int64]:
    """Tiles of which a point may be within a cap of some street, each once, shape (t, 2)."""
    side_m = TILE * step_mm / 1000
    first = np.floor((network.vertex_xy.min(axis=0) - cap_m) / side_m).astype(np.int64)
    last = np.floor((network.vertex_xy.max(axis=0) + cap_m) / side_m).astype(np.int64)
    columns, rows = (np.arange(a, b + 1) for a, b in zip(first, last, strict=True))
    tiles = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    # Judged from their middles, which is a hundredth of the work.
    segment, _, _ = snap_places(network, (tiles + 0.5) * side_m, cap_m + side_m)
    return tiles[segment != NO_SEGMENT]


def snap_tiles(network: Network, tiles: NDArray[np.int64], step_mm: int, cap_m: float) -> Lattice:
    """The lattice points of some tiles that have a street within a cap."""
    within = np.arange(TILE)
    column, row = np.broadcast_arrays(
        tiles[:, 0, None, None] * TILE + within, tiles[:, 1, None, None] * TILE + within[:, None]
    )
    column, row = column.reshape(-1), row.reshape(-1)
    xy = np.column_stack([column, row]) * (step_mm / 1000)
    segment, offset_mm, access_mm = snap_places(network, xy, cap_m)
    met = np.flatnonzero(segment != NO_SEGMENT)
    return Lattice(step_mm, column[met], row[met], Spots(segment[met], offset_mm[met], access_mm[met]))
