"""Result -> how well and how evenly the places of a service reach its people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from withinreach.measures.assignment import assign_places, room_table
from withinreach.measures.decay import Binary
from withinreach.measures.equity import measure_equity
from withinreach.measures.floating import access_table, two_step
from withinreach.measures.load import facility_loads
from withinreach.measures.market import market_of
from withinreach.model import Frozen
from withinreach.reach import pairs_within

if TYPE_CHECKING:
    from withinreach.analysis import Result
    from withinreach.measures.assignment import Assignment
    from withinreach.measures.decay import Decay
    from withinreach.measures.equity import Equity
    from withinreach.measures.floating import Access
    from withinreach.measures.market import Market
    from withinreach.reach import Pairs, Reach


@dataclass(frozen=True, slots=True, eq=False)
class Supply(Frozen):
    """The places of a service and the people who share them.

    Attributes
    ----------
    market : Market
        Who reaches which places.
    access : Access
        Places per person of each cell, by 2SFCA.
    assignment : Assignment
        The best that the places allow if everybody were directed.
    areas : DataFrame
        One row per area: the columns of `access_table`, places per person, then those of `room_table`.
    facilities : DataFrame
        One row per facility: the columns of `facility_loads`; ratio, places per person of its catchment by 2SFCA; and
        taken, places that the assignment uses. NaN where the capacity is unknown.
    """

    market: Market
    access: Access
    assignment: Assignment
    areas: pd.DataFrame
    facilities: pd.DataFrame


def weigh_supply(result: Result, service: str, *, decay: Decay | None = None) -> Supply:
    """Hold the places of a service against the people within its cutoff: shared by all, loaded, and assigned.

    Parameters
    ----------
    decay
        How much less a place is worth the longer the walk; without one all within the cutoff share alike (2SFCA).

    Raises
    ------
    StudyError
        If the study has no service of this name, or the service names no capacity.
    """
    reach, pairs = _walks(result, service)
    market = market_of(result.case, pairs)
    access = two_step(market, decay or Binary(pairs.service.cutoff_s))
    assignment = assign_places(result.case, pairs)
    shared = access_table(result.case, market, access)
    room = room_table(result.case, reach, assignment).drop(columns=["code", "name", "people"])
    taken = pd.Series(assignment.taken, index=market.rows)
    rows = result.case.facility_rows(reach.service.kinds)
    return Supply(
        market=market,
        access=access,
        assignment=assignment,
        areas=pd.concat([shared, room], axis=1),
        facilities=catchment_loads(result, service).assign(taken=taken.reindex(rows).to_numpy()),
    )


def catchment_loads(result: Result, service: str) -> pd.DataFrame:
    """`facility_loads`, and ratio, places per person of each facility's catchment by 2SFCA.

    The ratio is NaN where the capacity is unknown, nobody is near, or the service names no capacity.

    Raises
    ------
    StudyError
        If the study has no service of this name.
    """
    reach, pairs = _walks(result, service)
    loads = facility_loads(result.case, reach, pairs)
    if pairs.service.capacity is None:
        return loads.assign(ratio=float("nan"))
    market = market_of(result.case, pairs)
    ratio = pd.Series(two_step(market, Binary(pairs.service.cutoff_s)).ratio, index=market.rows)
    return loads.assign(ratio=ratio.reindex(result.case.facility_rows(pairs.service.kinds)).to_numpy())


def weigh_equity(result: Result, service: str) -> Equity:
    """Measure how evenly a service is within reach; see `measure_equity` for the figures.

    Raises
    ------
    StudyError
        If the study has no service of this name.
    """
    return measure_equity(result.case, *_walks(result, service))


def _walks(result: Result, service: str) -> tuple[Reach, Pairs]:
    reach = result.reaches[result.case.study.service(service).name]
    return reach, pairs_within(result.case, reach.service)
