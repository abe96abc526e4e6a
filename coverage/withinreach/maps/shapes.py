"""Lines and polygons in metres -> flat integer arrays in degrees, ready to be packed.

One format serves streets, water and areas. A *part* is a line or a ring; ``kind`` says which, ``owner`` which geometry
it belongs to, ``count`` how many vertices it has. Vertices are in steps of 1e-5 degrees, about 1 m, which is two pixels
at the closest zoom; rings are not closed by repeating their start.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Transformer

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINE, SHELL, HOLE = 0, 1, 2
DEGREE_STEPS = 100_000


@cache
def _to_degrees(metric_crs: str) -> Transformer:
    """Kept, for it takes 80 ms to make and each of a city's pages needs it."""
    return Transformer.from_crs(metric_crs, "EPSG:4326", always_xy=True)


class Degrees:
    """The way from a metric CRS to longitude and latitude, WGS84.

    Parameters
    ----------
    metric_crs
        Such as ``EPSG:4547``.
    """

    def __init__(self, metric_crs: str) -> None:
        self._transformer = _to_degrees(metric_crs)

    def of(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Longitude and latitude, (k, 2), of positions in metres, (k, 2)."""
        return np.column_stack(self._transformer.transform(xy[:, 0], xy[:, 1]))

    def bounds_of(self, geometries: NDArray[np.object_]) -> list[list[float]]:
        """South-west and north-east, latitude and longitude, of the rectangle around geometries in metres."""
        west, south, east, north = shapely.total_bounds(geometries).tolist()
        found = self.of(np.array([[west, south], [east, south], [east, north], [west, north]]))
        return [found.min(axis=0)[::-1].tolist(), found.max(axis=0)[::-1].tolist()]


def whole_steps(degrees: NDArray[np.float64], steps: int = DEGREE_STEPS) -> NDArray[np.int32]:
    """Degrees as whole steps of 1 / `steps` degree."""
    return np.round(degrees * steps).astype(np.int32)


def encode_shapes(
    geometries: NDArray[np.object_], degrees: Degrees, *, tolerance_m: float
) -> dict[str, NDArray[np.int32] | NDArray[np.uint8]]:
    """Parts of geometries as arrays.

    Parameters
    ----------
    geometries
        Lines and polygons, single or multiple, in metres. Anything else in a collection is left out.
    tolerance_m
        How far a drawn line may lie from the true one.

    Returns
    -------
    dict
        ``owner`` (p,) int32, ``kind`` (p,) uint8, ``count`` (p,) int32, ``lon`` and ``lat`` (v,) int32.
    """
    simple = shapely.simplify(geometries, tolerance_m, preserve_topology=True)
    single, owner = shapely.get_parts(_collections_opened(simple), return_index=True)
    polygons = np.flatnonzero(shapely.get_type_id(single) == shapely.GeometryType.POLYGON)
    lines = np.flatnonzero(np.isin(shapely.get_type_id(single), (1, 2)))
    rings, of_polygon = shapely.get_rings(single[polygons], return_index=True)
    parts = np.concatenate([single[lines], rings])
    source = np.concatenate([lines, polygons[of_polygon]])
    first = np.diff(of_polygon, prepend=-1) > 0
    kind = np.concatenate([np.full(len(lines), LINE), np.where(first, SHELL, HOLE)]).astype(np.uint8)
    # A ring's last vertex repeats its first; readers close rings themselves.
    count = (shapely.get_num_coordinates(parts) - (kind != LINE)).astype(np.int32)
    order = np.argsort(source, kind="stable")
    parts, count, kind, source = parts[order], count[order], kind[order], source[order]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    within = np.arange(len(xy)) - np.searchsorted(part, part)
    lonlat = degrees.of(xy[within < count[part]])
    return {
        "owner": owner[source].astype(np.int32),
        "kind": kind,
        "count": count,
        "lon": whole_steps(lonlat[:, 0]),
        "lat": whole_steps(lonlat[:, 1]),
    }


def _collections_opened(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Replace collections by a multipolygon of their polygons; a repaired polygon may carry a stray line."""
    opened = geometries.copy()
    for at in np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapely.get_parts(geometries[at]))
        opened[at] = shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])
    return opened
