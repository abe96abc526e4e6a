"""How far the network can be trusted where people live: findings about a case, nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import OUTSIDE_AREAS, serving
from withinreach.preparation.areas import assign_areas
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.model import Areas, Network, Places, UnitList
    from withinreach.preparation.findings import Findings
    from withinreach.study import Study

# Of many small components the ones with most people are named; the others are summed.
NAMED_COMPONENTS = 5


def note_facilities(study: Study, facilities: Places, findings: Findings) -> None:
    """One finding for each facility that no street is near, or that lies outside all areas; services without any."""
    path = {layer.path.name: layer.path for layer in study.facilities}
    where = facilities.table[["file", "row", "name"]]
    for file, row, name in where[~facilities.snapped].itertuples(index=False):
        findings.note("facility_off_streets", path[file], {"cap_m": study.network.snap_cap_m}, at=Spot(row, value=name))
    for file, row, name in where[facilities.area == OUTSIDE_AREAS].itertuples(index=False):
        findings.note("facility_outside_areas", path[file], at=Spot(row, value=name))
    for name, service in study.services.items():
        if not serving(facilities.table, study.taxonomy.within(service.kinds)).any():
            kinds = ", ".join(service.kinds)
            findings.note("service_without_facilities", study.facilities[0].path, {"service": name, "kinds": kinds})


def note_snapping(study: Study, people: Places, findings: Findings) -> None:
    """How far people live from their street, and who has none within the cap."""
    name, group = next(iter(study.population.groups.items()))
    path = group.parts[0].path
    count = people.table[name].to_numpy(np.float64)
    near = people.snapped
    away_m = people.access_mm[near] / 1000
    order = np.argsort(away_m, kind="stable")
    running = np.cumsum(count[near][order])
    if len(running) and running[-1] > 0:
        at = np.searchsorted(running, np.array([0.5, 0.95]) * running[-1])
        half, most = away_m[order][at]
        findings.note("people_near_streets", path, {"half_m": half, "most_m": most, "farthest_m": away_m.max()})
    if not near.all():
        findings.note(
            "people_off_streets",
            path,
            {"cells": (~near).sum(), "people": count[~near].sum(), "cap_m": study.network.snap_cap_m},
        )


def note_units(study: Study, units: Mapping[str, UnitList], findings: Findings) -> None:
    """Per list of units how many lie outside all areas, and how many no street is near."""
    for level, layer in study.units.items():
        places = units[level].places
        outside, lost = places.area == OUTSIDE_AREAS, ~places.snapped
        if outside.any():
            findings.note("units_outside_areas", layer.path, {"count": outside.sum(), "of": len(places)})
        if lost.any():
            findings.note(
                "units_off_streets",
                layer.path,
                {"count": lost.sum(), "of": len(places), "cap_m": study.network.snap_cap_m},
            )


def note_components(study: Study, network: Network, people: Places, findings: Findings) -> None:
    """Parts of the network without a way to the largest one, with the people who live on them."""
    name = next(iter(study.population.groups))
    component = np.full(len(people), 0, np.int32)
    component[people.snapped] = network.component[network.tail[people.segment[people.snapped]]]
    count = np.bincount(component, people.table[name].to_numpy(np.float64), int(network.component.max()) + 1)
    km = np.bincount(network.component[network.tail], network.length_mm / 1e6, len(count))
    rows = [row for row in np.argsort(-count, kind="stable") if row and count[row] > 0]
    for row in rows[:NAMED_COMPONENTS]:
        x, y = network.xy[network.component == row][0]
        findings.note("part_detached", study.network.path, {"km": km[row], "people": count[row], "x": x, "y": y})
    rest = rows[NAMED_COMPONENTS:]
    if rest:
        findings.note(
            "parts_detached_too",
            study.network.path,
            {"count": len(rest), "km": km[rest].sum(), "people": count[rest].sum()},
        )


def note_streets(
    study: Study, network: Network, areas: Areas, people: Places, cell_m2: float, findings: Findings
) -> None:
    """Dead ends, and kilometres of street per settled square kilometre of each unit.

    A unit with far fewer streets than its neighbours is more likely mapped badly than built thinly: completeness of
    open street data in China varies between prefectures, and what is missing are mostly lanes and private roads.
    """
    degree = np.bincount(np.concatenate([network.tail, network.head]), minlength=network.n_nodes)
    ends = degree == 1
    findings.note(
        "dead_ends", study.network.path, {"count": ends.sum(), "nodes": network.n_nodes, "share": ends.mean()}
    )
    middle = (network.xy[network.tail] + network.xy[network.head]) / 2
    km = _per_area(assign_areas(areas, middle), network.length_mm / 1e6, len(areas))
    km2 = np.bincount(people.area, minlength=len(areas)) * cell_m2 / 1e6
    for code, length, settled in zip(areas.table["code"], km, km2, strict=True):
        if settled > 0:
            findings.note(
                "street_density",
                study.network.path,
                {"km": length, "km2": settled, "density": length / settled},
                at=Spot(value=code),
            )


def _per_area(area: NDArray[np.int32], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    here = area != OUTSIDE_AREAS
    return np.bincount(area[here], values[here], count).astype(np.float64)
