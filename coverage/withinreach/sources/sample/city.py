"""The sample city as a whole: each step of its growth draws from a stream of random numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.sources.sample.facilities import found_facilities
from withinreach.sources.sample.geography import read_geography
from withinreach.sources.sample.lattice import lay_corners
from withinreach.sources.sample.mesh import span_mesh
from withinreach.sources.sample.population import populate, read_census
from withinreach.sources.sample.settlements import settle
from withinreach.sources.sample.streets import build_streets
from withinreach.sources.sample.villages import listed_villages

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.population import Population
    from withinreach.sources.sample.streets import Streets


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """What is written."""

    geography: Geography
    streets: Streets
    population: Population
    facilities: pd.DataFrame
    villages: pd.DataFrame


def make_city(*, seed: int, scale: float, progress: Callable[[str], None]) -> City:
    """Grow the city: settlements, streets, people, facilities, and the list of villages."""
    streams = [np.random.default_rng([seed, step]) for step in range(7)]
    progress("drawing units and rivers")
    geography = read_geography()
    census = read_census()
    progress("founding settlements")
    settlements = settle(geography, census.urban, census.rural, scale=scale, rng=streams[0])
    progress("building streets")
    corners = lay_corners(geography, settlements, rng=streams[1])
    mesh = span_mesh(geography, settlements, corners, rng=streams[2])
    streets = build_streets(geography, settlements, mesh, rng=streams[3])
    progress("settling people")
    population = populate(geography, settlements, streets, scale=scale, rng=streams[4])
    progress("founding facilities")
    facilities = found_facilities(geography, population, streets, scale=scale, rng=streams[5])
    villages = listed_villages(geography, settlements, rng=streams[6])
    return City(geography, streets, population, facilities, villages)
