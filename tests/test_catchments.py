"""The network Voronoi diagram: by hand in the town, and what must hold of any."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
import withinreach as wr
from test_invariants import streets
from test_isochrones import rebuilt, sample, town_case  # noqa: F401
from withinreach.errors import CoverageError
from withinreach.reach import measure_reach

positions = st.lists(st.tuples(st.floats(-50, 1250), st.floats(-50, 1250)), min_size=1, max_size=4)


def test_the_town_by_hand(town):
    table = wr.trace_catchments(wr.prepare(wr.load_study(town)), "elder_care", cell_m=10)
    assert table["id"].tolist() == ["A1", "A2"]
    # a and e walk to the west end, c and d to the east end; the island and the far cell to nobody
    assert table["people"].tolist() == [20 + 30, 10.5 + 8]
    assert table["served_people"].tolist() == [20, 10.5 + 8]
    assert table["capacity"].fillna(-1).tolist() == [10, -1]
    assert table["capacity_per_1000"].fillna(-1).tolist() == [200, -1]
    assert table["people_per_place"].fillna(-1).tolist() == [5, -1]
    west, east = (shapely.transform(shape, lambda xy: xy - [500_000, 3_900_000]) for shape in table.geometry)
    # They meet in the middle of the street, at 450 m; 300 m to each side count as near it.
    for x, y in [(440, 280), (440, -280), (-200, 0), (200, -890)]:
        assert west.contains(shapely.Point(x, y)), (x, y)
        assert not east.contains(shapely.Point(x, y)), (x, y)
    for x, y in [(460, 240), (520, -280), (1190, 0)]:
        assert east.contains(shapely.Point(x, y)), (x, y)
    # The island's own ground belongs to nobody.
    for shape in (west, east):
        assert not shape.intersects(shapely.Point(850, 500))


@settings(max_examples=40, deadline=None)
@given(streets, positions, st.floats(1, 3))
def test_ground_is_that_of_the_twin_and_overlaps_nowhere(town_case, streets, positions, uphill):  # noqa: F811
    case = rebuilt(town_case, streets, positions, uphill)
    table = wr.trace_catchments(case, "elder_care", cell_m=40)
    x, y = (part.reshape(-1) * 40.0 for part in np.meshgrid(*(np.arange(-10, 41),) * 2))
    length = [int(mm) for mm in case.network.length_mm]
    forward = [int(np.ceil(np.round(mm * uphill, 3))) for mm in length]
    ends = zip(case.network.tail.tolist(), case.network.head.tolist(), length, forward, length, strict=True)
    want = naive.lattice_nearest(
        [[tuple(np.array(end) * 100.0) for end in street] for street in streets],
        [naive.Street(*street) for street in ends],
        positions,
        list(zip(x.tolist(), y.tolist(), strict=True)),
        300.0,
    )
    for row, shape in enumerate(table.geometry):
        np.testing.assert_array_equal(shapely.contains_xy(shape, x, y), np.array(want) == row)
        assert shape.is_valid
    together = shapely.union_all(table.geometry)
    assert math.isclose(table.geometry.area.sum(), together.area, rel_tol=1e-12)


def test_people_add_up_to_the_ledger(sample):  # noqa: F811
    result = wr.analyse(sample)
    for name, reach in result.reaches.items():
        table = wr.trace_catchments(sample, name)
        ledger = result.ledgers[name]["total"]
        assert table["people"].sum() == pytest.approx(ledger["served"] + ledger["too_far"], rel=1e-12)
        assert table["served_people"].sum() == pytest.approx(ledger["served"], rel=1e-12)
        assert len(table) == len(sample.facility_rows(reach.service.kinds))


def test_every_cell_lies_in_the_ground_of_its_facility(sample):  # noqa: F811
    """Up to half a diagonal of a square, and but for the few cells that lie between two streets as far apart."""
    table = wr.trace_catchments(sample, "clinic").set_index("facility")
    reach = measure_reach(sample, sample.study.services["clinic"])
    cells = np.flatnonzero(reach.nearest >= 0)
    shapes = table.geometry[reach.nearest[cells]].to_numpy()
    away_m = shapely.distance(shapes, shapely.points(sample.people.xy[cells]))
    assert (away_m <= 25 * 2**0.5).mean() > 0.999
    assert away_m.max() < 150


def test_estimates_are_in_the_catchment_of_the_facility_that_they_name(town):
    text = town.read_text(encoding="utf-8").replace("snap_cap_m = 300", "snap_cap_m = 300\nfallback_detour = 1.3")
    town.write_text(text, encoding="utf-8")
    case = wr.prepare(wr.load_study(town))
    assert wr.trace_catchments(case, "elder_care")["people"].sum() == 71.5


def test_of_two_facilities_at_one_place_the_first_has_everybody(town_case):  # noqa: F811
    case = rebuilt(town_case, [((0, 0), (5, 0))], [(100.0, 0.0), (100.0, 0.0), (300.0, 350.0)])
    people = replace(
        case.people, segment=np.zeros(6, np.int32), offset_mm=np.zeros(6, np.int64), access_mm=np.zeros(6, np.int64)
    )
    table = wr.trace_catchments(replace(case, people=people), "elder_care")
    assert table["people"].tolist() == [71.5, 0, 0]
    assert table["snapped"].tolist() == [True, True, False]
    assert table.geometry.is_empty.tolist() == [False, True, True]
    assert table["area_km2"].fillna(-1).tolist()[1:] == [0, -1]
    assert table["people_per_place"].tolist() == [7.15, 0, 0]
    assert table["capacity_per_1000"].isna().tolist() == [False, True, True]


def test_a_service_without_facilities_has_the_same_columns(town):
    full = wr.trace_catchments(wr.prepare(wr.load_study(town)), "clinic")
    path = town.parent / "facilities.csv"
    path.write_text("\n".join(path.read_text(encoding="utf-8-sig").splitlines()[:3]) + "\n", encoding="utf-8-sig")
    none = wr.trace_catchments(wr.prepare(wr.load_study(town)), "clinic")
    assert len(none) == 0
    pd.testing.assert_series_equal(none.dtypes, full.dtypes)


@pytest.mark.parametrize(("cell_m", "message"), [(0, "whole millimetres"), (0.01, "too fine for the streets")])
def test_squares_out_of_range_are_refused(town_case, cell_m, message):  # noqa: F811
    with pytest.raises(CoverageError, match=message):
        wr.trace_catchments(town_case, "elder_care", cell_m=cell_m)
