"""How much longer streets take uphill and downhill than on the level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.sources.terrain import heights_at, terrain_cell_m

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Tobler 1993, "Three presentations on geographical analysis and modeling", NCGIA report 93-1: walkers make
# 6 exp(-3.5 |S + 0.05|) km/h on a slope S, rise over run.
TOBLER_RATE = 3.5
TOBLER_FASTEST = 0.05
# Steeper than any street; where heights say more, the raster shows a cliff or a house beside it.
STEEPEST = 0.5
# Neighbouring heights share most of their error; over two cells the slope is worth more than its noise.
CELLS_PER_PIECE = 2


class Slopes(NamedTuple):
    """What the terrain does to streets.

    Attributes
    ----------
    uphill : (2, s) float64
        How many times longer each segment takes, from its first vertex to its last, and back; 1 or more.
    known_m, steep_m : float
        Length of the streets whose slopes are known; and of those among them that take a tenth longer one way.
    """

    uphill: NDArray[np.float64]
    known_m: float
    steep_m: float


def tobler_factor(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many times longer walking takes than on the level, by Tobler's hiking function.

    ``exp(3.5 (abs(S + 0.05) - 0.05))``, at least 1: gentle descents, on which the function is faster than on the level,
    count as level, so that no way takes less time than the straight line at the profile's speed. Slopes beyond 0.5
    count as 0.5, NaN as level.

    Parameters
    ----------
    slope : float64, any shape
        Rise over run in the direction of walking.
    """
    bounded = np.clip(np.nan_to_num(slope, nan=0.0), -STEEPEST, STEEPEST)
    return np.maximum(1.0, np.exp(TOBLER_RATE * (np.abs(bounded + TOBLER_FASTEST) - TOBLER_FASTEST)))


def street_slopes(path: Path, crs: str, lines: NDArray[np.object_], bridge: NDArray[np.bool_]) -> Slopes:
    """Slopes of streets, piece by piece, from heights at both ends of each piece.

    Parameters
    ----------
    path
        A raster of heights.
    lines : (s,) array of LineString
        In the metric ``crs``.
    bridge : (s,) bool
        Segments that are not on the ground, whose slope is that between their ends.
    """
    length_m = shapely.length(lines)
    pieces = np.maximum(1, length_m // (CELLS_PER_PIECE * terrain_cell_m(path))).astype(np.int64)
    pieces[bridge] = 1
    segment = np.repeat(np.arange(len(lines)), pieces)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    piece_m = (length_m / pieces)[segment]
    begin, end = (_heights_along(path, crs, lines[segment], part * piece_m) for part in (number, number + 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(piece_m > 0, (end - begin) / piece_m, 0.0)
    known = ~np.isnan(slope)
    times = np.vstack([np.bincount(segment, tobler_factor(s), len(lines)) / pieces for s in (slope, -slope)])
    return Slopes(times, float(piece_m[known].sum()), float(length_m[times.max(axis=0) > 1.1].sum()))


def _heights_along(
    path: Path, crs: str, lines: NDArray[np.object_], along_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    return heights_at(path, crs, shapely.get_coordinates(shapely.line_interpolate_point(lines, along_m)))
