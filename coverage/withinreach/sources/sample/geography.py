"""The fixed part of the sample: reporting units, water and mountains, made from the hand-drawn `drawing.toml`.

Borders and rivers do not depend on the seed of the sample: they roughen the drawing with a seed of their own, so that
every generated city has the same valid coverage of polygons.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METRIC_CRS = "EPSG:4547"
BORDER_SEED = 410700
# GeoJSON's usual precision, 0.1 m; borders are rounded before they are joined to polygons, so no gap can open.
DECIMALS = 6
BORDER_STEP_DEG = 0.012
BORDER_ROUGHNESS = 0.13
RIVER_ROUGHNESS = 0.05
# A kilometre east is 1/91 of a degree at 35.3° N, a kilometre north 1/111: displacements are made in equal units.
EAST_PER_NORTH = 0.816
BAR_AXES_M = (620.0, 300.0)
BAR_CHANNEL_M = 380.0


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One county-level unit or zone, as drawn.

    Attributes
    ----------
    code, name : str
    seat, growth : (2,) float64
        The seat, and the middle of the built-up area, metres.
    towns : int
        Township-level entries of the statistical division beside the seat (2023).
    provision : float
        How well the unit is provided with facilities, 1 is usual.
    area_deg, area_m : Polygon
        In WGS84 degrees, rounded as they are written, and in metres of `METRIC_CRS`.
    """

    code: str
    name: str
    seat: Floats
    growth: Floats
    towns: int
    provision: float
    area_deg: shapely.Polygon
    area_m: shapely.Polygon


@dataclass(frozen=True, slots=True, eq=False)
class Water:
    """One river or canal.

    Attributes
    ----------
    name : str
    area_m : Polygon
        Water surface, metres.
    line_m : LineString
        Its middle, metres.
    half_width_m : float
    bridge_every_m : (float, float) or None
        Spacing of bridges in towns and outside; None where there are none.
    """

    name: str
    area_m: shapely.Polygon
    line_m: shapely.LineString
    half_width_m: float
    bridge_every_m: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Geography:
    """Everything that is there before people settle.

    Attributes
    ----------
    units : tuple of Unit
        In the order of their codes.
    waters : tuple of Water
    bars : (b, 3) float64
        River bars: x, y in metres and the bearing of their long axis in radians.
    mountains : Polygon
        Metres.
    """

    units: tuple[Unit, ...]
    waters: tuple[Water, ...]
    bars: Floats
    mountains: shapely.Polygon

    def water_m(self) -> shapely.Geometry:
        """All water surfaces in one geometry, metres."""
        return shapely.union_all([water.area_m for water in self.waters])


@cache
def _transformers() -> tuple[Transformer, Transformer]:
    there = Transformer.from_crs("EPSG:4326", METRIC_CRS, always_xy=True)
    return there, Transformer.from_crs(METRIC_CRS, "EPSG:4326", always_xy=True)


def to_metres(lonlat: Floats) -> Floats:
    """WGS84 degrees, shape (n, 2), to metres of `METRIC_CRS`."""
    lonlat = np.asarray(lonlat, np.float64)
    return np.column_stack(_transformers()[0].transform(lonlat[:, 0], lonlat[:, 1]))


def to_degrees(xy: Floats) -> Floats:
    """Metres of `METRIC_CRS`, shape (n, 2), to WGS84 degrees."""
    xy = np.asarray(xy, np.float64)
    return np.column_stack(_transformers()[1].transform(xy[:, 0], xy[:, 1]))


def read_geography() -> Geography:
    """Draw units, water and mountains from the packaged drawing."""
    text = resources.files(__package__).joinpath("drawing.toml").read_text(encoding="utf-8")
    drawing = tomllib.loads(text)
    bars = _bars(drawing["bars"])
    return Geography(
        units=_units(drawing["units"], drawing["borders"]),
        waters=tuple(_water(water, bars) for water in drawing["waters"]),
        bars=bars,
        mountains=shapely.Polygon(to_metres(np.array(drawing["mountains"]["points"]))),
    )


def _units(units: list[dict[str, Any]], borders: list[dict[str, Any]]) -> tuple[Unit, ...]:
    """Roughen the arcs, join them to polygons, and give each polygon to the seat that lies in it."""
    rng = np.random.default_rng(BORDER_SEED)
    arcs = []
    for border in borders:
        roughness = RIVER_ROUGHNESS if border.get("river") else BORDER_ROUGHNESS
        points = _roughened(np.array(border["points"]), roughness, rng)
        arcs.append(shapely.LineString(np.round(points, DECIMALS)))
    faces = shapely.get_parts(shapely.polygonize(arcs))
    made = []
    for unit in units:
        inside = shapely.contains_xy(faces, *unit["seat"])
        # Normalised, so that neither start nor orientation depends on the version of GEOS.
        face = shapely.Polygon(shapely.normalize(faces[inside][0]).exterior.coords[::-1])
        points = np.array([unit["seat"], unit.get("growth", unit["seat"])])
        seat, growth = to_metres(points)
        made.append(
            Unit(
                code=unit["code"],
                name=unit["name"],
                seat=seat,
                growth=growth,
                towns=unit["towns"],
                provision=unit["provision"],
                area_deg=face,
                area_m=shapely.transform(face, to_metres),
            )
        )
    return tuple(sorted(made, key=lambda unit: unit.code))


def _roughened(points: Floats, roughness: float, rng: np.random.Generator) -> Floats:
    """Midpoint displacement: halve the segments and move each middle sideways, until segments are short."""
    scale = np.array([EAST_PER_NORTH, 1.0])
    points = points * scale
    while True:
        step = np.diff(points, axis=0)
        length = np.hypot(step[:, 0], step[:, 1])
        long = length > BORDER_STEP_DEG
        if not long.any():
            return np.asarray(points / scale, np.float64)
        sideways = np.column_stack([-step[:, 1], step[:, 0]]) * (rng.random(len(step)) * 2 - 1)[:, None]
        middle = points[:-1] + step / 2 + sideways * roughness
        points = np.insert(points, np.flatnonzero(long) + 1, middle[long], axis=0)


def _bars(bars: list[dict[str, Any]]) -> Floats:
    centres = to_metres(np.array([bar["centre"] for bar in bars]))
    return np.column_stack([centres, np.radians([bar["angle_deg"] for bar in bars])])


def _water(drawn: dict[str, Any], bars: Floats) -> Water:
    line = shapely.LineString(_smoothed(to_metres(np.array(drawn["points"]))))
    area = shapely.buffer(line, drawn["half_width_m"], quad_segs=4)
    every = tuple(drawn["bridge_every_m"])
    if not every:
        # The river widens round its bars, so that each is cut off on all sides.
        channels = [_ellipse(bar, np.array(BAR_AXES_M) + BAR_CHANNEL_M) for bar in bars]
        area = shapely.union_all([area, *channels])
        area = shapely.difference(area, shapely.union_all([_ellipse(bar, np.array(BAR_AXES_M)) for bar in bars]))
    return Water(drawn["name"], area, line, float(drawn["half_width_m"]), every or None)


def _smoothed(points: Floats, rounds: int = 3) -> Floats:
    """Chaikin's corner cutting."""
    for _ in range(rounds):
        first, second = points[:-1] * 0.75 + points[1:] * 0.25, points[:-1] * 0.25 + points[1:] * 0.75
        cut = np.stack([first, second], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], cut, points[-1:]])
    return points


def _ellipse(bar: Floats, axes_m: Floats) -> shapely.Polygon:
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    along, across = axes_m[0] * np.cos(turn), axes_m[1] * np.sin(turn)
    cos, sin = np.cos(bar[2]), np.sin(bar[2])
    return shapely.Polygon(np.column_stack([bar[0] + along * cos - across * sin, bar[1] + along * sin + across * cos]))
