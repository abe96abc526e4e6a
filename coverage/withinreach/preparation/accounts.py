"""The ledger of preparation: people of every group after each step from the raw file to the areas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.model import OUTSIDE_AREAS, Step, residual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

OUTSIDE = "outside_areas"
TOTAL = "total"
# Sums of the same numbers in another order; a lost cell is a million times larger.
CONSERVED = 1e-9


class Accounts:
    """Collects what every step holds, per group, area and outside of them.

    Steps of which nothing is entered hold 0; the census, where nobody calibrates, NaN.
    """

    def __init__(self, groups: Sequence[str], codes: Sequence[str]) -> None:
        self._groups = list(groups)
        self._codes = list(codes)
        width = len(self._codes) + 1
        unknown = (Step.CENSUS, Step.CENSUS_WITHOUT_AREA)
        self._sums = {step: np.full((len(groups), width), np.nan if step in unknown else 0.0) for step in Step}

    def enter(self, step: Step, people: pd.DataFrame, area: NDArray[np.int32]) -> None:
        """Add people, one row each with its area, to a step; -1 is outside of all areas."""
        at = np.where(area == OUTSIDE_AREAS, len(self._codes), area)
        for i, group in enumerate(self._groups):
            values = people[group].to_numpy(np.float64)
            self._sums[step][i] += np.bincount(at, values, len(self._codes) + 1)

    def enter_outside(self, step: Step, people: pd.Series) -> None:
        """Add people of every group who are in no area to a step."""
        for i, group in enumerate(self._groups):
            self._sums[step][i, -1] += people[group]

    def enter_sums(self, step: Step, group: str, sums: NDArray[np.float64]) -> None:
        """Put people of a group per area and outside of all, (areas + 1,), in the place of what the step holds."""
        self._sums[step][self._groups.index(group)] = sums

    def table(self) -> pd.DataFrame:
        """People by group and step (rows), area, ``outside_areas`` and ``total`` (columns); see `Audit.accounts`.

        Raises
        ------
        AssertionError
            If people were lost or won between two steps: a defect of ours, never of the data.
        """
        index = pd.MultiIndex.from_product([self._groups, [step.value for step in Step]], names=["group", "step"])
        values = np.stack([self._sums[step] for step in Step], axis=1).reshape(len(index), -1)
        table = pd.DataFrame(values, index=index, columns=[*self._codes, OUTSIDE])
        # Outside of all areas there is no census, so its total there is that of the areas and of units without one.
        table[TOTAL] = table.sum(axis=1, min_count=1)
        for group in self._groups:
            if abs(residual(table.loc[group][TOTAL])) > CONSERVED * max(table.loc[(group, Step.READ), TOTAL], 1.0):
                raise AssertionError(f"people of {group} were lost in preparation:\n{table.loc[group]}")
        return table
