"""A part of a case around one area, large enough that nobody in the area walks differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.model.case import NO_SEGMENT, OUTSIDE_AREAS, Areas, Case, Places, UnitList
from withinreach.model.frozen import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Part(Frozen):
    """A part of a case.

    Attributes
    ----------
    case : Case
        One area; its people and listed units; streets and facilities in it and around it.
    area : int
        Row of the area in the whole case.
    cells, facilities : (k,) int64
        Rows in the whole case of the people and facilities that are in the part, ascending.
    """

    case: Case
    area: int
    cells: NDArray[np.int64]
    facilities: NDArray[np.int64]


def part_around(case: Case, area: int, reach_m: float) -> Part:
    """Cut an area out of a case, with the streets and facilities within some metres of it.

    Whoever lives in the area walks as in the whole case, to the millimetre, as far as ``reach_m``: a way of that length
    never leaves what is kept. Farther facilities may be missing.

    Parameters
    ----------
    area
        Row of the area.
    reach_m
        The longest way that is to be the same, at least the cutoff of every service at its profile's speed.
    """
    ground = shapely.buffer(case.areas.table.geometry.iloc[area], reach_m)
    cells = np.flatnonzero(case.people.area == area)
    facilities = np.flatnonzero(_inside(ground, case.facilities.xy))
    network = case.network
    near = _inside(ground, network.xy)
    kept = near[network.tail] & near[network.head]
    units = {level: np.flatnonzero(listed.places.area == area) for level, listed in case.units.items()}
    listed_places = [(case.units[level].places, rows) for level, rows in units.items()]
    for places, rows in ((case.people, cells), (case.facilities, facilities), *listed_places):
        met = places.segment[rows]
        kept[met[met != NO_SEGMENT]] = True
    segments = np.flatnonzero(kept)
    number = np.full(network.n_segments + 1, NO_SEGMENT, np.int32)  # the last one stands for -1, no segment
    number[segments] = np.arange(len(segments), dtype=np.int32)
    table = case.areas.table.iloc[[area]].reset_index(drop=True)
    title = f"{case.study.title} · {table['name'].iloc[0]}"
    part = replace(
        case,
        study=case.study.model_copy(update={"title": title}),
        network=network.part(segments),
        people=_taken(case.people, cells, number, area),
        facilities=_taken(case.facilities, facilities, number, area),
        areas=Areas(table),
        water=case.water[case.water.intersects(ground)].reset_index(drop=True),
        units={level: _units_taken(case.units[level], rows, number, area) for level, rows in units.items()},
    )
    return Part(part, area, cells, facilities)


def _inside(shape: shapely.Geometry, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    west, south, east, north = shape.bounds
    x, y = xy.T
    inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    shapely.prepare(shape)
    inside[inside] = shapely.intersects_xy(shape, x[inside], y[inside])
    return inside


def _units_taken(listed: UnitList, rows: NDArray[np.int64], number: NDArray[np.int32], area: int) -> UnitList:
    polygons = None if listed.polygons is None else Areas(listed.polygons.table.iloc[rows].reset_index(drop=True))
    return UnitList(_taken(listed.places, rows, number, area), polygons, listed.near_m)


def _taken(places: Places, rows: NDArray[np.int64], number: NDArray[np.int32], area: int) -> Places:
    some = places.taken(rows)
    return replace(
        some,
        area=np.where(some.area == area, 0, OUTSIDE_AREAS).astype(np.int32),
        segment=number[some.segment],
    )
