"""Points that hang together: groups in which everybody reaches everybody by steps of a given length at most.

Points are sorted into squares of that length. Whoever is near enough stands in the same square or in one of its eight
neighbours, of which half need be looked at; in the order of squares these are two runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.kernels.cast import as_coordinates
from withinreach.kernels.jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Squares are a little larger than a step, so that rounding puts no neighbour into the square after the next.
SLACK = 1e-9


def group_within(xy: NDArray[np.float64], near_m: float) -> NDArray[np.int64]:
    """The group of each point, numbered by their first points, shape (k,).

    Two points are neighbours if dx² + dy² ≤ near_m², in the arithmetic of float64.

    Parameters
    ----------
    xy : (k, 2) float64
        In metres.
    near_m
        Above 0.

    Raises
    ------
    ValueError
        If a coordinate is not finite, or the points lie too far apart for so short steps.
    """
    points = as_coordinates("xy", xy)
    if not near_m > 0:
        raise ValueError(f"near_m must be above 0, not {near_m}")
    if not len(points):
        return np.zeros(0, np.int64)
    squares = np.floor((points - points.min(axis=0)) / (near_m * (1 + SLACK)))
    # A column on either side stays empty, so that the last square of a row has no neighbour in the next.
    width = squares[:, 0].max() + 3
    if not width * (squares[:, 1].max() + 1) < np.iinfo(np.int64).max:
        raise ValueError(f"points {width * near_m:g} m apart cannot be grouped by steps of {near_m:g} m")
    key = (squares[:, 1] * width + squares[:, 0]).astype(np.int64)
    order = np.argsort(key, kind="stable")
    square, start = np.unique(key[order], return_index=True)
    around = np.searchsorted(square, [square + int(width) - 1, square + int(width) + 2])
    return _group(points[order], order, np.append(start, len(points)), square, around, near_m * near_m)


@njit
def _group(
    xy: NDArray[np.float64],
    order: NDArray[np.int64],
    start: NDArray[np.int64],
    square: NDArray[np.int64],
    around: NDArray[np.int64],
    near_m2: float,
) -> NDArray[np.int64]:
    """Groups of points that stand in the order of their squares; ``order`` is their order before."""
    parent = np.arange(len(xy))
    for here in range(len(square)):
        beside = here + 2 if here + 1 < len(square) and square[here + 1] == square[here] + 1 else here + 1
        for one in range(start[here], start[here + 1]):
            _join_run(xy, parent, one, one + 1, start[beside], near_m2)
            _join_run(xy, parent, one, start[around[0, here]], start[around[1, here]], near_m2)
    group_of_root = np.full(len(xy), -1)
    group = np.empty(len(xy), np.int64)
    place = np.empty(len(xy), np.int64)
    for at in range(len(order)):
        place[order[at]] = at
    count = 0
    for point in range(len(xy)):
        root = _root(parent, place[point])
        if group_of_root[root] < 0:
            group_of_root[root] = count
            count += 1
        group[point] = group_of_root[root]
    return group


@njit
def _join_run(
    xy: NDArray[np.float64], parent: NDArray[np.int64], one: int, first: int, end: int, near_m2: float
) -> None:
    """Put a point together with those of a run that are near it."""
    for other in range(first, end):
        dx, dy = xy[one, 0] - xy[other, 0], xy[one, 1] - xy[other, 1]
        if dx * dx + dy * dy <= near_m2:
            a, b = _root(parent, one), _root(parent, other)
            if a != b:
                parent[max(a, b)] = min(a, b)


@njit
def _root(parent: NDArray[np.int64], point: int) -> int:
    while parent[point] != point:
        parent[point] = parent[parent[point]]
        point = parent[point]
    return point
