"""Corners of streets: an irregular, rotated grid in every settlement, and sparse points of the open country."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from withinreach.sources.sample.settlements import Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.settlements import Settlements

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FIELD = -1
# Metres between streets across and along, per tier; Chinese villages are rows of courtyards.
SPACING_M = {
    Tier.SEAT: (106.0, 112.0),
    Tier.TOWN: (108.0, 114.0),
    Tier.VILLAGE: (128.0, 98.0),
    Tier.BAR: (110.0, 100.0),
}
# Every so many streets one is a through street; what lies between is one block.
BLOCK = {Tier.SEAT: 4, Tier.TOWN: 4, Tier.VILLAGE: 3, Tier.BAR: 3}
JITTER = 0.09
# Corners of two grids nearer to each other than this are one corner.
SEAM_M = 58.0
FIELD_SPACING_M = 850.0
FIELD_MARGIN_M = 260.0
BANK_SPACING_M = 620.0
BANK_OFFSET_M = 45.0
BANK_MARGIN_M = 110.0
WATER_MARGIN_M = 14.0
BORDER_MARGIN_M = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Possible street corners, n rows.

    Attributes
    ----------
    xy : (n, 2) float64
        Metres.
    settlement : (n,) int64
        Row of the settlement; `FIELD` in the open country.
    ij : (n, 2) int64
        Column and row in the settlement's grid; 0 in the open country.
    """

    xy: Floats
    settlement: Ints
    ij: Ints


def lay_corners(geography: Geography, settlements: Settlements, *, rng: np.random.Generator) -> Corners:
    """Lay a grid over every settlement, cut it to its outline, and add points of the open country."""
    grids = _grids(settlements, rng)
    water = shapely.buffer(geography.water_m(), WATER_MARGIN_M)
    land = shapely.buffer(shapely.union_all([unit.area_m for unit in geography.units]), -BORDER_MARGIN_M)
    shapely.prepare([water, land])
    dry = shapely.contains_xy(land, grids.xy) & ~shapely.contains_xy(water, grids.xy)
    grids = _take(grids, dry)
    grids = _take(grids, _apart(grids))

    banks = _banks(geography)
    banks = banks[shapely.contains_xy(land, banks) & _away(banks, grids.xy, BANK_MARGIN_M)]
    field = _field(land, rng)
    field = field[_away(field, grids.xy, FIELD_MARGIN_M) & _away(field, banks, FIELD_MARGIN_M)]
    field = np.vstack([banks, field])
    field = field[~shapely.contains_xy(water, field)]
    return Corners(
        xy=np.vstack([grids.xy, field]),
        settlement=np.append(grids.settlement, np.full(len(field), FIELD)),
        ij=np.vstack([grids.ij, np.zeros((len(field), 2), np.int64)]),
    )


def _take(corners: Corners, rows: NDArray[np.bool_]) -> Corners:
    return Corners(corners.xy[rows], corners.settlement[rows], corners.ij[rows])


def _grids(settlements: Settlements, rng: np.random.Generator) -> Corners:
    """The grid of each settlement inside its outline, as far as no other settlement is nearer."""
    tree = cKDTree(settlements.xy)
    widest_m = settlements.radius_m.max()
    xy, ij = [], []
    for row in range(len(settlements)):
        corners, index = _grid(settlements, row, rng)
        near = tree.query_ball_point(settlements.xy[row], 1.4 * (settlements.radius_m[row] + widest_m))
        mine = np.hypot(*(corners - settlements.xy[row]).T) / settlements.radius_m[row]
        keep = np.ones(len(corners), np.bool_)
        for other in near:
            if other != row:
                keep &= mine < np.hypot(*(corners - settlements.xy[other]).T) / settlements.radius_m[other]
        xy.append(corners[keep])
        ij.append(index[keep])
    settlement = np.repeat(np.arange(len(settlements)), [len(part) for part in xy])
    return Corners(np.vstack(xy), settlement, np.vstack(ij))


def _grid(settlements: Settlements, row: int, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """One settlement's grid, turned, bent and jittered, inside a lobed outline."""
    tier, radius_m = Tier(settlements.tier[row]), settlements.radius_m[row]
    spacing = np.array(SPACING_M[tier]) * (0.92 + 0.16 * rng.random(2))
    reach = np.ceil(1.45 * radius_m / spacing).astype(np.int64)
    columns, rows = np.meshgrid(np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1))
    index = np.column_stack([columns.ravel(), rows.ravel()])
    local = index * spacing
    # Streets bend gently: a wave of a few hundred metres sideways over a few kilometres.
    phase, wave = rng.random(2) * 2 * np.pi, 9 * spacing
    bend = 0.45 * spacing * np.sin(local[:, ::-1] / wave[::-1] + phase)
    local = local + bend + (rng.random(index.shape) * 2 - 1) * JITTER * spacing
    # The seat may begin anywhere in a block, so that through streets do not all meet in the middle.
    index = index + rng.integers(0, BLOCK[tier], 2)

    bearing = np.arctan2(local[:, 1], local[:, 0])
    outline = np.ones(len(local))
    for lobes, depth in ((2, 0.16), (3, 0.11), (5, 0.07), (9, 0.04)):
        outline += depth * np.sin(lobes * bearing + rng.random() * 2 * np.pi)
    outline += 0.10 * (rng.random(len(local)) - 0.5)
    inside = np.hypot(*local.T) < radius_m * outline
    cos, sin = np.cos(settlements.angle[row]), np.sin(settlements.angle[row])
    turned = local[inside] @ np.array([[cos, sin], [-sin, cos]])
    return settlements.xy[row] + turned, index[inside]


def _apart(corners: Corners) -> NDArray[np.bool_]:
    """Of two corners of different grids that nearly touch, keep the first."""
    pairs = cKDTree(corners.xy).query_pairs(SEAM_M, output_type="ndarray")
    pairs = pairs[corners.settlement[pairs[:, 0]] != corners.settlement[pairs[:, 1]]]
    keep = np.ones(len(corners.xy), np.bool_)
    keep[pairs.max(axis=1, initial=0)] = False
    return keep


def _away(points: Floats, others: Floats, margin_m: float) -> NDArray[np.bool_]:
    """Which points are farther than a margin from all others."""
    return np.asarray(cKDTree(others).query(points, distance_upper_bound=margin_m)[0] > margin_m, np.bool_)


def _banks(geography: Geography) -> Floats:
    """Points face to face on both banks of the rivers that have bridges, so that bridges are short."""
    banks = []
    for river in geography.waters:
        if river.bridge_every_m is None:
            continue
        at_m = np.arange(BANK_SPACING_M, river.line_m.length, BANK_SPACING_M)
        middle = shapely.get_coordinates(shapely.line_interpolate_point(river.line_m, at_m))
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(river.line_m, at_m + 1.0)) - middle
        aside = np.column_stack([-ahead[:, 1], ahead[:, 0]]) * (river.half_width_m + BANK_OFFSET_M)
        banks += [middle + aside, middle - aside]
    return np.vstack(banks)


def _field(land: shapely.Geometry, rng: np.random.Generator) -> Floats:
    """Loose points of the open country, where roads may bend and meet."""
    west, south, east, north = land.bounds
    columns, rows = np.meshgrid(np.arange(west, east, FIELD_SPACING_M), np.arange(south, north, FIELD_SPACING_M))
    points = np.column_stack(
        [columns.ravel() + (rows.ravel() // FIELD_SPACING_M % 2) * FIELD_SPACING_M / 2, rows.ravel()]
    )
    points += (rng.random(points.shape) - 0.5) * 0.62 * FIELD_SPACING_M
    return np.asarray(points[shapely.contains_xy(land, points)], np.float64)
