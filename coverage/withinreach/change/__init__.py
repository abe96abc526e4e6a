"""Two dated cases -> what changed: facilities, people, and whose doing the change of coverage is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from withinreach.change.attribution import attribute_coverage, need_same_services
from withinreach.change.matching import match_facilities
from withinreach.change.people import people_tables
from withinreach.model import Frozen
from withinreach.progress import silent

if TYPE_CHECKING:
    import pandas as pd

    from withinreach.model import Case
    from withinreach.progress import Progress

__all__ = ["Change", "explain_change"]


@dataclass(frozen=True, slots=True, eq=False)
class Change(Frozen):
    """What changed between two dated cases.

    Attributes
    ----------
    facilities : DataFrame
        One row per service and facility; see `match_facilities`.
    people, moved : DataFrame
        Per service and area, and per service; see `people_tables`.
    coverage : DataFrame
        Per service and area, and for all; see `attribute_coverage`.
    """

    facilities: pd.DataFrame
    people: pd.DataFrame
    moved: pd.DataFrame
    coverage: pd.DataFrame


def explain_change(before: Case, after: Case, *, progress: Progress = silent) -> Change:
    """Compare two cases of the same place, such as the beginning and the end of a plan.

    Parameters
    ----------
    progress
        Called with the name of each stage as it starts.

    Raises
    ------
    StudyError
        If the cases are in different CRS, or measure different services: a change of definition is no change on the
        ground.
    """
    need_same_services(before, after)
    progress("facilities")
    facilities = match_facilities(before, after)
    progress("people")
    people, moved = people_tables(before, after)
    return Change(facilities, people, moved, attribute_coverage(before, after, progress=progress))
