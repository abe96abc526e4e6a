"""Who can walk to a public service in time, who cannot, and how far the numbers are from the plan.

The public names are loaded on first use, so that ``withinreach --help`` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from withinreach.analysis import Result, analyse, judge
    from withinreach.catchments import sketch_walks, trace_all_isochrones, trace_catchments, trace_isochrones
    from withinreach.change import explain_change
    from withinreach.errors import CoverageError
    from withinreach.exploring import explore_sites
    from withinreach.maps import draw_area, draw_comparison, draw_map
    from withinreach.maps.plates import draw_plate
    from withinreach.model import Case, Network
    from withinreach.preparation import examine, prepare, sample_case, write_repairs
    from withinreach.publishing import export
    from withinreach.publishing.briefing import write_brief
    from withinreach.scenarios import Scenario, compare, load_scenario
    from withinreach.siting import Plan, Rules, explain_gaps, site
    from withinreach.standards import Judgement
    from withinreach.study import Study, load_study
    from withinreach.uncertainty import draw_tornado, estimate_intervals, vary_assumptions
    from withinreach.weighing import weigh_equity, weigh_supply

_HOMES = {
    "Case": "model",
    "CoverageError": "errors",
    "Judgement": "standards",
    "Network": "model",
    "Plan": "siting",
    "Result": "analysis",
    "Rules": "siting",
    "Scenario": "scenarios",
    "Study": "study",
    "analyse": "analysis",
    "compare": "scenarios",
    "draw_area": "maps",
    "draw_comparison": "maps",
    "draw_map": "maps",
    "draw_plate": "maps.plates",
    "draw_tornado": "uncertainty",
    "estimate_intervals": "uncertainty",
    "examine": "preparation",
    "explain_change": "change",
    "explain_gaps": "siting",
    "explore_sites": "exploring",
    "export": "publishing",
    "judge": "analysis",
    "load_scenario": "scenarios",
    "load_study": "study",
    "prepare": "preparation",
    "sample_case": "preparation",
    "trace_catchments": "catchments",
    "trace_all_isochrones": "catchments",
    "trace_isochrones": "catchments",
    "vary_assumptions": "uncertainty",
    "weigh_equity": "weighing",
    "weigh_supply": "weighing",
    "write_repairs": "preparation",
    "site": "siting",
    "write_brief": "publishing.briefing",
    "sketch_walks": "catchments",
}

__all__ = [
    "Case",
    "CoverageError",
    "Judgement",
    "Network",
    "Plan",
    "Result",
    "Rules",
    "Scenario",
    "Study",
    "analyse",
    "compare",
    "draw_area",
    "draw_comparison",
    "draw_map",
    "draw_plate",
    "draw_tornado",
    "estimate_intervals",
    "examine",
    "explain_change",
    "explain_gaps",
    "explore_sites",
    "export",
    "judge",
    "load_scenario",
    "load_study",
    "prepare",
    "sample_case",
    "site",
    "sketch_walks",
    "trace_all_isochrones",
    "trace_catchments",
    "trace_isochrones",
    "vary_assumptions",
    "weigh_equity",
    "weigh_supply",
    "write_brief",
    "write_repairs",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("withinreach")
    if name not in _HOMES:
        raise AttributeError(f"module 'withinreach' has no attribute '{name}'")
    value = getattr(import_module(f"withinreach.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
