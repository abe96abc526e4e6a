"""What facilities hold: beds, seats, years, held against each other and against what is believable."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings
    from withinreach.study import Study

AMOUNTS = ("beds", "nursing_beds", "seats", "enrolment", "residents", "area_m2")
# Modified z-scores above 3.5 are outliers (Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers, p. 11), here of
# logarithms, for sizes of institutions are skewed. 1.4826 makes the median absolute deviation that of a normal one.
OUTLYING = 3.5
NORMAL_MAD = 1.4826
ENOUGH = 30
EARLIEST_YEAR = 1900


@dataclass(frozen=True)
class Limit:
    """Least and most that a facility is believed to hold, and where the figures come from."""

    least: float
    most: float
    source: str


@cache
def known_limits() -> Mapping[str, Mapping[str, Limit]]:
    """The limits of ``amounts.toml``, by attribute and kind."""
    raw = tomllib.loads((files(__package__) / "amounts.toml").read_text(encoding="utf-8"))
    found = {attribute: {kind: Limit(**one) for kind, one in kinds.items()} for attribute, kinds in raw.items()}
    return MappingProxyType(found)


def limit_of(study: Study, attribute: str, kind: str) -> Limit | None:
    """The limit of an attribute of a kind: the study's, else ours, else that of the kind above it, if there is any."""
    own = study.audit.limits.get(attribute, {}).get(kind)
    if own is not None:
        return Limit(*own, source="the study")
    known = known_limits().get(attribute, {}).get(kind)
    above = study.taxonomy.kinds[kind].parent
    return known if known is not None or not above else limit_of(study, attribute, above)


def note_beyond_limits(evidence: Evidence, findings: Findings) -> None:
    """Amounts that nobody believes: 1500 beds in a station, where 15 was meant."""
    kinds = evidence.texts("kind")
    for attribute in AMOUNTS:
        values = evidence.numbers(attribute)
        for kind in dict.fromkeys(kinds):
            limit = limit_of(evidence.study, attribute, kind)
            if limit is None:
                continue
            beyond = (kinds == kind) & (values != 0) & ((values < limit.least) | (values > limit.most))
            for facility in np.flatnonzero(beyond):
                findings.note(
                    "amount_beyond_limits",
                    evidence.path(facility),
                    {
                        "kind": kind,
                        "attribute": attribute,
                        "least": limit.least,
                        "most": limit.most,
                        "source": limit.source,
                        "name": evidence.name(facility),
                    },
                    at=evidence.spot(facility, attribute),
                    proposal=evidence.proposal(facility, attribute),
                )


def note_outliers(evidence: Evidence, findings: Findings) -> None:
    """Amounts far from those of all others of the kind."""
    kinds = evidence.texts("kind")
    for attribute in AMOUNTS:
        values = evidence.numbers(attribute)
        for kind in dict.fromkeys(kinds):
            here = np.flatnonzero((kinds == kind) & (values > 0))
            middle = float(np.median(values[here])) if len(here) else np.nan
            for facility in here[outlying(values[here])]:
                findings.note(
                    "amount_outlying",
                    evidence.path(facility),
                    {"kind": kind, "attribute": attribute, "median": middle, "name": evidence.name(facility)},
                    at=evidence.spot(facility, attribute),
                )


def outlying(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Positive values whose logarithm has a modified z-score above 3.5; none of fewer than 30 values."""
    if len(values) < ENOUGH:
        return np.zeros(len(values), bool)
    log = np.log10(values)
    away = np.abs(log - np.median(log))
    spread = NORMAL_MAD * np.median(away)
    return away > OUTLYING * spread if spread > 0 else np.zeros(len(values), bool)


def note_contradictions(evidence: Evidence, findings: Findings) -> None:
    """More nursing beds, or residents, than beds; more children than seats."""
    beds, seats = evidence.numbers("beds"), evidence.numbers("seats")
    nursing, residents = evidence.numbers("nursing_beds"), evidence.numbers("residents")
    children = evidence.numbers("enrolment")
    for facility in np.flatnonzero(nursing > beds):
        findings.note(
            "nursing_beds_exceed_beds",
            evidence.path(facility),
            {"beds": beds[facility], "name": evidence.name(facility)},
            at=evidence.spot(facility, "nursing_beds"),
            proposal=evidence.proposal(facility, "nursing_beds"),
        )
    for facility in np.flatnonzero((residents > beds) & (beds > 0)):
        findings.note(
            "residents_exceed_beds",
            evidence.path(facility),
            {"beds": beds[facility], "name": evidence.name(facility)},
            at=evidence.spot(facility, "residents"),
        )
    for facility in np.flatnonzero((children > seats) & (seats > 0)):
        findings.note(
            "enrolment_exceeds_seats",
            evidence.path(facility),
            {"seats": seats[facility], "name": evidence.name(facility)},
            at=evidence.spot(facility, "enrolment"),
        )


def note_zeros(evidence: Evidence, findings: Findings) -> None:
    """Facilities whose capacity is 0: closed, planned, or unknown."""
    for attribute in {service.capacity for service in evidence.study.services.values()} - {None}:
        for facility in np.flatnonzero(evidence.numbers(str(attribute)) == 0):
            findings.note(
                "capacity_zero",
                evidence.path(facility),
                {"attribute": attribute, "name": evidence.name(facility)},
                at=evidence.spot(facility, str(attribute)),
                proposal=evidence.proposal(facility, str(attribute)),
            )


def note_fractions(evidence: Evidence, findings: Findings) -> None:
    """Amounts of beds, seats and people that are no whole numbers."""
    for attribute in ("beds", "nursing_beds", "seats", "enrolment", "residents"):
        values = evidence.numbers(attribute)
        for facility in np.flatnonzero(np.isfinite(values) & (values != np.round(values))):
            findings.note(
                "amount_fractional",
                evidence.path(facility),
                {"attribute": attribute, "name": evidence.name(facility)},
                at=evidence.spot(facility, attribute),
            )


def note_years(evidence: Evidence, findings: Findings) -> None:
    """Years of building after the date of the data, or before the services existed."""
    year = evidence.numbers("built_year")
    now = evidence.study.as_of.year
    for facility in np.flatnonzero((year > now) | (year < EARLIEST_YEAR)):
        findings.note(
            "built_year_impossible",
            evidence.path(facility),
            {"now": now, "earliest": EARLIEST_YEAR, "name": evidence.name(facility)},
            at=evidence.spot(facility, "built_year"),
            proposal=evidence.proposal(facility, "built_year"),
        )
