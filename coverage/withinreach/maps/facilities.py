"""Facilities and listed units as the page shows, finds and filters them, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.maps.numbers import numbers
from withinreach.reach import people_by_nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Case

# By these the page filters, in this order, where the data tell them.
FILTERED = ("kind", "star", "grade", "level", "ownership", "status")
UNKNOWN = -1


def facility_content(case: Case) -> dict[str, object]:
    """The facilities column by column, in the order of the case; lon and lat in WGS84 degrees.

    ``filters`` has for each of `FILTERED` that some facility tells its values, and of every facility the place of its
    value among them, -1 where it is unknown; ``kinds`` the titles of the kinds, by language.
    """
    table = case.facilities.table
    capacities = {s.capacity for s in case.study.services.values() if s.capacity is not None}
    known = case.study.taxonomy.kinds
    content: dict[str, object] = {
        "id": [str(value) for value in table["id"]],
        "name": [str(value) for value in table["name"]],
        "lon": table["lon"].round(6).tolist(),
        "lat": table["lat"].round(6).tolist(),
        "area": case.facilities.area.tolist(),
        "filters": [_filter(name, table[name]) for name in FILTERED if name in table and table[name].notna().any()],
        "kinds": {kind: dict(known[kind].titles) for kind in sorted(set(table["kind"])) if kind in known},
    }
    for name in sorted(capacities):
        content[f"capacity_{name}"] = numbers(table[name].to_numpy(np.float64))
    return content


def walked_to(result: Result) -> dict[str, NDArray[np.float64]]:
    """People to whom each facility is the nearest one in time, by service, shape (f,)."""
    return {name: people_by_nearest(result.case, reach, reach.covered) for name, reach in result.reaches.items()}


def load_content(case: Case, walked: Mapping[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    """People who walk to each facility of a service, in the order of `Case.facility_rows`, to a tenth.

    Parameters
    ----------
    walked
        By service, shape (f,), as `walked_to` tells for all facilities of the case.
    """
    services = case.study.services
    return {name: people[case.facility_rows(services[name].kinds)].round(1).tolist() for name, people in walked.items()}


def _filter(name: str, column: pd.Series) -> dict[str, object]:
    codes, values = pd.factorize(column, sort=True)
    return {"name": name, "values": [_plain(value) for value in values], "of": codes.tolist()}


def _plain(value: object) -> object:
    """Stars are whole numbers, all others are text."""
    return int(value) if isinstance(value, float) else str(value)


def unit_content(case: Case) -> dict[str, list[object]]:
    """Townships, villages and other listed units, by which readers find their way; ``level`` is one of ``levels``."""
    content: dict[str, list[object]] = {"level": [], "name": [], "lon": [], "lat": [], "area": []}
    content["levels"] = list(case.units)
    for level, listed in enumerate(case.units.values()):
        table = listed.places.table
        content["level"] += [level] * len(table)
        content["name"] += [str(value) for value in table["name"]]
        content["lon"] += table["lon"].round(5).tolist()
        content["lat"] += table["lat"].round(5).tolist()
        content["area"] += listed.places.area.tolist()
    return content


def idle_rows(case: Case, kinds: tuple[str, ...]) -> NDArray[np.int32]:
    """Rows of facilities of these kinds that are not open, ascending: planned, under construction, closed."""
    all_rows = np.flatnonzero(case.facilities.table["kind"].isin(case.study.taxonomy.within(kinds)))
    return np.setdiff1d(all_rows, case.facility_rows(kinds)).astype(np.int32)
