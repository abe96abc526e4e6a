"""The mark of a figure that is withheld for disclosure control: known, but not told; never to be taken for 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

# Stands in the place of the figure, also in columns of numbers; readers of CSV find it among the missing values of
# the data package.
PROTECTED = "protected"
SHOWN = {"zh": "受保护", "en": PROTECTED}


def withheld(column: pd.Series) -> pd.Series:
    """Which values of a column are withheld."""
    return column.astype(object).map(lambda value: isinstance(value, str) and value == PROTECTED).astype(bool)


def withhold(column: pd.Series, rows: NDArray[np.bool_]) -> pd.Series:
    """A column with the mark in some rows; one without any is left as it is."""
    return column.astype(object).mask(rows, PROTECTED) if rows.any() else column


def figures(column: pd.Series) -> pd.Series:
    """A column of numbers, NaN where they are withheld."""
    return pd.to_numeric(column, errors="coerce")


def reckoned(column: pd.Series, reckon: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """What is reckoned from a column of figures, withheld where they are."""
    return withhold(reckon(figures(column)), withheld(column).to_numpy(bool))
