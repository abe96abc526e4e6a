"""Every table and polygon layer among the real cases loads with the right encoding, header, kinds and counts."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
import shapely

from withinreach.errors import SourceError
from withinreach.preparation.facilities import Facilities, read_facilities
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.repairs import Repairs
from withinreach.sources.tables import read_table
from withinreach.sources.vectors import read_layer
from withinreach.study import FacilityLayer
from withinreach.study.kinds import taxonomy

TABLES = [  # path, encoding or sheet, rows, columns
    ("beijing_hospitals_gb18030/医院.csv", "GB18030", 724, 13),
    ("china_census_2020/census_city_2010-2020_v1.csv", "UTF-8 with BOM", 369, 23),
    ("china_census_2020/census_county_2020_v1.xlsx", "七普（年鉴）", 3358, 153),
    ("china_census_2020/xinxiang_16rows_rowfilter.csv", "UTF-8", 16, 153),
    ("helsinki/population/citymap_3244_helsinki.csv", "UTF-8", 27941, 12),
    ("helsinki/expected/r5py_tests/test_travel_times_walk.csv", "UTF-8", 361, 3),
    ("shanghai_elderly/elderly_cleaned.csv", "UTF-8", 626, 9),
    ("shanghai_elderly/elderly_geocoded.csv", "UTF-8 with BOM", 626, 11),
    ("shanghai_elderly/health_cleaned.csv", "UTF-8", 249, 4),
    ("shanghai_elderly/health_geocoded.csv", "UTF-8 with BOM", 249, 6),
    ("spopt_sf/SF_demand_205_centroid_uniform_weight.csv", "UTF-8", 205, 12),
    ("spopt_sf/SF_network_distance_candidateStore_16_censusTract_205_new.csv", "UTF-8", 3280, 4),
    ("spopt_sf/SF_store_site_16_longlat.csv", "UTF-8", 16, 5),
    ("wuhan/poi/hospital.csv", "UTF-8 with BOM", 7487, 17),
    ("wuhan/poi/school.csv", "UTF-8 with BOM", 7375, 17),
    ("wuhan/poi/residence.csv", "UTF-8 with BOM", 15301, 17),
    ("wuhan/poi/mall.csv", "UTF-8 with BOM", 678, 17),
    ("wuhan/population/citymap_11549_wuhan.csv", "UTF-8", 24757, 12),
    ("xinxiang_townships/areas.csv", "UTF-8", 2978, 4),
    ("xinxiang_townships/streets.csv", "UTF-8", 41352, 5),
    ("xinxiang_townships/xinxiang_170_rowfilter.csv", "UTF-8", 170, 5),
]


@pytest.mark.parametrize(("name", "read_as", "rows", "columns"), TABLES, ids=[row[0] for row in TABLES])
def test_tables(shared, name, read_as, rows, columns):
    table = read_table(shared / name)
    how = dict(table.remarks[0].figures)
    assert how.get("encoding", how.get("sheet")) == read_as
    assert (how["header"], how["rows"], *table.rows.shape) == (1, rows, rows, columns)
    assert table.rows.index.tolist() == list(range(2, rows + 2))


def test_chinese_is_read_as_it_was_written(shared):
    beijing = read_table(shared / "beijing_hospitals_gb18030" / "医院.csv").rows
    assert beijing["医院等级"].value_counts().to_dict() == {"一级": 437, "二级": 155, "三级": 101, "未评": 31}
    census = read_table(shared / "china_census_2020" / "census_county_2020_v1.xlsx").rows.set_index("区划代码")
    assert census.loc["410700", "人口数_合计"] == "6251929"


LAYERS = [  # path, kind, datum, features, a column, its first value
    ("xinxiang_boundaries/datav_v3_2021/410700.json", "Polygon", "gcj02", 12, "name", "红旗区"),
    ("xinxiang_boundaries/datav_v2_2020/410700.json", "Polygon", "gcj02", 12, "name", "红旗区"),
    ("xinxiang_boundaries/amap_shp_2020/新乡市.shp", "Polygon", "gcj02", 12, None, None),
    ("xinxiang_boundaries/mca_2019/410700.json", "Polygon", "gcj02", 25, None, None),
    ("xinxiang_boundaries/mca_2019/410700_Line.geojson", "LineString", "gcj02", 13, None, None),
    ("xinxiang_boundaries/mca_2019/410700_Point.geojson", "Point", "gcj02", 12, "NAME", "卫辉市"),
    ("shanghai_elderly/datav_310000.json", "Polygon", "gcj02", 16, "name", "黄浦区"),
    ("wuhan/boundary/420100.json", "Polygon", "gcj02", 13, "name", "江岸区"),
    ("wuhan/network/original.parquet", "LineString", "EPSG:32650", 92667, None, None),
    ("helsinki/population/Population_grid_2021_HSY.gpkg", "Polygon", "EPSG:3879", 5853, None, None),
    ("helsinki/population/helsinki_population_grid_2020.gpkg", "Polygon", "wgs84", 92, None, None),
    ("helsinki/population/hsy_populationgrid.json", "Polygon", "wgs84", 3291, None, None),
    ("helsinki/population/travel_time_grid.json", "Polygon", "wgs84", 2863, None, None),
    ("spopt_sf/ServiceAreas_4.shp", "Polygon", "wgs84", 16, None, None),
]


@pytest.mark.parametrize(("name", "kind", "datum", "count", "column", "first"), LAYERS, ids=[row[0] for row in LAYERS])
def test_layers(shared, name, kind, datum, count, column, first):
    read = read_layer(shared / name, datum, kind=kind)
    assert len(read.features) == count
    if column is not None:
        assert read.features[column].iloc[0] == first


def test_county_polygons(shared):
    folder = shared / "xinxiang_boundaries" / "datav_v3_2021" / "county"
    for path in sorted(folder.glob("*.json")):
        read = read_layer(path, "gcj02", kind="Polygon")
        assert len(read.features) == 1
        assert int(read.features["adcode"].iloc[0]) == int(path.stem)


def test_a_shapefile_without_cpg_and_prj_reads_in_chinese(shared):
    read = read_layer(shared / "xinxiang_boundaries" / "amap_shp_2020" / "新乡市.shp", "gcj02", kind="Polygon")
    assert read.remarks[0].figures == {"encoding": "UTF-8"}
    text = " ".join(map(str, read.features.drop(columns="geometry").to_numpy().ravel()))
    assert "辉县市" in text
    assert "长垣" in text
    assert read.features.crs is None


# Facilities ---------------------------------------------------------------------------------------------------


def facilities(path, crs: str = "EPSG:4547", **layer) -> tuple[Facilities, Findings]:
    study = SimpleNamespace(facilities=(), as_of=dt.date(2025, 9, 30), taxonomy=taxonomy({}))
    findings = Findings()
    return read_facilities(FacilityLayer(path=path, **layer), study, Repairs(), MetricFrame(crs), findings), findings


def test_elder_care_of_shanghai(shared):
    path = shared / "shanghai_elderly" / "elderly_geocoded.csv"
    attributes = {"ownership": "type"}
    read, _ = facilities(path, "EPSG:4549", datum="gcj02", kind="elder_institution", attributes=attributes)
    assert len(read.table) == 626
    assert read.table["beds"].sum() == 153_065
    assert read.table["ownership"].value_counts().to_dict() == {"private": 305, "public_private": 190, "public": 117}
    assert read.table["unit_name"].nunique() == 16
    assert read.table["opened"].notna().sum() == 612
    assert "phone" not in read.table
    districts = read_layer(shared / "shanghai_elderly" / "datav_310000.json", "gcj02", kind="Polygon").features
    frame = MetricFrame("EPSG:4549")
    shapes = frame.geometries("gcj02", districts.geometry.to_numpy())
    of = dict(zip(districts["name"], shapes, strict=True))
    inside = [shapely.intersects_xy(of[name], *xy) for name, xy in zip(read.table["unit_name"], read.xy, strict=True)]
    assert sum(np.logical_not(inside)) == 26


def test_health_centres_of_shanghai(shared):
    path = shared / "shanghai_elderly" / "health_geocoded.csv"
    read, _ = facilities(path, "EPSG:4549", datum="gcj02", kind="health_centre")
    assert len(read.table) == 249


def test_places_of_amap_have_their_kinds_and_datums(shared, measured):
    read, findings = facilities(shared / "wuhan" / "poi" / "hospital.csv", datum="gcj02")
    same, _ = facilities(shared / "wuhan" / "poi" / "hospital.csv", datum="wgs84")
    metres = np.hypot(*(read.xy - same.xy).T)
    assert np.median(metres) < 1.5, "XGCJ was un-shifted, XWGS was taken as it is"
    counts = read.table["kind"].value_counts()
    measured(", ".join(f"{kind} {count}" for kind, count in counts.items()))
    assert counts["clinic"] + counts["township_hospital"] > 4000
    told = findings.table("en").set_index("rule")
    left_out = told.loc["kind_not_listed", "reason"].str.extract(r"in (\d+) rows")[0].astype(int).sum()
    assert len(read.table) + left_out == 7487
    schools, _ = facilities(shared / "wuhan" / "poi" / "school.csv", datum="gcj02")
    assert schools.table["kind"].value_counts()["kindergarten"] >= 2300


def test_a_table_without_coordinates_says_so(shared):
    with pytest.raises(SourceError) as caught:
        facilities(shared / "beijing_hospitals_gb18030" / "医院.csv", datum="gcj02", kind="hospital")
    assert all(part in caught.value.problems[0] for part in ("医院.csv", "longitude", "facilities.x", "机构名称"))
