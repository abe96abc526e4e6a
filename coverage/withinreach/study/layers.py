"""The layers of a study: files, the datum of each, and which of their columns mean what."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from pydantic import Field, model_validator

from withinreach.study.fields import Datum, Identifier, Strict


class AreaLayer(Strict):
    """Polygons of the reporting units (GeoJSON, GeoPackage, any vector format of GDAL)."""

    path: Path
    datum: Datum
    code: str = "code"
    name: str = "name"


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

    `exclude` names values of a column whose lines are left out, e.g. ``{highway = ["motorway"]}``.
    `snap_cap_m` is the longest way from a place to its street that still counts as reached
    (300 to 500 m is usual; farther places are reported as not snapped). `clean` makes a graph of a planner's own
    layer; data of OpenStreetMap need none, for there streets that cross without a node are bridges and tunnels.
    `terrain` makes walking uphill slower, for profiles that mind slopes. `fallback_detour` gives people without a way
    along streets an estimate instead of none: the straight line times this factor (1.2 to 1.5 is what network detours
    in Chinese superblocks amount to, not verified); it is marked as an estimate wherever it is used.
    """

    path: Path
    datum: Datum
    exclude: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    snap_cap_m: float = Field(default=300.0, gt=0, le=5000)
    clean: NetworkCleaning | None = None
    terrain: TerrainLayer | None = None
    fallback_detour: float | None = Field(default=None, ge=1, le=3)


class WaterLayer(Strict):
    """Rivers and lakes, drawn on the maps so that a reader sees why people cannot cross."""

    path: Path
    datum: Datum


class PopulationPart(Strict):
    """One GeoTIFF, or one column of a table of points, and the share of it that belongs to the group.

    The share splits a published age band: ages 0–2 are band 00 (0–12 months) and one half of band 01 (1–4 years),
    if ages are uniform inside the band.
    """

    path: Path
    column: str | None = None
    share: float = Field(default=1.0, gt=0, le=1)


class PopulationGroup(Strict):
    """A group of people: the sum of its parts."""

    title: str
    parts: tuple[PopulationPart, ...] = Field(min_length=1)


class PopulationLayer(Strict):
    """Where people live: grid cells or points, per group.

    All parts of all groups lie on the same grid or list the same points. `x` and `y` name the coordinate columns of
    tables; `cell_m` is the side of the square that a point of a table stands for, used to draw it.
    """

    datum: Datum
    as_of: dt.date
    x: str = "lon"
    y: str = "lat"
    cell_m: float = Field(default=100.0, gt=0)
    groups: dict[Identifier, PopulationGroup] = Field(min_length=1)


class FacilityLayer(Strict):
    """A table of facilities (CSV, XLSX) or a layer of points (GeoJSON, GeoPackage).

    Either every row is of one `kind`, or `kind_column` holds values that `kinds` translates; rows with a value that
    `kinds` does not list are left out and listed in the audit. `attributes` maps our numeric attributes (beds, seats,
    star …) to columns of the file.
    """

    path: Path
    datum: Datum
    x: str = "lon"
    y: str = "lat"
    id: str = "id"
    name: str = "name"
    kind: Identifier | None = None
    kind_column: str | None = None
    kinds: dict[str, Identifier] = Field(default_factory=dict)
    attributes: dict[Identifier, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_way_to_a_kind(self) -> FacilityLayer:
        if (self.kind is None) == (self.kind_column is None):
            raise ValueError("give either kind, or kind_column with kinds")
        if self.kind_column is not None and not self.kinds:
            raise ValueError("kind_column needs kinds, a table from values of the column to kinds")
        return self
