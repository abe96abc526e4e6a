"""Which names a plate shows, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from matplotlib.lines import Line2D
from scipy.spatial import cKDTree

from withinreach.maps.content import label_point
from withinreach.maps.plates.frame import Box
from withinreach.maps.plates.names import Room, Spot, around, centred_or_near, cut_to
from withinreach.maps.plates.sheet import CENTRED, FRAME, HEADING, INK, NAME, SMALL, SOFT, Pen
from withinreach.model import OUTSIDE_AREAS
from withinreach.showing import FACILITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from withinreach.maps.plates.frame import Sight
    from withinreach.maps.plates.sheet import Sheet
    from withinreach.model import Areas, Case

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


class Neighbour(NamedTuple):
    """The name of an area beside the one that is drawn, and where there is room for it, metres."""

    name: str
    at: NDArray[np.float64]


def neighbours_seen(areas: Areas, sight: Sight, row: int) -> list[Neighbour]:
    """The neighbours of which a plate shows enough to name them."""
    seen = shapely.clip_by_rect(areas.table.geometry.to_numpy(), *sight[:4])
    least_m2 = (NEIGHBOUR_MM * sight.m_per_mm) ** 2
    others = [other for other in np.flatnonzero(shapely.area(seen) >= least_m2).tolist() if other != row]
    return [Neighbour(str(areas.table["name"].iloc[other]), np.array(label_point(seen[other]))) for other in others]


def name_places(
    sheet: Sheet,
    sight: Sight,
    case: Case,
    uncovered: NDArray[np.float64],
    rows: NDArray[np.int32],
    neighbours: Sequence[Neighbour],
) -> None:
    """Names on the plate of one area: its neighbours, the listed places with most uncovered people, and facilities.

    Parameters
    ----------
    case
        Of this area alone.
    uncovered : (k,) float64
        People per cell.
    rows
        Facilities that the plate shows.
    """
    room = Room(INSIDE, _signs(on_sheet(sight, case.facilities.xy[rows])))
    for name, at in neighbours:
        x, y = on_sheet(sight, at[None])[0].tolist()
        text = cut_to(name, LONGEST_MM, HEADING)
        if room.claim(text, HEADING, iter([Spot(x, y, 0.0)])) is not None:
            sheet.write((x, y), text, Pen(HEADING, SOFT, halo=True), CENTRED)
    for name, at in _worst_places(case, uncovered):
        _name_point(sheet, room, name, on_sheet(sight, at[None])[0], Pen(NAME, halo=True))
    names = case.facilities.table["name"].to_numpy(object)
    inside = rows[case.facilities.area[rows] != OUTSIDE_AREAS]
    # Of many facilities a few names say nothing; the table has them all.
    for facility in inside if len(inside) <= FACILITIES else ():
        at = on_sheet(sight, case.facilities.xy[[facility]])[0]
        _name_point(sheet, room, str(names[facility]), at, Pen(SMALL, FACILITY, halo=True))


def _worst_places(case: Case, uncovered: NDArray[np.float64]) -> list[tuple[str, NDArray[np.float64]]]:
    """Listed units, those of the finest level last, those first to which most uncovered people are nearest."""
    cells = np.flatnonzero(uncovered > 0)
    found: list[tuple[str, NDArray[np.float64]]] = []
    for level in LEVELS:
        units = case.units.get(level)
        if units is None or len(units) == 0 or len(cells) == 0:
            continue
        nearest = cKDTree(units.places.xy).query(case.people.xy[cells])[1]
        people = np.bincount(nearest, uncovered[cells], len(units))
        order = np.argsort(-people, kind="stable")
        names = units.places.table["name"].to_numpy(object)
        found += [(str(names[at]), units.places.xy[at]) for at in order[people[order] > 0]]
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
