"""One GeoPackage per county: its polygon with the figures, its facilities and their ground, its inhabited cells."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from withinreach.catchments import divide_ground, ground_near_streets, trace_all_isochrones
from withinreach.exports.qgis import add_styles, styles_of
from withinreach.exports.withheld import figures, withheld
from withinreach.reach import Status

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.exports.disclosure.tables import Tables
    from withinreach.model import Case, Places
    from withinreach.reach import Pairs
    from withinreach.study import Study


# As fine as the cells of a population grid, and a quarter of the work of the usual 50 m.
CATCHMENT_CELL_M = 100.0
# Of every layer, also of one without rows.
GEOMETRIES = {
    "area": "MultiPolygon",
    "facilities": "Point",
    "cells": "Point",
    "isochrones": "MultiPolygon",
    "catchments": "MultiPolygon",
    "gaps": "MultiPolygon",
}


class Grounds(NamedTuple):
    """The ground around the facilities of all services, one row per service and facility."""

    isochrones: gpd.GeoDataFrame
    catchments: gpd.GeoDataFrame


def facility_grounds(result: Result) -> Grounds:
    """Isochrones of each service's cutoff, and catchments; ``service`` is the first column."""
    return Grounds(isochrones_of(result.case, np.arange(len(result.case.facilities))), catchments_of(result.case))


def isochrones_of(case: Case, facilities: NDArray[np.integer]) -> gpd.GeoDataFrame:
    """The isochrones of some facilities by their rows, ascending; ``facility`` is the row among all of the case."""
    traced = trace_all_isochrones(replace(case, facilities=case.facilities.taken(facilities)))
    return traced.assign(facility=facilities[traced["facility"]].astype(np.int32))


def catchments_of(case: Case) -> gpd.GeoDataFrame:
    """The catchments of all facilities. They have no limit: only the whole knows who is nearest to whom."""
    shared = ground_near_streets(case, CATCHMENT_CELL_M)
    catchments = []
    for name, service in case.study.services.items():
        catchments.append(divide_ground(case, service, shared))
        catchments[-1].insert(0, "service", name)
    return pd.concat(catchments, ignore_index=True)


def table_layers(tables: Tables, area: gpd.GeoDataFrame, points: gpd.GeoSeries) -> dict[str, gpd.GeoDataFrame]:
    """The layers ``area`` and ``facilities`` of one county, in the study's metric CRS.

    ``area`` has the figures of every service as ``<service>_<figure>``. Figures that are withheld are empty, and named
    in ``protected``.

    Parameters
    ----------
    area
        One row: code, name, polygon.
    points
        Of all facilities, in the order of the register.
    """
    code = area["code"].iloc[0]
    rows = tables.coverage[tables.coverage["code"] == code]
    figures = {
        f"{row['service']}_{name}": [row[name]]
        for row in rows.to_dict(orient="records")
        for name in rows.columns
        if name not in ("code", "name", "service", "people_group", "cutoff_min", "speed_m_s")
    }
    head = {"code": area["code"].to_numpy(), "name": area["name"].to_numpy()}
    here = (tables.register["code"] == code).to_numpy(bool)
    register = tables.register[here].drop(columns="code").reset_index(drop=True)
    return {
        "area": gpd.GeoDataFrame(
            _empty_where_withheld(pd.DataFrame({**head, **figures})), geometry=area.geometry.to_numpy(), crs=area.crs
        ),
        "facilities": gpd.GeoDataFrame(
            _empty_where_withheld(register), geometry=points[here].to_numpy(), crs=points.crs
        ),
    }


def _empty_where_withheld(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers in columns of numbers, and beside them the names of those that are withheld."""
    hidden = pd.DataFrame({name: withheld(table[name]) for name in table.columns if table[name].dtype == object})
    names = (
        [", ".join(hidden.columns[row]) for row in hidden.to_numpy(bool)] if len(hidden.columns) else [""] * len(table)
    )
    numbers = {name: figures(table[name]) for name in hidden.columns if hidden[name].any()}
    return table.assign(**numbers, protected=pd.Series(names, index=table.index, dtype="str"))


def cell_layers(result: Result, grounds: Grounds, area: int) -> dict[str, gpd.GeoDataFrame]:
    """The layers ``cells``, ``isochrones`` and ``catchments`` of one county, in the study's metric CRS.

    ``cells`` are the centres of inhabited cells with their number, people per group, the density of streets around and,
    per service, metres and seconds to the nearest facility (empty where there is no way), its id, and the status.
    ``isochrones`` and ``catchments`` have one polygon per service and facility of the area, whole, also where it
    crosses the border; see `trace_isochrones` and `trace_catchments`.

    Parameters
    ----------
    area
        Row of the area.
    """
    return {
        "cells": _cells(result, area),
        "isochrones": _in_area(result, grounds.isochrones, area),
        "catchments": _in_area(result, grounds.catchments, area),
    }


def county_pairs(result: Result, service: str, pairs: Pairs, area: int) -> pd.DataFrame:
    """Cells of one area and the facilities, of any area, that they are within the cutoff of.

    Returns
    -------
    DataFrame
        service, cell (its number in the area's cells), facility_id, seconds; by cell, then by facility.
    """
    case = result.case
    number = np.cumsum(case.people.area == area) - 1
    here = np.flatnonzero(case.people.area[pairs.cell] == area)
    order = here[np.lexsort((pairs.facility[here], pairs.cell[here]))]
    ids = case.facilities.table["id"].to_numpy(object)
    return pd.DataFrame(
        {
            "service": pd.Series([service] * len(order), dtype="str"),
            "cell": number[pairs.cell[order]].astype(np.int32),
            "facility_id": pd.Series(ids[pairs.facility[order]], dtype="str"),
            "seconds": pairs.seconds[order],
        }
    )


def write_geopackage(layers: Mapping[str, gpd.GeoDataFrame], study: Study, path: Path) -> None:
    """Write the layers of a county with the styles that QGIS opens them with.

    Parameters
    ----------
    study
        Its services are those that the layers tell of.
    """
    with dated(study.as_of):
        for name, layer in layers.items():
            write_layer_of(layer, path, name, GEOMETRIES[name])
    styles = [style for style in styles_of(study) if style.layer in layers]
    add_styles(path, styles, study.as_of)


def write_layer_of(layer: gpd.GeoDataFrame, path: Path, name: str, kind: str = "Point") -> None:
    """Add a layer of one kind of geometry to a GeoPackage, also if it has no rows."""
    # By way of Arrow GDAL takes columns whole: half the time for 60,000 cells. But it makes no polygon a multipolygon.
    arrow = kind == "Point"
    pyogrio.write_dataframe(
        layer, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind, use_arrow=arrow
    )


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
    cells.insert(0, "cell", np.arange(len(cells), dtype=np.int32))
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
