"""The second margin of calibration: totals of townships, each inside one area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.areas import assign_areas
from withinreach.preparation.people_findings import note_townships
from withinreach.preparation.spreading import read_units
from withinreach.sources.population import read_townships

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.calibration import Cells
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.study import Townships


@dataclass(frozen=True, slots=True, eq=False)
class TownshipMargin:
    """Townships that lie in an area, and their totals.

    Those without a total count together as one row, which gets what the others leave of the area.

    Attributes
    ----------
    path : Path
        The table of totals.
    group : int
        Which group the totals are of.
    rows : tuple of TownshipRow
    of_cell : (k,) int64
        Position of the row of each cell in the areas among the rows of its area; -1 in areas without townships.
    """

    path: Path
    group: int
    rows: tuple[TownshipRow, ...]
    of_cell: NDArray[np.int64]

    def rows_in(self, area: int) -> list[TownshipRow]:
        """The rows of an area, those with a total first."""
        return [row for row in self.rows if row.area == area]


@dataclass(frozen=True, slots=True)
class TownshipRow:
    """One township, or all of an area that have no total: ``total`` is NaN then."""

    name: str
    area: int
    total: float
    shape: shapely.Geometry


def totals_in(path: Path, rows: list[TownshipRow], whole: float, code: str) -> NDArray[np.float64]:
    """Totals of the townships of an area, scaled to add up to its whole; see `TownshipMargin`.

    Raises
    ------
    SourceError
        If they hold nobody and the area somebody, or more than the area although some are not told.
    """
    total = np.array([row.total for row in rows])
    rest = np.isnan(total)
    known = float(total[~rest].sum())
    if rest.any():
        if known > whole:
            raise SourceError(
                f"{path}: the townships of {code} that have a total hold {known:,.0f} people, the area only "
                f"{whole:,.0f}; correct one of them"
            )
        return np.where(rest, whole - known, total)
    if known <= 0 < whole:
        raise SourceError(f"{path}: the townships of {code} have nobody, the area has {whole:,.0f} people; correct it")
    return total * (whole / known if known > 0 else 0.0)


def prepare_townships(
    townships: Townships, group: int, cells: Cells, areas: Areas, frame: MetricFrame, findings: Findings
) -> TownshipMargin:
    """Read townships and their totals, and find the township of every cell.

    A township belongs to the area that holds a point on it. A cell belongs to the township that holds its centre if
    both are in the same area, else - along borders that differ a little - to that of the nearest cell of its area.

    Raises
    ------
    SourceError
        If a file cannot be used, or an area has townships in which none of its people live.
    """
    read = read_townships(townships)
    findings.take(read.path, read.remarks)
    total = read.people[townships.group]
    units = read_units(townships.units, frame, findings)
    code = units.table["code"].to_numpy(object)
    shape = units.table.geometry.to_numpy()
    area = assign_areas(areas, shapely.get_coordinates(shapely.point_on_surface(shape)))
    people = total.reindex(code).to_numpy(np.float64)
    rows: list[TownshipRow] = []
    position = np.full(len(code), -1, np.int64)
    for at in np.unique(area[area != OUTSIDE_AREAS]):
        here = np.flatnonzero(area == at)
        known, rest = here[~np.isnan(people[here])], here[np.isnan(people[here])]
        position[known], position[rest] = np.arange(len(known)), len(known)
        rows += [TownshipRow(code[one], int(at), float(people[one]), shape[one]) for one in known]
        if len(rest):
            rows.append(TownshipRow(", ".join(code[rest]), int(at), np.nan, shapely.union_all(shape[rest])))
    unit = assign_areas(units, cells.xy)
    # A cell in a township of another area has none yet.
    unit[(unit != OUTSIDE_AREAS) & (area[unit] != cells.area)] = OUTSIDE_AREAS
    of_cell = np.where(unit == OUTSIDE_AREAS, -1, position[unit])
    for at in {row.area for row in rows}:
        _fill_borders(townships.path, of_cell, cells, at, areas)
    note_townships(townships.path, total, code, findings)
    return TownshipMargin(townships.path, group, tuple(rows), of_cell)


def _fill_borders(path: Path, of_cell: NDArray[np.int64], cells: Cells, area: int, areas: Areas) -> None:
    here = np.flatnonzero(cells.area == area)
    bare, held = here[of_cell[here] < 0], here[of_cell[here] >= 0]
    if not len(bare):
        return
    if not len(held):
        code = areas.table["code"].iloc[area]
        raise SourceError(f"{path}: nobody in {code} lives in one of its townships; check the datum of their layer")
    of_cell[bare] = of_cell[held[cKDTree(cells.xy[held]).query(cells.xy[bare])[1]]]
