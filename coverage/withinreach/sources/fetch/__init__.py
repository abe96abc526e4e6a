"""Download streets, boundaries and facilities of a place from OpenStreetMap, as a study that only lacks its population.

::

    client = open_client("新乡市", folder)      # the folder is free, OSMnx is there
    place = locate("新乡市", client)            # Nominatim: a polygon
    download(place, client, folder)            # Overpass: areas below it, streets tile by tile, facilities

Every answer is kept in ``.fetch/`` of the folder before it is used, so a download that breaks off goes on where it
stopped; the files of the study appear whole, at the end.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.errors import SourceError
from withinreach.progress import silent
from withinreach.sources.fetch import queries
from withinreach.sources.fetch.answers import not_written
from withinreach.sources.fetch.boundary import reporting_units
from withinreach.sources.fetch.client import NOMINATIM_URL, OVERPASS_URL, Client, Patience, Services
from withinreach.sources.fetch.elements import Elements, need_osmnx, read_features, write_osm
from withinreach.sources.fetch.folder import (
    KEPT,
    claim_folder,
    osm_base,
    publish,
    spare_edited_study,
    write_boundary,
    write_facilities,
    write_manifest,
)
from withinreach.sources.fetch.kinds import facility_kinds
from withinreach.sources.fetch.place import Place, locate
from withinreach.sources.fetch.study_file import (
    BOUNDARY,
    FACILITIES,
    STREETS,
    STUDY,
    Contents,
    study_name,
    study_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from withinreach.progress import Progress

__all__ = [
    "NOMINATIM_URL",
    "OVERPASS_URL",
    "Client",
    "Fetched",
    "Patience",
    "Place",
    "Services",
    "count_steps",
    "download",
    "locate",
    "open_client",
]


@dataclass(frozen=True)
class Fetched:
    """What a download brought.

    Attributes
    ----------
    study
        Path of the study file.
    streets
        Number of ways with ``highway=*``.
    areas
        Number of reporting units.
    facilities
        Number per kind; kinds without any are missing.
    notes
        What a reader of the figures should know.
    """

    study: Path
    streets: int
    areas: int
    facilities: Mapping[str, int]
    notes: tuple[str, ...]


def open_client(
    asked: str,
    folder: Path,
    *,
    services: Services | None = None,
    patience: Patience | None = None,
    fresh: bool = False,
) -> Client:
    """Check what can be checked before anything is asked for.

    Parameters
    ----------
    asked
        The area, as for `locate`.
    folder
        Where the study shall be; it need not exist.
    fresh
        Ask the servers also for what earlier runs have brought.

    Raises
    ------
    CoverageError
        If OSMnx is not installed, or the folder holds anything but an earlier download of the same area.
    """
    need_osmnx()
    return Client(claim_folder(folder, asked), services=services, patience=patience, fresh=fresh)


def count_steps(place: Place) -> int:
    """How many steps `download` tells its progress; as many as its tiles and three."""
    return len(place.tiles()) + 3


def download(place: Place, client: Client, folder: Path, *, progress: Progress = silent) -> Fetched:
    """Download a place and write its study.

    Raises
    ------
    CoverageError
        If the place is too large.
    SourceError
        If a server gives no usable answer, there is no street, or the folder cannot be written.
    """
    tiles = place.tiles()
    with _staging(folder) as staging:
        progress("boundary")
        units, notes = reporting_units(place, client, staging)
        write_boundary(units, staging / BOUNDARY)
        streets = Elements()
        for number, tile in enumerate(tiles, start=1):
            progress(f"streets {number}/{len(tiles)}")
            streets.add(client.overpass(queries.streets(tile)))
        if streets.count("way", "highway") == 0:
            raise SourceError(f"'{place.asked}': OpenStreetMap has no street there; is it the place that was meant?")
        progress("facilities")
        found = _facilities(place, client, staging)
        progress("files")
        write_osm(streets, staging / STREETS, place.extent)
        _write_study(place, client, found, staging, name=study_name(folder.resolve().name))
        notes += _none_found(found)
        notes += spare_edited_study(staging, folder)
        write_manifest(staging, place, client.answered, notes)
        publish(staging, folder)
    return Fetched(folder / STUDY, streets.count("way", "highway"), len(units), found, tuple(notes))


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside the kept answers, on the same disk as the files' final place, gone at the end."""
    kept = folder / KEPT
    try:
        kept.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix="staging-", dir=kept))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise not_written(folder, error) from None


def _facilities(place: Place, client: Client, staging: Path) -> dict[str, int]:
    """Write the table of facilities; returns how many there are of each kind, in the order of the kinds."""
    kinds = facility_kinds()
    elements = Elements()
    elements.add(client.overpass(queries.facilities(place.extent, kinds.asked)))
    table = kinds.table(read_features(elements, staging))
    write_facilities(table, staging / FACILITIES)
    counts = table["kind"].value_counts()
    return {kind.name: int(counts[kind.name]) for kind in kinds.kinds if kind.name in counts}


def _none_found(found: Mapping[str, int]) -> list[str]:
    missing = [kind.name for kind in facility_kinds().kinds if kind.name not in found]
    if not missing:
        return []
    return [f"no facility of these kinds is mapped: {', '.join(missing)}; add them from the register of the bureau"]


def _write_study(place: Place, client: Client, found: Mapping[str, int], staging: Path, *, name: str) -> None:
    base = osm_base(client.answered)
    as_of = dt.date.fromisoformat(base[:10]) if base else dt.datetime.now(dt.UTC).date()
    text = study_text(Contents(name, place, as_of, facility_kinds(), found))
    (staging / STUDY).write_text(text, encoding="utf-8", newline="\n")
