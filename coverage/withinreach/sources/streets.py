"""Street layers: an OpenStreetMap file, a graph and a vector layer give the same kind of lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError

from withinreach.errors import CrsError, SourceError
from withinreach.sources.files import need_file
from withinreach.sources.graphml import graphml_crs, is_graphml, read_graphml
from withinreach.sources.osm import CRS, Streets, is_osm, nothing_left_out, read_osm
from withinreach.sources.vectors import PARQUET_SUFFIXES, meets, read_layer

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.sources.population import Bounds
    from withinreach.study import NetworkLayer


def read_streets(layer: NetworkLayer, bounds: Bounds | None = None) -> Streets:
    """Read the streets of a study.

    An OpenStreetMap file is filtered by `walking_tags.toml`. Of any other file every line is a street; nothing is
    left out of it here.

    Parameters
    ----------
    bounds
        West, south, east, north in the coordinates of the layer: only streets that meet them are read.

    Raises
    ------
    SourceError
        If the file is missing, unreadable or holds no street; see `read_osm`, `read_graphml` and `read_layer`. If a
        file that says itself where streets meet is to be cleaned.
    CrsError
        If the declared datum contradicts the file.
    """
    if not (is_osm(layer.path) or is_graphml(layer.path)):
        read = read_layer(layer.path, layer.datum, kind="LineString", layer=layer.layer, bounds=bounds)
        if read.features.empty:
            raise SourceError(f"{layer.path}: no street lies around the areas; check the datum of both layers")
        return Streets(read.features, nothing_left_out(read.features.crs), read.remarks)
    if layer.clean is not None:
        raise SourceError(
            f"{layer.path}: network.clean would join bridges to the streets below and open closed gates, for streets "
            "of OpenStreetMap and of graphs meet where they share a node; remove it"
        )
    if is_graphml(layer.path):
        return _within(read_graphml(layer.path, layer.datum, layer.exclude), bounds)
    if layer.datum != "wgs84":
        raise CrsError(
            f'{layer.path}: declared as {layer.datum}, but OpenStreetMap files are in WGS84; declare datum = "wgs84"'
        )
    return _within(read_osm(layer.path), bounds)


def _within(streets: Streets, bounds: Bounds | None) -> Streets:
    """The streets whose boxes meet bounds."""
    if bounds is None:
        return streets
    near = meets(streets.lines.geometry.to_numpy(), bounds)
    return streets._replace(
        lines=streets.lines[near].reset_index(drop=True),
        left_out=streets.left_out[meets(streets.left_out.geometry.to_numpy(), bounds)].reset_index(drop=True),
        ends=None if streets.ends is None else streets.ends[near],
    )


def stated_datum(path: Path) -> str:
    """The datum that a file states itself: ``wgs84``, ``cgcs2000`` or ``EPSG:n``.

    A file of Chinese map services may state WGS84 and hold GCJ-02; what a study declares goes before what files state.

    Raises
    ------
    SourceError
        If the file is missing or unreadable.
    CrsError
        If it states no CRS, or one without an EPSG number.
    """
    need_file(path)
    if is_osm(path):
        return "wgs84"
    crs = _stated_crs(path)
    if crs is None:
        raise CrsError(f"{path}: states no CRS; give its datum: wgs84, cgcs2000, gcj02, bd09 or EPSG:<number>")
    for name, known in (("wgs84", CRS), ("cgcs2000", "EPSG:4490")):
        if crs.equals(known, ignore_axis_order=True):
            return name
    number = crs.to_epsg()
    if number is None:
        raise CrsError(f"{path}: its CRS, {crs.name}, has no EPSG number; give the datum as EPSG:<number>")
    return f"EPSG:{number}"


def _stated_crs(path: Path) -> pyproj.CRS | None:
    if is_graphml(path):
        return graphml_crs(path)
    try:
        if path.suffix.lower() in PARQUET_SUFFIXES:
            return _parquet_crs(path)
        stated = pyogrio.read_info(path)["crs"]
        return None if stated is None else pyproj.CRS.from_user_input(stated)
    except (DataSourceError, DataLayerError, CRSError, ValueError, OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path}: cannot be read as a vector layer: {reason}") from None


def _parquet_crs(path: Path) -> pyproj.CRS | None:
    """CRS of a GeoParquet file from its metadata; by its specification longitude, latitude where none is written."""
    metadata = pq.read_schema(path).metadata or {}
    if b"geo" not in metadata:
        raise ValueError("it has no geometry column")
    geo = json.loads(metadata[b"geo"])
    stated = geo["columns"][geo["primary_column"]].get("crs", "OGC:CRS84")
    return None if stated is None else pyproj.CRS.from_user_input(stated)
