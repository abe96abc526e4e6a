"""Walking times in Helsinki against those that r5py published for the same pairs of places."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from withinreach.kernels.nearest import UNREACHED, Spots, level_segments, nearest_to_nodes, nearest_to_places, seeds_of
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.snapping import snap_places
from withinreach.preparation.streets import prepare_network
from withinreach.study import NetworkLayer

CRS = "EPSG:3879"  # ETRS89 / GK25FIN
SPEED_M_S = 1.0  # r5py's default, 3.6 km/h
# Ways that leave the extract are cut, so only pairs well inside it can be compared.
INSIDE_M = 150.0


@pytest.fixture(scope="module")
def compared(shared) -> pd.DataFrame:
    """Minutes of ours and theirs, and straight metres, for every pair of places well inside the extract."""
    folder = shared / "helsinki"
    layer = NetworkLayer(path=folder / "network" / "Helsinki.osm.pbf", datum="wgs84")
    network = prepare_network(layer, MetricFrame(CRS), Findings())
    grid = gpd.read_file(folder / "population" / "helsinki_population_grid_2020.gpkg").to_crs(CRS)
    centre = grid.geometry.centroid
    xy = np.column_stack([centre.x, centre.y])
    low, high = network.xy.min(axis=0) + INSIDE_M, network.xy.max(axis=0) - INSIDE_M
    rows = np.flatnonzero(((xy > low) & (xy < high)).all(axis=1)).astype(np.int32)

    spots = Spots(*snap_places(network, xy, 300.0))
    segments = level_segments(network.tail, network.head, network.length_mm)
    ours = []
    for row in rows:
        one = np.array([row], np.int32)
        nodes = nearest_to_nodes(network.arc_ptr, network.arc_head, network.arc_mm, seeds_of(segments, spots, one))
        mm = nearest_to_places(segments, nodes, spots, one, spots).mm[rows]
        straight = np.hypot(*(xy[rows] - xy[row]).T)
        ours.append(pd.DataFrame({"from_id": row, "to_id": rows, "mm": mm, "straight_m": straight}))
    table = pd.concat(ours, ignore_index=True)
    published = pd.read_csv(folder / "expected" / "r5py_tests" / "test_walking_times_not_snapped.csv")
    both = table.merge(published, on=["from_id", "to_id"])
    assert len(both) == len(table)
    both = both[(both["from_id"] != both["to_id"]) & (both["mm"] < UNREACHED)]
    return both.assign(ours=both["mm"] / 1000 / SPEED_M_S / 60, theirs=both["travel_time"])


def test_times_agree_with_r5py(compared, measured):
    difference = compared["ours"] - compared["theirs"]
    low, median, high = difference.quantile([0.25, 0.5, 0.75])
    rank = compared["ours"].corr(compared["theirs"], method="spearman")
    measured(
        f"{len(compared)} pairs: ours - r5py {median:+.2f} min [{low:+.2f}, {high:+.2f}], rank correlation {rank:.3f}"
    )
    assert len(compared) > 80
    # theirs are whole minutes on another day's map
    assert -0.5 < median < 1.5
    assert high - low < 3
    assert rank > 0.95


def test_no_time_is_below_the_straight_line(compared):
    assert (compared["mm"] / 1000 >= compared["straight_m"] - 0.002).all()


def test_there_and_back_take_the_same_time(compared):
    back = compared.rename(columns={"from_id": "to_id", "to_id": "from_id"})[["from_id", "to_id", "mm"]]
    both = compared.merge(back, on=["from_id", "to_id"], suffixes=("", "_back"))
    assert len(both) == len(compared)
    assert (both["mm"] == both["mm_back"]).all()
