"""One TOML file -> Study, or one line for every problem in it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from withinreach.errors import StudyError
from withinreach.study.document import Study
from withinreach.study.problems import problem_lines, read_toml


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
    raw = read_toml(
        path, what="a study", absent="no such study file; `withinreach sample DIR` writes one to start from"
    )
    for name, service in _tables(raw.get("services")).items():
        service.setdefault("name", name)
    profiles = raw.setdefault("profiles", {})
    if isinstance(profiles, dict):
        raw["profiles"] = known_profiles() | profiles
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Study, raw)) from None
    return _with_base(study, path.parent)


def known_profiles() -> dict[str, object]:
    """The profiles that come with the package, as they stand in ``profiles.toml``."""
    return tomllib.loads((files(__package__) / "profiles.toml").read_text(encoding="utf-8"))


def _tables(value: object) -> dict[str, dict[str, object]]:
    return {k: v for k, v in value.items() if isinstance(v, dict)} if isinstance(value, dict) else {}


def _with_base(study: Study, base: Path) -> Study:
    """Anchor every path of the study in the folder of its file."""

    def anchored(value: object) -> object:
        if isinstance(value, dict):
            return {key: base / str(v) if key == "path" and v is not None else anchored(v) for key, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [anchored(v) for v in value]
        return value

    return Study.model_validate(anchored(study.model_dump()))
