"""Tables and layers as Parquet: typed, small, with the meaning of every column inside the file."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from withinreach.exports.dictionary import Dictionary

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from withinreach.study import Study

# GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0).
GEOPARQUET = "1.1.0"


def write_parquet(table: pd.DataFrame | gpd.GeoDataFrame, name: str, path: Path, study: Study) -> None:
    """Write a table, or a layer as GeoParquet, with metadata.

    The file's key ``withinreach`` holds study, title, notice, date and language as JSON; every field has ``title``,
    ``unit`` and ``description`` in the study's language.

    Parameters
    ----------
    name
        Of the table in the data dictionary.
    """
    dictionary = Dictionary(study)
    arrow = _arrow(table)
    fields = [
        field if field.name == "geometry" else field.with_metadata(_told(dictionary, name, field.name))
        for field in arrow.schema
    ]
    about = {
        "study": study.name,
        "title": study.title,
        "table": dictionary.table(name)[0],
        "notice": study.notice,
        "as_of": study.as_of.isoformat(),
        "language": study.language,
    }
    kept = {key: value for key, value in (arrow.schema.metadata or {}).items() if key in (b"geo", b"pandas")}
    metadata = {**kept, b"withinreach": json.dumps(about, ensure_ascii=False).encode()}
    pq.write_table(arrow.cast(pa.schema(fields, metadata=metadata)), path, compression="zstd")


def _arrow(table: pd.DataFrame | gpd.GeoDataFrame) -> pa.Table:
    """Geopandas writes what makes a file GeoParquet only into files; this one never leaves the memory."""
    if not hasattr(table, "crs"):
        return pa.Table.from_pandas(table, preserve_index=False)
    held = io.BytesIO()
    table.to_parquet(held, index=False, schema_version=GEOPARQUET, compression=None)
    return pq.read_table(held)


def _told(dictionary: Dictionary, table: str, column: str) -> dict[str, str]:
    meaning = dictionary.column(table, column)
    return {"title": meaning.title, "unit": meaning.unit, "description": meaning.description}
