"""Snapping against its slow twin (equal), against Shapely, and at its edges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import naive
from kernel_inputs import (
    as_points,
    csr_of,
    fuzz,
    snapped,
)
from withinreach.kernels import snap
from withinreach.kernels.snap import snap_points

whole = st.integers(-6, 6).map(float)
exact = st.floats(-2000, 2000, allow_subnormal=False)
CORNERS = [(0.0, 0.0), (500_000.0, 3_900_000.0)]


@st.composite
def snap_cases(draw: st.DrawFn) -> tuple[list[list[naive.Point]], list[naive.Point], float]:
    number = draw(st.sampled_from([whole, exact]))
    x0, y0 = draw(st.sampled_from(CORNERS))
    point = st.tuples(number, number).map(lambda p: (p[0] + x0, p[1] + y0))
    polylines = draw(st.lists(st.lists(point, min_size=2, max_size=5), max_size=7))
    points = draw(st.lists(point, max_size=8))
    return polylines, points, draw(st.sampled_from([0.0, 1.0, 5.0, 300.0, 1e6, math.inf]) | st.floats(0, 3000))


@fuzz
@given(snap_cases())
def test_snap_equals_its_twin(case: tuple[list[list[naive.Point]], list[naive.Point], float]) -> None:
    got = snapped(*case)
    want = naive.snap_points(*case)
    np.testing.assert_array_equal(got.segment, [w[0] for w in want])
    np.testing.assert_array_equal(got.offset_m, [w[1] for w in want])
    np.testing.assert_array_equal(got.distance_m, [w[2] for w in want])
    assert (got.segment.dtype, got.offset_m.dtype, got.distance_m.dtype) == (np.int32, np.float64, np.float64)


def town(seed: int, streets: int, points: int) -> tuple[list[list[naive.Point]], list[naive.Point]]:
    """Two dense quarters, a motorway across the map and a stray vertex; points in, between and beyond."""
    rng = np.random.default_rng(seed)
    centre = np.where(rng.random(streets) < 0.5, 0.0, 9000.0)[:, None]
    start = centre + rng.normal(0, 800, (streets, 2))
    steps = rng.normal(0, 60, (streets, 3, 2))
    lines = np.concatenate([start[:, None], start[:, None] + np.cumsum(steps, axis=1)], axis=1) + CORNERS[1]
    polylines = [[tuple(vertex) for vertex in line] for line in lines.tolist()]
    polylines += [[(497_000.0, 3_896_000.0), (515_000.0, 3_914_000.0)], [CORNERS[1], (0.0, 0.0)]]
    return polylines, [tuple(p) for p in (rng.uniform(-4000, 14_000, (points, 2)) + CORNERS[1]).tolist()]


@pytest.mark.parametrize("cap_m", [150.0, 2500.0, math.inf])
def test_snap_equals_its_twin_in_a_town(cap_m: float) -> None:
    polylines, points = town(7, streets=400, points=250)
    got = snapped(polylines, points, cap_m)
    want = naive.snap_points(polylines, points, cap_m)
    assert list(zip(got.segment.tolist(), got.distance_m.tolist(), strict=True)) == [(s, d) for s, _, d in want]
    np.testing.assert_array_equal(got.offset_m, [w[1] for w in want])
    assert (got.segment >= 0).any()


@pytest.mark.parametrize("scale", [1.0, 7.3])
def test_snap_equals_its_twin_on_a_chessboard(scale: float) -> None:
    """Every point lies between several equally near streets, on lines where cells of the grid may end."""
    side = range(15)
    streets = [((x, y), (x + 1, y)) for x in side for y in side] + [((x, y), (x, y + 1)) for x in side for y in side]
    rng = np.random.default_rng(4)
    polylines = [[(x * scale, y * scale) for x, y in streets[i]] for i in rng.permutation(len(streets))]
    points = [(float(x), float(y)) for x, y in rng.integers(-4, 36, (300, 2)) / 2 * scale]
    got = snapped(polylines, points, 2.0 * scale)
    want = naive.snap_points(polylines, points, 2.0 * scale)
    assert got.segment.tolist() == [w[0] for w in want]
    np.testing.assert_array_equal(got.offset_m, [w[1] for w in want])
    np.testing.assert_array_equal(got.distance_m, [w[2] for w in want])


def test_snap_agrees_with_shapely() -> None:
    polylines, points = town(11, streets=600, points=400)
    got = snapped(polylines, points, math.inf)
    lines, dots = shapely.linestrings([np.array(line) for line in polylines[:600]]), shapely.points(points)
    lines = np.append(lines, shapely.linestrings([np.array(line) for line in polylines[600:]]))
    np.testing.assert_allclose(
        got.distance_m, shapely.distance(dots[:, None], lines[None]).min(axis=1), rtol=1e-12, atol=1e-8
    )
    on_line = shapely.line_interpolate_point(lines[got.segment], got.offset_m)
    np.testing.assert_allclose(shapely.distance(on_line, dots), got.distance_m, atol=1e-8)


def test_a_point_exactly_at_the_cap_is_snapped() -> None:
    line, point = [[(0.0, 0.0), (0.0, 10.0)]], [(3.0, 14.0)]
    assert snapped(line, point, 5.0).segment.tolist() == [0]
    beyond = snapped(line, point, math.nextafter(5.0, 0.0))
    assert beyond.segment.tolist() == [-1]
    assert math.isnan(beyond.offset_m[0])
    assert beyond.distance_m[0] == math.inf


def test_a_point_exactly_at_a_cap_that_is_no_binary_fraction_is_snapped() -> None:
    assert snapped([[(0.0, 0.0), (1.0, 0.0)]], [(0.5, 0.1)], 0.1).segment.tolist() == [0]


def test_snapping_ties_go_to_the_lowest_segment() -> None:
    left, right = [(-1.0, 0.0), (-1.0, 9.0)], [(1.0, 0.0), (1.0, 9.0)]
    for lines in ([left, right], [right, left], [left, left, right]):
        assert snapped(lines, [(0.0, 4.0)], 9.0).segment.tolist() == [0]


def test_snapping_ties_on_one_segment_go_to_the_smallest_offset() -> None:
    there_and_back = [(0.0, 0.0), (8.0, 0.0), (8.0, 0.0), (0.0, 0.0)]
    got = snapped([there_and_back], [(3.0, 1.0), (9.0, 0.0)], 9.0)
    assert got.offset_m.tolist() == [3.0, 8.0]


def test_streets_that_share_a_vertex_tie_there() -> None:
    corner = (0.1, 0.7)
    into, out_of = [(-321.3, 5.9), corner], [corner, (17.3, -222.2)]
    for lines in ([into, out_of], [out_of, into]):
        assert snapped(lines, [(100.7, 60.3)], 1000.0).segment.tolist() == [0]


def test_a_street_of_length_zero_is_a_point() -> None:
    got = snapped([[(2.0, 2.0), (2.0, 2.0)]], [(2.0, 5.0), (2.0, 2.0)], 3.0)
    assert (got.segment.tolist(), got.offset_m.tolist(), got.distance_m.tolist()) == ([0, 0], [0, 0], [3, 0])


@pytest.mark.parametrize(("polylines", "points"), [([], [(1.0, 1.0)]), ([[(0.0, 0.0), (1.0, 0.0)]], []), ([], [])])
def test_snapping_nothing(polylines: list[list[naive.Point]], points: list[naive.Point]) -> None:
    got = snapped(polylines, points, math.inf)
    assert got.segment.tolist() == [-1] * len(points)
    assert np.isnan(got.offset_m).all()
    assert np.isinf(got.distance_m).all()
    assert (got.segment.dtype, got.offset_m.dtype, got.distance_m.dtype) == (np.int32, np.float64, np.float64)


def test_the_snapping_grid_stays_small_whatever_the_extent() -> None:
    polylines, points = town(3, streets=50, points=50)
    lonely = [[(0.0, 0.0), (1.0, 0.0)], [(9e8, 9e8), (9e8, 9e8 + 1)], [(-9e8, 3.0), (9e8, 3.0)]]
    for lines, dots, cap_m in [
        (polylines, points, 300.0),
        (lonely, [(0.0, 0.0), (9e8, 9e8)], 300.0),
        (lonely, [(0.0, 0.0)], math.inf),
        (lonely[:1] * 100, [(0.0, 0.0)], 1.0),
    ]:
        ptr, xy = csr_of(lines)
        grid, pieces = snap._layout(snap._Lines(ptr, xy), as_points(dots), cap_m)
        assert grid.nx * grid.ny <= 3 * pieces + 1
        index = snap._register(snap._Lines(ptr, xy), grid)
        assert len(index.piece) <= 6 * pieces


def test_a_stray_vertex_does_not_coarsen_the_grid() -> None:
    polylines, points = town(3, streets=50, points=50)
    cells = []
    for lines in (polylines[:-1], polylines):
        grid, _ = snap._layout(snap._Lines(*csr_of(lines)), as_points(points), 300.0)
        cells.append(grid.cell_m)
    assert cells[1] < 2 * cells[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"xy": np.array([[0.0, np.nan]])}, "xy row 0"),
        ({"xy": np.array([[0.0, 0.0], [np.inf, 0.0]])}, "xy row 1"),
        ({"xy": np.array([[0.0, 2e9]])}, "xy row 0"),
        ({"xy": np.zeros((1, 3))}, "xy must have shape"),
        ({"xy": np.zeros(2)}, "xy must have shape"),
        ({"xy": np.array([["0", "0"]])}, "xy must be float64"),
        ({"vertex_xy": np.array([[0.0, 0.0], [np.nan, 1.0]])}, "vertex_xy row 1"),
        ({"vertex_ptr": np.array([0, 1])}, "must ascend from 0 to 2"),
        ({"vertex_ptr": np.array([0, 3, 2])}, "must ascend from 0 to 2"),
        ({"vertex_ptr": np.array([], np.int64)}, "must ascend from 0 to 2"),
        ({"vertex_ptr": np.array([0, 1, 2])}, "two vertices or more"),
        ({"vertex_ptr": np.array([0.0, 2.0])}, "must be int64"),
        ({"cap_m": -1.0}, "cap_m must be 0 or more"),
        ({"cap_m": math.nan}, "cap_m must be 0 or more"),
    ],
)
def test_snapping_refuses(change: dict[str, object], message: str) -> None:
    good = {
        "vertex_ptr": np.array([0, 2]),
        "vertex_xy": np.array([[0.0, 0.0], [1.0, 0.0]]),
        "xy": np.array([[0.0, 1.0]]),
        "cap_m": 5.0,
    }
    assert snap_points(**good).segment.tolist() == [0]
    with pytest.raises(ValueError, match=message):
        snap_points(**(good | change))
