"""Isochrones: what their docstring promises, on random streets and real cities; a slow twin; shapely as an oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import naive
import withinreach as wr
from conftest import write_town
from test_invariants import streets
from withinreach.catchments import isochrones as module
from withinreach.errors import CoverageError, StudyError
from withinreach.kernels.nearest import Spots
from withinreach.model import Network, Places, build_network
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.snapping import snap_places
from withinreach.preparation.streets import prepare_network
from withinreach.reach import pairs_within, spots_of, ways_within
from withinreach.sources.sample import write_sample
from withinreach.study import NetworkLayer

quick = settings(max_examples=40, deadline=None)
CORNER = 2**0.5
SPACING_M = 5.0

facilities = st.lists(st.tuples(st.floats(-50, 1250), st.floats(-50, 1250)), min_size=1, max_size=3)
slopes = st.floats(1, 3)


@pytest.fixture(scope="module")
def town_case(tmp_path_factory):
    """The town, with a profile that minds slopes."""
    path = write_town(tmp_path_factory.mktemp("town"))
    path.write_text(path.read_text(encoding="utf-8").replace("1.0\nsource", '1.0\nslope = "tobler"\nsource'))
    return wr.prepare(wr.load_study(path))


def rebuilt(case, streets, facilities, uphill: float = 1.0):
    """The town's study on other streets, all as steep, with other facilities and its people far away."""
    lines = shapely.linestrings([np.array(street, float) * 100 for street in streets])
    network = build_network(np.atleast_1d(lines))
    network = replace(network, uphill=np.array([[uphill], [1.0]]).repeat(network.n_segments, axis=1))
    people = replace(case.people, segment=np.full(len(case.people), -1, np.int32))
    return replace(case, network=network, facilities=homes(np.array(facilities), network), people=people)


def homes(xy: np.ndarray, network: Network) -> Places:
    """Facilities of the town's elder care at some positions, with ten beds each."""
    ids = [str(i) for i in range(len(xy))]
    table = pd.DataFrame({"id": ids, "name": ids, "kind": "elder_care", "status": "open", "beds": 10.0})
    return Places(table, xy, np.zeros(len(xy), np.int32), *snap_places(network, xy, 300.0))


class Streets:
    """Points of all streets but stairs, at most `SPACING_M` apart, and their ways to one facility in metres."""

    def __init__(self, case, service: str, row: int, radius_m: float) -> None:
        network, centre = case.network, case.facilities.xy[row]
        segment_of = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
        lines = shapely.linestrings(network.vertex_xy, indices=segment_of)
        around = shapely.box(*(centre - radius_m), *(centre + radius_m))
        near = np.flatnonzero(shapely.intersects(lines, around) & ~network.steps)
        parts = np.maximum(1, np.ceil(shapely.length(lines[near]) / SPACING_M).astype(int))
        segment = np.repeat(near, parts + 1)
        share = np.concatenate([np.linspace(0, 1, n + 1) for n in parts])
        self.xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[segment], share, normalized=True))
        offset_mm = np.floor(share * network.length_mm[segment]).astype(np.int64)
        spots = Spots(segment.astype(np.int32), offset_mm, np.zeros(len(segment), np.int64))
        profile = case.study.profiles[case.study.services[service].profile]
        found = ways_within(case, profile, spots_of(case.facilities), np.array([row], np.int32), spots, 10**9)
        self.way_m = np.full(len(segment), np.inf)
        self.way_m[found.place] = found.mm / 1000

    def shortest_with_a_step_over(self, reach_m: float) -> np.ndarray:
        """The way to the facility if people may go straight to any other point so far away."""
        a, b, straight_m = self._neighbours(reach_m)
        shortest = self.way_m.copy()
        np.minimum.at(shortest, a, self.way_m[b] + straight_m)
        return shortest

    def longest_around(self, reach_m: float) -> np.ndarray:
        """The longest way to the facility from any point so far away."""
        a, b, _ = self._neighbours(reach_m)
        longest = self.way_m.copy()
        np.maximum.at(longest, a, self.way_m[b])
        return longest

    def _neighbours(self, reach_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one, other = cKDTree(self.xy).query_pairs(reach_m, output_type="ndarray").T
        a, b = np.concatenate([one, other]), np.concatenate([other, one])
        return a, b, np.hypot(*(self.xy[a] - self.xy[b]).T)


def check_promises(case, service: str, row: int, table, cell_m: float) -> tuple[float, float]:
    """The promises of `trace_isochrones` for one facility; metres of street inside, and those of them that are late
    without stepping over."""
    rows = table[table["facility"] == row].sort_values("minutes")
    speed = case.study.profiles[case.study.services[service].profile].speed_m_s
    tolerance_m = CORNER * cell_m
    points = Streets(case, service, row, rows["limit_s"].max() * speed + 4 * tolerance_m)
    # Points are sampled: one that was left out is at most half a spacing away, and so much nearer or farther.
    stepping = points.shortest_with_a_step_over(2 * tolerance_m + SPACING_M) - SPACING_M
    around = points.longest_around(2 * tolerance_m + SPACING_M) + 3 * SPACING_M
    centre = shapely.Point(case.facilities.xy[row])
    beside_facility = np.hypot(*(points.xy - case.facilities.xy[row]).T) <= tolerance_m
    inner, length, late = shapely.MultiPolygon(), 0, 0
    for shape, limit_s in zip(rows.geometry, rows["limit_s"], strict=True):
        limit_m = limit_s * speed
        shapely.prepare(shape)
        inside = shapely.contains_xy(shape, *points.xy.T)
        assert shape.is_valid
        assert shape.geom_type == "MultiPolygon"
        assert shape.contains(centre)
        assert inner.is_empty or shape.covers(inner)
        assert (stepping[inside & ~beside_facility] <= limit_m + tolerance_m).all()
        assert inside[around <= limit_m - tolerance_m].all()
        inner = shape
        length += inside.sum() * SPACING_M
        late += (inside & (points.way_m > limit_m + tolerance_m)).sum() * SPACING_M
    return length, late


@quick
@given(streets, facilities, slopes)
def test_promises_hold_on_random_streets(town_case, streets, facilities, uphill):
    case = rebuilt(town_case, streets, facilities, uphill)
    table = wr.trace_isochrones(case, "elder_care", minutes=(2, 5, 9), cell_m=25)
    for row in np.flatnonzero(case.facilities.snapped):
        check_promises(case, "elder_care", row, table, 25)


@quick
@given(streets, facilities, st.sampled_from([25.0, 37.5]), st.sampled_from([80.0, 125.0]), slopes)
def test_lattice_points_inside_are_those_of_the_twin(town_case, streets, facilities, cell_m, off_street_m, uphill):
    case = rebuilt(town_case, streets, facilities, uphill)
    shapes = wr.trace_isochrones(case, "elder_care", minutes=[5], cell_m=cell_m, off_street_m=off_street_m).geometry
    x, y = (part.reshape(-1) * cell_m for part in np.meshgrid(*(np.arange(-350 // cell_m, 1550 // cell_m),) * 2))
    lines = [[tuple(np.array(end) * 100.0) for end in street] for street in streets]
    length = [int(mm) for mm in case.network.length_mm]
    forward = [int(np.ceil(np.round(mm * uphill, 3))) for mm in length]
    ends = zip(case.network.tail.tolist(), case.network.head.tolist(), length, forward, length, strict=True)
    want = naive.lattice_in_time(
        lines,
        [naive.Street(*street) for street in ends],
        facilities,
        list(zip(x.tolist(), y.tolist(), strict=True)),
        naive.Limits(cell_m, 300.0, off_street_m, 300_000),
    )
    for shape, inside in zip(shapes, want, strict=True):
        np.testing.assert_array_equal(shapely.contains_xy(shape, x, y), inside)


def test_the_town_by_hand(town):
    case = wr.prepare(wr.load_study(town))
    table = wr.trace_isochrones(case, "elder_care", minutes=(5,), cell_m=1, off_street_m=50)
    assert table["id"].tolist() == ["A1", "A2"]
    assert table["limit_s"].tolist() == [300, 300]
    origin = np.array([500_000, 3_900_000])
    # A1 at the west end: 300 m along the street, less what it takes to the side; past the end the strip is rounded.
    # At b, 200 m away, the lane to the south has 100 m left.
    street = [(0, 50), (250, 50), (300, 0), (250, -50), (243, -50), (200, -100), (157, -50), (0, -50)]
    by_hand = shapely.union(shapely.Polygon(street), shapely.Point(0, 0).buffer(50, quad_segs=90))
    west = shapely.transform(table.geometry[0], lambda xy: xy - origin)
    assert west.intersection(by_hand).area / west.union(by_hand).area > 0.97
    for (x, y), inside in {
        (0, 49): True,
        (0, 51): False,
        (-49, 0): True,
        (100, 49): True,
        (298, 0): True,
        (302, 0): False,
        (270, 28): True,
        (270, 32): False,
        (200, -98): True,
        (200, -102): False,
    }.items():
        assert west.contains(shapely.Point(x, y)) == inside, (x, y)


# On cities ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return wr.prepare(wr.load_study(write_sample(tmp_path_factory.mktemp("sample"), scale=0.02)))


def test_promises_hold_in_the_sample(sample):
    table = wr.trace_isochrones(sample, "elder_care")
    rows = table["facility"].unique()[::6]
    length, late = np.sum([check_promises(sample, "elder_care", row, table, 25) for row in rows], axis=0)
    assert length > 100_000
    assert late == 0


def test_promises_hold_in_wuhan(shared, measured):
    case = wr.prepare(wr.load_study(Path(__file__).parent / "studies" / "wuhan.toml"))
    table = wr.trace_isochrones(case, "clinic")
    rows = table["facility"][table["snapped"]].unique()[::250]
    length, late = np.sum([check_promises(case, "clinic", row, table, 25) for row in rows], axis=0)
    measured(
        f"isochrones of {len(rows)} clinics: {length / 1000:,.0f} km of streets inside,"
        f" {late / length:.1%} of them late by more than √2 cells unless one steps over to the next carriageway"
    )
    assert late / length < 0.02


def test_promises_hold_in_helsinki(shared, town_case, measured):
    """Footways, stairs and passages of OpenStreetMap, in the study of the town: at 1 m/s, up to 9 minutes."""
    layer = NetworkLayer(path=shared / "helsinki" / "network" / "Helsinki.osm.pbf", datum="wgs84")
    network = prepare_network(layer, MetricFrame("EPSG:3879"), Findings())
    low, high = network.xy.min(axis=0), network.xy.max(axis=0)
    xy = low + np.array([(0.3, 0.3), (0.5, 0.5), (0.7, 0.4), (0.4, 0.8)]) * (high - low)
    case = replace(town_case, network=network, facilities=homes(xy, network))
    table = wr.trace_isochrones(case, "elder_care", minutes=(3, 6, 9), cell_m=12.5)
    length, late = np.sum([check_promises(case, "elder_care", row, table, 12.5) for row in range(4)], axis=0)
    measured(
        f"isochrones of 4 places: {late / length:.1%} of {length / 1000:.0f} km of streets late unless stepped over"
    )
    assert late / length < 0.05


def exact_shape(case, service: str, row: int, limit_m: float, off_street_m: float) -> shapely.Geometry:
    """The ground nearest to each point of a street, cut by a disc as wide as the rest of the way, all together."""
    points = Streets(case, service, row, limit_m + 300)
    xy, first = np.unique(points.xy.round(3), axis=0, return_index=True)
    rest_m = limit_m - points.way_m[first]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy)))
    cell, of_point = shapely.STRtree(shapely.points(xy)).query(cells, predicate="contains")
    reached = rest_m[of_point] > 0
    cell, of_point = cell[reached], of_point[reached]
    discs = shapely.buffer(shapely.points(xy[of_point]), np.minimum(rest_m[of_point], off_street_m))
    return shapely.union_all(shapely.intersection(cells[cell], discs))


def test_shapes_are_those_of_buffers_cut_where_another_street_is_nearer(sample):
    """Twice as fine, shapes are twice as near."""
    rows = sample.facility_rows(("elder_care",))[::10]
    exact = [exact_shape(sample, "elder_care", row, 810, 125) for row in rows]
    for cell_m, lowest in ((25, 0.965), (12.5, 0.985)):
        table = wr.trace_isochrones(sample, "elder_care", minutes=[15], cell_m=cell_m).set_index("facility")
        shapes = table.geometry[rows].to_numpy()
        shared_part = shapely.area(shapely.intersection(shapes, exact)) / shapely.area(shapely.union(shapes, exact))
        assert np.median(shared_part) > lowest
        assert abs(np.sum(shapely.area(shapes)) / np.sum(shapely.area(exact)) - 1) < 0.01


def test_the_polygon_shows_who_is_served(sample):
    """Cells are counted one by one, and no polygon is asked; all the same it must not contradict them."""
    service = sample.study.services["elder_care"]
    table = wr.trace_isochrones(sample, "elder_care", minutes=[service.cutoff_min])
    pairs = pairs_within(sample, service)
    people, near = sample.people, sample.people.access_mm <= 100_000
    served = np.zeros((len(sample.facilities), len(people)), bool)
    served[pairs.facility, pairs.cell] = True
    right = wrong = 0.0
    for row, shape in zip(table["facility"], table.geometry, strict=True):
        shapely.prepare(shape)
        inside = shapely.contains_xy(shape, *people.xy.T)
        right += (served[row] & inside & near).sum()
        wrong += ((served[row] != inside) & near).sum()
    assert right > 1000
    assert wrong / right < 0.02


def test_batches_make_no_difference(sample, monkeypatch):
    whole = wr.trace_isochrones(sample, "clinic")
    monkeypatch.setattr(module, "BATCH_POINTS", 60_000)
    pd.testing.assert_frame_equal(wr.trace_isochrones(sample, "clinic"), whole)


def test_all_services_at_once_are_each_by_itself(sample, monkeypatch):
    monkeypatch.setattr(module, "BATCH_POINTS", 200_000)
    together = wr.trace_all_isochrones(sample)
    alone = [
        wr.trace_isochrones(sample, name, minutes=[service.cutoff_min])
        for name, service in sample.study.services.items()
    ]
    assert together.columns[0] == "service"
    pd.testing.assert_frame_equal(together.drop(columns="service"), pd.concat(alone, ignore_index=True))
    assert together["service"].tolist() == [
        name for name, table in zip(sample.study.services, alone, strict=True) for _ in range(len(table))
    ]


# Tables, and what is refused ------------------------------------------------------------------------------------


def test_a_facility_without_a_street_has_no_ground_and_none_has_no_rows(town):
    path = town.parent / "facilities.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    path.write_text("\n".join([*lines[:3], "Z9,养老,远,500300,3900450,"]) + "\n", encoding="utf-8-sig")
    case = wr.prepare(wr.load_study(town))
    table = wr.trace_isochrones(case, "elder_care", minutes=(10, 5))
    assert table["minutes"].tolist() == [5, 10] * 3
    assert table["snapped"].tolist() == [True] * 4 + [False] * 2
    assert table.geometry.is_empty.tolist() == [False] * 4 + [True] * 2
    assert table["area_km2"].isna().tolist() == [False] * 4 + [True] * 2
    nothing = wr.trace_isochrones(case, "clinic", minutes=(10, 5))
    assert len(nothing) == 0
    assert nothing.crs == table.crs == "EPSG:4547"
    assert nothing.dtypes.to_dict() == table.dtypes.to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"minutes": ()}, "minutes"),
        ({"minutes": (0, 5)}, "minutes"),
        ({"minutes": (float("nan"),)}, "minutes"),
        ({"minutes": (241,)}, "minutes"),
        ({"cell_m": 151}, "give 0.9 to 62.5"),
        ({"cell_m": 0.5}, "give 0.9 to 62.5"),
        ({"cell_m": 0.0001}, "whole millimetres"),
        ({"cell_m": float("nan")}, "whole millimetres"),
        ({"off_street_m": 0}, "off_street_m"),
        ({"minutes": (0.1, 60)}, "or other minutes"),
        ({"minutes": (1e-6,)}, "or other minutes"),
    ],
)
def test_numbers_out_of_range_are_refused(town_case, arguments, message):
    with pytest.raises(CoverageError, match=message):
        wr.trace_isochrones(town_case, "elder_care", **arguments)


@pytest.mark.parametrize("minutes", [0.0004, 0.01, 0.7, 30, 240])
def test_lattices_are_as_fine_as_the_limit_asks(town_case, minutes):
    table = wr.trace_isochrones(town_case, "elder_care", minutes=[minutes])
    assert table.geometry.is_valid.all()
    assert shapely.contains_xy(table.geometry, *town_case.facilities.xy[:2].T).all()
    assert (table["area_km2"] <= 1.1 * np.pi * (minutes * 60 / 1000) ** 2).all()


def test_an_unknown_service_is_refused(town_case):
    for trace in (wr.trace_isochrones, wr.trace_catchments):
        with pytest.raises(StudyError, match=r"no service 'nursery'.*elder_care, clinic"):
            trace(town_case, "nursery")
