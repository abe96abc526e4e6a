"""Copies of the sample city side by side in one set of files, as a province has them, written copy by copy."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import rasterio
from rasterio.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Of the codes of the sample, 410702 and 410702S0001; those of copies are nobody's.
PREFIX = "4107"
ROWS_PER_GROUP = 16_384


class Place(NamedTuple):
    """Where a copy lies, in degrees from the sample, and what its codes begin with in the place of `PREFIX`."""

    prefix: str
    east: float
    north: float

    def code(self, code: str) -> str:
        """A code of the sample as one of the copy."""
        return self.prefix + code[len(PREFIX) :]


def write_province(sample: Path, folder: Path, places: Sequence[Place]) -> Path:
    """Write copies of a sample city as one study, and the list that splits it into one per copy.

    Nothing but one copy of one layer is in memory at a time. Streets are ordered in space and have the bounding box of
    each row, areas and water a spatial index.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(sample.rglob("*")):
        to = folder / path.relative_to(sample)
        match path.suffix:
            case ".tif":
                _write_raster(path, to, places)
            case ".geojson":
                _write_layer(path, to.with_suffix(".gpkg"), places)
            case ".parquet":
                _write_streets(path, to, places)
            case ".csv":
                _write_rows(path, to, places)
    text = (sample / "study.toml").read_text(encoding="utf-8").replace(".geojson", ".gpkg")
    (folder / "study.toml").write_text(text.replace('"xinxiang-sample"', '"province"'), encoding="utf-8")
    country = folder / "province.toml"
    country.write_text(f'study = "study.toml"\nsplit = {len(PREFIX)}\n', encoding="utf-8")
    return country


def _write_streets(path: Path, to: Path, places: Sequence[Place]) -> None:
    layer = gpd.read_parquet(path)
    layer = layer.iloc[np.argsort(layer.hilbert_distance(), kind="stable")]
    one, schema, writer = to.with_suffix(".one"), None, None
    for place in places:
        moved = layer.set_geometry(layer.translate(place.east, place.north))
        moved.to_parquet(one, index=False, write_covering_bbox=True)
        table = pq.read_table(one)
        if schema is None or writer is None:
            geo = json.loads(table.schema.metadata[b"geo"])
            del geo["columns"]["geometry"]["bbox"]  # of the first copy alone
            schema = table.schema.with_metadata({**table.schema.metadata, b"geo": json.dumps(geo).encode()})
            writer = pq.ParquetWriter(to, schema)
        writer.write_table(table.cast(schema), row_group_size=ROWS_PER_GROUP)
    if writer is not None:
        writer.close()
    one.unlink()


def _write_layer(path: Path, to: Path, places: Sequence[Place]) -> None:
    layer = gpd.read_file(path)
    for number, place in enumerate(places):
        moved = layer.set_geometry(layer.translate(place.east, place.north))
        if "code" in moved:
            moved = moved.assign(code=moved["code"].astype("str").map(place.code))
        pyogrio.write_dataframe(moved, to, append=number > 0)


def _write_raster(path: Path, to: Path, places: Sequence[Place]) -> None:
    """One raster over all copies, whose cells are those of the sample; tiles that no copy touches are not written."""
    to.parent.mkdir(exist_ok=True)
    with rasterio.open(path) as source:
        cells, profile = source.read(1), source.profile
    grid = profile["transform"]
    columns = [round(place.east / grid.a) for place in places]
    rows = [round(place.north / grid.e) for place in places]
    profile |= {
        "transform": grid @ rasterio.Affine.translation(min(columns), min(rows)),
        "width": max(columns) - min(columns) + cells.shape[1],
        "height": max(rows) - min(rows) + cells.shape[0],
        "sparse_ok": True,
        "bigtiff": "if_safer",
    }
    with rasterio.open(to, "w", **profile) as target:
        for column, row in zip(columns, rows, strict=True):
            window = Window(column - min(columns), row - min(rows), cells.shape[1], cells.shape[0])
            target.write(cells, 1, window=window)


def _write_rows(path: Path, to: Path, places: Sequence[Place]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    x, y = (header.index(name) if name in header else None for name in ("经度", "纬度"))
    codes = [at for at, name in enumerate(header) if name.endswith("代码")]
    ids = [at for at, name in enumerate(header) if name == "编号"]
    with to.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for place in places:
            for row in rows:
                moved = list(row)
                if x is not None and y is not None:
                    moved[x], moved[y] = f"{float(row[x]) + place.east:.6f}", f"{float(row[y]) + place.north:.6f}"
                for at in codes:
                    moved[at] = place.code(row[at])
                for at in ids:
                    moved[at] = f"{place.prefix}-{row[at]}"
                writer.writerow(moved)
