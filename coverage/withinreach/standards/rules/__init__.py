"""The kinds of rule, one per module: what a register may write, and how each looks at a case."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from withinreach.standards.rules.base import Part, Rule
from withinreach.standards.rules.colocation import Colocation
from withinreach.standards.rules.conditional import Conditional
from withinreach.standards.rules.count import Count
from withinreach.standards.rules.every_unit import EveryUnit
from withinreach.standards.rules.in_reach import Coverage
from withinreach.standards.rules.narrative import Narrative
from withinreach.standards.rules.ratio import Ratio
from withinreach.standards.rules.share import Share
from withinreach.standards.rules.statistic import Statistic
from withinreach.standards.rules.tiers import Tiers

__all__ = ["AnyRule", "Part", "Rule"]

AnyRule = Annotated[
    Ratio | Share | Coverage | EveryUnit | Conditional | Tiers | Colocation | Statistic | Count | Narrative,
    Field(discriminator="rule"),
]
