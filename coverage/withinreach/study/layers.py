"""The layers of a study: files, the datum of each, and which of their columns mean what."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from withinreach.study.fields import Code, Datum, Identifier, Strict


class AreaLayer(Strict):
    """Polygons of the reporting units (GeoJSON, GeoPackage, any vector format of GDAL).

    `layer` names one of several layers of a file, here and elsewhere. `codes` takes only the areas whose codes are, or
    begin with, one of these (``["4107"]``: the prefecture 410700 by GB/T 2260); of every other layer only what lies
    within `around_m` of them is read then, by default three times as far as people may walk on a page.
    """

    path: Path
    datum: Datum
    layer: str | None = None
    code: str = "code"
    name: str = "name"
    codes: tuple[Code, ...] = ()
    around_m: float | None = Field(default=None, gt=0)

    def takes(self, code: str) -> bool:
        """Whether the study is about the area, or the unit inside an area, with this code."""
        return not self.codes or code.startswith(self.codes)


class NetworkCleaning(Strict):
    """What to do to a road layer whose streets do not share their ends.

    `planarise` cuts lines where they cross, touch or overlap. `gap_m` is the longest gap between a dead end and the
    next street that is closed (0: none). `level` names a column of whole numbers: 1, 2 … for bridges, -1 … for
    tunnels, 0 or nothing for the ground; lines of different levels are not cut where they cross.
    """

    planarise: bool = True
    gap_m: float = Field(default=0.0, ge=0, le=50)
    level: str | None = None


class TerrainLayer(Strict):
    """Heights of the ground, a GeoTIFF in metres that states its CRS (SRTM, Copernicus GLO-30, a survey's own)."""

    path: Path


class NetworkLayer(Strict):
    """Streets that people walk on, as lines that share end points where they meet.

    `exclude` names values of a column whose lines are left out, e.g. ``{highway = ["motorway"]}``; a line with several
    values, parted by semicolons, is left out if all of them are named.
    `snap_cap_m` is the longest way from a place to its street that still counts as reached
    (300 to 500 m is usual; farther places are reported as not snapped). `clean` makes a graph of a planner's own
    layer; data of OpenStreetMap and graphs need none, for there streets that cross without a node are bridges.
    `terrain` makes walking uphill slower, for profiles that mind slopes. `fallback_detour` gives people without a way
    along streets an estimate instead of none: the straight line times this factor (1.2 to 1.5 is what network detours
    in Chinese superblocks amount to, not verified); it is marked as an estimate wherever it is used.
    `thin_km_per_km2` is the length of streets per settled km² below which a cell is flagged: there, lanes are more
    likely missing on the map than on the ground. The default is what 36 large Chinese cities had at the end of 2018 in
    roads for vehicles alone (5.96 km per built-up km², 中国主要城市道路网密度监测报告 2019); that it parts badly mapped
    places from others is not verified.
    """

    path: Path
    datum: Datum
    layer: str | None = None
    exclude: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    snap_cap_m: float = Field(default=300.0, gt=0, le=5000)
    clean: NetworkCleaning | None = None
    terrain: TerrainLayer | None = None
    fallback_detour: float | None = Field(default=None, ge=1, le=3)
    thin_km_per_km2: float = Field(default=6.0, ge=0, le=100)


class WaterLayer(Strict):
    """Rivers and lakes, drawn on the maps so that a reader sees why people cannot cross."""

    path: Path
    datum: Datum
    layer: str | None = None


class CompoundLayer(Strict):
    """Polygons of walled residential compounds (小区), to be checked for streets that enter them.

    `name` names the column with their names; without one they are called by their number in the file. `layer` names
    one of several layers of a file.
    """

    path: Path
    datum: Datum
    layer: str | None = None
    name: str | None = None


class FacilityLayer(Strict):
    """A table of facilities (CSV, XLSX) or a layer of points (GeoJSON, GeoPackage, shapefile).

    Columns that the study does not name are looked for by the labels of ``sources/headers.toml``: `x`, `y`, `id`,
    `name`, `kind_column` and every attribute. `attributes` names columns of attributes (beds, seats, star …); false
    says that the file has none. Either every row is of one `kind`, or a column says it; its values are names of kinds,
    unless `kinds` translates them: then rows with a value that it does not list are left out and listed in the audit.

    `sheet` names one of several sheets of a workbook. `as_of` is the date of the layer, of the study if left out:
    facilities that open later or have closed by then are not open.
    """

    path: Path
    datum: Datum
    layer: str | None = None
    sheet: str | None = None
    as_of: dt.date | None = None
    x: str | None = None
    y: str | None = None
    id: str | None = None
    name: str | None = None
    kind: Identifier | None = None
    kind_column: str | None = None
    kinds: dict[str, Identifier] = Field(default_factory=dict)
    attributes: dict[Identifier, str | Literal[False]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way_to_a_kind(self) -> FacilityLayer:
        if self.kind is not None and (self.kind_column is not None or self.kinds):
            raise ValueError("give either kind, or kind_column and kinds")
        return self
