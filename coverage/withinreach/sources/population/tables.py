"""People in tables of points and in layers of points or cells: the columns of one file, summed to groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.errors import SourceError
from withinreach.sources.population.cells import Masked, PeoplePoints, Suppressed
from withinreach.sources.population.files import feature_rows, is_table, shape_kind, table_rows
from withinreach.sources.population.parts import column_parts, listed_columns, single_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.population.cells import Bounds
    from withinreach.sources.population.files import Rows
    from withinreach.sources.population.parts import Parts
    from withinreach.study import PopulationLayer


def read_points(layer: PopulationLayer, datum: str, bounds: Bounds | None = None) -> PeoplePoints:
    """Read people from a table of points, or from a layer of points or polygons, whose cells count at their centres.

    Parameters
    ----------
    bounds
        Of a layer only the features that meet them are read, unless those elsewhere tell what suppressed ages are.

    Raises
    ------
    SourceError
        If the file cannot be used, a column is missing, or people or coordinates are not numbers, each with file, row
        and column.
    CrsError
        If the CRS of a layer contradicts the datum.
    """
    path = single_file(layer)
    if layer.unit != "people":
        raise SourceError(f"{path}: people per km² are read from rasters only; give people")
    if is_table(path):
        rows = table_rows(path, [layer.x, layer.y, *listed_columns(layer)], layer.sheet)
        rows.need([("population.x", layer.x), ("population.y", layer.y)])
        x, y, cell = rows.coordinates(layer.x), rows.coordinates(layer.y), (0.0, 0.0)
    else:
        rows = feature_rows(
            path, datum, shape_kind(path, layer.layer), layer.layer, None if layer.suppressed else bounds
        )
        x, y, cell = _centres(np.asarray(rows.shapes, object))
    columns = ColumnSums(layer, rows)
    rows.raise_problems()
    here = columns.inhabited
    return PeoplePoints(
        datum=datum,
        x=x[here],
        y=y[here],
        groups={name: values[here] for name, values in columns.groups.items()},
        read={name: float(values.sum()) for name, values in columns.groups.items()},
        cell=cell,
        parts=columns.parts,
        masked=columns.masked,
        suppressed=columns.suppressed,
        remarks=tuple(rows.remarks),
    )


def _centres(
    shapes: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]:
    """Centres, and the width and height that half of the shapes do not exceed."""
    centre = shapely.centroid(shapes)
    west, south, east, north = shapely.bounds(shapes).T
    return (
        shapely.get_x(centre),
        shapely.get_y(centre),
        (float(np.median(east - west)), float(np.median(north - south))),
    )


class ColumnSums:
    """The groups of a layer, summed from the columns of one file, whose problems and remarks grow.

    Attributes
    ----------
    parts : dict from group name to its parts
    groups : dict from group name to (k,) float64
    masked : tuple of Masked
        Columns with fields that hold no number.
    suppressed : tuple of Suppressed
    """

    def __init__(self, layer: PopulationLayer, rows: Rows) -> None:
        self.parts: Parts = column_parts(layer, rows.path, [str(column) for column in rows.table.columns])
        named = [
            (f"population.groups.{name}", part.column or "") for name, group in self.parts.items() for part in group
        ]
        rows.need([*named, *([("population.total", layer.total)] if layer.total else [])])
        columns = {column: rows.numbers(column) for column in dict.fromkeys(name for _, name in named)}
        count = len(rows.table)
        self.masked = tuple(
            Masked(rows.path, count, no_data=int(np.isnan(values).sum()), column=column)
            for column, values in columns.items()
        )
        self.suppressed: tuple[Suppressed, ...] = ()
        if layer.suppressed and layer.total is not None:
            columns, self.suppressed = _unsuppressed(layer, rows, columns)
        self.groups = {
            name: sum((np.nan_to_num(columns[part.column or ""]) * part.share for part in group), np.zeros(count))
            for name, group in self.parts.items()
        }

    @property
    def inhabited(self) -> NDArray[np.bool_]:
        """Rows in which any group has people."""
        return np.logical_or.reduce([values > 0 for values in self.groups.values()])


def _unsuppressed(
    layer: PopulationLayer, rows: Rows, columns: dict[str, NDArray[np.float64]]
) -> tuple[dict[str, NDArray[np.float64]], tuple[Suppressed, ...]]:
    """Columns in which suppressed ages are replaced by the shares that they have in all other rows.

    A value such as 99 is also a count: a row is suppressed only if it has such values and its age columns add up to
    more people than it has.
    """
    everybody = np.nan_to_num(rows.numbers(layer.total or ""))
    ages = [column for column in columns if column != layer.total]
    values = np.column_stack([np.nan_to_num(columns[column]) for column in ages])
    hidden = np.isin(values, layer.suppressed).any(axis=1) & (values.sum(axis=1) > everybody)
    if not hidden.any():
        return columns, ()
    if not everybody[~hidden].any():
        raise SourceError(
            f"{rows.path}: the ages of all rows are suppressed; calibrate a total, or give ages elsewhere"
        )
    values[hidden] = everybody[hidden, None] * (values[~hidden].sum(axis=0) / everybody[~hidden].sum())
    filled = columns | {column: values[:, i] for i, column in enumerate(ages)}
    return filled, (Suppressed(rows.path, int(hidden.sum()), float(everybody[hidden].sum())),)
