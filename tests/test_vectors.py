"""Vector layers: layers of a file are chosen or told, and text is read as it was written or refused."""

from __future__ import annotations

import geopandas as gpd
import pyogrio
import pytest
import shapely

import withinreach as wr
from withinreach.errors import SourceError
from withinreach.sources.vectors import read_layer

NAMES = ["示例养老服务站", "示例日间照料中心", "甲"]


@pytest.fixture
def points() -> gpd.GeoDataFrame:
    frame = {"设施名称": NAMES, "床位": [10, 20, None]}
    return gpd.GeoDataFrame(frame, geometry=shapely.points([[113.9, 35.3]] * 3), crs="EPSG:4326")


def refused(path, *parts: str, kind: str = "Point", **options) -> None:
    with pytest.raises(SourceError) as caught:
        read_layer(path, "wgs84", kind=kind, **options)
    (line,) = caught.value.problems
    for part in (path.name, *parts):
        assert part in line, line


def rules(read) -> dict:
    return {remark.rule: dict(remark.figures) for remark in read.remarks}


# Shapefiles ---------------------------------------------------------------------------------------------------


def write_shapefile(path, points, encoding: str, cpg: str | None, *, prj: bool = True) -> None:
    points.to_file(path, encoding=encoding, engine="pyogrio")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg, encoding="ascii")
    if not prj:
        path.with_suffix(".prj").unlink()


@pytest.mark.parametrize("cpg", [None, "UTF-8", "GBK", "936", "ISO-8859-1", "nonsense"])
@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
def test_text_of_a_shapefile_whatever_its_cpg_says(tmp_path, points, encoding, cpg):
    path = tmp_path / "点.shp"
    short = points.rename(columns={"设施名称": "名称"})  # ten bytes are all that a name of a column may take
    write_shapefile(path, short, encoding, cpg, prj=False)
    read = read_layer(path, "gcj02", kind="Point")
    assert read.features["名称"].tolist() == NAMES
    assert read.features.crs is None
    found = rules(read)["text_decoded"]["encoding"]
    assert found == "UTF-8" if encoding == "UTF-8" else found.startswith("GB")


def test_a_name_cut_in_the_middle_of_a_letter(tmp_path, points):
    path = tmp_path / "t.shp"
    write_shapefile(path, points.rename(columns={"设施名称": "设施"}), "UTF-8", None)
    dbf = path.with_suffix(".dbf")
    whole, cut = "设施".encode().ljust(11, b"\0"), "设施名称".encode()[:10] + b"\0"
    assert whole in dbf.read_bytes()
    dbf.write_bytes(dbf.read_bytes().replace(whole, cut))
    assert read_layer(path, "wgs84", kind="Point").features["设施名"].tolist() == NAMES


# GeoJSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "title"),
    [("utf-8", None), ("utf-8-sig", "UTF-8 with BOM"), ("gb18030", "GB18030"), ("utf-16", "UTF-16 LE")],
)
def test_geojson_that_is_not_utf8(tmp_path, points, encoding, title):
    path = tmp_path / "t.geojson"
    path.write_bytes(points.to_json(ensure_ascii=False).encode(encoding))
    read = read_layer(path, "wgs84", kind="Point")
    assert read.features["设施名称"].tolist() == NAMES
    assert rules(read) == ({} if title is None else {"text_decoded": {"encoding": title}})


def test_garbled_attributes_are_refused(tmp_path, points):
    path = tmp_path / "t.geojson"
    points.assign(设施名称=[name.encode().decode("gb18030", errors="ignore") for name in NAMES]).to_file(path)
    refused(path, "column '设施名称'", "UTF-8 was read as GBK")


def test_features_without_a_place_are_counted(tmp_path, points):
    path = tmp_path / "t.geojson"
    points.set_geometry([points.geometry[0], None, points.geometry[2]], crs="EPSG:4326").to_file(path)
    read = read_layer(path, "wgs84", kind="Point")
    assert read.number.tolist() == [1, 3]
    assert rules(read) == {"features_without_place": {"count": 1}}


# Layers of one file -------------------------------------------------------------------------------------------


def test_the_layer_that_may_hold_the_kind_is_chosen(tmp_path, points):
    path = tmp_path / "t.gpkg"
    points.to_file(path, layer="设施")
    points.set_geometry(shapely.buffer(points.geometry.to_numpy(), 0.1), crs=points.crs).to_file(path, layer="区划")
    read = read_layer(path, "wgs84", kind="Point")
    assert read.features["设施名称"].tolist() == NAMES
    assert rules(read) == {"layer_chosen": {"layer": "设施", "others": "区划"}}
    assert set(read_layer(path, "wgs84", kind="Polygon").features.geom_type) == {"Polygon"}
    points.iloc[:1].to_file(path, layer="旧设施")
    refused(path, "'设施', '旧设施' may each hold", "layer = ")
    assert len(read_layer(path, "wgs84", kind="Point", layer="旧设施").features) == 1
    refused(path, "no layer '新设施'", "'设施', '区划', '旧设施'", layer="新设施")
    refused(path, "no layer holds LineString", kind="LineString")


def test_a_file_of_one_layer_needs_no_name(tmp_path, points):
    path = tmp_path / "t.geojson"
    points.to_file(path)
    refused(path, "holds one layer", "remove layer = 'x'", layer="x")


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "parquet"])
def test_facilities_of_every_format(town, points, suffix):
    lon, lat = 114.0, 35.22
    path = town.parent / f"设施.{suffix}"
    frame = points.set_geometry(shapely.points([[lon, lat]] * 3), crs="EPSG:4326").rename(columns={"设施名称": "名称"})
    frame = frame.assign(类别=["养老院", "诊所", "敬老院"])
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        pyogrio.write_dataframe(frame, path, **({"encoding": "GBK"} if suffix == "shp" else {}))
    for sidecar in (path.with_suffix(".cpg"), path.with_suffix(".prj")):
        sidecar.unlink(missing_ok=True)
    text = town.read_text(encoding="utf-8")
    first, last = text.index("[[facilities]]"), text.index("[profiles.slow]")
    layer = f'[[facilities]]\npath = "{path.name}"\ndatum = "wgs84"\n\n'
    town.write_text(text[:first] + layer + text[last:], encoding="utf-8")
    table = wr.prepare(wr.load_study(town)).facilities.table
    assert table["name"].tolist() == NAMES
    assert table["kind"].tolist() == ["elder_institution", "clinic", "elder_township_home"]
    assert table["beds"].fillna(-1).tolist() == [10, 20, -1]
    assert table["row"].tolist() == [1, 2, 3]
