"""Polygons -> Areas: text codes, valid geometries, and every point in exactly one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS, Areas
from withinreach.sources.rows import need_columns
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.study import AreaLayer, UnitListLayer

# Simplified borders of public polygon sets overlap by slivers; above this share of the smaller unit it is worth a word.
NOTED_OVERLAP = 0.001


def prepare_areas(layer: AreaLayer, frame: MetricFrame, findings: Findings) -> Areas:
    """Read all polygons of a layer as units.

    Raises
    ------
    SourceError
        If the layer cannot be used, a column is missing, or a code is missing or stands twice.
    """
    return areas_of(layer, *read_area_layer(layer, findings), frame, findings)


def read_area_layer(layer: AreaLayer, findings: Findings) -> tuple[gpd.GeoDataFrame, NDArray[np.object_]]:
    """Polygons as the file has them, and their codes.

    Raises
    ------
    SourceError
        As `prepare_areas`.
    """
    read = read_layer(layer.path, layer.datum, kind="Polygon", layer=layer.layer)
    findings.take(layer.path, read.remarks)
    raw = read.features
    need_columns(layer.path, raw, [("areas.code", layer.code), ("areas.name", layer.name)])
    return raw, unit_codes(layer.path, raw[layer.code].set_axis(read.number))


def areas_of(
    layer: AreaLayer | UnitListLayer,
    raw: gpd.GeoDataFrame,
    code: NDArray[np.object_],
    frame: MetricFrame,
    findings: Findings,
) -> Areas:
    """Polygons with their codes and names, in metres and valid."""
    shapes = frame.geometries(layer.datum, raw.geometry.to_numpy())
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise SourceError(f"{layer.path}: coordinates outside the reach of {frame.crs}; check the declared datum")
    invalid = ~shapely.is_valid(shapes)
    for position in np.flatnonzero(invalid):
        reason = shapely.is_valid_reason(shapes[position])
        findings.note("polygon_invalid", layer.path, {"code": code[position], "why": reason})
    shapes = np.where(invalid, _polygons_of(shapely.make_valid(shapes)), shapes)
    _note_overlaps(layer.path, code, shapes, findings)
    table = gpd.GeoDataFrame(
        {"code": code, "name": raw[layer.name].astype("str").to_numpy()}, geometry=shapes, crs=frame.crs
    )
    return Areas(table.astype({"code": "str", "name": "str"}))


def unit_codes(path: Path, column: pd.Series, what: str = "feature") -> NDArray[np.object_]:
    """Codes as text: 410702, never 410702.0; each stands once.

    Parameters
    ----------
    column
        Its index holds the numbers of the rows in the file.
    what
        What the file calls a row.

    Raises
    ------
    SourceError
        One line for every code that is missing or stands twice.
    """
    if pd.api.types.is_numeric_dtype(column):
        column = column.astype("Int64")
    missing = column.index[column.isna()]
    if len(missing):
        raise SourceError(f"{path}: {what} {missing[0]}: no code in column '{column.name}'; every unit needs one")
    code = column.astype("str").str.strip()
    seen: dict[str, int] = {}
    problems = []
    for number, value in code.items():
        if value in seen:
            problems.append(
                f"{path}: {what} {number}, column '{column.name}': code {value} stands twice "
                f"(first in {what} {seen[value]}); merge the two or correct the code"
            )
        seen.setdefault(value, number)
    if problems:
        raise SourceError(problems)
    return code.to_numpy(object)


def _polygons_of(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons in what `make_valid` returns, which may also hold lines."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    parts, part_owner = shapely.get_parts(parts, return_index=True)
    owner = owner[part_owner]
    keep = shapely.get_dimensions(parts) == 2
    merged = [shapely.multipolygons(parts[keep & (owner == row)]) for row in range(len(shapes))]
    return np.array(merged, object)


def _note_overlaps(path: Path, code: NDArray[np.object_], shapes: NDArray[np.object_], findings: Findings) -> None:
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    shared = shapely.area(shapely.intersection(shapes[a], shapes[b]))
    smaller = np.minimum(shapely.area(shapes[a]), shapely.area(shapes[b]))
    for row in np.flatnonzero(shared > NOTED_OVERLAP * smaller):
        findings.note("polygons_overlap", path, {"code": code[a[row]], "other": code[b[row]], "km2": shared[row] / 1e6})


def assign_areas(areas: Areas, xy: NDArray[np.float64]) -> NDArray[np.int32]:
    """The unit of each point: the first whose closed polygon holds it, so that no point on a border is lost.

    Parameters
    ----------
    xy : (k, 2) float64, metres

    Returns
    -------
    (k,) int32
        Row in the areas, -1 outside all of them.
    """
    unit = np.full(len(xy), OUTSIDE_AREAS, np.int32)
    shapes = areas.table.geometry.to_numpy()
    shapely.prepare(shapes)
    for row, (west, south, east, north) in enumerate(shapely.bounds(shapes)):
        x, y = xy.T
        near = np.flatnonzero((unit == OUTSIDE_AREAS) & (x >= west) & (x <= east) & (y >= south) & (y <= north))
        inside = shapely.intersects_xy(shapes[row], x[near], y[near])
        unit[near[inside]] = row
    return unit
