"""Facility files -> text, coordinates, and which column holds what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.errors import SourceError
from withinreach.preparation.attributes import ATTRIBUTES
from withinreach.preparation.audit.positions import note_swapped
from withinreach.preparation.positions import feature_table, point_positions, table_positions
from withinreach.preparation.scope import note_elsewhere
from withinreach.sources.headers import Column, Named, find_columns, fold, listed_columns
from withinreach.sources.remarks import Spot
from withinreach.sources.tables import TABLE_SUFFIXES, data_rows, read_table
from withinreach.sources.values import vocabulary
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.repairs import Repairs
    from withinreach.sources.population import Bounds
    from withinreach.sources.tables import Table
    from withinreach.study import FacilityLayer

POSITION = {"x": "longitude or easting", "y": "latitude or northing"}
# Datums whose coordinates differ by decimetres.
SAME = {"cgcs2000": "wgs84"}


@dataclass(frozen=True, eq=False)
class FacilityFile:
    """A facility layer as it was read.

    Attributes
    ----------
    table : DataFrame, k rows
        Every field as text, NaN where it is empty; the index holds the numbers of the rows or features in the file.
    columns
        The column of each role that the file has.
    x, y : (k,) float64
        Coordinates in the declared datum.
    problems
        One line for each bad coordinate.
    """

    table: pd.DataFrame
    columns: Mapping[str, Column]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    problems: list[str]


def read_facility_file(
    layer: FacilityLayer, repairs: Repairs, findings: Findings, bounds: Bounds | None = None
) -> FacilityFile:
    """Read the file of a layer, repair its rows, and find its columns by the study's names or by their labels.

    Of a table that is read within bounds all coordinates are judged; of rows that lie elsewhere only the count is kept.

    Raises
    ------
    SourceError
        If the file cannot be used, a column is missing, or several columns may hold the same.
    """
    named = _named(layer)
    if layer.path.suffix.lower() not in TABLE_SUFFIXES:
        return _from_features(layer, named, findings, bounds)
    table = facility_rows(layer)
    findings.take(layer.path, table.remarks)
    if table.rows.empty:
        raise SourceError(f"{layer.path}: the table holds only totals and notes; add rows of facilities")
    rows = repairs.apply(layer.path, table.rows, findings)
    columns = _columns(layer, rows, named, ("x", "y"))
    _note_columns(layer, named, columns, findings)
    _note_other_datum(layer, rows, columns, findings)
    place = (columns["x"].name, columns["y"].name)
    found = table_positions(layer.path, layer.datum, rows, place, findings)
    note_swapped(layer, rows[list(place)], np.column_stack([found.x, found.y]), findings)
    here = np.ones(len(rows), bool) if bounds is None else ~found.beyond(bounds)
    note_elsewhere(layer.path, ~here, findings)
    return FacilityFile(rows[here], columns, found.x[here], found.y[here], found.problems)


def facility_rows(layer: FacilityLayer) -> Table:
    """The rows of a table of facilities, as they stand in the file."""
    asked = [name for name in _named(layer).columns.values() if isinstance(name, str)]
    return data_rows(read_table(layer.path, asked, layer.sheet))


def _from_features(layer: FacilityLayer, named: Named, findings: Findings, bounds: Bounds | None) -> FacilityFile:
    read = read_layer(layer.path, layer.datum, kind="Point", layer=layer.layer, bounds=bounds)
    findings.take(layer.path, read.remarks)
    table = feature_table(read)
    columns = _columns(layer, table, named, ())
    _note_columns(layer, named, columns, findings)
    return FacilityFile(table, columns, *point_positions(layer.path, layer.datum, read))


def _named(layer: FacilityLayer) -> Named:
    """How the study names the columns, with the keys that do it."""
    columns: dict[str, str | bool] = {}
    keys = {role: f"facilities.{role}" for role in ("x", "y", "id", "name")} | {"kind": "facilities.kind_column"}
    given = {"x": layer.x, "y": layer.y, "id": layer.id, "name": layer.name, "kind": layer.kind_column}
    columns.update({role: name for role, name in given.items() if name is not None})
    if layer.kind is not None:
        columns["kind"] = False
    columns.update(layer.attributes)
    keys.update({name: f"facilities.attributes.{name}" for name in (*ATTRIBUTES, *layer.attributes)})
    return Named(columns, keys, layer.datum)


def _columns(layer: FacilityLayer, table: pd.DataFrame, named: Named, position: Iterable[str]) -> dict[str, Column]:
    names = [str(name) for name in table.columns]
    wanted = dict.fromkeys((*position, "id", "name", "kind", "datum", *ATTRIBUTES, *layer.attributes))
    found = find_columns(layer.path, names, named, wanted)
    if layer.kind is None and "kind" not in found:
        found |= find_columns(layer.path, names, named, ["amap_typecode"])
    listed = listed_columns(names)
    problems = [
        f"{layer.path}: no column looks like {POSITION.get(role, role)}; name it with {named.keys[role]} in the study "
        f"(the file has: {listed})"
        for role in (*position, "name")
        if role not in found
    ]
    if layer.kind is None and found.keys().isdisjoint(("kind", "amap_typecode")):
        problems.append(
            f"{layer.path}: no column looks like the kind; give kind or kind_column (the file has: {listed})"
        )
    if problems:
        raise SourceError(problems)
    return found


def _note_columns(layer: FacilityLayer, named: Named, columns: Mapping[str, Column], findings: Findings) -> None:
    """Say which columns were taken without being named by the study, and which units were multiplied."""
    taken = [f"{role} = {column.name}" for role, column in columns.items() if role not in named.columns]
    if taken:
        findings.note("columns_found", layer.path, {"count": len(taken)}, at=Spot(value="; ".join(taken)))
    for role, column in columns.items():
        if column.factor != 1:
            at = Spot(column=column.name)
            findings.note("unit_of_column", layer.path, {"attribute": role, "factor": column.factor}, at=at)


def _note_other_datum(
    layer: FacilityLayer, table: pd.DataFrame, columns: Mapping[str, Column], findings: Findings
) -> None:
    """A table may say itself in which datum its coordinates are; the study's declaration rules."""
    if "datum" not in columns:
        return
    column = columns["datum"].name
    said = table[column].dropna().map(lambda text: vocabulary("datum").get(fold(text), ""))
    other = said[(said != "") & (said.map(lambda datum: SAME.get(datum, datum)) != SAME.get(layer.datum, layer.datum))]
    if len(other):
        at = Spot(int(other.index[0]), column, str(table.loc[other.index[0], column]))
        findings.note("datum_said_otherwise", layer.path, {"count": len(other), "declared": layer.datum}, at=at)
