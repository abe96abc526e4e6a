"""One TOML file -> Study, or one line for every problem in it."""

from __future__ import annotations

import difflib
import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError

from withinreach.errors import StudyError
from withinreach.study.document import Study


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
    population = raw.get("population")
    if isinstance(population, dict) and "bands" in population:
        population.setdefault("groups", _age_groups(raw.get("language")))
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise StudyError(_lines(path, error)) from None
    return _with_base(study, path.parent)


def known_profiles() -> dict[str, object]:
    """The profiles that come with the package, as they stand in ``profiles.toml``."""
    return tomllib.loads((files(__package__) / "profiles.toml").read_text(encoding="utf-8"))


def _age_groups(language: object) -> dict[str, object]:
    """The groups of ``age_groups.toml``, titled in the language of the study."""
    groups = tomllib.loads((files(__package__) / "age_groups.toml").read_text(encoding="utf-8"))
    title = "en" if language == "en" else "zh"
    return {name: {"title": group[title], "ages": group["ages"]} for name, group in groups.items()}


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
