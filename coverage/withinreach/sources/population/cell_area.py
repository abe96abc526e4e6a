"""True areas of raster cells, which turn people per km² into people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from withinreach.sources.population.grids import Span

M2_PER_KM2 = 1e6


class CellAreas:
    """Areas of the cells of one raster with north up, on the ellipsoid of its CRS (WGS84 where it states none).

    Longitude and the area between the equator and a parallel (Snyder, Map Projections - A Working Manual, USGS
    Professional Paper 1395, 1987, equation 3-12) span a plane in which areas are those on the ellipsoid. Cells of
    degrees are rectangles there and exact; those of a projection are taken as quadrilaterals, which is off by the
    square of a cell's share of the earth's radius: 3e-8 for 1 km. Projections that are equal-area on a sphere are not
    on the ellipsoid: cells of Mollweide's differ by 0.2 % at 35°.
    """

    def __init__(self, source: DatasetReader) -> None:
        self._crs = pyproj.CRS("EPSG:4326" if source.crs is None else source.crs.to_wkt())
        self._grid = source.transform
        geod = self._crs.get_geod() or pyproj.Geod(ellps="WGS84")
        self._b2 = float(geod.b) ** 2
        self._e2 = float(geod.es)

    def km2(self, rows: Span) -> NDArray[np.float64]:
        """Area of the cells of each row, (rows, 1); in a projection that in its plane."""
        unit = self._crs.axis_info[0].unit_conversion_factor
        if self._crs.is_projected:
            return np.full((len(rows), 1), abs(self._grid.a * self._grid.e) * unit**2 / M2_PER_KM2)
        zone_m2 = np.abs(np.diff(self._zone_m2(self._edges(self._grid.f, self._grid.e, rows) * unit)))
        return np.asarray(zone_m2 * abs(self._grid.a) * unit / M2_PER_KM2)[:, None]

    def true_km2(self, rows: Span, columns: Span) -> NDArray[np.float64]:
        """Area of each cell on the ground, (rows, columns) or (rows, 1); NaN beyond the reach of a projection."""
        if not self._crs.is_projected:
            return self.km2(rows)
        x, y = np.meshgrid(
            self._edges(self._grid.c, self._grid.a, columns), self._edges(self._grid.f, self._grid.e, rows)
        )
        lon, lat = pyproj.Proj(self._crs)(x, y, inverse=True, radians=True)
        with np.errstate(invalid="ignore"):
            zone = self._zone_m2(lat)
            # Half the cross product of the diagonals.
            across = (lon[1:, 1:] - lon[:-1, :-1]) * (zone[1:, :-1] - zone[:-1, 1:])
            across -= (lon[1:, :-1] - lon[:-1, 1:]) * (zone[1:, 1:] - zone[:-1, :-1])
            return np.asarray(np.abs(across) / 2 / M2_PER_KM2)

    def _edges(self, origin: float, step: float, span: Span) -> NDArray[np.float64]:
        return np.asarray(origin + step * np.arange(span.start, span.stop + 1))

    def _zone_m2(self, lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Area from the equator to a parallel, in radians, per radian of longitude."""
        sine, e = np.sin(np.clip(lat, -np.pi / 2, np.pi / 2)), self._e2**0.5
        beyond = np.arctanh(e * sine) / e if e > 0 else sine
        return np.asarray(self._b2 / 2 * (sine / (1 - self._e2 * sine**2) + beyond))
