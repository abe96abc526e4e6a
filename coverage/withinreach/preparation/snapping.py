"""Where places meet the network: the nearest point of the nearest street, in whole millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.kernels.snap import snap_points
from withinreach.model import NO_SEGMENT, whole_mm_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Network


def snap_places(
    network: Network, xy: NDArray[np.float64], cap_m: float
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Snap places to the nearest street segment, not to the nearest node, and never to stairs: not everybody uses them.

    Node snapping makes the way to the street 12 m longer on average and 178 m at most on a dense grid.

    Parameters
    ----------
    xy : (k, 2) float64, metres
    cap_m
        Places farther than this from every street are not snapped.

    Returns
    -------
    segment : (k,) int32
        -1 where nothing is within the cap.
    offset_mm : (k,) int64
        From the segment's tail, within its length.
    access_mm : (k,) int64
        Straight line to the street, rounded up.
    """
    streets = np.flatnonzero(~network.steps).astype(np.int32)
    found = snap_points(*_vertices(network, streets), xy, cap_m)
    snapped = found.segment != NO_SEGMENT
    segment = np.full(len(xy), NO_SEGMENT, np.int32)
    segment[snapped] = streets[found.segment[snapped]]
    offset_mm = np.zeros(len(xy), np.int64)
    access_mm = np.zeros(len(xy), np.int64)
    along = np.round(found.offset_m[snapped] * 1000).astype(np.int64)
    offset_mm[snapped] = np.clip(along, 0, network.length_mm[segment[snapped]])
    access_mm[snapped] = whole_mm_up(found.distance_m[snapped])
    return segment, offset_mm, access_mm


def _vertices(network: Network, segments: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pointers and coordinates of the vertices of some segments."""
    if len(segments) == network.n_segments:
        return network.vertex_ptr, network.vertex_xy
    size = np.diff(network.vertex_ptr)
    chosen = np.zeros(network.n_segments, bool)
    chosen[segments] = True
    ptr = np.concatenate([[0], np.cumsum(size[segments])]).astype(np.int64)
    return ptr, network.vertex_xy[np.repeat(chosen, size)]
