"""Walking uphill, on stairs and over crossings: by hand, and on a whole hilly case against networkx."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from conftest import EAST, NODES, NORTH, STREETS
from withinreach.errors import CrsError, SourceError
from withinreach.model import build_network, walking_costs
from withinreach.preparation.snapping import snap_places
from withinreach.preparation.terrain import street_slopes, tobler_factor
from withinreach.reach import measure_reach, pairs_within
from withinreach.sources import terrain
from withinreach.sources.sample import write_sample
from withinreach.sources.terrain import heights_at, terrain_cell_m
from withinreach.study import Profile

CRS = "EPSG:4547"
SLOW = Profile(title="slow", speed_m_s=1.0, source="by hand")


def write_heights(path, heights, *, west=EAST - 500, north=NORTH + 1000, cell=50.0, crs=CRS, nodata=None):
    """A raster whose upper left corner is at (west, north)."""
    grid = rasterio.transform.from_origin(west, north, cell, cell)
    height, width = heights.shape
    settings = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", transform=grid, crs=crs, nodata=nodata, **settings) as target:
        target.write(heights.astype("float32"), 1)
    return path


def centres(shape, west=EAST - 500, north=NORTH + 1000, cell=50.0):
    row, column = np.indices(shape)
    return west + (column + 0.5) * cell, north - (row + 0.5) * cell


@pytest.fixture
def ramp(tmp_path):
    """Rises by one in ten towards the east."""
    x, _ = centres((50, 50))
    return write_heights(tmp_path / "ramp.tif", 0.1 * (x - EAST) + 100)


# Tobler's function ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slope", "times"),
    [
        (0.0, 1.0),
        (0.1, math.exp(0.35)),  # 6 exp(-3.5 × 0.15) km/h against 6 exp(-3.5 × 0.05)
        (-0.05, 1.0),  # where walkers are fastest; not faster than level here
        (-0.1, 1.0),
        (-0.2, math.exp(0.35)),
        (0.5, math.exp(1.75)),
        (3.0, math.exp(1.75)),
        (math.nan, 1.0),
    ],
)
def test_toblers_function_by_hand(slope, times):
    assert tobler_factor(np.array([slope]))[0] == pytest.approx(times, rel=1e-12)


# Heights -------------------------------------------------------------------------------------------------------


def test_heights_are_bilinear_and_unknown_outside(ramp):
    xy = np.array([[EAST, NORTH], [EAST + 333.3, NORTH - 77], [EAST - 5000, NORTH]])
    np.testing.assert_allclose(heights_at(ramp, CRS, xy)[:2], [100, 133.33], atol=1e-3)
    assert np.isnan(heights_at(ramp, CRS, xy)[2])
    assert np.isnan(heights_at(ramp, CRS, xy[2:])).all()


def test_heights_beside_cells_without_data_are_unknown(tmp_path):
    heights = np.full((50, 50), 7.0)
    heights[20, 10] = -9999
    path = write_heights(tmp_path / "gap.tif", heights, nodata=-9999)
    x, y = centres((50, 50))
    xy = np.array([[x[20, 10] + 20, y[20, 10]], [x[20, 10] + 120, y[20, 10]]])
    found = heights_at(path, CRS, xy)
    assert np.isnan(found[0])
    assert found[1] == 7


def test_heights_in_degrees(tmp_path):
    path = write_heights(
        tmp_path / "degrees.tif", np.full((60, 60), 42.0), west=113.9, north=35.3, cell=1 / 3600, crs="EPSG:4326"
    )
    assert heights_at(path, "EPSG:4326", np.array([[113.905, 35.295]])).tolist() == [42]
    assert terrain_cell_m(path) == pytest.approx(30.9, abs=0.1)


def test_only_the_part_around_the_streets_is_read(ramp, monkeypatch):
    monkeypatch.setattr(terrain, "MAX_CELLS", 40)
    assert heights_at(ramp, CRS, np.array([[EAST, NORTH], [EAST + 200, NORTH]]))[0] == pytest.approx(100)
    with pytest.raises(SourceError, match=r"ramp.tif: 640 heights lie around the streets, more than 40; resample"):
        heights_at(ramp, CRS, np.array([[EAST, NORTH], [EAST + 1500, NORTH + 900]]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda folder: folder / "none.tif", SourceError, "no such file"),
        (lambda folder: write_heights(folder / "a.tif", np.ones((3, 3)), crs=None), CrsError, "states no CRS"),
        (lambda folder: (folder / "b.tif", (folder / "b.tif").write_text("no"))[0], SourceError, "cannot be read"),
    ],
)
def test_a_wrong_file_of_heights_is_told(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        heights_at(make(tmp_path), CRS, np.array([[EAST, NORTH]]))


# Slopes of streets ---------------------------------------------------------------------------------------------


def lines_of(*streets):
    return np.array([shapely.LineString(np.add(street, (EAST, NORTH))) for street in streets])


def test_streets_take_longer_uphill_than_down(ramp):
    lines = lines_of([(0, 0), (1000, 0)], [(1000, 0), (0, 0)], [(0, 0), (0, 500)])
    slopes = street_slopes(ramp, CRS, lines, np.zeros(3, bool))
    up = math.exp(0.35)
    np.testing.assert_allclose(slopes.uphill, [[up, 1, 1], [1, up, 1]], rtol=1e-4)
    assert slopes.known_m == pytest.approx(2500)
    assert slopes.steep_m == pytest.approx(2000)


def test_a_hill_in_the_middle_of_a_street_counts_but_not_under_a_bridge(tmp_path):
    x, _ = centres((50, 60))
    hill = write_heights(tmp_path / "hill.tif", np.maximum(0, 50 - np.abs(x - EAST - 500) * 0.1))
    street = [[(0, 0), (1000, 0)]]
    walked = street_slopes(hill, CRS, lines_of(*street), np.array([False])).uphill
    assert walked[0, 0] == pytest.approx((math.exp(0.35) + 1) / 2, rel=0.02)
    assert walked[0, 0] == pytest.approx(walked[1, 0], rel=0.02)
    assert street_slopes(hill, CRS, lines_of(*street), np.array([True])).uphill.tolist() == [[1], [1]]


def test_streets_without_heights_count_as_level(ramp):
    slopes = street_slopes(ramp, CRS, lines_of([(0, 0), (0, 0)], [(-9000, 0), (-8000, 0)]), np.zeros(2, bool))
    assert slopes.uphill.tolist() == [[1, 1], [1, 1]]
    assert slopes.known_m == 0


# Costs of profiles ---------------------------------------------------------------------------------------------
#
#   0 --100-- 1 ==steps 50== 2 --100-- 3        and a way around from 1 to 2 of 400
#
STAIRS = [[(0, 0), (100, 0)], [(100, 0), (150, 0)], [(150, 0), (250, 0)], [(100, 0), (100, 175), (150, 175), (150, 0)]]


@pytest.fixture
def stairs():
    network = build_network(lines_of(*STAIRS))
    return replace(network, steps=np.array([False, True, False, False]), crossing=np.array([True, False, False, False]))


@pytest.mark.parametrize(
    ("change", "metres"),
    [
        ({}, 250),
        ({"steps_m_s": 0.5}, 300),  # 50 m of stairs take 100 s
        ({"steps_m_s": 0.1}, 600),  # 500 s on the stairs, 400 around
        ({"steps_m_s": 0.0}, 600),
        ({"crossing_wait_s": 30.0}, 280),
        ({"crossing_wait_s": 30.0, "steps_m_s": 0.0}, 630),
    ],
)
def test_stairs_and_crossings_by_hand(stairs, change, metres):
    costs = walking_costs(stairs, SLOW.model_copy(update=change))
    graph = nx.DiGraph()
    for node, (begin, end) in enumerate(pairwise(costs.arc_ptr)):
        for arc in range(begin, end):
            graph.add_edge(node, int(costs.arc_head[arc]), mm=int(costs.arc_mm[arc]))
    first, last = (int(np.flatnonzero(stairs.xy[:, 0] == EAST + x)[0]) for x in (0, 250))
    assert nx.shortest_path_length(graph, last, first, weight="mm") == metres * 1000
    assert nx.shortest_path_length(graph, first, last, weight="mm") == metres * 1000


def test_level_walking_is_the_network_itself(stairs):
    costs = walking_costs(stairs, SLOW)
    assert costs.forward_mm is stairs.length_mm
    assert costs.arc_mm is stairs.arc_mm


def test_nobody_meets_the_network_on_stairs(stairs):
    segment, offset_mm, access_mm = snap_places(stairs, np.array([[EAST + 125, NORTH - 1]]), 300.0)
    assert segment[0] != 1
    assert access_mm[0] == math.ceil(math.hypot(25, 1) * 1000)
    assert offset_mm[0] in (0, stairs.length_mm[segment[0]])


def test_stairs_faster_than_streets_are_refused():
    with pytest.raises(ValueError, match="nobody is faster on stairs"):
        Profile(title="x", speed_m_s=1.0, steps_m_s=1.2, source="x")


# The town on a slope -------------------------------------------------------------------------------------------


def on_a_slope(town, heights):
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace("snap_cap_m = 300\n", f'snap_cap_m = 300\nterrain = {{ path = "{heights.name}" }}\n'))
    return town


def test_the_town_walks_to_its_facilities_uphill_and_down(town, tmp_path):
    """The street rises by 0.1 towards the east. A1 lies at the west end, A2 at the east end, both on the street."""
    x, _ = centres((60, 60))
    write_heights(town.parent / "ramp.tif", 0.1 * (x - EAST) + 100)
    case = wr.prepare(wr.load_study(on_a_slope(town, town.parent / "ramp.tif")))
    reach = measure_reach(case, case.study.services["elder_care"])
    up = math.exp(0.35)
    # Cell 2, at c: 20 m to the street, then 500 m down to A1 or 400 m up to A2.
    assert reach.seconds[2] == pytest.approx(min(520, 20 + 400 * up), abs=0.1)
    assert reach.nearest[2] == 0
    # Cell 1, at e: Mill Lane runs along the slope, so it is level; then 200 m downhill.
    assert reach.seconds[1] == pytest.approx(800, abs=0.01)
    assert "slopes" in set(case.audit.findings["rule"])
    level = wr.prepare(wr.load_study(_without_slopes(town)))
    assert measure_reach(level, level.study.services["elder_care"]).seconds[2] == 420


def _without_slopes(town):
    text = town.read_text(encoding="utf-8")
    town.write_text(text.replace("speed_m_s = 1.0\n", 'speed_m_s = 1.0\nslope = "none"\n'), encoding="utf-8")
    return town


# A whole hilly case --------------------------------------------------------------------------------------------


def hilly_study(folder):
    """The sample city on waves of hills, on whose stairs the elder profile is slow."""
    study = write_sample(folder, scale=0.02)
    case = wr.prepare(wr.load_study(study))
    (west, south), (east, north) = case.network.vertex_xy.min(axis=0), case.network.vertex_xy.max(axis=0)
    shape = (int((north - south) / 100) + 10, int((east - west) / 100) + 10)
    x, y = centres(shape, west - 400, north + 400, 100.0)
    heights = 60 * np.sin(x / 700) + 40 * np.cos(y / 450)
    write_heights(folder / "hills.tif", heights, west=west - 400, north=north + 400, cell=100.0)
    text = study.read_text(encoding="utf-8")
    text = text.replace("snap_cap_m = 300", 'terrain = { path = "hills.tif" }\nsnap_cap_m = 300')
    study.write_text(text.replace("[profiles.elder]", "[profiles.elder]\nsteps_m_s = 0.4"), encoding="utf-8")
    return study


def with_some_stairs(case, seed):
    """The case with stairs in the place of one street in twenty, but for those on which somebody or something lies."""
    steps = np.random.default_rng(seed).random(case.network.n_segments) < 0.05
    steps[case.people.segment[case.people.snapped]] = False
    steps[case.facilities.segment[case.facilities.snapped]] = False
    return replace(case, network=replace(case.network, steps=steps))


@pytest.fixture(scope="module")
def hilly(tmp_path_factory):
    return with_some_stairs(wr.prepare(wr.load_study(hilly_study(tmp_path_factory.mktemp("hilly")))), seed=5)


def directed_graph(case, costs, facilities):
    """Every way against the direction of walking, streets split where places meet them; see test_reach."""
    network, graph = case.network, nx.DiGraph()
    stops = {}

    def lower(a, b, mm):
        if not graph.has_edge(a, b) or graph[a][b]["weight"] > mm:
            graph.add_edge(a, b, weight=mm)

    for prefix, places, rows in (
        ("cell", case.people, range(len(case.people))),
        ("facility", case.facilities, facilities),
    ):
        for row in rows:
            segment = int(places.segment[row])
            if segment >= 0:
                offset = int(places.offset_mm[row])
                stops.setdefault(segment, set()).add(offset)
                for a, b in (((prefix, int(row)), (segment, offset)), ((segment, offset), (prefix, int(row)))):
                    lower(a, b, int(places.access_mm[row]))
    for segment in range(network.n_segments):
        length, forward, backward = (
            int(part[segment]) for part in (network.length_mm, costs.forward_mm, costs.backward_mm)
        )
        tail, head = ("node", int(network.tail[segment])), ("node", int(network.head[segment]))
        points = [(0, tail), *((mm, (segment, mm)) for mm in sorted(stops.get(segment, ()))), (length, head)]
        for (start, a), (end, b) in pairwise(points):
            there = forward * end // max(1, length) - forward * start // max(1, length)
            back = backward * end // max(1, length) - backward * start // max(1, length)
            lower(b, a, there)
            lower(a, b, back)
    return graph


def test_every_cell_of_a_hilly_case_equals_networkx(hilly):
    service = hilly.study.services["elder_care"]
    costs = walking_costs(hilly.network, hilly.study.profiles[service.profile])
    assert (costs.forward_mm != costs.backward_mm).mean() > 0.5
    rows = hilly.facility_rows(service.kinds)
    rows = rows[hilly.facilities.snapped[rows]]
    graph = directed_graph(hilly, costs, rows)
    lengths = nx.multi_source_dijkstra_path_length(graph, {("facility", int(row)) for row in rows})
    want = np.array([lengths.get(("cell", row), np.inf) for row in range(len(hilly.people))]) / 1000
    reach = measure_reach(hilly, service)
    np.testing.assert_array_equal(reach.level_m, want)
    connected = reach.nearest >= 0
    straight = np.hypot(*(hilly.people.xy[connected] - hilly.facilities.xy[reach.nearest[connected]]).T)
    assert (reach.level_m[connected] >= straight - 0.002).all()


def test_pairs_of_a_hilly_case_hold_the_nearest(hilly):
    service = hilly.study.services["elder_care"]
    reach, pairs = measure_reach(hilly, service), pairs_within(hilly, service)
    best = np.full(len(hilly.people), np.inf)
    np.minimum.at(best, pairs.cell, pairs.seconds)
    np.testing.assert_array_equal(best, np.where(reach.covered, reach.seconds, np.inf))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 5), min_size=10, max_size=10))
def test_costs_are_never_below_the_length(times):
    lines = lines_of(*([NODES[a], NODES[b]] for a, b in STREETS))
    network = build_network(lines)
    network = replace(network, uphill=np.array(times).reshape(2, 5))
    costs = walking_costs(network, SLOW)
    assert (costs.forward_mm >= network.length_mm).all()
    assert (costs.backward_mm >= network.length_mm).all()
    np.testing.assert_array_equal(
        walking_costs(network, SLOW.model_copy(update={"slope": "none"})).forward_mm, network.length_mm
    )
