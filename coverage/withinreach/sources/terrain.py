"""Heights of the ground at points, from a GeoTIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import rasterio
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from withinreach.errors import CrsError, SourceError
from withinreach.sources.files import need_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio import DatasetReader

METRES_PER_DEGREE = 111_320.0
# 1 GB: a prefecture of 150 x 150 km at 10 m. Whoever has finer heights does not need them for slopes of streets.
MAX_CELLS = 250_000_000


def heights_at(path: Path, crs: str, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights at points, bilinear between the centres of four cells.

    Only the part of the raster around the points is read.

    Parameters
    ----------
    crs
        Of the points.
    xy : (k, 2) float64

    Returns
    -------
    (k,) float64
        Metres; NaN outside the raster and beside cells without data.

    Raises
    ------
    SourceError
        If the file is missing or unreadable, rotated, or too large a part of it would be needed.
    CrsError
        If it does not state its CRS.
    """
    with _open(path) as source:
        to_raster = pyproj.Transformer.from_crs(crs, source.crs, always_xy=True)
        x, y = to_raster.transform(xy[:, 0], xy[:, 1])
        grid = source.transform
        column, row = (np.asarray(x) - grid.c) / grid.a - 0.5, (np.asarray(y) - grid.f) / grid.e - 0.5
        window = _window(path, source, row, column)
        if window is None:
            return np.full(len(xy), np.nan)
        heights = source.read(1, window=window, masked=True)
        values = heights.astype(np.float32).filled(np.nan) * source.scales[0] + source.offsets[0]
    at = np.vstack([row - window.row_off, column - window.col_off])
    found: NDArray[np.float64] = map_coordinates(values, at, np.float64, order=1, cval=np.nan)
    return found


def terrain_cell_m(path: Path) -> float:
    """Length of a cell's side from north to south, metres.

    Raises
    ------
    SourceError, CrsError
        As `heights_at`.
    """
    with _open(path) as source:
        side = abs(source.transform.e)
        return float(side * METRES_PER_DEGREE if source.crs.is_geographic else side * source.crs.linear_units_factor[1])


def _open(path: Path) -> DatasetReader:
    need_file(path)
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(f"{path}: cannot be read as a raster of heights: {error}") from None
    if source.crs is None:
        raise CrsError(f"{path}: the raster of heights states no CRS; write it into the file (gdal_edit.py -a_srs)")
    if source.transform.b or source.transform.d:
        raise SourceError(f"{path}: the raster of heights is rotated; give a grid with north up")
    return source


def _window(path: Path, source: DatasetReader, row: NDArray[np.float64], column: NDArray[np.float64]) -> Window | None:
    """The part of the raster with all cells that the points lie between; None if there is none."""
    inside = (row > -1) & (row < source.height) & (column > -1) & (column < source.width)
    if not inside.any():
        return None
    top, left = (max(0, int(np.floor(part[inside].min()))) for part in (row, column))
    bottom = min(source.height, int(np.floor(row[inside].max())) + 2)
    right = min(source.width, int(np.floor(column[inside].max())) + 2)
    if (bottom - top) * (right - left) > MAX_CELLS:
        raise SourceError(
            f"{path}: {(bottom - top) * (right - left):,} heights lie around the streets, more than {MAX_CELLS:,}; "
            "resample the raster to 10 m or more"
        )
    return Window(left, top, right - left, bottom - top)
