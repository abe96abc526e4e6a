"""Planners' own road layers: cut where they meet, gaps closed, bridges left alone."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from withinreach.preparation.cleaning import close_gaps, line_figures, planarise

quick = settings(max_examples=60, deadline=None)


def lines(*coordinates) -> np.ndarray:
    return np.array([shapely.LineString(line) for line in coordinates], object)


def as_sets(found) -> set[tuple]:
    return {tuple(sorted(line.coords)) for line in found}


# Cases drawn by hand ------------------------------------------------------------------------------------------


def test_a_crossing_becomes_a_node():
    #      |
    #   ---+---
    #      |
    got = planarise(lines([(-10, 0), (10, 0)], [(0, -10), (0, 10)]))
    assert as_sets(got.lines) == {
        ((-10, 0), (0, 0)),
        ((0, 0), (10, 0)),
        ((0, -10), (0, 0)),
        ((0, 0), (0, 10)),
    }
    assert got.source.tolist() == [0, 0, 1, 1]
    assert (got.report.before.components, got.report.after.components) == (2, 1)
    assert (got.report.before.nodes, got.report.after.nodes) == (4, 5)
    assert got.report.cuts == 2


def test_an_end_that_touches_a_street_becomes_a_node():
    #   ---+---
    #      |
    got = planarise(lines([(-10, 0), (10, 0)], [(0, 0), (0, -10)]))
    assert len(got.lines) == 3
    assert got.report.after.components == 1


def test_a_bridge_is_not_connected_to_the_road_below_but_to_those_at_its_heads():
    #            | road (level 0)
    #   ---o=====|=====o---     bridge (level 1) between its heads
    #            |
    streets = lines([(-30, 0), (-10, 0)], [(-10, 0), (10, 0)], [(10, 0), (30, 0)], [(0, -20), (0, 20)])
    got = planarise(streets, level=np.array([0, 1, 0, 0]))
    assert len(got.lines) == 4
    assert got.report.after.components == 2
    assert all(after is before for after, before in zip(got.lines, streets, strict=True))


def test_a_street_that_is_drawn_twice_is_kept_once():
    got = planarise(lines([(0, 0), (100, 0)], [(0, 0), (100, 0)], [(20, 0), (60, 0)]))
    assert sum(line.length for line in got.lines) == pytest.approx(100)
    assert got.report.overlap_m == pytest.approx(140)


def test_what_needs_no_cut_is_left_untouched():
    streets = lines([(0, 0), (50, 3), (100, 0)], [(100, 0), (200, 0)], [(500, 500), (600, 500)])
    got = planarise(streets)
    assert all(after is before for after, before in zip(got.lines, streets, strict=True))
    assert got.report.cuts == 0


def test_a_dead_end_just_short_of_a_street_is_joined_to_it():
    #   -------+-------
    #          : 0.4 m
    #          |
    streets = lines([(-50, 0), (50, 0)], [(0, -0.4), (0, -30)])
    got = close_gaps(streets, 0.5)
    assert got.report.after.components == 1
    assert got.report.gaps_closed == 1
    assert got.report.largest_gap_m == pytest.approx(0.4)
    assert line_figures(close_gaps(streets, 0.3).lines) == line_figures(streets)


def test_three_ends_that_nearly_meet_are_joined():
    streets = lines([(-40, 0), (-0.15, 0)], [(0.15, 0), (40, 0)], [(0, 0.2), (0, 40)])
    got = close_gaps(streets, 0.5)
    assert got.report.before.components == 3
    assert got.report.after.components == 1
    assert got.report.largest_gap_m <= 0.5


def test_a_gap_of_zero_closes_nothing():
    streets = lines([(0, 0), (10, 0)], [(10.001, 0), (20, 0)])
    got = close_gaps(streets, 0.0)
    assert all(after is before for after, before in zip(got.lines, streets, strict=True))


# Whatever is drawn --------------------------------------------------------------------------------------------

corner = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda xy: (xy[0] * 37.0, xy[1] * 41.0))
drawn = st.lists(st.tuples(corner, corner).filter(lambda ends: ends[0] != ends[1]), min_size=1, max_size=12).map(
    lambda ends: lines(*ends)
)


@quick
@given(drawn)
def test_planarising_keeps_the_length_and_leaves_no_crossing(streets):
    got = planarise(streets)
    kept = shapely.length(got.lines).sum() + got.report.overlap_m
    assert kept == pytest.approx(shapely.length(streets).sum(), rel=1e-5)
    assert got.report.after.components <= got.report.before.components
    tree = shapely.STRtree(got.lines)
    a, b = tree.query(got.lines, predicate="crosses")
    shared = shapely.intersection(got.lines[a], got.lines[b])
    ends = shapely.union_all(shapely.boundary(got.lines))
    # A crossing that is left would lie away from every end; rounding leaves some within a millimetre of one.
    assert (shapely.distance(shared, ends) < 1e-3).all()


@quick
@given(drawn)
def test_planarising_twice_changes_nothing_more(streets):
    once = planarise(streets)
    twice = planarise(once.lines)
    assert twice.report.cuts == 0
    assert all(after is before for after, before in zip(twice.lines, once.lines, strict=True))


@quick
@given(drawn, st.floats(0, 5))
def test_closing_gaps_moves_nothing_farther_than_the_gap(streets, gap_m):
    got = close_gaps(planarise(streets).lines, gap_m)
    assert got.report.after.components <= got.report.before.components
    assert got.report.largest_gap_m <= gap_m
    old = shapely.union_all(streets)
    points = shapely.points(shapely.get_coordinates(got.lines))
    assert (shapely.distance(points, old) <= gap_m + 2e-3).all()


# In a study ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loose_town(town):
    """The town with one long High Street that crosses Mill Lane without a node, and Mill Lane 0.4 m short of it."""
    path = town.parent / "streets.geojson"
    frame = gpd.read_file(path)
    east, north = 500_000.0, 3_900_000.0
    high = shapely.LineString([(east, north), (east + 900, north)])
    mill = shapely.LineString([(east + 200, north - 0.4), (east + 200, north - 600)])
    gpd.GeoDataFrame(geometry=[high, mill, frame.geometry.iloc[-1]], crs=frame.crs).to_file(path)
    return town


def with_cleaning(study, text: str):
    study.write_text(study.read_text(encoding="utf-8").replace("snap_cap_m = 300", f"snap_cap_m = 300\n{text}"))
    return wr.prepare(wr.load_study(study))


def test_a_study_cleans_its_streets_and_says_so(loose_town):
    before = wr.prepare(wr.load_study(loose_town)).network
    case = with_cleaning(loose_town, "clean = { gap_m = 0.5 }")
    assert before.component.max() + 1 == 3
    assert case.network.component.max() + 1 == 2
    told = case.audit.findings.set_index("rule")["reason"]
    assert "separate components 3 → 2" in told["streets_cleaned"]
    assert told["gaps_closed"] == "gaps closed: 1, the largest 0.40 m"


def test_a_level_that_the_layer_does_not_have_is_told(loose_town):
    with pytest.raises(
        wr.CoverageError, match=r"streets\.geojson: no column 'brücke' \(named by network\.clean\.level"
    ):
        with_cleaning(loose_town, 'clean = { level = "brücke" }')


def test_a_shapefile_without_prj_and_cpg_is_read(town):
    path = town.parent / "streets.geojson"
    shape = path.with_suffix(".shp")
    frame = gpd.read_file(path)
    frame.assign(名称="人民路").to_file(shape, encoding="GB18030")
    for suffix in (".prj", ".cpg"):
        shape.with_suffix(suffix).unlink()
    town.write_text(town.read_text(encoding="utf-8").replace("streets.geojson", "streets.shp"), encoding="utf-8")
    text = town.read_text(encoding="utf-8").replace(
        "snap_cap_m = 300", 'snap_cap_m = 300\nexclude = { "名称" = ["人民路"] }'
    )
    assert wr.prepare(wr.load_study(town)).network.n_segments == 5
    town.write_text(text, encoding="utf-8")
    with pytest.raises(wr.CoverageError, match=r"no street is left after network\.exclude"):
        wr.prepare(wr.load_study(town))
