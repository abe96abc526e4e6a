"""Which names a plate shows, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.lines import Line2D
from scipy.spatial import cKDTree

from withinreach.maps.content import label_point
from withinreach.maps.plates.frame import Box
from withinreach.maps.plates.names import Room, Spot, around, centred_or_near, cut_to
from withinreach.maps.plates.sheet import CENTRED, FRAME, HEADING, INK, NAME, SMALL, SOFT, Pen
from withinreach.showing import FACILITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from withinreach.maps.plates.frame import Sight
    from withinreach.maps.plates.sheet import Sheet
    from withinreach.model import Case

INSIDE = Box(FRAME.left + 1, FRAME.bottom + 1, FRAME.right - 1, FRAME.top - 1)
LONGEST_MM = 30.0
# Names of places on the plate of a county at most; more than these are read by nobody.
PLACES, FACILITIES = 24, 16
# Neighbours of which less is seen have no name; half the side of the ground that a facility's sign takes.
NEIGHBOUR_MM, SIGN_MM = 9.0, 0.9
LEVELS = ("township", "community", "village", "estate")


def name_areas(
    sheet: Sheet, sight: Sight, names: Sequence[str], figures: Sequence[str], points: NDArray[np.float64]
) -> None:
    """Names of areas over their figures, each in its own or, where that is too small, beside it with a line to it."""
    room = Room(INSIDE)
    for name, figure, (x, y) in zip(names, figures, on_sheet(sight, points).tolist(), strict=True):
        text = f"{cut_to(name, LONGEST_MM, HEADING)}\n{figure}"
        spot = room.claim(text, HEADING, centred_or_near(x, y))
        if spot is None:
            continue
        if spot.away:
            sheet.paper.add_line(Line2D([x, spot.x], [y, spot.y], color=INK, linewidth=0.5))
        sheet.write((spot.x, spot.y), text, Pen(HEADING, weight="bold", halo=True), CENTRED)


def name_places(
    sheet: Sheet, sight: Sight, case: Case, row: int, uncovered: NDArray[np.float64], rows: NDArray[np.int32]
) -> None:
    """Names on the plate of one area: its neighbours, the listed places with most uncovered people, and facilities.

    Parameters
    ----------
    uncovered : (k,) float64
        People per cell.
    rows
        Facilities that the plate shows.
    """
    room = Room(INSIDE, _signs(on_sheet(sight, case.facilities.xy[rows])))
    _name_neighbours(sheet, sight, case, row, room)
    for name, at in _worst_places(case, row, uncovered):
        _name_point(sheet, room, name, on_sheet(sight, at[None])[0], Pen(NAME, halo=True))
    names = case.facilities.table["name"].to_numpy(object)
    inside = rows[case.facilities.area[rows] == row]
    # Of many facilities a few names say nothing; the table has them all.
    for facility in inside if len(inside) <= FACILITIES else ():
        at = on_sheet(sight, case.facilities.xy[[facility]])[0]
        _name_point(sheet, room, str(names[facility]), at, Pen(SMALL, FACILITY, halo=True))


def _name_neighbours(sheet: Sheet, sight: Sight, case: Case, row: int, room: Room) -> None:
    shapes = case.areas.table.geometry.to_numpy()
    seen = shapely.clip_by_rect(shapes, sight.west, sight.south, sight.east, sight.north)
    for other in np.flatnonzero(~shapely.is_empty(seen)):
        if other == row or seen[other].area < (NEIGHBOUR_MM * sight.m_per_mm) ** 2:
            continue
        x, y = on_sheet(sight, np.array([label_point(seen[other])]))[0].tolist()
        text = cut_to(str(case.areas.table["name"].iloc[other]), LONGEST_MM, HEADING)
        if room.claim(text, HEADING, iter([Spot(x, y, 0.0)])) is not None:
            sheet.write((x, y), text, Pen(HEADING, SOFT, halo=True), CENTRED)


def _worst_places(case: Case, row: int, uncovered: NDArray[np.float64]) -> list[tuple[str, NDArray[np.float64]]]:
    """Listed units of one area, of the finest level last, those first to which most uncovered people are nearest."""
    cells = np.flatnonzero((case.people.area == row) & (uncovered > 0))
    found: list[tuple[str, NDArray[np.float64]]] = []
    for level in LEVELS:
        units = case.units.get(level)
        here = np.zeros(0, np.int64) if units is None else np.flatnonzero(units.places.area == row)
        if units is None or len(here) == 0 or len(cells) == 0:
            continue
        nearest = cKDTree(units.places.xy[here]).query(case.people.xy[cells])[1]
        people = np.bincount(nearest, uncovered[cells], len(here))
        order = np.argsort(-people, kind="stable")
        names = units.places.table["name"].to_numpy(object)
        found += [(str(names[here[at]]), units.places.xy[here[at]]) for at in order[people[order] > 0]]
    return found[:PLACES]


def _name_point(sheet: Sheet, room: Room, name: str, at: NDArray[np.float64], pen: Pen) -> None:
    text = cut_to(name, LONGEST_MM, pen.points)
    x, y = at.tolist()
    spot = room.claim(text, pen.points, around(x, y, text, pen.points))
    if spot is not None:
        sheet.write((spot.x, spot.y), text, pen, CENTRED)


def _signs(points: NDArray[np.float64]) -> list[Box]:
    """The ground that the signs of facilities stand on."""
    return [Box(x - SIGN_MM, y - SIGN_MM, x + SIGN_MM, y + SIGN_MM) for x, y in points.tolist()]


def on_sheet(sight: Sight, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions on the sheet, (k, 2) mm, of positions in the metric CRS."""
    corner = np.array([sight.west, sight.south])
    return (xy - corner) / sight.m_per_mm + np.array([FRAME.left, FRAME.bottom])
