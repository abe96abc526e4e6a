"""One projected CRS per case: declared datums in, metres out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from withinreach.errors import CrsError
from withinreach.model import measures_metres
from withinreach.sources.datum import gcj02_to_bd09, outside_china, to_wgs84, wgs84_to_gcj02
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTED = ("gcj02", "bd09")


@dataclass(frozen=True)
class MetricFrame:
    """The study's metric CRS and the ways into it and out of it.

    Raises
    ------
    CrsError
        If the CRS does not measure metres; see `measures_metres`.
    """

    crs: str

    def __post_init__(self) -> None:
        try:
            crs = pyproj.CRS.from_user_input(self.crs)
        except CRSError:
            raise CrsError(f"metric_crs = '{self.crs}' is not known; for Xinxiang use EPSG:4547") from None
        if not measures_metres(crs):
            raise CrsError(
                f"metric_crs = '{self.crs}' ({crs.name}) cannot measure walking distances; "
                "use a projected CRS in metres, for Xinxiang EPSG:4547"
            )

    @cached_property
    def _from_wgs84(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs("EPSG:4326", self.crs, always_xy=True)

    def to_metres(self, datum: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates of a declared datum -> metres, shape (k, 2); inf where the projection has no value."""
        if datum in DATUMS:
            east, north = self._from_wgs84.transform(*to_wgs84(datum, x, y))
        elif datum == self.crs:
            east, north = x, y
        else:
            transformer = pyproj.Transformer.from_crs(datum, self.crs, always_xy=True)
            east, north = transformer.transform(x, y)
        return np.column_stack([np.asarray(east, np.float64), np.asarray(north, np.float64)])

    def to_lonlat(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Metres -> WGS84 degrees, shape (k, 2)."""
        lon, lat = self._from_wgs84.transform(xy[:, 0], xy[:, 1], direction="INVERSE")
        return np.column_stack([lon, lat])

    def geometries(self, datum: str, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries of a declared datum -> the metric CRS, vertex by vertex."""
        moved: NDArray[np.object_] = shapely.transform(shapes, lambda xy: self.to_metres(datum, xy[:, 0], xy[:, 1]))
        return moved

    def bounds_in(self, datum: str, metres: NDArray[np.float64], margin_m: float) -> tuple[float, float, float, float]:
        """West, south, east, north of points in the coordinates of a datum, widened by a margin.

        The margin must exceed what a rectangle bends between the two systems; it only decides what is read.
        """
        low, high = metres.min(axis=0) - margin_m, metres.max(axis=0) + margin_m
        steps = np.linspace(0.0, 1.0, 21)
        edge_x, edge_y = low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1])
        ring = np.concatenate(
            [np.column_stack([edge_x, np.full(21, y)]) for y in (low[1], high[1])]
            + [np.column_stack([np.full(21, x), edge_y]) for x in (low[0], high[0])]
        )
        points = self.from_metres(datum, ring)
        west, south = points.min(axis=0)
        east, north = points.max(axis=0)
        return float(west), float(south), float(east), float(north)

    def from_metres(self, datum: str, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Metres -> coordinates of a declared datum, shape (k, 2); undoes `to_metres` to far below a millimetre."""
        if datum not in DATUMS:
            transformer = pyproj.Transformer.from_crs(self.crs, datum, always_xy=True)
            return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
        lon, lat = self.to_lonlat(xy).T
        if datum in SHIFTED:
            lon, lat = wgs84_to_gcj02(lon, lat)
        if datum == "bd09":
            lon, lat = gcj02_to_bd09(lon, lat)
        return np.column_stack([lon, lat])


@cache
def metric_frame(crs: str) -> MetricFrame:
    """The frame of a CRS, made once: making one takes 60 ms, as long as walking a whole prefecture."""
    return MetricFrame(crs)


def misplaced(datum: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points cannot be in the declared datum.

    Degrees beyond ±180 / ±90, and for GCJ-02 and BD-09 points outside China, where these datums do not exist.
    Points that are not a number are not judged.
    """
    if datum not in DATUMS:
        return np.zeros(len(x), bool)
    wrong = (np.abs(x) > 180) | (np.abs(y) > 90)
    if datum in SHIFTED:
        wrong |= outside_china(x, y)
    return wrong & ~(np.isnan(x) | np.isnan(y))
