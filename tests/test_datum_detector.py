"""In which datum points are, told by streets; whether polygons lie where they belong, told by labels."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import withinreach as wr
from withinreach.preparation.audit.datums import tell_datum
from withinreach.preparation.audit.displacement import find_displacement
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.streets import prepare_network
from withinreach.sources.datum import gcj02_to_bd09
from withinreach.sources.sample import write_sample
from withinreach.study import NetworkLayer, load_study

FRAME = MetricFrame("EPSG:4547")
DATUMS = ("wgs84", "gcj02", "bd09")
STUDY = Path(__file__).parent / "studies" / "wuhan.toml"


@pytest.fixture(scope="module")
def wuhan(shared):
    return prepare_network(load_study(STUDY).network, FRAME, Findings())


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return wr.prepare(load_study(write_sample(tmp_path_factory.mktemp("sample"))))


def degrees(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Longitudes and latitudes of a table of Amap's, in each datum."""
    table = pd.read_csv(path, encoding="utf-8-sig")
    gcj02 = table["XGCJ"].to_numpy(float), table["YGCJ"].to_numpy(float)
    return {
        "wgs84": (table["XWGS"].to_numpy(float), table["YWGS"].to_numpy(float)),
        "gcj02": gcj02,
        "bd09": gcj02_to_bd09(*gcj02),
    }


@pytest.mark.parametrize("poi", ["hospital", "school", "residence", "mall"])
def test_every_true_datum_is_told_whatever_is_declared(wuhan, shared, measured, poi):
    points = degrees(shared / "wuhan" / "poi" / f"{poi}.csv")
    told = {}
    for true in DATUMS:
        for declared in DATUMS:
            found = told[true, declared] = tell_datum(FRAME.to_metres(declared, *points[true]), declared, wuhan, FRAME)
            assert found.best == true, (true, declared, found)
    for (true, declared), metres, bearing in (
        (("gcj02", "wgs84"), 588, 117),
        (("wgs84", "gcj02"), 588, 297),
        (("bd09", "wgs84"), 1215, 71),
    ):
        assert told[true, declared].metres == pytest.approx(metres, abs=10)
        assert told[true, declared].bearing_deg == pytest.approx(bearing, abs=5)
    assert all(found.metres == 0 for (true, declared), found in told.items() if true == declared)
    fits = told["gcj02", "wgs84"].fit
    measured(
        f"{poi} in GCJ-02 declared as WGS84 fit the streets (1: by chance) "
        + str({k: round(v, 1) for k, v in fits.items()})
    )


def test_points_that_have_nothing_to_do_with_streets_tell_nothing(wuhan):
    """Of 40 random clouds at most one is taken for one of a datum; each of three datums may win once in 120."""
    random = np.random.default_rng(20250630)
    told = []
    for _ in range(40):
        near = wuhan.xy[random.integers(wuhan.n_nodes, size=300)]
        told.append(tell_datum(near + random.uniform(-3000, 3000, (300, 2)), "wgs84", wuhan, FRAME).best)
    assert sum(best is not None for best in told) <= 1


@pytest.mark.parametrize("count", [0, 1, 99])
def test_few_points_tell_nothing(wuhan, count):
    found = tell_datum(wuhan.xy[:count], "gcj02", wuhan, FRAME)
    assert (found.best, found.points, found.fit) == (None, count, {})


def test_without_streets_nothing_can_be_told(wuhan, shared):
    """Shanghai's homes are 700 km from the nearest street there is."""
    table = pd.read_csv(shared / "shanghai_elderly" / "elderly_geocoded.csv", encoding="utf-8-sig")
    xy = FRAME.to_metres("wgs84", table["lng"].to_numpy(), table["lat"].to_numpy())
    found = tell_datum(xy, "wgs84", wuhan, FRAME)
    assert (found.best, found.points) == (None, 0)


def test_beyond_china_there_is_nothing_to_tell(shared):
    frame = MetricFrame("EPSG:3067")
    layer = NetworkLayer(path=shared / "helsinki" / "network" / "Helsinki.osm.pbf", datum="wgs84")
    network = prepare_network(layer, frame, Findings())
    found = tell_datum(network.xy[:500], "wgs84", network, frame)
    assert (found.best, found.points) == (None, 0)


@pytest.mark.parametrize(
    ("declared", "best"), [("gcj02", "gcj02"), ("wgs84", "gcj02"), ("bd09", "gcj02"), ("cgcs2000", "gcj02")]
)
def test_the_sample_is_in_gcj02_whatever_is_declared(sample, declared, best):
    lonlat = FRAME.from_metres("gcj02", sample.facilities.xy)
    found = tell_datum(FRAME.to_metres(declared, *lonlat.T), declared, sample.network, FRAME)
    assert found.best == best


def test_what_is_declared_under_another_name_stays_what_it_is_called(sample):
    """Places of the sample in CGCS2000, and in metres of EPSG:4547: both are right."""
    for declared in ("cgcs2000", "EPSG:4547"):
        assert tell_datum(sample.facilities.xy, declared, sample.network, FRAME).best == declared


def test_a_wrong_declaration_is_an_error_in_the_audit_and_changes_nothing(tmp_path):
    study = write_sample(tmp_path)
    text = study.read_text(encoding="utf-8").replace('datum = "gcj02"', 'datum = "wgs84"')
    study.write_text(text, encoding="utf-8")
    case = wr.prepare(load_study(study))
    (told,) = case.audit.findings[case.audit.findings["rule"] == "datum_contradicted"].to_dict(orient="records")
    assert (told["rule"], told["severity"]) == ("datum_contradicted", "error")
    assert told["reason"].startswith("声明为 wgs84，但从街道看更像 gcj02：按声明的坐标系整体偏移约 54")
    lon = pd.read_csv(next(tmp_path.glob("*设施.csv")), encoding="utf-8-sig")["经度"]
    assert np.allclose(case.facilities.table["lon"], lon, atol=1e-9)


# Polygons ---------------------------------------------------------------------------------------------------------

BOUNDARIES = {
    "datav_v3_2021/410700.json": ("adcode", "gcj02"),
    "datav_v2_2020/410700.json": ("adcode", "gcj02"),
    "amap_shp_2020/新乡市.shp": ("adcode", "gcj02"),
    "mca_2019/410700.json": ("QUHUADAIMA", "wgs84"),
}


@pytest.mark.parametrize("path", BOUNDARIES)
def test_the_displaced_boundaries_of_xinxiang_are_found_out_and_no_others(shared, sample, measured, path):
    """The sample's facilities name their unit. Its drawing is true to some kilometres."""
    column, datum = BOUNDARIES[path]
    file = shared / "xinxiang_boundaries" / path
    layer = gpd.read_file(file, **({"encoding": "UTF-8"} if file.suffix == ".shp" else {}))
    code = layer[column].astype("str").replace("410728", "410783")
    shapes = FRAME.geometries(datum, shapely.make_valid(layer.geometry.to_numpy()))
    table = sample.facilities
    unit = sample.areas.table["code"].to_numpy(object)[table.area]
    known = {one: row for row, one in enumerate(code)}
    own = np.array([known.get(one, -1) for one in unit])
    found = find_displacement(shapes, table.xy[own >= 0], own[own >= 0].astype(np.int32))
    km = np.hypot(found.east_m, found.north_m) / 1000
    measured(
        f"{path.split('/')[0]}: {found.share:.0%} of the sample's facilities in their unit, "
        f"{found.share_moved:.0%} if moved by {km:.1f} km"
    )
    if "mca" in path:
        assert found.share < 0.3
        assert found.share_moved > 0.95
        # 0.12 degrees are 10.9 km east and 13.3 km north at 35.3° N.
        assert (found.east_m, found.north_m) == (pytest.approx(-10_900, abs=2500), pytest.approx(-13_300, abs=2500))
    else:
        assert found.share > 0.95
        assert found.share_moved - found.share < 0.05


def test_polygons_that_are_in_place_are_not_moved():
    shapes = np.array([shapely.box(0, 0, 5000, 5000), shapely.box(5000, 0, 9000, 5000)], object)
    xy = np.array([[1000.0, 1000], [4000, 4000], [6000, 100], [8900, 4900]])
    found = find_displacement(shapes, xy, np.array([0, 0, 1, 1], np.int32))
    assert found == (0.0, 0.0, 1.0, 1.0)
