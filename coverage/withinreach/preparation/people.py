"""Population layer -> cells in metres, each in exactly one unit, with what was left outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.areas import assign_areas
from withinreach.preparation.frame import misplaced
from withinreach.sources.population import read_population

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.sources.population import PeoplePoints
    from withinreach.study import PopulationLayer

# Rasters are read this far around the areas; more than a rectangle bends between two systems over a prefecture.
WINDOW_MARGIN_M = 2000.0
CONSERVED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
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
    steps : DataFrame
        People of each group ``read``, ``outside_areas`` and ``in_areas``.
    """

    groups: pd.DataFrame
    xy: NDArray[np.float64]
    area: NDArray[np.int32]
    size_m: tuple[float, float]
    steps: pd.DataFrame


def prepare_people(layer: PopulationLayer, areas: Areas, frame: MetricFrame, findings: Findings) -> Cells:
    """Read the population around the areas and give every cell its unit.

    A cell belongs to the unit that holds its centre; people whose cell lies outside all units are counted in
    ``steps`` and left out.

    Raises
    ------
    SourceError
        If the layer cannot be used, or nobody lives inside the areas.
    """
    corners = shapely.bounds(areas.table.geometry.to_numpy()).reshape(-1, 2)
    points = read_population(layer, frame.bounds_in(layer.datum, corners, WINDOW_MARGIN_M))
    path = next(iter(layer.groups.values())).parts[0].path
    findings.take(path, points.remarks)
    wrong = misplaced(layer.datum, points.x, points.y)
    if wrong.any():
        x, y = points.x[wrong][0], points.y[wrong][0]
        raise SourceError(f"{path}: a cell at ({x:g}, {y:g}) is not a place in {layer.datum}; check the datum")
    xy = frame.to_metres(layer.datum, points.x, points.y)
    area = assign_areas(areas, xy)
    inside = area != OUTSIDE_AREAS
    groups = pd.DataFrame(points.groups)
    steps = pd.DataFrame(
        {"read": groups.sum(), "outside_areas": groups[~inside].sum(), "in_areas": groups[inside].sum()}
    ).T
    if not inside.any() or not groups[inside].to_numpy().any():
        raise SourceError(f"{path}: nobody lives inside the areas; check the datum and the extent of both layers")
    _assert_conserved(steps)
    _note(layer, steps, findings)
    return Cells(
        groups=groups[inside].reset_index(drop=True),
        xy=xy[inside],
        area=area[inside],
        size_m=_cell_size_m(layer, points, frame),
        steps=steps,
    )


def _assert_conserved(steps: pd.DataFrame) -> None:
    apart = steps.loc["outside_areas"] + steps.loc["in_areas"]
    if not np.allclose(steps.loc["read"], apart, rtol=CONSERVED, atol=0):
        raise AssertionError(f"people were lost between reading and assigning areas:\n{steps}")


def _note(layer: PopulationLayer, steps: pd.DataFrame, findings: Findings) -> None:
    for name, group in layer.groups.items():
        read, outside = steps.loc["read", name], steps.loc["outside_areas", name]
        if outside > 0:
            findings.note(
                "people_outside_areas", group.parts[0].path, {"group": name, "read": read, "outside": outside}
            )


def _cell_size_m(layer: PopulationLayer, points: PeoplePoints, frame: MetricFrame) -> tuple[float, float]:
    """Width and height of a cell in the middle of the layer."""
    if points.cell == (0.0, 0.0):
        return layer.cell_m, layer.cell_m
    x, y = float(np.median(points.x)), float(np.median(points.y))
    width, height = points.cell
    corner = frame.to_metres(layer.datum, np.array([x, x + width, x]), np.array([y, y, y + height]))
    return float(np.hypot(*(corner[1] - corner[0]))), float(np.hypot(*(corner[2] - corner[0])))
