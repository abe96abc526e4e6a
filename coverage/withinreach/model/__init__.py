"""The frozen inputs that every later stage shares: Network, Places, Areas, Audit, Case.

Arrays are read-only. Lengths are whole millimetres, so that sums are exact and the fast kernels agree bit for bit
with their slow twins; coordinates are float64 metres in the study's metric CRS.
"""

from __future__ import annotations

from withinreach.model.accounts import Step, residual
from withinreach.model.case import (
    NO_SEGMENT,
    NOT_OPEN,
    OUTSIDE_AREAS,
    STATISTICS,
    TOTAL,
    Areas,
    Audit,
    Case,
    Places,
    UnitList,
    no_statistics,
    serving,
)
from withinreach.model.costs import Costs, walking_costs
from withinreach.model.crs import measures_metres
from withinreach.model.frozen import Frozen
from withinreach.model.names import file_stem, told_name
from withinreach.model.network import Network, build_network, whole_mm_up
from withinreach.model.part import Part, part_around

__all__ = [
    "NOT_OPEN",
    "NO_SEGMENT",
    "OUTSIDE_AREAS",
    "STATISTICS",
    "TOTAL",
    "Areas",
    "Audit",
    "Case",
    "Costs",
    "Frozen",
    "Network",
    "Part",
    "Places",
    "Step",
    "UnitList",
    "build_network",
    "file_stem",
    "measures_metres",
    "no_statistics",
    "part_around",
    "residual",
    "serving",
    "told_name",
    "walking_costs",
    "whole_mm_up",
]
