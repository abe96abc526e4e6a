"""Cut chains of vertices into lines, leaving what was not cut as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Chain(NamedTuple):
    """Vertices of the pieces of lines, in order; a vertex at a cut stands twice, in the two pieces that meet there.

    Attributes
    ----------
    line : (w,) int64
        The line of each vertex, ascending.
    piece : (w,) int64
        The piece of each vertex, from 0, ascending.
    row : (w,) int64
        Row of each vertex in whatever was cut.
    """

    line: NDArray[np.int64]
    piece: NDArray[np.int64]
    row: NDArray[np.int64]


def cut_chain(line: NDArray[np.int64], cut: NDArray[np.bool_]) -> Chain:
    """Cut lines at some of their vertices.

    Parameters
    ----------
    line : (v,) int64
        The line of each vertex, ascending. A line of one vertex is left out.
    cut : (v,) bool
        Vertices inside their line at which it is cut.
    """
    row = np.repeat(np.arange(len(line)), 1 + cut)
    row = row[np.bincount(line)[line[row]] > 1]
    starts = np.ones(len(row), bool)
    starts[1:] = (line[row[1:]] != line[row[:-1]]) | (row[1:] == row[:-1])
    return Chain(line[row], np.cumsum(starts) - 1, row)


def draw_pieces(
    lines: NDArray[np.object_], changed: NDArray[np.bool_], chain: Chain, xy: NDArray[np.float64]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Pieces as lines, and the line that each comes from.

    Parameters
    ----------
    lines : (s,) array of LineString
    changed : (s,) bool
        Lines of which vertices were inserted or moved. A line that is neither changed nor cut stays the same object.
    chain : Chain
    xy : (w, 2) float64
        Coordinates of the vertices of the chain, metres.
    """
    _, first = np.unique(chain.piece, return_index=True)
    source = chain.line[first]
    whole = ~changed[source] & (np.bincount(source, minlength=len(lines))[source] == 1)
    parts = lines[source]
    drawn = ~whole[chain.piece]
    number = np.cumsum(~whole) - 1
    parts[~whole] = shapely.linestrings(xy[drawn], indices=number[chain.piece[drawn]])
    return parts, source
