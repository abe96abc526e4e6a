"""Which files or columns make up each group: as the study lists them, or the age bands that its ages take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.errors import SourceError
from withinreach.study import PopulationPart
from withinreach.study.ages import AgeBand, band_shares, column_band, worldpop_band
from withinreach.study.population import RASTER_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from withinreach.study import AgeBands, PopulationLayer

Parts = dict[str, tuple[PopulationPart, ...]]


def is_raster_layer(layer: PopulationLayer) -> bool:
    """Whether the people of a layer stand in rasters.

    Raises
    ------
    SourceError
        If some of its files are rasters and others are not.
    """
    rasters = {path: path.suffix.lower() in RASTER_SUFFIXES for path in _people_files(layer)}
    if any(rasters.values()) and not all(rasters.values()):
        other = next(path for path, raster in rasters.items() if not raster)
        raise SourceError(f"{other}: the population mixes tables and rasters; give all groups in one form")
    return any(rasters.values()) or (layer.bands is not None and not layer.bands.is_table)


def _people_files(layer: PopulationLayer) -> list[Path]:
    paths = [part.path for group in layer.groups.values() for part in group.parts]
    return list(dict.fromkeys(paths if layer.bands is None else [*paths, *layer.bands.files()]))


def single_file(layer: PopulationLayer) -> Path:
    """The one table or vector layer that holds all groups.

    Raises
    ------
    SourceError
        If there are several.
    """
    paths = _people_files(layer)
    if len(paths) > 1:
        raise SourceError(f"{paths[1]}: give the columns of all groups in one file ({paths[0].name})")
    return paths[0]


def listed_columns(layer: PopulationLayer) -> list[str]:
    """The columns that the study names as parts of groups."""
    return [part.column for group in layer.groups.values() for part in group.parts if part.column is not None]


def raster_parts(layer: PopulationLayer) -> Parts:
    """The rasters of every group.

    Raises
    ------
    SourceError
        If the folder of bands has no such files, several files for one band, or a group's ages do not come out of it.
    """
    bands = {} if layer.bands is None else _worldpop_bands(layer.bands)
    return _parts_of(layer, layer.main_path, bands)


def column_parts(layer: PopulationLayer, path: Path, columns: Iterable[str]) -> Parts:
    """The columns of every group in a file with these columns.

    Raises
    ------
    SourceError
        If a part names no column, or a group's ages do not come out of the columns that are named for ages.
    """
    for name, group in layer.groups.items():
        if any(part.column is None for part in group.parts):
            raise SourceError(f"{path}: population.groups.{name} needs column, the column of its people")
    found = ((column, column_band(column)) for column in columns)
    bands = {column: (band, PopulationPart(path=path, column=column)) for column, band in found if band is not None}
    return _parts_of(layer, path, bands)


def _parts_of(
    layer: PopulationLayer, path: Path, bands: dict[str, tuple[tuple[str, AgeBand], PopulationPart]]
) -> Parts:
    parts: Parts = {}
    problems = []
    for name, group in layer.groups.items():
        if group.parts or group.age_band is None:
            parts[name] = group.parts
            continue
        try:
            shares = band_shares(group.age_band, {key: band for key, (band, _) in bands.items()})
        except SourceError as error:
            problems += [f"{path}: population.groups.{name}: {line}" for line in error.problems]
            continue
        parts[name] = tuple(bands[key][1].model_copy(update={"share": share}) for key, share in shares.items())
    if problems:
        raise SourceError(problems)
    return parts


def _worldpop_bands(bands: AgeBands) -> dict[str, tuple[tuple[str, AgeBand], PopulationPart]]:
    """WorldPop's files of one year by sex and band."""
    years: set[int] = set()
    seen: dict[tuple[str, AgeBand, int], Path] = {}
    problems = []
    for path in bands.worldpop_files():
        named = worldpop_band(path.name)
        if named is None:
            continue
        years.add(named[2])
        if named in seen:
            problems.append(
                f"{path}: a second file for band {named[1]} ({named[0]}, {named[2]}) beside {seen[named].name}; "
                'let population.bands.path name one product, e.g. "folder/*_CN_100m_*.tif"'
            )
        seen.setdefault(named, path)
    if not seen:
        of_year = "" if bands.year is None else f" of {bands.year}"
        problems.append(
            f"{bands.path}: holds no age bands{of_year} named as WorldPop's (chn_t_60_2025_….tif); "
            "correct population.bands"
        )
    if len(years) > 1:
        told = ", ".join(str(year) for year in sorted(years))
        problems.append(f"{bands.path}: holds bands of {told}; choose one with population.bands.year")
    if problems:
        raise SourceError(problems)
    return {path.name: ((sex, band), PopulationPart(path=path)) for (sex, band, _), path in seen.items()}
