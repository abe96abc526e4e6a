"""What lies on the ground of a plate: areas, water, streets, cells of uncovered people, facilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from matplotlib.collections import LineCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from shapely.geometry.polygon import orient

from withinreach.maps.palette import COVERAGE_COLOURS, UNCOVERED_COLOURS, WATER_EDGE, WATER_FILL
from withinreach.maps.plates.frame import MM_PER_POINT
from withinreach.maps.strokes import LEVEL_LENGTHS_M
from withinreach.showing import COVERAGE_FILLS, FACILITY, GAIN, LOSS, NO_PEOPLE, SITE, STREET, coverage_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from withinreach.maps.plates.frame import Sight
    from withinreach.model import Areas, Case
    from withinreach.study import Service

BEYOND, PAPER, BORDER, INK = "#f1f0ec", "#ffffff", "#53606c", "#17222e"
# With the colour, never alone: closer lines the fewer people are covered, none from 95 % on.
COVERAGE_HATCHES = ("//////", "///", "..", "")
HATCH_COLOURS = ("#b4c6cb", "#7fabb3", "#d8eaed", "#1f6b7a")
NO_PEOPLE_FACE, NO_PEOPLE_HATCH, NO_PEOPLE_LINE = COVERAGE_FILLS[-1], "xxx", "#9aa3ab"
# Lines of a street by its level (see `strokes.levels`), mm.
STREET_MM = (0.30, 0.22, 0.15, 0.10)
STREET_ALPHA = 0.4
# A level is drawn if its longest strokes are at least so long on the sheet.
SHORTEST_STREET_MM = 5.0
SMALL_MM, LARGE_MM = 0.9, 2.4
SQUARE = (Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY)


class Look(NamedTuple):
    """How the ground of an area with some coverage is filled."""

    face: str
    hatch: str = ""
    line: str = "none"


def look_of(found: int) -> Look:
    """By the class of coverage, see `coverage_classes`."""
    if found == NO_PEOPLE:
        return Look(NO_PEOPLE_FACE, NO_PEOPLE_HATCH, NO_PEOPLE_LINE)
    return Look(COVERAGE_COLOURS[found], COVERAGE_HATCHES[found], HATCH_COLOURS[found])


def paint_classes(axes: Axes, areas: Areas, sight: Sight, shares: NDArray[np.float64]) -> None:
    """Every area in its class of coverage, shares (a,)."""
    for shape, found in zip(areas.table.geometry, coverage_classes(shares), strict=True):
        _paint(axes, sight, shape, look=look_of(int(found)))


def paint_borders(axes: Axes, areas: Areas, sight: Sight) -> None:
    """The borders of all areas."""
    outlines = areas.table.geometry.boundary.to_numpy()
    _stroke(axes, sight, outlines, colour=PAPER, width_mm=0.75)
    _stroke(axes, sight, outlines, colour=BORDER, width_mm=0.3)


def paint_paper(axes: Axes, areas: Areas, sight: Sight, row: int) -> None:
    """One area as white paper, what is beyond it grey."""
    axes.set_facecolor(BEYOND)
    _paint(axes, sight, areas.table.geometry.iloc[row], look=Look(PAPER))


def paint_border(axes: Axes, areas: Areas, sight: Sight, row: int) -> None:
    """The border of one area, all that is beyond it behind a veil, and the borders of others."""
    area = areas.table.geometry.iloc[row]
    beyond = shapely.difference(shapely.box(sight.west, sight.south, sight.east, sight.north), area)
    _paint(axes, sight, beyond, look=Look(BEYOND), alpha=0.62)
    others = shapely.clip_by_rect(areas.table.geometry.boundary.to_numpy(), *sight[:4])
    # A border between two areas is one line: two, dashed each in its own rhythm, would close each other's gaps.
    once = np.array([shapely.union_all(others)], object)
    _stroke(axes, sight, once, colour=BORDER, width_mm=0.2, dashes=(6, 3))
    _stroke(axes, sight, np.array([area.boundary], object), colour=INK, width_mm=0.45)


def paint_water(axes: Axes, case: Case, sight: Sight) -> None:
    """Rivers and lakes."""
    water = case.water.geometry.to_numpy()
    flat = shapely.get_dimensions(water) == 2
    for shape in water[flat]:
        _paint(axes, sight, shape, look=Look(WATER_FILL, line=WATER_EDGE), width_mm=0.1)
    _stroke(axes, sight, water[~flat], colour=WATER_EDGE, width_mm=0.3)


def paint_streets(axes: Axes, sight: Sight, lines: NDArray[np.object_], level: NDArray[np.uint8]) -> None:
    """Strokes, thinner the less they matter, and none of a level that would be a tangle at this scale."""
    for wanted, width_mm in enumerate(STREET_MM):
        if wanted and LEVEL_LENGTHS_M[wanted - 1] < SHORTEST_STREET_MM * sight.m_per_mm:
            return
        _stroke(axes, sight, lines[level == wanted], colour=STREET, width_mm=width_mm, alpha=STREET_ALPHA)


def paint_cells(axes: Axes, case: Case, uncovered: NDArray[np.float64], breaks: tuple[float, ...]) -> None:
    """Cells with uncovered people, (k,), by their density, the densest on top."""
    cells = np.flatnonzero(uncovered > 0)
    width, height = case.cell_size_m
    density = uncovered[cells] / (width * height / 10_000)
    corners = np.array([(-width, -height), (width, -height), (width, height), (-width, height), (-width, -height)]) / 2
    of_class = np.searchsorted(breaks, density, side="right")
    for found, colour in enumerate(UNCOVERED_COLOURS):
        centres = case.people.xy[cells[of_class == found]]
        # A county has tens of thousands of squares: as one path they cost a thirtieth of as many paths. Without
        # antialiasing neighbours lie side by side, with no seam between them.
        squares = Path((centres[:, None] + corners).reshape(-1, 2), np.tile(SQUARE, len(centres)))
        # In an SVG they are one picture.
        axes.add_artist(
            PathPatch(
                squares, facecolor=colour, edgecolor="none", antialiased=False, rasterized=True, zorder=_on_top(axes)
            )
        )


def paint_facilities(axes: Axes, case: Case, service: Service, rows: NDArray[np.int32], *, scale: float) -> None:
    """Facilities as circles, larger with their capacity, hollow where it is unknown."""
    capacity = case.capacities(service.capacity)[rows]
    largest = np.nanmax(capacity, initial=0.0) or 1.0
    share = np.where(np.isnan(capacity), 0.25, np.sqrt(np.nan_to_num(capacity) / largest))
    size = ((SMALL_MM + (LARGE_MM - SMALL_MM) * share) * scale / MM_PER_POINT) ** 2
    hollow = np.isnan(capacity) & (service.capacity is not None)
    x, y = case.facilities.xy[rows].T
    for here, face in ((~hollow, FACILITY), (hollow, PAPER)):
        edge = PAPER if face == FACILITY else FACILITY
        axes.scatter(
            x[here], y[here], s=size[here], c=face, edgecolors=edge, linewidths=0.5 * scale, zorder=_on_top(axes)
        )


def paint_changes(axes: Axes, xy: NDArray[np.float64], gained: NDArray[np.bool_], lost: NDArray[np.bool_]) -> None:
    """Cells that a scenario newly covers, as plus signs, and those that it covers no longer, as hollow squares."""
    size = (SMALL_MM / MM_PER_POINT) ** 2
    x, y = xy.T
    axes.scatter(
        x[gained], y[gained], s=size, marker="+", c=GAIN, linewidths=0.5, rasterized=True, zorder=_on_top(axes)
    )
    axes.scatter(
        x[lost], y[lost], s=size, marker="s", c=PAPER, edgecolors=LOSS, linewidths=0.5, rasterized=True,
        zorder=_on_top(axes),
    )  # fmt: skip


def paint_steps(axes: Axes, opened: NDArray[np.float64], closed: NDArray[np.float64]) -> None:
    """New facilities, (k, 2), as diamonds, closed ones as crosses."""
    size = (LARGE_MM / MM_PER_POINT) ** 2
    x, y = opened.T
    axes.scatter(x, y, s=size, marker="D", c=SITE, edgecolors=PAPER, linewidths=0.6, zorder=_on_top(axes))
    x, y = closed.T
    axes.scatter(x, y, s=size, marker="x", c=LOSS, linewidths=1.2, zorder=_on_top(axes))


def _paint(
    axes: Axes, sight: Sight, shape: shapely.Geometry, *, alpha: float = 1.0, look: Look, width_mm: float = 0.0
) -> None:
    """Polygons of one shape, filled and outlined alike."""
    for path in _paths(sight.clipped(np.array([shape], object))):
        axes.add_artist(
            PathPatch(
                path,
                zorder=_on_top(axes),
                facecolor=look.face,
                edgecolor=look.line,
                hatch=look.hatch or None,
                linewidth=width_mm / MM_PER_POINT,
                alpha=alpha,
            )
        )


def _on_top(axes: Axes) -> int:
    """Rank of what is painted next: above all before it, where matplotlib would put lines above areas."""
    return len(axes.get_children())


def _paths(shapes: NDArray[np.object_]) -> list[Path]:
    """A path with its holes for each polygon."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    found = []
    for polygon in parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]:
        # What is encircled twice the same way is filled, so holes must run the other way than shells.
        rings = shapely.get_rings(orient(polygon))
        found.append(Path.make_compound_path(*(Path(shapely.get_coordinates(ring), closed=True) for ring in rings)))
    return found


def _stroke(
    axes: Axes,
    sight: Sight,
    lines: NDArray[np.object_],
    *,
    colour: str,
    width_mm: float,
    alpha: float = 1.0,
    dashes: tuple[float, float] | None = None,
) -> None:
    parts = shapely.get_parts(shapely.get_parts(sight.clipped(lines)))
    parts = parts[shapely.get_dimensions(parts) == 1]
    xy, part = shapely.get_coordinates(parts, return_index=True)
    pieces = np.split(xy, np.flatnonzero(np.diff(part)) + 1) if len(xy) else []
    axes.add_collection(
        LineCollection(
            pieces,
            colors=colour,
            linewidths=width_mm / MM_PER_POINT,
            linestyles="solid" if dashes is None else [(0, dashes)],
            alpha=alpha,
            capstyle="round",
            zorder=_on_top(axes),
        ),
        autolim=False,
    )
