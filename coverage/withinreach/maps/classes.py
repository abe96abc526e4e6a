"""Classes of the legend: uncovered people by density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the uncovered people, so many live at most as densely as the three breaks.
DENSITY_SHARES = (0.2, 0.5, 0.8)
STEPS = (1.0, 2.0, 5.0)
# People per hectare; thinner than this is noise of a disaggregated grid, and no break of a legend.
LOWEST_BREAK = 0.001


def density_breaks(uncovered: NDArray[np.float64], cell_ha: float) -> tuple[float, float, float]:
    """Three round, rising densities (people per hectare) that part the uncovered people into four classes.

    Parameters
    ----------
    uncovered : (k,)
        Uncovered people of each cell.
    cell_ha
        Area of a cell in hectares.

    Returns
    -------
    tuple
        Each 1, 2 or 5 times a power of ten; 1, 2, 5 where nobody is uncovered.
    """
    people = np.sort(uncovered[uncovered > 0])
    if len(people) == 0:
        return 1.0, 2.0, 5.0
    running = np.cumsum(people)
    at = np.searchsorted(running, np.array(DENSITY_SHARES) * running[-1])
    low, middle, high = (_rank(float(value)) for value in np.maximum(people[at] / cell_ha, LOWEST_BREAK))
    middle = max(middle, low + 1)
    high = max(high, middle + 1)
    return _round_number(low), _round_number(middle), _round_number(high)


def _rank(value: float) -> int:
    """Place of the round number nearest to a value, by ratio, in the series … 0.5, 1, 2, 5, 10 …"""
    power = int(np.floor(np.log10(value)))
    ranks = range(3 * power, 3 * power + 4)
    return min(ranks, key=lambda rank: abs(np.log(_round_number(rank) / value)))


def _round_number(rank: int) -> float:
    power, step = divmod(rank, len(STEPS))
    # Division by a power of ten is exact to the last digit where multiplication by 10 ** -1 is not.
    return STEPS[step] * 10**power if power >= 0 else STEPS[step] / 10**-power
