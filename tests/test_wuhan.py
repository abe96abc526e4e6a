"""A real city, start to end: Wuhan's streets, population cells, Amap clinics and districts in GCJ-02."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from click.testing import CliRunner
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

import withinreach as wr
from withinreach.cli import cli
from withinreach.measures.circle import in_circle
from withinreach.sources.datum import wgs84_to_gcj02

STUDY = Path(__file__).parent / "studies" / "wuhan.toml"
PEOPLE = 3_341_946


@pytest.fixture(scope="module")
def result(shared):
    return wr.analyse(wr.prepare(wr.load_study(STUDY)))


@pytest.fixture(scope="module")
def published(shared) -> pd.DataFrame:
    return pd.read_csv(shared / "wuhan" / "population" / "citymap_11549_wuhan.csv")


def test_network_is_the_published_one_without_motorways(result):
    # 66,360 nodes of OpenStreetMap lie at 66,358 positions
    assert result.case.network.n_nodes == 66_358
    assert result.case.network.n_segments == 92_667 - 17_924  # all lines less motorways, trunks and their links
    assert result.case.network.length_mm.sum() / 1e6 == pytest.approx(5_720, rel=2e-3)


def test_ledger_adds_up_to_the_people_that_were_read(result, published, measured):
    total = result.ledgers["clinic"]["total"]
    told = " + ".join(f"{status} {people:,.0f}" for status, people in total.items())
    measured(f"ledger: {told} = {total.sum():,.0f} people")
    assert total.sum() == pytest.approx(published["POP_2015"].sum(), rel=1e-12)
    assert round(total.sum()) == PEOPLE


def test_clinics_land_on_the_streets_once_the_shift_is_undone(result, measured):
    case = result.case
    lines = shapely.linestrings(case.network.vertex_xy, indices=_line_of_vertex(case.network.vertex_ptr))
    tree = shapely.STRtree(lines)
    low, high = case.network.xy.min(axis=0), case.network.xy.max(axis=0)
    inside = ((case.facilities.xy > low) & (case.facilities.xy < high)).all(axis=1)
    lon, lat = case.facilities.table.loc[inside, ["lon", "lat"]].to_numpy().T
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", case.study.metric_crs, always_xy=True).transform
    medians = []
    for position in ((lon, lat), wgs84_to_gcj02(lon, lat)):
        points = shapely.points(np.column_stack(to_metres(*position)))
        _, distance = tree.query_nearest(points, return_distance=True, all_matches=False)
        medians.append(np.median(distance))
    measured(
        f"median distance of clinics to a street: {medians[0]:.1f} m, {medians[1]:.1f} m if GCJ-02 were taken for WGS84"
    )
    assert medians[0] < 60
    assert medians[0] < medians[1] / 1.5


def test_estates_are_counted_beside_people_and_land(result, shared, measured):
    """15,301 estates of Amap, by the district that their own column names; the three definitions differ."""
    estates = pd.read_csv(shared / "wuhan" / "poi" / "residence.csv", dtype={"COUNTYCODE": str}, encoding="utf-8-sig")
    table = wr.judge(result).table
    units = table[(table["target"] == "W1") & (table["part"] == "units")].set_index("code")
    assert units["base"].drop("total").to_dict() == estates["COUNTYCODE"].value_counts().to_dict()
    assert units.loc["total", "have"] == units["have"].drop("total").sum()
    told = table[(table["target"] == "W1") & (table["code"] == "total")].set_index("part")["value"]
    measured(", ".join(f"{part} {value:.1f} %" for part, value in told.items()))
    assert told["settled_area"] < told["units"] < told["people"]


def test_an_estate_has_the_clinics_that_are_nearest_to_it(result, shared):
    """The rule against brute force on the published WGS84 coordinates, which err by up to 3 m."""
    estates = pd.read_csv(shared / "wuhan" / "poi" / "residence.csv", encoding="utf-8-sig")
    metres = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True)
    places = np.column_stack(metres.transform(estates["XWGS"], estates["YWGS"]))
    clinics = result.case.facilities.xy
    away, nearest = cKDTree(places).query(clinics)
    want = len(np.unique(nearest[away <= 500]))
    table = wr.judge(result).table
    have = table[(table["target"] == "W2") & (table["code"] == "total")]["have"].iloc[0]
    assert have == pytest.approx(want, rel=0.01)


def _line_of_vertex(vertex_ptr: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(vertex_ptr) - 1), np.diff(vertex_ptr))


def test_positions_equal_the_providers_own_conversion(result, shared):
    table = result.case.facilities.table
    raw = pd.read_csv(shared / "wuhan" / "poi" / "hospital.csv", encoding="utf-8-sig").set_index("ID")
    theirs = raw.loc[table["id"], ["XWGS", "YWGS"]].to_numpy()
    geod = pyproj.Geod(ellps="WGS84")
    _, _, metres = geod.inv(*table[["lon", "lat"]].to_numpy().T, *theirs.T)
    assert np.median(metres) < 1.5
    assert np.max(metres) < 3.5


def test_walking_metres_go_with_the_published_ones(result, published, measured):
    """Published: median walk to any health facility of OpenStreetMap, capped at 5,000 m. Ours: to an Amap clinic."""
    reach = result.reaches["clinic"]
    lonlat = result.case.people.table[["lon", "lat"]].round(9)
    theirs = published.assign(lon=published["lng"].round(9), lat=published["lat"].round(9))
    both = lonlat.assign(ours=reach.level_m).merge(theirs, on=["lon", "lat"])
    assert len(both) == len(lonlat)
    comparable = both[(both["health_wellbeing"] < 5000) & np.isfinite(both["ours"])]
    rank = spearmanr(comparable["ours"], comparable["health_wellbeing"]).statistic
    difference = (comparable["ours"] - comparable["health_wellbeing"]).median()
    measured(
        f"{len(comparable)} cells, metres to the nearest clinic against the published ones: "
        f"rank correlation {rank:.2f}, median difference {difference:+.0f} m"
    )
    assert rank > 0.2
    assert -1500 < difference < 500


def test_no_way_is_shorter_than_the_straight_line(result):
    reach, case = result.reaches["clinic"], result.case
    connected = reach.nearest >= 0
    to = case.facilities.xy[reach.nearest[connected]]
    straight = np.hypot(*(case.people.xy[connected] - to).T)
    # Offsets along a segment are rounded to the millimetre, at each of the two ends.
    assert (reach.level_m[connected] >= straight - 0.002).all()


def test_walking_falls_short_of_the_circle(result, measured):
    total = result.totals["clinic"]
    measured(
        f"in the circle {total['circle_coverage']:.1%} of the people, on foot {total['coverage']:.1%}:"
        f" {total['served_of_circle']:.1%} of the circle"
    )
    assert 0.5 < total["served_of_circle"] < 1
    case, reach = result.case, result.reaches["clinic"]
    assert in_circle(case, reach.service)[reach.covered].all()


def test_catchments_add_up_to_the_ledger(result):
    table = wr.trace_catchments(result.case, "clinic")
    ledger = result.ledgers["clinic"]["total"]
    assert table["people"].sum() == pytest.approx(ledger["served"] + ledger["too_far"], rel=1e-12)
    assert (table["people"][~table["snapped"]] == 0).all()
    assert table.geometry.is_valid.all()


def test_run_ends_with_a_map(shared, tmp_path):
    done = CliRunner().invoke(cli, ["run", str(STUDY), "--out", str(tmp_path / "wuhan")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "wuhan" / "index.html").stat().st_size < 10_000_000
    assert len(list((tmp_path / "wuhan" / "county").glob("*/*.html"))) == 13
