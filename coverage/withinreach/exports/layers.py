"""One layer as one file, in the format that its suffix names."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyogrio

from withinreach.errors import SourceError
from withinreach.exports.geodata import dated

if TYPE_CHECKING:
    import datetime as dt

    import geopandas as gpd

SUFFIXES = (".gpkg", ".geojson", ".parquet")
# A centimetre: RFC 7946, 11.2, warns of more digits than positions are worth.
GEOJSON_DECIMALS = 7


def layer_path(path: str | Path) -> Path:
    """The path of a layer to be written, before the work that makes the layer.

    Raises
    ------
    SourceError
        If the suffix names no format that can be written, or the path is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise SourceError(f"{path}: '{path.suffix}' is no format for it; end the name in {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name a file")
    return path


def write_layer(layer: gpd.GeoDataFrame, path: Path, day: dt.date) -> None:
    """Write a layer; an earlier file of this name is replaced when the new one is whole.

    GeoPackage and GeoParquet keep the layer's CRS, GeoJSON has WGS84 (RFC 7946).
    """
    path = layer_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        staged = Path(folder) / path.name
        match path.suffix.lower():
            case ".gpkg":
                with dated(day):
                    pyogrio.write_dataframe(layer, staged, layer=path.stem, driver="GPKG")
            case ".geojson":
                degrees = layer.to_crs("EPSG:4326")
                pyogrio.write_dataframe(
                    degrees, staged, driver="GeoJSON", RFC7946="YES", COORDINATE_PRECISION=GEOJSON_DECIMALS
                )
            case _:
                layer.to_parquet(staged)
        shutil.move(staged, path)
