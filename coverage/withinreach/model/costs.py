"""What walking costs a profile on each street, told as the length of level street that takes as long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model.frozen import Frozen
from withinreach.model.network import both_ways, shortest_arcs, whole_mm_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model.network import Network
    from withinreach.study import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Costs(Frozen):
    """Costs of a network for one profile, in *level millimetres*: millimetres of level street that take as long.

    Seconds are level millimetres over the profile's speed. No cost is below the length, so no way takes less time than
    the straight line.

    Attributes
    ----------
    forward_mm, backward_mm : (s,) int64
        Each segment from tail to head, and from head to tail. Segments that the profile does not use have no arcs, and
        no place lies on them.
    arc_ptr, arc_head, arc_mm
        Arcs against the direction of walking, as searches from facilities need them; see `shortest_arcs`.
    """

    forward_mm: NDArray[np.int64]
    backward_mm: NDArray[np.int64]
    arc_ptr: NDArray[np.int64]
    arc_head: NDArray[np.int32]
    arc_mm: NDArray[np.int64]


def walking_costs(network: Network, profile: Profile) -> Costs:
    """What each street costs a profile, in both directions.

    The length, times the factor of the slope where the profile minds slopes; on stairs the length times the profile's
    level speed over its speed on stairs, whatever their slope; and on a crossing the wait on top. Rounded up to the
    millimetre.
    """
    slopes = profile.slope == "tobler" and bool((network.uphill > 1).any())
    stairs = profile.steps_m_s is not None and bool(network.steps.any())
    waits = profile.crossing_wait_s > 0 and bool(network.crossing.any())
    if not (slopes or stairs or waits):
        level = network.length_mm
        return Costs(level, level, network.arc_ptr, network.arc_head, network.arc_mm)
    used = ~network.steps if profile.steps_m_s == 0 else np.ones(network.n_segments, bool)
    times = network.uphill.copy() if slopes else np.ones_like(network.uphill)
    if profile.steps_m_s:
        times[:, network.steps] = profile.speed_m_s / profile.steps_m_s
    wait_mm = np.where(network.crossing, whole_mm_up(np.array(profile.crossing_wait_s * profile.speed_m_s)), 0)
    forward_mm, backward_mm = whole_mm_up(network.length_mm * times / 1000) + wait_mm
    walked = both_ways(network.tail[used], network.head[used], forward_mm[used], backward_mm[used])
    return Costs(forward_mm, backward_mm, *shortest_arcs(network.n_nodes, walked))
