"""Every cell within the cutoff of every facility: what catchments, loads and siting are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.kernels.nearest import seeds_of
from withinreach.kernels.search import Arcs
from withinreach.kernels.within import nodes_within, places_within
from withinreach.model import Frozen, walking_costs
from withinreach.reach.inputs import segments_of, spots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.kernels.nearest import Spots
    from withinreach.kernels.within import PlacesWithin
    from withinreach.model import Case
    from withinreach.study import Profile, Service


@dataclass(frozen=True, slots=True, eq=False)
class Pairs(Frozen):
    """Every cell within the cutoff of every facility of a service, each pair once, by facility and then by cell.

    Attributes
    ----------
    service : Service
    facility : (p,) int32
        Row in ``case.facilities``.
    cell : (p,) int32
        Row in ``case.people``.
    seconds : (p,) float64
        Walking time, at most the cutoff.
    """

    service: Service
    facility: NDArray[np.int32]
    cell: NDArray[np.int32]
    seconds: NDArray[np.float64]


def pairs_within(case: Case, service: Service) -> Pairs:
    """Walk from every facility of a service to all cells within its cutoff: one search per facility, cut there."""
    rows = case.facility_rows(service.kinds)
    return pairs_to(case, service, spots_of(case.facilities), rows, service.cutoff_s)


def pairs_to(case: Case, service: Service, spots: Spots, rows: NDArray[np.int32], cutoff_s: float) -> Pairs:
    """Walk from some places, whatever stands there, to all cells within a cutoff, at the speed of a service.

    Parameters
    ----------
    spots
        Where places meet the network: the facilities of the case, or what might become one.
    rows : (r,) int32
        The places that count, ascending.
    cutoff_s
        In place of the service's.

    Returns
    -------
    Pairs
        ``facility`` is the row in ``spots``.
    """
    profile = case.study.profiles[service.profile]
    # A millimetre more than fits, so that the decision is made below, on the seconds, as for every other figure.
    cutoff_mm = int(cutoff_s * profile.speed_mm_s) + 1
    found = ways_within(case, profile, spots, rows, spots_of(case.people), cutoff_mm)
    seconds = found.mm / profile.speed_mm_s
    covered = seconds <= cutoff_s
    return Pairs(
        service=service,
        facility=np.repeat(rows, np.diff(found.ptr))[covered],
        cell=found.place[covered],
        seconds=seconds[covered],
    )


def ways_within(
    case: Case, profile: Profile, facilities: Spots, rows: NDArray[np.int32], places: Spots, cutoff_mm: int
) -> PlacesWithin:
    """Walk to each of some facilities from all of some places, whatever these are, within a cutoff.

    Parameters
    ----------
    facilities
        Where they meet the network.
    rows : (f,) int32
        Those that count, ascending.
    places
        Where k places meet the network.
    cutoff_mm
        In millimetres of level street; a way of exactly this length is within.

    Returns
    -------
    PlacesWithin over the f facilities
    """
    costs = walking_costs(case.network, profile)
    segments = segments_of(case.network, costs)
    seeds = seeds_of(segments, facilities, rows)
    local = seeds._replace(source=np.searchsorted(rows, seeds.source).astype(np.int32))
    arcs = Arcs(costs.arc_ptr, costs.arc_head, costs.arc_mm)
    nodes = nodes_within(arcs, local, len(rows), cutoff_mm)
    return places_within(segments, nodes, facilities, rows, places, cutoff_mm)
