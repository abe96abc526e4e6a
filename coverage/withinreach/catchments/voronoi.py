"""Network Voronoi: the ground, the people and the places of each facility to which no other one is nearer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from withinreach.catchments.lattice import Lattice, snap_tiles, tiles_near_streets, whole_step_mm
from withinreach.catchments.squares import dissolve
from withinreach.errors import CoverageError
from withinreach.kernels.nearest import Spots
from withinreach.model import walking_costs
from withinreach.reach import measure_reach, nearest_ways, people_by_nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.study import Service

# Tiles that are snapped in one go: four million points, some 300 MB.
TILES = 16_384
USUAL_CELL_M = 50.0
# A coarser cell than the usual one is taken where the streets' extent has more squares than this; more than the second
# number are refused.
USUAL_SQUARES, MOST_SQUARES = 25_000_000, 400_000_000


def trace_catchments(case: Case, service: str, *, cell_m: float | None = None) -> gpd.GeoDataFrame:
    """Divide people and ground among the facilities of a service: everybody to the nearest one on foot.

    That is the network Voronoi diagram (Okabe & Sugihara, Spatial Analysis along Networks, 2012). The ground is
    divided into squares; each belongs to the facility that is nearest from its centre, which meets the nearest street
    as any cell of people does. Squares without a street within the study's ``snap_cap_m``, or without a way, belong to
    nobody. Polygons do not overlap, and have the steps of the squares.

    People are counted cell by cell, not by polygon: all who have a way (or an estimate in place of one) are in exactly
    one catchment, however far they walk, so that catchments add up to the ledger's ``served`` and ``too_far``.

    Parameters
    ----------
    case
    service
        Its name in the study.
    cell_m
        Side of the squares. Default: 50 m; coarser where the streets' extent is more than 62,500 km².

    Returns
    -------
    GeoDataFrame in the study's metric CRS
        One row per facility, also where nobody is nearest to it: ``facility`` (row in ``case.facilities``), ``id``,
        ``name``, ``snapped`` (whether it has a street within the cap), ``people`` of the service's group,
        ``served_people`` (those within the cutoff, the ``nearest_people`` of `facility_loads`), ``capacity`` (NaN where
        unknown), ``capacity_per_1000`` of these people (NaN without any), ``people_per_place`` (NaN without places),
        ``area_km2`` (NaN where not snapped) and ``geometry`` (valid MultiPolygon; empty without ground).

    Raises
    ------
    StudyError
        If the study has no such service.
    CoverageError
        If ``cell_m`` is no length, or makes more than 400 million squares.
    """
    return divide_ground(case, case.study.service(service), ground_near_streets(case, cell_m))


def divide_ground(case: Case, service: Service, ground: Lattice) -> gpd.GeoDataFrame:
    """`trace_catchments` on ground that several services share."""
    rows = case.facility_rows(service.kinds)
    shapes = _shapes(case, service, rows, ground)
    snapped = case.facilities.snapped[rows]
    reach = measure_reach(case, service)
    people = people_by_nearest(case, reach, reach.nearest >= 0)[rows]
    capacity = case.capacities(service.capacity)[rows]
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {
            "snapped": snapped,
            "people": people,
            "served_people": people_by_nearest(case, reach, reach.covered)[rows],
            "capacity": capacity,
            "capacity_per_1000": np.where(people > 0, capacity * 1000 / people, np.nan),
            "people_per_place": np.where(capacity > 0, people / capacity, np.nan),
            "area_km2": np.where(snapped, shapely.area(shapes) / 1e6, np.nan),
        }
    told = case.facilities.table[["id", "name"]].iloc[rows].reset_index(drop=True)
    return gpd.GeoDataFrame(
        {"facility": rows, "id": told["id"], "name": told["name"], **figures},
        geometry=shapes,
        crs=case.study.metric_crs,
    )


def ground_near_streets(case: Case, cell_m: float | None = None) -> Lattice:
    """The middles of all squares that have a street within the study's snap cap."""
    cap_m = case.study.network.snap_cap_m
    extent_m2 = float(np.prod(np.ptp(case.network.vertex_xy, axis=0) + 2 * cap_m))
    if cell_m is None:
        cell_m = max(USUAL_CELL_M, np.ceil(np.sqrt(extent_m2 / USUAL_SQUARES)))
    step_mm = whole_step_mm(cell_m)
    if extent_m2 > cell_m**2 * MOST_SQUARES:
        finest_m = np.ceil(np.sqrt(extent_m2 / MOST_SQUARES))
        raise CoverageError(f"cell_m = {cell_m:g} is too fine for the streets' extent: give {finest_m:g} or more")
    tiles = tiles_near_streets(case.network, cap_m, step_mm)
    parts = [snap_tiles(case.network, tiles[at : at + TILES], step_mm, cap_m) for at in range(0, len(tiles), TILES)]
    column, row = (np.concatenate([getattr(part, name) for part in parts]) for name in ("column", "row"))
    spots = zip(*(part.spots for part in parts), strict=True)
    return Lattice(step_mm, column, row, Spots(*(np.concatenate(arrays) for arrays in spots)))


def _shapes(case: Case, service: Service, rows: NDArray[np.int32], ground: Lattice) -> NDArray[np.object_]:
    """The ground of each facility, shape (f,)."""
    costs = walking_costs(case.network, case.study.profiles[service.profile])
    nearest = nearest_ways(case, service, costs, ground.spots).source
    shapes = np.full(len(rows), shapely.MultiPolygon(), object)
    if (nearest >= 0).any():
        found, dissolved = _dissolve(ground, nearest)
        shapes[np.searchsorted(rows, found)] = dissolved
    return shapes


def _dissolve(ground: Lattice, nearest: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.object_]]:
    """Squares around the lattice points, dissolved by facility: its row, and its multipolygon."""
    low = np.array([ground.column.min(), ground.row.min()])
    found, dissolved = dissolve(ground.column - low[0], ground.row - low[1], nearest)
    # Corners of squares lie half a step before the centres.
    return found, shapely.transform(dissolved, lambda xy: (xy + low - 0.5) * (ground.step_mm / 1000))
