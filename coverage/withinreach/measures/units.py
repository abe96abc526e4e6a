"""Which unit each cell and each facility counts for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import OUTSIDE_AREAS, TOTAL, Areas
from withinreach.preparation.areas import assign_areas

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.model import Case, Places


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Units with their codes, and the row of the unit of each area, cell and facility (-1: none)."""

    codes: tuple[str, ...]
    of_area: NDArray[np.int32]
    of_cell: NDArray[np.int32]
    of_facility: NDArray[np.int32]

    @classmethod
    def of_areas(cls, case: Case) -> Units:
        """Every area for itself."""
        rows = np.arange(len(case.areas), dtype=np.int32)
        return cls(tuple(case.areas.table["code"]), rows, case.people.area, case.facilities.area)

    @classmethod
    def all_together(cls, case: Case) -> Units:
        """All areas as one unit; facilities outside them still count for none."""
        together = np.zeros(len(case.areas), np.int32)
        return cls((TOTAL,), together, _as_one(case.people.area), _as_one(case.facilities.area))

    @classmethod
    def of_polygons(cls, case: Case, table: gpd.GeoDataFrame, area: NDArray[np.int32]) -> Units:
        """Polygons (code, geometry), each below the area of its row; what lies in another area or in none counts for
        none.
        """

        def unit_of(places: Places) -> NDArray[np.int32]:
            unit = np.full(len(places), OUTSIDE_AREAS, np.int32)
            for row in np.unique(area):
                own, here = np.flatnonzero(area == row), np.flatnonzero(places.area == row)
                found = assign_areas(Areas(table.iloc[own].reset_index(drop=True)), places.xy[here])
                unit[here] = np.where(found == OUTSIDE_AREAS, OUTSIDE_AREAS, own[found])
            return unit

        nowhere = np.full(len(case.areas), OUTSIDE_AREAS, np.int32)
        return cls(tuple(table["code"]), nowhere, unit_of(case.people), unit_of(case.facilities))

    @property
    def count(self) -> int:
        """How many units there are."""
        return len(self.codes)

    @property
    def whole(self) -> bool:
        """Whether all areas are one unit."""
        return self.codes == (TOTAL,)

    def of_place(self, area: NDArray[np.int32]) -> NDArray[np.int32]:
        """The unit of places whose area is known, -1 outside all areas."""
        return np.where(area == OUTSIDE_AREAS, OUTSIDE_AREAS, self.of_area[area]).astype(np.int32)

    def people(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value per cell over the cells of each unit, shape (count,)."""
        # Those of no unit are counted in a place of their own: picking out the others takes twice as long.
        return np.bincount(self.of_cell + 1, weights, self.count + 1)[1:].astype(np.float64)

    def sum(self, unit: NDArray[np.int32], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of a value per place over the places of each unit, shape (count,); those of no unit are left out."""
        here = unit != OUTSIDE_AREAS
        return np.bincount(unit[here], values[here], self.count).astype(np.float64)


def _as_one(area: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(area == OUTSIDE_AREAS, OUTSIDE_AREAS, 0).astype(np.int32)
