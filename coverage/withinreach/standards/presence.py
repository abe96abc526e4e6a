"""In which units of a level enough facilities stand: what "every", "conditional" and "tiers" rules have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.measures.definitions import share
from withinreach.model import Frozen
from withinreach.standards.assessment import Reason, lacking, number, part_known
from withinreach.standards.evidence import numbers_of
from withinreach.standards.supplies import summed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.measures.units import Units
    from withinreach.standards.evidence import Evidence, Members
    from withinreach.standards.rules.base import Level, Supply

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Demand:
    """What must stand in each unit: of every supply at least so much, and not more than so much.

    With ``of``, an attribute of the units, the numbers are meant per so many of it: 30 m² per 100 households.
    """

    supplies: tuple[Supply, ...]
    at_least: float
    at_most: float | None = None
    hoped: float | None = None
    of: str | None = None
    per: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Presence(Frozen):
    """Per member of a level.

    Attributes
    ----------
    sure, possible : (m,) bool
        Whether the demand is met by what is told, and whether it may be, by what is not.
    lacking, lacking_to_hoped : (m,) float64
        What is missing by what is told; NaN where the demand itself is unknown.
    facilities : (m,) float64
        Facilities of the kinds that are asked for.
    """

    sure: Bools
    possible: Bools
    lacking: Floats
    lacking_to_hoped: Floats
    facilities: Floats


def presence(evidence: Evidence, members: Members, demand: Demand) -> Presence:
    """Hold what stands in every member against a demand."""
    sure, possible = np.ones(len(members), bool), np.ones(len(members), bool)
    missing, to_hoped, facilities = np.zeros((3, len(members)))
    size = np.ones(len(members)) if demand.of is None else numbers_of(members.table, demand.of) / demand.per
    for supply in demand.supplies:
        sums = summed(evidence, supply, members.of_facility, len(members))
        least, most = demand.at_least * size, number(demand.at_most) * size
        sure &= (sums.known >= least) & ~(sums.most > most)
        possible &= ~(sums.most < least) & ~(sums.known > most)
        missing += lacking(least, sums.known, "at_least")
        to_hoped += lacking(number(demand.hoped) * size, sums.known, "at_least")
        facilities += sums.facilities
    return Presence(sure, possible, missing, to_hoped, facilities)


def in_units(
    found: Presence, members: Members, units: Units, applies: Bools, may_apply: Bools
) -> tuple[dict[str, Floats], Floats]:
    """Members that meet a demand, per reporting unit, in per cent of those that it applies to.

    Parameters
    ----------
    applies, may_apply : (m,) bool
        Members that the rule surely concerns, and those of which it is not known.

    Returns
    -------
    figures
        See `assessment.FIGURES`. The value counts what is known; the bounds hold whatever the rest is.
    concerned : (u,) float64
        Members that the rule concerns or may concern.
    """

    def total(chosen: Bools, of: Floats | None = None) -> Floats:
        return units.sum(members.unit, np.where(chosen, 1.0 if of is None else of, 0.0))

    unsure = may_apply & ~applies
    met, base = total(applies & found.sure), total(applies)
    # At worst every member of which it is not known is concerned unless it meets the demand anyhow; at best only then.
    low = share(met, total(applies | (unsure & ~found.sure)))
    high = share(total((applies | unsure) & found.possible), total(applies | (unsure & found.possible)))
    concerned = total(applies | unsure)
    decided = total(applies & (found.sure == found.possible))
    return {
        "value": 100 * share(met, base),
        "low": 100 * np.where((concerned > 0) & np.isnan(low), 1.0, low),
        "high": 100 * np.where((concerned > 0) & np.isnan(high), 1.0, high),
        "have": met,
        "base": base,
        "facilities": total(applies, found.facilities),
        "known": share(decided, concerned),
        "gap": total(applies, found.lacking),
        "gap_to_stretch": total(applies, found.lacking_to_hoped),
    }, concerned


def reason_of(level: Level, concerned: Floats, known: Floats) -> NDArray[np.object_]:
    """Why a rule does not apply to a unit that none of the members is part of, or what leaves it open."""
    why = Reason.WHOLE_ONLY if level == "city" else Reason.NO_UNITS
    return np.where(concerned > 0, part_known(known), why).astype(object)
