"""Write the sample as the files that a planner would have: GeoJSON, GeoParquet, GeoTIFF, CSV, and the study itself."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import Affine

from withinreach.sources.sample.geography import DECIMALS, to_degrees
from withinreach.sources.sample.lattice import FIELD
from withinreach.sources.sample.population import BANDS, CELLS_PER_DEGREE
from withinreach.sources.sample.streets import HIGHWAYS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.sources.sample.city import City
    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.population import Population
    from withinreach.sources.sample.streets import Streets

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

AREAS = "示例数据_区划.geojson"
WATER = "示例数据_水系.geojson"
STREETS = "示例数据_街道.parquet"
PEOPLE = "示例数据_人口"
FACILITIES = "示例数据_设施.csv"
VILLAGES = "示例数据_村.csv"
STATISTICS = "示例数据_统计.csv"
STUDY = "study.toml"
NODATA = -99_999.0
# Street coordinates are whole multiples of 2^-20 degree, 0.1 m: as doubles they end in zero bytes, which
# halves the file.
STEPS_PER_DEGREE = 2.0**20
WATER_BEYOND_M = 3_000.0
SIMPLER_M = 2.0


def write_areas(folder: Path, geography: Geography) -> None:
    """Polygons of the 15 units with code and name."""
    properties = [{"code": unit.code, "name": unit.name} for unit in geography.units]
    _write_geojson(folder / AREAS, [unit.area_deg for unit in geography.units], properties)


def write_water(folder: Path, geography: Geography) -> None:
    """Water surfaces with their names, to a little beyond the prefecture."""
    land = shapely.buffer(shapely.union_all([unit.area_m for unit in geography.units]), WATER_BEYOND_M, quad_segs=2)
    surfaces = [shapely.intersection(river.area_m, land) for river in geography.waters]
    surfaces = [shapely.simplify(surface, SIMPLER_M) for surface in surfaces]
    degrees = [shapely.normalize(shapely.transform(surface, _rounded_degrees)) for surface in surfaces]
    _write_geojson(folder / WATER, degrees, [{"name": river.name} for river in geography.waters])


def _rounded_degrees(xy: Floats) -> Floats:
    return np.round(to_degrees(xy), DECIMALS)


def _write_geojson(path: Path, shapes: list[Any], properties: list[dict[str, str]]) -> None:
    """One feature per line; written here, so that the bytes do not depend on the version of GDAL."""
    features = [
        json.dumps(
            {"type": "Feature", "properties": about, "geometry": shapely.geometry.mapping(shape)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for shape, about in zip(shapes, properties, strict=True)
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def write_streets(folder: Path, streets: Streets) -> None:
    """Lines that share their end points, with the columns highway and bridge."""
    degrees = np.round(to_degrees(streets.xy) * STEPS_PER_DEGREE) / STEPS_PER_DEGREE
    chains = _chains(streets)
    ends = np.concatenate([chain for chain, _ in chains])
    row = np.repeat(np.arange(len(chains)), [len(chain) for chain, _ in chains])
    first = np.array([street for _, street in chains])
    table = gpd.GeoDataFrame(
        {
            "highway": np.array(HIGHWAYS, object)[streets.highway[first]],
            "bridge": np.where(streets.bridge[first], "yes", "no").astype(object),
        },
        geometry=shapely.linestrings(degrees[ends], indices=row),
        crs="EPSG:4326",
    )
    table.to_parquet(folder / STREETS, compression="zstd", index=False)


def _chains(streets: Streets) -> list[tuple[list[int], int]]:
    """Corners of each line, and one street that it is made of.

    Bends of a country road (corners of the open country with two like streets) lie inside a line; every other corner
    ends the lines that meet there.
    """
    n = len(streets.xy)
    degree = np.bincount(np.append(streets.a, streets.b), minlength=n)
    sort = streets.highway * 2 + streets.bridge
    low, high = np.full(n, sort.max() + 1), np.full(n, -1)
    for end in (streets.a, streets.b):
        np.minimum.at(low, end, sort)
        np.maximum.at(high, end, sort)
    bend = (streets.settlement == FIELD) & (degree == 2) & (low == high)
    plain = ~bend[streets.a] & ~bend[streets.b]
    lines = [([a, b], s) for s, a, b in zip(*_listed(streets, np.flatnonzero(plain)), strict=True)]

    open_streets: dict[int, list[tuple[int, int]]] = {}
    for s, a, b in zip(*_listed(streets, np.flatnonzero(~plain)), strict=True):
        open_streets.setdefault(a, []).append((s, b))
        open_streets.setdefault(b, []).append((s, a))
    done: set[int] = set()
    for start in (corner for corner in sorted(open_streets) if not bend[corner]):
        for street, corner in open_streets[start]:
            if street in done:
                continue
            chain, at, came = [start, corner], corner, street
            done.add(street)
            while bend[at]:
                came, at = next(way for way in open_streets[at] if way[0] != came)
                chain.append(at)
                done.add(came)
            lines.append((chain, street))
    return lines


def _listed(streets: Streets, rows: Ints) -> tuple[list[int], list[int], list[int]]:
    return rows.tolist(), streets.a[rows].tolist(), streets.b[rows].tolist()


def write_people(folder: Path, population: Population) -> None:
    """One GeoTIFF per age band, named and laid out like WorldPop's R2025A release."""
    (folder / PEOPLE).mkdir(exist_ok=True)
    side = 1 / CELLS_PER_DEGREE
    layout = {
        "driver": "GTiff",
        "height": population.shape[0],
        "width": population.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "nodata": NODATA,
        "transform": Affine(side, 0, population.west * side, 0, -side, population.north * side),
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        # One band at the scale of 0.1: zstd 161 kB at level 12 and 155 kB at 19 (five times slower), deflate 180 kB,
        # zstd with the float predictor 216 kB.
        "compress": "zstd",
        "zstd_level": 12,
    }
    for place, band in enumerate(BANDS):
        cells = np.full(population.shape, NODATA, np.float32)
        cells[population.row, population.column] = population.people[:, place]
        with rasterio.open(folder / PEOPLE / people_file(band), "w", **layout) as target:
            target.write(cells, 1)


def people_file(band: str) -> str:
    """WorldPop's name for both sexes of an age band, e.g. ``00`` or ``65``."""
    return f"chn_t_{band}_2020_CN_100m_R2025A_v1.tif"


def write_places(path: Path, table: pd.DataFrame) -> None:
    """A CSV as a bureau would send it: Chinese headers, UTF-8 with BOM for Excel."""
    table = table.assign(经度=table["经度"].map("{:.6f}".format), 纬度=table["纬度"].map("{:.6f}".format))
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def write_texts(folder: Path, *, seed: int, scale: float) -> Path:
    """The study, the README and the table of statistics; returns the path of the study."""
    statistics = resources.files(__package__).joinpath("texts", "statistics.csv").read_text(encoding="utf-8")
    (folder / STATISTICS).write_text(statistics, encoding="utf-8-sig", newline="\n")
    for name in (STUDY, "README.md"):
        text = resources.files(__package__).joinpath("texts", name).read_text(encoding="utf-8")
        text = text.replace("{seed}", str(seed)).replace("{scale}", f"{scale:g}")
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder / STUDY


def write_city(folder: Path, city: City, *, seed: int, scale: float) -> Path:
    """Write every file of the sample; returns the path of the study."""
    write_areas(folder, city.geography)
    write_water(folder, city.geography)
    write_streets(folder, city.streets)
    write_people(folder, city.population)
    write_places(folder / FACILITIES, city.facilities)
    write_places(folder / VILLAGES, city.villages)
    return write_texts(folder, seed=seed, scale=scale)
