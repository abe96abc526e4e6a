"""Whether the polygons of the units lie where they belong: facilities that say their unit must be in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.preparation.audit.labels import labelled_areas

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings

ENOUGH = 30
MOST = 2000
# Labels and positions of one in twenty-five may be wrong (26 of 626 homes in Shanghai); of more the polygons are asked.
USUAL_SHARE = 0.9
# Moving the polygons must bring so much of the facilities home.
GAIN = 0.1
# Frames that were taken for another are off by up to 15 km; first in steps, then around the best.
SEARCH_M = ((20_000.0, 1_000.0), (1_000.0, 100.0))


class Displacement(NamedTuple):
    """By how many metres to move polygons, and the share of points inside their own before and after."""

    east_m: float
    north_m: float
    share: float
    share_moved: float


def find_displacement(shapes: NDArray[np.object_], xy: NDArray[np.float64], own: NDArray[np.int32]) -> Displacement:
    """The move of all polygons together after which most points lie in their own; none where nothing is gained.

    Parameters
    ----------
    shapes : (u,) array of polygons
    xy : (k, 2) float64, metres
    own : (k,) int32
        The polygon that each point belongs to.
    """
    shapely.prepare(shapes)
    members = [(shape, xy[own == row]) for row, shape in enumerate(shapes)]

    def share(move: NDArray[np.float64]) -> float:
        inside = (shapely.intersects_xy(shape, *(points - move).T).sum() for shape, points in members if len(points))
        return float(sum(inside)) / len(xy)

    best, before = np.zeros(2), share(np.zeros(2))
    found = before
    for reach, step in SEARCH_M:
        ways = np.arange(-reach, reach + step / 2, step)
        moves = best + np.stack(np.meshgrid(ways, ways, indexing="ij"), axis=-1).reshape(-1, 2)
        shares = np.array([share(move) for move in moves])
        # Of all best moves the middle one: a polygon holds its points over a range of them.
        top = moves[shares == shares.max()]
        if shares.max() > found:
            middle = top.mean(axis=0)
            best, found = top[np.argmin(np.hypot(*(top - middle).T))], float(shares.max())
    return Displacement(float(best[0]), float(best[1]), before, found)


def note_displaced_areas(evidence: Evidence, findings: Findings) -> None:
    """Units that lie beside the facilities that say they are in them, all by the same way."""
    by_code, by_name = labelled_areas(evidence)
    own = np.where(by_code >= 0, by_code, by_name)
    known = np.flatnonzero(own >= 0)
    known = known[:: max(1, -(-len(known) // MOST))]
    inside = own[known] == evidence.facilities.area[known]
    if len(known) < ENOUGH or inside.mean() >= USUAL_SHARE:
        return
    moved = find_displacement(
        evidence.areas.table.geometry.to_numpy(), evidence.facilities.xy[known], own[known].astype(np.int32)
    )
    if moved.share_moved - moved.share >= GAIN:
        findings.note(
            "areas_displaced",
            evidence.study.areas.path,
            {
                "count": len(known),
                "share": moved.share,
                "moved": moved.share_moved,
                "km": np.hypot(moved.east_m, moved.north_m) / 1000,
                "bearing": np.degrees(np.arctan2(moved.east_m, moved.north_m)) % 360,
            },
        )
