"""How densely streets are mapped where people live: what a walking time of a cell rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas, Network, Places
    from withinreach.preparation.findings import Findings
    from withinreach.study import NetworkLayer, Study

# The window is made of these, so that it moves in steps of 100 m and every street is cut only once for all cells.
SQUARE_M = 100.0
# About a superblock; a walk of ten minutes by GB 50180-2018.
WINDOW_M = 500.0


class _Squares(NamedTuple):
    """Squares that hold something: ``key`` (k,) int64, ascending, and ``value`` (k,) int64, what each holds."""

    key: NDArray[np.int64]
    value: NDArray[np.int64]


def with_support(
    layer: NetworkLayer,
    network: Network,
    people: Places,
    cell_size_m: tuple[float, float],
    others_xy: NDArray[np.float64],
) -> Places:
    """People with ``support_km_per_km2`` by `street_support`, and ``thin_network`` where it is below the limit.

    Parameters
    ----------
    others_xy : (m, 2) float64
        Centres of inhabited cells beside the areas, which are settled land, too; metres.
    """
    support = street_support(network, np.concatenate([people.xy, others_xy]), cell_size_m)[: len(people)]
    flagged = people.table.assign(support_km_per_km2=support, thin_network=support < layer.thin_km_per_km2)
    return replace(people, table=flagged)


def note_support(study: Study, areas: Areas, people: Places, findings: Findings) -> None:
    """Per area the cells around which streets are thin, and who lives there."""
    thin = people.table["thin_network"].to_numpy(bool)
    count = people.table[next(iter(study.population.groups))].to_numpy(np.float64)
    cells = np.bincount(people.area, minlength=len(areas))
    thin_cells = np.bincount(people.area[thin], minlength=len(areas))
    thin_people = np.bincount(people.area[thin], count[thin], len(areas))
    for row in np.flatnonzero(thin_cells):
        findings.note(
            "streets_thin",
            study.network.path,
            {
                "cells": thin_cells[row],
                "of": cells[row],
                "people": thin_people[row],
                "limit": study.network.thin_km_per_km2,
            },
            at=Spot(value=areas.table["code"].iloc[row]),
        )


def street_support(network: Network, xy: NDArray[np.float64], cell_size_m: tuple[float, float]) -> NDArray[np.float64]:
    """Kilometres of street per settled square kilometre around each inhabited cell.

    The window around a cell is the square of 5 × 5 squares of 100 m, counted from the origin of the CRS, with the
    cell's centre in the middle one; it is wider where cells are wider than 500 m. What is divided is all street in the
    window, exactly cut at its edge, by the area of all inhabited cells whose centres are in it.

    Parameters
    ----------
    xy : (k, 2) float64
        Centres of the inhabited cells, metres.
    cell_size_m
        Width and height of a cell.

    Returns
    -------
    (k,) float64
        0 where no street is in the window.
    """
    reach = int(np.ceil((max(WINDOW_M, *cell_size_m) / SQUARE_M - 1) / 2))
    centre = np.floor(xy / SQUARE_M).astype(np.int64)
    drawn, drawn_um = _cut_at_squares(network)
    low = np.minimum(centre.min(axis=0), drawn.min(axis=0, initial=np.iinfo(np.int64).max)) - reach
    stride = max(centre[:, 1].max(), drawn[:, 1].max(initial=centre[0, 1])) - low[1] + reach + 1
    cells = _summed(centre, np.ones(len(centre)), low, stride)
    streets = _summed(drawn, drawn_um, low, stride)
    at, of = np.unique(_keys(centre, low, stride), return_inverse=True)
    km = _in_window(streets, at, reach, stride) / 1e9
    km2 = _in_window(cells, at, reach, stride) * cell_size_m[0] * cell_size_m[1] / 1e6
    return (km / km2)[of]


def _keys(square: NDArray[np.int64], low: NDArray[np.int64], stride: np.int64) -> NDArray[np.int64]:
    """One number per square: columns from west to east, in each of them squares from south to north."""
    return (square[:, 0] - low[0]) * stride + square[:, 1] - low[1]


def _summed(
    square: NDArray[np.int64], value: NDArray[np.float64], low: NDArray[np.int64], stride: np.int64
) -> _Squares:
    key, of = np.unique(_keys(square, low, stride), return_inverse=True)
    return _Squares(key, np.rint(np.bincount(of, value, len(key))).astype(np.int64))


def _in_window(squares: _Squares, at: NDArray[np.int64], reach: int, stride: np.int64) -> NDArray[np.int64]:
    """What the squares hold within `reach` of some squares, east and west, north and south."""
    until = np.concatenate([[0], np.cumsum(squares.value)])
    total = np.zeros(len(at), np.int64)
    for column in range(-reach, reach + 1):
        middle = at + column * stride
        first, last = (
            np.searchsorted(squares.key, middle - reach),
            np.searchsorted(squares.key, middle + reach, "right"),
        )
        total += until[last] - until[first]
    return total


def _cut_at_squares(network: Network) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Every straight piece of street, cut at the edges of squares.

    Returns
    -------
    square : (c, 2) int64
        Column and row of the square in which each part lies.
    um : (c,) float64
        Its length in micrometres, of which whole numbers are summed, so that nothing is left where no street is.
    """
    inner = np.ones(len(network.vertex_xy), bool)
    inner[network.vertex_ptr[1:] - 1] = False
    row = np.flatnonzero(inner)
    begin, end = network.vertex_xy[row] / SQUARE_M, network.vertex_xy[row + 1] / SQUARE_M
    piece, share = _cuts(begin, end)
    last = np.append(piece[1:] != piece[:-1], True)[: len(piece)]
    part = np.flatnonzero(~last)
    piece, start, stop = piece[part], share[part], share[part + 1]
    middle = begin[piece] + ((start + stop) / 2)[:, np.newaxis] * (end - begin)[piece]
    length_um = np.hypot(*(end - begin).T) * SQUARE_M * 1e6
    return np.floor(middle).astype(np.int64), (stop - start) * length_um[piece]


def _cuts(begin: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where each piece begins, is cut by the edge of a square, and ends: which piece, and at what share of it."""
    number = np.arange(len(begin))
    pieces, shares = [number, number], [np.zeros(len(begin)), np.ones(len(begin))]
    for a, b in zip(begin.T, end.T, strict=True):
        first = np.floor(np.minimum(a, b)) + 1
        count = np.maximum(0, np.ceil(np.maximum(a, b)) - first).astype(np.int64)
        piece = np.repeat(number, count)
        edge = first[piece] + np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
        pieces.append(piece)
        shares.append((edge - a[piece]) / (b - a)[piece])
    piece, share = np.concatenate(pieces), np.concatenate(shares)
    order = np.lexsort((share, piece))
    return piece[order], share[order]
