"""One GeoPackage per county: its polygon with the figures, its facilities and their ground, its inhabited cells."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from withinreach.catchments import divide_ground, ground_near_streets, trace_all_isochrones
from withinreach.reach import Status

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Places


# As fine as the cells of a population grid, and a quarter of the work of the usual 50 m.
CATCHMENT_CELL_M = 100.0


class Grounds(NamedTuple):
    """The ground around the facilities of all services, one row per service and facility."""

    isochrones: gpd.GeoDataFrame
    catchments: gpd.GeoDataFrame


def facility_grounds(result: Result) -> Grounds:
    """Isochrones of each service's cutoff, and catchments; ``service`` is the first column."""
    case = result.case
    shared = ground_near_streets(case, CATCHMENT_CELL_M)
    catchments = []
    for name, service in case.study.services.items():
        catchments.append(divide_ground(case, service, shared))
        catchments[-1].insert(0, "service", name)
    return Grounds(trace_all_isochrones(case), pd.concat(catchments, ignore_index=True))


def write_geopackage(result: Result, grounds: Grounds, code: str, path: Path) -> None:
    """Write the layers ``area``, ``facilities``, ``cells``, ``isochrones`` and ``catchments`` of one area.

    All are in the study's metric CRS. ``area`` has the figures of every service as ``<service>_<figure>``; ``cells``
    are the centres of inhabited cells with people per group, the density of streets around and, per service, metres
    and seconds to the nearest facility (empty where there is no way), its id, and the status. ``isochrones`` and
    ``catchments`` have one polygon per service and facility of the area, whole, also where it crosses the border; see
    `trace_isochrones` and `trace_catchments`.
    """
    (row,) = result.case.areas.rows_of([code])
    layers = {
        "area": _area(result, row),
        "facilities": _points(result, result.case.facilities, row),
        "cells": _cells(result, row),
        "isochrones": _in_area(result, grounds.isochrones, row),
        "catchments": _in_area(result, grounds.catchments, row),
    }
    with dated(result.case.study.as_of):
        for name, layer in layers.items():
            pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists())


def write_layer_of(layer: gpd.GeoDataFrame, path: Path, name: str, kind: str = "Point") -> None:
    """Add a layer of one kind of geometry to a GeoPackage, also if it has no rows."""
    pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind)


@contextmanager
def dated(day: dt.date) -> Iterator[None]:
    """Let GeoPackages carry the study's date as their last change, so that equal inputs give equal bytes.

    SQLite need not wait for the disk after each layer: the folder or file that they are in appears whole or not at all.
    """
    wanted = {"OGR_CURRENT_DATE": f"{day.isoformat()}T00:00:00.000Z", "OGR_SQLITE_SYNCHRONOUS": "OFF"}
    before = {name: pyogrio.get_gdal_config_option(name) for name in wanted}
    pyogrio.set_gdal_config_options(wanted)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _area(result: Result, row: int) -> gpd.GeoDataFrame:
    area = result.case.areas.table.iloc[[row]]
    figures = {
        f"{service}_{column}": [table[column].iloc[row]]
        for service, table in result.tables.items()
        for column in table.columns
        if column not in ("code", "name")
    }
    return gpd.GeoDataFrame(
        {"code": area["code"].to_numpy(), "name": area["name"].to_numpy(), **figures},
        geometry=area.geometry.to_numpy(),
        crs=area.crs,
    )


def _points(result: Result, places: Places, row: int) -> gpd.GeoDataFrame:
    here = places.area == row
    return gpd.GeoDataFrame(
        places.table[here].reset_index(drop=True),
        geometry=gpd.points_from_xy(*places.xy[here].T),
        crs=result.case.study.metric_crs,
    )


def _in_area(result: Result, grounds: gpd.GeoDataFrame, row: int) -> gpd.GeoDataFrame:
    here = result.case.facilities.area[grounds["facility"]] == row
    return grounds[here].drop(columns="facility").reset_index(drop=True)


def _cells(result: Result, row: int) -> gpd.GeoDataFrame:
    cells = _points(result, result.case.people, row)
    here = result.case.people.area == row
    ids = result.case.facilities.table["id"].to_numpy(object)
    keys = np.array([status.key for status in Status], object)
    for name, reach in result.reaches.items():
        cells[f"{name}_level_m"] = _known(reach.level_m[here])
        cells[f"{name}_s"] = _known(reach.seconds[here])
        nearest = reach.nearest[here]
        cells[f"{name}_nearest"] = pd.Series(np.where(nearest >= 0, ids[nearest], None), dtype="str")
        cells[f"{name}_status"] = pd.Series(keys[reach.status[here]], dtype="str")
    return cells


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Infinity as NaN: a GeoPackage has no infinite number, and empty is what no way means there."""
    return np.where(np.isfinite(values), values, np.nan)
