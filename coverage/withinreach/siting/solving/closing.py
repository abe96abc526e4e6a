"""Which facilities can close without anybody losing the service, and which closings lose fewest people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from withinreach.siting.solving.covering import set_covering

if TYPE_CHECKING:
    from withinreach.siting.solving.answers import Answer
    from withinreach.siting.solving.problem import Demand, Sites


def fewest_kept(demand: Demand, sites: Sites, cutoff: float, share: float = 1.0, limit_s: float = np.inf) -> Answer:
    """Keep as few sites as possible so that everybody who is covered stays covered (LSCP over what stands).

    Parameters
    ----------
    sites
        What stands. Those that are fixed stay open.
    share
        Of the covered people who must stay so.

    Returns
    -------
    Answer
        The objective is the cost of those kept and not fixed: their number where each costs 1. All others can close.
    """
    covered = demand.nearest(np.ones(len(sites), bool)) <= cutoff
    kept = replace(demand, weight=np.where(covered, demand.weight, 0.0))
    return set_covering(kept, sites, cutoff, share, limit_s)
