"""How long people walk, and how they came to be counted: what the page draws as small charts and as the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.maps.numbers import numbers
from withinreach.model import TOTAL, Step

if TYPE_CHECKING:
    from withinreach.model import Case
    from withinreach.reach import Reach

# Minutes at which bars of the chart end; the cutoff of the service is one more.
MINUTES = (5.0, 10.0, 15.0, 20.0, 30.0, 60.0)


def minutes_content(case: Case, reach: Reach) -> dict[str, object]:
    """People by the minutes that they walk to the nearest facility.

    ``ends`` are minutes, inclusive; ``areas`` and ``total`` hold people up to each end, then those farther away, then
    those without a way.
    """
    ends = sorted({*MINUTES, reach.service.cutoff_min})
    bars = len(ends) + 2
    bar = np.searchsorted(np.array(ends) * 60, reach.seconds, side="left")
    bar[np.isinf(reach.seconds)] = bars - 1
    people = case.people_of(reach.service.people)
    each = np.zeros((len(case.areas), bars))
    np.add.at(each, (case.people.area, bar), people)
    return {"ends": ends, "areas": [numbers(row) for row in each], "total": numbers(each.sum(axis=0))}


def account_content(case: Case) -> dict[str, object]:
    """People of every group at every step of preparation: of each area and of all that the page shows together."""
    accounts = case.audit.accounts
    codes = list(case.areas.table["code"])
    whole = TOTAL if len(codes) > 1 else codes[0]
    steps = [step.value for step in Step]
    return {
        "steps": steps,
        "groups": {
            group: {
                "areas": [numbers(accounts.loc[group][code].reindex(steps).to_numpy(np.float64)) for code in codes],
                "total": numbers(accounts.loc[group][whole].reindex(steps).to_numpy(np.float64)),
            }
            for group in case.study.population.groups
        },
    }
