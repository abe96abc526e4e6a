"""(Case, Service) -> Reach: how long people walk to the nearest facility, which one, and why some cannot."""

from __future__ import annotations

from withinreach.reach.borders import Grounds, measure_own_reach, own_grounds
from withinreach.reach.inputs import segments_of, spots_of
from withinreach.reach.nearest import Reach, Status, measure_reach, nearest_along, nearest_ways, people_by_nearest
from withinreach.reach.pairs import Pairs, pairs_to, pairs_within, ways_within

__all__ = [
    "Grounds",
    "Pairs",
    "Reach",
    "Status",
    "measure_own_reach",
    "measure_reach",
    "nearest_along",
    "nearest_ways",
    "own_grounds",
    "pairs_to",
    "pairs_within",
    "people_by_nearest",
    "segments_of",
    "spots_of",
    "ways_within",
]
