"""What is missing here: who lacks a service, what stops them, and which single link would help most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import Frozen
from withinreach.scenarios import Link, Scenario
from withinreach.siting.card import missing_card
from withinreach.siting.missing.links import best_links
from withinreach.siting.missing.pockets import lacking_people, pockets_of
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    import geopandas as gpd

    from withinreach.analysis import Result
    from withinreach.measures.assignment import Assignment

LONGEST_M = 100.0
LINKS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Missing(Frozen):
    """What is missing for one service.

    Attributes
    ----------
    base : Result
    service : str
    pockets : GeoDataFrame
        See `pockets_of`; and ``link``, the rank in ``links`` (from 1) of the link that would serve most of the pocket,
        0 for none, and ``link_people``.
    links : GeoDataFrame
        See `best_links`. The figures are exact: those of the case with that link.
    """

    base: Result
    service: str
    pockets: gpd.GeoDataFrame
    links: gpd.GeoDataFrame

    def scenario(self, rank: int) -> Scenario:
        """A link as a scenario, by its rank from 1."""
        link = self.links.iloc[rank - 1]
        line = ((float(link["from_x"]), float(link["from_y"])), (float(link["to_x"]), float(link["to_y"])))
        return Scenario(
            title=f"link {rank}", datum=self.base.case.study.metric_crs, link=(Link(title=f"link {rank}", line=line),)
        )

    def _repr_html_(self) -> str:
        return missing_card(self)

    def __str__(self) -> str:
        shown = self.pockets.drop(columns=["geometry", "lon", "lat"]).head(10).to_string(index=False)
        links = self.links[["gained_people", "length_m", "over_water"]].to_string()
        return f"{len(self.pockets)} pockets, largest first:\n{shown}\nlinks that would serve most people:\n{links}"

    __repr__ = __str__


def explain_gaps(
    result: Result,
    service: str,
    *,
    assignment: Assignment | None = None,
    longest_m: float = LONGEST_M,
    links: int = LINKS,
) -> Missing:
    """Tell for everybody who is not served what stops them, and which missing link would serve most.

    Parameters
    ----------
    assignment
        Who finds room, from `measures.assignment.assign_places`; with it, people in reach without a place lack the
        service, too, for want of ``capacity``.
    longest_m
        Of a link: 30 m are a gate or a crossing, 100 m a footbridge.
    links
        How many to name at most.

    Raises
    ------
    StudyError
        If the study has no service of this name.
    """
    result.table(service)
    pockets, of_cell = pockets_of(result, service, lacking_people(result, service, assignment))
    far = lacking_people(result, service, None)
    found = best_links(result, service, far, longest_m, links)
    best, people = np.zeros(len(pockets), np.int64), np.zeros(len(pockets))
    for rank, cells in enumerate(found.cells, start=1):
        served = sums(of_cell[cells], far[cells], len(pockets))
        better = served > people
        best[better], people[better] = rank, served[better]
    pockets["link"], pockets["link_people"] = best, people
    return Missing(result, service, pockets, found.table)
