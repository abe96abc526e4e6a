"""Millimetres of a sheet, and the ground that is seen on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import shapely

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MM_PER_INCH = 25.4
MM_PER_POINT = MM_PER_INCH / 72
# Nothing finer than this is seen on paper.
FINEST_MM = 0.05
# Beside what is shown, in parts of it.
MARGIN = 0.04


class Box(NamedTuple):
    """A rectangle on the sheet, mm."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether two boxes have ground in common."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def holds(self, other: Box) -> bool:
        """Whether another box lies in this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


class Sight(NamedTuple):
    """The ground that a plate shows: a box in the metric CRS, and how many metres a millimetre of the sheet is."""

    west: float
    south: float
    east: float
    north: float
    m_per_mm: float

    def clipped(self, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries as far as they are seen, no finer than can be seen."""
        seen = shapely.clip_by_rect(geometries, self.west, self.south, self.east, self.north)
        return shapely.simplify(seen[~shapely.is_empty(seen)], FINEST_MM * self.m_per_mm)


def sight_of(bounds: NDArray[np.float64], frame: Box) -> Sight:
    """The ground that a frame on the sheet shows for it to hold some bounds: west, south, east, north, in metres."""
    west, south, east, north = bounds.tolist()
    width, height = frame.right - frame.left, frame.top - frame.bottom
    m_per_mm = max((east - west) / width, (north - south) / height, FINEST_MM) * (1 + 2 * MARGIN)
    x, y = (west + east) / 2, (south + north) / 2
    across, up = width * m_per_mm / 2, height * m_per_mm / 2
    return Sight(x - across, y - up, x + across, y + up, m_per_mm)
