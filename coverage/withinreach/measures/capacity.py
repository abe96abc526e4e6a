"""Facilities, their places, and the gap to the norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.model import OUTSIDE_AREAS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.model import Case
    from withinreach.reach import Reach


# What a division leaves behind the comma is not to ask for one more.
NOISE = 1e-6


def needed(gap: float) -> float:
    """What closes a gap, as people are told it: whole places, so rounded up; NaN where the gap is unknown."""
    return float(np.maximum(np.ceil(gap - NOISE), 0))


def capacity_figures(case: Case, reach: Reach, units: Units) -> pd.DataFrame:
    """Facilities, capacity, capacity per 1,000 people, the norm and the gap in places, one row per unit.

    Unknown capacities are not imputed: the sum is over those that are known, and ``capacity_known`` says which
    share that is.
    """
    service = reach.service
    rows = case.facility_rows(service.kinds)
    rows = rows[units.of_facility[rows] != OUTSIDE_AREAS]
    unit = units.of_facility[rows]
    facilities = np.bincount(unit, minlength=units.count)
    capacity = known_share = np.full(units.count, np.nan)
    if service.capacity is not None:
        capacity, known_share = _capacity(case.capacities(service.capacity)[rows], unit, facilities)
    norm = service.norm
    people = units.people(case.people_of(service.people if norm is None else norm.of))
    per_1000 = np.full(units.count, np.nan if norm is None else norm.per_1000)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(people > 0, capacity * 1000 / people, np.nan)
    return pd.DataFrame(
        {
            "facilities": facilities,
            "capacity": capacity,
            "capacity_known": known_share,
            "capacity_per_1000": ratio,
            "norm_per_1000": per_1000,
            "gap_places": np.maximum(per_1000 * people / 1000 - capacity, 0),
        }
    )


def _capacity(
    places: NDArray[np.float64], unit: NDArray[np.int32], facilities: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Known places per unit and the share of facilities that tell theirs."""
    known = ~np.isnan(places)
    count = np.bincount(unit[known], minlength=len(facilities))
    total = np.bincount(unit[known], places[known], len(facilities))
    with np.errstate(invalid="ignore"):
        share = np.where(facilities > 0, count / facilities, np.nan)
    return np.where((facilities > 0) & (count == 0), np.nan, total), share
