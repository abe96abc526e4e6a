"""Everything of one county, in a folder that is complete by itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pandas as pd

from withinreach.exports.geodata import write_geopackage
from withinreach.exports.manifest import county_manifest, write_manifest
from withinreach.exports.sheets import CountyTables, write_county_workbook
from withinreach.exports.tables import township_rows, write_csv
from withinreach.exports.targets import write_targets
from withinreach.exports.words import WORDS
from withinreach.maps import write_area
from withinreach.model import file_stem, told_name
from withinreach.siting import county_gaps

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.publishing.publication import Publication


def write_county(publication: Publication, code: str, folder: Path, *, home: str = "") -> None:
    """Write everything of one county into a folder that exists and is empty.

    Every file begins with the county's code: ``_coverage.csv``, ``_townships.csv`` (where their polygons are known),
    ``_facilities.csv``, ``_gaps.csv``, the workbook ``.xlsx``, ``.gpkg``, ``.html``, the map on which sites can be
    tried, and where the study names registers ``_targets.csv`` and ``_targets.xlsx``; beside them ``manifest.json``.
    Nothing is read but the publication, so any process can write any county.

    The workbook is there twice, with the same bytes: under an ASCII name, for scripts, archives and old programs, and
    as ``<code>_<name>_…_<date>.xlsx``, for people. A link would not survive a copy to a stick or an archive.

    Parameters
    ----------
    code
        Of an area of the result.
    home
        Address of the overview, relative to the county's page; empty where there is none.
    """
    result, study, stem = publication.result, publication.result.case.study, file_stem(code)
    tables = county_tables(publication, code)
    write_csv(tables.coverage, folder / f"{stem}_coverage.csv")
    if len(tables.townships):
        write_csv(tables.townships, folder / f"{stem}_townships.csv")
    write_csv(tables.loads, folder / f"{stem}_facilities.csv")
    write_csv(tables.gaps, folder / f"{stem}_gaps.csv")
    write_county_workbook(tables, folder / f"{stem}.xlsx")
    shutil.copyfile(folder / f"{stem}.xlsx", folder / workbook_name(tables))
    write_geopackage(result, publication.grounds, code, folder / f"{stem}.gpkg")
    if publication.judgement.registers:
        write_targets(publication.judgement, study, folder, f"{stem}_targets", code)
    write_area(result, code, folder / f"{stem}.html", home)
    write_manifest(county_manifest(publication.manifest, result, publication.judgement, code), folder)


def workbook_name(tables: CountyTables) -> str:
    """What people call the workbook of a county: code, name, subject and date."""
    subject = WORDS[tables.study.language]["workbook"]
    return f"{file_stem(tables.code)}_{told_name(tables.name)}_{subject}_{tables.study.as_of.isoformat()}.xlsx"


def county_tables(publication: Publication, code: str) -> CountyTables:
    """The tables of one county."""
    result = publication.result
    case = result.case
    (area,) = case.areas.rows_of([code])
    coverage, loads = publication.coverage, publication.facilities
    return CountyTables(
        study=case.study,
        code=code,
        name=str(case.areas.table["name"].iloc[area]),
        coverage=coverage[coverage["code"] == code].reset_index(drop=True),
        townships=township_rows(result, area),
        register=case.facilities.table[case.facilities.area == area].reset_index(drop=True),
        loads=loads[loads["code"] == code].reset_index(drop=True),
        gaps=gap_rows(publication, code, area),
        judgement=publication.judgement,
        remarks=(),
    )


def gap_rows(publication: Publication, code: str, area: int) -> pd.DataFrame:
    """The pockets of all services, numbered within the county, most people of each service first."""
    blocks = []
    for service in publication.result.reaches:
        table = county_gaps(publication.result, service, area).table
        numbers = [f"{code}-{service}-{number:03d}" for number in range(1, len(table) + 1)]
        blocks.append(table.assign(code=code, number=pd.Series(numbers, dtype="str"), service=service))
    rows = pd.concat(blocks, ignore_index=True)
    first = ["number", "service", "code", "place"]
    return rows[[*first, *rows.columns.drop(first)]]
