"""A publication -> the folder of the whole, and the folder of each county."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.exports.datapackage import Described, write_datapackage
from withinreach.exports.folders import whole_folder
from withinreach.exports.manifest import write_manifest
from withinreach.exports.tables import write_csv
from withinreach.exports.targets import write_targets
from withinreach.maps import write_overview
from withinreach.model import file_stem
from withinreach.progress import silent
from withinreach.publishing.county import write_county
from withinreach.publishing.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress

INDEX = "index.html"
COUNTIES = "county"
# The overview, as a county's page in its folder finds it.
HOME = f"../../{INDEX}"


def export(
    result: Result, folder: str | Path, *, county: str | Sequence[str] | None = None, progress: Progress = silent
) -> Path:
    """Write the folders of a result, of all counties or some.

    The folder appears whole or not at all. It gets the tables of the whole (see `write_whole`) and
    ``county/<code>/``, one folder for each county (see `write_county`).

    Parameters
    ----------
    folder
        May hold an earlier output, which is replaced; other files in it are never touched but refused.
    county
        Codes of the areas to write; None writes all.
    progress
        Called with the code of each county as its turn comes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StudyError
        If an area has no such code.
    SourceError
        If the folder holds something else.
    """
    codes = _codes(result, county)
    with whole_folder(Path(folder)) as staging:
        _write(Publication.of(result), staging, codes, "", progress)
    return Path(folder)


def publish(result: Result, folder: Path, *, progress: Progress = silent) -> Path:
    """Write what `export` writes of all counties, and ``index.html``, the map of all, which leads to theirs.

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    codes = _codes(result, None)
    publication = Publication.of(result)
    with whole_folder(folder) as staging:
        _write(publication, staging, codes, HOME, progress)
        progress(INDEX)
        write_index(publication, staging)
    return folder


def county_folder(folder: Path, code: str) -> Path:
    """Where the folder of a county is in the folder of all."""
    return folder / COUNTIES / file_stem(code)


def write_index(publication: Publication, folder: Path) -> None:
    """Write ``index.html``, the map of all counties, which leads to the page of each; none if nothing may be shown."""
    if publication.cells is None:
        return
    pages = {code: f"{COUNTIES}/{file_stem(code)}/{file_stem(code)}.html" for code in publication.areas.table["code"]}
    write_overview(publication.cells.result, publication.cells.judgement, folder / INDEX, pages)


def write_whole(publication: Publication, folder: Path) -> None:
    """Write the tables of all counties together into a folder that exists.

    ``coverage.csv`` (all areas and services, with totals), ``ledger.csv`` (people at every step from the raw files to
    the statuses), ``calibration.csv`` (factors to the census), ``facilities.csv`` (every facility with its load and
    catchment ratio), ``audit.csv`` (what preparation changed, dropped or noticed), ``manifest.json``,
    ``datapackage.json``; where the study names registers, ``targets.csv`` and ``targets.xlsx``.
    """
    told, study = publication.tables, publication.study
    tables = {
        "coverage": told.coverage,
        "ledger": told.ledger,
        "calibration": told.factors,
        "facilities": told.loads,
        "audit": told.findings,
    }
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")
    if told.judgement.registers:
        write_targets(told.judgement, study, folder, "targets")
        tables["targets"] = told.judgement.table
    write_manifest(publication.manifest, folder)
    write_datapackage(
        folder, study, {f"{name}.csv": (Described.of(name, table.columns),) for name, table in tables.items()}
    )


def _write(publication: Publication, folder: Path, codes: Sequence[str], home: str, progress: Progress) -> None:
    write_whole(publication, folder)
    for code in codes:
        progress(code)
        county = county_folder(folder, code)
        county.mkdir(parents=True)
        write_county(publication, code, county, home=home)


def _codes(result: Result, county: str | Sequence[str] | None) -> list[str]:
    if county is None:
        return list(result.case.areas.table["code"])
    wanted = [county] if isinstance(county, str) else list(dict.fromkeys(county))
    result.case.areas.rows_of(wanted)
    return wanted
