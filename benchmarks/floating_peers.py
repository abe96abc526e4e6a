"""How pandas and pysal's `access` share places, from the tables that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.cases import CUTOFF_MM, SPEED_MM_S
from benchmarks.contender import Answer, per_row

if TYPE_CHECKING:
    from benchmarks.cases import City


class PairTables(NamedTuple):
    demand: Any
    supply: Any
    cost: Any


def pair_tables(city: City) -> PairTables:
    """People, places and pairs as the tables that pysal's access takes."""
    import pandas as pd

    from benchmarks.ours import market

    given = market(city)
    return PairTables(
        pd.DataFrame({"demand": given.people}).rename_axis("geoid"),
        pd.DataFrame({"supply": given.capacity}).rename_axis("geoid"),
        pd.DataFrame({"origin": given.cell, "dest": given.facility, "cost": given.seconds}),
    )


def pandas_floating(tables: PairTables, city: City) -> Any:
    import pandas as pd

    cost = tables.cost
    cutoff_s = CUTOFF_MM / SPEED_MM_S
    ends = [-1.0, cutoff_s / 3, cutoff_s * 2 / 3, cutoff_s]
    weight = pd.cut(cost["cost"], ends, labels=False).map({0: 1.0, 1: 0.68, 2: 0.22})
    demand = (tables.demand["demand"].reindex(cost["origin"]).to_numpy() * weight).groupby(cost["dest"]).sum()
    ratio = tables.supply["supply"] / demand
    score = (ratio.reindex(cost["dest"]).to_numpy() * weight).groupby(cost["origin"]).sum()
    return score.reindex(range(len(city.cell_xy)), fill_value=0.0)


def access_floating(tables: PairTables, _city: City) -> Any:
    from access import fca, weights

    cutoff_s = CUTOFF_MM / SPEED_MM_S
    steps = weights.step_fn({cutoff_s / 3: 1.0, cutoff_s * 2 / 3: 0.68, cutoff_s: 0.22})
    # A copy, for it writes into the table of places.
    return fca.two_stage_fca(
        tables.demand,
        tables.supply.copy(),
        tables.cost,
        cutoff_s,
        demand_index=True,
        demand_name="demand",
        supply_index=True,
        supply_name="supply",
        weight_fn=steps,
    )


def access_answer(score: Any, city: City) -> Answer:
    """It leaves out the cells that reach nothing."""
    return per_row(score.reindex(range(len(city.cell_xy)), fill_value=0.0).to_numpy())
