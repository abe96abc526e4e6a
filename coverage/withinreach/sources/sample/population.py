"""People on a 3-arc-second grid, in five-year bands, with the census of every unit met exactly."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from withinreach.sources.sample.geography import to_degrees, to_metres
from withinreach.sources.sample.lattice import FIELD
from withinreach.sources.sample.settlements import Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.settlements import Settlements
    from withinreach.sources.sample.streets import Streets

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

BANDS = ("00", "01", *(f"{age:02d}" for age in range(5, 95, 5)))
CELLS_PER_DEGREE = 1200
CELLS_AT_FULL_SCALE = 600_000
# People are whole multiples of 1/64: their sums are exact in float64 and every value is exact in float32.
PARTS = 64
# Inhabited cells lie within this many cells, and metres, of a street corner of a settlement.
REACH_CELLS = 4
REACH_M = 260.0
ISOLATED_CELLS = 40
ISOLATED_SHARE = 0.0004
ISOLATED_M = (340.0, 1_500.0)
STREET_SAMPLE_M = 50.0
NO_UNIT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """The census of 2020 by unit, 15 rows in the order of their codes.

    Attributes
    ----------
    urban, rural : (15,) int64
        Residents.
    people : (15, 20) int64
        Residents by band of `BANDS`.
    """

    urban: Ints
    rural: Ints
    people: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Inhabited cells, k rows.

    Attributes
    ----------
    west, north : int
        Upper left corner of the grid in cells of 3 arc seconds, from 0° E and from 0° N.
    shape : (int, int)
        Rows and columns of the grid.
    row, column : (k,) int64
    xy : (k, 2) float64
        Centres, metres.
    unit, settlement : (k,) int64
    people : (k, 20) float64
        By band of `BANDS`, multiples of 1 / `PARTS`.
    """

    west: int
    north: int
    shape: tuple[int, int]
    row: Ints
    column: Ints
    xy: Floats
    unit: Ints
    settlement: Ints
    people: Floats


def read_census() -> Census:
    """Read the packaged census table."""
    text = resources.files(__package__).joinpath("census_2020.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = sorted(csv.DictReader(lines), key=lambda row: row["code"])
    return Census(
        urban=np.array([int(row["urban"]) for row in rows]),
        rural=np.array([int(row["rural"]) for row in rows]),
        people=np.array([[int(row[band]) for band in BANDS] for row in rows]),
    )


def populate(
    geography: Geography, settlements: Settlements, streets: Streets, *, scale: float, rng: np.random.Generator
) -> Population:
    """Put the people of the census into cells near the streets of their settlements."""
    bounds = np.array([unit.area_deg.bounds for unit in geography.units])
    low = np.floor(bounds[:, :2].min(axis=0) * CELLS_PER_DEGREE).astype(np.int64)
    high = np.ceil(bounds[:, 2:].max(axis=0) * CELLS_PER_DEGREE).astype(np.int64)
    west, north, shape = int(low[0]), int(high[1]), (int(high[1] - low[1]), int(high[0] - low[0]))

    row, column, corner_m, settlement = _built_up(streets, west, north, shape)
    score = corner_m + 45.0 * rng.random(len(row))
    order = np.argsort(score, kind="stable")[: int(1.15 * CELLS_AT_FULL_SCALE * scale) + 200]
    row, column, settlement, score = row[order], column[order], settlement[order], score[order]
    unit, xy = _located(geography, west, north, row, column)
    keep = np.flatnonzero(unit != NO_UNIT)[: round(CELLS_AT_FULL_SCALE * scale)]
    alone = _isolated(geography, streets, west, north, shape, scale, rng)
    row, column = np.append(row[keep], alone[0]), np.append(column[keep], alone[1])
    settlement = np.append(settlement[keep], np.full(len(alone[0]), FIELD))
    unit, xy = _located(geography, west, north, row, column)

    order = np.lexsort((column, row))
    row, column, settlement, unit, xy = row[order], column[order], settlement[order], unit[order], xy[order]
    weight = _weights(settlements, settlement, xy, rng)
    people = _counted(read_census().people, unit, weight)
    # At the full scale a handful of cells round to nobody; such cells have no data.
    some = people.sum(axis=1) > 0
    return Population(west, north, shape, row[some], column[some], xy[some], unit[some], settlement[some], people[some])


def _built_up(streets: Streets, west: int, north: int, shape: tuple[int, int]) -> tuple[Ints, Ints, Floats, Ints]:
    """Cells near settlements: row, column, metres to the nearest street corner, and whose corner that is."""
    used = np.unique(np.append(streets.a, streets.b))
    corners = used[streets.settlement[used] != FIELD]
    lonlat = to_degrees(streets.xy[corners])
    mask = np.zeros(shape, np.bool_)
    at_row = np.floor(north - lonlat[:, 1] * CELLS_PER_DEGREE).astype(np.int64).clip(0, shape[0] - 1)
    at_column = np.floor(lonlat[:, 0] * CELLS_PER_DEGREE - west).astype(np.int64).clip(0, shape[1] - 1)
    mask[at_row, at_column] = True
    row, column = np.nonzero(binary_dilation(mask, np.ones((3, 3)), iterations=REACH_CELLS))
    xy = to_metres(_centres(west, north, row, column))
    away_m, nearest = cKDTree(streets.xy[corners]).query(xy, distance_upper_bound=REACH_M)
    near = np.isfinite(away_m)
    return row[near], column[near], away_m[near], streets.settlement[corners[nearest[near]]]


def _centres(west: int, north: int, row: Ints, column: Ints) -> Floats:
    """Centres of cells in degrees, shape (k, 2)."""
    return np.column_stack([(west + column + 0.5) / CELLS_PER_DEGREE, (north - row - 0.5) / CELLS_PER_DEGREE])


def _located(geography: Geography, west: int, north: int, row: Ints, column: Ints) -> tuple[Ints, Floats]:
    """The unit in which the centre of each cell lies, `NO_UNIT` outside and in the water, and the centres in metres."""
    lonlat = _centres(west, north, row, column)
    unit = np.full(len(row), NO_UNIT, np.int64)
    tree = shapely.STRtree([unit.area_deg for unit in geography.units])
    cell, found = tree.query(shapely.points(lonlat), predicate="within")
    unit[cell] = found
    xy = to_metres(lonlat)
    water = geography.water_m()
    shapely.prepare(water)
    unit[shapely.contains_xy(water, xy)] = NO_UNIT
    return unit, xy


def _isolated(
    geography: Geography,
    streets: Streets,
    west: int,
    north: int,
    shape: tuple[int, int],
    scale: float,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """A few farmsteads far from every street, so that a study sees people who cannot be snapped."""
    lines = np.stack([streets.xy[streets.a], streets.xy[streets.b]], axis=1)
    samples = shapely.get_coordinates(shapely.segmentize(shapely.linestrings(lines), STREET_SAMPLE_M))
    row, column = rng.integers(0, shape[0], 60_000), rng.integers(0, shape[1], 60_000)
    unit, xy = _located(geography, west, north, row, column)
    away_m = cKDTree(samples).query(xy, distance_upper_bound=ISOLATED_M[1])[0]
    lonely = (unit != NO_UNIT) & (away_m > ISOLATED_M[0]) & (away_m < ISOLATED_M[1])
    lonely &= ~shapely.contains_xy(geography.mountains, xy)
    cells = np.unique(np.column_stack([row[lonely], column[lonely]]), axis=0)
    chosen = rng.permutation(len(cells))[: max(8, round(ISOLATED_CELLS * (scale / 0.1) ** 0.5))]
    return cells[chosen, 0], cells[chosen, 1]


def _weights(settlements: Settlements, settlement: Ints, xy: Floats, rng: np.random.Generator) -> Floats:
    """Expected people per cell and band before the census is met, shape (k, 20)."""
    home = settlement != FIELD
    tier = np.where(home, settlements.tier[settlement], Tier.VILLAGE)
    radius_m = settlements.radius_m[settlement]
    away = np.hypot(*(xy - settlements.core[settlement]).T) / radius_m
    # Denser towards the core: most in seats, hardly in villages.
    rise = np.array([11.0, 9.0, 3.0, 0.2])[tier]
    total = (1 + rise * np.exp(-3.0 * away**2)) * np.exp(0.42 * rng.standard_normal(len(xy)))
    share = np.bincount(settlement[home], total[home], minlength=len(settlements))
    total = np.where(home, total * (settlements.people / np.maximum(share, 1e-9))[settlement], 0.0)
    total[~home] = total.sum() * ISOLATED_SHARE / max((~home).sum(), 1)

    ages = np.array([int(band) for band in BANDS])
    group = np.digitize(ages, (15, 20, 40, 60))
    # Relative weight of children, pupils, young adults, middle-aged and elders by tier.
    by_tier = np.array(
        [
            [1.06, 1.15, 1.12, 1.00, 0.86],
            [1.03, 1.10, 1.04, 1.00, 0.94],
            [0.92, 0.80, 0.84, 1.00, 1.20],
            [0.85, 0.70, 0.70, 1.00, 1.40],
        ]
    )
    factor = by_tier[tier][:, group]
    old_town = np.where(tier == Tier.SEAT, 0.35 * np.exp(-9 * away**2), 0.0)
    factor = factor * (1 + old_town[:, None] * (ages >= 60))
    return np.asarray(total[:, None] * factor * np.exp(0.07 * rng.standard_normal(factor.shape)), np.float64)


def _counted(census: Ints, unit: Ints, weight: Floats) -> Floats:
    """Scale the weights of each unit and band to the census in whole parts; the largest remainders get the rest."""
    people = np.zeros(weight.shape)
    for u in range(len(census)):
        cells = np.flatnonzero(unit == u)
        wanted = census[u] * PARTS
        exact = weight[cells] * (wanted / weight[cells].sum(axis=0))
        parts = np.floor(exact)
        rest = (wanted - parts.sum(axis=0)).astype(np.int64)
        order = np.argsort(parts - exact, axis=0, kind="stable")
        for band, extra in enumerate(rest):
            parts[order[:extra, band], band] += 1
        people[cells] = parts / PARTS
    return people
