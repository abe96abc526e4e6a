"""Totals of communities or townships -> people at homes, each in its unit, nobody lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.areas import assign_areas, prepare_areas
from withinreach.preparation.filling import fill_polygons
from withinreach.preparation.frame import misplaced
from withinreach.preparation.located import Located
from withinreach.preparation.people_findings import note_homes, note_spread, note_totals
from withinreach.preparation.scope import note_elsewhere
from withinreach.sources.population import read_homes, read_totals
from withinreach.study import AreaLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.scope import Scope
    from withinreach.study import Homes, PopulationLayer, Spread, UnitLayer


def spread_totals(
    layer: PopulationLayer, spread: Spread, scope: Scope, frame: MetricFrame, findings: Findings
) -> Located:
    """Give the people of every unit to the homes in it, by weight.

    A home belongs to the unit that holds it. A unit with people but without a home, or with homes of weight 0 only, has
    its people spread evenly over its area, which is a finding.

    Raises
    ------
    SourceError
        If a file cannot be used, or no unit of the totals has a polygon.
    """
    totals, parts = read_totals(layer, spread)
    findings.take(totals.path, totals.remarks)
    people = totals.people.fillna(0.0)
    if spread.units is None:
        units = scope.near
        far = scope.others - set(units.table["code"])
        people = people[~people.index.isin(far)]
        note_elsewhere(totals.path, totals.people.index.isin(far), findings)
    else:
        units = read_units(spread.units, frame, findings)
    codes = units.table["code"]
    known = people.index.isin(codes)
    if not known.any():
        raise SourceError(
            f"{totals.path}: no code of column '{spread.code}' is that of a unit; correct population.spread.code, or "
            f"name the layer of the units; these have {', '.join(codes.head(5))} …"
        )
    of_unit = people.reindex(codes).fillna(0.0)
    inhabited = of_unit.to_numpy().any(axis=1)
    xy, unit, weight = _weighted_homes(spread.homes, units, layer.cell_m, frame, findings)
    homeless = np.flatnonzero(inhabited & (np.bincount(unit, weight, len(units)) <= 0))
    spots, owner = fill_polygons(units.table.geometry.to_numpy()[homeless], layer.cell_m)
    unit = np.concatenate([unit, homeless[owner]])
    weight = np.concatenate([weight, np.ones(len(spots))])
    share = weight / np.bincount(unit, weight, len(units)).clip(min=np.finfo(float).tiny)[unit]
    here = (share > 0) & inhabited[unit]
    xy = np.concatenate([xy, spots])[here]
    note_totals(totals, findings)
    note_spread(totals.path, people[~known], of_unit.iloc[homeless], findings)
    return Located(
        path=totals.path,
        groups=pd.DataFrame(of_unit.to_numpy()[unit[here]] * share[here, None], columns=list(people)),
        xy=xy,
        area=scope.area_of(xy),
        spread=np.isin(unit[here], homeless),
        size_m=(layer.cell_m, layer.cell_m),
        parts=parts,
        read=people.sum(),
        moved=people.iloc[:0].sum(),
        without_area=people[~known].sum(),
    )


def read_units(layer: UnitLayer, frame: MetricFrame, findings: Findings) -> Areas:
    """Polygons of units that are no reporting units, in metres; their names are their codes."""
    return prepare_areas(
        AreaLayer(path=layer.path, datum=layer.datum, layer=layer.layer, code=layer.code, name=layer.code),
        frame,
        findings,
    )


def _weighted_homes(
    homes: Homes, units: Areas, cell_m: float, frame: MetricFrame, findings: Findings
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """Position, unit and weight of the homes that lie in a unit; polygons become points that share their weight."""
    places = read_homes(homes)
    findings.take(homes.path, places.remarks)
    xy = shapely.get_coordinates(places.shapes)
    wrong = misplaced(homes.datum, xy[:, 0], xy[:, 1])
    if wrong.any():
        x, y = xy[wrong][0]
        raise SourceError(f"{homes.path}: a home at ({x:g}, {y:g}) is not a place in {homes.datum}; check the datum")
    shapes = frame.geometries(homes.datum, places.shapes)
    weight = places.weight
    if shapely.get_dimensions(shapes).max() == 2:
        points, owner = fill_polygons(shapes, cell_m)
        weight = (weight * shapely.area(shapes) if places.by_area else weight) / np.bincount(owner)
        weight = weight[owner]
    else:
        points = shapely.get_coordinates(shapes)
    unit = assign_areas(units, points)
    here = unit != OUTSIDE_AREAS
    note_homes(homes.path, len(shapes), int((~here).sum()), places.unknown, findings)
    return points[here], unit[here], weight[here]
