"""The study: one TOML file that says what to measure, on which inputs.

A study is read with `load_study`, is frozen, and carries the unit of every number in its name. Paths in the
file are relative to the file. Unknown keys are errors, so a typo cannot silently fall back to a default.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from withinreach.errors import StudyError

DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


def _known_datum(value: str) -> str:
    prefix, _, number = value.partition(":")
    if value in DATUMS or (prefix == "EPSG" and number.isdigit()):
        return value
    raise ValueError(f"'{value}' is not one of {', '.join(DATUMS)} or EPSG:<number>")


def _whole_mm_s(value: float) -> float:
    if abs(value * 1000 - round(value * 1000)) > 1e-6:
        raise ValueError("give the speed in steps of 0.001 m/s; times are computed in whole millimetres")
    return value


Datum = Annotated[str, AfterValidator(_known_datum)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AreaLayer(_Frozen):
    """Polygons of the reporting units (GeoJSON, GeoPackage, any vector format of GDAL)."""

    path: Path
    datum: Datum
    code: str = "code"
    name: str = "name"


class NetworkCleaning(_Frozen):
    """What to do to a road layer whose streets do not share their ends.

    `planarise` cuts lines where they cross, touch or overlap. `gap_m` is the longest gap between a dead end and the
    next street that is closed (0: none). `level` names a column of whole numbers: 1, 2 … for bridges, -1 … for
    tunnels, 0 or nothing for the ground; lines of different levels are not cut where they cross.
    """

    planarise: bool = True
    gap_m: float = Field(default=0.0, ge=0, le=50)
    level: str | None = None


class NetworkLayer(_Frozen):
    """Streets that people walk on, as lines that share end points where they meet.

    `exclude` names values of a column whose lines are left out, e.g. ``{highway = ["motorway"]}``.
    `snap_cap_m` is the longest way from a place to its street that still counts as reached
    (300 to 500 m is usual; farther places are reported as not snapped). `clean` makes a graph of a planner's own
    layer; data of OpenStreetMap need none, for there streets that cross without a node are bridges and tunnels.
    """

    path: Path
    datum: Datum
    exclude: dict[str, tuple[str, ...]] = {}
    snap_cap_m: float = Field(default=300.0, gt=0, le=5000)
    clean: NetworkCleaning | None = None


class WaterLayer(_Frozen):
    """Rivers and lakes, drawn on the maps so that a reader sees why people cannot cross."""

    path: Path
    datum: Datum


class PopulationPart(_Frozen):
    """One GeoTIFF, or one column of a table of points, and the share of it that belongs to the group.

    The share splits a published age band: ages 0–2 are band 00 (0–12 months) and one half of band 01 (1–4 years),
    if ages are uniform inside the band.
    """

    path: Path
    column: str | None = None
    share: float = Field(default=1.0, gt=0, le=1)


class PopulationGroup(_Frozen):
    """A group of people: the sum of its parts."""

    title: str
    parts: tuple[PopulationPart, ...] = Field(min_length=1)


class PopulationLayer(_Frozen):
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


class FacilityLayer(_Frozen):
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
    kinds: dict[str, Identifier] = {}
    attributes: dict[Identifier, str] = {}

    @model_validator(mode="after")
    def _one_way_to_a_kind(self) -> FacilityLayer:
        if (self.kind is None) == (self.kind_column is None):
            raise ValueError("give either kind, or kind_column with kinds")
        if self.kind_column is not None and not self.kinds:
            raise ValueError("kind_column needs kinds, a table from values of the column to kinds")
        return self


class Profile(_Frozen):
    """A way of walking: its speed and where the figure comes from.

    A study may use those of ``profiles.toml`` (elder_65, elder_80, adult, infant_carer, wheelchair, gb50180, e_bike)
    by name, and defines others under ``[profiles.NAME]``.
    """

    title: str
    speed_m_s: Annotated[float, Field(gt=0, le=10), AfterValidator(_whole_mm_s)]
    source: str

    @property
    def speed_mm_s(self) -> int:
        """Speed in whole millimetres per second."""
        return round(self.speed_m_s * 1000)


class Norm(_Frozen):
    """Places that the plan asks for per 1,000 people of a group, with the clause that says so."""

    per_1000: float = Field(gt=0)
    of: Identifier
    source: str


class Service(_Frozen):
    """What is measured: which kinds of facility, for which people, within how many minutes on foot."""

    name: Identifier
    title: str
    kinds: tuple[Identifier, ...] = Field(min_length=1)
    people: Identifier
    cutoff_min: float = Field(gt=0, le=240)
    profile: Identifier
    capacity: Identifier | None = None
    capacity_title: str = ""
    norm: Norm | None = None

    @model_validator(mode="after")
    def _norm_needs_capacity(self) -> Service:
        if self.norm is not None and self.capacity is None:
            raise ValueError("a norm needs capacity, the attribute that counts the places")
        return self

    @property
    def cutoff_s(self) -> float:
        """Cutoff in seconds; people at exactly this time are served."""
        return self.cutoff_min * 60


class Study(_Frozen):
    """Everything that one run needs to know.

    `metric_crs` is the one projected CRS of the case, in metres; there is no fallback. For Xinxiang EPSG:4547
    (CGCS2000, 3-degree Gauss-Krüger, 114° E) keeps lengths within 100 ppm, where both neighbouring UTM zones err
    by up to 1,227 ppm.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    title: str
    language: Literal["zh", "en"] = "zh"
    metric_crs: Annotated[str, Field(pattern=r"^EPSG:\d+$")]
    as_of: dt.date
    notice: str = ""
    producer: str = ""
    areas: AreaLayer
    network: NetworkLayer
    population: PopulationLayer
    facilities: tuple[FacilityLayer, ...] = Field(min_length=1)
    profiles: dict[Identifier, Profile] = Field(min_length=1)
    services: dict[Identifier, Service] = Field(min_length=1)
    water: WaterLayer | None = None

    @model_validator(mode="after")
    def _names_are_defined(self) -> Study:
        attributes = {name for layer in self.facilities for name in layer.attributes}
        kinds = {layer.kind for layer in self.facilities} | {
            kind for layer in self.facilities for kind in layer.kinds.values()
        }
        problems: list[str] = []

        def need(where: str, value: str, known: set[str]) -> None:
            if value not in known:
                listed = ", ".join(sorted(known)) or "nothing"
                problems.append(f"{where} = '{value}' is not defined here; defined: {listed}")

        for name, service in self.services.items():
            at = f"services.{name}"
            need(f"{at}.people", service.people, set(self.population.groups))
            need(f"{at}.profile", service.profile, set(self.profiles))
            for kind in service.kinds:
                need(f"{at}.kinds", kind, {k for k in kinds if k is not None})
            if service.capacity is not None:
                need(f"{at}.capacity", service.capacity, attributes)
            if service.norm is not None:
                need(f"{at}.norm.of", service.norm.of, set(self.population.groups))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def input_paths(self) -> tuple[Path, ...]:
        """Every file that the study reads, once each, in the order of the study."""
        paths = [self.areas.path, self.network.path]
        paths += [part.path for group in self.population.groups.values() for part in group.parts]
        paths += [layer.path for layer in self.facilities]
        if self.water is not None:
            paths.append(self.water.path)
        return tuple(dict.fromkeys(paths))


def load_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        A TOML file. Relative paths in it are taken from its folder.

    Raises
    ------
    StudyError
        One line for every problem: the file, the key, what is wrong and what would be right.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file; `withinreach sample DIR` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); a study is a TOML file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: not valid TOML: {error}") from None
    for name, service in _tables(raw.get("services")).items():
        service.setdefault("name", name)
    if isinstance(raw.setdefault("profiles", {}), dict):
        raw["profiles"] = known_profiles() | raw["profiles"]
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise StudyError(_lines(path, error)) from None
    return _with_base(study, path.parent)


def known_profiles() -> dict[str, object]:
    """The profiles that come with the package, as they stand in ``profiles.toml``."""
    return tomllib.loads((files("withinreach") / "profiles.toml").read_text(encoding="utf-8"))


def _tables(value: object) -> dict[str, dict[str, object]]:
    return {k: v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}


def _with_base(study: Study, base: Path) -> Study:
    """Anchor every path of the study in the folder of its file."""

    def anchored(value: object) -> object:
        if isinstance(value, dict):
            return {key: base / str(v) if key == "path" else anchored(v) for key, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [anchored(v) for v in value]
        return value

    return Study.model_validate(anchored(study.model_dump()))


def _lines(path: Path, error: ValidationError) -> list[str]:
    """One line per problem of a study, each with the dotted key that it is about."""
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown key{_suggestion(problem['loc'])}; remove it or correct it"
        elif problem["type"] == "missing":
            message = "is missing; add it"
        lines += [f"{path}: {where + ': ' if where else ''}{text}" for text in message.splitlines()]
    return lines


def _suggestion(loc: tuple[int | str, ...]) -> str:
    """A likely key for a mistyped one, found by walking the models down to where it stands."""
    model: object = Study
    for part in loc[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = _model_within(model.model_fields[str(part)].annotation)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    close = difflib.get_close_matches(str(loc[-1]), list(model.model_fields), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _model_within(annotation: object) -> object:
    """The model that an annotation such as ``tuple[Model, ...]`` or ``Model | None`` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_within(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)
