"""Isochrones: the ground from which people reach a facility in time, as polygons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from contourpy import FillType, contour_generator

from withinreach.catchments.lattice import Lattice, snap_tiles, tiles_around, whole_step_mm
from withinreach.errors import CoverageError
from withinreach.reach import spots_of, ways_within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.study import Service

# The middle of a block of 250 m: GB 50180-2018, 6.0.2, wants streets 150 to 250 m apart.
OFF_STREET_M = 125.0
MAX_MINUTES = 240.0
# Without other wishes; coarser where that makes more than a hundred steps of the longest limit.
USUAL_STEP_MM = 25_000
USUAL_STEPS = 100
# Four million lattice points around a facility.
MOST_STEPS = 1_000
# Lattice points around the facilities that are worked on in one go: some 300 MB. Twice as many are no faster.
BATCH_POINTS = 4_000_000
# Outlines keep a thousandth of a step, and 2 mm, away from lattice points: their vertices are whole millimetres, and no
# two may coincide.
MARGIN = 1000
MARGIN_MM = 2.0
FINEST_MM = 10
# A vertex goes to the next millimetre from here on: a half, and more than the last bits of any position in a mosaic.
UP_FROM = 0.5 + 1e-4


class _Measures(NamedTuple):
    """Step of the lattice, width of the ground beside streets, and limits of the ways, ascending."""

    step_mm: int
    width_mm: int
    limits_mm: NDArray[np.int64]


class _Asked(NamedTuple):
    """The isochrones that are asked for of one service: its f facilities, and the limits."""

    service: Service
    rows: NDArray[np.int32]
    limits_min: NDArray[np.float64]
    measures: _Measures


class _Group(NamedTuple):
    """Some facilities of one service: where in ``asked`` it stands, and where in its ``rows`` they stand."""

    asked: int
    chosen: NDArray[np.int64]


class _Mosaic(NamedTuple):
    """The surroundings of f facilities as squares of lattice points, one above the other.

    Attributes
    ----------
    side : int
        Points per side of a square.
    origin : (f, 2) int64
        Column and row in the lattice of the first point of each square.
    at : (p,) int64
        Positions in the mosaic of the points from which there is a way.
    way_mm : (p,) int64
        The way to the facility, in millimetres of level street.
    off_mm : (p,) int64
        The part of it that is off the streets.
    corner_at : (4 f,) int64
        Positions of the four points around each facility.
    straight_mm : (4 f,) float64
        Their distances from it.
    """

    side: int
    origin: NDArray[np.int64]
    at: NDArray[np.int64]
    way_mm: NDArray[np.int64]
    off_mm: NDArray[np.int64]
    corner_at: NDArray[np.int64]
    straight_mm: NDArray[np.float64]


def trace_isochrones(
    case: Case,
    service: str,
    *,
    minutes: Sequence[float] = (5, 10, 15),
    cell_m: float | None = None,
    off_street_m: float = OFF_STREET_M,
) -> gpd.GeoDataFrame:
    """Draw for each facility of a service the ground from which people walk to it in so many minutes.

    Every point of the ground is a place like any cell of people: it meets the nearest street, walks straight to it and
    along the streets to the facility, at the speed and the costs of the service's profile. Points of a square lattice
    are evaluated in this way, and the outline is drawn between those that are in time and those that are not.

    Ground farther than ``off_street_m`` from every street is left out. The default fills blocks of up to 250 m, the
    widest that GB 50180-2018, 6.0.2, recommends; a wider strip would paint fields beside rural roads, and a narrower
    one would hide the insides of blocks, where people live. It is at most the study's ``snap_cap_m``. People who live
    farther off a street, up to that cap, are served all the same: people are counted cell by cell, never by polygon.

    How exact that is, with c = ``cell_m`` and v = the walking speed, for points of streets other than stairs:

    - A point of a street in the polygon is in time, or at most √2 c / v beyond the limit, once people may step over
      straight to another street (or the facility) at most 2√2 c away. Without stepping over that holds wherever
      streets that are not joined are farther apart: two carriageways or a bridge over a street are not told apart.
    - A point of a street from which, and from all other streets within 2√2 c of it, the facility is reached at least
      √2 c / v before the limit, is in the polygon.
    - The facility is in the polygon, and each polygon of a facility covers those of fewer minutes.

    Compared with shapes that shapely puts together from discs around points of streets, each cut where another point
    is nearer: at 25 m and 1,250 m of walking, in Wuhan and in the sample, areas differ by 0.2 % and shapes overlap by
    0.986 (IoU, medians); at 12.5 m by 0.993. In Wuhan, where lines of one road lie 8 m apart, 1 % of the metres of
    street inside are late unless one steps over.

    Parameters
    ----------
    case
    service
        Its name in the study.
    minutes
        One polygon each; at most 240.
    cell_m
        Step of the lattice: at most half of the shortest limit and of the strip beside streets. Default: 25 m; finer
        where these are short; coarser, a hundredth of the longest limit, beyond 2.5 km.
    off_street_m
        How far from a street the ground still belongs to it.

    Returns
    -------
    GeoDataFrame in the study's metric CRS
        One row per facility and limit, by facility and then by minutes: ``facility`` (row in ``case.facilities``),
        ``id``, ``name``, ``minutes``, ``limit_s``, ``snapped`` (whether the facility has a street within the cap),
        ``area_km2`` (NaN where it has none) and ``geometry`` (valid MultiPolygon; empty where it has none).

    Raises
    ------
    StudyError
        If the study has no such service.
    CoverageError
        If a number is out of range, or the lattice too coarse for the shortest limit or the strip beside streets.
    """
    asked = _asked(case, case.study.service(service), minutes, cell_m, off_street_m)
    return _table(case, asked, _shapes(case, [asked])[0])


def trace_all_isochrones(
    case: Case,
    *,
    minutes: Sequence[float] | None = None,
    cell_m: float | None = None,
    off_street_m: float = OFF_STREET_M,
) -> gpd.GeoDataFrame:
    """Draw the isochrones of the facilities of every service: those of `trace_isochrones`, in less time.

    Ground that several services reach meets its streets once.

    Parameters
    ----------
    minutes
        By default, the cutoff of each service.
    cell_m, off_street_m
        As for `trace_isochrones`.

    Returns
    -------
    GeoDataFrame in the study's metric CRS
        The rows of `trace_isochrones` for one service after the other; the first column is ``service``.

    Raises
    ------
    CoverageError
        As for `trace_isochrones`.
    """
    asked = [
        _asked(case, service, [service.cutoff_min] if minutes is None else minutes, cell_m, off_street_m)
        for service in case.study.services.values()
    ]
    tables = [_table(case, one, shapes) for one, shapes in zip(asked, _shapes(case, asked), strict=True)]
    for one, table in zip(asked, tables, strict=True):
        table.insert(0, "service", one.service.name)
    return pd.concat(tables, ignore_index=True)


def _asked(case: Case, service: Service, minutes: Sequence[float], cell_m: float | None, off_street_m: float) -> _Asked:
    limits_min = _ascending(minutes)
    measures = _measures(case, service, limits_min, cell_m, off_street_m)
    return _Asked(service, case.facility_rows(service.kinds), limits_min, measures)


def _ascending(minutes: Sequence[float]) -> NDArray[np.float64]:
    limits = np.unique(np.asarray(minutes, np.float64))
    if not (len(limits) and limits[0] > 0 and limits[-1] <= MAX_MINUTES):
        raise CoverageError(f"minutes = {list(minutes)}: give one or more numbers above 0, up to {MAX_MINUTES:g}")
    return limits


def _measures(
    case: Case, service: Service, limits_min: NDArray[np.float64], cell_m: float | None, off_street_m: float
) -> _Measures:
    """All lengths in whole millimetres; a way of exactly the limit is in time."""
    limits_mm = (limits_min * 60 * case.study.profiles[service.profile].speed_mm_s).astype(np.int64)
    if not off_street_m > 0:
        raise CoverageError(f"off_street_m = {off_street_m:g}: give more than 0")
    width_mm = int(min(off_street_m, case.study.network.snap_cap_m) * 1000)
    shortest, longest = int(limits_mm[0]), int(limits_mm[-1])
    if cell_m is None:
        step_mm = max(min(USUAL_STEP_MM, shortest // 2, width_mm // 2), longest // USUAL_STEPS)
        coarsest = shortest // 2
    else:
        step_mm, coarsest = whole_step_mm(cell_m), min(shortest, width_mm) // 2
    finest = max(FINEST_MM, -(-longest // MOST_STEPS))
    if not finest <= step_mm <= coarsest:
        raise CoverageError(
            f"cell_m = {step_mm / 1000:g} does not fit ways of {shortest / 1000:g} to {longest / 1000:g} m and"
            f" {width_mm / 1000:g} m beside streets: give {finest / 1000:g} to {coarsest / 1000:g}, or other minutes"
        )
    return _Measures(step_mm, width_mm, limits_mm)


def _shapes(case: Case, asked: Sequence[_Asked]) -> list[NDArray[np.object_]]:
    """Polygons of each service, shape (f, limits); empty ones of facilities that are not snapped."""
    shapes = [np.full((len(one.rows), len(one.limits_min)), shapely.MultiPolygon(), object) for one in asked]
    for groups in filter(None, _batches(case, asked)):
        lattice = _shared_lattice(case, asked, groups)
        for at, chosen in groups:
            one = asked[at]
            mosaic = _walk(case, one, one.rows[chosen], lattice)
            for column, limit_mm in enumerate(one.measures.limits_mm):
                beyond_mm = _beyond_mm(mosaic, limit_mm, one.measures)
                shapes[at][chosen, column] = _contour(mosaic, beyond_mm, lattice.step_mm)
    return shapes


def _batches(case: Case, asked: Sequence[_Asked]) -> Iterator[list[_Group]]:
    """Neighbours, which share lattice points, for all services with the same lattice.

    Nodes are numbered along a Z-order curve, so neighbours are found by the nodes of their streets.
    """
    for lattice in sorted({one.measures[:2] for one in asked}):
        alike = [at for at, one in enumerate(asked) if one.measures[:2] == lattice]
        chosen = [np.flatnonzero(case.facilities.snapped[asked[at].rows]) for at in alike]
        service = np.repeat(alike, [len(rows) for rows in chosen])
        row = np.concatenate(chosen)
        segment = np.concatenate(
            [case.facilities.segment[asked[at].rows[rows]] for at, rows in zip(alike, chosen, strict=True)]
        )
        points = np.repeat([_side(asked[at].measures) ** 2 for at in alike], [len(rows) for rows in chosen])
        near = np.argsort(case.network.tail[segment], kind="stable")
        batch = np.cumsum(points[near]) // BATCH_POINTS
        for part in np.split(near, np.flatnonzero(np.diff(batch)) + 1):
            yield [_Group(at, np.sort(row[part[service[part] == at]])) for at in np.unique(service[part])]


def _shared_lattice(case: Case, asked: Sequence[_Asked], groups: Sequence[_Group]) -> Lattice:
    """The lattice points around facilities of services with the same lattice, up to a step beside their ground."""
    tiles = []
    for at, chosen in groups:
        xy, measures = case.facilities.xy[asked[at].rows[chosen]], asked[at].measures
        tiles.append(tiles_around(xy, _reach_mm(measures) / 1000, measures.step_mm))
    step_mm, width_mm, _ = asked[groups[0].asked].measures
    return snap_tiles(case.network, np.unique(np.concatenate(tiles), axis=0), step_mm, (width_mm + step_mm) / 1000)


def _reach_mm(measures: _Measures) -> int:
    """A step beyond the last limit."""
    return int(measures.limits_mm[-1]) + measures.step_mm


def _side(measures: _Measures) -> int:
    """Points per side of a square around a facility that holds all ground in time, and one more point all around."""
    return 2 * (int(measures.limits_mm[-1]) // measures.step_mm + 3)


def _walk(case: Case, asked: _Asked, rows: NDArray[np.int32], lattice: Lattice) -> _Mosaic:
    """The ways from all lattice points, up to a step beyond the last limit."""
    measures, step_mm = asked.measures, lattice.step_mm
    xy = case.facilities.xy[rows]
    profile = case.study.profiles[asked.service.profile]
    found = ways_within(case, profile, spots_of(case.facilities), rows, lattice.spots, _reach_mm(measures))
    side = _side(measures)
    corner = np.floor(xy * 1000 / step_mm).astype(np.int64)
    origin = corner - side // 2 + 1
    corners = corner[:, None] + np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
    # Position of a point in the square of a facility, and of the square: how far the lattice's own order is shifted.
    shift = (np.arange(len(rows)) * side - origin[:, 1]) * side - origin[:, 0]
    return _Mosaic(
        side=side,
        origin=origin,
        at=(lattice.row * side + lattice.column)[found.place] + np.repeat(shift, np.diff(found.ptr)),
        way_mm=found.mm,
        off_mm=lattice.spots.access_mm[found.place],
        corner_at=(corners[:, :, 1] * side + corners[:, :, 0] + shift[:, None]).reshape(-1),
        straight_mm=np.hypot(*np.moveaxis(corners * step_mm - xy[:, None] * 1000, -1, 0)).reshape(-1),
    )


def _beyond_mm(mosaic: _Mosaic, limit_mm: int, measures: _Measures) -> NDArray[np.float64]:
    """How far each point of the mosaic is beyond the limit or the strip beside streets; 0 or less is within.

    Evened out: at most a step, so that the outline runs halfway where the field jumps from one street to another; and
    never next to nothing, so that the outline meets no lattice point and is a simple ring.
    """
    step_mm, margin_mm = measures.step_mm, max(measures.step_mm / MARGIN, MARGIN_MM)
    beyond = np.full(len(mosaic.origin) * mosaic.side**2, float(step_mm))
    beyond[mosaic.at] = np.maximum(mosaic.way_mm - limit_mm, mosaic.off_mm - measures.width_mm)
    # Around the facility people go straight to it.
    beyond[mosaic.corner_at] = np.minimum(beyond[mosaic.corner_at], mosaic.straight_mm - limit_mm)
    np.clip(beyond, -step_mm, step_mm, out=beyond)
    beyond[(beyond > 0) & (beyond < margin_mm)] = margin_mm
    beyond[(beyond <= 0) & (beyond > -margin_mm)] = -margin_mm
    return beyond


def _contour(mosaic: _Mosaic, beyond_mm: NDArray[np.float64], step_mm: int) -> NDArray[np.object_]:
    """The multipolygon of what is within, of every facility.

    Vertices are in whole millimetres. So those on a line of the lattice lie exactly on it, and outlines of several
    limits do not cross because of a rounding.
    """
    field = contour_generator(z=beyond_mm.reshape(-1, mosaic.side), fill_type=FillType.ChunkCombinedOffsetOffset)
    filled: Any = field.filled(-2.0 * step_mm, 0.0)
    xy, rings, polygons = (chunks[0] for chunks in filled)
    square = (xy[rings[polygons[:-1]], 1] // mosaic.side).astype(np.int64)
    corner = mosaic.origin - np.array([0, mosaic.side]) * np.arange(len(mosaic.origin))[:, None]
    # Halves of a millimetre are common, and their last bits depend on the place of a square in the mosaic: they are all
    # rounded up, so that nobody's outline depends on whose squares are beside it.
    xy_mm = np.floor(xy * step_mm + UP_FROM) + np.repeat(corner[square] * step_mm, np.diff(rings[polygons]), axis=0)
    parts = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, xy_mm / 1000, (rings.astype(np.int64), polygons.astype(np.int64))
    )
    order = np.argsort(square, kind="stable")
    shapes: NDArray[np.object_] = shapely.multipolygons(parts[order], indices=square[order])
    return shapes


def _table(case: Case, asked: _Asked, shapes: NDArray[np.object_]) -> gpd.GeoDataFrame:
    rows, limits_min = asked.rows, asked.limits_min
    facility = np.repeat(rows, len(limits_min))
    told = case.facilities.table[["id", "name"]].iloc[facility].reset_index(drop=True)
    minutes = np.tile(limits_min, len(rows))
    snapped = case.facilities.snapped[facility]
    return gpd.GeoDataFrame(
        {
            "facility": facility,
            "id": told["id"],
            "name": told["name"],
            "minutes": minutes,
            "limit_s": minutes * 60,
            "snapped": snapped,
            "area_km2": np.where(snapped, shapely.area(shapes.reshape(-1)) / 1e6, np.nan),
        },
        geometry=shapes.reshape(-1),
        crs=case.study.metric_crs,
    )
