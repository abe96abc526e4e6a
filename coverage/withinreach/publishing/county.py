"""Everything of one county, in a folder that is complete by itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from withinreach.exports.datapackage import Described, write_datapackage
from withinreach.exports.geodata import county_layers, county_pairs, write_geopackage
from withinreach.exports.layers import write_layer
from withinreach.exports.manifest import county_manifest, write_manifest
from withinreach.exports.parquet import write_parquet
from withinreach.exports.pockets import pocket_shapes
from withinreach.exports.rasters import write_minutes
from withinreach.exports.sheets import CountyTables, write_county_workbook
from withinreach.exports.tables import township_rows, write_csv
from withinreach.exports.targets import write_targets
from withinreach.exports.words import WORDS
from withinreach.maps import write_area
from withinreach.model import file_stem, told_name
from withinreach.siting import county_gaps

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.analysis import Result
    from withinreach.publishing.publication import Publication


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
    result, study, stem = publication.result, publication.result.case.study, file_stem(code)
    (area,) = result.case.areas.rows_of([code])
    gaps = gap_layer(result, code, area)
    tables = county_tables(publication, code, gaps)
    described = _write_tables(tables, folder, stem) | _write_geodata(publication, area, gaps, folder, stem)
    if publication.judgement.registers:
        write_targets(publication.judgement, study, folder, f"{stem}_targets", code)
        described[f"{stem}_targets.csv"] = (Described.of("targets", publication.judgement.table.columns),)
    write_area(result, publication.judgement, code, folder / f"{stem}.html", home)
    write_manifest(county_manifest(publication.manifest, result, publication.judgement, code), folder)
    write_datapackage(folder, study, described)


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
    publication: Publication, area: int, gaps: gpd.GeoDataFrame, folder: Path, stem: str
) -> dict[str, tuple[Described, ...]]:
    """Write layers, pairs and the raster, and tell what is in them."""
    result, study = publication.result, publication.result.case.study
    layers = {**county_layers(result, publication.grounds, area), "gaps": gaps}
    pairs = [county_pairs(result, name, found, area) for name, found in publication.pairs.items()]
    tables = {
        "cells": layers["cells"],
        "facilities": layers["facilities"],
        "pairs": pd.concat(pairs, ignore_index=True),
    }
    write_geopackage(layers, study, folder / f"{stem}.gpkg")
    for name, table in tables.items():
        write_parquet(table, LAYERS.get(name, name), folder / f"{stem}_{name}.parquet", study)
    write_layer(gaps, folder / f"{stem}_gaps.geojson", study.as_of)
    write_minutes(result, area, np.ones(len(result.case.people), bool), folder / f"{stem}_minutes.tif")
    return {
        f"{stem}.gpkg": tuple(Described.of(LAYERS.get(name, name), layer.columns) for name, layer in layers.items()),
        f"{stem}_gaps.geojson": (Described.of("gaps", gaps.columns),),
        **{
            f"{stem}_{name}.parquet": (Described.of(LAYERS.get(name, name), table.columns),)
            for name, table in tables.items()
        },
    }


def workbook_name(tables: CountyTables) -> str:
    """What people call the workbook of a county: code, name, subject and date."""
    subject = WORDS[tables.study.language]["workbook"]
    return f"{file_stem(tables.code)}_{told_name(tables.name)}_{subject}_{tables.study.as_of.isoformat()}.xlsx"


def county_tables(publication: Publication, code: str, gaps: gpd.GeoDataFrame) -> CountyTables:
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
        gaps=pd.DataFrame(gaps.drop(columns="geometry")),
        judgement=publication.judgement,
        remarks=(),
    )


def gap_layer(result: Result, code: str, area: int) -> gpd.GeoDataFrame:
    """The pockets of all services with their ground, numbered within the county, most people of each first."""
    blocks = []
    for service in result.reaches:
        gaps = county_gaps(result, service, area)
        numbers = [f"{code}-{service}-{number:03d}" for number in range(1, len(gaps.table) + 1)]
        told = {"number": pd.Series(numbers, dtype="str"), "service": service}
        shapes = pocket_shapes(result.case, gaps.of_cell, len(gaps.table))
        blocks.append(gaps.table.assign(code=code, **told, geometry=shapes))
    rows = pd.concat(blocks, ignore_index=True)
    first = ["number", "service", "code", "place"]
    return gpd.GeoDataFrame(rows[[*first, *rows.columns.drop(first)]], crs=result.case.study.metric_crs)
