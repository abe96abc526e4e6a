"""Several studies -> one table: what all of them found, and what can be added up over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from withinreach.exports.tables import write_csv
from withinreach.model import TOTAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLE = "coverage.csv"
TEXTS = ("code", "name", "service", "people_group")
# A service of one name may be another one elsewhere: only what is measured alike is added up.
ALIKE = ("service", "people_group", "cutoff_min", "speed_m_s")
ADDED = ("people", "served_people", "uncovered_people", "served_own_people", "estimated_people", "circle_people")
SHARES = {"coverage": "served_people", "coverage_own": "served_own_people", "circle_coverage": "circle_people"}


def gather(homes: Mapping[str, Path], path: Path) -> None:
    """Write the coverage of all studies as one CSV: ``study`` and the columns of each study's own.

    Rows of a study's total follow its areas. At the end stands one row per service, without a study: people who can be
    added up, and shares of them; empty where a study does not tell. Medians and the like cannot, and are empty.

    Parameters
    ----------
    homes
        The folder of each study by its name.
    """
    blocks = [_read(home / TABLE).assign(study=name) for name, home in homes.items()]
    rows = pd.concat(blocks, ignore_index=True)
    known = rows[rows["code"] == TOTAL].assign(**{name: pd.to_numeric(rows[name], "coerce") for name in ADDED})
    added = known.groupby(list(ALIKE), sort=False)[list(ADDED)].sum(skipna=False).reset_index()
    shares = {share: (added[part] / added["people"]).where(added["people"] > 0) for share, part in SHARES.items()}
    everybody = added.assign(study="", code=TOTAL, name="", **shares)
    write_csv(pd.concat([rows, everybody], ignore_index=True)[["study", *blocks[0].columns.drop("study")]], path)


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(
        path, dtype=dict.fromkeys(TEXTS, "str"), encoding="utf-8-sig", keep_default_na=False, na_values=[""]
    )
    return table.assign(**{name: table[name].fillna("") for name in TEXTS})
