"""The folder of a download: checked before, filled at the end, described by its manifest."""

from __future__ import annotations

import csv
import hashlib
import json
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import shapely

from withinreach.errors import CoverageError
from withinreach.sources.fetch.answers import write_whole
from withinreach.sources.fetch.client import utc_now
from withinreach.sources.fetch.study_file import ATTRIBUTION, BOUNDARY, FACILITIES, STREETS, STUDY

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from withinreach.sources.fetch.client import Answered
    from withinreach.sources.fetch.place import Place

KEPT = ".fetch"
MANIFEST = "manifest.json"
LIBRARIES = ("withinreach", "osmnx", "geopandas", "shapely", "requests")


def claim_folder(folder: Path, asked: str) -> Path:
    """Make sure that a folder may be filled with an area; returns the folder of kept answers in it.

    Raises
    ------
    CoverageError
        If it is a file, or holds files of others or another area.
    """
    if folder.exists() and not folder.is_dir():
        raise CoverageError(f"{folder}: is a file; name a folder")
    manifest = folder / MANIFEST
    if manifest.is_file():
        earlier = _area_of(manifest)
        if earlier != asked.strip():
            told = f"'{earlier}'" if earlier else "something else"
            raise CoverageError(f"{folder}: holds {told}, not '{asked}'; name another folder")
    elif folder.is_dir() and {path.name for path in folder.iterdir()} - _ours(folder):
        raise CoverageError(f"{folder}: holds files that are not a download of withinreach; name an empty folder")
    return folder / KEPT


def _ours(folder: Path) -> set[str]:
    """Names that do not speak against filling a folder: after an interruption our files may lack their manifest."""
    return {KEPT, STREETS, BOUNDARY, FACILITIES, STUDY} if (folder / KEPT).is_dir() else set()


def _area_of(manifest: Path) -> str:
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["area"]["asked"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_boundary(units: gpd.GeoDataFrame, path: Path) -> None:
    """GeoJSON, one unit per line; written here, so that the bytes do not depend on the version of GDAL."""
    columns = [column for column in units.columns if column != "geometry"]
    lines = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {column: row[column] for column in columns},
                "geometry": shapely.geometry.mapping(row["geometry"]),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for row in units.to_dict(orient="records")
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def write_facilities(table: pd.DataFrame, path: Path) -> None:
    """CSV as spreadsheets in Chinese offices read it: UTF-8 with BOM."""
    table.to_csv(path, index=False, encoding="utf-8-sig", quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")


def spare_edited_study(staging: Path, folder: Path) -> list[str]:
    """Drop the new study if somebody has edited the one in the folder since it was written; a note says so."""
    study = folder / STUDY
    if not study.is_file() or _entry(study)["sha256"] in (_written_sha256(folder), _entry(staging / STUDY)["sha256"]):
        return []
    (staging / STUDY).unlink()
    return [f"{study}: has been edited and is kept as it is; remove it to have it written anew"]


def _written_sha256(folder: Path) -> str:
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return str(next(entry["sha256"] for entry in files if entry["file"] == STUDY))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return ""


def publish(staging: Path, folder: Path) -> None:
    """Move finished files to where they belong, the manifest last."""
    for name in sorted((path.name for path in staging.iterdir()), key=lambda name: (name == MANIFEST, name)):
        (staging / name).replace(folder / name)


def write_manifest(staging: Path, place: Place, answered: list[Answered], notes: list[str]) -> None:
    """Write ``manifest.json``: what was asked where and when, what came back, and what was made of it.

    Addresses are without user, password and query, for these may hold keys.
    """
    manifest = {
        "area": {"asked": place.asked, "title": place.title, "osm": place.osm, "country": place.country},
        "written_at": utc_now(),
        "osm_base": osm_base(answered),
        "licence": ATTRIBUTION,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "requests": [_request(answer) for answer in answered],
        "files": [_entry(path) for path in sorted(staging.iterdir()) if path.is_file()],
        "notes": notes,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False)
    write_whole(staging / MANIFEST, (text + "\n").encode())


def osm_base(answered: list[Answered]) -> str:
    """The oldest state of OpenStreetMap among the answers that tell it (ISO 8601, UTC), or an empty text."""
    return min((answer.osm_base for answer in answered if answer.osm_base), default="")


def _request(answer: Answered) -> dict[str, Any]:
    receipt = answer.receipt
    return {
        "server": receipt.server,
        "query": dict(answer.question.parameters),
        "fetched_at": receipt.fetched_at,
        "osm_base": answer.osm_base,
        "file": f"{KEPT}/{answer.question.key}.json",
        "bytes": receipt.bytes,
        "sha256": receipt.sha256,
    }


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}
