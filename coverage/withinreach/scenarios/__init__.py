"""What if: a scenario as data, the case that it makes of another, and what changes for whom."""

from __future__ import annotations

from withinreach.scenarios.comparison import Comparison, Outcome, change_of_cells, compare
from withinreach.scenarios.document import Link, Opening, Resizing, Tariff
from withinreach.scenarios.outcome import reanalyse
from withinreach.scenarios.scenario import Scenario, load_scenario

__all__ = [
    "Comparison",
    "Link",
    "Opening",
    "Outcome",
    "Resizing",
    "Scenario",
    "Tariff",
    "change_of_cells",
    "compare",
    "load_scenario",
    "reanalyse",
]
