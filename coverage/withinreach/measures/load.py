"""How many people each facility stands for, and whether its places suffice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.measures.assignment import places_needed
from withinreach.model import OUTSIDE_AREAS
from withinreach.reach import people_by_nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Pairs, Reach


def facility_loads(case: Case, reach: Reach, pairs: Pairs) -> pd.DataFrame:
    """One row per facility of a service, in the order of the facilities.

    Columns
    -------
    id, name, code : str
        ``code`` is that of the area where it stands, empty outside all.
    capacity : float
        Places; NaN where unknown, and where the service names none.
    nearest_people : float
        Those within the cutoff who have no nearer one, by estimated walks too; over all facilities they are the
        served people.
    catchment_people : float
        All within the cutoff, whatever else they reach.
    people_per_place : float
        ``catchment_people / capacity``; NaN where the capacity is unknown or 0.
    catchment_need : float
        Places that the norm asks for the catchment; without a norm one per person.
    load : float
        ``catchment_need / capacity``: above 1 the facility is overloaded if all came to it; NaN where the capacity is
        unknown, inf where it is 0 and somebody is in the catchment.
    overload_places : float
        ``max(0, catchment_need - capacity)``; NaN where the capacity is unknown.
    """
    rows = case.facility_rows(reach.service.kinds)
    capacity = case.capacities(reach.service.capacity)[rows]
    people = case.people_of(reach.service.people)
    position = np.full(len(case.facilities), -1, np.int64)
    position[rows] = np.arange(len(rows))
    facility = position[pairs.facility]

    def in_catchment(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(facility, values[pairs.cell], len(rows)).astype(np.float64)

    catchment, need = in_catchment(people), in_catchment(places_needed(case, reach.service))
    area = case.facilities.area[rows]
    codes = np.where(area == OUTSIDE_AREAS, "", case.areas.table["code"].to_numpy(object)[area])
    open_to = capacity > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "id": case.facilities.table["id"].to_numpy()[rows],
                "name": case.facilities.table["name"].to_numpy()[rows],
                "code": pd.Series(codes, dtype="str"),
                "capacity": capacity,
                "nearest_people": people_by_nearest(case, reach, reach.covered)[rows],
                "catchment_people": catchment,
                "people_per_place": np.where(open_to, catchment / capacity, np.nan),
                "catchment_need": need,
                "load": need / capacity,
                "overload_places": np.maximum(need - capacity, 0.0),
            }
        )
