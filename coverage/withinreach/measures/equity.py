"""What a service's equity looks like: one table of figures, one of strata, and the worst-served tenth as places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.measures.decay import Binary
from withinreach.measures.floating import two_step
from withinreach.measures.inequality import concentration, gini, lorenz_curve, palma, theil
from withinreach.measures.market import market_of
from withinreach.measures.strata import everybody, strata_of
from withinreach.measures.units import Units
from withinreach.measures.walking import weighted_quantiles
from withinreach.model import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.reach import Pairs, Reach

WORST = 0.1
NOBODY = "nobody lives here"
NOTHING = "nobody reaches anything"
NO_TERRAIN = "the study gives no terrain"


@dataclass(frozen=True, slots=True, eq=False)
class Equity(Frozen):
    """How evenly a service is within reach.

    Attributes
    ----------
    score : (k,) float64
        What is shared, per cell; see `equity_score`.
    score_name : str
        ``places_per_person`` or ``facilities_within_cutoff``.
    figures : DataFrame
        Index: the figure; columns ``value`` (NaN where undefined) and ``reason`` (empty where there is a value).
    lorenz : DataFrame
        See `lorenz_curve`.
    strata : DataFrame
        One row per stratum; see `strata_table`.
    worst : DataFrame
        One row per area; see `worst_table`.
    worst_share : (k,) float64
        Share of each cell's people who belong to the worst-served tenth.
    """

    score: NDArray[np.float64]
    score_name: str
    figures: pd.DataFrame
    lorenz: pd.DataFrame
    strata: pd.DataFrame
    worst: pd.DataFrame
    worst_share: NDArray[np.float64]


def measure_equity(case: Case, reach: Reach, pairs: Pairs) -> Equity:
    """All of it for one service.

    Figures
    -------
    gini, theil, theil_between, theil_within, palma
        Of the score; between and within areas. See `inequality`.
    concentration_density
        Above 0 people in denser places have more; density is residents per cell, for cells are equally large.
    concentration_<group>
        Above 0 cells where the group is a larger share of the residents have more.
    p10_min, p50_min, p90_min
        Minutes to the nearest facility that so many of the people do not exceed; without a value if that share of the
        people has no way at all.
    worst_tenth_min
        The shortest walk among the worst-served tenth.
    """
    people = case.people_of(reach.service.people)
    score, name = equity_score(case, pairs)
    worst_share = worst_served(reach.seconds, people)
    return Equity(
        score=score,
        score_name=name,
        figures=_figures(case, reach, score, worst_share),
        lorenz=lorenz_curve(score, people),
        strata=strata_table(case, reach, score),
        worst=worst_table(case, reach, worst_share),
        worst_share=worst_share,
    )


def equity_score(case: Case, pairs: Pairs) -> tuple[NDArray[np.float64], str]:
    """Places per person by 2SFCA where the service names a capacity, else how many facilities are within the cutoff."""
    if pairs.service.capacity is not None:
        access = two_step(market_of(case, pairs), Binary(pairs.service.cutoff_s))
        return access.score, "places_per_person"
    count = np.bincount(pairs.cell, minlength=len(case.people)).astype(np.float64)
    return count, "facilities_within_cutoff"


def worst_served(seconds: NDArray[np.float64], people: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each cell's people who belong to the tenth with the longest walks, shape (k,).

    Those without any way come first. Of cells that are equally far on the border of the tenth, all give the same share.
    """
    level, of_cell = np.unique(seconds, return_inverse=True)
    of_level = np.bincount(of_cell, people, len(level))
    farther = people.sum() - np.cumsum(of_level)
    left = np.clip(WORST * people.sum() - farther, 0, of_level)
    share = np.divide(left, of_level, out=np.zeros_like(left), where=of_level > 0)[of_cell]
    return np.where(people > 0, share, 0.0)


def worst_table(case: Case, reach: Reach, worst_share: NDArray[np.float64]) -> pd.DataFrame:
    """Where the worst-served tenth lives, one row per area.

    Columns
    -------
    code, name : str
    worst_people : float
        People of the area among the tenth.
    worst_of_area : float
        Their share of the area's people: above 0.1 the area has more than its part of them; NaN where nobody lives.
    cells : int
        Cells in which some of them live.
    """
    units = Units.of_areas(case)
    people = case.people_of(reach.service.people)
    worst, total = units.people(people * worst_share), units.people(people)
    return pd.DataFrame(
        {
            "code": case.areas.table["code"],
            "name": case.areas.table["name"],
            "worst_people": worst,
            "worst_of_area": np.divide(worst, total, out=np.full_like(total, np.nan), where=total > 0),
            "cells": units.people((worst_share > 0).astype(np.float64)).astype(np.int64),
        }
    )


def strata_table(case: Case, reach: Reach, score: NDArray[np.float64]) -> pd.DataFrame:
    """Urban, rural and mountain side by side, by the rules of `strata_of`.

    Columns
    -------
    stratum : str
    people, served_people, coverage, median_min, mean_score : float
        NaN where nobody lives, and in ``mountain`` where the study gives no terrain.
    reason : str
        Why a stratum has no figures.
    """
    people = case.people_of(reach.service.people)
    strata = strata_of(case)
    rows = [
        _stratum("urban", strata.urban, people, reach, score),
        _stratum("rural", ~strata.urban, people, reach, score),
        _stratum("mountain", strata.mountain, people, reach, score),
    ]
    return pd.DataFrame(rows)


def _stratum(
    name: str, here: NDArray[np.bool_] | None, people: NDArray[np.float64], reach: Reach, score: NDArray[np.float64]
) -> dict[str, str | float]:
    unknown = dict.fromkeys(("people", "served_people", "coverage", "median_min", "mean_score"), np.nan)
    if here is None:
        return {"stratum": name, **unknown, "reason": NO_TERRAIN}
    inside = np.where(here, people, 0.0)
    total = inside.sum()
    if not total > 0:
        return {"stratum": name, **unknown, "people": 0.0, "served_people": 0.0, "reason": NOBODY}
    served = inside[reach.covered].sum()
    return {
        "stratum": name,
        "people": total,
        "served_people": served,
        "coverage": served / total,
        "median_min": _finite(_quantiles(reach.seconds, inside, (0.5,))[0]),
        "mean_score": (inside * score).sum() / total,
        "reason": "",
    }


def _figures(case: Case, reach: Reach, score: NDArray[np.float64], worst_share: NDArray[np.float64]) -> pd.DataFrame:
    people = case.people_of(reach.service.people)
    none = NOBODY if not people.sum() > 0 else NOTHING
    parts = theil(score, people, case.people.area)
    tenths, why = palma(score, people)
    rows = {
        "gini": (gini(score, people), none),
        "theil": (parts.total, none),
        "theil_between": (parts.between, none),
        "theil_within": (parts.within, none),
        "palma": (tenths, why),
        "concentration_density": (concentration(score, people, case.people_of(everybody(case))), none),
    }
    residents = case.people_of(everybody(case))
    for group in case.study.population.groups:
        if group != everybody(case):
            share = np.divide(case.people_of(group), residents, out=np.zeros_like(residents), where=residents > 0)
            rows[f"concentration_{group}"] = (concentration(score, people, share), none)
    no_way = NOBODY if not people.sum() > 0 else "so many have no way to any facility"
    for name, minutes in zip(("p10", "p50", "p90"), _quantiles(reach.seconds, people, (0.1, 0.5, 0.9)), strict=True):
        rows[f"{name}_min"] = (_finite(minutes), no_way)
    worst = reach.seconds[worst_share > 0]
    rows["worst_tenth_min"] = (_finite(worst.min() / 60 if len(worst) else np.nan), no_way)
    values = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "reason"])
    return values.assign(reason=values["reason"].where(values["value"].isna(), "")).rename_axis("figure")


def _quantiles(
    seconds: NDArray[np.float64], people: NDArray[np.float64], shares: tuple[float, ...]
) -> NDArray[np.float64]:
    """Minutes that shares of all people do not exceed; inf where that takes people without a way."""
    one = np.zeros(len(people), np.int32)
    return weighted_quantiles(seconds / 60, people, one, shares, 1)[:, 0]


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else float("nan")
