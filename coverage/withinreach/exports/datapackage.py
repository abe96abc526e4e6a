"""``datapackage.json``: every file of a folder, and of every table every column with title, unit and meaning.

A Data Package with Table Schema (https://specs.frictionlessdata.io, 1.0): tools such as frictionless and R's package of
that name read the tables by it with the right types, and know what stands for a missing value.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from withinreach.exports.dictionary import Dictionary
from withinreach.exports.withheld import PROTECTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from withinreach.study import Study

NAME = "datapackage.json"
# What stands for an unknown figure, and for one that is withheld.
MISSING_VALUES = ("", PROTECTED)
MEDIA = {
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".html": "text/html",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Described(NamedTuple):
    """A table in a file: its name in the data dictionary, and its columns (without the geometry)."""

    table: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, table: str, columns: Iterable[object]) -> Described:
        """Of the columns of a frame."""
        return cls(table, tuple(str(column) for column in columns if column != "geometry"))


def write_datapackage(folder: Path, study: Study, tables: Mapping[str, tuple[Described, ...]]) -> None:
    """Write ``datapackage.json`` for the files that are in a folder, not for those of folders below.

    Parameters
    ----------
    tables
        What is in which file, by its name; of a GeoPackage its layers.
    """
    dictionary = Dictionary(study)
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != NAME)
    package = {
        "profile": "data-package",
        "name": re.sub(r"[^a-z0-9._-]", "-", study.name.lower()),
        "title": study.title,
        "description": study.notice,
        "created": f"{study.as_of.isoformat()}T00:00:00Z",
        "resources": [
            _resource(number, path, tables.get(path.name, ()), dictionary) for number, path in enumerate(files, start=1)
        ],
    }
    text = json.dumps(package, ensure_ascii=False, indent=2)
    (folder / NAME).write_text(text + "\n", encoding="utf-8", newline="\n")


def _resource(number: int, path: Path, tables: tuple[Described, ...], dictionary: Dictionary) -> dict[str, object]:
    """One file. Names must be unique in lower case ASCII, which those of files need not be: they are numbered."""
    suffix = path.suffix.lower()
    content = path.read_bytes()
    told: dict[str, object] = {
        "name": f"{number:02d}-{re.sub(r'[^a-z0-9._-]', '-', path.name.lower())}",
        "path": path.name,
        "format": suffix.removeprefix("."),
        "mediatype": MEDIA.get(suffix, "application/octet-stream"),
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if len(tables) == 1:
        told |= _described(tables[0], dictionary)
        if suffix == ".csv":
            told |= {"profile": "tabular-data-resource", "encoding": "utf-8"}
    elif tables:
        told["layers"] = [{"name": one.table, **_described(one, dictionary)} for one in tables]
    return told


def _described(table: Described, dictionary: Dictionary) -> dict[str, object]:
    title, purpose = dictionary.table(table.table)
    fields = []
    for name in table.columns:
        meaning = dictionary.column(table.table, name)
        told = {"name": name, "type": meaning.field_type, "title": meaning.title, "description": meaning.description}
        fields.append({**told, "unit": meaning.unit} if meaning.unit else told)
    return {"title": title, "description": purpose, "schema": {"fields": fields, "missingValues": list(MISSING_VALUES)}}
