"""What a page needs to walk by itself: the network and the places on it, in whole millimetres.

The page searches with the same integers as the kernels and snaps with the same floating-point expressions, so that it
finds the same people for the same sites.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.model import walking_costs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.maps.packing import Packable
    from withinreach.maps.shapes import Degrees
    from withinreach.model import Case, Costs, Places
    from withinreach.study import Profile

# Of both coordinates together. A transverse Mercator projection over 200 km is followed to less than a millimetre.
DEGREE = 5
TERMS = tuple((i, j) for i, j in product(range(DEGREE + 1), repeat=2) if i + j <= DEGREE)
GRID = 16
FOLLOWED_M = 0.01


class Pace(NamedTuple):
    """A profile as the page walks it: ``costs`` is the number of the island of its costs, None where all is level."""

    profile: str
    title: str
    speed_mm_s: int
    stairs: bool
    costs: int | None


def walk_arrays(case: Case) -> Mapping[str, Packable]:
    """Segments, their vertices (millimetres from `walk_origin`), and where cells and facilities meet them."""
    network = case.network
    x, y = (np.rint(network.vertex_xy * 1000).astype(np.int64) - walk_origin(case)).T.astype(np.int32)
    return {
        "tail": network.tail,
        "head": network.head,
        "length": network.length_mm.astype(np.int32),
        "steps": network.steps.astype(np.uint8),
        "vertices": np.diff(network.vertex_ptr).astype(np.int32),
        "x": x,
        "y": y,
        **_spots("cell", case.people),
        **_spots("facility", case.facilities),
    }


def walk_origin(case: Case) -> NDArray[np.int64]:
    """South-west corner of the streets, (2,) whole millimetres in the metric CRS."""
    return np.floor(case.network.vertex_xy.min(axis=0) * 1000).astype(np.int64)


def paces(case: Case) -> tuple[list[Pace], list[Costs]]:
    """Every profile of the study, and the different costs that they have, apart from those of level walking."""
    found: list[Pace] = []
    different: list[Costs] = []
    for name, profile in case.study.profiles.items():
        costs = walking_costs(case.network, profile)
        number = None
        if costs.forward_mm is not case.network.length_mm:
            number = next((i for i, other in enumerate(different) if _same(costs, other)), len(different))
            if number == len(different):
                different.append(costs)
        found.append(Pace(name, profile.title, profile.speed_mm_s, _uses_stairs(profile), number))
    return found, different


def cost_arrays(costs: Costs) -> Mapping[str, Packable]:
    """What each segment costs, ``forward`` and ``backward`` in level millimetres."""
    return {"forward": costs.forward_mm.astype(np.int32), "backward": costs.backward_mm.astype(np.int32)}


def walk_content(case: Case, degrees: Degrees, farthest_m: float) -> dict[str, object]:
    """Origin, snap cap, paces, and the way between degrees and metres as polynomials.

    Parameters
    ----------
    farthest_m
        The longest way that never leaves the streets of the case; the page tries none that is longer.
    """
    origin = walk_origin(case)
    return {
        "originMm": origin.tolist(),
        "crs": case.study.metric_crs,
        "capM": case.study.network.snap_cap_m,
        "farthestM": farthest_m,
        "paces": [pace._asdict() for pace in paces(case)[0]],
        **_polynomials(case, degrees),
    }


def _spots(name: str, places: Places) -> dict[str, Packable]:
    return {
        f"{name}_segment": places.segment,
        f"{name}_offset": places.offset_mm.astype(np.int32),
        f"{name}_access": places.access_mm.astype(np.int32),
    }


def _same(one: Costs, other: Costs) -> bool:
    return np.array_equal(one.forward_mm, other.forward_mm) and np.array_equal(one.backward_mm, other.backward_mm)


def _uses_stairs(profile: Profile) -> bool:
    return profile.steps_m_s is None or profile.steps_m_s > 0


def _polynomials(case: Case, degrees: Degrees) -> dict[str, object]:
    """``toMetres`` and ``toDegrees``: centre and scale of the input, and coefficients of `TERMS` for both outputs."""
    low, high = case.network.vertex_xy.min(axis=0), case.network.vertex_xy.max(axis=0)
    steps = np.linspace(-0.05, 1.05, GRID)
    share = np.array(list(product(steps, steps)))
    metres = low + share * (high - low + 1000.0) - 500.0
    lonlat = degrees.of(metres)
    to_metres, to_degrees = _fitted(lonlat, metres), _fitted(metres, lonlat)
    if np.abs(_values(to_metres, lonlat) - metres).max() > FOLLOWED_M:
        raise AssertionError(f"{case.study.metric_crs} is not followed to {FOLLOWED_M} m by a polynomial")
    return {"terms": [list(term) for term in TERMS], "toMetres": to_metres, "toDegrees": to_degrees}


def _fitted(source: NDArray[np.float64], target: NDArray[np.float64]) -> dict[str, list[list[float]] | list[float]]:
    low, high = source.min(axis=0), source.max(axis=0)
    centre, scale = (low + high) / 2, (high - low) / 2
    matrix = _matrix((source - centre) / scale)
    coefficients, *_ = np.linalg.lstsq(matrix, target, rcond=None)
    return {"centre": centre.tolist(), "scale": scale.tolist(), "coefficients": coefficients.T.tolist()}


def _values(fitted: Mapping[str, object], points: NDArray[np.float64]) -> NDArray[np.float64]:
    unit = (points - np.array(fitted["centre"])) / np.array(fitted["scale"])
    return _matrix(unit) @ np.array(fitted["coefficients"]).T


def _matrix(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([unit[:, 0] ** i * unit[:, 1] ** j for i, j in TERMS])
