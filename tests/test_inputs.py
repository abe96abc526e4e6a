"""The same town in other formats, encodings and datums gives the same figures."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

import withinreach as wr
from withinreach.preparation.frame import MetricFrame
from withinreach.sources.datum import gcj02_to_bd09, wgs84_to_gcj02

CRS = "EPSG:4547"


def tables(study) -> pd.DataFrame:
    result = wr.analyse(wr.prepare(wr.load_study(study)))
    return pd.concat([result.table(name) for name in result.tables], keys=result.tables)


@pytest.fixture
def expected(town) -> pd.DataFrame:
    return tables(town)


def renamed(town, old: str, new: str) -> None:
    text = town.read_text(encoding="utf-8")
    assert old in text
    town.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("layer", ["areas", "streets"])
@pytest.mark.parametrize("suffix", ["gpkg", "parquet", "shp"])
def test_vector_formats(town, expected, layer, suffix):
    source = town.parent / f"{layer}.geojson"
    target = source.with_suffix(f".{suffix}")
    frame = gpd.read_file(source)
    if suffix == "parquet":
        frame.to_parquet(target)
    else:
        frame.to_file(target, encoding="utf-8")
    source.unlink()
    renamed(town, source.name, target.name)
    pd.testing.assert_frame_equal(tables(town), expected)


def test_lines_in_many_parts(town, expected):
    path = town.parent / "streets.geojson"
    frame = gpd.read_file(path)
    gpd.GeoDataFrame(geometry=[frame.geometry.union_all()], crs=CRS).to_file(path)
    pd.testing.assert_frame_equal(tables(town), expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_of_tables(town, expected, encoding):
    path = town.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8-sig"), encoding=encoding)
    pd.testing.assert_frame_equal(tables(town), expected)


def test_workbook(town, expected):
    path = town.parent / "facilities.csv"
    pd.read_csv(path, dtype=str).to_excel(path.with_suffix(".xlsx"), index=False)
    renamed(town, "facilities.csv", "facilities.xlsx")
    pd.testing.assert_frame_equal(tables(town), expected)


@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_facilities_as_points(town, expected, suffix):
    path = town.parent / "facilities.csv"
    table = pd.read_csv(path, dtype={"床位": str})
    points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["x"], table["y"]), crs=CRS)
    if suffix == "geojson":
        points = points.to_crs("EPSG:4326")
        renamed(town, f'path = "facilities.csv"\ndatum = "{CRS}"', 'path = "facilities.geojson"\ndatum = "wgs84"')
    else:
        renamed(town, "facilities.csv", "facilities.gpkg")
    points.drop(columns=["x", "y"]).to_file(path.with_suffix(f".{suffix}"))
    got = tables(town)
    # degrees in a file have a finite number of digits, so a millimetre may tip over
    pd.testing.assert_frame_equal(got, expected, rtol=1e-4)


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_datums_of_facilities_and_people(town, expected, datum):
    frame = MetricFrame(CRS)
    for name in ("facilities.csv", "people.csv"):
        path = town.parent / name
        table = pd.read_csv(path)
        lon, lat = frame.to_lonlat(table[["x", "y"]].to_numpy()).T
        if datum in ("gcj02", "bd09"):
            lon, lat = wgs84_to_gcj02(lon, lat)
        if datum == "bd09":
            lon, lat = gcj02_to_bd09(lon, lat)
        table.assign(x=lon, y=lat).to_csv(path, index=False, float_format="%.12f")
    renamed(town, f'path = "facilities.csv"\ndatum = "{CRS}"', f'path = "facilities.csv"\ndatum = "{datum}"')
    renamed(town, f'[population]\ndatum = "{CRS}"', f'[population]\ndatum = "{datum}"')
    pd.testing.assert_frame_equal(tables(town), expected, rtol=1e-4)


def test_codes_are_text_whatever_the_file_has(town):
    path = town.parent / "areas.geojson"
    gpd.read_file(path).assign(code=[410702.0, 410703.0]).to_file(path)
    assert wr.prepare(wr.load_study(town)).areas.table["code"].tolist() == ["410702", "410703"]


def test_attributes_that_a_layer_lacks_are_unknown(town):
    text = town.read_text(encoding="utf-8")
    head, tail = text.split("[profiles.slow]")
    second = f"""
[[facilities]]
path = "more.csv"
datum = "{CRS}"
x = "x"
y = "y"
kind = "clinic"

"""
    town.write_text(head + second + "[profiles.slow]" + tail, encoding="utf-8")
    (town.parent / "more.csv").write_text("id,name,x,y\nC2,new,500900,3900000\n")
    table = wr.prepare(wr.load_study(town)).facilities.table
    assert table["id"].tolist() == ["A1", "A2", "C1", "C2"]
    assert np.isnan(table["beds"].iloc[-1])


# Rasters ------------------------------------------------------------------------------------------------------


CELL_DEG = 1 / 1200  # 3 arc-seconds
ROWS = 40  # a grid that the town's window holds whole


def north_west() -> tuple[float, float]:
    lon, lat = MetricFrame(CRS).to_lonlat(np.array([[500_450.0, 3_899_950.0]]))[0]
    return lon - ROWS / 2 * CELL_DEG, lat + ROWS / 2 * CELL_DEG


def write_grid(path, values: np.ndarray) -> None:
    transform = rasterio.transform.from_origin(*north_west(), CELL_DEG, CELL_DEG)
    profile = {"driver": "GTiff", "dtype": "float32", "crs": "EPSG:4326", "nodata": -99999, "count": 1}
    with rasterio.open(
        path, "w", width=values.shape[1], height=values.shape[0], transform=transform, **profile
    ) as target:
        target.write(values.astype(np.float32), 1)


def test_raster_groups_are_sums_of_shares_and_nodata_is_nobody(town):
    rng = np.random.default_rng(4)
    infants, toddlers = rng.uniform(0, 3, (2, ROWS, ROWS))
    infants[rng.random((ROWS, ROWS)) < 0.3] = -99999
    toddlers[5] = np.nan
    for age, values in (("00", infants), ("01", toddlers)):
        write_grid(town.parent / f"chn_t_{age}_2020.tif", values)
    renamed(town, f'[population]\ndatum = "{CRS}"', '[population]\ndatum = "wgs84"')
    renamed(town, '{ path = "people.csv", column = "old" }', '{ path = "chn_t_00_2020.tif" }')
    both = '{ path = "chn_t_00_2020.tif" }, { path = "chn_t_01_2020.tif", share = 0.5 }'
    renamed(town, '{ path = "people.csv", column = "all" }', both)
    case = wr.prepare(wr.load_study(town))

    zero_to_two = np.where(infants < 0, 0, infants.astype(np.float32).astype(np.float64))
    want = zero_to_two + 0.5 * np.nan_to_num(toddlers.astype(np.float32).astype(np.float64))
    read = case.audit.population.loc["read"]
    assert read["all"] == pytest.approx(want.sum(), rel=1e-12)
    assert read["age_60_plus"] == pytest.approx(zero_to_two.sum(), rel=1e-12)
    # 3 arc-seconds at 35.2° N
    assert case.cell_size_m == pytest.approx((75.9, 92.5), abs=0.2)


def test_raster_cells_lie_where_their_centres_are(town):
    values = np.full((ROWS, ROWS), -99999.0)
    values[19, 17] = 7.0
    write_grid(town.parent / "one.tif", values)
    renamed(town, f'[population]\ndatum = "{CRS}"', '[population]\ndatum = "wgs84"')
    for column in ("all", "old"):
        renamed(town, f'{{ path = "people.csv", column = "{column}" }}', '{ path = "one.tif" }')
    table = wr.prepare(wr.load_study(town)).people.table
    west, north = north_west()
    assert table["lon"].tolist() == pytest.approx([west + 17.5 * CELL_DEG], abs=1e-9)
    assert table["lat"].tolist() == pytest.approx([north - 19.5 * CELL_DEG], abs=1e-9)
