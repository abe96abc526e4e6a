"""Tables as Parquet and layers as GeoParquet that come back as they were: same values, types and order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Bounds = tuple[float, float, float, float]

# Small enough that a county reads little beside its own, and large enough that statistics of groups cost nothing.
ROWS_PER_GROUP = 16_384
CATEGORIES, TIMES = "withinreach.categories", "withinreach.times"


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, or a layer with the bounding box of each row, so that a reader skips what lies elsewhere.

    Parquet keeps of a categorical column only the categories that occur, and no times in whole seconds; these types
    are written beside the columns.
    """
    categories = {name: dtype for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype)}
    times = {str(name): str(dtype) for name, dtype in frame.dtypes.items() if dtype.kind == "M"}
    plain = frame.astype({name: dtype.categories.dtype for name, dtype in categories.items()})
    plain.attrs = {TIMES: times, CATEGORIES: {str(name): _told(dtype) for name, dtype in categories.items()}}
    options: dict[str, Any] = {"row_group_size": ROWS_PER_GROUP, "use_dictionary": False}
    if isinstance(plain, gpd.GeoDataFrame):
        # Coordinates of points are their own boxes, and read five times as fast as WKB.
        points = (plain.geom_type == "Point").all() and len(plain)
        options |= {"geometry_encoding": "geoarrow"} if points else {"write_covering_bbox": True}
    plain.to_parquet(path, **options)


def read_frame(
    path: Path, bounds: Bounds | None = None, only: Sequence[tuple[str, str, object]] | None = None
) -> pd.DataFrame:
    """Read what `write_frame` wrote; of a layer only the rows whose box meets the bounds.

    Parameters
    ----------
    only
        Conditions that rows meet, as pyarrow's ``filters``.
    """
    if b"geo" in (pq.read_schema(path).metadata or {}):
        frame = gpd.read_parquet(path, bbox=bounds, filters=only)
    else:
        frame = pd.read_parquet(path, filters=only)
    types: dict[str, Any] = frame.attrs.pop(TIMES, {})
    for name, told in frame.attrs.pop(CATEGORIES, {}).items():
        types[name] = pd.CategoricalDtype(pd.Index(told["values"], dtype=told["of"]), ordered=told["ordered"])
    return frame.astype(types)


def _told(dtype: pd.CategoricalDtype) -> dict[str, Any]:
    return {
        "values": dtype.categories.tolist(),
        "of": str(dtype.categories.dtype),
        "ordered": dtype.ordered,
    }
