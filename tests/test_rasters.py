"""Rasters of people: windows, masks, true areas, bands, grids that differ; and files that lie about themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from math import ceil, floor

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from population_files import EVERYWHERE, NORTH, STEP, WEST, layer_of, rasters, read, write_grid
from withinreach.errors import CoverageError, CrsError, SourceError
from withinreach.sources.population.cell_area import CellAreas
from withinreach.sources.population.grids import OnAxis, Span

quick = settings(max_examples=80, deadline=None)
BANDS = ["00", "01", *(f"{age:02d}" for age in range(5, 95, 5))]


# Windows ------------------------------------------------------------------------------------------------------


def test_only_the_window_is_read_and_rows_keep_their_place(tmp_path):
    values = np.arange(1.0, 101).reshape(10, 10)
    layer = rasters(write_grid(tmp_path / "all.tif", values))
    inside = (WEST + 2.5 * STEP, NORTH - 6.5 * STEP, WEST + 4.5 * STEP, NORTH - 3.5 * STEP)
    points = read(layer, inside)
    assert points.groups["all"].tolist() == values[3:7, 2:5].ravel().tolist()
    assert points.x[:3] == pytest.approx(WEST + (np.arange(2, 5) + 0.5) * STEP, abs=1e-12)
    assert points.y[::3] == pytest.approx(NORTH - (np.arange(3, 7) + 0.5) * STEP, abs=1e-12)
    assert points.read == {"all": values[3:7, 2:5].sum()}
    assert points.masked[0].cells == 12


@pytest.mark.parametrize("strip", [1, 7, 2_000_000])
def test_strips_give_what_the_whole_gives(tmp_path, monkeypatch, strip):
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 3, (23, 17))
    values[rng.random(values.shape) < 0.4] = -99_999
    paths = [write_grid(tmp_path / "one.tif", values), write_grid(tmp_path / "two.tif", values[::-1], step=STEP * 0.7)]
    whole = read(rasters(*paths, resample="sums"))
    monkeypatch.setattr("withinreach.sources.population.rasters.STRIP_CELLS", strip)
    parts = read(rasters(*paths, resample="sums"))
    for name in whole.groups:
        np.testing.assert_allclose(parts.groups[name], whole.groups[name], rtol=1e-12)
    assert parts.masked == whole.masked
    assert parts.read == pytest.approx(whole.read, rel=1e-12)


def test_south_up_rasters_are_read_as_they_lie(tmp_path):
    values = np.arange(1.0, 13).reshape(4, 3)
    up = write_grid(tmp_path / "up.tif", values)
    down = write_grid(
        tmp_path / "down.tif", values[::-1], transform=rasterio.Affine(STEP, 0, WEST, 0, STEP, NORTH - 4 * STEP)
    )
    one, two = read(rasters(up)), read(rasters(down))
    assert dict(zip(zip(one.x, one.y.round(9), strict=True), one.groups["up"], strict=True)) == dict(
        zip(zip(two.x, two.y.round(9), strict=True), two.groups["down"], strict=True)
    )


# Masks --------------------------------------------------------------------------------------------------------


def test_cells_without_people_are_masked_and_counted(tmp_path):
    values = np.full((4, 5), 2.0)
    values[0] = -99_999
    values[1, :2] = np.nan
    values[2, :3] = [-1, -7, -0.5]
    points = read(rasters(write_grid(tmp_path / "all.tif", values)))
    (masked,) = points.masked
    assert (masked.cells, masked.no_data, masked.not_a_number, masked.negative, masked.lowest) == (20, 5, 2, 3, -7)
    assert points.groups["all"].tolist() == [2.0] * 10


@pytest.mark.parametrize("nodata", [None, np.nan, 0.0, -3.4028234663852886e38])
def test_every_usual_nodata_value(tmp_path, nodata):
    values = np.full((3, 3), 2.0)
    values[1] = -np.inf if nodata is None else nodata
    points = read(rasters(write_grid(tmp_path / "all.tif", values, nodata=nodata)))
    assert points.groups["all"].tolist() == [2.0] * 6
    (masked,) = points.masked
    assert masked.no_data + masked.negative == 3


def test_integers_and_mask_bands(tmp_path):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = write_grid(tmp_path / "all.tif", np.full((2, 2), 3), dtype="uint16", nodata=None)
        with rasterio.open(path, "r+") as source:
            source.write_mask(np.array([[True, False], [True, True]]))
    points = read(rasters(path))
    assert points.groups["all"].tolist() == [3, 3, 3]
    assert points.masked[0].no_data == 1


# Areas of cells -----------------------------------------------------------------------------------------------


def _true_km2(path, row: int, column: int) -> float:
    """Area on the ellipsoid of a cell whose edges are drawn with many points."""
    with rasterio.open(path) as source:
        grid, crs = source.transform, pyproj.CRS(source.crs.to_wkt())
    corners = [grid @ (column + i, row + j) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    ring = shapely.segmentize(shapely.Polygon(corners), abs(grid.a) / 200).exterior
    x, y = shapely.get_coordinates(ring).T
    geod = crs.get_geod()
    if crs.is_projected:
        x, y = pyproj.Proj(crs)(x, y, inverse=True)
    return abs(geod.polygon_area_perimeter(x, y)[0]) / 1e6


@pytest.mark.parametrize(
    ("crs", "at", "step", "close"),
    [
        ("EPSG:4326", (113.0, 36.0), 1 / 120, 1e-7),
        ("EPSG:4326", (-70.0, -53.0), 1 / 1200, 1e-6),
        ("EPSG:4214", (113.0, 36.0), 1 / 120, 1e-7),  # Beijing 1954: degrees on Krassovsky 1940
        ("EPSG:4326", (10.0, 89.95), 1 / 120, 1e-5),  # to the pole
        ("EPSG:32650", (250_000.0, 3_900_000.0), 1000.0, 2e-6),
        ("EPSG:3857", (12_700_000.0, 4_200_000.0), 1000.0, 2e-6),
        ("ESRI:54009", (9_500_000.0, 4_300_000.0), 1000.0, 2e-6),
        ("+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=krass +units=m", (800_000.0, 4_000_000.0), 1000.0, 2e-6),
        ("+proj=utm +zone=50 +datum=WGS84 +units=us-ft", (820_000.0, 12_800_000.0), 3000.0, 2e-6),
    ],
)
def test_densities_are_multiplied_by_the_area_on_the_ground(tmp_path, crs, at, step, close):
    path = write_grid(tmp_path / "all.tif", np.full((5, 4), 250.0), at=at, step=step, crs=crs)
    with rasterio.open(path) as source:
        bounds = source.bounds
    points = read(rasters(path, datum="file", unit="people_per_km2"), bounds)
    want = [250 * _true_km2(path, row, column) for row, column in product(range(5), range(4))]
    assert points.groups["all"] == pytest.approx(want, rel=close)


def test_zones_of_all_parallels_make_up_the_ellipsoid(tmp_path):
    path = write_grid(tmp_path / "all.tif", np.zeros((180, 360)), at=(-180, 90), step=1.0)
    with rasterio.open(path) as source:
        total = CellAreas(source).km2(Span(0, 180)).sum() * 360
    assert total == pytest.approx(510_065_621.7, rel=1e-9)  # WGS84, Moritz, Geodetic Reference System 1980


# CRS ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "crs",
    ["EPSG:4326", "EPSG:4490", "EPSG:4547", "ESRI:54009", "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=krass"],
)
def test_a_raster_may_state_any_crs(tmp_path, crs):
    path = write_grid(tmp_path / "all.tif", np.ones((2, 2)), at=(10, 20), step=1, crs=crs)
    points = read(rasters(path, datum="file"), (-1e9, -1e9, 1e9, 1e9))
    assert {"EPSG:4326": "wgs84", "EPSG:4490": "cgcs2000"}.get(crs, points.datum) == points.datum
    assert pyproj.CRS({"wgs84": "EPSG:4326", "cgcs2000": "EPSG:4490"}.get(points.datum, points.datum)).equals(
        pyproj.CRS(crs), ignore_axis_order=True
    )


@pytest.mark.parametrize(
    ("datum", "crs", "told"),
    [
        ("wgs84", "EPSG:32650", "declared as wgs84, but the file says WGS 84 / UTM zone 50N"),
        ("EPSG:32649", "EPSG:32650", "declared as EPSG:32649"),
        ("EPSG:4547", "EPSG:4326", "declared as EPSG:4547, but the file says WGS 84"),
        ("file", None, "states no CRS; declare population.datum"),
        ("file", 'LOCAL_CS["plan",UNIT["metre",1]]', "neither of degrees nor a projection"),
    ],
)
def test_a_crs_that_contradicts_the_datum(tmp_path, datum, crs, told):
    path = write_grid(tmp_path / "all.tif", np.ones((2, 2)), crs=crs)
    with pytest.raises(CrsError) as caught:
        read(rasters(path, datum=datum))
    assert told in str(caught.value)


def test_rasters_of_two_crs_are_refused(tmp_path):
    one = write_grid(tmp_path / "one.tif", np.ones((2, 2)))
    two = write_grid(tmp_path / "two.tif", np.ones((2, 2)), crs="EPSG:32650")
    with pytest.raises(CrsError, match=r"two\.tif: declared as wgs84"):
        read(rasters(one, two, datum="file"))


# Bands of WorldPop --------------------------------------------------------------------------------------------


def write_bands(folder, sexes="t", year=2025, release="_CN_100m_R2025A_v1", value=lambda band, sex: float(band) + 1):
    folder.mkdir(exist_ok=True)
    for sex, band in product(sexes, BANDS):
        write_grid(folder / f"chn_{sex}_{band}_{year}{release}.tif", np.full((2, 2), value(band, sex)))


GROUPS = {
    "all": {"title": "all", "ages": [0]},
    "infants": {"title": "0-2", "ages": [0, 3]},
    "toddlers": {"title": "3-5", "ages": [3, 6]},
    "old": {"title": "60+", "ages": [60]},
    "school": {"title": "6-14", "ages": [6, 15]},
}
BY_HAND = {
    "all": sum(float(band) + 1 for band in BANDS),
    "infants": 1 + 2 / 2,
    "toddlers": 2 / 2 + 6 / 5,
    "old": 61 + 66 + 71 + 76 + 81 + 86 + 91,
    "school": 6 * 4 / 5 + 11,
}


@pytest.mark.parametrize("sexes", ["t", "fm", "tfm"])
def test_a_folder_of_bands_gives_any_ages(tmp_path, sexes):
    """Women and men of a band together are what the band of both sexes is."""
    share = {"t": 1, "f": 0.25, "m": 0.75}
    write_bands(tmp_path / "wp", sexes, value=lambda band, sex: (float(band) + 1) * share[sex])
    points = read(layer_of(bands={"path": tmp_path / "wp", "year": 2025}, groups=GROUPS))
    for name, people in BY_HAND.items():
        assert points.groups[name] == pytest.approx([people] * 4, rel=1e-12), name


def test_the_year_and_the_product_are_chosen(tmp_path):
    write_bands(tmp_path / "wp", year=2025)
    write_bands(tmp_path / "wp", year=2020, value=lambda *_: 1.0)
    write_bands(tmp_path / "wp", year=2025, release="_UC_1km_R2025A_v1", value=lambda *_: 1.0)
    with pytest.raises(SourceError) as caught:
        read(layer_of(bands={"path": tmp_path / "wp"}, groups=GROUPS))
    assert any(
        "holds bands of 2020, 2025; choose one with population.bands.year" in line for line in caught.value.problems
    )
    with pytest.raises(SourceError, match="a second file for band 0-0"):
        read(layer_of(bands={"path": tmp_path / "wp", "year": 2025}, groups=GROUPS))
    pattern = tmp_path / "wp" / "chn_*_CN_100m_*.tif"
    points = read(layer_of(bands={"path": pattern, "year": 2025}, groups=GROUPS))
    assert points.groups["old"] == pytest.approx([BY_HAND["old"]] * 4)


def test_a_missing_band_and_an_empty_folder_are_named(tmp_path):
    write_bands(tmp_path / "wp")
    (tmp_path / "wp" / "chn_t_65_2025_CN_100m_R2025A_v1.tif").unlink()
    layer = layer_of(bands={"path": tmp_path / "wp", "year": 2025}, groups=GROUPS)
    with pytest.raises(SourceError) as caught:
        read(layer)
    told = [line.split(": ", 1)[1] for line in caught.value.problems]
    assert [line.split(";")[0] for line in told] == [
        "population.groups.all: ages 0+: no band holds age 65",
        "population.groups.old: ages 60+: no band holds age 65",
    ]
    with pytest.raises(SourceError, match=r"holds no age bands of 2030 named as WorldPop's"):
        read(layer_of(bands={"path": tmp_path / "wp", "year": 2030}, groups=GROUPS))


def test_scale_and_offset_of_a_band_are_applied(tmp_path):
    path = write_grid(tmp_path / "all.tif", np.array([[10, 20], [0, 30]]), dtype="uint16", nodata=0)
    with rasterio.open(path, "r+") as source:
        source.scales, source.offsets = (0.5,), (1.0,)
    assert read(rasters(path)).groups["all"].tolist() == [6, 11, 16]


def test_too_many_inhabited_cells_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("withinreach.sources.population.rasters.MOST_INHABITED", 5)
    with pytest.raises(SourceError, match="more than 5 inhabited cells"):
        read(rasters(write_grid(tmp_path / "all.tif", np.ones((2, 3)))))


def test_areas_beyond_the_reach_of_a_projection_are_elsewhere(tmp_path):
    path = write_grid(tmp_path / "all.tif", np.ones((2, 3)))
    with pytest.raises(SourceError, match="does not overlap the areas"):
        read(rasters(path), (np.inf, 0, np.inf, 1))


def test_raster_with_several_bands(tmp_path):
    path = write_grid(tmp_path / "stack.tif", np.stack([np.full((2, 2), 1.0), np.full((2, 2), 5.0)]))
    parts = [{"path": path, "band": 2}]
    assert read(layer_of(groups={"a": {"title": "a", "parts": parts}})).groups["a"].tolist() == [5] * 4
    for band, told in ((None, "has 2 bands; name one"), (3, "has no band 3, only 2")):
        with pytest.raises(SourceError, match=told):
            read(layer_of(groups={"a": {"title": "a", "parts": [{"path": path, "band": band}]}}))


# Grids that differ --------------------------------------------------------------------------------------------


def test_cells_that_coincide_are_joined_whatever_the_extents_are(tmp_path):
    one = write_grid(tmp_path / "one.tif", np.full((4, 4), 1.0))
    # Three cells west and one north of it; its corner is off by what rounding does to the corners of real products.
    two = write_grid(tmp_path / "two.tif", np.full((4, 4), 2.0), at=(WEST - 3 * STEP + 1e-9, NORTH + STEP))
    points = read(rasters(one, two))
    at = {
        (round((x - WEST) / STEP - 0.5), round((NORTH - y) / STEP - 0.5)): (a, b)
        for x, y, a, b in zip(points.x, points.y, points.groups["one"], points.groups["two"], strict=True)
    }
    assert len(at) == 16 + 16 - 3
    assert at[0, 0] == (1, 2)
    assert at[3, 3] == (1, 0)
    assert at[-3, -1] == (0, 2)


cells = st.floats(0, 100, width=32)


@st.composite
def grids(draw):
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    values = draw(st.lists(cells, min_size=height * width, max_size=height * width))
    return (
        np.array(values).reshape(height, width),
        (draw(st.floats(-3, 3)) * STEP, draw(st.floats(-3, 3)) * STEP),
        draw(st.floats(0.2, 4)) * STEP,
    )


def naive_resampled(values, at, step) -> dict[tuple[int, int], float]:
    """Every cell against every cell that it may touch on the grid of step STEP at (0, 0): areas of overlaps."""
    people: dict[tuple[int, int], float] = {}
    for row, column in product(range(values.shape[0]), range(values.shape[1])):
        cell = shapely.box(
            at[0] + column * step, at[1] - (row + 1) * step, at[0] + (column + 1) * step, at[1] - row * step
        )
        west, south, east, north = (edge / STEP for edge in cell.bounds)
        for i, j in product(range(floor(west) - 1, ceil(east) + 1), range(floor(-north) - 1, ceil(-south) + 1)):
            target = shapely.box(i * STEP, -(j + 1) * STEP, (i + 1) * STEP, -j * STEP)
            share = target.intersection(cell).area / cell.area
            if share > 0:
                people[i, j] = people.get((i, j), 0.0) + values[row, column] * share
    return people


@given(grid=grids())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_resampling_by_sums_keeps_everybody_and_is_area_weighted(tmp_path_factory, grid):
    values, shift, step = grid
    folder = tmp_path_factory.mktemp("grids")
    ours = write_grid(folder / "ours.tif", np.full((2, 2), 1.0))
    other = write_grid(folder / "other.tif", values, at=(WEST + shift[0], NORTH + shift[1]), step=step)
    points = read(rasters(ours, other, resample="sums"))
    total = values.astype(np.float32).astype(np.float64).sum()
    assert points.groups["other"].sum() == pytest.approx(total, rel=1e-12, abs=1e-12)
    assert points.read["other"] == pytest.approx(total, rel=1e-12)
    assert all(abs(one.residual) <= 1e-12 * max(total, 1) for one in points.moved)
    want = naive_resampled(values.astype(np.float32).astype(np.float64), shift, step)
    got = {
        (round((x - WEST) / STEP - 0.5), round((NORTH - y) / STEP - 0.5)): people
        for x, y, people in zip(points.x, points.y, points.groups["other"], strict=True)
    }
    for key in set(want) | set(got):
        assert got.get(key, 0) == pytest.approx(want.get(key, 0), rel=1e-6, abs=1e-5 * max(total, 1))


def test_resampling_agrees_with_exactextract(tmp_path):
    exactextract = pytest.importorskip("exactextract")
    rng = np.random.default_rng(11)
    values = rng.uniform(0, 9, (7, 9))
    ours = write_grid(tmp_path / "ours.tif", np.ones((5, 5)))
    other = write_grid(
        tmp_path / "other.tif", values, at=(WEST - 0.3 * STEP, NORTH + 0.6 * STEP), step=STEP * 0.77, dtype="float64"
    )
    points = read(rasters(ours, other, resample="sums"))
    boxes = shapely.box(points.x - STEP / 2, points.y - STEP / 2, points.x + STEP / 2, points.y + STEP / 2)
    features = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(box)} for box in boxes]
    theirs = exactextract.exact_extract(str(other), features, "sum")
    assert points.groups["other"] == pytest.approx([row["properties"]["sum"] for row in theirs], rel=1e-6)


@given(offset=st.floats(-1000, 1000), ratio=st.floats(0.05, 20), count=st.integers(1, 30), cut=st.integers(-2000, 2000))
@quick
def test_shares_of_whole_cells_add_up_to_one(offset, ratio, count, cut):
    axis = OnAxis(Span(0, count), offset, ratio)
    whole = axis.shares(axis.span, axis.on_shared)
    assert np.asarray(whole.sum(axis=0)) == pytest.approx(np.ones(count), rel=1e-12)
    if axis.on_shared.start < cut < axis.on_shared.stop and not axis.aligned:
        strips = [Span(axis.on_shared.start, cut), Span(cut, axis.on_shared.stop)]
        counted = [axis.begins_in(axis.own(strip), strip) for strip in strips]
        assert [row for span in counted for row in range(span.start, span.stop)] == list(range(count))


# Files that lie -----------------------------------------------------------------------------------------------


def sparse(path, size: int, step: float, **profile) -> None:
    """A raster that claims size x size cells and holds none of them on disk."""
    profile = {"tiled": True, "blockxsize": 512, "blockysize": 512} | profile
    with rasterio.open(
        path, "w", driver="GTiff", width=size, height=size, count=1, dtype="float32", crs="EPSG:4326", nodata=-99_999,
        transform=rasterio.transform.from_origin(73, 54, step, step), sparse_ok=True, **profile,
    ):  # fmt: skip
        pass


ONE_BLOCK = {"tiled": False, "compress": "deflate", "blockxsize": 30_000, "blockysize": 30_000}
MEMORY = """
import json, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from population_files import rasters, read
from withinreach.errors import CoverageError
def peak():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
before, told, people = peak(), "", None
try:
    points = read(rasters(Path({path!r})), {bounds!r})
    people = float(points.groups["huge"].sum())
except CoverageError as error:
    told = str(error)
print(json.dumps({{"told": told, "people": people, "more_mb": peak() - before}}))
"""


def in_a_process(path, bounds) -> dict:
    """Read a raster in a process of its own; what came of it, and how much memory it took beyond the libraries."""
    code = MEMORY.format(tests=str(__file__).rsplit("/", 1)[0], path=str(path), bounds=bounds)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads peak memory from /proc")
def test_a_country_is_read_only_where_the_areas_are(tmp_path):
    path = tmp_path / "huge.tif"
    sparse(path, 60_000, STEP)  # 14 GB of float32
    with rasterio.open(path, "r+") as target:
        column, row = round((WEST - 73) / STEP), round((54 - NORTH) / STEP)
        target.write(np.full((200, 200), 1.5, np.float32), 1, window=rasterio.windows.Window(column, row, 200, 200))
    found = in_a_process(path, (WEST, NORTH - 100 * STEP, WEST + 100 * STEP, NORTH))
    assert found["people"] == pytest.approx(1.5 * 100 * 100, rel=0.03)
    assert found["more_mb"] < 150


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads peak memory from /proc")
@pytest.mark.parametrize(
    ("size", "step", "profile", "told"),
    [
        (40_000, 1e-6, {}, "the areas cover 1,600,000,000 of its cells, more than 1,000,000,000"),
        (30_000, STEP, ONE_BLOCK, "is stored in blocks of 30,000 × 30,000 cells"),
    ],
)
def test_claims_end_in_one_line_and_little_memory(tmp_path, size, step, profile, told):
    path = tmp_path / "huge.tif"
    sparse(path, size, step, **profile)
    found = in_a_process(path, EVERYWHERE)
    assert told in found["told"]
    assert "\n" not in found["told"]
    assert found["more_mb"] < 150


def _cut_off(path) -> None:
    write_grid(path, np.random.default_rng(1).uniform(0, 1, (500, 500)))
    path.write_bytes(path.read_bytes()[:200_000])


def _virtual(path) -> None:
    """A virtual raster under another name, which would open files and addresses that nobody named."""
    path.write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        "<SourceFilename>/vsicurl/http://127.0.0.1:1/x.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b"II*\x00garbage"), "cannot be read as a raster"),
        (lambda path: path.write_bytes(b""), "cannot be read as a raster"),
        (_virtual, "cannot be read as a raster"),
        (_cut_off, "cannot be read"),
        (
            lambda path: write_grid(path, np.ones((2, 2)), transform=rasterio.Affine(STEP, 1e-4, 0, 1e-4, -STEP, 9)),
            "is rotated",
        ),
        (lambda path: write_grid(path, np.ones((2, 2)), dtype="complex64", nodata=None), "its cells are of complex64"),
        (
            lambda path: write_grid(path, np.full((2, 2), 3.4e38), nodata=None),
            "set the raster's nodata value (now None)",
        ),
        (lambda path: write_grid(path, np.full((2, 2), np.inf), nodata=1e300, dtype="float64"), "inf people"),
        (
            lambda path: write_grid(path, np.full((2, 2), 65_535), dtype="uint16", nodata=None),
            "row 1, column 1: 65535 people",
        ),
    ],
)
def test_a_hostile_raster_ends_in_one_line(tmp_path, write, told):
    path = tmp_path / "people.tif"
    write(path)
    with pytest.raises(CoverageError) as caught:
        read(rasters(path))
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)
