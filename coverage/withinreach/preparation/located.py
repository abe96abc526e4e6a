"""People of every group and the area of each cell, before calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.preparation.scope import Scope
    from withinreach.sources.population import Masked, Parts


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Inhabited cells in metres, in the areas or outside of them.

    Attributes
    ----------
    path : Path
        The file, folder or pattern that findings name.
    groups : DataFrame, (k, g)
        People of each group.
    xy : (k, 2) float64
    area : (k,) int32
        Row in the areas, -1 outside.
    spread : (k,) bool
        Cells of people who are known by unit only and have no home.
    size_m : (float, float)
        Width and height of a cell.
    parts : dict from group name to its parts
    read : Series
        People of each group in the files.
    moved : Series
        Those of them who were brought onto another grid.
    without_area : Series
        Those of them whose unit has no polygon.
    masked : tuple of Masked
    """

    path: Path
    groups: pd.DataFrame
    xy: NDArray[np.float64]
    area: NDArray[np.int32]
    spread: NDArray[np.bool_]
    size_m: tuple[float, float]
    parts: Parts
    read: pd.Series
    moved: pd.Series
    without_area: pd.Series
    masked: tuple[Masked, ...] = ()


def without_others(located: Located, scope: Scope) -> tuple[Located, NDArray[np.float64]]:
    """Without the cells in areas that the study does not take, as if nobody had read them; and where these are."""
    theirs = scope.with_others(located.xy)
    if not theirs.any():
        return located, np.empty((0, 2))
    own = replace(
        located,
        groups=located.groups[~theirs].reset_index(drop=True),
        xy=located.xy[~theirs],
        area=located.area[~theirs],
        spread=located.spread[~theirs],
        read=located.read - located.groups[theirs].sum(),
    )
    return own, located.xy[theirs]
