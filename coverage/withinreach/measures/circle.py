"""The circle that plans draw around a facility, beside what people can really walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.model import Case
    from withinreach.reach import Reach
    from withinreach.study import Service

# Positions along a street are rounded to the millimetre at both ends of a way, so that the way may be two shorter than
# the straight line.
ROUNDING_M = 0.002


def circle_figures(case: Case, reach: Reach, units: Units, inside: NDArray[np.bool_]) -> pd.DataFrame:
    """People in the circle, their share of all people, and how many of them are served, one row per unit.

    ``inside`` tells which cells are; see `circle_of`.
    """
    people = case.people_of(reach.service.people)
    total = units.people(people)
    circle = units.people(np.where(inside, people, 0.0))
    served = units.people(np.where(reach.covered, people, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = np.where(total > 0, circle / total, np.nan)
        share = np.where(circle > 0, served / circle, np.nan)
    return pd.DataFrame({"circle_people": circle, "circle_coverage": coverage, "served_of_circle": share})


def in_circle(case: Case, service: Service, cells: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
    """Which cells lie within the circle of some facility, snapped or not: as far as people walk within the cutoff.

    Parameters
    ----------
    cells
        Rows that are looked at, all by default.
    """
    xy = case.people.xy if cells is None else case.people.xy[cells]
    facilities = case.facilities.xy[case.facility_rows(service.kinds)]
    if not len(facilities):
        return np.zeros(len(xy), bool)
    radius_m = service.cutoff_s * case.study.profiles[service.profile].speed_m_s + ROUNDING_M
    # The bound is exclusive and spares the search most of the way.
    straight_m, _ = cKDTree(facilities).query(xy, distance_upper_bound=np.nextafter(radius_m, np.inf))
    inside: NDArray[np.bool_] = straight_m <= radius_m
    return inside


def circle_of(case: Case, reach: Reach) -> NDArray[np.bool_]:
    """The same for all cells; no way is shorter than the straight line, so only those that are not served are asked."""
    inside = reach.covered
    others = np.flatnonzero(~inside)
    inside[others] = in_circle(case, reach.service, others)
    return inside
