"""Where people live: seats, towns and villages with their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography, Unit

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

VILLAGES_AT_FULL_SCALE = 3500
# Built-up square kilometres of all seats, towns and villages at the scale of 0.1, and how each grows with the scale:
# a small sample keeps its towns, a large one gets its villages.
BUILT_KM2 = np.array([84.0, 72.0, 244.0])
GROWTH = np.array([0.45, 0.80, 1.15])
# Shares of a unit's urban and rural residents who live in its seat, in its towns, in its villages.
URBAN_SHARES = np.array([0.80, 0.19, 0.01])
RURAL_SHARES = np.array([0.20, 0.42, 0.38])
# Only one part in so many of the villages that a plain would have lies in the mountains, and they are small.
MOUNTAIN_THINNING = 7
MOUNTAIN_SIZE = 0.35
BAR_PEOPLE = 300.0
BAR_RADIUS_M = 210.0
WATER_MARGIN_M = 120.0


class Tier(IntEnum):
    """What a settlement is."""

    SEAT = 0
    TOWN = 1
    VILLAGE = 2
    BAR = 3


@dataclass(frozen=True, slots=True, eq=False)
class Settlements:
    """All settlements, k rows.

    Attributes
    ----------
    xy : (k, 2) float64
        Middle of the built-up area, metres.
    core : (k, 2) float64
        Where it is densest, metres.
    unit : (k,) int64
        Row of the unit.
    tier : (k,) int64
        `Tier`.
    people : (k,) float64
        Residents aimed at; the census of the unit is met later and exactly.
    radius_m : (k,) float64
        Of a disc as large as the built-up area.
    angle : (k,) float64
        Bearing of the streets, radians.
    """

    xy: Floats
    core: Floats
    unit: Ints
    tier: Ints
    people: Floats
    radius_m: Floats
    angle: Floats

    def __len__(self) -> int:
        return len(self.xy)


def settle(geography: Geography, urban: Ints, rural: Ints, *, scale: float, rng: np.random.Generator) -> Settlements:
    """Found seats, towns, villages and the hamlets of the river bars.

    Parameters
    ----------
    urban, rural : (15,) int64
        Residents of each unit.
    scale
        Share of the real size.
    """
    counts = _counts(geography, rural, scale)
    people = urban[:, None] * URBAN_SHARES + rural[:, None] * RURAL_SHARES
    people[counts == 0] = 0
    people *= ((urban + rural) / people.sum(axis=1))[:, None]

    unit = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    tier = np.concatenate([np.repeat(np.arange(3), row) for row in counts])
    size = _sizes(tier, rng)
    group = unit * 3 + tier
    size *= (people.ravel() / np.maximum(np.bincount(group, size, minlength=people.size), 1e-9))[group]
    radius_m = np.sqrt(_built_m2(tier, size, scale) / np.pi)
    xy = _places(geography, unit, tier, radius_m, rural < 0.1 * (urban + rural), rng)
    size, radius_m = _thin_mountains(geography, xy, tier, size, radius_m)
    core = xy.copy()
    seats = tier == Tier.SEAT
    # Between the seat and the middle: the oldest quarters, where the seats of the four districts almost meet.
    core[seats] = [(geography.units[u].seat + geography.units[u].growth) / 2 for u in unit[seats]]
    angle = np.radians(rng.normal(0, 9, len(xy)))
    return _with_bars(Settlements(xy, core, unit, tier, size, radius_m, angle), geography)


def _counts(geography: Geography, rural: Ints, scale: float) -> Ints:
    """Seats, towns and villages of each unit, shape (15, 3)."""
    towns = np.array([unit.towns for unit in geography.units])
    towns = np.ceil(towns * min(1.0, (scale / 0.1) ** 0.7)).astype(np.int64)
    villages = np.round(VILLAGES_AT_FULL_SCALE * scale * rural / rural.sum()).astype(np.int64)
    villages[rural > 0] = np.maximum(villages[rural > 0], 1)
    return np.column_stack([np.ones_like(towns), towns, villages])


def _sizes(tier: Ints, rng: np.random.Generator) -> Floats:
    """Relative sizes within a unit: towns and villages are log-normal."""
    spread = np.array([0.0, 0.8, 0.75])[tier]
    return np.asarray(np.exp(spread * rng.standard_normal(len(tier))), np.float64)


def _built_m2(tier: Ints, people: Floats, scale: float) -> Floats:
    """Built-up area of each settlement; within a tier it grows a little slower than its people."""
    built_km2 = BUILT_KM2 * (scale / 0.1) ** GROWTH
    built_km2 *= BUILT_KM2.sum() * scale / 0.1 / built_km2.sum()
    weight = people**0.75
    share = weight / np.maximum(np.bincount(tier, weight, minlength=3), 1e-9)[tier]
    return np.asarray(share * built_km2[tier] * 1e6, np.float64)


def _places(
    geography: Geography,
    unit: Ints,
    tier: Ints,
    radius_m: Floats,
    wholly_urban: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    """Seats where they are; then towns, then villages by darts that keep their distance, largest first."""
    xy = np.full((len(unit), 2), np.nan)
    seats = np.flatnonzero(tier == Tier.SEAT)
    xy[seats] = [geography.units[u].growth for u in unit[seats]]
    water = shapely.buffer(geography.water_m(), WATER_MARGIN_M)
    shapely.prepare(water)
    for u, area in enumerate(geography.units):
        darts = _darts(area, water, rng)
        darts = darts[_outside_mountains(geography, darts, rng)]
        for kind in (Tier.TOWN, Tier.VILLAGE):
            mine = np.flatnonzero((unit == u) & (tier == kind))
            mine = mine[np.argsort(-radius_m[mine], kind="stable")]
            reach_m = np.inf
            if kind == Tier.TOWN and wholly_urban[u]:
                # The sub-centres of a district adjoin its seat.
                reach_m = 1.15 * np.sqrt((radius_m[(unit == u) & (tier <= kind)] ** 2).sum())
            near = np.hypot(*(darts - area.growth).T) < reach_m
            _throw(xy, radius_m, mine, darts[near], area.area_m)
    return xy


def _darts(area: Unit, water: shapely.Geometry, rng: np.random.Generator) -> Floats:
    """Random dry points of a unit, away from its border."""
    west, south, east, north = area.area_m.bounds
    points = np.array([west, south]) + rng.random((40_000, 2)) * [east - west, north - south]
    inner = shapely.buffer(area.area_m, -250)
    inside = shapely.contains_xy(inner, points) & ~shapely.contains_xy(water, points)
    return np.asarray(points[inside], np.float64)


def _outside_mountains(geography: Geography, darts: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    high = shapely.contains_xy(geography.mountains, darts)
    return np.asarray(~high | (rng.random(len(darts)) < 1 / MOUNTAIN_THINNING), np.bool_)


def _throw(xy: Floats, radius_m: Floats, mine: Ints, darts: Floats, area_m: shapely.Polygon) -> None:
    """Place settlements one after the other on darts, as far apart as there is room for; fills ``xy``.

    The required distance shrinks until a dart is found, so that every settlement gets a place.
    """
    placed = ~np.isnan(xy[:, 0])
    near = shapely.distance(shapely.points(np.where(placed[:, None], xy, 0.0)), area_m) < 8_000
    known = np.flatnonzero(placed & near)
    # How far, in units of the sum of both radii, each dart is from everything that is there already.
    room_m = np.full(len(darts), np.inf)
    for other in known:
        room_m = np.minimum(room_m, np.hypot(*(darts - xy[other]).T) - radius_m[other])
    spread_m = 0.62 * np.sqrt(area_m.area / max(len(mine) + len(known), 1))
    start = 0
    for one in mine:
        want_m = max(spread_m - radius_m[one], radius_m[one] * 1.1)
        free = np.flatnonzero(room_m[start:] > want_m)
        chosen = start + free[0] if len(free) else int(np.argmax(room_m))
        xy[one] = darts[chosen]
        room_m = np.minimum(room_m, np.hypot(*(darts - xy[one]).T) - radius_m[one])


def _thin_mountains(
    geography: Geography, xy: Floats, tier: Ints, people: Floats, radius_m: Floats
) -> tuple[Floats, Floats]:
    """Make the villages of the mountains small."""
    high = shapely.contains_xy(geography.mountains, xy) & (tier != Tier.SEAT)
    return np.where(high, people * MOUNTAIN_SIZE**1.5, people), np.where(
        high, radius_m * np.sqrt(MOUNTAIN_SIZE), radius_m
    )


def _with_bars(settlements: Settlements, geography: Geography) -> Settlements:
    """Add one hamlet on each river bar."""
    bars = geography.bars
    units = [int(np.argmax([shapely.contains_xy(unit.area_m, x, y) for unit in geography.units])) for x, y, _ in bars]
    s = settlements
    return Settlements(
        xy=np.vstack([s.xy, bars[:, :2]]),
        core=np.vstack([s.core, bars[:, :2]]),
        unit=np.append(s.unit, units),
        tier=np.append(s.tier, np.full(len(bars), Tier.BAR)),
        people=np.append(s.people, np.full(len(bars), BAR_PEOPLE)),
        radius_m=np.append(s.radius_m, np.full(len(bars), BAR_RADIUS_M)),
        angle=np.append(s.angle, bars[:, 2]),
    )
