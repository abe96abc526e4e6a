"""A part of what facilities have, as a share of all of it: nursing beds, stations of three stars, beds in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from withinreach.measures.definitions import share
from withinreach.model import OUTSIDE_AREAS
from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number, part_known
from withinreach.standards.rules.base import Measured, Supply
from withinreach.standards.supplies import largest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence
    from withinreach.standards.needs import Need

    Floats = NDArray[np.float64]


class Share(Measured):
    """100 × part / whole, in per cent, over the facilities that tell both.

    With B the whole, N the part and t the target as a share, what is missing is t·B - N. Converting what there is needs
    x = t·B - N; adding new ones, which add to the whole as well, needs x = (t·B - N) / (1 - t), and is no way to 100 %.
    `part_adds = false` says that more of the part does not add to the whole (people in beds, not beds): then there is
    no second way. Not applicable where there is nothing to take a share of.

    Part and whole are taken over the facilities of the whole. Of those that do not tell their part it is between
    nothing and all; of those that do not tell their whole it is at most `whole.largest`.
    """

    rule: Literal["share"] = "share"
    part: Supply
    whole: Supply
    part_adds: bool = True

    def needs(self) -> tuple[Need, ...]:
        """The facilities with both."""
        return tuple(dict.fromkeys((*self.whole.needs(), *self.part.needs())))

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """The share, and what closes the gap."""
        rows, whole = evidence.amounts(self.whole)
        part = self._part(evidence, rows)
        unit = units.of_facility[rows]
        counts = (unit != OUTSIDE_AREAS) & (whole != 0)
        unit, part, whole = unit[counts], part[counts], whole[counts]

        def total(values: Floats) -> Floats:
            return np.bincount(unit, values, units.count).astype(np.float64)

        told = ~np.isnan(part) & ~np.isnan(whole)
        have, base = total(np.where(told, part, 0.0)), total(np.where(told, whole, 0.0))
        facilities = total(np.ones(len(unit)))
        known = share(total(told.astype(np.float64)), facilities)
        low, high = self._bounds(part, whole, total)
        missing = lacking(number(self.value) / 100 * base, have, self.sense)
        figures = {
            "value": 100 * share(have, base),
            "low": np.where(facilities > 0, low, np.nan),
            "high": np.where(facilities > 0, high, np.nan),
            "have": have,
            "base": base,
            "facilities": facilities,
            "known": known,
            "gap": missing,
            "gap_to_stretch": lacking(number(self.stretch) / 100 * base, have, self.sense),
            "by_converting": missing if self.part_adds else np.full(units.count, np.nan),
            "by_adding": self._by_adding(missing),
        }
        reason = np.where(facilities > 0, part_known(known), Reason.NO_FACILITIES).astype(object)
        return assessed(self, figures, reason)

    def _part(self, evidence: Evidence, rows: NDArray[np.int32]) -> Floats:
        """The part that each facility of the whole has."""
        part = np.zeros(len(evidence.case.facilities))
        of_kinds, amount = evidence.amounts(self.part)
        part[of_kinds] = amount
        return part[rows]

    def _bounds(self, part: Floats, whole: Floats, total: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """The least and the greatest share, in per cent, that what is not told can make."""
        limit = largest(self.whole)
        least_part = np.where(np.isnan(part), 0.0, part)
        most_whole = np.where(np.isnan(whole), np.maximum(limit, least_part), whole)
        most_part = np.where(np.isnan(part), most_whole, part)
        low = total(least_part) / _positive(total(most_whole))
        if not self.part_adds:
            least_whole = np.where(np.isnan(whole), 0.0, whole)
            with np.errstate(invalid="ignore", divide="ignore"):
                return 100 * low, 100 * total(most_part) / total(least_whole)
        # The greatest share: facilities that tell nothing are all part, those that tell their part are no larger.
        smallest = np.where(np.isnan(whole), most_part, whole)
        with np.errstate(invalid="ignore"):
            high = total(most_part) / _positive(total(smallest))
        return 100 * low, 100 * np.where(np.isnan(high), 1.0, high)

    def _by_adding(self, missing: Floats) -> Floats:
        target = number(self.value) / 100
        if not self.part_adds or not target < 1:
            return np.full(len(missing), np.nan)
        return missing / (1 - target)


def _positive(whole: Floats) -> Floats:
    return np.where(whole > 0, whole, np.nan)
