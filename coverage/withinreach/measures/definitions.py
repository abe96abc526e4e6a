"""Coverage as others define it: the share of settled land, and of villages and communities, beside that of people.

All three are somebody's official definition and differ strongly: the housing ministry's city examination divides
covered residential land by all of it; civil affairs count communities that have a station, or a facility in reach;
master plans count people. None stands for another, so they are always given together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.model import Case
    from withinreach.reach import Reach

# 村(社区): the units that a coverage of units counts.
LISTED: tuple[Literal["village", "community"], ...] = ("village", "community")


def definition_figures(case: Case, reach: Reach, units: Units) -> pd.DataFrame:
    """Settled land and listed units within the cutoff, one row per unit.

    Settled land is that of all inhabited cells, whichever group a service is for. A village or community is covered
    if a facility is within the cutoff of its place.
    """
    km2 = case.cell_size_m[0] * case.cell_size_m[1] / 1e6
    settled = units.people(np.full(len(case.people), km2))
    covered = units.people(np.where(reach.covered, km2, 0.0))
    listed, reached = units_in_reach(case, reach, units, LISTED)
    return pd.DataFrame(
        {
            "settled_km2": settled,
            "settled_coverage": share(covered, settled),
            "listed_units": listed,
            "listed_coverage": share(reached, listed),
        }
    )


def units_in_reach(
    case: Case, reach: Reach, units: Units, levels: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Listed units of some levels and those with a facility in time, per unit; NaN where the study lists none."""
    here = [level for level in levels if level in case.units]
    if not here:
        return np.full(units.count, np.nan), np.full(units.count, np.nan)
    unit = np.concatenate([units.of_place(case.units[level].places.area) for level in here])
    reached = np.concatenate([reach.covered_units(level) for level in here]).astype(np.float64)
    return units.sum(unit, np.ones(len(unit))), units.sum(unit, reached)


def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part / whole, NaN where the whole is nothing or unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
