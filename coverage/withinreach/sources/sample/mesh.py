"""Possible streets: the Delaunay edges between corners. Any choice among them is planar, so lines meet at ends only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import Delaunay, cKDTree

from withinreach.sources.sample.lattice import BLOCK, FIELD
from withinreach.sources.sample.settlements import Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.lattice import Corners
    from withinreach.sources.sample.settlements import Settlements

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

DRY = -1
SEAM_MAX_M = 175.0
BRIDGE_MAX_M = 360.0
LATTICE_MAX_M = 210.0
# Edges whose middle is farther than this from every river cannot cross one: edges are shorter than twice as much.
NEAR_WATER_M = 2_500.0
# Written rivers are simplified by up to 2 m; what keeps this far off the drawn one does not touch the written one.
SHORE_M = 4.0


class Kind(IntEnum):
    """What a possible street would be."""

    OPEN = 0
    THROUGH = 1
    INNER = 2
    ENTRY = 3
    SEAM = 4
    DIAGONAL = 5


class Pattern(IntEnum):
    """How the streets of a block run. A compound (小区) has one gate; an empty block is a park, a school or a works."""

    GRID = 0
    COMPOUND = 1
    ROWS = 2
    EMPTY = 3


PATTERN_SHARES = {
    Tier.SEAT: (0.27, 0.43, 0.18, 0.12),
    Tier.TOWN: (0.36, 0.26, 0.30, 0.08),
    Tier.VILLAGE: (0.33, 0.0, 0.63, 0.04),
    Tier.BAR: (1.0, 0.0, 0.0, 0.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Possible streets, e rows, between n corners.

    Attributes
    ----------
    xy : (n, 2) float64
        Corners, metres.
    settlement : (n,) int64
        Settlement of each corner, `FIELD` in the open country.
    a, b : (e,) int64
        Corners at the ends, a < b, sorted.
    length_m : (e,) float64
    kind : (e,) int64
        `Kind`.
    across : (e,) bool
        Runs along a row of the settlement's grid.
    block : (e,) int64
        Block of inner streets and entries, -1 for others.
    pattern : (e,) int64
        `Pattern` of that block, -1 for others.
    water : (e,) int64
        Row of the river that the edge crosses, `DRY` if none.
    """

    xy: Floats
    settlement: Ints
    a: Ints
    b: Ints
    length_m: Floats
    kind: Ints
    across: Flags
    block: Ints
    pattern: Ints
    water: Ints


def span_mesh(geography: Geography, settlements: Settlements, corners: Corners, *, rng: np.random.Generator) -> Mesh:
    """Join all corners by Delaunay edges and say what each would be."""
    a, b = _delaunay_edges(corners.xy)
    length_m = np.hypot(*(corners.xy[a] - corners.xy[b]).T)
    kind, across, block = _classified(settlements, corners, a, b, length_m)
    water = _crossings(geography, corners.xy, a, b)
    facing = (corners.settlement[a] != FIELD) & (corners.settlement[b] != FIELD) & (length_m < BRIDGE_MAX_M)
    kind[(kind == Kind.OPEN) & (water != DRY) & facing] = Kind.SEAM
    return Mesh(
        xy=corners.xy,
        settlement=corners.settlement,
        a=a,
        b=b,
        length_m=length_m,
        kind=kind,
        across=across,
        block=block,
        pattern=_patterns(settlements, corners.settlement[a], block, rng),
        water=water,
    )


def _delaunay_edges(xy: Floats) -> tuple[Ints, Ints]:
    triangles = Delaunay(xy - xy.mean(axis=0)).simplices.astype(np.int64)
    pairs = np.sort(np.vstack([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    keys = np.unique(pairs[:, 0] * len(xy) + pairs[:, 1])
    return keys // len(xy), keys % len(xy)


def _classified(
    settlements: Settlements, corners: Corners, a: Ints, b: Ints, length_m: Floats
) -> tuple[Ints, Flags, Ints]:
    """Kind of each edge, whether it runs along a row, and the number of its block."""
    first, second = corners.settlement[a], corners.settlement[b]
    same = (first == second) & (first != FIELD)
    step = np.abs(corners.ij[a] - corners.ij[b])
    lattice = same & (step.sum(axis=1) == 1) & (length_m < LATTICE_MAX_M)
    kind = np.full(len(a), Kind.OPEN, np.int64)
    kind[same & ~lattice] = Kind.DIAGONAL
    kind[(first != second) & (first != FIELD) & (second != FIELD) & (length_m < SEAM_MAX_M)] = Kind.SEAM

    size = np.array([BLOCK[Tier(tier)] for tier in settlements.tier])[first]
    low = np.minimum(corners.ij[a], corners.ij[b])
    across = lattice & (step[:, 0] == 1)
    along_row, line = np.where(across, low[:, 0], low[:, 1]), np.where(across, low[:, 1], low[:, 0])
    place = along_row % size
    kind[lattice] = np.where((place == 0) | (place == size - 1), Kind.ENTRY, Kind.INNER)[lattice]
    kind[lattice & (line % size == 0)] = Kind.THROUGH

    block = np.full(len(a), -1, np.int64)
    inner = (kind == Kind.INNER) | (kind == Kind.ENTRY)
    cell = low[inner] // size[inner][:, None]
    block[inner] = np.unique(np.column_stack([first[inner], cell]), axis=0, return_inverse=True)[1].ravel()
    return kind, across, block


def _patterns(settlements: Settlements, settlement: Ints, block: Ints, rng: np.random.Generator) -> Ints:
    """Draw one pattern per block with the shares of its settlement's tier."""
    inner = np.flatnonzero(block >= 0)
    blocks, first = np.unique(block[inner], return_index=True)
    limits = np.cumsum([PATTERN_SHARES[tier] for tier in Tier], axis=1)
    limits = limits[settlements.tier[settlement[inner[first]]]]
    drawn = (rng.random(len(blocks))[:, None] >= limits[:, :-1]).sum(axis=1)
    pattern = np.full(len(block), -1, np.int64)
    pattern[inner] = drawn[block[inner]]
    return pattern


def _crossings(geography: Geography, xy: Floats, a: Ints, b: Ints) -> Ints:
    """Which river each edge crosses."""
    water = np.full(len(a), DRY, np.int64)
    middle = (xy[a] + xy[b]) / 2
    for row, river in enumerate(geography.waters):
        samples = shapely.get_coordinates(shapely.segmentize(river.line_m, 500.0))
        near = cKDTree(samples).query(middle, distance_upper_bound=NEAR_WATER_M)[0] <= NEAR_WATER_M
        rows = np.flatnonzero(near)
        lines = shapely.linestrings(np.stack([xy[a[rows]], xy[b[rows]]], axis=1))
        wet = shapely.buffer(river.area_m, SHORE_M)
        shapely.prepare(wet)
        water[rows[shapely.intersects(wet, lines)]] = row
    return water
