"""Where people go who mind both the walk and the crowd: an equilibrium, cell by cell.

The cost of a facility rises in proportion to the people who use it. At equilibrium nobody can do better by going
elsewhere: all facilities that a cell uses cost the same, and no other one costs less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.cast import as_array, as_indices, as_pointers
from withinreach.kernels.jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Choices(NamedTuple):
    """The facilities that each of k cells can choose from, a CSR layout with p entries.

    Attributes
    ----------
    ptr : (k + 1,) int64
        Entries of cell ``i`` are ``ptr[i]:ptr[i + 1]``.
    facility : (p,) int32
        Each facility once per cell.
    walk : (p,) float64
        Cost of the walk, 0 or more.
    """

    ptr: NDArray[np.int64]
    facility: NDArray[np.int32]
    walk: NDArray[np.float64]


class Equilibrium(NamedTuple):
    """Where people went, and how near that is to an equilibrium.

    Attributes
    ----------
    people : (p,) float64
        People of the cell who use the facility, per entry of the choices.
    load : (f,) float64
        People at each facility.
    gap : float
        Σ people × (their cost - the least cost of their cell) / Σ people × the least cost: 0 at equilibrium.
    rounds : int
        How many times every cell has chosen.
    """

    people: NDArray[np.float64]
    load: NDArray[np.float64]
    gap: float
    rounds: int


def settle(
    choices: Choices, people: NDArray[np.float64], crowding: NDArray[np.float64], tolerance: float, most_rounds: int
) -> Equilibrium:
    """Let each cell in turn spread its people so that all facilities it uses cost them the same, until nobody moves.

    One turn solves the cell's own problem exactly, the others staying where they are: the facility costs
    ``walk + crowding × everybody there``, and the cell fills its facilities from the cheapest up to one level, as
    water fills a vessel. This is block coordinate descent on the convex potential whose minimum is the equilibrium
    (Beckmann, McGuire & Winsten 1956), so it converges, whatever the order.

    Parameters
    ----------
    choices
        Of k cells among f facilities.
    people : (k,) float64
        0 or more, fractions included.
    crowding : (f,) float64
        Cost per person at the facility, above 0.
    tolerance
        Stop at this relative gap.
    most_rounds
        Stop after so many rounds whatever the gap, which is returned.

    Raises
    ------
    ValueError
        For wrong shapes, types or indices, negative or infinite people or walks, and a crowding that is not above 0.
    """
    facility = as_array("choices.facility", choices.facility, np.int32)
    ptr = as_pointers("choices.ptr", choices.ptr, len(facility))
    walk = as_array("choices.walk", choices.walk, np.float64, (len(facility),))
    people = as_array("people", people, np.float64, (len(ptr) - 1,))
    crowding = as_array("crowding", crowding, np.float64)
    as_indices("choices.facility", facility, len(crowding))
    for name, values in (("choices.walk", walk), ("people", people), ("crowding", crowding)):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise ValueError(f"{name} must be finite and 0 or more")
    if not (crowding > 0).all():
        raise ValueError("crowding must be above 0")
    return Equilibrium(*_settle(Choices(ptr, facility, walk), people, crowding, tolerance, most_rounds))


@njit
def _settle(
    choices: Choices, people: NDArray[np.float64], crowding: NDArray[np.float64], tolerance: float, most_rounds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, int]:
    n_cells = len(choices.ptr) - 1
    used = np.zeros(len(choices.facility), np.float64)
    load = np.zeros(len(crowding), np.float64)
    longest = 0
    for i in range(n_cells):
        longest = max(longest, choices.ptr[i + 1] - choices.ptr[i])
    cost, order = np.empty(longest, np.float64), np.empty(longest, np.int64)
    gap, rounds = np.inf, 0
    while rounds < most_rounds and gap > tolerance:
        for i in range(n_cells):
            if people[i] > 0 and choices.ptr[i + 1] > choices.ptr[i]:
                _choose(choices, i, people[i], crowding, used, load, cost, order)
        # Summed anew in one order: what is added and taken away again leaves its rounding behind.
        load[:] = 0.0
        for k in range(len(used)):
            load[choices.facility[k]] += used[k]
        gap = _gap(choices, people, crowding, used, load)
        rounds += 1
    return used, load, gap, rounds


@njit
def _choose(
    choices: Choices,
    cell: int,
    people: float,
    crowding: NDArray[np.float64],
    used: NDArray[np.float64],
    load: NDArray[np.float64],
    cost: NDArray[np.float64],
    order: NDArray[np.int64],
) -> None:
    """Spread the people of one cell over its facilities at one level of cost."""
    first, n = choices.ptr[cell], choices.ptr[cell + 1] - choices.ptr[cell]
    for k in range(n):
        j = choices.facility[first + k]
        load[j] -= used[first + k]
        cost[k] = choices.walk[first + k] + crowding[j] * load[j]
        # Insertion sort: a cell has a handful of facilities; equal costs keep the order of the entries.
        at = k
        while at > 0 and cost[order[at - 1]] > cost[k]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = k
    room = share = 0.0
    level = np.inf
    filled = 0
    while filled < n and cost[order[filled]] < level:
        k = order[filled]
        per_cost = 1.0 / crowding[choices.facility[first + k]]
        share += per_cost
        room += per_cost * cost[k]
        level = (people + room) / share
        filled += 1
    for at in range(n):
        k = order[at]
        j = choices.facility[first + k]
        used[first + k] = max(0.0, (level - cost[k]) / crowding[j]) if at < filled else 0.0
        load[j] += used[first + k]


@njit
def _gap(
    choices: Choices,
    people: NDArray[np.float64],
    crowding: NDArray[np.float64],
    used: NDArray[np.float64],
    load: NDArray[np.float64],
) -> float:
    excess = least_total = 0.0
    for i in range(len(choices.ptr) - 1):
        least = np.inf
        for k in range(choices.ptr[i], choices.ptr[i + 1]):
            j = choices.facility[k]
            least = min(least, choices.walk[k] + crowding[j] * load[j])
        for k in range(choices.ptr[i], choices.ptr[i + 1]):
            j = choices.facility[k]
            excess += used[k] * (choices.walk[k] + crowding[j] * load[j] - least)
        if choices.ptr[i + 1] > choices.ptr[i]:
            least_total += people[i] * least
    return excess / least_total if least_total > 0 else 0.0
