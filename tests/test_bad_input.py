"""Bad input ends in lines that name the place and the remedy, exit code 1, and nothing written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from withinreach.cli import cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(town):
    """Run the town into a folder and return the error lines; nothing may be left behind."""

    def run_and_look() -> list[str]:
        parent = town.parent.parent / "outputs"
        parent.mkdir()
        done = CliRunner().invoke(cli, ["run", str(town), "--out", str(parent / "town")])
        assert done.exit_code == 1, done.output
        assert list(parent.iterdir()) == []
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert lines
        assert all(line.startswith("error: ") for line in lines), done.stderr
        return lines

    return run_and_look


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def only(lines: list[str], *parts: str) -> None:
    """There is one line, and it says all of this."""
    assert len(lines) == 1, lines
    for part in parts:
        assert part in lines[0], lines[0]


# The study ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("cutoff_min = 6", "cutof_min = 6", ("study.toml: services.clinic.cutof_min: unknown key", "'cutoff_min'")),
        ('datum = "EPSG:4547"\nsnap_cap_m', "snap_cap_m", ("study.toml: network.datum: is missing",)),
        ('datum = "EPSG:4547"\nas_of', 'datum = "wgs48"\nas_of', ("population.datum", "'wgs48'", "wgs84, cgcs2000")),
        ("snap_cap_m = 300", 'snap_cap_m = "far"', ("network.snap_cap_m", "number")),
        ('people = "all"', 'people = "al"', ("services.clinic.people = 'al'", "defined: age_60_plus, all")),
        ('profile = "slow"', 'profile = "fast"', ("services.elder_care.profile = 'fast'", "slow")),
        ('kinds = ["clinic"]', 'kinds = ["clinics"]', ("services.clinic.kinds = 'clinics'", "like it: clinic")),
        ('capacity = "beds"', 'capacity = "seats"', ("services.elder_care.capacity = 'seats'", "beds")),
        ("speed_m_s = 1.0", "speed_m_s = 1.00005", ("profiles.slow.speed_m_s", "steps of 0.001")),
        ("speed_m_s = 1.0", "speed_m_s = 0", ("profiles.slow.speed_m_s", "greater than 0")),
        ('name = "town"', 'name = "../town"', ("study.toml: name",)),
        ('metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:3857"', ("EPSG:3857", "cannot measure", "EPSG:4547")),
        ('metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:4326"', ("EPSG:4326", "cannot measure")),
        ('metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:2277"', ("EPSG:2277", "metres")),
        ('title = "小镇"', 'title = "小镇', ("study.toml: not valid TOML", "line 2")),
    ],
)
def test_study(town, run, old, new, parts):
    edit(town, old, new)
    lines = run()
    assert any(all(part in line for part in parts) for line in lines), lines


def test_study_that_is_not_there(town, run):
    town.unlink()
    only(run(), "study.toml: no such study file", "withinreach sample")


def test_every_problem_of_a_study_is_told_at_once(town, run):
    edit(town, "cutoff_min = 6", "cutoff_min = -6")
    edit(town, 'title = "小镇"', 'titel = "小镇"')
    told = "\n".join(run())
    for part in ("services.clinic.cutoff_min", "titel: unknown key (did you mean 'title'?)", "title: is missing"):
        assert part in told


# Layers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["areas.geojson", "streets.geojson", "people.csv", "facilities.csv"])
def test_missing_file(town, run, name):
    (town.parent / name).unlink()
    only(run(), f"{name}: no such file", "relative to the study file")


@pytest.mark.parametrize("name", ["areas.geojson", "streets.geojson", "people.csv", "facilities.csv"])
def test_garbage(town, run, name):
    (town.parent / name).write_bytes(b"\x00\xff\xfe garbage \x81")
    lines = run()
    assert any(name in line for line in lines), lines


@pytest.mark.parametrize("name", ["areas.geojson", "streets.geojson"])
def test_empty_layer(town, run, name):
    path = town.parent / name
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "features": []}))
    lines = run()
    assert any(f"{name}: the layer is empty" in line for line in lines), lines


@pytest.mark.parametrize("name", ["people.csv", "facilities.csv"])
def test_empty_table(town, run, name):
    path = town.parent / name
    path.write_text(path.read_text(encoding="utf-8-sig").splitlines()[0] + "\n", encoding="utf-8")
    only(run(), f"{name}: the table has no rows")


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('code = "code"', 'code = "adcode"', ("areas.geojson", "no column 'adcode'", "areas.code", "code, name")),
        ('id = "编号"', 'id = "ID"', ("facilities.csv", "no column 'ID'", "facilities.id", "编号, 类别")),
        ('beds = "床位"', 'beds = "床位数"', ("facilities.csv", "no column '床位数'", "facilities.attributes.beds")),
        ('column = "old"', 'column = "aged"', ("people.csv", "no column 'aged'", "population.groups.age_60_plus")),
        ('x = "x"', 'x = "lng"', ("people.csv", "no column 'lng'", "population.x")),
        (
            "snap_cap_m = 300",
            'exclude = { highway = ["motorway"] }',
            ("streets.geojson", "no column 'highway'", "network.exclude"),
        ),
    ],
)
def test_wrong_column(town, run, old, new, parts):
    if old.startswith("code"):
        edit(town, 'path = "areas.geojson"', 'path = "areas.geojson"\n' + new)
    else:
        edit(town, old, new)
    only(run(), *parts)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("甲养老院,500000.0", "甲养老院,nan", ("row 2, column 'x'", "'nan' is not a coordinate")),
        ("甲养老院,500000.0", "甲养老院,", ("row 2, column 'x'", "an empty field is not a coordinate")),
        ("乙养老院,500900.0", "乙养老院,五十万", ("row 3, column 'x'", "'五十万' is not a coordinate")),
        (",10\n", ",十张\n", ("row 2, column '床位'", "'十张' is not a number")),
        (",10\n", ",-10\n", ("row 2, column '床位'", "'-10' is negative")),
        (",10\n", ",inf\n", ("row 2, column '床位'", "'inf' is not a number")),
    ],
)
def test_facility_rows(town, run, old, new, parts):
    edit(town.parent / "facilities.csv", old, new)
    only(run(), "facilities.csv", *parts)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (",100.0,20.0", ",-100,20", ("row 2, column 'all'", "'-100' is negative")),
        (",100.0,20.0", ",many,20", ("row 2, column 'all'", "'many' is not a number")),
        ("500200.0,", "nan,", ("row 3, column 'x'", "'nan' is not a coordinate")),
    ],
)
def test_people_rows(town, run, old, new, parts):
    edit(town.parent / "people.csv", old, new)
    only(run(), "people.csv", *parts)


def test_many_bad_rows_are_counted_and_not_all_printed(town, run):
    path = town.parent / "people.csv"
    path.write_text(path.read_text() + "x,3900000,1,1\n" * 40)
    lines = run()
    assert len(lines) == 4
    assert "37 more rows" in lines[-1]


def test_facility_outside_china_in_a_gcj02_layer(town, run):
    edit(town, 'path = "facilities.csv"\ndatum = "EPSG:4547"', 'path = "facilities.csv"\ndatum = "gcj02"')
    (town.parent / "facilities.csv").write_text(
        "编号,类别,名称,x,y,床位\nA1,养老,甲,114.003,35.22,10\nA2,养老,赫尔辛基,24.94,60.17,5\nC1,诊所,丙,114.003,35.22,\n",
        encoding="utf-8",
    )
    only(run(), "facilities.csv: row 3, column 'x': '24.94'", "gcj02", "correct it or the declared datum")


def test_swapped_coordinates(town, run):
    edit(town, 'path = "facilities.csv"\ndatum = "EPSG:4547"', 'path = "facilities.csv"\ndatum = "wgs84"')
    (town.parent / "facilities.csv").write_text(
        "编号,类别,名称,x,y,床位\nA1,养老,甲,35.22,114.003,10\nC1,诊所,丙,114.003,35.22,\n", encoding="utf-8"
    )
    only(run(), "facilities.csv: row 2", "wgs84")


def test_datum_that_contradicts_the_file(town, run):
    edit(town, 'path = "streets.geojson"\ndatum = "EPSG:4547"', 'path = "streets.geojson"\ndatum = "wgs84"')
    only(run(), "streets.geojson", "declared as wgs84", "CGCS2000 / 3-degree Gauss-Kruger CM 114E")


def test_projected_datum_that_contradicts_the_file(town, run):
    edit(town, 'path = "areas.geojson"\ndatum = "EPSG:4547"', 'path = "areas.geojson"\ndatum = "EPSG:32650"')
    only(run(), "areas.geojson", "declared as EPSG:32650", "CM 114E")


@pytest.mark.parametrize(
    ("name", "parts"),
    [("areas.geojson", ("do not overlap",)), ("streets.geojson", ("streets do not overlap the areas",))],
)
def test_layers_that_do_not_overlap(town, run, name, parts):
    path = town.parent / name
    path.write_text(path.read_text(encoding="utf-8").replace("[50", "[59"), encoding="utf-8")
    if name == "areas.geojson":
        path.write_text(path.read_text(encoding="utf-8").replace("[499", "[589"), encoding="utf-8")
    lines = run()
    assert any(all(part in line for part in parts) for line in lines), lines


def test_nobody_lives_inside_the_areas(town, run):
    path = town.parent / "people.csv"
    path.write_text("x,y,all,old\n400000,3900000,5,1\n")
    only(run(), "people.csv", "nobody lives inside the areas")


def test_two_units_with_one_code(town, run):
    edit(town.parent / "areas.geojson", '"code": 2', '"code": 1')
    only(run(), "areas.geojson: feature 2, column 'code'", "code 1 stands twice", "feature 1")


def test_points_where_lines_are_needed(town, run):
    path = town.parent / "streets.geojson"
    features = [{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [500000, 3900000]}}]
    raw = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**raw, "features": features}))
    only(run(), "streets.geojson", "holds Point where LineString")


def test_problems_of_several_layers_are_told_together(town, run):
    edit(town.parent / "people.csv", ",100.0,20.0", ",-100,20")
    edit(town.parent / "facilities.csv", ",10\n", ",ten\n")
    (town.parent / "streets.geojson").unlink()
    told = "\n".join(run())
    for part in ("people.csv: row 2", "facilities.csv: row 2", "streets.geojson: no such file"):
        assert part in told


# Rasters ------------------------------------------------------------------------------------------------------


def write_raster(path: Path, values: np.ndarray, *, nodata: float | None = -99999.0, origin=(113.99, 35.23)) -> None:
    profile = {"driver": "GTiff", "width": values.shape[1], "height": values.shape[0], "count": 1}
    transform = rasterio.transform.from_origin(*origin, 1 / 1200, 1 / 1200)
    with rasterio.open(
        path, "w", dtype="float32", crs="EPSG:4326", transform=transform, nodata=nodata, **profile
    ) as target:
        target.write(values.astype(np.float32), 1)


@pytest.fixture
def raster_town(town):
    edit(town, '[population]\ndatum = "EPSG:4547"', '[population]\ndatum = "wgs84"')
    for column, group in (("all", "all"), ("old", "60")):
        edit(town, f'path = "people.csv", column = "{column}"', f'path = "chn_t_{group}.tif"')
        write_raster(town.parent / f"chn_t_{group}.tif", np.full((40, 40), 1.5))
    return town


@pytest.mark.parametrize(
    ("value", "shown"), [(65_535.0, "65535 people"), (3.4e38, "3.4e+38 people"), (np.inf, "inf people")]
)
def test_bad_raster_cell(raster_town, run, value, shown):
    values = np.full((40, 40), 1.5)
    values[20, 13] = value
    write_raster(raster_town.parent / "chn_t_60.tif", values)
    only(run(), "chn_t_60.tif: row 21, column 14", shown, "nodata")


def test_rasters_on_different_grids(raster_town, run):
    write_raster(raster_town.parent / "chn_t_60.tif", np.ones((40, 40)), origin=(113.99 + 1 / 2400, 35.23))
    only(run(), "chn_t_60.tif: lies on another grid than chn_t_all.tif", 'population.resample = "sums"')


def test_raster_elsewhere(raster_town, run):
    for name in ("chn_t_all.tif", "chn_t_60.tif"):
        write_raster(raster_town.parent / name, np.ones((40, 40)), origin=(24.9, 60.2))
    only(run(), "chn_t_all.tif: the raster does not overlap the areas")


@pytest.mark.parametrize(("size", "step", "told"), [(30_000, 1 / 1200, None), (40_000, 1e-6, "the areas cover 1,")])
def test_raster_that_claims_gigabytes(raster_town, run, size, step, told):
    """Cells of a country are read where the town is, and nobody lives there; cells of a millimetre are too many."""
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = rasterio.transform.from_origin(113.99 if told else 100, 35.23 if told else 50, step, step)
    for name in ("chn_t_all.tif", "chn_t_60.tif"):
        with rasterio.open(
            raster_town.parent / name, "w", tiled=True, sparse_ok=True, nodata=-99999, transform=transform, **profile
        ):
            pass
    only(run(), "chn_t_all.tif: ", told or "nobody lives inside the areas")


# Outputs ------------------------------------------------------------------------------------------------------


def test_a_folder_of_the_users_own_is_never_replaced(town, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.docx").write_text("years of work")
    done = CliRunner().invoke(cli, ["run", str(town), "--out", str(mine)])
    assert done.exit_code == 1
    assert "holds files that are not an output of withinreach" in done.stderr
    assert (mine / "thesis.docx").read_text() == "years of work"


def test_unknown_county(town, tmp_path):
    done = CliRunner().invoke(cli, ["export", str(town), "--county", "410782", "--out", str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "no area with code 410782; the study has: 1, 2" in done.stderr
    assert not (tmp_path / "out").exists()


def test_wrong_usage_is_exit_code_2(town):
    assert CliRunner().invoke(cli, ["run"]).exit_code == 2
    assert CliRunner().invoke(cli, ["run", str(town), "--fast"]).exit_code == 2


def test_debug_shows_the_traceback(town):
    town.unlink()
    done = CliRunner().invoke(cli, ["--debug", "run", str(town)])
    assert done.exc_info is not None
    assert done.exc_info[0].__name__ == "StudyError"
