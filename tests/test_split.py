"""Studies of some areas of larger files: equal to the study of all, whatever stands elsewhere in the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from benchmarks.province import Place, write_province
from click.testing import CliRunner
from geopandas.testing import assert_geodataframe_equal

import withinreach as wr
from batches import files
from conftest import EAST, NORTH
from withinreach.cli import cli
from withinreach.errors import SourceError, StudyError
from withinreach.preparation import read_areas
from withinreach.preparation.cache import network_file
from withinreach.preparation.crosswalk import read_crosswalk
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.scope import prepare_scope
from withinreach.preparation.statistics import prepare_statistics
from withinreach.sources.osm import read_osm
from withinreach.sources.osm_walls import read_walls
from withinreach.sources.vectors import read_layer
from withinreach.study import CrosswalkLayer, StatisticsLayer, load_studies

if TYPE_CHECKING:
    from withinreach.analysis import Result
    from withinreach.study import Study

SAMPLE = Path(__file__).parents[1] / "data" / "xinxiang-sample" / "study.toml"
WUHAN = Path(__file__).parent / "studies" / "wuhan.toml"
# Land of cells is that of one in the middle of what a study reads: the only figures of the sample that may differ.
OF_LAND = ("settled_km2", "settled_coverage", "support_km_per_km2")
# Minutes of people who would walk farther than what is read.
OF_FAR = ("mean_min", "median_min", "p90_min")


def taking(study: Study, *codes: str, **more: object) -> Study:
    """The study of some of its areas."""
    return study.model_copy(update={"areas": study.areas.model_copy(update={"codes": codes, **more})})


def measured(study: Study) -> Result:
    return wr.analyse(wr.prepare(study))


def is_a_part(whole: Result, part: Result) -> None:
    """Every cell, listed unit, row and ledger of the areas of a part is that of the whole, to the last bit.

    But for ways that are longer than what is read around the areas: they are found as long, or longer.
    """
    around_m = prepare_scope(part.case.study, MetricFrame(part.case.study.metric_crs), Findings()).around_m
    codes = part.case.areas.table["code"]
    row = whole.case.areas.table["code"].isin(codes).to_numpy()
    cell = row[whole.case.people.area]
    same(whole.case.people.table[cell], part.case.people.table)
    np.testing.assert_array_equal(whole.case.people.xy[cell], part.case.people.xy)
    np.testing.assert_array_equal(whole.case.people.access_mm[cell], part.case.people.access_mm)
    ids = [one.case.facilities.table["id"].to_numpy(object) for one in (whole, part)]
    for name in whole.reaches:
        far = whole.reaches[name].level_m[cell] > around_m
        assert (part.reaches[name].level_m[far] >= whole.reaches[name].level_m[cell][far]).all()
        assert not part.reaches[name].covered[far].any()
        for kind in ("reaches", "own_reaches"):
            of_whole, of_part = getattr(whole, kind)[name], getattr(part, kind)[name]
            for array in ("level_m", "seconds", "status"):
                found = getattr(of_whole, array)[cell][~far], getattr(of_part, array)[~far]
                np.testing.assert_array_equal(*found, err_msg=f"{kind} {name} {array}")
            near = (of_part.nearest >= 0) & ~far
            assert list(ids[0][of_whole.nearest[cell][near]]) == list(ids[1][of_part.nearest[near]])
        beyond = [*OF_FAR] if far.any() else []
        same(whole.tables[name][row].drop(columns=beyond), part.tables[name].drop(columns=beyond))
        for code in codes:
            pd.testing.assert_series_equal(whole.ledgers[name][code], part.ledgers[name][code], check_exact=True)
    for level, listed in part.case.units.items():
        own, all_own = listed.places.area >= 0, np.append(row, False)[whole.case.units[level].places.area]
        same(whole.case.units[level].places.table[all_own], listed.places.table[own])
        for name in whole.reaches:
            service = whole.reaches[name].service
            farthest_s = around_m / whole.case.study.profiles[service.profile].speed_m_s
            seconds = whole.reaches[name].unit_seconds[level][all_own], part.reaches[name].unit_seconds[level][own]
            near = seconds[0] <= farthest_s
            np.testing.assert_array_equal(seconds[0][near], seconds[1][near])
            assert (seconds[1][~near] > service.cutoff_s).all()


def same(whole: pd.DataFrame, part: pd.DataFrame) -> None:
    land = [name for name in OF_LAND if name in part]
    whole, part = (frame.reset_index(drop=True) for frame in (whole, part))
    pd.testing.assert_frame_equal(whole.drop(columns=land), part.drop(columns=land), check_exact=True)
    pd.testing.assert_frame_equal(whole[land], part[land], rtol=0.005)


# Equal to the whole ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Result:
    return measured(wr.load_study(SAMPLE))


@pytest.mark.parametrize("code", ["410702", "410711", "410725", "410771"])
def test_a_county_alone_is_that_of_the_whole(sample, code):
    part = measured(taking(sample.case.study, code))
    assert part.case.areas.table["code"].tolist() == [code]
    assert part.case.network.n_segments < 0.6 * sample.case.network.n_segments
    is_a_part(sample, part)
    # Far rows are counted, one line for each file.
    told = part.case.audit.findings
    files = ["示例数据_设施.csv", "示例数据_村.csv", "示例数据_统计.csv"]
    assert told[told["rule"] == "rows_elsewhere"]["file"].tolist() == files


def test_two_groups_of_counties_are_the_whole(sample):
    groups = ("41070", "410711", "41077"), ("41072", "41078")
    parts = [measured(taking(sample.case.study, *codes)) for codes in groups]
    for part in parts:
        is_a_part(sample, part)
    assert sum(len(part.case.people) for part in parts) == len(sample.case.people)
    for name, total in sample.totals.items():
        assert sum(part.totals[name]["people"] for part in parts) == pytest.approx(total["people"], rel=1e-12)
    told = parts[1].case.audit.findings
    (taken,) = told[told["rule"] == "areas_taken"]["reason"]
    assert "15" in taken
    assert not told["rule"].isin(["facility_outside_areas", "people_outside_areas", "units_outside_areas"]).any()


def test_all_codes_are_no_selection(town):
    study = wr.load_study(town)
    whole, again = wr.prepare(study), wr.prepare(taking(study, "1", "2"))
    pd.testing.assert_frame_equal(whole.audit.findings, again.audit.findings)


def test_districts_of_wuhan_are_those_of_the_whole(shared):
    study = wr.load_study(WUHAN)
    is_a_part(measured(study), measured(taking(study, "420115")))


def test_a_census_is_met_by_every_part(sample, tmp_path):
    """Codes that only the census has belong to the study whose codes they begin with, or that they are sent to."""
    areas = sample.case.areas.table["code"]
    rows = [(code, 1000 + 10 * at) for at, code in enumerate(areas)] + [("410790", 70), ("410700", 5), ("420101", 900)]
    path = tmp_path / "census.csv"
    path.write_text("code,all\n" + "".join(f"{code},{people}\n" for code, people in rows), encoding="utf-8")
    raw = sample.case.study.model_dump()
    raw["population"]["calibration"] = {
        "path": path,
        "as_of": "2020-11-01",
        "groups": {"all": ["all"]},
        "into": {"410790": {"410782": 0.5, "410711": 0.5}},
    }
    study = type(sample.case.study).model_validate(raw)
    whole = measured(study)
    for codes in (("410782",), ("410711", "410702")):
        part = measured(taking(study, *codes))
        is_a_part(whole, part)
        factors = part.case.audit.factors
        of_whole = whole.case.audit.factors
        pd.testing.assert_frame_equal(
            of_whole[of_whole["code"].isin(codes)].reset_index(drop=True), factors, check_exact=True
        )
        told = part.case.audit.findings
        assert "census_without_area" not in told["rule"].tolist()


# What is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "parquet", "boxes.parquet"])
def test_bounds_give_what_meets_them_in_the_order_of_the_file(tmp_path, suffix):
    rng = np.random.default_rng(7)
    starts = rng.uniform([113, 35], [114, 36], (500, 2))
    lines = [shapely.LineString([at, at + rng.uniform(-0.05, 0.05, 2)]) for at in starts]
    layer = gpd.GeoDataFrame({"n": np.arange(500)}, geometry=lines, crs="EPSG:4326")
    path = tmp_path / f"x.{suffix}"
    if suffix.endswith("parquet"):
        layer.to_parquet(path, write_covering_bbox=suffix.startswith("boxes"), row_group_size=50)
    else:
        layer.to_file(path)
    bounds = (113.2, 35.3, 113.5, 35.7)
    read = read_layer(path, "wgs84", kind="LineString", bounds=bounds)
    assert read.features.index.tolist() == list(range(len(read.features)))
    numbers = read.features["n"].to_numpy()
    assert (np.diff(numbers) > 0).all()
    # GDAL may look at the line where others look at its box.
    window = shapely.box(*bounds)
    assert set(np.flatnonzero(shapely.intersects(lines, window))) <= set(numbers)
    assert set(numbers) <= set(np.flatnonzero(shapely.intersects(shapely.box(*shapely.bounds(lines).T), window)))
    assert ("layer_without_boxes" in [remark.rule for remark in read.remarks]) == (suffix == "parquet")
    nowhere = read_layer(path, "wgs84", kind="LineString", bounds=(0, 0, 1, 1))
    assert len(nowhere.features) == 0


def test_ways_of_an_osm_file_within_bounds_are_those_of_the_whole(shared):
    path = shared / "helsinki" / "network" / "Helsinki.osm.pbf"
    whole = read_osm(path)
    west, south, east, north = whole.lines.total_bounds
    bounds = west + (east - west) * 0.3, south, west + (east - west) * 0.5, south + (north - south) * 0.6
    part = read_osm(path, bounds)
    assert 0.02 * len(whole.lines) < len(part.lines) < 0.5 * len(whole.lines)
    for name in ("lines", "left_out"):
        inside = [one[shapely.covered_by(shapely.box(*one.bounds.to_numpy().T), shapely.box(*bounds))]
                  for one in (getattr(whole, name), getattr(part, name))]  # fmt: skip
        assert len(inside[1])
        assert_geodataframe_equal(*(one.reset_index(drop=True) for one in inside))
    walls = read_walls(path)
    near = read_walls(path, tuple(walls.rings.geometry[0].bounds))
    assert 0 < len(near.rings) < len(walls.rings)
    assert walls.rings.geometry[0] in near.rings.geometry.to_list()


def test_a_crosswalk_and_statistics_are_read_for_the_areas_taken(town, tmp_path):
    path = tmp_path / "crosswalk.csv"
    path.write_text("code,name,unit\n11,甲镇,1\n12,乙镇,1\n21,丙镇,2\n31,丁镇,3\n", encoding="utf-8")
    figures = tmp_path / "figures.csv"
    figures.write_text("code,statistic,value,year\n1,T1,5,2024\n2,T1,6,2024\ntotal,T1,7,2024\n", encoding="utf-8")
    study, findings = taking(wr.load_study(town), "1"), Findings()
    scope = prepare_scope(study, MetricFrame(study.metric_crs), findings)
    crosswalk = read_crosswalk(CrosswalkLayer(path=path, unit="unit"), scope, findings)
    assert crosswalk.table["name"].tolist() == ["甲镇", "乙镇"]
    told = prepare_statistics(StatisticsLayer(path=figures), scope, findings)
    assert told[["code", "value"]].to_numpy().tolist() == [["1", 5.0], ["total", 7.0]]
    found = findings.table("en")
    assert found[found["rule"] == "rows_elsewhere"]["reason"].tolist() == [
        "2 of 4 rows are about other areas, or far from those of the study",
        "1 of 3 rows are about other areas, or far from those of the study",
    ]
    assert not found["rule"].isin(["crosswalk_unit_without_area", "statistics_elsewhere"]).any()


def test_people_on_a_border_and_in_an_overlap_count_once(town):
    """In the file the west comes first: it has who lives on the border, and where the two polygons overlap."""
    people = town.parent / "people.csv"
    people.write_text(people.read_text() + f"{EAST + 600},{NORTH + 10},7,1\n{EAST + 550},{NORTH + 5},11,2\n")
    areas = town.parent / "areas.geojson"
    raw = json.loads(areas.read_text())
    ring = raw["features"][1]["geometry"]["coordinates"][0]
    for at in (0, 3, 4):
        ring[at][0] = EAST + 500
    areas.write_text(json.dumps(raw))
    study = wr.load_study(town)
    whole = measured(study)
    parts = [measured(taking(study, code)) for code in ("1", "2")]
    for part in parts:
        is_a_part(whole, part)
    assert [part.case.people.table["all"].sum() for part in parts] == [100 + 50 + 5 + 7 + 11 + 80, 40 + 10]
    for part in parts:
        population = part.case.audit.population
        assert population["all"]["outside_areas"] == 0
        assert population["all"]["read"] == part.case.people.table["all"].sum()


def test_codes_that_no_area_has_are_named(town):
    study = taking(wr.load_study(town), "1", "41", "9")
    with pytest.raises(SourceError, match=r"areas.geojson: areas.codes: no code begins with '41', '9'; .* 1, 2"):
        wr.prepare(study)


def test_a_layer_with_nothing_around_the_areas_is_empty_but_streets_are_needed(town):
    study = wr.load_study(town)
    far = shapely.box(EAST + 90_000, NORTH, EAST + 90_100, NORTH + 100)
    path = town.parent / "water.gpkg"
    gpd.GeoDataFrame(geometry=[far], crs="EPSG:4547").to_file(path)
    raw = study.model_dump()
    raw["water"] = {"path": path, "datum": "EPSG:4547"}
    watered = type(study).model_validate(raw)
    assert len(wr.prepare(taking(watered, "1")).water) == 0
    assert len(wr.prepare(watered).water) == 1
    lines = town.parent / "streets.geojson"
    streets = gpd.read_file(lines)
    streets.set_geometry(streets.translate(90_000, 0)).to_file(lines, driver="GeoJSON")
    with pytest.raises(SourceError, match=r"streets.geojson: no street lies around the areas"):
        wr.prepare(taking(study, "1"))


def test_what_is_read_reaches_as_far_as_a_page(town):
    study = wr.load_study(town)
    scope = prepare_scope(taking(study, "1"), MetricFrame(study.metric_crs), Findings())
    west, *_ = scope.bounds("EPSG:4547")
    assert EAST - 100 - west == 3 * study.page_reach_m + study.network.snap_cap_m + 2000
    wide = prepare_scope(taking(study, "1", around_m=50_000.0), MetricFrame(study.metric_crs), Findings())
    assert EAST - 100 - wide.bounds("EPSG:4547")[0] == 50_000
    assert scope.others == {"2"}


def test_parts_do_not_share_what_the_cache_keeps(town, tmp_path, monkeypatch):
    monkeypatch.setenv("WITHINREACH_CACHE", str(tmp_path / "cache"))
    study = wr.load_study(town)
    files = [network_file(one) for one in (study, taking(study, "1"), taking(study, "2"))]
    assert len(set(files)) == 3
    for code in ("1", "2"):
        fresh, kept = wr.prepare(taking(study, code)), wr.prepare(taking(study, code))
        assert kept.areas.table["code"].tolist() == [code]
        pd.testing.assert_frame_equal(fresh.audit.findings, kept.audit.findings)
        pd.testing.assert_frame_equal(fresh.people.table, kept.people.table)


# A country file ----------------------------------------------------------------------------------------------------


def run(*args: object):
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def test_a_country_splits_a_study_by_the_codes_of_its_areas(town, tmp_path):
    country = town.parent / "province.toml"
    country.write_text('study = "study.toml"\nsplit = 1\n', encoding="utf-8")
    out = tmp_path / "out"
    told = run("batch", country, "--out", out, "--dry-run")
    assert [line for line in told.output.splitlines() if "publish" not in line] == ["  1 西区", "  2 东区"]
    assert run("batch", country, "--out", out, "--workers", 1).exit_code == 0
    table = pd.read_csv(out / "coverage.csv", dtype={"code": "str"})
    assert list(table["study"].dropna().unique()) == ["town-1", "town-2"]
    whole = measured(wr.load_study(town))
    for name in ("elder_care", "clinic"):
        mine = table[(table["service"] == name) & (table["code"] != "total")]
        assert mine["served_people"].tolist() == whole.tables[name]["served_people"].tolist()
        assert mine["code"].tolist() == ["1", "2"]
    assert sorted(path.name for path in out.glob("town-*/county/*")) == ["1", "2"]
    kept = run("batch", country, "--out", out, "--workers", 1, "--resume", "--json")
    assert json.loads(kept.stdout)["kept"] == 2


def test_what_cannot_be_read_stops_the_study_around_it_and_the_others_are_finished(town, tmp_path):
    town.write_text(town.read_text(encoding="utf-8").replace("[areas]", "[areas]\naround_m = 100"), encoding="utf-8")
    country, facilities = town.parent / "province.toml", town.parent / "facilities.csv"
    country.write_text('study = "study.toml"\nsplit = 1\n', encoding="utf-8")
    good = facilities.read_text(encoding="utf-8-sig")
    facilities.write_text(good.replace("—", "eighty"), encoding="utf-8-sig")
    out = tmp_path / "out"
    broken = run("batch", country, "--out", out, "--workers", 1)
    assert broken.exit_code == 1
    (error,) = [line for line in broken.output.splitlines() if line.startswith("error:")]
    assert error.startswith("error: town-2 ")
    assert "facilities.csv" in error
    assert "eighty" in error
    assert (out / "town-1" / "index.html").is_file()
    assert not (out / "town-2").exists()
    facilities.write_text(good, encoding="utf-8-sig")
    assert run("batch", country, "--out", out, "--workers", 1, "--resume").exit_code == 0
    assert run("batch", country, "--out", tmp_path / "fresh", "--workers", 1).exit_code == 0
    assert files(out) == files(tmp_path / "fresh")


def test_the_whole_of_a_split_study_is_the_unit_of_its_codes(tmp_path):
    path = tmp_path / "province.toml"
    path.write_text(f'study = "{SAMPLE.as_posix()}"\nsplit = 4\n', encoding="utf-8")
    (one,) = load_studies(path, lambda _: ["410702", "410703"])
    assert (one.name, one.areas.codes, one.statistics.whole) == ("xinxiang-sample-4107", ("4107",), "410700")


def test_the_first_of_two_cities_in_one_set_of_files_is_the_city(sample, tmp_path):
    places = [Place("9901", 0.0, 0.0), Place("9902", 1980 / 1200, 1152 / 1200)]
    country = write_province(SAMPLE.parent, tmp_path / "province", places)
    studies = load_studies(country, lambda study: read_areas(study).table["code"])
    assert [study.name for study in studies] == ["province-9901", "province-9902"]
    first = measured(studies[0])
    assert first.case.network.n_segments == sample.case.network.n_segments
    for name, table in sample.tables.items():
        figures = table.drop(columns=["code", *OF_LAND[:2]])
        pd.testing.assert_frame_equal(first.tables[name].drop(columns=["code", *OF_LAND[:2]]), figures, rtol=1e-6)
        assert first.tables[name]["code"].tolist() == ["9901" + code[4:] for code in table["code"]]


def test_a_country_says_one_thing(tmp_path):
    path = tmp_path / "x.toml"
    for text, why in (
        ('study = "a.toml"', "belong together"),
        ("split = 4", "give either"),
        ('study = "a.toml"\nsplit = 0', "split"),
        ('study = "a.toml"\nstudies = ["b.toml"]\nsplit = 4', "give either"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(StudyError, match=why):
            load_studies(path, lambda _: [])
