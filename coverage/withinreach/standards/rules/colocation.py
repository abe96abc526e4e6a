"""Services that share a site, or stand within some metres of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from withinreach.measures.definitions import share
from withinreach.standards.assessment import Assessment, Reason, assessed, lacking, number, part_known
from withinreach.standards.rules.base import Measured, Supply

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence
    from withinreach.standards.needs import Need


class Colocation(Measured):
    """100 × facilities with one of `near` no more than `within_m` away, straight / facilities, in per cent.

    No clause gives a distance: one says that the two grow together, or share a site. A facility is not near itself.
    Not applicable where there are no facilities.
    """

    rule: Literal["colocation"] = "colocation"
    facilities: Supply
    near: Supply
    within_m: float = Field(gt=0, le=5000)

    def needs(self) -> tuple[Need, ...]:
        """Both sorts of facility."""
        return tuple(dict.fromkeys((*self.facilities.needs(), *self.near.needs())))

    def assess(self, evidence: Evidence, units: Units) -> Assessment:
        """Facilities that have the other service beside them."""
        rows, counts = evidence.amounts(self.facilities)
        others, offers = evidence.amounts(self.near)
        xy = evidence.case.facilities.xy
        sure = _beside(xy, rows, others[offers > 0], self.within_m)
        possible = _beside(xy, rows, others[~(offers <= 0)], self.within_m)
        unit = units.of_facility[rows]

        def total(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
            return units.sum(unit, chosen.astype(np.float64))

        concerned, unsure = counts > 0, np.isnan(counts)
        have, base = total(concerned & sure), total(concerned)
        low = share(have, total(concerned | (unsure & ~sure)))
        high = share(total((concerned | unsure) & possible), total(concerned | (unsure & possible)))
        facilities = total(concerned | unsure)
        known = share(total(concerned & (sure == possible)), facilities)
        figures = {
            "value": 100 * share(have, base),
            "low": 100 * low,
            "high": 100 * high,
            "have": have,
            "base": base,
            "facilities": facilities,
            "known": known,
            "gap": lacking(number(self.value) / 100 * base, have, self.sense),
            "gap_to_stretch": lacking(number(self.stretch) / 100 * base, have, self.sense),
        }
        reason = np.where(facilities > 0, part_known(known), Reason.NO_FACILITIES).astype(object)
        return assessed(self, figures, reason)


def _beside(
    xy: NDArray[np.float64], rows: NDArray[np.int32], others: NDArray[np.int32], within_m: float
) -> NDArray[np.bool_]:
    """Which facilities have another one within a distance."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), bool)
    near = cKDTree(xy[others]).query_ball_point(xy[rows], within_m)
    return np.array([any(others[i] != row for i in found) for row, found in zip(rows, near, strict=True)], bool)
