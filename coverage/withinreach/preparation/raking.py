"""Two margins at once: iterative proportional fitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FITTED = 1e-10
MOST_ROUNDS = 10_000


def rake(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Scale the rows and the columns of a table in turn until both add up to their totals.

    Of all tables with these totals the result is the one nearest to the given one (least relative entropy); cells
    that are 0 stay 0, and ratios of cross products stay as they are. Deming and Stephan, Annals of Mathematical
    Statistics 11 (1940) 427-444.

    Parameters
    ----------
    table : (r, c), not below 0
    rows : (r,), columns : (c,)
        Totals with the same sum.

    Returns
    -------
    fitted : (r, c) float64
        Columns are met but for rounding.
    off : float
        The largest difference of a row from its total, as a share of the whole sum; above `FITTED` there is no such
        table, for then zeros are in the way.
    """
    fitted = table.astype(np.float64)
    whole = max(float(columns.sum()), np.finfo(float).tiny)
    off = np.inf
    for _ in range(MOST_ROUNDS):
        fitted *= _ratio(columns, fitted.sum(axis=0))
        off = float(np.abs(fitted.sum(axis=1) - rows).max(initial=0.0)) / whole
        if off <= FITTED:
            break
        fitted *= _ratio(rows, fitted.sum(axis=1))[:, None]
    return fitted, off


def _ratio(wanted: NDArray[np.float64], have: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(wanted, have, out=np.zeros_like(have), where=have > 0)
