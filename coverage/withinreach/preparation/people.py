"""Population layer -> cells in metres, each in exactly one unit, calibrated, with a ledger of every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS, Step
from withinreach.preparation import people_findings as told
from withinreach.preparation.accounts import Accounts
from withinreach.preparation.calibration import Cells
from withinreach.preparation.census import calibrate_to_census, no_factors
from withinreach.preparation.frame import misplaced
from withinreach.preparation.located import Located, without_others
from withinreach.preparation.nesting import need_apart, parents
from withinreach.preparation.spreading import spread_totals
from withinreach.sources.population import population_datum, read_population

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.scope import Scope
    from withinreach.sources.population import Bounds, Masked, PeoplePoints
    from withinreach.study import PopulationLayer


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Inhabited cells inside the areas.

    Attributes
    ----------
    groups : DataFrame, (k, g)
        People of each group.
    xy : (k, 2) float64
        Centres, metres.
    area : (k,) int32
        Row in the areas.
    size_m : (float, float)
        Width and height of a cell.
    accounts, factors, masked : DataFrame
        As `Audit` has them.
    others_xy : (m, 2) float64
        Centres of inhabited cells beside them, in areas that the study does not take, metres.
    """

    groups: pd.DataFrame
    xy: NDArray[np.float64]
    area: NDArray[np.int32]
    size_m: tuple[float, float]
    accounts: pd.DataFrame
    factors: pd.DataFrame
    masked: pd.DataFrame
    others_xy: NDArray[np.float64]


def prepare_people(layer: PopulationLayer, scope: Scope, frame: MetricFrame, findings: Findings) -> People:
    """Read the population around the areas, give every cell its unit, and calibrate it where the study says so.

    A cell belongs to the unit that holds its centre; people whose cell lies outside all units are counted in
    ``accounts`` and left out. Who lives in areas of the same file that the study does not take is not counted at all.

    Raises
    ------
    SourceError
        If the layer cannot be used, or nobody lives inside the areas.
    CrsError
        If a CRS contradicts the declared datum.
    """
    areas = scope.areas
    if layer.spread is None:
        located = _locate(layer, scope, frame, findings)
    else:
        located = spread_totals(layer, layer.spread, scope, frame, findings)
    located, others_xy = without_others(located, scope)
    inside = located.area != OUTSIDE_AREAS
    if not located.groups[inside].to_numpy().any():
        raise SourceError(
            f"{located.path}: nobody lives inside the areas; check the datum and the extent of both layers"
        )
    told.note_outside(located.path, located.groups, ~inside, findings)
    parent = parents(layer, located.parts)

    accounts = _opened(located, areas)
    cells = Cells(located.groups[inside].reset_index(drop=True), located.xy[inside], located.area[inside])
    factors = no_factors()
    if layer.calibration is not None:
        before = cells
        need_apart(layer, located.parts, parent)
        told.note_apart(layer, parent, findings)
        told.note_order(located.path, located.groups, parent, findings)
        cells, factors = calibrate_to_census(layer, layer.calibration, parent, cells, scope, accounts, findings)
        cells = _inhabited(cells)
        accounts.enter(Step.CALIBRATION, cells.groups, cells.area)
        accounts.enter(Step.CALIBRATION, -before.groups, before.area)
    accounts.enter(Step.IN_AREAS, cells.groups, cells.area)
    return People(
        cells.groups,
        cells.xy,
        cells.area,
        located.size_m,
        accounts.table(),
        factors,
        masked_table(located.masked),
        others_xy,
    )


def _inhabited(cells: Cells) -> Cells:
    """Without cells in which nobody is left, as where the census has nobody."""
    here = cells.groups.to_numpy().any(axis=1)
    return Cells(cells.groups[here].reset_index(drop=True), cells.xy[here], cells.area[here])


def _opened(located: Located, areas: Areas) -> Accounts:
    """The ledger up to the areas. What was read is summed from the files; where it is, from the cells."""
    accounts = Accounts(list(located.groups), list(areas.table["code"]))
    outside = located.area == OUTSIDE_AREAS
    accounts.enter(Step.OUTSIDE_AREAS, located.groups[outside], located.area[outside])
    accounts.enter(Step.SPREAD, located.groups[located.spread], located.area[located.spread])
    accounts.enter(Step.READ, located.groups, located.area)
    accounts.enter_outside(Step.WITHOUT_AREA, located.without_area)
    accounts.enter_outside(Step.MOVED, located.moved)
    accounts.enter_outside(Step.READ, located.read - located.groups.sum())
    return accounts


def _locate(layer: PopulationLayer, scope: Scope, frame: MetricFrame, findings: Findings) -> Located:
    """Read cells or points and find the area of each."""
    path, areas = layer.main_path, scope.areas
    datum = population_datum(layer)
    bounds = scope.bounds_of_people(datum)
    points = read_population(layer, datum, bounds, bounds if scope.others else None)
    wrong = misplaced(datum, points.x, points.y)
    if wrong.any():
        x, y = points.x[wrong][0], points.y[wrong][0]
        raise SourceError(f"{path}: a cell at ({x:g}, {y:g}) is not a place in {datum}; check the datum")
    findings.take(path, points.remarks)
    told.note_splits(points.parts, findings)
    told.note_masked(points.masked, findings)
    told.note_moved(points.moved, findings)
    told.note_suppressed(points.suppressed, findings)
    if points.extent is not None:
        told.note_beyond(path, areas.table["code"], _share_beyond(points.extent, datum, areas, frame), findings)
    xy = frame.to_metres(datum, points.x, points.y)
    if not np.isfinite(xy).all():
        raise SourceError(f"{path}: cells lie outside the reach of {frame.crs}; check the declared datum")
    groups = pd.DataFrame(points.groups)
    return Located(
        path=path,
        groups=groups,
        xy=xy,
        area=scope.area_of(xy),
        spread=np.zeros(len(xy), bool),
        size_m=_cell_size_m(layer, points, datum, frame),
        parts=points.parts,
        read=pd.Series(points.read),
        moved=_moved(points),
        without_area=pd.Series(0.0, index=groups.columns),
        masked=points.masked,
    )


def _share_beyond(extent: Bounds, datum: str, areas: Areas, frame: MetricFrame) -> NDArray[np.float64]:
    """What share of each area the rasters do not cover."""
    west, south, east, north = extent
    # Straight edges of degrees bend in metres: between points 1 % of an edge apart by next to nothing.
    edge = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 100)
    covered = frame.geometries(datum, np.array([edge]))[0]
    shapes = areas.table.geometry.to_numpy()
    return 1 - shapely.area(shapely.intersection(shapes, covered)) / shapely.area(shapes)


def masked_table(masked: Iterable[Masked]) -> pd.DataFrame:
    """What was masked, as `Audit.masked`."""
    rows = [(one.path.name, one.column, one.cells, one.no_data, one.not_a_number, one.negative) for one in masked]
    columns = {"file": "str", "column": "str"} | dict.fromkeys(
        ("cells", "no_data", "not_a_number", "negative"), "int64"
    )
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _moved(points: PeoplePoints) -> pd.Series:
    """People of each group in rasters that were brought onto another grid."""
    moved = {(one.path, one.band): one.people for one in points.moved}
    return pd.Series(
        {
            name: sum(moved.get((part.path, part.band), 0.0) * part.share for part in group)
            for name, group in points.parts.items()
        },
        dtype=np.float64,
    )


def _cell_size_m(layer: PopulationLayer, points: PeoplePoints, datum: str, frame: MetricFrame) -> tuple[float, float]:
    """Width and height of a cell in the middle of the layer."""
    if points.cell == (0.0, 0.0) or not len(points.x):
        return layer.cell_m, layer.cell_m
    x, y = float(np.median(points.x)), float(np.median(points.y))
    width, height = points.cell
    corner = frame.to_metres(datum, np.array([x, x + width, x]), np.array([y, y, y + height]))
    return float(np.hypot(*(corner[1] - corner[0]))), float(np.hypot(*(corner[2] - corner[0])))
