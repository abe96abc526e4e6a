"""Streets per settled km² around cells: by hand, against shapely, and what the audit and the exports make of it."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

import withinreach as wr
from withinreach.model import build_network
from withinreach.preparation.cache import network_file
from withinreach.preparation.support import street_support

quick = settings(max_examples=80, deadline=None)


def network_of(*lines):
    return build_network(np.array([shapely.LineString(line) for line in lines], object))


def support(network, *cells, size_m=100.0):
    return street_support(network, np.array(cells, float), (size_m, size_m)).tolist()


def test_a_street_through_the_window_is_cut_at_its_edges():
    street = network_of([(-1000, 50), (1000, 50)])
    assert support(street, (250, 50)) == [50]  # 500 m, one cell of 0.01 km²
    assert support(street, (250, 50), (250, 150)) == [25, 25]
    assert support(street, (250, 50), (250, 150), (250, 350)) == [25, pytest.approx(50 / 3), 0]


def test_the_window_moves_with_the_cell():
    street = network_of([(0, 50), (100, 50)])
    assert support(street, (299, 299)) == [10]
    assert support(street, (300, 299)) == [0]
    assert support(street, (299, 300)) == [0]
    assert support(street, (-199, -199)) == [10]
    assert support(street, (-201, 50)) == [0]


def test_slanting_and_winding_streets_are_cut_exactly():
    assert support(network_of([(0, 0), (500, 500)]), (250, 250)) == [pytest.approx(50 * np.sqrt(2), rel=1e-8)]
    assert support(network_of([(-100, 250), (250, 250), (250, 900)]), (250, 250)) == [50]
    assert support(network_of([(-5, 10), (-5, 20), (5, 20), (5, 10)]), (250, 250)) == [pytest.approx(1.5)]


def test_wide_cells_have_a_window_of_their_width():
    street = network_of([(-5000, 50), (5000, 50)])
    assert support(street, (250, 50), size_m=1000) == [pytest.approx(1.1)]
    assert support(street, (250, 50), (1250, 50), size_m=1000) == [pytest.approx(1.1)] * 2


def test_where_no_street_is_near_it_is_zero():
    assert support(network_of([(0, 0), (100, 0)]), (1e6, 1e6), (-1e6, 0)) == [0, 0]


# Never on the edge of a square, where shapely's closed boxes count a street in both.
off_edges = st.tuples(*[st.integers(-60, 60).map(lambda step: 10.0 * step + 3)] * 2)
drawn = st.lists(st.lists(off_edges, min_size=2, max_size=5, unique=True), min_size=1, max_size=8)
places = st.lists(st.tuples(st.floats(-700, 700), st.floats(-700, 700)), min_size=1, max_size=10)


@quick
@example([[(3.0, 3.0), (13.0, 3.0), (-7.0, 3.0)]], [(0.0, 0.0)], (20.0, 20.0))
@given(drawn, places, st.tuples(st.floats(20, 700), st.floats(20, 700)))
def test_every_window_equals_what_shapely_cuts_out(lines, cells, size_m):
    network = network_of(*lines)
    xy = np.array(cells)
    reach = 2 if max(size_m) <= 500 else 3
    # Piece by piece: of a line that runs back over itself shapely would count the ground once.
    pieces = [shapely.LineString(ends) for line in lines for ends in itertools.pairwise(line)]
    for (x, y), got in zip(np.floor(xy / 100) * 100, street_support(network, xy, size_m), strict=True):
        low, high = np.array([x, y]) - 100 * reach, np.array([x, y]) + 100 * (reach + 1)
        inside = ((xy >= low) & (xy < high)).all(axis=1).sum()
        metres = sum(shapely.intersection(piece, shapely.box(*low, *high)).length for piece in pieces)
        assert got == pytest.approx(metres / 1000 / (inside * size_m[0] * size_m[1] / 1e6), rel=1e-6, abs=1e-6)


@quick
@given(drawn, places, st.randoms(use_true_random=False))
def test_the_order_of_cells_and_streets_does_not_matter(lines, cells, random):
    before = street_support(network_of(*lines), np.array(cells), (100, 100))
    order = random.sample(range(len(cells)), len(cells))
    shuffled = network_of(*random.sample(lines, len(lines)))
    assert np.array_equal(street_support(shuffled, np.array(cells)[order], (100, 100)), before[order])


# In a study -----------------------------------------------------------------------------------------------------


def with_limit(town, limit):
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace("snap_cap_m = 300", f"snap_cap_m = 300\nthin_km_per_km2 = {limit}"), encoding="utf-8")
    return wr.load_study(town)


def test_the_town_by_hand(town):
    people = wr.prepare(wr.load_study(town)).people.table
    # at a: 300 m of the High Street and 200 m of Mill Lane; at e: 300 m; at c: 500 m; at d: 200 m; the island: 100 m
    assert people["support_km_per_km2"].tolist() == [50, 30, 50, 20, 10, 0]
    assert people["thin_network"].tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("limit", "want"),
    [
        (0, {}),
        (6, {"1": (1, 4, "5.0")}),
        (20, {"1": (1, 4, "5.0"), "2": (1, 2, "10.0")}),
        (20.001, {"1": (1, 4, "5.0"), "2": (2, 2, "50.0")}),
    ],
)
def test_thin_streets_are_told_per_area_with_cells_and_people(town, limit, want):
    found = wr.prepare(with_limit(town, limit)).audit.findings
    told = found[found["rule"] == "streets_thin"].set_index("value")["reason"].to_dict()
    assert told == {
        code: f"around {cells} of {of} cells with {people} people there are less than {limit:g} km of streets "
        "per settled km²"
        for code, (cells, of, people) in want.items()
    }


def test_cells_are_exported_with_their_flag(town, tmp_path):
    wr.export(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "out")
    cells = gpd.read_file(tmp_path / "out" / "county" / "1" / "1.gpkg", layer="cells")
    assert cells["support_km_per_km2"].tolist() == [50, 30, 50, 0]
    assert cells["thin_network"].tolist() == [False, False, False, True]


def test_the_limit_does_not_shape_the_network(town):
    study = wr.load_study(town)
    assert network_file(with_limit(town, 9)) == network_file(study)


def test_wuhan_is_thin_where_the_extract_ends(shared, measured):
    case = wr.prepare(wr.load_study(__file__.replace("test_support.py", "studies/wuhan.toml")))
    people = case.people.table
    thin = people["thin_network"]
    near = case.people.snapped[~thin].mean()
    share = people.loc[thin, "all"].sum() / people["all"].sum()
    measured(f"streets are thin around {thin.mean():.1%} of the cells with {share:.1%} of the people")
    assert near > 0.999
    assert 0.05 < share < 0.15
    assert people.loc[thin, "support_km_per_km2"].quantile(0.5) < 1
