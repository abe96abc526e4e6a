"""The population layer of a study: where people are read from, how they are spread, and what they are calibrated to."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from withinreach.study.ages import AgeBand, worldpop_band
from withinreach.study.fields import Code, Datum, DatumOrFile, Identifier, Strict

RASTER_SUFFIXES = (".tif", ".tiff", ".asc", ".img")
WILDCARDS = "*?["


class PopulationPart(Strict):
    """One GeoTIFF, or one column of a table or vector layer, and the share of it that belongs to the group.

    The share splits a published age band: ages 0–2 are band 00 (0–12 months) and one half of band 01 (1–4 years),
    if ages are uniform inside the band. `band` is the number of the band in a raster that has several.
    """

    path: Path
    column: str | None = None
    band: int | None = Field(default=None, ge=1)
    share: float = Field(default=1.0, gt=0, le=1)


class PopulationGroup(Strict):
    """A group of people: the sum of its parts, or everybody of certain `ages` in the bands of the layer.

    ``ages = [0, 3]`` are the ages from 0 up to and without 3, ``ages = [60]`` 60 and older. Beside `parts` the ages
    only say how groups nest, which calibration keeps.
    """

    title: str
    parts: tuple[PopulationPart, ...] = ()
    ages: tuple[int, ...] | None = Field(default=None, min_length=1, max_length=2)

    @model_validator(mode="after")
    def _says_who(self) -> PopulationGroup:
        if not self.parts and self.ages is None:
            raise ValueError("give parts, or ages with population.bands")
        if self.ages is not None and not 0 <= self.ages[0] < (*self.ages, 200)[1]:
            raise ValueError("give ages as [from, to) in completed years, e.g. [0, 3], or [60] for 60 and older")
        return self

    @property
    def age_band(self) -> AgeBand | None:
        """The ages as a band; None where the group does not say."""
        return None if self.ages is None else AgeBand(*self.ages)


class AgeBands(Strict):
    """Where the age bands are: a folder of WorldPop's GeoTIFFs, a pattern with ``*``, or a table, one column per band.

    Of a folder only files of the `year` are read; files for both sexes (``t``) where there are any, else women's and
    men's together. Columns are known by their names: ``男_0岁``, ``0-4岁``, ``65岁及以上``, ``age_0_4``, ``ika_yli80``.
    """

    path: Path
    year: int | None = None

    def worldpop_files(self) -> tuple[Path, ...]:
        """Files of the folder or pattern that are named as WorldPop names age bands, of the year, in order."""
        folder, pattern = (self.path.parent, self.path.name) if self.is_pattern else (self.path, "*")
        found = []
        for path in sorted(folder.glob(pattern)):
            band = worldpop_band(path.name)
            if band is not None and self.year in (None, band[2]):
                found.append(path)
        return tuple(found)

    @property
    def is_pattern(self) -> bool:
        """Whether the last part of the path has wildcards."""
        return any(sign in self.path.name for sign in WILDCARDS)

    @property
    def is_table(self) -> bool:
        """Whether the bands are columns of one file."""
        return not self.is_pattern and self.path.suffix != "" and not self.path.is_dir()

    def files(self) -> tuple[Path, ...]:
        """Every file that may be read."""
        return (self.path,) if self.is_table else self.worldpop_files()


class Homes(Strict):
    """Places over which totals are spread: points of a table or layer, or polygons of buildings or of land use.

    `weight` is ``equal``, ``area`` (of the polygon) or the name of a column; `floors` names a column that multiplies
    it, so that ``weight = "area"`` with floors gives the floor area.
    """

    path: Path
    datum: Datum
    x: str = "lon"
    y: str = "lat"
    weight: str = "equal"
    floors: str | None = None
    sheet: str | None = None
    layer: str | None = None


class UnitLayer(Strict):
    """Polygons of the units that a table of totals is about, e.g. townships."""

    path: Path
    datum: Datum
    layer: str | None = None
    code: str = "code"


class Spread(Strict):
    """Totals of communities or townships, which are spread over `homes`.

    The parts of the groups are then columns of a table with one row per unit, whose `code` column names a polygon of
    `units` (default: the areas of the study); of the rows only those whose code begins with `prefix`, and none that is
    the sum of others.
    """

    homes: Homes
    code: str = "code"
    prefix: str = ""
    units: UnitLayer | None = None


class Townships(Strict):
    """A second margin for calibration: totals of smaller units for one `group`, raked to the totals of the areas."""

    path: Path
    sheet: str | None = None
    code: str = "code"
    column: str
    group: Identifier
    units: UnitLayer


class Calibration(Strict):
    """Census totals per area that the people of every group are scaled to.

    `path` is a table with one row per unit: its `code` column is joined with the codes of the areas, its `name`
    column, where given, compared with their names. Of the rows only those are used whose code begins with `prefix`
    and is not that of a larger unit (410700 is the sum of 410702, 410703 …). `groups` lists the columns whose sum is a
    group; groups with ages need none where the table has a column per age band.

    Units of the census without a polygon stay in the ledger as such; `into` sends their people to areas instead:
    ``{ 410773 = "410725" }`` or, by shares that add up to 1, ``{ 410771 = { 410702 = 0.7, 410721 = 0.3 } }``.
    `plausible` are the factors beyond which an area is reported.
    """

    path: Path
    as_of: dt.date
    sheet: str | None = None
    code: str = "code"
    name: str | None = None
    prefix: str = ""
    groups: dict[Identifier, tuple[str, ...]] = Field(default_factory=dict)
    into: dict[Code, Code | dict[Code, Annotated[float, Field(gt=0, le=1)]]] = Field(default_factory=dict)
    townships: Townships | None = None
    plausible: tuple[float, float] = (0.7, 1.4)

    @model_validator(mode="after")
    def _shares_add_up(self) -> Calibration:
        for code, target in self.into.items():
            if isinstance(target, dict) and abs(sum(target.values()) - 1) > 1e-9:
                raise ValueError(f"into.{code}: the shares add up to {sum(target.values()):g}; they must give 1")
        return self


class PopulationLayer(Strict):
    """Where people live: grid cells, points or polygons, per group.

    All parts of all groups lie in one file, or in rasters of one CRS. Rasters whose cells do not coincide are refused
    unless ``resample = "sums"``: then each is brought onto the grid of the first by area-weighted sums, which keep
    their totals. `unit` says whether rasters hold people or ``people_per_km2``. ``datum = "file"`` takes the CRS that
    the file states, for rasters in systems without an EPSG number.

    `x` and `y` name the coordinate columns of tables; `cell_m` is the side of the square that a point of a table stands
    for, used to draw it and to fill polygons with points. `total` names the column of all people of a row;
    `suppressed` lists values that stand for an unknown figure, e.g. 99 and 9999 in the grids of HSY, Helsinki. They
    are taken for it only in rows whose age columns add up to more than the total.
    """

    datum: DatumOrFile | None = None
    as_of: dt.date
    sheet: str | None = None
    layer: str | None = None
    x: str = "lon"
    y: str = "lat"
    cell_m: float = Field(default=100.0, gt=0)
    unit: Literal["people", "people_per_km2"] = "people"
    resample: Literal["sums"] | None = None
    total: str | None = None
    suppressed: tuple[float, ...] = ()
    bands: AgeBands | None = None
    groups: dict[Identifier, PopulationGroup] = Field(min_length=1)
    spread: Spread | None = None
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> PopulationLayer:
        problems = []
        if self.datum is None and self.spread is None:
            problems.append("datum is missing; add it")
        if self.suppressed and self.total is None:
            problems.append("suppressed needs total, the column of all people of a row")
        for name, group in self.groups.items():
            if not group.parts and self.bands is None:
                problems.append(f"groups.{name} has ages but no parts; add population.bands, or parts")
        if self.calibration is not None:
            named = set(self.calibration.groups)
            if self.calibration.townships is not None:
                named.add(self.calibration.townships.group)
            problems += [
                f"calibration: '{name}' is no group of the population; there are: {', '.join(self.groups)}"
                for name in sorted(named - set(self.groups))
            ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def paths(self) -> tuple[Path, ...]:
        """Every file that the layer reads, once each; what people are read from stands first."""
        paths = [part.path for group in self.groups.values() for part in group.parts]
        if self.bands is not None:
            paths += self.bands.files()
        if self.spread is not None:
            paths.append(self.spread.homes.path)
            paths += [self.spread.units.path] if self.spread.units is not None else []
        if self.calibration is not None:
            paths.append(self.calibration.path)
            if self.calibration.townships is not None:
                paths += [self.calibration.townships.path, self.calibration.townships.units.path]
        return tuple(dict.fromkeys(paths))

    @property
    def main_path(self) -> Path:
        """The file, folder or pattern that findings about the whole layer name."""
        parts = [part.path for group in self.groups.values() for part in group.parts]
        return parts[0] if parts or self.bands is None else self.bands.path
