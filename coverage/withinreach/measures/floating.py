"""Floating catchments: how many places there are for each person, when all who reach a facility share it.

Every measure takes a `Market` and what time is worth, and gives an `Access`. Notation: i, k cells with people P,
j facilities with places S, f(t) the decay.

All but `rational_agents` say *places per person* (× 1,000 is the usual figure). What they have in common:

* a cell that reaches nothing has 0;
* a facility with nobody in its catchment has the ratio NaN and gives its places to nobody;
* places are conserved, Σ P·A = Σ S over facilities with people in reach, but for `modified_two_step`, which loses some
  on purpose;
* facilities whose capacity is unknown do not take part (`Market.known` tells how many do).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.kernels.agents import Choices, settle
from withinreach.measures.units import Units
from withinreach.measures.walking import weighted_quantiles
from withinreach.model import Frozen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.decay import Decay
    from withinreach.measures.market import Market
    from withinreach.model import Case

# The relative gap that Boyce, Ralevic-Dekic & Bar-Gera (2004, https://doi.org/10.1061/(ASCE)0733-947X(2004)130:1(49))
# found enough for stable flows of traffic.
EQUILIBRIUM_GAP = 1e-4
MOST_ROUNDS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Access(Frozen):
    """What a floating catchment gives for cells and for facilities.

    Attributes
    ----------
    score : (k,) float64
        Places per person of each cell; for `rational_agents` a cost.
    demand : (f,) float64
        People who share each facility, weighted as the measure weights them.
    ratio : (f,) float64
        Places per person of that demand; NaN where there is none.
    """

    score: NDArray[np.float64]
    demand: NDArray[np.float64]
    ratio: NDArray[np.float64]


def two_step(market: Market, decay: Decay) -> Access:
    """2SFCA with a binary decay, E2SFCA with a stepped one, the Gaussian 2SFCA with a Gaussian one.

    R_j = S_j / Σ_k P_k f(t_kj), A_i = Σ_j R_j f(t_ij).

    Luo & Wang (2003), https://doi.org/10.1068/b29120; Luo & Qi (2009),
    https://doi.org/10.1016/j.healthplace.2009.06.002; Dai (2010), https://doi.org/10.1016/j.healthplace.2010.06.012.
    """
    weight = decay(market.seconds)
    return _shared(market, wanted=weight, granted=weight)


def modified_two_step(market: Market, decay: Decay) -> Access:
    """M2SFCA: the decay counts once more, so that places far from people are lost to them.

    R_j = S_j / Σ_k P_k f(t_kj), A_i = Σ_j R_j f(t_ij)². Σ P·A is what a badly laid out system can deliver of its
    places, and never more than Σ S.

    Delamater (2013), https://doi.org/10.1016/j.healthplace.2013.07.012. Páez (issue 10 of the R package
    *accessibility*) objects that squaring the decay only chooses another one.
    """
    weight = decay(market.seconds)
    return _shared(market, wanted=weight, granted=weight * weight)


def three_step(market: Market, decay: Decay) -> Access:
    """3SFCA: people first divide themselves among the facilities in reach, by the decay.

    G_ij = f(t_ij) / Σ_m f(t_im), R_j = S_j / Σ_k G_kj P_k f(t_kj), A_i = Σ_j G_ij R_j f(t_ij).

    Wan, Zou & Sternberg (2012), https://doi.org/10.1080/13658816.2011.624987, with one decay for both uses, as pysal's
    `access` has it. **Known objection**: the selection weight G is the decay stacked upon itself; it neither cures the
    inflation of demand nor is it needed once the decay is well chosen (Páez, Higgins & Vivona 2019,
    https://doi.org/10.1371/journal.pone.0218773), and the R package *accessibility* declined to carry it for that
    reason. Use it to compare with studies that did.
    """
    weight = decay(market.seconds)
    together = market.to_cells(weight)[market.cell]
    # Where every facility in reach weighs 0, so does the cell's choice of each.
    chosen = np.divide(weight, together, out=np.zeros_like(weight), where=together > 0)
    both = chosen * weight
    return _shared(market, wanted=both, granted=both)


def spatial_availability(market: Market, decay: Decay, *, alpha: float = 1.0) -> Access:
    """Spatial availability: every facility's places are divided among the cells in proportion to people and nearness.

    Two proportions share out S_j, one by people, one by the walk: F^P_i = P_i^α / Σ_k P_k^α and F^t_ij = f(t_ij) /
    Σ_k f(t_kj); V_i = Σ_j S_j F^P_i F^t_ij / Σ_k F^P_k F^t_kj. The score is V_i / P_i, and NaN where nobody lives.
    With α = 1 it equals `two_step` with the same decay wherever somebody lives.

    Soukhov, Páez, Higgins & Mohamed (2023), https://doi.org/10.1371/journal.pone.0278468. It is sometimes called doubly
    constrained for its two proportions; its authors call it *singly* constrained, for only the places are kept. A
    doubly constrained model proper would keep the people as well, which needs as many places as people.

    Parameters
    ----------
    alpha
        Below 1 small settlements get more than their share of people, above 1 less.
    """
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, not {alpha}")
    weight = decay(market.seconds)
    people = market.people
    mass = np.power(people, alpha)
    shared = _shared(market, wanted=weight, granted=weight, mass=mass)
    available = shared.score * mass
    score = np.divide(available, people, out=np.full_like(people, np.nan), where=people > 0)
    return Access(score=score, demand=shared.demand, ratio=shared.ratio)


@dataclass(frozen=True, slots=True)
class Toll:
    """What a walk costs beside the crowd, for `rational_agents`: t/τ.

    ``tau_s`` is the walk that people accept to avoid a crowd as large as the mean. Saxon & Snow use 60 minutes, of
    driving to primary care in the United States; no value for walking is known to us, so choose and vary it.
    """

    tau_s: float

    def __post_init__(self) -> None:
        if not (self.tau_s > 0 and np.isfinite(self.tau_s)):
            raise ValueError(f"tau_s must be above 0 and finite, not {self.tau_s}")

    def __call__(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Costs of the same shape."""
        return seconds / self.tau_s


def rational_agents(market: Market, toll: Toll, *, gap: float = EQUILIBRIUM_GAP) -> Access:
    """RAAM: everybody goes where walk and crowd together cost least, knowing where all others go.

    The cost of facility j to cell i is D_j / (ρ S_j) + t_ij / τ, with D_j its users and ρ the mean number of people
    per place, here of all who reach a facility and all places that somebody reaches, so that the mean crowd costs 1.
    The score is that cost, **lower is better**: inf where nothing is in reach. Places of 0 take no part.

    Saxon & Snow (2020), https://doi.org/10.1080/24694452.2019.1629870. They and pysal's `access` move whole people for
    a set number of cycles; here fractions of people move until an equilibrium is near.

    Parameters
    ----------
    gap
        How near: Σ people × (their cost - the least cost they could have) / Σ people × that least cost.

    Raises
    ------
    RuntimeError
        If that gap is not reached within `MOST_ROUNDS` rounds.
    """
    open_to = market.capacity[market.facility] > 0
    cell, facility = market.cell[open_to], market.facility[open_to]
    reached = np.zeros(len(market.people), bool)
    reached[cell] = True
    visited = np.unique(facility)
    people, places = market.people[reached].sum(), market.capacity[visited].sum()
    none = np.zeros(len(market.capacity))
    score = np.full(len(reached), np.inf)
    if not people > 0:
        return Access(score=score, demand=none, ratio=np.full_like(none, np.nan))
    crowding = places / people / market.capacity[visited]
    order = np.argsort(cell, kind="stable")
    choices = Choices(
        ptr=np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(reached)))]).astype(np.int64),
        facility=np.searchsorted(visited, facility[order]).astype(np.int32),
        walk=toll(market.seconds[open_to][order]),
    )
    found = settle(choices, market.people, crowding, gap, MOST_ROUNDS)
    if found.gap > gap:
        raise RuntimeError(f"no equilibrium after {found.rounds} rounds: relative gap {found.gap:.1e}")
    demand = none.copy()
    demand[visited] = found.load
    np.minimum.at(score, cell[order], choices.walk + (crowding * found.load)[choices.facility])
    return Access(score=score, demand=demand, ratio=_ratio(market.capacity, demand))


def _shared(
    market: Market,
    *,
    wanted: NDArray[np.float64],
    granted: NDArray[np.float64],
    mass: NDArray[np.float64] | None = None,
) -> Access:
    """Divide the places of each facility by its demand, and sum what each cell gets."""
    people = market.people if mass is None else mass
    demand = market.to_facilities(people[market.cell] * wanted)
    ratio = _ratio(market.capacity, demand)
    given = np.where(np.isnan(ratio), 0.0, ratio)
    return Access(score=market.to_cells(given[market.facility] * granted), demand=demand, ratio=ratio)


def _ratio(places: NDArray[np.float64], demand: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(places, demand, out=np.full(len(places), np.nan), where=demand > 0)


def access_table(case: Case, market: Market, access: Access) -> pd.DataFrame:
    """One row per area, weighted by people.

    Columns
    -------
    code, name : str
    people, reaching_people : float
        People of the service's group; those of them who reach a facility of known capacity.
    mean, p10, median, p90 : float
        The score over all people, those who reach nothing included; NaN where nobody lives. Of places per person,
        ``mean × people`` is the places that the area's people get, wherever these stand.
    """
    units = Units.of_areas(case)
    here = market.people > 0
    people, score, unit = market.people[here], access.score[here], units.of_cell[here]
    reaching = np.zeros(len(market.people), bool)
    reaching[market.cell] = True
    total = np.bincount(unit, people, units.count)
    with np.errstate(invalid="ignore"):
        mean = np.where(total > 0, np.bincount(unit, people * score, units.count) / total, np.nan)
    p10, median, p90 = weighted_quantiles(score, people, unit, (0.1, 0.5, 0.9), units.count)
    return pd.DataFrame(
        {
            "code": case.areas.table["code"],
            "name": case.areas.table["name"],
            "people": total.astype(np.float64),
            "reaching_people": units.people(np.where(reaching, market.people, 0.0)),
            "mean": mean,
            "p10": p10,
            "median": median,
            "p90": p90,
        }
    )
