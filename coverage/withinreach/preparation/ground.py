"""How far the network can be trusted where people live: findings about a case, nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.areas import assign_areas
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.model import Areas, Network, Places, UnitList
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.scope import Scope
    from withinreach.study import Study

# Of many small components the ones with most people are named; the others are summed.
NAMED_COMPONENTS = 5


def note_snapping(study: Study, people: Places, facilities: Places, findings: Findings) -> None:
    """How far people and facilities are from their street, and who has none within the cap."""
    name = next(iter(study.population.groups))
    path = study.population.main_path
    count = people.table[name].to_numpy(np.float64)
    near = people.snapped
    if count[near].sum() > 0:
        half_m, most_m, farthest_m = _spread(people.access_mm[near] / 1000, count[near])
        findings.note("people_near_streets", path, {"half_m": half_m, "most_m": most_m, "farthest_m": farthest_m})
    if not near.all():
        findings.note(
            "people_off_streets",
            path,
            {"cells": (~near).sum(), "people": count[~near].sum(), "cap_m": study.network.snap_cap_m},
        )
    for file in study.facilities:
        here = facilities.snapped & (facilities.table["file"] == file.path.name).to_numpy()
        if here.any():
            half_m, most_m, farthest_m = _spread(facilities.access_mm[here] / 1000, np.ones(here.sum()))
            findings.note(
                "facilities_near_streets",
                file.path,
                {"half_m": half_m, "most_m": most_m, "farthest_m": farthest_m},
            )


def _spread(metres: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float, float]:
    """Within how many metres half of the weight lies, 95 % of it, and all."""
    order = np.argsort(metres, kind="stable")
    running = np.cumsum(weight[order])
    half, most = metres[order][np.searchsorted(running, np.array([0.5, 0.95]) * running[-1])]
    return half, most, metres.max()


def note_units(study: Study, units: Mapping[str, UnitList], scope: Scope, findings: Findings) -> None:
    """Per list of units how many lie outside all areas, and how many no street is near."""
    for level, layer in study.units.items():
        places = units[level].places
        outside, lost = (places.area == OUTSIDE_AREAS) & ~scope.with_others(places.xy), ~places.snapped
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
    count = people.table[next(iter(study.population.groups))].to_numpy(np.float64)
    component = component_of(network, people)
    here = np.bincount(component, count, int(network.component.max()) + 1)
    km = np.bincount(network.component[network.tail], network.length_mm / 1e6, len(here))
    rows = [row for row in np.argsort(-here, kind="stable") if row and here[row] > 0]
    for row in rows[:NAMED_COMPONENTS]:
        lon, lat = people.table.loc[np.argmax(np.where(component == row, count, -1)), ["lon", "lat"]]
        findings.note(
            "part_detached",
            study.network.path,
            {"km": km[row], "people": here[row]},
            at=Spot(value=f"{lon:.5f} {lat:.5f}"),
        )
    rest = rows[NAMED_COMPONENTS:]
    if rest:
        findings.note(
            "parts_detached_too",
            study.network.path,
            {"count": len(rest), "km": km[rest].sum(), "people": here[rest].sum()},
        )


def component_of(network: Network, places: Places) -> NDArray[np.int32]:
    """The component of each place's street; the largest, 0, also where a place has none."""
    component = np.zeros(len(places), np.int32)
    component[places.snapped] = network.component[network.tail[places.segment[places.snapped]]]
    return component


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
