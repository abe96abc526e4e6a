"""The steps of the ledger from raw files to the people in the areas."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


class Step(StrEnum):
    """A line of the ledger. ``read + calibration = without_area + outside_areas + in_areas`` for every group and area.

    Attributes
    ----------
    READ
        In the files, within the rectangle around the areas, less what is masked.
    MOVED
        Of them: brought onto the grid of the other rasters by sums.
    SPREAD
        Of them: known by unit only and spread evenly over its settled cells or its area, for want of a home.
    WITHOUT_AREA
        Of units that have no polygon, so that nobody can be placed.
    OUTSIDE_AREAS
        In cells whose centre lies in none of the areas.
    CALIBRATION
        Added by scaling to the census; below 0 where the census has fewer.
    IN_AREAS
        What is measured.
    CENSUS
        According to the census; unknown without calibration and where the census has no row or no figure.
    CENSUS_WITHOUT_AREA
        Of the census: units without a polygon, not measured.
    """

    READ = "read"
    MOVED = "moved"
    SPREAD = "spread"
    WITHOUT_AREA = "without_area"
    OUTSIDE_AREAS = "outside_areas"
    CALIBRATION = "calibration"
    IN_AREAS = "in_areas"
    CENSUS = "census"
    CENSUS_WITHOUT_AREA = "census_without_area"


def residual(steps: pd.Series) -> float:
    """People that the steps of one group lost, 0 but for rounding: read and added less those that are elsewhere now."""
    here = steps[Step.WITHOUT_AREA] + steps[Step.OUTSIDE_AREAS] + steps[Step.IN_AREAS]
    return float(steps[Step.READ] + steps[Step.CALIBRATION] - here)
