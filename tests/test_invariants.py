"""What must hold on every network: random streets, random places, hypothesis looking for the exception."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from withinreach.kernels.nearest import (
    UNREACHED,
    Seeds,
    Spots,
    level_segments,
    nearest_to_nodes,
    nearest_to_places,
    seeds_of,
)
from withinreach.model import build_network
from withinreach.preparation.snapping import snap_places

quick = settings(max_examples=60, deadline=None)

positions = st.tuples(st.integers(0, 12), st.integers(0, 12))
streets = st.lists(st.tuples(positions, positions), min_size=1, max_size=25)
places = st.lists(st.tuples(st.floats(-50, 1250), st.floats(-50, 1250)), min_size=2, max_size=12)
# Access legs and lengths are rounded up and offsets to the nearest millimetre, at both ends of a way.
ROUNDING_MM = 2


class Town:
    """Streets between corners of a 100 m lattice (also loops of length zero and parallel ones), and some places."""

    def __init__(self, streets, places) -> None:
        lines = shapely.linestrings([np.array(street, float) * 100 for street in streets])
        self.network = build_network(np.atleast_1d(lines))
        self.xy = np.array(places)
        self.spots = Spots(*snap_places(self.network, self.xy, 400.0))
        self.segments = level_segments(self.network.tail, self.network.head, self.network.length_mm)

    def walk_mm(self, facilities) -> np.ndarray:
        """From every place to the nearest of some places."""
        rows = np.array(facilities, np.int32)
        network = self.network
        seeds = seeds_of(self.segments, self.spots, rows)
        nodes = nearest_to_nodes(network.arc_ptr, network.arc_head, network.arc_mm, seeds)
        return nearest_to_places(self.segments, nodes, self.spots, rows, self.spots).mm

    def matrix_mm(self) -> np.ndarray:
        return np.array([self.walk_mm([row]) for row in range(len(self.xy))])


towns = st.builds(Town, streets, places)


@quick
@given(towns)
def test_no_way_is_shorter_than_the_straight_line(town):
    mm = town.matrix_mm()
    straight_mm = np.hypot(*(town.xy[:, None] - town.xy[None]).T) * 1000
    other = ~np.eye(len(mm), dtype=bool)
    assert (mm[other] >= straight_mm[other] - ROUNDING_MM).all()


@quick
@given(towns)
def test_there_and_back_are_equal(town):
    mm = town.matrix_mm()
    np.testing.assert_array_equal(mm, mm.T)


@quick
@given(towns)
def test_a_detour_over_a_third_place_is_never_shorter(town):
    """Up to the third place's own access leg, which the direct way need not walk."""
    mm = town.matrix_mm()
    access = town.spots.access_mm
    for over in range(len(mm)):
        detour = mm[:, over, None] - access[over] + mm[None, over, :] - access[over]
        reached = (mm[:, over, None] < UNREACHED) & (mm[None, over, :] < UNREACHED)
        off_diagonal = reached & ~np.eye(len(mm), dtype=bool)
        assert (mm[off_diagonal] <= detour[off_diagonal]).all()


@quick
@given(towns, st.data())
def test_adding_a_facility_never_worsens_anyone_and_closing_one_never_improves_anyone(town, data):
    rows = data.draw(st.lists(st.integers(0, len(town.xy) - 1), min_size=1, max_size=5, unique=True))
    more = data.draw(st.integers(0, len(town.xy) - 1))
    before, after = town.walk_mm(rows), town.walk_mm(sorted({*rows, more}))
    assert (after <= before).all()
    np.testing.assert_array_equal(after, np.minimum(before, town.walk_mm([more])))


@quick
@given(towns, st.data())
def test_adding_a_street_never_worsens_a_way_between_the_same_points_of_the_network(town, data):
    """Places may snap elsewhere when streets are added, so the ways between nodes are compared."""
    extra = data.draw(st.tuples(positions, positions))
    more = Town([*_streets_of(town), extra], town.xy.tolist())
    both = {tuple(xy) for xy in town.network.xy.tolist()} & {tuple(xy) for xy in more.network.xy.tolist()}
    at = data.draw(st.sampled_from(sorted(both)))
    before, after = _to_nodes(town, at), _to_nodes(more, at)
    assert all(after[node] <= before[node] for node in both)


def _streets_of(town: Town):
    ptr = town.network.vertex_ptr
    ends = zip(town.network.vertex_xy[ptr[:-1]], town.network.vertex_xy[ptr[1:] - 1], strict=True)
    return [(tuple(a / 100), tuple(b / 100)) for a, b in ends]


def _to_nodes(town: Town, at: tuple[float, float]) -> dict[tuple[float, float], int]:
    network = town.network
    (node,) = np.flatnonzero((network.xy == at).all(axis=1)).astype(np.int32)
    seeds = Seeds(np.array([node], np.int32), np.array([0]), np.array([0], np.int32))
    mm = nearest_to_nodes(network.arc_ptr, network.arc_head, network.arc_mm, seeds).mm
    return {tuple(xy): int(value) for xy, value in zip(network.xy.tolist(), mm, strict=True)}


@quick
@given(towns, st.integers(500, 5000), st.integers(1, 3000))
def test_walking_faster_never_takes_longer(town, speed_mm_s, faster):
    mm = town.walk_mm([0])
    reached = mm[mm < UNREACHED]
    assert (reached / (speed_mm_s + faster) <= reached / speed_mm_s).all()
