"""What a study is judged by: registers of targets, imported statistics, and lists of units below the areas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from withinreach.study.fields import Datum, Identifier, Strict

UnitLevel = Literal["township", "village", "community", "estate"]


def _name_or_file(value: object) -> object:
    """A text that ends in .toml is a file of the user's own, any other the name of a register of the package."""
    if isinstance(value, str):
        return {"path": value} if value.endswith(".toml") else {"name": value}
    return value


class RegisterFile(Strict):
    """A register: one that comes with the package, by name, or a file, by its path."""

    name: str = ""
    path: Path | None = None


Register = Annotated[RegisterFile, BeforeValidator(_name_or_file)]


class StatisticsLayer(Strict):
    """A table (CSV, XLSX) of figures that bureaus publish, one row per unit, statistic and year.

    The columns: `code` of an area, or `whole` for all of them together; `statistic`, the id of a target or of a
    statistic that a register names; `value`, in the unit of the target (96.5 for 96.5 %); `year`; and
    `includes_changyuan`, yes or no: yearbooks tell Xinxiang with or without Changyuan, which the province administers.
    """

    path: Path
    sheet: str | None = None
    code: str = "code"
    whole: str = "total"
    statistic: str = "statistic"
    value: str = "value"
    year: str = "year"
    includes_changyuan: str | None = None


class UnitListLayer(Strict):
    """A list of townships, villages, communities or estates: a table of points, or a layer of points or polygons.

    A facility counts for the polygon that holds it. Of points, it counts for the nearest one within `near_m`,
    straight; without `near_m` no facility is given to a point, and rules that ask for facilities in every unit are not
    computable. `area` names a column with the code of the area that a unit belongs to, for the crosswalk of townships
    is not always a spatial one; without it the area that holds the unit. `attributes` maps numeric attributes
    (households, service_objects, is_new …) to columns. `layer` and `sheet` name one of several in a file.
    """

    path: Path
    datum: Datum
    layer: str | None = None
    sheet: str | None = None
    x: str = "lon"
    y: str = "lat"
    code: str = "code"
    name: str = "name"
    area: str | None = None
    near_m: float | None = Field(default=None, gt=0, le=20_000)
    attributes: dict[Identifier, str] = Field(default_factory=dict)
