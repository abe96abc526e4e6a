"""What is wrong with a TOML file: one line per problem, each with the key that it is about and what would be right."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Annotated, get_args, get_origin

from pydantic import BaseModel

from withinreach.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import ValidationError

    Loc = tuple[int | str, ...]


def read_toml(path: Path, *, what: str, absent: str) -> dict[str, object]:
    """Read a TOML file.

    Parameters
    ----------
    what
        What the file is, e.g. ``a study``.
    absent
        What to say if there is no such file.

    Raises
    ------
    StudyError
        If it is missing, unreadable or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StudyError(f"{path}: {absent}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); {what} is a TOML file in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: not valid TOML: {error}") from None


def problem_lines(
    path: Path, error: ValidationError, model: type[BaseModel], raw: object, *, with_id: str = ""
) -> list[str]:
    """One line per problem of a file that a model does not accept.

    Entries of a list are named by their place, counted from 1; those of the list ``with_id`` by their ``id``.
    """
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_context=False):
        where = _where(problem["loc"], raw, with_id)
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown key{_suggestion(problem['loc'], model)}; remove it or correct it"
        elif problem["type"] == "missing":
            message = "is missing; add it"
        elif problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
            message = f"{message[0].lower()}{message[1:]}"
        lines += [f"{path}: {where + ': ' if where else ''}{text}" for text in message.splitlines()]
    return lines


def _where(loc: Loc, raw: object, with_id: str) -> str:
    """The dotted key of a problem, without the marks that pydantic puts between."""
    parts: list[str] = []
    tag_passed = False
    for part in loc:
        if isinstance(raw, list) and isinstance(part, int):
            raw = raw[part] if part < len(raw) else None
            named = raw.get("id") if isinstance(raw, dict) and parts[-1:] == [with_id] else None
            parts.append(str(part + 1 if named is None else named))
            tag_passed = False
        elif _is_tag(part, raw) and not tag_passed:
            tag_passed = True
        elif part != "[key]":
            raw = raw.get(str(part)) if isinstance(raw, dict) else None
            parts.append(str(part))
            tag_passed = False
    return ".".join(parts)


def _is_tag(part: int | str, raw: object) -> bool:
    """Whether a part of a location is the value that chose among several models, and no key."""
    return isinstance(raw, dict) and part not in raw and part in [v for v in raw.values() if isinstance(v, str)]


def _suggestion(loc: Loc, model: type[BaseModel]) -> str:
    """A likely key for a mistyped one, found by walking the models down to where it stands."""
    within: list[type[BaseModel]] = [model]
    for part in loc[:-1]:
        fields = [m.model_fields[str(part)] for m in within if str(part) in m.model_fields]
        if fields:
            within = list(_models_in(fields[0].rebuild_annotation()))
        elif len(within) > 1:
            within = [m for m in within if part in _tags(m)] or within
    known = sorted({name for m in within for name in m.model_fields}) if len(within) == 1 else []
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The models that an annotation such as ``tuple[Model, ...]`` or ``Model | None`` holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    arguments = get_args(annotation)
    for argument in arguments[:1] if get_origin(annotation) is Annotated else arguments:
        yield from _models_in(argument)


def _tags(model: type[BaseModel]) -> set[object]:
    """Values of the literal fields of a model, one of which tells it from others in a union."""
    return {value for field in model.model_fields.values() for value in get_args(field.annotation)}
