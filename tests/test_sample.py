"""The sample city: what its README promises about the files is true of them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib import resources
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from withinreach.errors import CoverageError
from withinreach.sources.datum import gcj02_to_wgs84
from withinreach.sources.population.parts import raster_parts
from withinreach.sources.sample import write_sample
from withinreach.standards.reading import FOLDER
from withinreach.study import load_study

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "data" / "xinxiang-sample"
METRIC = "EPSG:4547"
BANDS = ["00", "01", *(f"{age:02d}" for age in range(5, 95, 5))]
STATISTICS = "示例数据_统计.csv"
UNITS = ["02", "03", "04", "11", "21", "24", "25", "26", "27", "71", "72", "73", "81", "82", "83"]


class Files:
    """The files of one sample, read by plain means."""

    def __init__(self, folder):
        self.folder = folder
        self.areas = gpd.read_file(folder / "示例数据_区划.geojson")
        self.water = gpd.read_file(folder / "示例数据_水系.geojson")
        self.streets = gpd.read_parquet(folder / "示例数据_街道.parquet")
        self.facilities = pd.read_csv(folder / "示例数据_设施.csv", encoding="utf-8-sig", dtype={"区划代码": str})
        self.villages = pd.read_csv(folder / "示例数据_村.csv", encoding="utf-8-sig", dtype={"区划代码": str})
        bands = {}
        for band in BANDS:
            with rasterio.open(folder / "示例数据_人口" / f"chn_t_{band}_2020_CN_100m_R2025A_v1.tif") as source:
                bands[band], self.grid = source.read(1), source.profile
        inhabited = bands["00"] != self.grid["nodata"]
        row, column = np.nonzero(inhabited)
        assert all(((values != self.grid["nodata"]) == inhabited).all() for values in bands.values())
        self.people = np.column_stack([bands[band][row, column].astype(np.float64) for band in BANDS])
        lon, lat = self.grid["transform"] * (column + 0.5, row + 0.5)
        self.cells = shapely.points(lon, lat)
        cell, unit = shapely.STRtree(self.areas.geometry.array).query(self.cells, predicate="within")
        self.unit = np.full(len(row), -1)
        self.unit[cell] = unit

    def components(self):
        """Number of the component of each line."""
        ends = np.concatenate(
            [shapely.get_coordinates(shapely.get_point(self.streets.geometry.array, i)) for i in (0, -1)]
        )
        nodes, node = np.unique(ends, axis=0, return_inverse=True)
        tail, head = node.reshape(2, -1)
        graph = coo_matrix((np.ones(len(tail)), (tail, head)), (len(nodes), len(nodes)))
        return connected_components(graph, directed=False)[1][tail]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample"), scale=0.01, seed=7).parent


@pytest.fixture(scope="session")
def files(folder):
    return Files(folder)


@pytest.fixture(scope="session")
def committed():
    return Files(COMMITTED)


@pytest.fixture(params=["small", "committed"])
def city(request):
    return request.getfixturevalue("files" if request.param == "small" else "committed")


@pytest.fixture(scope="session")
def census():
    text = resources.files("withinreach.sources.sample").joinpath("census_2020.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- the verb


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    write_sample(tmp_path, scale=0.01, seed=7)
    assert contents(tmp_path) == contents(folder)


def test_another_seed_gives_another_city_on_the_same_map(folder, tmp_path):
    write_sample(tmp_path, scale=0.01, seed=8)
    mine, other = contents(folder), contents(tmp_path)
    same = {name for name in mine if mine[name] == other[name]}
    assert mine.keys() == other.keys()
    assert same == {"study.toml", "示例数据_区划.geojson", "示例数据_水系.geojson", STATISTICS}


@pytest.mark.parametrize("scale", [0, 0.0099, 1.01, -1, float("nan"), float("inf"), "0.1", True])
def test_a_wrong_scale_is_named(tmp_path, scale):
    with pytest.raises(CoverageError, match=r"^scale = .*from 0.01 to 1$"):
        write_sample(tmp_path / "city", scale=scale)
    assert not (tmp_path / "city").exists()


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True])
def test_a_wrong_seed_is_named(tmp_path, seed):
    with pytest.raises(CoverageError, match=r"^seed = .*: give a whole number, 0 or more$"):
        write_sample(tmp_path, seed=seed)


def test_wrong_arguments_are_reported_together(tmp_path):
    with pytest.raises(CoverageError) as caught:
        write_sample(tmp_path, seed=-1, scale=2)
    assert len(caught.value.problems) == 2


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CoverageError, match=r"file.*cannot be written"):
        write_sample(tmp_path / "file" / "city", scale=0.01)


def test_progress_is_told_step_by_step(tmp_path):
    steps = []
    write_sample(tmp_path, scale=0.01, progress=steps.append)
    assert len(steps) == len(set(steps)) == 6
    assert steps[-1] == "writing files"


def test_importing_the_verb_loads_nothing_heavy():
    code = "import sys, withinreach.sources.sample; print({'geopandas', 'rasterio', 'scipy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "coverage")},
    )
    assert done.stdout.strip() == "set()"


# --- the study


def test_the_study_loads_and_names_existing_files(city):
    study = load_study(city.folder / "study.toml")
    assert study.notice == "示例数据·非真实"
    assert set(study.services) == {"elder_care", "nursery", "clinic", "veterans"}
    assert {path for path in study.input_paths() if not path.is_file()} == set()
    written = {path for path in city.folder.rglob("*") if path.is_file()}
    assert {path.name for path in written - set(study.input_paths())} == {"study.toml", "README.md"}


def test_the_groups_have_the_bands_of_their_titles(city):
    groups = raster_parts(load_study(city.folder / "study.toml").population)
    bands = {
        name: [(re.search(r"_t_(\d\d)_", part.path.name)[1], part.share) for part in group]
        for name, group in groups.items()
    }
    assert bands == {
        "all": [(band, 1.0) for band in BANDS],
        "age_0_2": [("00", 1.0), ("01", 0.5)],
        "age_60_plus": [(band, 1.0) for band in BANDS if int(band) >= 60],
        "age_80_plus": [(band, 1.0) for band in BANDS if int(band) >= 80],
    }


def test_every_text_says_that_the_data_are_synthetic(city):
    assert "示例数据·非真实" in (city.folder / "README.md").read_text(encoding="utf-8")
    assert "MIT" in (city.folder / "README.md").read_text(encoding="utf-8")
    layers = {path.relative_to(city.folder).parts[0] for path in load_study(city.folder / "study.toml").input_paths()}
    assert all(name.startswith("示例数据") for name in layers)


# --- areas and water


def test_the_areas_tile_the_prefecture(city):
    polygons = city.areas.geometry.array
    assert city.areas["code"].tolist() == [f"4107{unit}" for unit in UNITS]
    assert polygons.is_valid.all()
    whole = shapely.union_all(polygons)
    assert whole.geom_type == "Polygon"
    assert len(whole.interiors) == 0
    # Every piece of a border stands in two polygons, point for point, or is the border of the whole.
    rings = [shapely.get_coordinates(polygon) for polygon in polygons]
    pieces = Counter(frozenset(map(tuple, piece)) for ring in rings for piece in pairwise(ring))
    assert set(pieces.values()) == {1, 2}
    outer = sum(shapely.LineString(piece).length for piece, count in pieces.items() if count == 1)
    assert outer == pytest.approx(whole.length, rel=1e-9)
    assert shapely.area(polygons).sum() == pytest.approx(whole.area, rel=1e-9)
    assert np.allclose(whole.bounds, (113.38, 34.88, 115.02, 35.84), atol=0.01)
    assert city.areas.to_crs(METRIC).area.sum() / 1e6 == pytest.approx(8271.5, rel=0.01)


def test_large_counties_have_about_their_size(city):
    km2 = dict(zip(city.areas["code"], city.areas.to_crs(METRIC).area / 1e6, strict=True))
    km2["410725"] += km2["410773"]
    real = {"410721": 385.9, "410724": 469.5, "410725": 1282.1, "410726": 895.2, "410727": 1229.5}
    real |= {"410781": 865.1, "410782": 1686.7, "410783": 1039.9}
    assert {code: km2[code] for code in real} == pytest.approx(real, rel=0.25)


def test_seats_lie_in_their_units(city):
    seats = {"红旗区": (113.8722, 35.3033), "卫滨区": (113.8601, 35.3055), "牧野区": (113.8912, 35.3136)}
    seats |= {"新乡县": (113.8000, 35.1906), "辉县市": (113.7963, 35.4616), "长垣市": (114.6682, 35.1968)}
    for name, seat in seats.items():
        assert city.areas.set_index("name").geometry[name].contains(shapely.Point(seat))


def test_the_rivers_are_there(city):
    assert city.water["name"].tolist() == ["黄河", "卫河", "共产主义渠", "南水北调中线总干渠"]
    assert city.water.geometry.is_valid.all()


# --- streets


def test_lines_meet_at_ends_only(city):
    lines = city.streets.geometry.array
    tree = shapely.STRtree(lines)
    assert shapely.is_simple(lines).all()
    one, other = tree.query(lines, predicate="intersects")
    one, other = one[one < other], other[one < other]
    ends = [{tuple(point) for point in shapely.get_coordinates(line)[[0, -1]]} for line in lines]
    shared = shapely.intersection(lines[one], lines[other])
    for i, j, meeting in zip(one, other, shared, strict=True):
        points = {tuple(point) for point in shapely.get_coordinates(meeting)}
        assert points <= ends[i] & ends[j]


def test_all_streets_are_connected_but_for_the_river_bars(city):
    component = city.components()
    size = np.sort(np.bincount(component))
    assert len(size) == 4
    assert size[-1] > 0.97 * size.sum()
    small = np.flatnonzero(component != np.bincount(component).argmax())
    river = city.water.geometry.array[0]
    bars = [shapely.Polygon(ring) for part in shapely.get_parts(river) for ring in part.interiors]
    assert len(bars) == 3
    assert all(any(bar.contains(line) for bar in bars) for line in city.streets.geometry.array[small])


def test_water_is_crossed_on_bridges_only(city):
    lines, bridge = city.streets.geometry.array, (city.streets["bridge"] == "yes").to_numpy()
    wet = np.zeros(len(lines), bool)
    wet[shapely.STRtree(lines).query(city.water.geometry.array, predicate="intersects")[1]] = True
    assert (wet <= bridge).all()
    assert 8 <= bridge.sum() <= 80
    assert not shapely.intersects(city.water.geometry.array[0], lines).any()
    assert (wet[bridge]).mean() > 0.9


def test_every_unit_has_people_streets_and_facilities(city):
    assert set(city.unit) == set(range(15))
    touched = shapely.STRtree(city.streets.geometry.array).query(city.areas.geometry.array, predicate="contains")[0]
    assert set(touched) == set(range(15))
    assert set(city.facilities["区划代码"]) == set(city.areas["code"])


def test_streets_have_the_kinds_of_a_town(city):
    assert city.streets.crs == "EPSG:4326"
    assert set(city.streets["bridge"]) == {"yes", "no"}
    assert {"residential", "living_street", "footway", "service", "tertiary", "secondary", "primary"} <= set(
        city.streets["highway"]
    )


# --- people


def test_the_grid_is_laid_out_like_worldpop(city):
    grid = city.grid
    assert (grid["dtype"], grid["nodata"], grid["count"], grid["crs"].to_epsg()) == ("float32", -99999, 1, 4326)
    transform = grid["transform"]
    assert (transform.a, transform.e) == pytest.approx((1 / 1200, -1 / 1200), rel=1e-12)
    corner = np.array([transform.c, transform.f]) * 1200
    assert corner == pytest.approx(np.round(corner), abs=1e-6)


def test_people_of_every_unit_and_band_are_those_of_the_census(city, census):
    for unit, row in enumerate(sorted(census, key=lambda row: row["code"])):
        sums = city.people[city.unit == unit].sum(axis=0)
        assert sums.tolist() == [float(row[band]) for band in BANDS], row["name"]


def test_the_city_totals_are_those_of_the_census(city):
    ages = np.array([int(band) for band in BANDS])
    assert city.people.sum() == 6_251_929
    assert city.people[:, ages >= 60].sum() == 1_105_560
    assert city.people[:, 0].sum() == 54_686
    assert (city.people >= 0).all()
    assert (city.people.sum(axis=1) > 0).all()


def test_people_are_fractions_that_sum_exactly(city):
    assert (city.people * 64 == np.round(city.people * 64)).all()
    assert (city.people != np.round(city.people)).mean() > 0.8


def test_few_people_are_off_the_network(city):
    streets = city.streets.to_crs(METRIC).geometry.array
    cells = gpd.GeoSeries(city.cells, crs="EPSG:4326").to_crs(METRIC).array
    people = city.people.sum(axis=1)
    (cell, nearest), away_m = shapely.STRtree(streets).query_nearest(cells, return_distance=True, all_matches=False)
    off = away_m > 300
    assert 0 < people[cell[off]].sum() < 0.005 * people.sum()
    component = city.components()
    island = (component != np.bincount(component).argmax())[nearest]
    assert 0 < people[cell[island & ~off]].sum() < 0.001 * people.sum()


# --- facilities


def test_the_table_has_the_headers_of_an_office(city):
    assert (city.folder / "示例数据_设施.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert city.facilities.columns.tolist() == [
        "编号", "设施名称", "类别", "级别", "区划代码", "所属县(市、区)", "经度", "纬度", "坐标系",
        "床位数", "护理型床位", "托位数", "星级", "是否示范", "性质", "运营状态", "建成年份",
    ]  # fmt: skip
    assert city.facilities["编号"].is_unique
    assert city.facilities["设施名称"].str.startswith("示例").all()
    assert set(city.facilities["坐标系"]) == {"GCJ-02"}
    names = city.areas.set_index("code")["name"]
    assert (city.facilities["区划代码"].map(names) == city.facilities["所属县(市、区)"]).all()


def test_facilities_are_shifted_to_gcj02(city):
    lon, lat = city.facilities["经度"].to_numpy(), city.facilities["纬度"].to_numpy()
    streets = city.streets.to_crs(METRIC).geometry.array
    tree = shapely.STRtree(streets)

    def away_m(lon, lat):
        points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(METRIC).array
        return tree.query_nearest(points, return_distance=True, all_matches=False)[1]

    assert away_m(*gcj02_to_wgs84(lon, lat)).max() < 60
    assert np.quantile(away_m(lon, lat), 0.75) > 60


def test_facilities_lie_in_the_units_they_name(city):
    table = city.facilities
    points = shapely.points(*gcj02_to_wgs84(table["经度"].to_numpy(), table["纬度"].to_numpy()))
    polygons = table["区划代码"].map(city.areas.set_index("code").geometry)
    assert all(polygon.contains(point) for polygon, point in zip(polygons, points, strict=True))


def test_places_fall_short_of_the_plan(city):
    table, people = city.facilities, city.people.sum()
    elders = city.people[:, [int(band) >= 60 for band in BANDS]].sum()
    assert 1000 * table["托位数"].sum() / people == pytest.approx(2.03, rel=0.02)
    assert 1000 * table["床位数"].sum() / elders == pytest.approx(28, rel=0.02)
    assert table["护理型床位"].sum() / table["床位数"].sum() == pytest.approx(0.45, abs=0.06)
    assert (table["护理型床位"].fillna(0) <= table["床位数"].fillna(0)).all()
    assert table["星级"].dropna().isin([1, 2, 3, 4, 5]).all()


def test_a_few_capacities_are_missing(committed):
    table = committed.facilities
    for prefix, column in (("YL", "床位数"), ("TY", "托位数"), ("TJ", "星级")):
        of_kind = table["编号"].str.startswith(prefix)
        assert 0 < table.loc[of_kind, column].isna().mean() < 0.08
        assert table.loc[~of_kind, column].isna().all()


def test_kinds_and_levels_agree(city):
    kinds = city.facilities.groupby("级别")["类别"].agg(set)
    assert kinds["社区村"] <= {"社区养老服务站", "村级退役军人服务站", "托育机构", "诊所"}
    assert kinds["县"] <= {"养老机构", "县级退役军人服务中心", "托育机构", "诊所"}
    told = city.facilities["是否示范"].dropna()
    assert set(told) == {"是", "否"}


# --- villages and statistics


def test_villages_lie_in_the_units_that_they_name(city):
    table = city.villages
    assert table["村代码"].is_unique
    points = shapely.points(table["经度"], table["纬度"])
    units = dict(zip(city.areas["code"], city.areas.geometry, strict=True))
    assert all(units[code].intersects(point) for code, point in zip(table["区划代码"], points, strict=True))
    assert (table["户数"] >= 1).all()
    assert 0 < table["服务对象数"].isna().mean() < 0.08


def test_statistics_are_asked_for_by_the_plan_and_say_that_they_are_invented(city):
    table = pd.read_csv(city.folder / STATISTICS, encoding="utf-8-sig", dtype=str)
    assert set(table["说明"]) == {"示例数据·非真实"}
    plan = tomllib.loads((FOLDER / "xinxiang-2025.toml").read_text(encoding="utf-8"))
    ids = {target["id"] for target in plan["targets"]}
    assert {name.partition(".")[0] for name in table["指标"]} <= ids | {"doctors_per_1000"}


# --- the committed city


def test_the_committed_city_has_its_size(committed):
    size = sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file())
    assert size <= 5_000_000
    assert len(committed.cells) == pytest.approx(60_000, rel=0.02)
    assert len(committed.facilities) == pytest.approx(490, rel=0.05)
    ends = shapely.get_coordinates([shapely.get_point(committed.streets.geometry.array, i) for i in (0, -1)])
    assert len(np.unique(ends, axis=0)) == pytest.approx(31_000, rel=0.05)


def test_the_committed_city_is_what_the_verb_makes(committed, tmp_path):
    fresh = Files(write_sample(tmp_path).parent)
    for name in ("study.toml", "README.md"):
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes()
    assert fresh.areas.geom_equals_exact(committed.areas, 2e-6).all()
    assert fresh.streets["highway"].tolist() == committed.streets["highway"].tolist()
    assert fresh.streets.geom_equals_exact(committed.streets, 2e-6).all()
    assert shapely.equals(fresh.cells, committed.cells).all()
    assert (fresh.people == committed.people).all()
    pd.testing.assert_frame_equal(fresh.facilities, committed.facilities, atol=2e-6)
    pd.testing.assert_frame_equal(fresh.villages, committed.villages, atol=2e-6)
    assert (tmp_path / STATISTICS).read_bytes() == (COMMITTED / STATISTICS).read_bytes()
