"""Vector layers: GeoJSON, GeoPackage, GeoParquet and whatever else GDAL reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from withinreach.errors import CrsError, SourceError
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from pathlib import Path

PARQUET_SUFFIXES = (".parquet", ".geoparquet")


def need_file(path: Path) -> None:
    """Raise `SourceError` unless the path is a file."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file; correct the path in the study (it is relative to the study file)")


def read_layer(path: Path, datum: str, *, kind: str) -> gpd.GeoDataFrame:
    """Read a layer and hold it to its declared datum.

    Parameters
    ----------
    datum
        As declared in the study. Degrees of GCJ-02 or BD-09 come in files that call themselves WGS84, so the
        declaration rules; a file in a projected CRS must be declared as that ``EPSG:n``.
    kind
        ``Point``, ``LineString`` or ``Polygon``; multi-part geometries are taken apart (lines) or kept (polygons).

    Returns
    -------
    GeoDataFrame
        In the order of the file, index 0…n-1, without empty geometries.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or empty, or holds other geometries.
    CrsError
        If the CRS written in the file contradicts the declared datum.
    """
    need_file(path)
    layer = _read(path)
    if not isinstance(layer, gpd.GeoDataFrame):
        raise SourceError(f"{path}: has no geometry column; give a layer with {kind} geometries")
    need_same_crs(path, layer, datum)
    here = ~(layer.geometry.isna() | layer.geometry.is_empty)
    if not here.any():
        raise SourceError(f"{path}: the layer is empty; give a file with at least one {kind}")
    layer = layer[here]
    types = set(layer.geometry.geom_type)
    if not types <= {kind, f"Multi{kind}"}:
        others = ", ".join(sorted(types - {kind, f"Multi{kind}"}))
        raise SourceError(f"{path}: holds {others} where {kind} geometries are needed; remove or convert them")
    layer = layer.set_geometry(shapely.force_2d(layer.geometry.to_numpy()), crs=layer.crs)
    return layer if kind == "Polygon" else layer.explode(ignore_index=True)


def _read(path: Path) -> gpd.GeoDataFrame:
    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            return gpd.read_parquet(path)
        if path.suffix.lower() == ".shp" and not any(path.with_suffix(end).is_file() for end in (".cpg", ".CPG")):
            return _read_unlabelled(path)
        return pyogrio.read_dataframe(path, use_arrow=True)
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path}: cannot be read as a vector layer: {reason}") from None


def _read_unlabelled(path: Path) -> gpd.GeoDataFrame:
    """Read a shapefile that does not state its encoding: UTF-8 where that fits, else what Chinese offices write."""
    try:
        return pyogrio.read_dataframe(path, use_arrow=True, encoding="UTF-8")
    except UnicodeDecodeError:
        return pyogrio.read_dataframe(path, use_arrow=True, encoding="GB18030")


def need_same_crs(path: Path, layer: gpd.GeoDataFrame, datum: str) -> None:
    """Raise `CrsError` if the CRS that a layer states contradicts its declared datum; one without a CRS is believed."""
    if layer.crs is None:
        return
    if datum in DATUMS:
        if layer.crs.is_projected:
            raise CrsError(
                f"{path}: declared as {datum}, which means degrees, but the file is in {layer.crs.name}; "
                f'declare datum = "EPSG:<number>" or export it in degrees'
            )
    elif not pyproj.CRS(datum).equals(layer.crs, ignore_axis_order=True):
        raise CrsError(
            f"{path}: declared as {datum}, but the file says {layer.crs.name}; "
            "declare what the file says or re-project it"
        )
