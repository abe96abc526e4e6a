"""(Case, Service) -> the ground from which people reach each facility in time, and that to which no other is nearer."""

from __future__ import annotations

from withinreach.catchments.isochrones import trace_all_isochrones, trace_isochrones
from withinreach.catchments.sketching import sketch_walks
from withinreach.catchments.voronoi import divide_ground, ground_near_streets, trace_catchments

__all__ = [
    "divide_ground",
    "ground_near_streets",
    "sketch_walks",
    "trace_all_isochrones",
    "trace_catchments",
    "trace_isochrones",
]
