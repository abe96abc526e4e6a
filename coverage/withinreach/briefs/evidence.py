"""What a brief rests on: worked out once for all counties (`Evidence`), and the tables of one (`tables_of`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.briefs.sources import KEYS
from withinreach.errors import StudyError
from withinreach.model import TOTAL, Frozen
from withinreach.siting import candidates_of, inside_area, site
from withinreach.siting.missing.naming import place_names
from withinreach.siting.missing.pockets import find_pockets, lacking_in, lacking_people
from withinreach.uncertainty import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.analysis import Result
    from withinreach.maps.plates import Atlas
    from withinreach.siting import Plan
    from withinreach.standards import Judgement

NEW_SITES = 3
# Of the largest of each service a brief tells some; gap lists have them all.
POCKETS = 8
# Columns of pockets that a brief tells, see `find_pockets`.
POCKET = (
    "people", "reason", "cells", "code", "lon", "lat", "nearest_id", "nearest_name", "minutes", "level_m",
    "distance_people", "no_connection_people", "no_street_people", "capacity_people",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Evidence(Frozen):
    """A result as it may be published, with what all its briefs share: withheld figures hold their mark.

    Attributes
    ----------
    result : Result
        Without protected groups.
    judgement : Judgement
    coverage : DataFrame
        See `exports.tables.every_row`.
    intervals : DataFrame
        See `estimate_intervals`.
    atlas : Atlas
    withheld : tuple of str
        Titles of the services that are left out, for they count protected groups.
    """

    result: Result
    judgement: Judgement
    coverage: pd.DataFrame
    intervals: pd.DataFrame
    atlas: Atlas
    withheld: tuple[str, ...]

    def name_of(self, code: str) -> str:
        """Name of an area, or of the study for all together.

        Raises
        ------
        StudyError
            If no area has this code.
        """
        case = self.result.case
        if code == TOTAL:
            return case.study.title
        return str(case.areas.table["name"].iloc[case.areas.rows_of([code])[0]])


def tables_of(evidence: Evidence, code: str, gaps: pd.DataFrame | None = None) -> Mapping[str, pd.DataFrame]:
    """The tables that the brief of one area, or of all (code ``total``), tells from: one for each of `KEYS`.

    ``coverage`` and ``intervals`` have the area and all together; ``counts`` targets per register and state;
    ``targets`` the judgement of the area; the largest ``pockets`` of uncovered people, ``rank`` 1 for most; ``plans``
    the best new sites in buildings of other kinds, and ``sites`` each of them; ``study`` what was measured and how.

    Parameters
    ----------
    gaps
        The pockets of the area, where they are known: those of `county_gaps`, with their ``service``.
    """
    result, services = evidence.result, tuple(evidence.result.reaches)
    told, codes = (
        table["code"].isin([code, TOTAL]) & table["service"].isin(services)
        for table in (evidence.coverage, evidence.intervals)
    )
    counts = evidence.judgement.counts(code) if evidence.judgement.registers else pd.DataFrame()
    found = _pockets(result, code) if gaps is None else gaps
    pockets = {name: found[found["service"] == name] for name in services}
    own, area = result, None
    if code != TOTAL:
        own, area = evidence.atlas.own(result.case.areas.rows_of([code])[0]), 0
    plans = {name: _plan(own, name, area) for name in services}
    tables = {
        "coverage": evidence.coverage[told],
        "intervals": evidence.intervals[codes],
        "counts": counts.rename_axis(index="register", columns=None).reset_index(),
        "targets": evidence.judgement.of_unit(code),
        "pockets": pd.concat(map(_ranked, pockets.values()), ignore_index=True),
        "plans": pd.DataFrame([_plan_row(result, name, code, plans[name], len(pockets[name])) for name in services]),
        "sites": _sites(plans),
        "study": _study(evidence, code),
    }
    return {name: tables[name].reset_index(drop=True) for name in KEYS}


def _pockets(result: Result, code: str) -> pd.DataFrame:
    """Pockets of the people of one area, as if it stood alone: a pocket ends at the border."""
    case, blocks = result.case, []
    for name in result.reaches:
        if code == TOTAL:
            lacking = lacking_people(result, name, None)
        else:
            lacking = lacking_in(result, name, case.areas.rows_of([code])[0])
        found = find_pockets(result, name, lacking)
        blocks.append(found.table.assign(service=name, place=place_names(case, found.seat)))
    return pd.concat(blocks, ignore_index=True)


def _ranked(pockets: pd.DataFrame) -> pd.DataFrame:
    """The first pockets of one service, which are in the order of their people, with ``rank``."""
    told = pockets[[*POCKET, "service", "place"]].head(POCKETS).reset_index(drop=True)
    told.insert(len(POCKET) + 1, "rank", np.arange(1, len(told) + 1))
    return told


def _plan(own: Result, service: str, area: int | None) -> Plan | None:
    """The best new sites in the area, in buildings that stand there; None where there is no such building."""
    try:
        places = candidates_of(own.case, own.case.study.services[service], "kinds")
    except StudyError:
        return None
    places = places if area is None else inside_area(places, area)
    return site(own, service, new=NEW_SITES, candidates=places) if len(places) else None


def _plan_row(result: Result, service: str, code: str, plan: Plan | None, pockets: int) -> dict[str, object]:
    case = result.case
    figures = result.totals[service]
    if code != TOTAL:
        (row,) = case.areas.rows_of([code])
        figures = result.tables[service].iloc[row]
    people, served = float(figures["people"]), float(figures["served_people"])
    known = plan is not None and len(plan.sites) > 0
    reached = plan.certificate.objective if plan is not None and known else np.nan
    return {
        "service": service,
        "pockets": pockets,
        "sites": len(plan.sites) if plan is not None else 0,
        "gained_people": reached - served,
        "coverage_before": served / people if people else np.nan,
        "coverage_after": reached / people if people else np.nan,
        "gap": plan.certificate.gap if plan is not None and known else np.nan,
        "unservable_people": plan.unservable_people if plan is not None else float(figures["uncovered_people"]),
        "offered": float(plan is not None),
        "candidates": plan.candidates if plan is not None else "",
    }


def _sites(plans: Mapping[str, Plan | None]) -> pd.DataFrame:
    columns = ["service", "rank", "id", "name", "lon", "lat", "reached_people"]
    found = [
        plan.sites.sort_values("reached_people", ascending=False, kind="stable").assign(
            service=name, rank=np.arange(1, len(plan.sites) + 1)
        )[columns]
        for name, plan in plans.items()
        if plan is not None and len(plan.sites)
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


class _Setting(NamedTuple):
    key: str
    value: float = np.nan
    text: str = ""


def _study(evidence: Evidence, code: str) -> pd.DataFrame:
    """What was measured and how: ``key``, as a study file writes it, ``value`` (a number) or ``text``."""
    case = evidence.result.case
    study = case.study
    cells = np.ones(len(case.people), bool)
    if code != TOTAL:
        cells = case.people.area == case.areas.rows_of([code])[0]
    rows = [
        _Setting("title", text=study.title),
        _Setting("as_of", text=study.as_of.isoformat()),
        _Setting("population.as_of", text=study.population.as_of.isoformat()),
        _Setting("network.snap_cap_m", study.network.snap_cap_m),
        _Setting("cells", float(cells.sum())),
        _Setting("audit.findings", float(len(case.audit.findings))),
        _Setting("intervals.level", LEVEL),
        _Setting("intervals.runs", float(evidence.intervals["runs"].iloc[0])),
        _Setting("services", float(len(study.services))),
        _Setting("brief.new_sites", float(NEW_SITES)),
    ]
    for name, service in study.services.items():
        profile = study.profiles[service.profile]
        rows += [
            _Setting(f"services.{name}.cutoff_min", service.cutoff_min),
            _Setting(f"services.{name}.speed_m_s", profile.speed_m_s),
            _Setting(f"services.{name}.reach_m", service.cutoff_s * profile.speed_m_s),
        ]
    return pd.DataFrame(rows)
