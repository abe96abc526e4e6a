"""What every reader of people gives: inhabited cells or points, and what was masked or moved on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from withinreach.sources.population.parts import Parts
    from withinreach.sources.remarks import Remark

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Masked:
    """Cells or fields of one file (and column) that hold no number of people; none of them counts as 0 in silence.

    Attributes
    ----------
    cells : int
        Cells or rows that were looked at.
    no_data : int
        The declared nodata value, a mask, an empty field or a dash.
    not_a_number, negative : int
        Undeclared: NaN, and values below 0.
    lowest : float
        The lowest of the negative values, else 0.
    """

    path: Path
    cells: int
    no_data: int = 0
    not_a_number: int = 0
    negative: int = 0
    lowest: float = 0.0
    column: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """One band of a raster that was brought onto another grid by sums: people before, and after less before."""

    path: Path
    band: int | None
    people: float
    residual: float


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Rows whose ages are suppressed; their people got the age structure of all other rows."""

    path: Path
    rows: int
    people: float


@dataclass(frozen=True, slots=True, eq=False)
class PeoplePoints:
    """Inhabited cells or points, as the layer has them.

    Attributes
    ----------
    datum : str
        Of the coordinates: as declared, or the CRS that the file states.
    x, y : (k,) float64
        Centres.
    groups : dict from group name to (k,) float64
        People, at least one group of each cell above 0.
    read : dict from group name to float
        People in the files, summed before cells were brought onto one grid.
    cell : (float, float)
        Width and height of a cell in the units of x and y; (0, 0) for points.
    parts : dict from group name to its parts
    masked : tuple of Masked
    moved : tuple of Moved
    suppressed : tuple of Suppressed
    remarks : tuple of Remark
        How a table or layer was read, for the audit.
    extent : (float, float, float, float) or None
        West, south, east and north of what all rasters cover; None for other files.
    """

    datum: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    groups: dict[str, NDArray[np.float64]]
    read: dict[str, float]
    cell: tuple[float, float]
    parts: Parts
    masked: tuple[Masked, ...] = ()
    moved: tuple[Moved, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    remarks: tuple[Remark, ...] = ()
    extent: Bounds | None = None

    def within(self, bounds: Bounds) -> PeoplePoints:
        """Those within bounds, as if nobody else had been read."""
        west, south, east, north = bounds
        here = (self.x >= west) & (self.x <= east) & (self.y >= south) & (self.y <= north)
        groups = {name: people[here] for name, people in self.groups.items()}
        read = {name: float(people.sum()) for name, people in groups.items()}
        return replace(self, x=self.x[here], y=self.y[here], groups=groups, read=read)
