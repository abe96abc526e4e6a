"""Where the rows of a table, or the points of a layer, lie: coordinates that can be in the declared datum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.preparation.frame import misplaced
from withinreach.sources.rows import coordinates, problem_lines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.sources.population import Bounds
    from withinreach.sources.vectors import Layer

NAMED_FEATURES = 3


class Positions(NamedTuple):
    """Coordinates in the declared datum, and a line for each place that has none."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    problems: list[str]

    def beyond(self, bounds: Bounds) -> NDArray[np.bool_]:
        """Which places lie outside bounds."""
        west, south, east, north = bounds
        return (self.x < west) | (self.x > east) | (self.y < south) | (self.y > north)


def table_positions(
    path: Path, datum: str, rows: pd.DataFrame, columns: tuple[str, str], findings: Findings
) -> Positions:
    """Coordinates of the rows of a table, out of the columns of x and y."""
    x, y = (coordinates(path, rows, column) for column in columns)
    findings.take(path, (*x.remarks, *y.remarks))
    remedy = f"does not lie where {datum} is defined; correct it or the declared datum"
    beyond = problem_lines(path, rows, misplaced(datum, x.array, y.array), columns[0], remedy)
    return Positions(x.array, y.array, x.problems + y.problems + beyond)


def point_positions(path: Path, datum: str, points: Layer) -> Positions:
    """Coordinates of a layer of points."""
    x, y = shapely.get_coordinates(points.features.geometry.to_numpy()).T
    wrong = misplaced(datum, x, y) | ~np.isfinite(x) | ~np.isfinite(y)
    problems = [
        f"{path}: feature {points.number[row]}, geometry: ({x[row]:g}, {y[row]:g}) is not a place in {datum}; "
        "correct it or the declared datum"
        for row in np.flatnonzero(wrong)[:NAMED_FEATURES]
    ]
    return Positions(x, y, problems)


def feature_table(layer: Layer) -> pd.DataFrame:
    """Fields of a layer as text, NaN where they are empty; the index holds the numbers of the features."""
    raw = layer.features.drop(columns=layer.features.geometry.name)
    return pd.DataFrame({str(name): _as_text(raw[name]) for name in raw.columns}).set_index(layer.number)


def _as_text(column: pd.Series) -> pd.Series:
    """A column of any type as text: whole numbers without decimals, days without hours."""
    if pd.api.types.is_float_dtype(column):
        whole = column.notna() & (column % 1 == 0)
        text = column.astype("str").where(~whole, column.where(whole).astype("Int64").astype("str"))
        return text.where(column.notna())
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%d").astype("str").where(column.notna())
    text = column.astype("str").str.strip()
    return text.where(column.notna() & (text != ""))


def need_metres(path: Path, frame: MetricFrame, xy: NDArray[np.float64], row: NDArray[np.integer]) -> None:
    """Raise unless every place lies where the metric CRS has values.

    Parameters
    ----------
    xy : (k, 2) float64
    row : (k,)
        Numbers of the places in their file.
    """
    lost = ~np.isfinite(xy).all(axis=1)
    if lost.any():
        raise SourceError(
            f"{path}: row {row[lost][0]}: the position lies outside the reach of {frame.crs}; check the declared datum"
        )
