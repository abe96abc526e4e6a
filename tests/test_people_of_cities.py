"""People of real places: the census of Xinxiang on the sample, HSY's grids of Helsinki, Wuhan's homes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio

from population_files import layer_of, read
from withinreach.preparation.areas import prepare_areas
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.people import prepare_people
from withinreach.preparation.scope import scope_of
from withinreach.study import AreaLayer, PopulationLayer

CRS = "EPSG:4547"
SAMPLE = Path(__file__).parents[1] / "data" / "xinxiang-sample"
RESIDENTS, OLD, IN_ZONES = 6_251_929, 1_105_560, 384_537
GROUPS = {
    name: {"title": name, "ages": ages}
    for name, ages in {
        "all": [0], "age_0_2": [0, 3], "age_3_5": [3, 6], "age_60_plus": [60], "age_65_plus": [65], "age_80_plus": [80]
    }.items()
}  # fmt: skip


def prepared(layer: dict, areas: AreaLayer):
    frame, findings = MetricFrame(CRS), Findings()
    units = prepare_areas(areas, frame, findings)
    population = PopulationLayer.model_validate({"as_of": dt.date(2020, 11, 1), "groups": GROUPS} | layer)
    return prepare_people(population, scope_of(units, frame), frame, findings), units, findings.table("en")


# Xinxiang -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory) -> Path:
    """The sample's rasters, every band and every cell of it multiplied by chance."""
    folder = tmp_path_factory.mktemp("disturbed")
    rng = np.random.default_rng(20_201_101)
    for path in sorted((SAMPLE / "示例数据_人口").glob("*.tif")):
        with rasterio.open(path) as source:
            values, profile = source.read(1), source.profile
        settled = values != source.nodata
        values[settled] *= rng.uniform(0.6, 1.6) * rng.lognormal(0, 0.5, settled.sum()).astype(np.float32)
        with rasterio.open(folder / path.name, "w", **profile) as target:
            target.write(values, 1)
    return folder


def on_the_sample(shared, rasters, table: str, **calibration):
    census = {"path": shared / "china_census_2020" / table, "as_of": "2020-11-01", "code": "区划代码"} | calibration
    layer = {"datum": "wgs84", "bands": {"path": rasters, "year": 2020}, "calibration": census}
    return prepared(layer, AreaLayer(path=SAMPLE / "示例数据_区划.geojson", datum="wgs84"))


@pytest.mark.parametrize(
    ("table", "prefix"), [("xinxiang_16rows_rowfilter.csv", ""), ("census_county_2020_v1.xlsx", "4107")]
)
def test_the_census_calibrates_the_disturbed_sample(shared, disturbed, measured, table, prefix):
    people, areas, findings = on_the_sample(shared, disturbed, table, prefix=prefix)
    assert people.groups["all"].sum() == pytest.approx(RESIDENTS, rel=1e-12)
    assert people.groups["age_60_plus"].sum() == pytest.approx(OLD, rel=1e-12)
    census = pd.read_csv(shared / "china_census_2020" / "xinxiang_16rows_rowfilter.csv", dtype={"区划代码": str})
    census = census.set_index("区划代码").loc[areas.table["code"]]
    by_area = people.groups.groupby(people.area).sum()
    assert by_area["all"].tolist() == pytest.approx(census["人口数_合计"].tolist(), rel=1e-12)
    of_80 = census[[f"{sex}_{ages}" for sex in "男女" for ages in ("80到84岁", "85岁以上")]].sum(axis=1)
    assert by_area["age_80_plus"].tolist() == pytest.approx(of_80.tolist(), rel=1e-12)
    values = people.groups
    for inner, outer in (
        ("age_80_plus", "age_65_plus"), ("age_65_plus", "age_60_plus"), ("age_60_plus", "all"), ("age_0_2", "all")
    ):  # fmt: skip
        assert (values[inner] <= values[outer] * (1 + 1e-12)).all()
    steps = people.accounts.loc["all"]["total"]
    assert steps["census"] == RESIDENTS
    assert abs(steps["calibration"]) > 10_000
    sums = findings.query("rule == 'sum_agrees'")
    assert sums["value"].unique().tolist() == ["410700"]
    factors = people.factors.query("group == 'all'")["factor"]
    told = (
        f"{steps['read']:,.0f} people -> {steps['in_areas']:,.0f}, factors {factors.min():.2f} to {factors.max():.2f}"
    )
    measured(f"{table}: {told}")


def test_the_undisturbed_sample_has_the_census_already(shared):
    people, _, findings = on_the_sample(shared, SAMPLE / "示例数据_人口", "xinxiang_16rows_rowfilter.csv")
    assert people.factors["factor"].to_numpy() == pytest.approx(np.ones(90), rel=1e-12)
    assert findings.query("rule == 'factor_implausible'").empty


# The polygons still have the code that 长垣 had as a county.
RENAMED = {"410783": "410728"}
ZONES = RENAMED | {"410771": "410702", "410772": "410702", "410773": "410725"}


@pytest.mark.parametrize(("into", "missing"), [(RENAMED, IN_ZONES), (ZONES, 0)])
def test_zones_without_a_polygon_are_in_the_ledger_or_in_their_district(shared, into, missing):
    """Twelve polygons of a public set; the census has 15 units."""
    boundaries = shared / "xinxiang_boundaries" / "datav_v2_2020" / "410700.json"
    people, areas, findings = prepared(
        {
            "datum": "wgs84",
            "bands": {"path": SAMPLE / "示例数据_人口", "year": 2020},
            "calibration": {
                "path": shared / "china_census_2020" / "xinxiang_16rows_rowfilter.csv",
                "as_of": "2020-11-01",
                "code": "区划代码",
                "name": "区县",
                "into": into,
            },
        },
        AreaLayer(path=boundaries, datum="gcj02", code="adcode"),
    )
    assert len(areas) == 12
    steps = people.accounts.loc["all"]["total"]
    assert steps["census"] == RESIDENTS
    assert steps["census_without_area"] == missing
    assert steps["in_areas"] == pytest.approx(RESIDENTS - missing, rel=1e-12)
    told = findings.query("rule == 'census_without_area'")
    assert told["value"].tolist() == ([] if into is ZONES else ["410771", "410772", "410773"])
    if into is RENAMED:
        assert told["reason"].iloc[2].startswith("新乡市平原城乡一体化示范区 has no polygon: all 206,350.0")


# Helsinki -----------------------------------------------------------------------------------------------------


def test_grids_of_helsinki(shared):
    folder = shared / "helsinki" / "population"
    for name, column, datum, people in (
        ("Population_grid_2021_HSY.gpkg", "inhabitants", "EPSG:3879", 1_207_168),
        ("helsinki_population_grid_2020.gpkg", "population", "wgs84", 71_724),
        ("hsy_populationgrid.json", "asukkaita", "file", 1_132_099),
    ):
        parts = [{"path": folder / name, "column": column}]
        points = read(layer_of(groups={"all": {"title": "all", "parts": parts}}, datum=datum))
        assert points.groups["all"].sum() == points.read["all"] == people


def test_ages_of_helsinki_and_the_fields_that_hide_them(shared, tmp_path, measured):
    """In this extract no row is suppressed, and 99 is a count; hidden as HSY hides them, ages come back as shares."""
    path = shared / "helsinki" / "population" / "hsy_populationgrid.json"
    groups = {
        "all": {"title": "all", "parts": [{"path": path, "column": "asukkaita"}], "ages": [0]},
        "old": {"title": "60+", "ages": [60]},
    }
    layer = layer_of(bands={"path": path}, groups=groups, total="asukkaita", suppressed=[99, 9999])
    points = read(layer)
    raw = gpd.read_file(path)
    old = raw[["ika60_69", "ika70_79", "ika_yli80"]].sum(axis=1)
    assert (raw.filter(like="ika") == 99).to_numpy().any()
    assert points.suppressed == ()
    assert points.groups["old"].sum() == old.sum()

    small = raw["asukkaita"] < 150
    ages = raw.filter(like="ika").columns
    raw.loc[small, ages] = 9999
    raw.to_file(tmp_path / "hidden.geojson")
    groups["all"]["parts"][0]["path"] = tmp_path / "hidden.geojson"
    hidden = read(
        layer.model_copy(update={}).model_validate(
            layer.model_dump() | {"groups": groups, "bands": {"path": tmp_path / "hidden.geojson"}}
        )
    )
    (told,) = hidden.suppressed
    assert (told.rows, told.people) == (small.sum(), raw["asukkaita"][small].sum())
    estimate, truth = hidden.groups["old"][small.to_numpy()].sum(), old[small].sum()
    measured(f"{told.rows} rows with hidden ages: {estimate:,.0f} people aged 60+ estimated, {truth:,} counted")
    assert estimate == pytest.approx(truth, rel=0.25)


# Wuhan --------------------------------------------------------------------------------------------------------


def test_census_of_wuhan_over_its_homes(shared, measured):
    people, areas, findings = prepared(
        {
            "bands": {"path": shared / "china_census_2020" / "census_county_2020_v1.xlsx"},
            "spread": {
                "code": "区划代码",
                "prefix": "4201",
                "homes": {
                    "path": shared / "wuhan" / "poi" / "residence.csv",
                    "datum": "gcj02",
                    "x": "XGCJ",
                    "y": "YGCJ",
                },
            },
        },
        AreaLayer(path=shared / "wuhan" / "boundary" / "420100.json", datum="gcj02", code="adcode"),
    )
    assert len(areas) == 13
    steps = people.accounts.loc["all"]["total"]
    assert steps["read"] == pytest.approx(12_447_718, rel=1e-12)
    assert steps["in_areas"] == pytest.approx(12_447_718, rel=1e-12)
    assert findings.query("rule == 'unit_without_homes'").empty
    assert people.accounts.loc[("age_60_plus", "in_areas"), "total"] == pytest.approx(2_145_288, rel=1e-12)
    homes = pd.read_csv(shared / "wuhan" / "poi" / "residence.csv", encoding="utf-8-sig")
    measured(f"{len(people.xy):,} of {len(homes):,} homes hold {steps['in_areas']:,.0f} people")
    # A district's label is where its home lies but for a few at borders.
    district = areas.table["code"].to_numpy()[people.area]
    assert (district == homes["COUNTYCODE"].astype(str).to_numpy()).mean() > 0.97
