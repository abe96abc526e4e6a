"""A publication -> the folder of the whole, and the folder of each county."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from withinreach.exports.datapackage import Described, write_datapackage
from withinreach.exports.folders import whole_folder
from withinreach.exports.manifest import write_manifest
from withinreach.exports.tables import write_csv
from withinreach.exports.targets import write_targets
from withinreach.maps import write_overview
from withinreach.model import file_stem
from withinreach.progress import silent
from withinreach.publishing.county import write_county, write_county_map
from withinreach.publishing.crew import ALONE, Task
from withinreach.publishing.publication import NO_INTERVALS, Publication

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress
    from withinreach.publishing.crew import Crew

INDEX = "index.html"
COUNTIES = "county"
# The overview, as a county's page in its folder finds it.
HOME = f"../../{INDEX}"


def export(
    result: Result,
    folder: str | Path,
    *,
    county: str | Sequence[str] | None = None,
    crew: Crew = ALONE,
    progress: Progress = silent,
) -> Path:
    """Write the complete folders of a result, of all counties or some.

    The folder appears whole or not at all. It gets the tables of the whole (see `write_whole`), ``index.html``, the map
    of all, which leads to the pages that are written, and ``county/<code>/``, one folder for each county (see
    `write_county`).

    Parameters
    ----------
    folder
        May hold an earlier output, which is replaced; other files in it are never touched but refused.
    county
        Codes of the areas to write; None writes all.
    crew
        Who writes: this process, or several; see `open_crew`.
    progress
        Called with the code of each county as its turn comes, and with ``index.html``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StudyError
        If an area has no such code, or no typeface with Chinese is installed.
    SourceError
        If the folder holds something else, or the template of briefs is no Word document.
    """
    from withinreach.publishing.briefing import look_for_supplies  # noqa: PLC0415 -- a second, and maps need no paper

    codes = _codes(result, county)
    look_for_supplies(result.case.study)
    return _write(Publication.of(result), Path(folder), codes, write_county, crew, progress)


def publish(result: Result, folder: Path, *, crew: Crew = ALONE, progress: Progress = silent) -> Path:
    """Write what `export` writes, but of each county only what a look at it needs (see `write_county_map`).

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    publication = Publication.of(result, intervals=NO_INTERVALS)
    return _write(publication, folder, _codes(result, None), write_county_map, crew, progress)


def county_folder(folder: Path, code: str) -> Path:
    """Where the folder of a county is in the folder of all."""
    return folder / COUNTIES / file_stem(code)


def write_index(publication: Publication, folder: Path, codes: Iterable[str]) -> None:
    """Write ``index.html``, the map of all counties; none if nothing may be shown.

    Parameters
    ----------
    codes
        Of the counties whose pages are there, to which it leads.
    """
    if publication.cells is None:
        return
    pages = {code: f"{COUNTIES}/{file_stem(code)}/{file_stem(code)}.html" for code in codes}
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
        write_targets(told.judgement, study, folder)
        tables["targets"] = told.judgement.table
    write_manifest(publication.manifest, folder)
    write_datapackage(
        folder, study, {f"{name}.csv": (Described.of(name, table.columns),) for name, table in tables.items()}
    )


class _WriteCounty(Protocol):
    def __call__(self, publication: Publication, code: str, folder: Path, *, home: str) -> None: ...


def _write_index(codes: Sequence[str], folder: Path, publication: Publication) -> None:
    write_index(publication, folder, codes)


def _write_county(write: _WriteCounty, code: str, folder: Path, publication: Publication) -> None:
    county = county_folder(folder, code)
    county.mkdir(parents=True)
    write(publication, code, county, home=HOME)


def _write(
    publication: Publication, folder: Path, codes: Sequence[str], write: _WriteCounty, crew: Crew, progress: Progress
) -> Path:
    with whole_folder(folder) as staging:
        write_whole(publication, staging)
        # The map of all takes longest, so it comes first.
        tasks = [Task(INDEX, partial(_write_index, codes, staging))]
        tasks += [Task(code, partial(_write_county, write, code, staging)) for code in codes]
        for name in crew.carry_out(publication, tasks):
            progress(name)
    return folder


def _codes(result: Result, county: str | Sequence[str] | None) -> list[str]:
    if county is None:
        return list(result.case.areas.table["code"])
    wanted = [county] if isinstance(county, str) else list(dict.fromkeys(county))
    result.case.areas.rows_of(wanted)
    return wanted
