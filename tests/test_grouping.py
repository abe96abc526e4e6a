"""Kernels that put things together: points that are near each other, and segments that go on into one another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

import naive
from withinreach.kernels.chains import chain_segments
from withinreach.kernels.groups import group_within

# On a lattice of tenths many distances are equal to a step, or all but equal.
TENTHS = st.integers(-40, 40).map(lambda tenths: tenths / 10)
POINTS = st.lists(st.tuples(TENTHS, TENTHS), max_size=60)

fuzz = settings(deadline=None, max_examples=150)


@fuzz
@given(POINTS, st.sampled_from([0.1, 0.3, 0.5, 1.0, 2.7, 100.0]))
def test_groups_are_those_of_everybody_looking_at_everybody(points, near):
    assert group_within(np.array(points).reshape(-1, 2), near).tolist() == naive.group_within(points, near)


@fuzz
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=40), st.floats(1e-3, 1e6))
def test_groups_of_any_points(points, near):
    assert group_within(np.array(points).reshape(-1, 2), near).tolist() == naive.group_within(points, near)


def test_groups_are_those_of_scipy():
    xy = np.random.default_rng(7).uniform(0, 3_000, (20_000, 2))
    pairs = cKDTree(xy).query_pairs(15.0, output_type="ndarray")
    count, group = connected_components(coo_array((np.ones(len(pairs)), pairs.T), shape=(len(xy),) * 2), directed=False)
    assert 100 < count < 15_000
    np.testing.assert_array_equal(group_within(xy, 15.0), group)


@pytest.mark.parametrize(
    ("xy", "near", "message"),
    [
        ([(0.0, np.nan)], 1.0, "xy row 0"),
        ([(0.0, 0.0)], 0.0, "near_m must be above 0"),
        ([(0.0, 0.0)], np.nan, "near_m must be above 0"),
        ([(0.0, 0.0), (1e6, 1e6)], 1e-6, "cannot be grouped"),
    ],
)
def test_what_cannot_be_grouped_is_refused(xy, near, message):
    with pytest.raises(ValueError, match=message):
        group_within(np.array(xy), near)


@st.composite
def joints(draw):
    """A number of segments, and pairs of ends of different ones, in any order."""
    segments = draw(st.integers(0, 12))
    every = [(a, b) for a, b in itertools.combinations(range(2 * segments), 2) if a // 2 != b // 2]
    return draw(st.permutations(every)) if every else [], segments


@fuzz
@given(joints(), st.integers(0, 30))
def test_chains_are_those_of_the_twin_and_hold_every_segment_once(told, kept):
    pairs, segments = told[0][:kept], told[1]
    found = chain_segments(np.array(pairs, np.int64).reshape(-1, 2), segments)
    chains = [found.end[a:b].tolist() for a, b in itertools.pairwise(found.ptr.tolist())]
    assert chains == naive.chain_segments(pairs, segments)
    assert sorted(end // 2 for chain in chains for end in chain) == list(range(segments))


def test_a_ring_is_one_chain():
    found = chain_segments(np.array([(1, 2), (3, 4), (5, 0)]), 3)
    assert (found.end.tolist(), found.ptr.tolist()) == ([0, 2, 4], [0, 3])


def test_ends_of_no_segment_are_refused():
    with pytest.raises(ValueError, match="from 0 to 3"):
        chain_segments(np.array([(0, 4)]), 2)
