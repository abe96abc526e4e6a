"""Vector layers: GeoJSON, GeoPackage, GeoParquet, shapefiles and whatever else GDAL reads."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from withinreach.errors import CrsError, SourceError
from withinreach.sources.encodings import find_encoding
from withinreach.sources.files import need_file
from withinreach.sources.mojibake import find_garbled, need_readable
from withinreach.sources.remarks import Remark, Spot
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.sources.population.cells import Bounds

PARQUET_SUFFIXES = (".parquet", ".geoparquet")
GEOJSON_SUFFIXES = (".geojson", ".json")
# Files that hold several layers; to list those of any other format GDAL would read it whole.
LAYERED_SUFFIXES = (".gpkg", ".sqlite", ".kml")
ONE_BYTE = "ISO-8859-1"


class Layer(NamedTuple):
    """A layer as it was read.

    Attributes
    ----------
    features : GeoDataFrame
        In the order of the file, index 0…n-1, without empty geometries.
    number : (n,) int64
        Number of each feature in the file, from 1, or among those that were read within bounds; the parts of a geometry
        that was taken apart share theirs.
    remarks
        How it was read, for the audit.
    """

    features: gpd.GeoDataFrame
    number: NDArray[np.int64]
    remarks: tuple[Remark, ...]


def read_layer(path: Path, datum: str, *, kind: str, layer: str | None = None, bounds: Bounds | None = None) -> Layer:
    """Read a layer and hold it to its declared datum.

    Parameters
    ----------
    datum
        As declared in the study. Degrees of GCJ-02 or BD-09 come in files that call themselves WGS84, so the
        declaration rules; a file in a projected CRS must be declared as that ``EPSG:n``.
    kind
        ``Point``, ``LineString``, ``Polygon`` or ``Point or Polygon``; geometries of several parts are taken apart,
        but for polygons, which are kept.
    layer
        Which layer of a file of several; without it the only one that may hold geometries of the kind.
    bounds
        West, south, east, north in the coordinates of the file: only features whose box meets them are read, of
        GeoParquet with the bounding box of each row only groups of rows that hold some. There may be none.

    Raises
    ------
    SourceError
        If the file is missing, unreadable, garbled or empty, holds other geometries, or several layers that fit.
    CrsError
        If the CRS written in the file contradicts the declared datum.
    """
    need_file(path)
    raw, remarks = _read(path, kind, layer, bounds)
    if not isinstance(raw, gpd.GeoDataFrame):
        raise SourceError(f"{path}: has no geometry column; give a layer with {kind} geometries")
    need_same_crs(path, raw, datum)
    here = ~(raw.geometry.isna() | raw.geometry.is_empty).to_numpy(bool)
    if not here.any() and bounds is None:
        raise SourceError(f"{path}: the layer is empty; give a file with at least one {kind}")
    if not here.all():
        at = Spot(row=int(np.flatnonzero(~here)[0]) + 1)
        remarks.append(Remark("features_without_place", {"count": int((~here).sum())}, at))
    features = raw[here]
    types = set(features.geometry.geom_type)
    wanted = {prefix + one for one in kind.split(" or ") for prefix in ("", "Multi")}
    if not types <= wanted:
        others = ", ".join(sorted(types - wanted))
        raise SourceError(f"{path}: holds {others} where {kind} geometries are needed; remove or convert them")
    need_readable(path, features.drop(columns=features.geometry.name))
    features = features.set_geometry(shapely.force_2d(features.geometry.to_numpy()), crs=features.crs)
    features.index = np.flatnonzero(here) + 1
    if types.isdisjoint({"Polygon", "MultiPolygon"}):
        features = features.explode(ignore_index=False)
    return Layer(features.reset_index(drop=True), features.index.to_numpy(np.int64), tuple(remarks))


def _read(path: Path, kind: str, layer: str | None, bounds: Bounds | None) -> tuple[gpd.GeoDataFrame, list[Remark]]:
    suffix = path.suffix.lower()
    if layer is not None and suffix not in LAYERED_SUFFIXES:
        raise SourceError(f"{path}: holds one layer; remove layer = '{layer}' from the study")
    try:
        if suffix in PARQUET_SUFFIXES:
            return _read_parquet(path, bounds)
        if suffix == ".shp":
            return _read_shapefile(path, bounds)
        if suffix in GEOJSON_SUFFIXES:
            return _read_geojson(path, bounds)
        if suffix in LAYERED_SUFFIXES:
            return _read_one_of_several(path, kind, layer, bounds)
        return pyogrio.read_dataframe(path, use_arrow=True, bbox=bounds), []
    except SourceError:
        raise
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path}: cannot be read as a vector layer: {reason}") from None


def _read_parquet(path: Path, bounds: Bounds | None) -> tuple[gpd.GeoDataFrame, list[Remark]]:
    """Read GeoParquet; within bounds by what it says of the place of its rows, else all of it, to be cut here."""
    if bounds is None:
        return gpd.read_parquet(path), []
    geo = json.loads((pq.read_schema(path).metadata or {}).get(b"geo", b"null"))
    told = geo["columns"][geo["primary_column"]] if geo else {}
    if "covering" in told or told.get("encoding") == "point":
        return gpd.read_parquet(path, bbox=bounds), []
    whole = gpd.read_parquet(path)
    return whole[meets(whole.geometry.to_numpy(), bounds)], [Remark("layer_without_boxes", {})]


def meets(shapes: NDArray[np.object_], bounds: Bounds) -> NDArray[np.bool_]:
    """Which shapes have a box that meets bounds; an empty one has none."""
    west, south, east, north = shapely.bounds(shapes).T
    near: NDArray[np.bool_] = (west <= bounds[2]) & (east >= bounds[0]) & (south <= bounds[3]) & (north >= bounds[1])
    return near


def _read_one_of_several(
    path: Path, kind: str, layer: str | None, bounds: Bounds | None
) -> tuple[gpd.GeoDataFrame, list[Remark]]:
    listed = pyogrio.list_layers(path)
    names = [str(name) for name, geometry in listed if geometry is not None]
    fitting = [str(name) for name, geometry in listed if geometry is not None and _may_hold(str(geometry), kind)]
    shown = ", ".join(f"'{name}'" for name in names) or "none"
    if layer is not None and layer not in names:
        raise SourceError(f"{path}: no layer '{layer}'; the file has: {shown}")
    if layer is None and len(fitting) > 1:
        some = ", ".join(f"'{name}'" for name in fitting)
        raise SourceError(
            f"{path}: the layers {some} may each hold the {kind}s; name one with layer = '…' in the study"
        )
    if layer is None and not fitting:
        raise SourceError(f"{path}: no layer holds {kind} geometries; the file has: {shown}")
    chosen = layer if layer is not None else fitting[0]
    remarks = []
    if len(names) > 1:
        others = ", ".join(name for name in names if name != chosen)
        remarks.append(Remark("layer_chosen", {"layer": chosen, "others": others}))
    if bounds is None:
        return pyogrio.read_dataframe(path, layer=chosen, use_arrow=True), remarks
    # A spatial index gives features in an order of its own.
    found = pyogrio.read_dataframe(path, layer=chosen, use_arrow=True, bbox=bounds, fid_as_index=True)
    return found.sort_index().reset_index(drop=True), remarks


def _may_hold(geometry: str, kind: str) -> bool:
    """Whether a layer of a stated type of geometry may hold a kind; "Unknown" and collections may hold any."""
    stated = geometry.removesuffix(" Z").removesuffix(" M").removesuffix(" ZM").removeprefix("2.5D ")
    return stated.removeprefix("Multi") in kind.split(" or ") or stated in ("Unknown", "GeometryCollection")


def _read_geojson(path: Path, bounds: Bounds | None) -> tuple[gpd.GeoDataFrame, list[Remark]]:
    """Read GeoJSON, which by its standard (RFC 7946) is UTF-8 without BOM, and often is not."""
    encoding = find_encoding(path)
    if encoding.codec == "utf-8":
        return pyogrio.read_dataframe(path, use_arrow=True, bbox=bounds), []
    text = path.read_text(encoding=encoding.codec)
    decoded = pyogrio.read_dataframe(text.encode(), use_arrow=True, bbox=bounds)
    return decoded, [Remark("text_decoded", {"encoding": encoding.title})]


def _read_shapefile(path: Path, bounds: Bounds | None) -> tuple[gpd.GeoDataFrame, list[Remark]]:
    """Read a shapefile: as its .cpg says, else as UTF-8, else as GB 18030, whichever gives text that is not garbled.

    GDAL replaces what an encoding does not hold and goes on. So it reads each byte as one letter, which loses nothing,
    and the bytes are decoded here, strictly.
    """
    raw = pyogrio.read_dataframe(path, use_arrow=True, encoding=ONE_BYTE, bbox=bounds)
    for encoding in dict.fromkeys((*_stated_encoding(path), "UTF-8", "GB18030")):
        try:
            layer = _decoded(raw, encoding)
        except UnicodeDecodeError:
            continue
        if find_garbled(layer.drop(columns="geometry", errors="ignore")) is None:
            return layer, [Remark("text_decoded", {"encoding": encoding})]
    raise SourceError(
        f"{path}: the text of its .dbf is neither UTF-8 nor GB18030, or garbled; export the layer again as a GeoPackage"
    )


def _decoded(raw: gpd.GeoDataFrame, encoding: str) -> gpd.GeoDataFrame:
    layer = raw.rename(columns={name: _decoded_text(str(name), encoding) for name in raw.columns})
    for name in layer.columns:
        if name != "geometry" and pd.api.types.is_string_dtype(layer[name].dtype):
            texts = {text: _decoded_text(text, encoding) for text in layer[name].dropna().unique()}
            layer[name] = layer[name].map(texts).astype("str")
    return layer


def _decoded_text(text: str, encoding: str) -> str:
    """Decode, but for the bytes of a last letter that the width of the field has cut off."""
    decoder = codecs.getincrementaldecoder(encoding)()
    return decoder.decode(text.encode(ONE_BYTE))


def _stated_encoding(path: Path) -> tuple[str, ...]:
    for suffix in (".cpg", ".CPG"):
        stated = path.with_suffix(suffix)
        if stated.is_file():
            try:
                return (codecs.lookup(stated.read_text(encoding="ascii").strip()).name.upper(),)
            except (LookupError, UnicodeDecodeError):
                return ()
    return ()


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
