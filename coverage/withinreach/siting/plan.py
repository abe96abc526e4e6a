"""The plan: which sites, what they achieve, and how far from the best that may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from withinreach.model import Frozen
from withinreach.scenarios import Scenario
from withinreach.scenarios.document import Closing, Opening, Resizing
from withinreach.showing import words
from withinreach.siting.card import plan_card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.siting.rules import Objective, Rules
    from withinreach.siting.solving.answers import Certificate
    from withinreach.study import Service

AREAS_NAMED = 3
OPEN, EXTEND, CLOSE = "open", "extend", "close"


@dataclass(frozen=True, slots=True, eq=False)
class Plan(Frozen):
    """An answer to a question about sites.

    Attributes
    ----------
    base : Result
    service : Service
    objective : str
    rules : Rules
    sites : DataFrame
        One row per site, in the order of the candidates: action (``open``, ``extend``, ``close``), id, name, code of
        its area (empty outside all), lon, lat, x, y (the study's CRS), capacity and cost (NaN where unknown),
        reached_people: those within the cutoff whom nothing serves in time today, for a site that closes those within
        its cutoff (overlaps count for each site); and row, in the facilities or in the candidates.
    certificate : Certificate
        Objective, best bound, gap, status and time.
    unservable : (u,) int64
        Cells with people whom nothing serves today and no candidate can serve.
    unservable_people : float
    candidates : str
        Where the candidates come from.
    notes : tuple of str
        What a reader must know, e.g. facilities of unknown capacity, which take nobody.
    """

    base: Result
    service: Service
    objective: Objective
    rules: Rules
    sites: pd.DataFrame
    certificate: Certificate
    unservable: NDArray[np.int64]
    unservable_people: float
    candidates: str
    notes: tuple[str, ...] = ()

    def scenario(self, title: str) -> Scenario:
        """The plan as a scenario, to compare with the present or with other plans."""
        kinds = self.base.case.facilities.table["kind"]
        by_action: dict[str, list[dict[str, Any]]] = {OPEN: [], EXTEND: [], CLOSE: []}
        for row in self.sites.to_dict(orient="records"):
            by_action[row["action"]].append(row)
        return Scenario(
            title=title,
            datum=self.base.case.study.metric_crs,
            open=tuple(self._opening(row) for row in by_action[OPEN]),
            resize=tuple(
                Resizing(id=row["id"], kind=kinds.iloc[row["row"]], capacity=row["capacity"], cost=row["cost"])
                for row in by_action[EXTEND]
            ),
            close=tuple(Closing(id=row["id"], kind=kinds.iloc[row["row"]]) for row in by_action[CLOSE]),
        )

    def _opening(self, row: dict[str, Any]) -> Opening:
        told = self.service.capacity is not None and np.isfinite(row["capacity"])
        return Opening(
            kind=self.service.kinds[0],
            name=row["name"],
            at=(row["x"], row["y"]),
            capacity=row["capacity"] if told else None,
            cost=row["cost"] if np.isfinite(row["cost"]) else None,
        )

    @property
    def title(self) -> str:
        """What was asked, e.g. ``nursery: p_median, 3 sites``."""
        return f"{self.service.name}: {self.objective}, {len(self.sites)} sites"

    def nobody_serves(self) -> pd.DataFrame:
        """The cells of `unservable`, most people first: code of the area, lon, lat, and people of every group."""
        case = self.base.case
        cells = case.people.table.iloc[self.unservable].reset_index(drop=True)
        codes = case.areas.table["code"].to_numpy(object)[case.people.area[self.unservable]]
        cells.insert(0, "code", pd.Series(codes, dtype="str"))
        return cells.sort_values(self.service.people, ascending=False, kind="stable", ignore_index=True)

    def lines(self) -> list[str]:
        """What the sites achieve, with the proof, and whom none can serve."""
        told = self.certificate
        proof = f"bound {told.bound:,.6g}, gap {told.gap:.2%}, {told.status}, {told.seconds:.2f} s"
        people = self.nobody_serves().groupby("code")[self.service.people].sum()
        most = people.sort_values(ascending=False, kind="stable").head(AREAS_NAMED)
        where = ", ".join(f"{code} {count:,.0f}" for code, count in most.items())
        return [
            f"{words('en')[f'{self.objective}_counts']}: {told.objective:,.6g} ({proof})"
            if np.isfinite(told.objective)
            else f"no choice of these sites does it ({told.status}, {told.seconds:.2f} s)",
            f"people whom no candidate can serve: {self.unservable_people:,.1f}"
            + (f"; most in {where}" if where else ""),
            *self.notes,
        ]

    def __str__(self) -> str:
        shown = self.sites.drop(columns=["row", "x", "y"])
        asked = f"{self.service.title} · {self.objective.replace('_', ' ')} · {self.candidates}"
        return "\n".join([asked, shown.to_string(index=False) if len(shown) else "no site", *self.lines()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return plan_card(self)
