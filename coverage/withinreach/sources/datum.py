"""Chinese map datums: WGS84, GCJ-02 (Amap, Tencent, DataV) and BD-09 (Baidu), vectorised.

The formulae are the public, reverse-engineered ones; the official algorithm is not published. In Xinxiang GCJ-02 lies
501–604 m east of WGS84. CGCS2000 equals WGS84 within decimetres and needs no shift here. The inverses are iterated
to far below a millimetre; a one-step inverse would err by up to 3.2 m. Hong Kong, Macau and Taiwan lie inside the
bounding box of the formula although the public maps do not shift them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Degrees = NDArray[np.float64]
    Shift = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]

# Krasovsky 1940, the ellipsoid of the public formula. With WGS84's axis results move by up to 1 cm.
SEMI_MAJOR_M = 6_378_245.0
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
CHINA_LON = (72.004, 137.8347)
CHINA_LAT = (0.8293, 55.8271)
# π·3000/180, not π: one widespread port leaves the factor out and is 32 m off on average, 79 m at most.
BAIDU_ANGLE = np.pi * 3000 / 180
CONVERGED_DEG = 1e-11
MAX_ITERATIONS = 30


def outside_china(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
    """Which points lie outside the box in which GCJ-02 is defined, 72.004–137.8347 °E, 0.8293–55.8271 °N."""
    inside = (lon >= CHINA_LON[0]) & (lon <= CHINA_LON[1]) & (lat >= CHINA_LAT[0]) & (lat <= CHINA_LAT[1])
    return ~inside


def wgs84_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """WGS84 -> GCJ-02, degrees; points outside China are returned as they are."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    shared = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root
    north += (shared + _waves(y, (20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30))) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root
    east += (shared + _waves(x, (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30))) * 2 / 3

    phi = np.radians(lat)
    squared = 1 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / squared**1.5
    parallel_m = SEMI_MAJOR_M / np.sqrt(squared) * np.cos(phi)
    away = outside_china(lon, lat)
    return (
        np.where(away, lon, lon + np.degrees(east / parallel_m)),
        np.where(away, lat, lat + np.degrees(north / meridian_m)),
    )


def _waves(v: Degrees, *terms: tuple[float, float]) -> Degrees:
    total = np.zeros_like(v)
    for amplitude, frequency in terms:
        total += amplitude * np.sin(np.pi * frequency * v)
    return total


def gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 -> BD-09, degrees."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BAIDU_ANGLE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BAIDU_ANGLE)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def gcj02_to_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """GCJ-02 -> WGS84, degrees; the inverse of `wgs84_to_gcj02` to less than a millimetre."""
    return _inverse(wgs84_to_gcj02, lon, lat)


def bd09_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """BD-09 -> GCJ-02, degrees; the inverse of `gcj02_to_bd09` to less than a millimetre."""
    return _inverse(gcj02_to_bd09, lon, lat)


def _inverse(forward: Shift, lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Solve forward(p) = (lon, lat) by fixed-point iteration: the shift changes slowly with the position."""
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    at_lon, at_lat = lon.copy(), lat.copy()
    for _ in range(MAX_ITERATIONS):
        shifted_lon, shifted_lat = forward(at_lon, at_lat)
        step_lon, step_lat = lon - shifted_lon, lat - shifted_lat
        at_lon, at_lat = at_lon + step_lon, at_lat + step_lat
        if max(np.abs(step_lon).max(initial=0.0), np.abs(step_lat).max(initial=0.0)) < CONVERGED_DEG:
            break
    return at_lon, at_lat


def to_wgs84(datum: str, lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Degrees of a declared datum (``wgs84``, ``cgcs2000``, ``gcj02`` or ``bd09``) -> WGS84.

    Raises
    ------
    ValueError
        If the datum is none of these.
    """
    if datum in ("wgs84", "cgcs2000"):
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if datum == "gcj02":
        return gcj02_to_wgs84(lon, lat)
    if datum == "bd09":
        return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
    raise ValueError(f"'{datum}' is not a datum of degrees")
