"""The homes that totals of communities or townships are spread over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.errors import SourceError
from withinreach.sources.population.files import feature_rows, is_table, shape_kind, table_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.remarks import Remark
    from withinreach.study import Homes

AREA, EQUAL = "area", "equal"
POLYGON = 2


@dataclass(frozen=True, slots=True, eq=False)
class HomePlaces:
    """Where people may live.

    Attributes
    ----------
    shapes : (n,) array of points or polygons
        In the declared datum.
    weight : (n,) float64
        0 and more; `by_area` says whether the area of the polygon still has to be multiplied in.
    unknown : int
        Rows whose weight is not told, which count as 0.
    remarks : tuple of Remark
    """

    shapes: NDArray[np.object_]
    weight: NDArray[np.float64]
    by_area: bool
    unknown: int
    remarks: tuple[Remark, ...]


def read_homes(homes: Homes) -> HomePlaces:
    """Read the places that totals are spread over.

    Raises
    ------
    SourceError
        If the file cannot be used, or coordinates or weights are not numbers or below 0.
    """
    key = "population.spread.homes"
    named = [] if homes.weight in (EQUAL, AREA) else [(f"{key}.weight", homes.weight)]
    named += [(f"{key}.floors", homes.floors)] if homes.floors is not None else []
    if is_table(homes.path):
        rows = table_rows(homes.path, [homes.x, homes.y, *(column for _, column in named)], homes.sheet)
        rows.need([(f"{key}.x", homes.x), (f"{key}.y", homes.y)])
        shapes = shapely.points(rows.coordinates(homes.x), rows.coordinates(homes.y))
    else:
        rows = feature_rows(homes.path, homes.datum, shape_kind(homes.path, homes.layer), homes.layer)
        shapes = np.asarray(rows.shapes, object)
    by_area = homes.weight == AREA
    if by_area and shapely.get_dimensions(shapes).max() < POLYGON:
        raise SourceError(f"{homes.path}: points have no area; name the column of {key}.weight")
    rows.need(named)
    weight = np.ones(len(rows.table))
    for _, column in named:
        weight = weight * rows.numbers(column)
    rows.raise_problems()
    return HomePlaces(shapes, np.nan_to_num(weight), by_area, int(np.isnan(weight).sum()), tuple(rows.remarks))
