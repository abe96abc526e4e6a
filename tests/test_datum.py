"""The datum shifts against published pairs and against themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from withinreach.sources.datum import (
    bd09_to_gcj02,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    outside_china,
    to_wgs84,
    wgs84_to_gcj02,
)

METRES_PER_DEGREE = 111_320.0


def metres(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Distances between points given in degrees; good to a part in a thousand over short distances."""
    east = (a[0] - b[0]) * np.cos(np.radians(a[1]))
    return np.hypot(east, a[1] - b[1]) * METRES_PER_DEGREE


@pytest.fixture(scope="module")
def china() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.uniform(75, 134, 20_000), rng.uniform(18, 53, 20_000)


@pytest.fixture(scope="module")
def cities(shared):
    rows = json.loads((shared / "coord_pairs" / "gcoord_china-cities.json").read_text(encoding="utf-8"))
    return {name: np.array([row["coords"][name] for row in rows]).T for name in ("WGS84", "GCJ02", "BD09")}


def test_gcoord_pairs_forward(cities):
    away = metres(wgs84_to_gcj02(*cities["WGS84"]), tuple(cities["GCJ02"]))
    assert len(away) == 664
    assert away.max() < 0.8
    assert metres(gcj02_to_bd09(*cities["GCJ02"]), tuple(cities["BD09"])).max() < 0.05


def test_eviltransform_pairs(shared):
    pairs = json.loads((shared / "coord_pairs" / "eviltransform_pairs.json").read_text(encoding="utf-8"))
    lat, lon, want_lat, want_lon = np.array(pairs["wgs_to_gcj_[wgsLat,wgsLng,gcjLat,gcjLng]"]).T
    assert metres(wgs84_to_gcj02(lon, lat), (want_lon, want_lat)).max() < 0.1


def test_round_trips_are_below_a_millimetre(china):
    assert metres(gcj02_to_wgs84(*wgs84_to_gcj02(*china)), china).max() < 1e-3
    assert metres(bd09_to_gcj02(*gcj02_to_bd09(*china)), china).max() < 1e-3
    assert metres(to_wgs84("bd09", *gcj02_to_bd09(*wgs84_to_gcj02(*china))), china).max() < 1e-3


def test_shift_in_xinxiang_is_east_by_half_a_kilometre():
    lon, lat = np.random.default_rng(1).uniform([113.38, 34.88], [115.02, 35.84], (20_000, 2)).T
    shift = metres(wgs84_to_gcj02(lon, lat), (lon, lat))
    assert shift.min() > 500
    assert shift.max() < 605
    assert shift.mean() == pytest.approx(544, abs=2)


def test_nothing_is_shifted_outside_china():
    lon, lat = np.array([24.94, -74.0]), np.array([60.17, 40.7])
    assert outside_china(lon, lat).all()
    for before, after in zip((lon, lat), wgs84_to_gcj02(lon, lat), strict=True):
        np.testing.assert_array_equal(before, after)


def test_cgcs2000_is_taken_as_wgs84_and_others_are_refused():
    lon, lat = np.array([113.9]), np.array([35.3])
    np.testing.assert_array_equal(to_wgs84("cgcs2000", lon, lat), (lon, lat))
    with pytest.raises(ValueError, match="xian80"):
        to_wgs84("xian80", lon, lat)


def test_empty_arrays_stay_empty():
    for result in (gcj02_to_wgs84, bd09_to_gcj02, wgs84_to_gcj02):
        assert [len(v) for v in result(np.array([]), np.array([]))] == [0, 0]
