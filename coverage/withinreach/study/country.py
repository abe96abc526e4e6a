"""Several studies as one: a TOML file that names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from withinreach.errors import CoverageError, StudyError
from withinreach.study.fields import Strict
from withinreach.study.problems import problem_lines, read_toml
from withinreach.study.reading import load_study

if TYPE_CHECKING:
    from withinreach.study.document import Study

WHAT = "a study, or a list of studies"


class Country(Strict):
    """``studies``: paths of study files, relative to the file that lists them."""

    studies: tuple[Path, ...] = Field(min_length=1)


def load_studies(path: str | Path) -> tuple[Study, ...]:
    """Read a study file, or every study of a file that lists them under ``studies``.

    Raises
    ------
    StudyError
        One line for every problem of the list and of all studies in it; two studies of one name are a problem.
    """
    path = Path(path)
    raw = read_toml(path, what=WHAT, absent="no such file; name a study, or a file that lists studies")
    if "studies" not in raw:
        return (load_study(path),)
    try:
        country = Country.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Country, raw)) from None
    studies: list[Study] = []
    problems: list[str] = []
    for listed in country.studies:
        try:
            studies.append(load_study(path.parent / listed))
        except CoverageError as error:
            problems += error.problems
    names = [study.name for study in studies]
    problems += [
        f"{path}: two studies have the name '{name}'; rename one, their folders would be the same"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if problems:
        raise StudyError(problems)
    return tuple(studies)
