"""(Case, Service) -> Reach: how long people walk to the nearest facility, which one, and why some cannot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from withinreach.kernels.nearest import Segments, Spots, nearest_to_nodes, nearest_to_places, seeds_of
from withinreach.kernels.search import Arcs
from withinreach.kernels.within import nodes_within, places_within
from withinreach.model import Frozen, walking_costs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case, Costs, Network, Places
    from withinreach.study import Service


class Status(IntEnum):
    """Why a cell counts as it does. Every cell has exactly one status per service."""

    SERVED = 0
    TOO_FAR = 1
    NOT_CONNECTED = 2
    NOT_SNAPPED = 3
    OUTSIDE_NETWORK = 4

    @property
    def key(self) -> str:
        """Name in tables and files, e.g. ``too_far``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Reach(Frozen):
    """The way from every cell to its nearest facility of one service.

    Attributes
    ----------
    service : Service
    level_m : (k,) float64
        Metres of level street that take as long as the way, both access legs included; inf where there is no way. The
        length of the way itself where the profile minds neither slopes nor stairs nor crossings.
    seconds : (k,) float64
        The same in seconds at the service's walking speed.
    nearest : (k,) int32
        Row of the nearest facility in ``case.facilities``; the lowest row among equals; -1 where there is no way.
    status : (k,) int8
        `Status` of each cell.
    """

    service: Service
    level_m: NDArray[np.float64]
    seconds: NDArray[np.float64]
    nearest: NDArray[np.int32]
    status: NDArray[np.int8]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Which cells are served in time, shape (k,)."""
        return self.status == Status.SERVED


def measure_reach(case: Case, service: Service) -> Reach:
    """Walk from every cell to the nearest facility of a service.

    One search starts from all facilities at once and gives each node its nearest one; cells are then evaluated from
    the two ends of their street segment, and directly along it where a facility lies on the same segment. Both
    access legs and the partial segments count. People walk *to* the facility: uphill and downhill differ. Costs are
    exact in whole millimetres of level street, see `walking_costs`.

    A cell without a street within the snap cap is ``outside_network`` where it lies outside the rectangle of the
    streets by more than that cap, for there the streets may simply be missing, and ``not_snapped`` elsewhere.
    """
    rows = case.facility_rows(service.kinds)
    profile = case.study.profiles[service.profile]
    costs = walking_costs(case.network, profile)
    segments = _segments(case.network, costs)
    facilities, people = _spots(case.facilities), _spots(case.people)
    nodes = nearest_to_nodes(costs.arc_ptr, costs.arc_head, costs.arc_mm, seeds_of(segments, facilities, rows))
    mm, nearest = nearest_to_places(segments, nodes, facilities, rows, people)
    connected = nearest >= 0
    seconds = np.where(connected, mm / profile.speed_mm_s, np.inf)
    return Reach(
        service=service,
        level_m=np.where(connected, mm / 1000, np.inf),
        seconds=seconds,
        nearest=nearest,
        status=_status(case, seconds, service.cutoff_s),
    )


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
    profile = case.study.profiles[service.profile]
    costs = walking_costs(case.network, profile)
    # A millimetre more than fits, so that the decision is made below, on the seconds, as for every other figure.
    cutoff_mm = int(service.cutoff_s * profile.speed_mm_s) + 1
    segments = _segments(case.network, costs)
    facilities = _spots(case.facilities)
    seeds = seeds_of(segments, facilities, rows)
    local = seeds._replace(source=np.searchsorted(rows, seeds.source).astype(np.int32))
    arcs = Arcs(costs.arc_ptr, costs.arc_head, costs.arc_mm)
    nodes = nodes_within(arcs, local, len(rows), cutoff_mm)
    found = places_within(segments, nodes, facilities, rows, _spots(case.people), cutoff_mm)
    seconds = found.mm / profile.speed_mm_s
    covered = seconds <= service.cutoff_s
    return Pairs(
        service=service,
        facility=np.repeat(rows, np.diff(found.ptr))[covered],
        cell=found.place[covered],
        seconds=seconds[covered],
    )


def _segments(network: Network, costs: Costs) -> Segments:
    return Segments(network.tail, network.head, network.length_mm, costs.forward_mm, costs.backward_mm)


def _spots(places: Places) -> Spots:
    return Spots(places.segment, places.offset_mm, places.access_mm)


def _status(case: Case, seconds: NDArray[np.float64], cutoff_s: float) -> NDArray[np.int8]:
    low, high = case.network.vertex_xy.min(axis=0), case.network.vertex_xy.max(axis=0)
    cap_m = case.study.network.snap_cap_m
    away = ((case.people.xy < low - cap_m) | (case.people.xy > high + cap_m)).any(axis=1)
    status = np.full(len(seconds), Status.TOO_FAR, np.int8)
    status[np.isinf(seconds)] = Status.NOT_CONNECTED
    status[~case.people.snapped] = Status.NOT_SNAPPED
    status[~case.people.snapped & away] = Status.OUTSIDE_NETWORK
    status[seconds <= cutoff_s] = Status.SERVED
    return status
