"""What a rule shows per unit, and how bounds on a value become a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.standards.rules.base import Measured, Sense

    Floats = NDArray[np.float64]

FIGURES = (
    "value", "low", "high", "have", "base", "facilities", "known",
    "gap", "gap_to_stretch", "by_converting", "by_adding",
)  # fmt: skip

GAPS = ("gap", "gap_to_stretch", "by_converting", "by_adding")


class Verdict(IntEnum):
    """What bounds on a value say of a target."""

    MISSED = 0
    MET = 1
    OPEN = 2
    UNJUDGED = 3


class Reason(StrEnum):
    """Why a target is not applicable to a unit, or cannot be decided although no input is missing as a whole."""

    NONE = ""
    NARRATIVE = "narrative"
    WHOLE_ONLY = "whole_only"
    NO_UNITS = "no_units"
    NOBODY = "nobody"
    NO_FACILITIES = "no_facilities"
    PARTLY_UNKNOWN = "partly_unknown"
    NO_FIGURE = "no_figure"


# Reasons that leave a target open; the others keep it from being applied.
LEAVING_OPEN = (Reason.NONE, Reason.PARTLY_UNKNOWN, Reason.NO_FIGURE)


@dataclass(frozen=True, slots=True, eq=False)
class Assessment(Frozen):
    """What a rule shows, one entry per unit.

    Attributes
    ----------
    target, stretch : float
        In the unit of the rule; NaN for none.
    figures : mapping from name to (u,) float64
        `FIGURES`, NaN where unknown or without meaning: ``value`` and the bounds ``low`` and ``high`` that
        hold whatever the unknown is; ``have`` and ``base``, what the value is made of; ``facilities`` that were
        counted and the share of them whose figures are ``known``; ``gap`` and ``gap_to_stretch``, what is missing;
        for shares what closes the gap ``by_converting`` and ``by_adding``.
    verdict : (u,) int8
        `Verdict`.
    reason : (u,) object
        `Reason` of the units that the rule does not apply to, or is open for.
    """

    target: float
    stretch: float
    figures: Mapping[str, Floats]
    verdict: NDArray[np.int8]
    reason: NDArray[np.object_]


def figures(count: int, known: dict[str, Floats]) -> Mapping[str, Floats]:
    """All `FIGURES` in their order, NaN where a rule gives none."""
    return MappingProxyType({name: known.get(name, np.full(count, np.nan)) for name in FIGURES})


def number(value: float | None) -> float:
    """A target, or NaN where there is none."""
    return np.nan if value is None else value


def decide(low: Floats, high: Floats, target: float, sense: Sense) -> NDArray[np.int8]:
    """The verdict for values that lie between two bounds.

    A target is met if the worst that is possible meets it, missed if the best that is possible misses it, and open
    otherwise: what is not known is never taken for 0 and never for enough.
    """
    if np.isnan(target):
        return np.full(len(low), Verdict.UNJUDGED, np.int8)
    # A count that is divided and multiplied again must not miss by the last bit what it meets.
    near = 1e-9 * max(1.0, abs(target))
    if sense == "at_most":
        met, possible = high <= target + near, low <= target + near
    elif sense == "more_than":
        met, possible = low > target + near, high > target + near
    else:
        met, possible = low >= target - near, high >= target - near
    verdict = np.where(met, Verdict.MET, np.where(possible, Verdict.OPEN, Verdict.MISSED)).astype(np.int8)
    verdict[np.isnan(low) | np.isnan(high)] = Verdict.OPEN
    return verdict


def part_known(known: Floats) -> NDArray[np.object_]:
    """`Reason` of units in which some facilities or units do not tell."""
    return np.where(known < 1, Reason.PARTLY_UNKNOWN, Reason.NONE).astype(object)


def lacking(target: float | Floats, value: Floats, sense: Sense) -> Floats:
    """How much is missing to a target: 0 where it is met, NaN where one of them is unknown."""
    away = value - target if sense == "at_most" else target - value
    return np.where(np.isnan(away), np.nan, np.maximum(away, 0.0))


def assessed(rule: Measured, known: dict[str, Floats], reason: NDArray[np.object_]) -> Assessment:
    """What a rule shows whose value has the bounds ``low`` and ``high``, judged by them.

    Where something speaks against applying the rule (`reason`), there is no verdict and no gap. Where no facility tells
    anything the target is open, whatever the bounds are, and value and gap are unknown.
    """
    verdict = decide(known["low"], known["high"], number(rule.value), rule.sense)
    apart = np.array([r not in LEAVING_OPEN for r in reason], bool)
    silent = np.zeros(len(reason), bool) if "known" not in known else known["known"] == 0
    if rule.value is not None:
        verdict[silent] = Verdict.OPEN
    verdict[apart] = Verdict.UNJUDGED
    known = known | {name: np.where(apart | silent, np.nan, known[name]) for name in GAPS if name in known}
    known |= {name: np.where(silent, np.nan, known[name]) for name in ("value", "have") if name in known}
    return Assessment(
        target=number(rule.value),
        stretch=number(rule.stretch),
        figures=figures(len(verdict), known),
        verdict=verdict,
        reason=reason,
    )
