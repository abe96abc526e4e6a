"""How many people each area gained or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from withinreach.model import Case

TOTAL = "total"


def people_tables(before: Case, after: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People of every service's group then and now.

    Returns
    -------
    by_area : DataFrame
        service, code (areas of ``after``, then those that only ``before`` has), people_before, people_after, NaN where
        a case has no such area, and change.
    moved : DataFrame
        service, people_before, people_after, change; and moved_share, the share of the people who would have to live
        in another area for the areas' shares to be those of before: Σ |share after - share before| / 2.
    """
    codes = all_codes(before, after)
    areas, sums = [], []
    for name, service in after.study.services.items():
        then, now = (by_code(case, case.people_of(service.people), codes) for case in (before, after))
        areas.append(
            pd.DataFrame(
                {"service": name, "code": codes, "people_before": then, "people_after": now, "change": now - then}
            )
        )
        old, new = np.nan_to_num(then), np.nan_to_num(now)
        known = old.sum() > 0 and new.sum() > 0
        moved = np.abs(new / new.sum() - old / old.sum()).sum() / 2 if known else np.nan
        sums.append((name, old.sum(), new.sum(), new.sum() - old.sum(), moved))
    columns = ["service", "people_before", "people_after", "change", "moved_share"]
    return pd.concat(areas, ignore_index=True), pd.DataFrame(sums, columns=columns)


def all_codes(before: Case, after: Case) -> list[str]:
    """Codes of the areas of both cases, those of ``after`` first."""
    return list(dict.fromkeys([*after.areas.table["code"], *before.areas.table["code"]]))


def by_code(case: Case, people: np.ndarray, codes: list[str]) -> np.ndarray:
    """Sum of a value per cell for each code, NaN where the case has no such area."""
    sums = np.bincount(case.people.area, people, len(case.areas))
    return pd.Series(sums, index=case.areas.table["code"]).reindex(codes).to_numpy(np.float64)
