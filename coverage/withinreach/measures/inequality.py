"""How unequally something good is shared: Gini, Theil, Palma and concentration, each person counting once.

A *score* is any figure per cell that more of is better and none of is 0: places per person of a floating catchment, or
the number of facilities within the cutoff. All measures take scores with the people of each cell; cells without people
do not count. The formulas are those of the R package *accessibility* (Pereira & Herszenhut 2023) where it has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Theil(NamedTuple):
    """Theil's T, and its parts between and within units; they add up to it."""

    total: float
    between: float
    within: float


def lorenz_curve(score: NDArray[np.float64], people: NDArray[np.float64]) -> pd.DataFrame:
    """Cumulative shares from those with least to those with most, beginning at (0, 0) and ending at (1, 1).

    Columns
    -------
    people_share, score_share : float
        One row per distinct score and one for the origin; NaN score shares where nobody has anything.
    """
    here = people > 0
    order = np.argsort(score[here], kind="stable")
    weight, value = people[here][order], score[here][order]
    last = np.append(value[1:] != value[:-1], np.ones(min(1, len(value)), bool))
    people_sum, score_sum = np.cumsum(weight)[last], np.cumsum(weight * value)[last]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [np.append(0.0, part / part[-1:]) for part in (people_sum, score_sum)]
    return pd.DataFrame({"people_share": shares[0], "score_share": shares[1]})


def gini(score: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    """1 - Σ (F_k - F_{k-1}) (L_k + L_{k-1}) along the Lorenz curve: 0 if all have the same, towards 1 if one has all.

    NaN where nobody lives or nobody has anything.
    """
    curve = lorenz_curve(score, people)
    shares, scores = curve["people_share"].to_numpy(), curve["score_share"].to_numpy()
    if len(shares) < 2 or np.isnan(scores).any():
        return float("nan")
    return float(1 - (np.diff(shares) * (scores[1:] + scores[:-1])).sum())


def theil(score: NDArray[np.float64], people: NDArray[np.float64], unit: NDArray[np.int32]) -> Theil:
    """Theil's T, Σ (P_i / P) (x_i / μ) ln(x_i / μ) with 0 ln 0 = 0, and its parts.

    Between units g with share s_g of all that there is and mean μ_g: Σ s_g ln(μ_g / μ); within: Σ s_g T_g. NaN where
    nobody lives or nobody has anything. (The mean logarithmic deviation is not offered: it has no value with zeros.)

    Theil (1967), *Economics and Information Theory*; decomposition after Shorrocks (1980),
    https://doi.org/10.2307/1913126.
    """
    have = (people > 0) & (score > 0)
    amount = people[have] * score[have]
    if not amount.sum() > 0:
        return Theil(float("nan"), float("nan"), float("nan"))
    mean = amount.sum() / people.sum()
    total = float((amount * np.log(score[have] / mean)).sum() / amount.sum())
    inhabited = people > 0
    number = np.unique(unit[inhabited], return_inverse=True)[1]
    of_unit = np.bincount(number, people[inhabited] * score[inhabited])
    unit_mean = of_unit / np.bincount(number, people[inhabited])
    some = of_unit > 0
    between = float((of_unit[some] * np.log(unit_mean[some] / mean)).sum() / amount.sum())
    at = number[have[inhabited]]
    within = float((amount * np.log(score[have] / unit_mean[at])).sum() / amount.sum())
    return Theil(total, between, within)


def palma(score: NDArray[np.float64], people: NDArray[np.float64]) -> tuple[float, str]:
    """What the tenth with most have over what the four tenths with least have, and why there is no figure.

    Shares are read off the Lorenz curve, so that a cell across a tenth is divided. Undefined where the four tenths have
    nothing, which is the normal case of a 15-minute walk.

    Palma (2011), https://doi.org/10.1111/j.1467-7660.2011.01694.x.
    """
    curve = lorenz_curve(score, people)
    if len(curve) < 2:
        return float("nan"), "nobody lives here"
    if curve["score_share"].isna().any():
        return float("nan"), "nobody reaches anything"
    bottom, below_top = np.interp([0.4, 0.9], curve["people_share"], curve["score_share"])
    if not bottom > 0:
        return float("nan"), "the 40 % with least reach nothing"
    return float((1 - below_top) / bottom), ""


def concentration(score: NDArray[np.float64], people: NDArray[np.float64], rank_by: NDArray[np.float64]) -> float:
    """Whether more goes to people who rank high in something else: 2 cov(x, r) / μ, from -1 to 1.

    ``r`` is the share of people who rank lower, half of those who rank the same included. Above 0 those who rank high
    have more; 0 says that rank does not matter. NaN where nobody lives or nobody has anything.

    Kakwani, Wagstaff & van Doorslaer (1997), https://doi.org/10.1016/S0304-4076(96)01807-6.
    """
    here = people > 0
    weight, value = people[here], score[here]
    amount = (weight * value).sum()
    if not amount > 0:
        return float("nan")
    _, level = np.unique(rank_by[here], return_inverse=True)
    of_level = np.bincount(level, weight)
    rank = ((np.cumsum(of_level) - of_level / 2) / weight.sum())[level]
    # Weighted by people the mean rank is one half.
    return float(2 * (weight * value * rank).sum() / amount - 1)
