"""Lists of townships, villages, communities and estates -> where each lies, which area it belongs to, its polygon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS, Places, UnitList
from withinreach.preparation.areas import areas_of, assign_areas, unit_codes
from withinreach.preparation.attributes import filled
from withinreach.preparation.positions import feature_table, need_metres, point_positions, table_positions
from withinreach.preparation.scope import note_elsewhere
from withinreach.preparation.snapping import snap_places
from withinreach.sources.rows import need_columns, numbers, problem_lines
from withinreach.sources.tables import TABLE_SUFFIXES, data_rows, read_table
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas, Network
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.people import People
    from withinreach.preparation.positions import Positions
    from withinreach.preparation.scope import Scope
    from withinreach.study import UnitListLayer


@dataclass(frozen=True, slots=True, eq=False)
class ListedUnits:
    """A list of units as read.

    Attributes
    ----------
    table : DataFrame, k rows
        code, name and the layer's attributes, NaN where unknown.
    area : (k,) int32 or None
        Row in the areas where a column tells it.
    xy : (k, 2) float64
        Metres; of a polygon a point inside it.
    polygons : Areas or None
        In the order of the table; None for points.
    """

    table: pd.DataFrame
    area: NDArray[np.int32] | None
    xy: NDArray[np.float64]
    polygons: Areas | None

    def only(self, rows: NDArray[np.bool_]) -> ListedUnits:
        """Some of a list of points."""
        area = None if self.area is None else self.area[rows]
        return replace(self, table=self.table[rows].reset_index(drop=True), area=area, xy=self.xy[rows])


def read_units(layer: UnitListLayer, level: str, scope: Scope, frame: MetricFrame, findings: Findings) -> ListedUnits:
    """Read a list of units: a table of points, or a layer of points or polygons.

    Units around the areas are kept, too, for a facility counts for the nearest one.

    Raises
    ------
    SourceError
        One line for every row without a code or a place, and for every attribute that is no number.
    """
    key, bounds = f"units.{level}", scope.bounds(layer.datum)
    if layer.path.suffix.lower() in TABLE_SUFFIXES:
        asked = (layer.code, layer.name, layer.x, layer.y, *layer.attributes.values())
        table = data_rows(read_table(layer.path, asked, layer.sheet))
        findings.take(layer.path, table.remarks)
        need_columns(layer.path, table.rows, [(f"{key}.x", layer.x), (f"{key}.y", layer.y)])
        positions = table_positions(layer.path, layer.datum, table.rows, (layer.x, layer.y), findings)
        listed = _points(layer, _fields(layer, key, table.rows, scope, findings), positions, frame)
        if bounds is None:
            return listed
        beyond = positions.beyond(bounds)
        note_elsewhere(layer.path, beyond, findings)
        return listed.only(~beyond)
    read = read_layer(layer.path, layer.datum, kind="Point or Polygon", layer=layer.layer, bounds=bounds)
    findings.take(layer.path, read.remarks)
    fields = _fields(layer, key, feature_table(read), scope, findings)
    points = (read.features.geometry.geom_type == "Point").to_numpy(bool)
    if points.all():
        return _points(layer, fields, point_positions(layer.path, layer.datum, read), frame)
    if points.any():
        raise SourceError(f"{layer.path}: holds points and polygons; give units of one sort")
    if fields.problems:
        raise SourceError(fields.problems)
    polygons = areas_of(layer, read.features, fields.table["code"].to_numpy(object), frame, findings)
    inside = shapely.get_coordinates(shapely.point_on_surface(polygons.table.geometry.to_numpy()))
    return ListedUnits(fields.table, fields.area, inside, polygons)


class Fields(NamedTuple):
    """Codes, names and attributes, the areas where a column tells them, and a line for every bad value."""

    table: pd.DataFrame
    area: NDArray[np.int32] | None
    problems: list[str]
    number: NDArray[np.int64]


def _points(layer: UnitListLayer, fields: Fields, positions: Positions, frame: MetricFrame) -> ListedUnits:
    if positions.problems or fields.problems:
        raise SourceError(positions.problems + fields.problems)
    xy = frame.to_metres(layer.datum, positions.x, positions.y)
    need_metres(layer.path, frame, xy, fields.number)
    return ListedUnits(fields.table, fields.area, xy, None)


def _fields(layer: UnitListLayer, key: str, raw: pd.DataFrame, scope: Scope, findings: Findings) -> Fields:
    wanted = [(f"{key}.code", layer.code), (f"{key}.name", layer.name)]
    wanted += [(f"{key}.attributes.{name}", column) for name, column in layer.attributes.items()]
    if layer.area is not None:
        wanted.append((f"{key}.area", layer.area))
    need_columns(layer.path, raw, wanted)
    problems: list[str] = []
    attributes = {}
    for name, column in layer.attributes.items():
        read = numbers(layer.path, raw, column)
        findings.take(layer.path, read.remarks)
        problems += read.problems
        attributes[name] = read.array
    area = None
    if layer.area is not None:
        row = dict.fromkeys(scope.others, OUTSIDE_AREAS)
        row |= {code: place for place, code in enumerate(scope.areas.table["code"])}
        found = filled(raw[layer.area]).map(row)
        remedy = "is the code of no area; correct it"
        problems += problem_lines(layer.path, raw, found.isna().to_numpy(bool), layer.area, remedy)
        area = found.fillna(OUTSIDE_AREAS).to_numpy(np.int32)
    code = unit_codes(layer.path, raw[layer.code], "row")
    table = pd.DataFrame({"code": code, "name": filled(raw[layer.name]).to_numpy(), **attributes})
    return Fields(table.astype({"code": "str", "name": "str"}), area, problems, raw.index.to_numpy(np.int64))


def place_units(
    layer: UnitListLayer,
    listed: ListedUnits,
    cells: People,
    scope: Scope,
    network: Network,
    cap_m: float,
    frame: MetricFrame,
) -> UnitList:
    """Place units on the streets and in their areas.

    A polygon is placed where its people live: at the inhabited cell that is nearest to their centre of gravity, and
    without people at a point inside it. Fields of villages reach a quarter of an hour beyond the houses.
    """
    xy = listed.xy if listed.polygons is None else _where_people_live(listed, listed.polygons, cells)
    lonlat = frame.to_lonlat(xy)
    segment, offset_mm, access_mm = snap_places(network, xy, cap_m)
    places = Places(
        table=listed.table.assign(lon=lonlat[:, 0], lat=lonlat[:, 1]),
        xy=xy,
        area=scope.area_of(xy) if listed.area is None else listed.area,
        segment=segment,
        offset_mm=offset_mm,
        access_mm=access_mm,
    )
    return UnitList(places=places, polygons=listed.polygons, near_m=layer.near_m)


def _where_people_live(listed: ListedUnits, polygons: Areas, cells: People) -> NDArray[np.float64]:
    """For each polygon the inhabited cell nearest to its people's centre of gravity, else the point inside it."""
    unit = assign_areas(polygons, cells.xy)
    xy = listed.xy.copy()
    everybody = cells.groups.iloc[:, 0].to_numpy(np.float64)
    inside = np.flatnonzero(unit != OUTSIDE_AREAS)
    people = np.bincount(unit[inside], everybody[inside], len(polygons))
    with np.errstate(invalid="ignore"):
        centre = (
            np.column_stack(
                [
                    np.bincount(unit[inside], everybody[inside] * cells.xy[inside, axis], len(polygons))
                    for axis in (0, 1)
                ]
            )
            / people[:, None]
        )
    away = np.hypot(*(cells.xy[inside] - centre[unit[inside]]).T)
    # Of each unit the cell least away, the first of equals; cells of units without people have no distance.
    order = np.lexsort((away, unit[inside]))
    order = order[np.isfinite(away[order])]
    first = order[np.unique(unit[inside][order], return_index=True)[1]]
    xy[unit[inside][first]] = cells.xy[inside][first]
    return xy
