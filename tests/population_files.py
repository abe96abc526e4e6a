"""Rasters and layers of people that several test files write."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import rasterio

from withinreach.sources.population import PeoplePoints, population_datum, read_population
from withinreach.study import PopulationLayer

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

STEP = 1 / 1200  # 3 arc-seconds
WEST, NORTH = 113.99, 35.23
EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)


def write_grid(
    path: Path, values: np.ndarray, *, at: tuple[float, float] = (WEST, NORTH), step: float = STEP, **profile: Any
) -> Path:
    """A raster with north up; float32, WGS84 and nodata -99999 unless the profile says otherwise."""
    profile = {"dtype": "float32", "crs": "EPSG:4326", "nodata": -99_999.0, "driver": "GTiff"} | profile
    profile.setdefault("transform", rasterio.transform.from_origin(*at, step, step))
    bands = values if values.ndim == 3 else values[None]
    with rasterio.open(path, "w", count=len(bands), height=bands.shape[1], width=bands.shape[2], **profile) as target:
        target.write(bands.astype(profile["dtype"]))
    return path


def layer_of(**fields: Any) -> PopulationLayer:
    """A population layer in WGS84, valid at the census of 2020."""
    return PopulationLayer.model_validate({"as_of": dt.date(2020, 11, 1), "datum": "wgs84"} | fields)


def rasters(*paths: Path, **fields: Any) -> PopulationLayer:
    """A layer with one group per raster, named after it."""
    groups = {path.stem: {"title": path.stem, "parts": [{"path": path}]} for path in paths}
    return layer_of(groups=groups, **fields)


def read(layer: PopulationLayer, bounds: tuple[float, float, float, float] = EVERYWHERE) -> PeoplePoints:
    """Read a layer within bounds."""
    return read_population(layer, population_datum(layer), bounds)
