"""People in tables and vector layers: points, polygon cells, age columns, empty and suppressed fields."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from population_files import layer_of, read
from withinreach.errors import CrsError, SourceError

CRS = "EPSG:3879"
CELL_M = 250.0
AGED = {
    "all": {"title": "all", "parts": [{"path": "", "column": "asukkaita"}], "ages": [0]},
    "children": {"title": "0-9", "ages": [0, 10]},
    "infants": {"title": "0-4", "ages": [0, 5]},
    "old": {"title": "60+", "ages": [60]},
}
AGES = ["ika0_9", "ika10_59", "ika60_79", "ika_yli80"]


def cells(path, rows: list[list[float]]) -> None:
    """Square cells from west to east: residents, then people by age."""
    table = pd.DataFrame(rows, columns=["asukkaita", *AGES])
    boxes = [shapely.box(i * CELL_M, 0, (i + 1) * CELL_M, CELL_M) for i in range(len(table))]
    gpd.GeoDataFrame(table, geometry=boxes, crs=CRS).to_file(path)


def aged(path, **fields):
    groups = {name: dict(group) for name, group in AGED.items()}
    groups["all"]["parts"] = [{"path": path, "column": "asukkaita"}]
    return layer_of(bands={"path": path}, groups=groups, datum=CRS, **fields)


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp"])
def test_polygon_cells_count_at_their_centres(tmp_path, suffix):
    path = tmp_path / f"grid.{suffix}"
    cells(path, [[100, 20, 50, 20, 10], [0, 0, 0, 0, 0], [50, 5, 25, 10, 10]])
    points = read(aged(path))
    assert points.x.tolist() == pytest.approx([125, 625])
    assert points.y.tolist() == pytest.approx([125, 125])
    assert points.cell == pytest.approx((250, 250))
    assert {name: values.tolist() for name, values in points.groups.items()} == {
        "all": [100, 50],
        "children": [20, 5],
        "infants": [10, 2.5],
        "old": [30, 20],
    }


def test_suppressed_ages_get_the_shares_of_the_others(tmp_path):
    """99 in every age of a row of 40 is no count; 99 in a row that adds up is one."""
    path = tmp_path / "grid.gpkg"
    cells(path, [[200, 99, 50, 41, 10], [40, 99, 99, 99, 99], [60, 9999, 9999, 9999, 9999], [300, 21, 150, 79, 50]])
    points = read(aged(path, total="asukkaita", suppressed=[99, 9999]))
    assert points.groups["all"].tolist() == [200, 40, 60, 300]
    assert points.groups["children"].tolist() == pytest.approx([99, 40 * 120 / 500, 60 * 120 / 500, 21])
    assert points.groups["old"].tolist() == pytest.approx([51, 40 * 180 / 500, 60 * 180 / 500, 129])
    (told,) = points.suppressed
    assert (told.rows, told.people) == (2, 100)


def test_ages_that_are_all_suppressed_are_refused(tmp_path):
    path = tmp_path / "grid.gpkg"
    cells(path, [[40, 99, 99, 99, 99]])
    with pytest.raises(SourceError, match="the ages of all rows are suppressed"):
        read(aged(path, total="asukkaita", suppressed=[99]))


def test_empty_fields_are_counted_and_not_taken_for_nobody_in_silence(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("lon,lat,all,old\n114,35,10,—\n114,35.1,,\n114,35.2,7,2\n", encoding="utf-8")
    groups = {name: {"title": name, "parts": [{"path": path, "column": name}]} for name in ("all", "old")}
    points = read(layer_of(groups=groups))
    assert points.groups["old"].tolist() == [0, 2]
    assert [(one.column, one.no_data, one.cells) for one in points.masked] == [("all", 1, 3), ("old", 2, 3)]


def test_a_census_table_of_points_by_sex_and_age(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("lon,lat,男_0到59岁,女_0到59岁,男_60岁以上,女_60岁以上\n114,35,10,11,3,4\n", encoding="gb18030")
    points = read(layer_of(bands={"path": path}, groups={"old": {"title": "60+", "ages": [60]}}))
    assert points.groups["old"].tolist() == [7]


def test_points_of_a_layer(tmp_path):
    path = tmp_path / "people.gpkg"
    gpd.GeoDataFrame({"n": [3, 4]}, geometry=gpd.points_from_xy([114, 114.1], [35, 35]), crs="EPSG:4326").to_file(path)
    points = read(layer_of(groups={"all": {"title": "all", "parts": [{"path": path, "column": "n"}]}}, datum="file"))
    assert points.datum == "wgs84"
    assert (points.x.tolist(), points.groups["all"].tolist()) == ([114, 114.1], [3, 4])
    assert points.cell == (0, 0)


def _of(path, column="n", **fields):
    return layer_of(groups={"all": {"title": "all", "parts": [{"path": path, "column": column}]}}, **fields)


def test_what_tables_cannot_say(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("lon,lat,n\n114,35,1\n")
    for fields, told in (
        ({"datum": "file"}, "a table states no CRS; declare population.datum"),
        ({"unit": "people_per_km2"}, "people per km² are read from rasters only"),
        ({"column": "m"}, "no column 'm' (named by population.groups.all"),
        ({"column": None}, "population.groups.all needs column"),
    ):
        with pytest.raises(SourceError) as caught:
            read(_of(path, **fields))
        assert told in str(caught.value)
    other = tmp_path / "other.csv"
    other.write_text("lon,lat,n\n114,35,1\n")
    parts = [{"path": path, "column": "n"}, {"path": other, "column": "n"}]
    with pytest.raises(SourceError, match="give the columns of all groups in one file"):
        read(layer_of(groups={"all": {"title": "all", "parts": parts}}))
    parts[1] = {"path": tmp_path / "grid.tif"}
    with pytest.raises(SourceError, match="the population mixes tables and rasters"):
        read(layer_of(groups={"all": {"title": "all", "parts": parts}}))


def test_a_layer_in_another_crs_than_declared(tmp_path):
    path = tmp_path / "grid.gpkg"
    cells(path, [[1, 1, 0, 0, 0]])
    with pytest.raises(CrsError, match="declared as wgs84"):
        read(_of(path, "asukkaita"))


def test_codes_of_bad_rows_are_named(tmp_path):
    path = tmp_path / "grid.gpkg"
    gpd.GeoDataFrame({"n": [np.nan, -4.0]}, geometry=[shapely.box(0, 0, 1, 1)] * 2, crs=CRS).to_file(path)
    with pytest.raises(SourceError, match=r"row 2, column 'n': '-4\.0' is negative"):
        read(_of(path, datum=CRS))
