"""A publication -> the folder of the whole, and the folder of each county."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.exports.folders import whole_folder
from withinreach.exports.geodata import write_geopackage
from withinreach.exports.manifest import county_manifest, write_manifest
from withinreach.exports.tables import write_csv
from withinreach.exports.targets import write_targets
from withinreach.maps import write_area, write_overview
from withinreach.model import file_stem
from withinreach.progress import silent
from withinreach.publishing.publication import Publication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress

INDEX = "index.html"
COUNTIES = "county"


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
        _write(publication, staging, codes, f"../../{INDEX}", progress)
        progress(INDEX)
        pages = {code: f"{COUNTIES}/{file_stem(code)}/{file_stem(code)}.html" for code in codes}
        write_overview(result, publication.judgement, staging / INDEX, pages)
    return folder


def write_whole(publication: Publication, folder: Path) -> None:
    """Write the tables of all counties together into a folder that exists.

    ``coverage.csv`` (all areas and services, with totals), ``ledger.csv`` (people at every step from the raw files to
    the statuses), ``calibration.csv`` (factors to the census), ``facilities.csv`` (every facility with its load and
    catchment ratio), ``audit.csv`` (what preparation changed, dropped or noticed), ``manifest.json``; where the study
    names registers, ``targets.csv`` and ``targets.xlsx``.
    """
    audit = publication.result.case.audit
    write_csv(publication.coverage, folder / "coverage.csv")
    write_csv(publication.ledger, folder / "ledger.csv")
    write_csv(audit.factors, folder / "calibration.csv")
    write_csv(publication.facilities, folder / "facilities.csv")
    write_csv(audit.findings, folder / "audit.csv")
    if publication.judgement.registers:
        write_targets(publication.judgement, publication.result.case.study, folder, "targets")
    write_manifest(publication.manifest, folder)


def write_county(publication: Publication, code: str, folder: Path, *, home: str = "") -> None:
    """Write everything of one county into a folder that exists and is empty.

    Every file begins with the county's code: ``_coverage.csv``, ``_facilities.csv``, ``.gpkg``, ``.html``, the map on
    which sites can be tried, and where the study names registers ``_targets.csv`` and ``_targets.xlsx``; beside them
    ``manifest.json``. Nothing is read but the publication, so any process can write any county.

    Parameters
    ----------
    code
        Of an area of the result.
    home
        Address of the overview, relative to the county's page; empty where there is none.
    """
    result, stem = publication.result, file_stem(code)
    coverage, facilities = publication.coverage, publication.facilities
    write_csv(coverage[coverage["code"] == code], folder / f"{stem}_coverage.csv")
    write_csv(facilities[facilities["code"] == code], folder / f"{stem}_facilities.csv")
    write_geopackage(result, publication.grounds, code, folder / f"{stem}.gpkg")
    if publication.judgement.registers:
        write_targets(publication.judgement, result.case.study, folder, f"{stem}_targets", code)
    write_area(result, publication.judgement, code, folder / f"{stem}.html", home)
    write_manifest(county_manifest(publication.manifest, result, publication.judgement, code), folder)


def _write(publication: Publication, folder: Path, codes: Sequence[str], home: str, progress: Progress) -> None:
    write_whole(publication, folder)
    for code in codes:
        progress(code)
        county = folder / COUNTIES / file_stem(code)
        county.mkdir(parents=True)
        write_county(publication, code, county, home=home)


def _codes(result: Result, county: str | Sequence[str] | None) -> list[str]:
    if county is None:
        return list(result.case.areas.table["code"])
    wanted = [county] if isinstance(county, str) else list(dict.fromkeys(county))
    result.case.areas.rows_of(wanted)
    return wanted
