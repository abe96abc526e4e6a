"""The ledger: every person in exactly one status, and the sum equal to what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.model import TOTAL
from withinreach.reach import Status

if TYPE_CHECKING:
    from withinreach.model import Case
    from withinreach.reach import Reach

# Sums of the same numbers in another order; a lost cell is a million times larger.
CONSERVED = 1e-9
OUTSIDE = "outside_areas"


def ledger(case: Case, reach: Reach) -> pd.DataFrame:
    """People of a service's group by status and area.

    Returns
    -------
    DataFrame
        One row per status and a last row ``outside_areas``, people who were read with the layer but live in none of
        the areas; one column per area code and a last column ``total``. The total column sums to the people read.

    Raises
    ------
    AssertionError
        If it does not: a defect of ours, never of the data.
    """
    people = case.people_of(reach.service.people)
    codes = list(case.areas.table["code"])
    rows = {}
    for status in Status:
        here = reach.status == status
        rows[status.key] = np.bincount(case.people.area[here], people[here], len(codes))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=codes)
    table.loc[OUTSIDE] = 0.0
    table[TOTAL] = table.sum(axis=1)
    steps = case.audit.population[reach.service.people]
    table.loc[OUTSIDE, TOTAL] = steps[OUTSIDE]
    if not np.isclose(table[TOTAL].sum(), steps["read"], rtol=CONSERVED, atol=0):
        raise AssertionError(
            f"{reach.service.name}: the ledger holds {table[TOTAL].sum():,.3f} people, {steps['read']:,.3f} were read"
        )
    return table
