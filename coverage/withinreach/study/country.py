"""Several studies as one: a TOML file that names them, or that splits a study by the codes of its areas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, model_validator

from withinreach.errors import CoverageError, StudyError
from withinreach.study.fields import Strict
from withinreach.study.problems import problem_lines, read_toml
from withinreach.study.reading import load_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from withinreach.study.document import Study

WHAT = "a study, or a list of studies"
CODE_DIGITS = 6  # of a county's code by GB/T 2260; of larger units the last ones are 0


class Country(Strict):
    """Either ``studies``: paths of study files, or one ``study`` that is ``split`` by the first digits of its codes.

    Of a study of a province ``split = 4`` makes one of each prefecture (GB/T 2260), each of which reads of the same
    files only what lies around its areas. Paths are relative to the file that lists them.
    """

    studies: tuple[Path, ...] = Field(default=(), min_length=1)
    study: Path | None = None
    split: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Country:
        if (self.study is None) == (not self.studies):
            raise ValueError("give either studies = [...], or study and split")
        if (self.study is None) != (self.split is None):
            raise ValueError("study and split belong together; a single study needs no list")
        return self


def load_studies(path: str | Path, codes_of: Callable[[Study], Iterable[str]]) -> tuple[Study, ...]:
    """Read a study file, or every study of a file that lists them, or that splits one.

    Parameters
    ----------
    codes_of
        The codes of the areas of a study that is to be split.

    Raises
    ------
    CoverageError
        One line for every problem of the list and of all studies in it; two studies of one name are a problem.
    """
    path = Path(path)
    raw = read_toml(path, what=WHAT, absent="no such file; name a study, or a file that lists studies")
    if raw.keys().isdisjoint(Country.model_fields):
        return (load_study(path),)
    try:
        country = Country.model_validate(raw)
    except ValidationError as error:
        raise StudyError(problem_lines(path, error, Country, raw)) from None
    if country.study is not None and country.split is not None:
        study = load_study(path.parent / country.study)
        return _split(study, country.split, codes_of(study))
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


def _split(study: Study, digits: int, codes: Iterable[str]) -> tuple[Study, ...]:
    """One study for every beginning of the codes, in the order of the codes."""
    return tuple(_of_areas(study, code) for code in dict.fromkeys(code[:digits] for code in codes))


def _of_areas(study: Study, code: str) -> Study:
    """The study of the areas whose codes begin like this; figures of its whole are those of 410700 for 4107."""
    statistics = study.statistics
    if statistics is not None:
        statistics = statistics.model_copy(update={"whole": code.ljust(CODE_DIGITS, "0")})
    return study.model_copy(
        update={
            "name": f"{study.name}-{code}",
            "title": f"{study.title} {code}",
            "areas": study.areas.model_copy(update={"codes": (code,)}),
            "statistics": statistics,
        }
    )
