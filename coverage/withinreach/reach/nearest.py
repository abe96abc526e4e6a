"""The nearest facility of every cell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from withinreach.kernels.nearest import NO_SOURCE, nearest_to_nodes, nearest_to_places, seeds_of
from withinreach.model import Frozen, walking_costs, whole_mm_up
from withinreach.reach.inputs import segments_of, spots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from withinreach.kernels.nearest import Nearest, Spots
    from withinreach.model import Case, Costs, Places
    from withinreach.study import Service


class Status(IntEnum):
    """Why a cell counts as it does. Every cell has exactly one status per service.

    The two estimates occur only where the study asks for them, see `measure_reach`.
    """

    SERVED = 0
    TOO_FAR = 1
    NOT_CONNECTED = 2
    NOT_SNAPPED = 3
    OUTSIDE_NETWORK = 4
    SERVED_ESTIMATE = 5
    TOO_FAR_ESTIMATE = 6

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
    unit_seconds : mapping from level to (u,) float64
        The time from the place of every listed village, community … to its nearest facility; inf where there is no
        way. Empty for the reach of one's own area only.
    """

    service: Service
    level_m: NDArray[np.float64]
    seconds: NDArray[np.float64]
    nearest: NDArray[np.int32]
    status: NDArray[np.int8]
    unit_seconds: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Which cells are served in time, shape (k,); those that are estimated to be included."""
        return self.seconds <= self.service.cutoff_s

    @property
    def estimated(self) -> NDArray[np.bool_]:
        """Which cells have no way along streets, but an estimate from the straight line, shape (k,)."""
        return self.status >= Status.SERVED_ESTIMATE

    def covered_units(self, level: str) -> NDArray[np.bool_]:
        """Which listed units of a level have a facility in time, shape (u,)."""
        return self.unit_seconds[level] <= self.service.cutoff_s


def people_by_nearest(case: Case, reach: Reach, counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """People of the service's group to whom each facility of the case is the nearest one, shape (f,).

    Parameters
    ----------
    counted : (k,) bool
        The cells that count, all of which have a nearest facility.
    """
    people = case.people_of(reach.service.people)
    return np.bincount(reach.nearest[counted], people[counted], len(case.facilities)).astype(np.float64)


def measure_reach(case: Case, service: Service) -> Reach:
    """Walk from every cell to the nearest facility of a service.

    One search starts from all facilities at once and gives each node its nearest one; cells are then evaluated from
    the two ends of their street segment, and directly along it where a facility lies on the same segment. Both
    access legs and the partial segments count. People walk *to* the facility: uphill and downhill differ. Costs are
    exact in whole millimetres of level street, see `walking_costs`.

    A cell without a street within the snap cap is ``outside_network`` where it lies outside the rectangle of the
    streets by more than that cap, for there the streets may simply be missing, and ``not_snapped`` elsewhere.

    With ``network.fallback_detour`` in the study, cells that no way leads from get an estimate: the straight line to
    the nearest facility times that factor, and the status ``served_estimate`` or ``too_far_estimate``.
    """
    walk = _walks(case, service, walking_costs(case.network, case.study.profiles[service.profile]))
    walked = replace(
        reach_of(case, service, walk(spots_of(case.people))),
        unit_seconds={
            level: _seconds(case, service, walk(spots_of(listed.places))) for level, listed in case.units.items()
        },
    )
    detour = case.study.network.fallback_detour
    return walked if detour is None else _with_estimates(case, walked, detour)


def nearest_along(case: Case, service: Service, costs: Costs) -> Nearest:
    """Cost and row of the nearest facility of every cell, for given costs of the streets."""
    return nearest_ways(case, service, costs, spots_of(case.people))


def nearest_ways(case: Case, service: Service, costs: Costs, places: Spots) -> Nearest:
    """The same of some places, whatever these are."""
    return _walks(case, service, costs)(places)


def _walks(case: Case, service: Service, costs: Costs) -> Callable[[Spots], Nearest]:
    """Search from the facilities once; what comes back evaluates places."""
    rows = case.facility_rows(service.kinds)
    segments = segments_of(case.network, costs)
    facilities = spots_of(case.facilities)
    nodes = nearest_to_nodes(costs.arc_ptr, costs.arc_head, costs.arc_mm, seeds_of(segments, facilities, rows))
    return lambda places: nearest_to_places(segments, nodes, facilities, rows, places)


def reach_of(case: Case, service: Service, found: Nearest) -> Reach:
    """Ways of all cells as a reach: seconds, and the status of each."""
    seconds = _seconds(case, service, found)
    return Reach(
        service=service,
        level_m=np.where(found.source != NO_SOURCE, found.mm / 1000, np.inf),
        seconds=seconds,
        nearest=found.source,
        status=_status(case, seconds, service.cutoff_s),
    )


def _seconds(case: Case, service: Service, found: Nearest) -> NDArray[np.float64]:
    speed_mm_s = case.study.profiles[service.profile].speed_mm_s
    return np.where(found.source != NO_SOURCE, found.mm / speed_mm_s, np.inf)


def _with_estimates(case: Case, walked: Reach, detour: float) -> Reach:
    """Estimates for the cells and units that no way leads from; of equally near facilities any."""
    rows = case.facility_rows(walked.service.kinds)
    if not len(rows):
        return walked
    tree = cKDTree(case.facilities.xy[rows])
    speed_mm_s = case.study.profiles[walked.service.profile].speed_mm_s

    def straight(places: Places, lost: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Millimetres to the nearest facility, and which one."""
        straight_m, at = tree.query(places.xy[lost])
        return whole_mm_up(straight_m * detour), rows[at]

    unit_seconds = {level: seconds.copy() for level, seconds in walked.unit_seconds.items()}
    for level, of_units in unit_seconds.items():
        lost = np.flatnonzero(np.isinf(of_units))
        of_units[lost] = straight(case.units[level].places, lost)[0] / speed_mm_s
    level_m, seconds = walked.level_m.copy(), walked.seconds.copy()
    nearest, status = walked.nearest.copy(), walked.status.copy()
    lost = np.flatnonzero(np.isinf(seconds))
    mm, nearest[lost] = straight(case.people, lost)
    level_m[lost] = mm / 1000
    seconds[lost] = mm / speed_mm_s
    in_time = seconds[lost] <= walked.service.cutoff_s
    status[lost] = np.where(in_time, Status.SERVED_ESTIMATE, Status.TOO_FAR_ESTIMATE)
    return Reach(walked.service, level_m, seconds, nearest, status, unit_seconds)


def _status(case: Case, seconds: NDArray[np.float64], cutoff_s: float) -> NDArray[np.int8]:
    status = np.full(len(seconds), Status.TOO_FAR, np.int8)
    status[np.isinf(seconds)] = Status.NOT_CONNECTED
    lost = np.flatnonzero(~case.people.snapped)
    if len(lost):
        (x, y), cap_m = case.network.vertex_xy.T, case.study.network.snap_cap_m
        low, high = np.array([x.min(), y.min()]) - cap_m, np.array([x.max(), y.max()]) + cap_m
        away = ((case.people.xy[lost] < low) | (case.people.xy[lost] > high)).any(axis=1)
        status[lost] = np.where(away, Status.OUTSIDE_NETWORK, Status.NOT_SNAPPED)
    status[seconds <= cutoff_s] = Status.SERVED
    return status
