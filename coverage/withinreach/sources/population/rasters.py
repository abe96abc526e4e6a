"""Rasters of people: read in strips around the areas, masked, counted, and summed to groups."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from withinreach.errors import CrsError, SourceError
from withinreach.sources.files import need_file
from withinreach.sources.population.cell_area import CellAreas
from withinreach.sources.population.cells import Masked, Moved, PeoplePoints
from withinreach.sources.population.grids import Span, share_grid
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from withinreach.sources.population.cells import Bounds
    from withinreach.sources.population.grids import Placed, SharedGrid
    from withinreach.sources.population.parts import Parts
    from withinreach.study import PopulationLayer

# A file is read as what its name says and as nothing else: a virtual raster would name other files and addresses.
DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".asc": "AAIGrid", ".img": "HFA"}
# Cells that are held at once, per group and per file that is being read.
STRIP_CELLS = 2_000_000
# Every later stage holds some hundred bytes per inhabited cell; a prefecture has 1.2 million of 100 m.
MOST_INHABITED = 20_000_000
# GDAL unpacks a whole block to give one cell of it.
MOST_BLOCK_BYTES = 512 * 2**20
# Kowloon Walled City had 33,000 people on 0.026 km² (1987), 1.3 million per km²; more is no number of people but
# an undeclared nodata value such as 65535 or 3.4e38. Not verified.
MOST_PER_KM2 = 2_000_000.0
NAMED_CRS = {4326: "wgs84", 4490: "cgcs2000"}


def raster_datum(path: Path) -> str:
    """The CRS that a raster states: ``wgs84``, ``cgcs2000`` or its WKT.

    Raises
    ------
    SourceError, CrsError
        If the file is no raster, or states none.
    """
    with _opened(path) as source:
        if source.crs is None:
            raise CrsError(f"{path}: states no CRS; declare population.datum")
        if not (source.crs.is_geographic or source.crs.is_projected):
            raise CrsError(f"{path}: its CRS is neither of degrees nor a projection; declare population.datum")
        return NAMED_CRS.get(source.crs.to_epsg(), source.crs.to_wkt())


def read_rasters(layer: PopulationLayer, parts: Parts, datum: str, bounds: Bounds) -> PeoplePoints:
    """Read the cells of all groups around the areas.

    Cells are read in strips, so that memory holds the inhabited ones and not the raster.

    Raises
    ------
    SourceError
        If a file cannot be used, grids differ, or a cell holds what can be no number of people.
    CrsError
        If a raster's CRS contradicts the datum.
    """
    files = dict.fromkeys(part.path for group in parts.values() for part in group)
    with ExitStack() as stack:
        sources = _open_all(stack, files, datum)
        grid = share_grid(sources, bounds, by_sums=layer.resample == "sums")
        placed = {one.path: one for one in grid.placed}
        bands = {
            (part.path, part.band): _Band(placed[part.path], part.band, density=layer.unit == "people_per_km2")
            for group in parts.values()
            for part in group
        }
        row, column, groups = _inhabited(grid, bands, parts)
        extent = _shared_extent(sources.values())
    return PeoplePoints(
        datum=datum,
        x=grid.x.centres(column),
        y=grid.y.centres(row),
        groups=groups,
        read={
            name: sum(bands[part.path, part.band].before * part.share for part in group)
            for name, group in parts.items()
        },
        cell=(abs(grid.x.step), abs(grid.y.step)),
        parts=parts,
        masked=tuple(band.masked for band in bands.values()),
        moved=tuple(band.moved for band in bands.values() if not band.aligned),
        extent=extent,
    )


def _inhabited(
    grid: SharedGrid, bands: dict[tuple[Path, int | None], _Band], parts: Parts
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Row, column and people of the cells in which any group has people."""
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], list[NDArray[np.float64]]]] = []
    count = 0
    for rows in _strips(grid):
        sums = {name: np.zeros((len(rows), len(grid.columns))) for name in parts}
        for key, band in bands.items():
            people = band.read(rows, grid.columns)
            for name, group in parts.items():
                for part in group:
                    if (part.path, part.band) == key:
                        sums[name] += people if part.share == 1 else people * part.share
        here = np.flatnonzero(np.logical_or.reduce([values > 0 for values in sums.values()]))
        row, column = np.divmod(here, len(grid.columns))
        count += len(row)
        if count > MOST_INHABITED:
            raise SourceError(
                f"{grid.placed[0].path}: more than {MOST_INHABITED:,} inhabited cells lie around the areas; "
                "sum them up to larger ones"
            )
        found.append(
            (row + rows.start, column + grid.columns.start, [values.ravel()[here] for values in sums.values()])
        )
    row, column = (np.concatenate([strip[i] for strip in found]) for i in (0, 1))
    return row, column, {name: np.concatenate([strip[2][i] for strip in found]) for i, name in enumerate(parts)}


def _strips(grid: SharedGrid) -> Iterator[Span]:
    height = max(1, STRIP_CELLS // len(grid.columns))
    for start in range(grid.rows.start, grid.rows.stop, height):
        yield Span(start, min(start + height, grid.rows.stop))


class _Band:
    """Reads one band of a raster onto the shared grid, and counts what it masks.

    Attributes
    ----------
    before : float
        People that were read, before they were brought onto the shared grid.
    """

    def __init__(self, placed: Placed, number: int | None, *, density: bool) -> None:
        self._placed = placed
        self._told = number
        self._number = _band_number(placed, number)
        self._areas = CellAreas(placed.source)
        self._density = density
        self._scale, self._offset = placed.source.scales[self._number - 1], placed.source.offsets[self._number - 1]
        self._nodata_is_nan = placed.source.nodata is not None and np.isnan(placed.source.nodata)
        self._cells = self._no_data = self._nan = self._negative = 0
        self._lowest = self._after = 0.0
        self.before = 0.0

    @property
    def aligned(self) -> bool:
        return self._placed.aligned

    @property
    def masked(self) -> Masked:
        return Masked(self._placed.path, self._cells, self._no_data, self._nan, self._negative, self._lowest)

    @property
    def moved(self) -> Moved:
        return Moved(self._placed.path, self._told, self.before, self._after - self.before)

    def read(self, rows: Span, columns: Span) -> NDArray[np.float64]:
        """People per cell of the shared grid, 0 where there are no data."""
        on_rows, on_columns = self._placed.rows, self._placed.columns
        own = on_rows.own(rows)
        if not len(own):
            return np.zeros((len(rows), len(columns)))
        values = self._people(own, on_rows.begins_in(own, rows))
        if not self.aligned:
            moved = on_rows.shares(own, rows) @ values @ on_columns.shares(on_columns.span, columns).T
            self._after += float(moved.sum())
            return np.asarray(moved)
        people = np.zeros((len(rows), len(columns)))
        top, left = own.start + on_rows.shift - rows.start, on_columns.on_shared.start - columns.start
        people[top : top + len(own), left : left + values.shape[1]] = values
        return people

    def _people(self, own: Span, counted: Span) -> NDArray[np.float64]:
        """People in rows of the raster; only the rows that are to be counted are."""
        columns = self._placed.columns.span
        window = Window(columns.start, own.start, len(columns), len(own))
        try:
            raw = self._placed.source.read(self._number, window=window, masked=True)
        except RasterioError as error:
            raise SourceError(f"{self._placed.path}: cannot be read: {error}; the file may be cut off") from None
        data = raw.data
        if (self._scale, self._offset) != (1.0, 0.0):
            data = data * self._scale + self._offset
        masked, nan = np.ma.getmaskarray(raw), np.isnan(data)
        if self._nodata_is_nan:
            masked, nan = masked | nan, np.zeros_like(nan)
        negative = (data < 0) & ~masked
        no_data = masked & ~nan
        self._count(no_data, nan, negative, data, slice(counted.start - own.start, counted.stop - own.start))
        values = np.where(masked | nan | negative, 0.0, data).astype(np.float64, copy=False)
        km2 = self._areas.km2(own)
        self._need_plausible(values, values > MOST_PER_KM2 * (1 if self._density else km2), own)
        if self._density:
            values = np.where(values > 0, values * self._areas.true_km2(own, columns), 0.0)
        self.before += float(values[counted.start - own.start : counted.stop - own.start].sum())
        return values

    def _count(
        self,
        no_data: NDArray[np.bool_],
        nan: NDArray[np.bool_],
        negative: NDArray[np.bool_],
        data: NDArray[np.generic],
        counted: slice,
    ) -> None:
        self._cells += no_data[counted].size
        self._no_data += int(no_data[counted].sum())
        self._nan += int(nan[counted].sum())
        self._negative += int(negative[counted].sum())
        self._lowest = min(self._lowest, float(data[counted][negative[counted]].min(initial=0.0)))

    def _need_plausible(self, values: NDArray[np.float64], wrong: NDArray[np.bool_], own: Span) -> None:
        if not wrong.any():
            return
        row, column = np.argwhere(wrong)[0]
        unit = "people per km²" if self._density else "people"
        raise SourceError(
            f"{self._placed.path}: row {own.start + row + 1}, column {self._placed.columns.span.start + column + 1}: "
            f"{values[row, column]:g} {unit} (in this strip {wrong.sum():,} cells above {MOST_PER_KM2:,.0f} per km²); "
            f"set the raster's nodata value (now {self._placed.source.nodata}) or correct the cells"
        )


def _band_number(placed: Placed, number: int | None) -> int:
    count = placed.source.count
    if number is None and count > 1:
        raise SourceError(f"{placed.path}: has {count} bands; name one in its part, e.g. band = 1")
    if number is not None and number > count:
        raise SourceError(f"{placed.path}: has no band {number}, only {count}; correct the band of the part")
    return number or 1


def _open_all(stack: ExitStack, paths: Iterable[Path], datum: str) -> dict[Path, DatasetReader]:
    """Every raster, held to the datum; all problems together."""
    sources, problems = {}, []
    for path in paths:
        try:
            source = stack.enter_context(_opened(path))
            _need_same_crs(path, source, datum)
            sources[path] = source
        except (SourceError, CrsError) as error:
            problems.append(error)
    if problems:
        raise type(problems[0])([line for error in problems for line in error.problems])
    return sources


def _opened(path: Path) -> DatasetReader:
    need_file(path)
    try:
        source = rasterio.open(path, driver=DRIVERS[path.suffix.lower()])
    except RasterioError as error:
        raise SourceError(f"{path}: cannot be read as a raster: {error}") from None
    kind, (height, width) = np.dtype(source.dtypes[0]), source.block_shapes[0]
    problem = ""
    if kind.kind == "c":
        problem = f"its cells are of {kind}; give real numbers of people"
    elif height * width * kind.itemsize > MOST_BLOCK_BYTES:
        problem = (
            f"is stored in blocks of {height:,} × {width:,} cells, too large to read a part of it; "
            "write it anew in tiles (gdal_translate -co TILED=YES)"
        )
    if problem:
        source.close()
        raise SourceError(f"{path}: {problem}")
    return source


def _need_same_crs(path: Path, source: DatasetReader, datum: str) -> None:
    if source.crs is None:
        return
    if datum in DATUMS:
        agrees = source.crs.is_geographic
    else:
        agrees = pyproj.CRS(datum).equals(pyproj.CRS(source.crs.to_wkt()), ignore_axis_order=True)
    if not agrees:
        name = pyproj.CRS(source.crs.to_wkt()).name
        declared = datum if datum in DATUMS or datum.startswith("EPSG:") else pyproj.CRS(datum).name
        raise CrsError(f"{path}: declared as {declared}, but the file says {name}; declare what the file says")


def _shared_extent(sources: Iterable[DatasetReader]) -> Bounds:
    """West, south, east and north of what every raster covers."""
    west, south, east, north = zip(*(source.bounds for source in sources), strict=True)
    return max(west), max(south), min(east), min(north)
