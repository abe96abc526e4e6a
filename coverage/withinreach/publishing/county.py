"""Everything of one county, in a folder that is complete by itself."""

from __future__ import annotations

import shutil
from functools import cached_property
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from withinreach.exports.datapackage import Described, write_datapackage
from withinreach.exports.geodata import cell_layers, county_pairs, table_layers, write_geopackage
from withinreach.exports.layers import write_layer
from withinreach.exports.manifest import county_manifest, write_manifest
from withinreach.exports.parquet import write_parquet
from withinreach.exports.pockets import pocket_shapes
from withinreach.exports.rasters import write_minutes
from withinreach.exports.sheets import CountyTables, write_county_workbook
from withinreach.exports.tables import write_csv
from withinreach.exports.targets import write_target_rows
from withinreach.exports.words import WORDS
from withinreach.maps import write_area
from withinreach.model import file_stem, told_name
from withinreach.siting import county_gaps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from withinreach.briefs import Evidence
    from withinreach.publishing.publication import Publication

    Descriptions = dict[str, tuple[Described, ...]]
    # Writes files into a folder and tells what is in those that the data dictionary describes.
    _Part = Callable[["_County", Path], Descriptions]

# Columns that the sheet of gaps asks for, where none may be told.
NO_GAPS = (
    "number", "service", "place", "lon", "lat", "people", "reason", "nearest_name", "level_m", "minutes", "suggestion",
    "site_name", "site_people", "priority",
)  # fmt: skip
# What the data dictionary calls layers whose name tables have.
LAYERS = {"facilities": "register"}


def write_county(publication: Publication, code: str, folder: Path, *, home: str = "") -> None:
    """Write everything of one county into a folder that exists and is empty.

    Every file begins with the county's code.

    - What `write_county_map` writes.
    - Tables: ``_facilities.csv``, ``_gaps.csv``, and where the study names registers ``_targets.csv``.
    - The workbook ``.xlsx``. It is there twice, with the same bytes: under an ASCII name, for scripts, archives and
      old programs, and as ``<code>_<name>_…_<date>.xlsx``, for people. A link would not survive a copy to a stick.
    - For paper, of the services that may be shown: ``_<service>.png``, a map of each, and ``_brief.docx``, the brief,
      with ``_brief.xlsx``, the cells that its numbers are from.
    - Geodata: ``_cells.parquet``, ``_facilities.parquet``, ``_pairs.parquet``, ``_gaps.geojson``, ``_minutes.tif``.

    Nothing is read but the publication, so any process can write any county.

    Parameters
    ----------
    code
        Of an area of the result.
    home
        Address of the overview, relative to the county's page; empty where there is none.
    """
    _write(_County(publication, code, home), EVERYTHING, folder)


def write_county_map(publication: Publication, code: str, folder: Path, *, home: str = "") -> None:
    """Write what a look at one county needs, as `write_county` writes it: its map and what can be opened beside it.

    ``.html``, the map on which sites can be tried; ``_coverage.csv`` and, where their polygons are known,
    ``_townships.csv``; ``.gpkg``, with styles for QGIS; ``manifest.json``; ``datapackage.json``, the data dictionary.
    """
    _write(_County(publication, code, home), MAP, folder)


class _County:
    """One county while its folder is written: what several of its files are made from."""

    def __init__(self, publication: Publication, code: str, home: str) -> None:
        self.publication, self.code, self.home = publication, code, home
        self.stem = file_stem(code)
        (self.row,) = publication.areas.rows_of([code])

    @cached_property
    def gaps(self) -> gpd.GeoDataFrame:
        """See `gap_layer`."""
        return gap_layer(self.publication, self.code, self.row)

    @cached_property
    def evidence(self) -> Evidence:
        """See `evidence_of`."""
        from withinreach.publishing.briefing import evidence_of  # noqa: PLC0415 -- a second, and maps need no paper

        return evidence_of(self.publication)

    @cached_property
    def tables(self) -> CountyTables:
        """See `county_tables`."""
        return county_tables(self.publication, self.row, self.gaps)

    @cached_property
    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Those of the GeoPackage."""
        whole, cells = self.publication, self.publication.cells
        layers = table_layers(whole.tables, whole.areas.table.iloc[[self.row]], whole.points)
        if cells is not None:
            layers |= {**cell_layers(cells.result, cells.grounds, self.row), "gaps": self.gaps}
        return layers


def _write(county: _County, parts: Sequence[_Part], folder: Path) -> None:
    described: dict[str, tuple[Described, ...]] = {}
    for write in parts:
        described |= write(county, folder)
    whole = county.publication
    write_manifest(county_manifest(whole.manifest, whole.tables, county.code, county.tables.name), folder)
    write_datapackage(folder, whole.study, dict(sorted(described.items())))


def _write_page(county: _County, folder: Path) -> Descriptions:
    cells = county.publication.cells
    if cells is not None:
        write_area(cells.result, cells.judgement, county.code, folder / f"{county.stem}.html", county.home)
    return {}


def _write_coverage(county: _County, folder: Path) -> Descriptions:
    described = _write_csv(county, "coverage", county.tables.coverage, folder)
    if len(county.tables.townships):
        described |= _write_csv(county, "townships", county.tables.townships, folder, "townships_csv")
    return described


def _write_lists(county: _County, folder: Path) -> Descriptions:
    tables = county.tables
    return _write_csv(county, "facilities", tables.loads, folder) | _write_csv(county, "gaps", tables.gaps, folder)


def _write_csv(county: _County, name: str, table: pd.DataFrame, folder: Path, told: str = "") -> Descriptions:
    """Write a table, which the dictionary calls ``told`` where that is not its name."""
    path = folder / f"{county.stem}_{name}.csv"
    write_csv(table, path)
    return {path.name: (Described.of(told or name, table.columns),)}


def _write_workbook(county: _County, folder: Path) -> Descriptions:
    path = folder / f"{county.stem}.xlsx"
    write_county_workbook(county.tables, path)
    shutil.copyfile(path, folder / workbook_name(county.tables))
    return {}


def _write_targets(county: _County, folder: Path) -> Descriptions:
    judgement, path = county.tables.judgement, folder / f"{county.stem}_targets.csv"
    if not judgement.registers:
        return {}
    write_target_rows(judgement.of_unit(county.code), path)
    return {path.name: (Described.of("targets", judgement.table.columns),)}


def _write_geopackage(county: _County, folder: Path) -> Descriptions:
    publication, path = county.publication, folder / f"{county.stem}.gpkg"
    shown = publication.study if publication.cells is None else publication.cells.result.case.study
    write_geopackage(county.layers, shown, path)
    told = (Described.of(LAYERS.get(name, name), layer.columns) for name, layer in county.layers.items())
    return {path.name: tuple(told)}


def _write_parquet(county: _County, folder: Path) -> Descriptions:
    cells = county.publication.cells
    tables: dict[str, pd.DataFrame] = {"facilities": county.layers["facilities"]}
    if cells is not None:
        pairs = [county_pairs(cells.result, name, found, county.row) for name, found in cells.walks.pairs.items()]
        tables |= {"cells": county.layers["cells"], "pairs": pd.concat(pairs, ignore_index=True)}
    described: Descriptions = {}
    for name, table in tables.items():
        path, told = folder / f"{county.stem}_{name}.parquet", LAYERS.get(name, name)
        write_parquet(table, told, path, county.publication.study)
        described[path.name] = (Described.of(told, table.columns),)
    return described


def _write_ground(county: _County, folder: Path) -> Descriptions:
    """The pockets as GeoJSON, and the minutes of every hectare as a raster."""
    cells, path = county.publication.cells, folder / f"{county.stem}_gaps.geojson"
    if cells is None:
        return {}
    write_layer(county.gaps, path, county.publication.study.as_of)
    write_minutes(cells.result, county.row, folder / f"{county.stem}_minutes.tif")
    return {path.name: (Described.of("gaps", county.gaps.columns),)}


def _write_paper(county: _County, folder: Path) -> Descriptions:
    """The brief and the plates, which share their ground."""
    from withinreach.briefs import write_county_brief  # noqa: PLC0415 -- a second, and maps need no paper
    from withinreach.maps.plates import save_bytes  # noqa: PLC0415

    if county.publication.cells is None:
        return {}
    for name in county.evidence.result.reaches:
        save_bytes(folder / f"{county.stem}_{name}.png", county.evidence.atlas.png(name, county.code))
    write_county_brief(county.evidence, county.code, folder / f"{county.stem}_brief.docx", gaps=county.tables.gaps)
    return {}


MAP: tuple[_Part, ...] = (_write_page, _write_coverage, _write_geopackage)
EVERYTHING: tuple[_Part, ...] = (
    *MAP, _write_lists, _write_workbook, _write_targets, _write_parquet, _write_ground, _write_paper
)  # fmt: skip


def workbook_name(tables: CountyTables) -> str:
    """What people call the workbook of a county: code, name, subject and date."""
    subject = WORDS[tables.study.language]["workbook"]
    return f"{file_stem(tables.code)}_{told_name(tables.name)}_{subject}_{tables.study.as_of.isoformat()}.xlsx"


def county_tables(publication: Publication, row: int, gaps: gpd.GeoDataFrame) -> CountyTables:
    """The tables of one county, by its row."""
    tables = publication.tables
    code, name = (str(publication.areas.table[column].iloc[row]) for column in ("code", "name"))

    def of_county(table: pd.DataFrame, column: str) -> pd.DataFrame:
        return table[table[column] == code].drop(columns=[column] if column == "county" else []).reset_index(drop=True)

    return CountyTables(
        study=publication.study,
        code=code,
        name=name,
        coverage=of_county(tables.coverage, "code"),
        townships=of_county(tables.townships, "county"),
        register=of_county(tables.register, "code"),
        loads=of_county(tables.loads, "code"),
        gaps=pd.DataFrame(gaps.drop(columns="geometry")),
        judgement=tables.judgement,
        remarks=_remarks(publication),
    )


def _remarks(publication: Publication) -> tuple[str, ...]:
    """What a reader must know of figures that are withheld."""
    if publication.protection is None:
        return ()
    rule, groups = publication.protection.rule, publication.study.population.groups
    titles = [groups[name].title for name in publication.protection.groups]
    told = WORDS[publication.study.language]["protection"].format(
        groups=", ".join(titles), minimum=f"{rule.minimum:g}", rounding=rule.rounding or "—"
    )
    return (told,)


def gap_layer(publication: Publication, code: str, row: int) -> gpd.GeoDataFrame:
    """The pockets of all services with their ground, numbered within the county, most people of each first."""
    if publication.cells is None:
        return gpd.GeoDataFrame(columns=[*NO_GAPS, "geometry"], geometry="geometry", crs=publication.areas.table.crs)
    result, buildings, blocks = publication.cells.result, publication.cells.walks.buildings, []
    for service in result.reaches:
        gaps = county_gaps(result, service, row, buildings[service])
        numbers = [f"{code}-{service}-{number:03d}" for number in range(1, len(gaps.table) + 1)]
        told = {"number": pd.Series(numbers, dtype="str"), "service": service}
        shapes = pocket_shapes(result.case, gaps.of_cell, len(gaps.table))
        blocks.append(gaps.table.assign(code=code, **told, geometry=shapes))
    rows = pd.concat(blocks, ignore_index=True)
    first = ["number", "service", "code", "place"]
    return gpd.GeoDataFrame(rows[[*first, *rows.columns.drop(first)]], crs=result.case.study.metric_crs)
