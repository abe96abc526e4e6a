"""Everything of one county, in a folder that is complete by itself."""

from __future__ import annotations

import shutil
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
from withinreach.exports.targets import write_targets
from withinreach.exports.words import WORDS
from withinreach.maps import write_area
from withinreach.model import file_stem, told_name
from withinreach.siting import county_gaps

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.publishing.publication import Publication


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

    - Tables: ``_coverage.csv``, ``_townships.csv`` (where their polygons are known), ``_facilities.csv``,
      ``_gaps.csv``, and where the study names registers ``_targets.csv`` and ``_targets.xlsx``.
    - The workbook ``.xlsx``. It is there twice, with the same bytes: under an ASCII name, for scripts, archives and
      old programs, and as ``<code>_<name>_…_<date>.xlsx``, for people. A link would not survive a copy to a stick.
    - Geodata: ``.gpkg`` (with styles for QGIS), ``_cells.parquet``, ``_facilities.parquet``, ``_pairs.parquet``,
      ``_gaps.geojson``, ``_minutes.tif``.
    - ``.html``, the map on which sites can be tried; ``manifest.json``; ``datapackage.json``, the data dictionary.

    Nothing is read but the publication, so any process can write any county.

    Parameters
    ----------
    code
        Of an area of the result.
    home
        Address of the overview, relative to the county's page; empty where there is none.
    """
    stem = file_stem(code)
    (row,) = publication.areas.rows_of([code])
    gaps = gap_layer(publication, code, row)
    tables = county_tables(publication, row, gaps)
    described = _write_tables(tables, folder, stem) | _write_geodata(publication, row, gaps, folder, stem)
    judgement = publication.tables.judgement
    if judgement.registers:
        write_targets(judgement, publication.study, folder, f"{stem}_targets", code)
        described[f"{stem}_targets.csv"] = (Described.of("targets", judgement.table.columns),)
    if publication.cells is not None:
        write_area(publication.cells.result, publication.cells.judgement, code, folder / f"{stem}.html", home)
    write_manifest(county_manifest(publication.manifest, publication.tables, code, tables.name), folder)
    write_datapackage(folder, publication.study, described)


def _write_tables(tables: CountyTables, folder: Path, stem: str) -> dict[str, tuple[Described, ...]]:
    """Write CSVs and the workbook, and tell what is in the CSVs."""
    contents = {"coverage": tables.coverage, "facilities": tables.loads, "gaps": tables.gaps}
    if len(tables.townships):
        contents["townships"] = tables.townships
    for name, table in contents.items():
        write_csv(table, folder / f"{stem}_{name}.csv")
    write_county_workbook(tables, folder / f"{stem}.xlsx")
    shutil.copyfile(folder / f"{stem}.xlsx", folder / workbook_name(tables))
    names = {"townships": "townships_csv"}
    return {
        f"{stem}_{name}.csv": (Described.of(names.get(name, name), table.columns),) for name, table in contents.items()
    }


def _write_geodata(
    publication: Publication, row: int, gaps: gpd.GeoDataFrame, folder: Path, stem: str
) -> dict[str, tuple[Described, ...]]:
    """Write layers, pairs and the raster, and tell what is in them."""
    study, cells = publication.study, publication.cells
    layers = table_layers(publication.tables, publication.areas.table.iloc[[row]], publication.points)
    tables: dict[str, pd.DataFrame] = {"facilities": layers["facilities"]}
    if cells is not None:
        layers |= {**cell_layers(cells.result, cells.grounds, row), "gaps": gaps}
        pairs = [county_pairs(cells.result, name, found, row) for name, found in cells.walks.pairs.items()]
        tables |= {"cells": layers["cells"], "pairs": pd.concat(pairs, ignore_index=True)}
        write_layer(gaps, folder / f"{stem}_gaps.geojson", study.as_of)
        write_minutes(cells.result, row, folder / f"{stem}_minutes.tif")
    write_geopackage(layers, study if cells is None else cells.result.case.study, folder / f"{stem}.gpkg")
    for name, table in tables.items():
        write_parquet(table, LAYERS.get(name, name), folder / f"{stem}_{name}.parquet", study)
    described: dict[str, tuple[Described, ...]] = {
        f"{stem}_{name}.parquet": (Described.of(LAYERS.get(name, name), table.columns),)
        for name, table in tables.items()
    }
    described[f"{stem}.gpkg"] = tuple(
        Described.of(LAYERS.get(name, name), layer.columns) for name, layer in layers.items()
    )
    if cells is not None:
        described[f"{stem}_gaps.geojson"] = (Described.of("gaps", gaps.columns),)
    return described


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
