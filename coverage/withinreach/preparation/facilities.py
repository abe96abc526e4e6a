"""Facility layers -> one table with our column names, and their positions in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.preparation.findings import Spot
from withinreach.preparation.frame import misplaced
from withinreach.sources.rows import coordinates, need_columns, numbers, problem_lines, row_number
from withinreach.sources.tables import TABLE_SUFFIXES, read_table
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.study import FacilityLayer

TEXT_COLUMNS = ("id", "kind", "name", "file")


def read_facilities(
    layer: FacilityLayer, frame: MetricFrame, findings: Findings
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Read one facility layer.

    Returns
    -------
    table : DataFrame with k rows
        id, kind, name, file, row, and the layer's attributes as float64 (NaN where the field is empty).
    xy : (k, 2) float64
        Positions, metres.

    Raises
    ------
    SourceError
        One line for every row with a coordinate that is missing, not a number or impossible in the declared datum,
        and for every attribute that is not a number.
    """
    raw, x, y, problems = _read_positions(layer)
    _need_attributes(layer, raw)
    attributes = {}
    for name, column in layer.attributes.items():
        attributes[name], more = numbers(layer.path, raw, column)
        problems += more
    if problems:
        raise SourceError(problems)

    kind = _kinds(layer, raw)
    kept = kind != ""
    _note_left_out(layer, raw, ~kept, findings)
    _note_unknown(layer, attributes, kind, findings)
    table = pd.DataFrame(
        {
            "id": _text(raw[layer.id]),
            "kind": kind,
            "name": _text(raw[layer.name]),
            "file": layer.path.name,
            "row": row_number(0) + np.arange(len(raw)),
            **attributes,
        }
    )[kept].astype(dict.fromkeys(TEXT_COLUMNS, "str"))
    xy = frame.to_metres(layer.datum, x[kept], y[kept])
    lost = ~np.isfinite(xy).all(axis=1)
    if lost.any():
        row = row_number(np.flatnonzero(kept)[np.flatnonzero(lost)[0]])
        raise SourceError(
            f"{layer.path}: row {row}: the position lies outside the reach of {frame.crs}; check the declared datum"
        )
    return table.reset_index(drop=True), xy


def _read_positions(
    layer: FacilityLayer,
) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.float64], list[str]]:
    if layer.path.suffix.lower() not in TABLE_SUFFIXES:
        points = read_layer(layer.path, layer.datum, kind="Point")
        x, y = shapely.get_x(points.geometry.to_numpy()), shapely.get_y(points.geometry.to_numpy())
        wrong = misplaced(layer.datum, x, y) | ~np.isfinite(x) | ~np.isfinite(y)
        rows = np.flatnonzero(wrong)
        problems = [
            f"{layer.path}: feature {row + 1}, geometry: ({x[row]:g}, {y[row]:g}) is not a place in {layer.datum}; "
            "correct it or the declared datum"
            for row in rows[:3]
        ]
        return pd.DataFrame(points.drop(columns="geometry")), x, y, problems
    raw = read_table(layer.path)
    need_columns(layer.path, raw, [("facilities.x", layer.x), ("facilities.y", layer.y)])
    x, problems = coordinates(layer.path, raw, layer.x)
    y, more = coordinates(layer.path, raw, layer.y)
    remedy = f"does not lie where {layer.datum} is defined; correct it or the declared datum"
    wrong = misplaced(layer.datum, x, y)
    return raw, x, y, problems + more + problem_lines(layer.path, raw, wrong, layer.x, remedy)


def _need_attributes(layer: FacilityLayer, raw: pd.DataFrame) -> None:
    wanted = [("facilities.id", layer.id), ("facilities.name", layer.name)]
    if layer.kind_column is not None:
        wanted.append(("facilities.kind_column", layer.kind_column))
    wanted += [(f"facilities.attributes.{name}", column) for name, column in layer.attributes.items()]
    need_columns(layer.path, raw, wanted)


def _kinds(layer: FacilityLayer, raw: pd.DataFrame) -> NDArray[np.object_]:
    """Kind of each row, empty where the study does not translate it."""
    if layer.kind_column is None:
        return np.full(len(raw), layer.kind, object)
    return _text(raw[layer.kind_column]).map(layer.kinds).fillna("").to_numpy(object)


def _note_left_out(layer: FacilityLayer, raw: pd.DataFrame, out: NDArray[np.bool_], findings: Findings) -> None:
    column = layer.kind_column
    if column is None:
        return
    values = _text(raw[column])
    for position in np.flatnonzero(out):
        at = Spot(row_number(position), column, values.iloc[position])
        findings.note("kind_not_listed", layer.path, at=at)


def _note_unknown(
    layer: FacilityLayer,
    attributes: dict[str, NDArray[np.float64]],
    kind: NDArray[np.object_],
    findings: Findings,
) -> None:
    """Tell how many facilities of a kind lack an attribute that others of the kind have."""
    for name, values in attributes.items():
        for one in dict.fromkeys(kind[kind != ""]):
            known = ~np.isnan(values[kind == one])
            if known.any() and not known.all():
                findings.note(
                    "attribute_unknown",
                    layer.path,
                    {"unknown": (~known).sum(), "count": len(known), "kind": one, "attribute": name},
                    at=Spot(column=layer.attributes[name]),
                )


def _text(column: pd.Series) -> pd.Series:
    return column.astype("str").where(column.notna(), "").str.strip()
