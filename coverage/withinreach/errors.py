"""What can go wrong, as a tree.

::

    CoverageError(ValueError)      an input is wrong; every message names its place and the remedy
    ├── StudyError                 the study file: an unknown key, a missing value, a name that nothing defines
    ├── SourceError                a layer or a table: unreadable, a missing column, a bad value in a row
    └── CrsError                   coordinates: a datum that contradicts the file, a CRS that cannot measure metres

All problems found in one input are raised together, one line each, in `CoverageError.problems`.
Catch `CoverageError` to report any of them to a person; anything else that escapes is a defect of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CoverageError(ValueError):
    """One or more problems of an input.

    Parameters
    ----------
    problems
        One line or several, each naming file, row, column and remedy as far as they apply.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[CoverageError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class StudyError(CoverageError):
    """The study file is wrong."""


class SourceError(CoverageError):
    """A layer or a table cannot be used as it is."""


class CrsError(CoverageError):
    """Coordinates contradict what was declared about them, or cannot be measured in metres."""
