"""Result -> what the page says in words and figures, as plain values for JSON islands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from shapely.ops import polylabel

from withinreach.maps.classes import density_breaks
from withinreach.maps.facilities import idle_rows
from withinreach.maps.labels import LABELS
from withinreach.maps.numbers import number, numbers
from withinreach.maps.people import account_content, minutes_content
from withinreach.maps.pockets import pocket_content
from withinreach.measures.ledger import OUTSIDE
from withinreach.measures.units import Units
from withinreach.model import TOTAL
from withinreach.reach import Status
from withinreach.showing import COVERAGE_BREAKS, coverage_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import shapely

    from withinreach.analysis import Result
    from withinreach.maps.layers import Detail
    from withinreach.maps.shapes import Degrees
    from withinreach.model import Case
    from withinreach.reach import Reach
    from withinreach.siting.missing.pockets import Pockets
    from withinreach.study import Service

FIGURES = (
    "people",
    "served_people",
    "uncovered_people",
    "coverage",
    "coverage_own",
    "circle_people",
    "circle_coverage",
    "served_of_circle",
    "median_min",
    "p90_min",
    "facilities",
    "capacity",
    "capacity_known",
    "capacity_per_1000",
    "norm_per_1000",
    "gap_places",
)
SQUARE_M_PER_HA = 10_000
# An area's name stands where its largest circle has its centre, found to this share of the area's width.
LABEL_PRECISION = 0.02


@dataclass(frozen=True)
class Links:
    """Addresses of other pages of the same result, relative to the page: of each area by its code, and of all."""

    areas: Mapping[str, str] = field(default_factory=dict)
    home: str = ""


NO_LINKS = Links()


def study_content(
    result: Result, degrees: Degrees, links: Links, detail: Detail, pockets: Mapping[str, Pockets]
) -> dict[str, object]:
    """Title, notes, labels, areas, and every service with its figures and pockets, these by service."""
    services = [
        service_content(result, reach) | {"pockets": pocket_content(result, pockets[name])}
        for name, reach in result.reaches.items()
    ]
    return study_facts(result.case, degrees, links, detail) | {"services": services}


def study_facts(case: Case, degrees: Degrees, links: Links, detail: Detail) -> dict[str, object]:
    """Title, notes, labels, areas: what a page says of a case, whatever was measured."""
    study = case.study
    return {
        "language": study.language,
        "texts": {language: dict(words) for language, words in LABELS.items()},
        "title": study.title,
        "notice": study.notice,
        "producer": study.producer,
        "asOf": study.as_of.isoformat(),
        "populationAsOf": study.population.as_of.isoformat(),
        "crs": study.metric_crs,
        "reviewNumber": study.map.review_number,
        "internalUse": study.map.internal_use,
        "baseMap": study.map.base_map,
        "cellSizeM": list(case.cell_size_m),
        "coverageBreaks": list(COVERAGE_BREAKS),
        "groups": {name: group.title for name, group in study.population.groups.items()},
        "statuses": [status.key for status in Status],
        "areas": _areas(case, degrees, links),
        "home": links.home,
        "accounts": account_content(case),
        "peopleStep": detail.people_step,
        "metresStep": detail.metres_step,
    }


def _areas(case: Case, degrees: Degrees, links: Links) -> list[dict[str, object]]:
    table = case.areas.table
    anchors = degrees.of(np.array([label_point(geometry) for geometry in table.geometry]).reshape(-1, 2))
    return [
        {
            "code": str(code),
            "name": str(name),
            "page": links.areas.get(code, ""),
            "label": [round(float(lat), 6), round(float(lon), 6)],
        }
        for code, name, (lon, lat) in zip(table["code"], table["name"], anchors, strict=True)
    ]


def label_point(geometry: shapely.Geometry) -> tuple[float, float]:
    """A point well inside the largest part of an area."""
    part = max(getattr(geometry, "geoms", [geometry]), key=lambda g: g.area)
    west, south, east, north = part.bounds
    point = polylabel(part, LABEL_PRECISION * max(east - west, north - south))
    return point.x, point.y


def service_content(result: Result, reach: Reach) -> dict[str, object]:
    """A service with its rules, its facilities and its figures."""
    case, service = result.case, reach.service
    study = case.study
    table = result.tables[service.name]
    profile = study.profiles[service.profile]
    width, height = case.cell_size_m
    uncovered = np.where(reach.covered, 0.0, case.people_of(service.people))
    return {
        "name": service.name,
        "title": service.title,
        "people": service.people,
        "profile": service.profile,
        "group": study.population.groups[service.people].title,
        "minutes": service.cutoff_min,
        "speed": profile.speed_m_s,
        "limitM": service.cutoff_s * profile.speed_m_s,
        "capacity": service.capacity,
        "capacityTitle": service.capacity_title,
        "normSource": None if service.norm is None else service.norm.source,
        "norm": _norm_content(case, service),
        "kinds": sorted(study.taxonomy.within(service.kinds)),
        "opens": service.kinds[0],
        "facilities": case.facility_rows(service.kinds).tolist(),
        "idle": idle_rows(case, service.kinds).tolist(),
        "densityBreaks": list(density_breaks(uncovered, width * height / SQUARE_M_PER_HA)),
        "figures": {name: numbers(table[name].to_numpy(np.float64)) for name in FIGURES},
        "total": {name: number(float(result.totals[service.name][name])) for name in FIGURES},
        "classes": coverage_classes(table["coverage"].to_numpy(np.float64)).tolist(),
        "walks": minutes_content(case, reach),
        "ledger": _ledger(result.ledgers[service.name], case),
    }


def _norm_content(case: Case, service: Service) -> dict[str, object] | None:
    """The norm of a service with the places that it asks for, in each area and in all."""
    norm = service.norm
    if norm is None:
        return None
    needed = Units.of_areas(case).people(case.people_of(norm.of)) * norm.per_1000 / 1000
    return {
        "per1000": norm.per_1000,
        "of": norm.of,
        "needed": numbers(needed),
        "neededTotal": float(needed.sum()),
    }


def _ledger(ledger: pd.DataFrame, case: Case) -> dict[str, object]:
    """People per status: one list for each area, one for all, and the people outside the areas."""
    keys = [status.key for status in Status]
    rows = ledger.loc[keys]
    outside = float(ledger.loc[OUTSIDE, TOTAL]) if OUTSIDE in ledger.index else 0.0
    return {
        "areas": [numbers(rows[code].to_numpy(np.float64)) for code in case.areas.table["code"]],
        "total": numbers(rows[TOTAL].to_numpy(np.float64)),
        "outside": outside,
    }
