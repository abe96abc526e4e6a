"""Population: GeoTIFFs on one grid, or tables of points, summed to the groups of the study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.windows import Window

from withinreach.errors import CrsError, SourceError
from withinreach.sources.files import need_file
from withinreach.sources.rows import coordinates, need_columns, numbers
from withinreach.sources.tables import TABLE_SUFFIXES, read_table
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from withinreach.sources.remarks import Remark
    from withinreach.study import PopulationLayer, PopulationPart

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class PeoplePoints:
    """Inhabited cells or points, as the layer has them.

    Attributes
    ----------
    x, y : (k,) float64
        Centres in the coordinates of the declared datum.
    groups : dict from group name to (k,) float64
        People, at least one group of each cell above 0.
    cell : (float, float)
        Width and height of a cell in the units of x and y; (0, 0) for points.
    remarks
        How a table was read, for the audit.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    groups: dict[str, NDArray[np.float64]]
    cell: tuple[float, float]
    remarks: tuple[Remark, ...] = ()


def read_population(layer: PopulationLayer, bounds: Bounds) -> PeoplePoints:
    """Read every group of a population layer.

    Parameters
    ----------
    bounds
        West, south, east, north in the coordinates of the declared datum: rasters are read in this window only.

    Raises
    ------
    SourceError
        If a file is missing or unreadable, parts lie on different grids, a column is missing, or people are
        negative or not a number, each with file, row and column.
    CrsError
        If a raster's CRS contradicts the declared datum.
    """
    parts = list(_parts(layer))
    tables = [part.path.suffix.lower() in TABLE_SUFFIXES for _, part in parts]
    if all(tables):
        return _read_tables(layer)
    if any(tables):
        raise SourceError(f"{parts[0][1].path}: the population mixes tables and rasters; give all groups in one form")
    return _read_rasters(layer, bounds)


def _parts(layer: PopulationLayer) -> Iterator[tuple[str, PopulationPart]]:
    return ((name, part) for name, group in layer.groups.items() for part in group.parts)


# Rasters ------------------------------------------------------------------------------------------------------


def _read_rasters(layer: PopulationLayer, bounds: Bounds) -> PeoplePoints:
    paths = list(dict.fromkeys(part.path for _, part in _parts(layer)))
    window, grid = _common_window(paths, layer.datum, bounds)
    shape = (int(window.height), int(window.width))
    sums = {name: np.zeros(shape) for name in layer.groups}
    for path in paths:
        people = _read_band(path, window)
        for name, part in _parts(layer):
            if part.path == path:
                sums[name] += people * part.share

    inhabited = np.zeros(shape, bool)
    for values in sums.values():
        inhabited |= values > 0
    row, column = np.nonzero(inhabited)
    x = grid.c + grid.a * (column + window.col_off + 0.5)
    y = grid.f + grid.e * (row + window.row_off + 0.5)
    return PeoplePoints(
        x=x,
        y=y,
        groups={name: values[inhabited] for name, values in sums.items()},
        cell=(abs(grid.a), abs(grid.e)),
    )


def _common_window(paths: list[Path], datum: str, bounds: Bounds) -> tuple[Window, rasterio.Affine]:
    """The part of the shared grid that covers the bounds."""
    first: tuple[Path, tuple[object, ...]] | None = None
    problems: list[str] = []
    for path in paths:
        with _open(path, datum) as source:
            grid = (source.transform, source.width, source.height)
            window = _window(path, source, bounds)
        if first is None:
            first = (path, grid)
        elif grid != first[1]:
            problems.append(
                f"{path}: lies on another grid than {first[0].name}; resample it onto the same cells by sums"
            )
    if problems:
        raise SourceError(problems)
    return window, grid[0]


def _window(path: Path, source: DatasetReader, bounds: Bounds) -> Window:
    grid = source.transform
    if grid.b or grid.d:
        raise SourceError(f"{path}: the raster is rotated; give a grid with north up")
    west, south, east, north = bounds
    columns = (np.array([west, east]) - grid.c) / grid.a
    rows = (np.array([north, south]) - grid.f) / grid.e
    left, right = max(0, int(np.floor(columns.min()))), min(source.width, int(np.ceil(columns.max())))
    top, bottom = max(0, int(np.floor(rows.min()))), min(source.height, int(np.ceil(rows.max())))
    if left >= right or top >= bottom:
        raise SourceError(f"{path}: the raster does not overlap the areas; check the datum of both layers")
    return Window(left, top, right - left, bottom - top)


def _read_band(path: Path, window: Window) -> NDArray[np.float64]:
    """People per cell, 0 where there are no data."""
    with rasterio.open(path) as source:
        values = source.read(1, window=window).astype(np.float64)
        nodata = source.nodata
    missing = np.isnan(values)
    if nodata is not None:
        missing |= values == nodata
    values[missing] = 0
    wrong = np.argwhere(~np.isfinite(values) | (values < 0))
    if len(wrong):
        row, column = wrong[0]
        raise SourceError(
            f"{path}: row {row + window.row_off + 1}, column {column + window.col_off + 1}: "
            f"{values[row, column]:g} people ({len(wrong)} cells below 0 or infinite); "
            f"set the raster's nodata value (now {nodata}) or correct the cells"
        )
    return values


def _open(path: Path, datum: str) -> DatasetReader:
    need_file(path)
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(f"{path}: cannot be read as a raster: {error}") from None
    if source.crs is not None:
        degrees = datum in DATUMS
        if degrees != source.crs.is_geographic or (not degrees and source.crs != rasterio.CRS.from_string(datum)):
            raise CrsError(f"{path}: declared as {datum}, but the file says {source.crs}; declare what the file says")
    return source


# Tables -------------------------------------------------------------------------------------------------------


def _read_tables(layer: PopulationLayer) -> PeoplePoints:
    paths = list(dict.fromkeys(part.path for _, part in _parts(layer)))
    if len(paths) > 1:
        raise SourceError(f"{paths[1]}: give the columns of all groups in one table of points ({paths[0].name})")
    path = paths[0]
    columns = _table_columns(path, layer)
    read = read_table(path, [layer.x, layer.y, *(column for _, column, _ in columns)])
    table, remarks = read.rows, [*read.remarks]
    wanted = [(f"population.groups.{name}", column) for name, column, _ in columns]
    need_columns(path, table, [("population.x", layer.x), ("population.y", layer.y), *wanted])
    x, y = coordinates(path, table, layer.x), coordinates(path, table, layer.y)
    problems = x.problems + y.problems
    remarks += x.remarks + y.remarks
    groups = {name: np.zeros(len(table)) for name in layer.groups}
    for name, column, share in columns:
        people = numbers(path, table, column)
        problems += people.problems
        remarks += people.remarks
        groups[name] += np.nan_to_num(people.array) * share
    if problems:
        raise SourceError(dict.fromkeys(problems))
    inhabited = np.logical_or.reduce([values > 0 for values in groups.values()])
    return PeoplePoints(
        x=x.array[inhabited],
        y=y.array[inhabited],
        groups={name: values[inhabited] for name, values in groups.items()},
        cell=(0.0, 0.0),
        remarks=tuple(remarks),
    )


def _table_columns(path: Path, layer: PopulationLayer) -> list[tuple[str, str, float]]:
    """Group, column and share of every part."""
    columns = []
    for name, part in _parts(layer):
        if part.column is None:
            raise SourceError(f"{path}: population.groups.{name} needs column, the column of its people")
        columns.append((name, part.column, part.share))
    return columns
