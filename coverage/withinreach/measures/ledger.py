"""The ledger: every person in exactly one status, and every step from the raw files to there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.model import TOTAL, Step, residual
from withinreach.reach import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.model import Case
    from withinreach.reach import Reach

# Sums of the same numbers in another order; a lost cell is a million times larger.
CONSERVED = 1e-9
OUTSIDE = "outside_areas"
SNAPPED = "snapped"
RESIDUAL = "residual"


def ledger(case: Case, reach: Reach) -> pd.DataFrame:
    """People of a service's group by status and area.

    Returns
    -------
    DataFrame
        One row per status and a last row ``outside_areas``, people who were read with the layer but live in none of
        the areas; one column per area code and a last column ``total``. Without calibration the total column sums to
        the people read, else to those and what calibration added.

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
    table.loc[OUTSIDE, TOTAL] = steps[Step.OUTSIDE_AREAS] + steps[Step.WITHOUT_AREA]
    wanted = steps[Step.READ] + steps[Step.CALIBRATION]
    if not np.isclose(table[TOTAL].sum(), wanted, rtol=CONSERVED, atol=CONSERVED):
        raise AssertionError(
            f"{reach.service.name}: the ledger holds {table[TOTAL].sum():,.3f} people, {wanted:,.3f} were read"
        )
    return table


def continuous_ledger(case: Case, ledgers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Every step of every group from the raw files to the areas, and then of every service to the statuses.

    Parameters
    ----------
    ledgers
        As `ledger` gives them, by service.

    Returns
    -------
    DataFrame
        ``group``, ``service`` ("" for steps before any service), ``step``, one column per area code,
        ``outside_areas``, ``total``. Steps of a group are those of `Step` and ``snapped``, the people in the areas who
        are near a street; of a service the statuses. Each block has its ``residual``: what is lost between what was
        read and the areas, and between the areas and the statuses; 0 but for rounding.
    """
    accounts = case.audit.accounts
    blocks = []
    for group in accounts.index.unique("group"):
        steps = accounts.loc[group].copy()
        steps.loc[RESIDUAL] = [residual(steps[column]) for column in steps]
        steps.loc[SNAPPED] = _snapped(case, str(group))
        blocks.append(_labelled(steps, str(group), ""))
        for name, table in ledgers.items():
            if case.study.services[name].people == group:
                statuses = table.drop(index=OUTSIDE).assign(**{OUTSIDE: 0.0})[list(steps)]
                statuses.loc[RESIDUAL] = steps.loc[Step.IN_AREAS] - statuses.sum()
                blocks.append(_labelled(statuses, str(group), name))
    return pd.concat(blocks, ignore_index=True)


def _snapped(case: Case, group: str) -> list[float]:
    """People near a street per area, outside of all (nobody is looked at there), and in total."""
    near = case.people.snapped
    people = np.bincount(case.people.area[near], case.people_of(group)[near], len(case.areas))
    return [*people, 0.0, people.sum()]


def _labelled(table: pd.DataFrame, group: str, service: str) -> pd.DataFrame:
    labels = pd.DataFrame({"group": group, "service": service, "step": table.index.astype(str)})
    return pd.concat([labels, table.reset_index(drop=True)], axis=1)
