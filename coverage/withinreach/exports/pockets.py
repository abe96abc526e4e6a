"""The ground of pockets: the squares of their cells, dissolved."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from pyproj import Transformer

from withinreach.catchments.squares import dissolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case

# Coordinates of one row of a grid differ by rounding only: a ten-thousandth of a cell.
SAME_ROW = 1e-4
# A degree of a meridian, to a few thousandths, and how far steps in degrees may differ from the size of a cell. Cells
# of an equal-area raster (Mollweide) have no two longitudes in common: their steps would be next to nothing.
DEGREE_M = 111_200.0
SAME_SIZE = 0.05


class _Grid(NamedTuple):
    """The grid that cells lie on: its CRS, the middle of its first cell, its steps; column and row of each cell."""

    crs: str
    origin: NDArray[np.float64]
    step: NDArray[np.float64]
    column: NDArray[np.int64]
    row: NDArray[np.int64]


def pocket_shapes(case: Case, of_cell: NDArray[np.int64], count: int) -> NDArray[np.object_]:
    """Polygons of pockets in the study's metric CRS, shape (count,).

    Cells of a raster in degrees are squares of degrees, those of other layers squares of metres; cells that lie on no
    grid are brought to the next square of one of the same size.

    Parameters
    ----------
    of_cell : (k,) int64
        Pocket of each cell, from 0 on, -1 for none.
    """
    shapes = np.full(count, shapely.MultiPolygon(), object)
    cells = np.flatnonzero(of_cell >= 0)
    if not len(cells):
        return shapes
    grid = _grid(case, cells)
    found, dissolved = dissolve(grid.column, grid.row, of_cell[cells])
    metric = _between(grid.crs, case.study.metric_crs)

    def placed(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        # Corners of pixels lie half a step before their middles.
        return np.column_stack(metric.transform(*(grid.origin + (xy - 0.5) * grid.step).T))

    shapes[found] = shapely.transform(dissolved, placed)
    return shapes


def _grid(case: Case, cells: NDArray[np.int64]) -> _Grid:
    """The grid of degrees if the cells lie on one of their size, else squares of metres."""
    table, step_m = case.people.table, np.array(case.cell_size_m)
    degrees = table[["lon", "lat"]].to_numpy(np.float64)[cells]
    step_deg = np.array([_step(axis) for axis in degrees.T])
    parallel = np.cos(np.radians(degrees[:, 1].mean()))
    in_degrees = (np.abs(step_deg * [parallel, 1.0] * DEGREE_M / step_m - 1) < SAME_SIZE).all()
    crs, at, step = (
        ("EPSG:4326", degrees, step_deg)
        if in_degrees and _rows(degrees, step_deg) < _rows(case.people.xy[cells], step_m)
        else (case.study.metric_crs, case.people.xy[cells], step_m)
    )
    origin = at.min(axis=0)
    column, row = np.round((at - origin) / step).astype(np.int64).T
    return _Grid(crs, origin, step, column, row)


def _rows(at: NDArray[np.float64], step: NDArray[np.float64]) -> int:
    return len(np.unique(np.round(at[:, 1] / step[1] / SAME_ROW)))


@cache
def _between(source: str, target: str) -> Transformer:
    """Looking a transformation up takes longer than using it."""
    return Transformer.from_crs(source, target, always_xy=True)


def _step(axis: NDArray[np.float64]) -> float:
    """The smallest distance between two columns, or rows, of cells; a thousandth of a degree for a single one."""
    gaps = np.diff(np.unique(np.round(axis, 9)))
    return float(gaps.min()) if len(gaps) else 1e-3
