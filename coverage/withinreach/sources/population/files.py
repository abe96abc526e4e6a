"""Tables and layers of people, totals and homes: rows with their numbers in the file, and shapes if it has any."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from withinreach.errors import SourceError
from withinreach.sources.files import need_file
from withinreach.sources.headers import header_factor
from withinreach.sources.rows import coordinates, need_columns, numbers
from withinreach.sources.tables import TABLE_SUFFIXES, data_rows, read_table
from withinreach.sources.vectors import PARQUET_SUFFIXES, read_layer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.sources.population.cells import Bounds
    from withinreach.sources.remarks import Remark


@dataclass(eq=False)
class Rows:
    """The rows of one file, and what is found out about them while columns are read.

    Attributes
    ----------
    table : DataFrame
        The index holds the number of each row or feature in the file.
    shapes : (k,) array of geometries, or None
    remarks : list of Remark
        How the file and its columns were read, for the audit.
    problems : list of str
        A line for each field that cannot be used.
    """

    path: Path
    table: pd.DataFrame
    shapes: NDArray[np.object_] | None
    remarks: list[Remark]
    problems: list[str] = field(default_factory=list)

    def need(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Raise unless the file has every wanted column; see `need_columns`."""
        need_columns(self.path, self.table, wanted)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of counts, in the unit that its header states (万人); NaN where nothing is known."""
        read = numbers(self.path, self.table, column, header_factor(column))
        self.problems += read.problems
        self.remarks += read.remarks
        return read.array

    def coordinates(self, column: str) -> NDArray[np.float64]:
        """A column of coordinates."""
        read = coordinates(self.path, self.table, column)
        self.problems += read.problems
        self.remarks += read.remarks
        return read.array

    def raise_problems(self) -> None:
        """Raise `SourceError` if there are problems, each once."""
        if self.problems:
            raise SourceError(dict.fromkeys(self.problems))


def is_table(path: Path) -> bool:
    """Whether a file is a table, and no layer of shapes."""
    return path.suffix.lower() in TABLE_SUFFIXES


def table_rows(path: Path, columns: Iterable[str], sheet: str | None = None) -> Rows:
    """The data rows of a table, whose header is known to hold some columns."""
    read = data_rows(read_table(path, columns, sheet))
    if read.rows.empty:
        raise SourceError(f"{path}: the table holds only totals and notes; add rows")
    return Rows(path, read.rows, None, [*read.remarks])


def feature_rows(path: Path, datum: str, kind: str, layer: str | None = None, bounds: Bounds | None = None) -> Rows:
    """The features of a layer, or those within bounds."""
    read = read_layer(path, datum, kind=kind, layer=layer, bounds=bounds)
    table = read.features.drop(columns=read.features.geometry.name).set_index(read.number)
    return Rows(path, table, read.features.geometry.to_numpy(), [*read.remarks])


def shape_kind(path: Path, layer: str | None = None) -> str:
    """``Point`` where a layer says that it holds points, else ``Polygon``."""
    need_file(path)
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return "Polygon"
    try:
        stated = pyogrio.read_info(path, layer=layer).get("geometry_type") or ""
    except (DataSourceError, DataLayerError):
        return "Polygon"  # the reader says what is wrong with the file
    return "Point" if "Point" in stated else "Polygon"
