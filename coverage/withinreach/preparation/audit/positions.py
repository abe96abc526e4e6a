"""Where facilities lie, held against streets, units and water."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.findings import Proposal
from withinreach.preparation.ground import component_of
from withinreach.sources.datum import CHINA_LAT, CHINA_LON
from withinreach.sources.remarks import Spot
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings
    from withinreach.study import FacilityLayer

# People cross borders, so facilities beyond them are meant to be there; beyond this way nobody walks.
NEIGHBOURHOOD_M = 10_000.0
# Three decimals of a degree are about 100 m. Of six decimals the last three are zero once in a thousand, in both
# coordinates once in a million.
COARSE_DECIMALS = 3
# `MetricFrame.from_metres` gives the file's degrees back to 1e-9 and better.
EXACT_DEG = 1e-7
# Two institutions may share a house; more on one point were found by a search that gave up at the town's centre.
SHARING = 4


def note_swapped(layer: FacilityLayer, rows: pd.DataFrame, xy: NDArray[np.float64], findings: Findings) -> None:
    """Rows whose longitude and latitude stand in each other's column: only the other way round they are in China.

    Parameters
    ----------
    rows : DataFrame, k rows
        The columns of longitude and latitude as text; the index holds the numbers of the rows.
    xy : (k, 2) float64
        As the file has them, in the layer's datum.
    """
    if layer.datum not in DATUMS:
        return
    lon, lat = rows.columns
    for position in np.flatnonzero(~in_china(*xy.T) & in_china(*xy[:, ::-1].T)):
        x, y = (str(value) for value in rows.iloc[position])
        findings.note(
            "coordinates_swapped",
            layer.path,
            at=Spot(int(rows.index[position]), f"{lon}, {lat}", f"{x}, {y}"),
            proposal=Proposal({lon: y, lat: x}),
        )


def in_china(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which degrees are in the box around China that GCJ-02 is defined in."""
    return (lon > CHINA_LON[0]) & (lon < CHINA_LON[1]) & (lat > CHINA_LAT[0]) & (lat < CHINA_LAT[1])


def note_outside(evidence: Evidence, findings: Findings) -> None:
    """Facilities outside all areas: of the neighbours, or misplaced."""
    there = evidence.facilities
    outside = np.flatnonzero((there.area == OUTSIDE_AREAS) & ~evidence.scope.with_others(there.xy))
    if not len(outside):
        return
    shapes = evidence.areas.table.geometry.to_numpy()
    points = shapely.points(there.xy[outside])
    (_, nearest), away_m = shapely.STRtree(shapes).query_nearest(points, return_distance=True, all_matches=False)
    for facility, area, metres in zip(outside, nearest, away_m, strict=True):
        path, at = evidence.path(facility), evidence.spot(facility, "name")
        if metres <= NEIGHBOURHOOD_M:
            findings.note("facility_outside_areas", path, at=at)
        else:
            unit = evidence.areas.table["name"].iloc[area]
            findings.note("facility_far_away", path, {"km": metres / 1000, "unit": unit}, at=at)


def note_coarse(evidence: Evidence, findings: Findings) -> None:
    """Positions with too few decimals: 113.9 may be anywhere within five kilometres."""
    for file, layer in evidence.layers.items():
        if layer.datum not in DATUMS:
            continue
        facilities = np.flatnonzero((evidence.table["file"] == file).to_numpy())
        degrees = evidence.frame.from_metres(layer.datum, evidence.facilities.xy[facilities])
        rounded = np.round(degrees, COARSE_DECIMALS)
        for position in np.flatnonzero((np.abs(degrees - rounded) < EXACT_DEG).all(axis=1)):
            facility = facilities[position]
            x, y = (f"{value:g}" for value in rounded[position])
            columns = ", ".join(filter(None, (evidence.column(facility, role) for role in ("x", "y"))))
            findings.note(
                "coordinates_coarse",
                evidence.path(facility),
                {"name": evidence.name(facility)},
                at=Spot(evidence.row(facility), columns, f"{x}, {y}"),
            )


def note_shared_spots(evidence: Evidence, findings: Findings) -> None:
    """Points that many facilities of different names share: addresses that were not found, put at a centre."""
    spot = pd.DataFrame(np.round(evidence.facilities.xy, 3), columns=["x", "y"])
    spot["name"] = evidence.texts("name")
    shared = spot[spot.duplicated(["x", "y"], keep=False)]
    for rows in shared.groupby(["x", "y"], sort=False).groups.values():
        if spot["name"].loc[rows].nunique() >= SHARING:
            for facility in rows:
                findings.note(
                    "spot_shared",
                    evidence.path(facility),
                    {"count": len(rows)},
                    at=evidence.spot(facility, "name"),
                )


def note_on_water(evidence: Evidence, findings: Findings) -> None:
    """Facilities inside a river or a lake."""
    # The query geometries are the ones that shapely prepares: rivers have many vertices, points none.
    points = shapely.STRtree(shapely.points(evidence.facilities.xy))
    inside = points.query(evidence.water.geometry.to_numpy(), predicate="intersects")[1]
    for facility in np.unique(inside):
        findings.note("facility_on_water", evidence.path(facility), at=evidence.spot(facility, "name"))


def note_off_streets(evidence: Evidence, findings: Findings) -> None:
    """Facilities that no street is near."""
    cap_m = evidence.study.network.snap_cap_m
    for facility in np.flatnonzero(~evidence.facilities.snapped):
        at = evidence.spot(facility, "name")
        findings.note("facility_off_streets", evidence.path(facility), {"cap_m": cap_m}, at=at)


def note_on_islands(evidence: Evidence, findings: Findings) -> None:
    """Facilities on a part of the network from which no way leads to the rest, with the people who live there."""
    network, group = evidence.network, next(iter(evidence.study.population.groups))
    count = evidence.people.table[group].to_numpy(np.float64)
    parts = int(network.component.max()) + 1
    here = np.bincount(component_of(network, evidence.people), count, parts)
    km = np.bincount(network.component[network.tail], network.length_mm / 1e6, parts)
    part = component_of(network, evidence.facilities)
    for facility in np.flatnonzero(part):
        findings.note(
            "facility_detached",
            evidence.path(facility),
            {"km": km[part[facility]], "people": here[part[facility]]},
            at=evidence.spot(facility, "name"),
        )
