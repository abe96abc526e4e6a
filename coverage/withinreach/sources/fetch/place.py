"""The area that is downloaded: a box in degrees, or a place that Nominatim finds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from shapely import Geometry

    from withinreach.sources.fetch.client import Client

NUMBER = r"\s*[-+]?(?:\d+\.?\d*|\.\d+)\s*"
BOX = re.compile(rf"({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})")
METRES_PER_DEGREE = 111_320.0
# People at the edge of the area walk to facilities beyond it, on streets beyond it: 2 km is 25 minutes at 1.33 m/s.
MARGIN_M = 2_000.0
# About 28 km: a dense city of that size is some tens of megabytes, far from the limits of a public server.
TILE_DEGREES = 0.25
# About 37,000 km² at 35° N, three times an ordinary prefecture. Beyond it a ready extract is quicker and kinder to the
# servers, and the elements, all held in memory, become too many (0.5 GB per million nodes).
MOST_TILES = 60
POLYGONS = ("Polygon", "MultiPolygon")
ASKED_RESULTS = 20


class Box(NamedTuple):
    """A rectangle in WGS84 degrees."""

    west: float
    south: float
    east: float
    north: float

    def overpass(self) -> str:
        """As Overpass wants it: south, west, north, east; 1e-5 degree is about a metre."""
        return f"{self.south:.5f},{self.west:.5f},{self.north:.5f},{self.east:.5f}"

    def wider(self, margin_m: float) -> Box:
        """The box with a margin on each side, cut off at the poles and at 180°."""
        north_south = margin_m / METRES_PER_DEGREE
        nearest_pole = min(max(abs(self.south), abs(self.north)), 89.0)
        east_west = north_south / math.cos(math.radians(nearest_pole))
        return Box(
            max(self.west - east_west, -180.0),
            max(self.south - north_south, -90.0),
            min(self.east + east_west, 180.0),
            min(self.north + north_south, 90.0),
        )


@dataclass(frozen=True, eq=False)
class Place:
    """What is downloaded.

    Attributes
    ----------
    asked
        The words or the box as they were given.
    title
        Name of the place, or the box.
    polygon
        Polygon or MultiPolygon, WGS84 degrees.
    osm
        ``relation/123`` or ``way/123``; empty for a box.
    country
        ISO 3166-1 code in lower case; empty where Nominatim knows none (at sea).
    """

    asked: str
    title: str
    polygon: Geometry
    osm: str
    country: str

    @property
    def extent(self) -> Box:
        """Bounds of the place with the margin."""
        return Box(*shapely.bounds(self.polygon).tolist()).wider(MARGIN_M)

    def tiles(self) -> list[Box]:
        """Equal boxes of at most `TILE_DEGREES`, row by row from the south-west, that cover the place and its margin.

        Raises
        ------
        CoverageError
            If they would be more than `MOST_TILES`.
        """
        west, south, east, north = self.extent
        columns = max(1, math.ceil((east - west) / TILE_DEGREES))
        rows = max(1, math.ceil((north - south) / TILE_DEGREES))
        # The bounds of a country hold thousands of tiles, which need not be looked at to know that they are too many.
        if columns * rows > 20 * MOST_TILES:
            raise self._too_large()
        x, y = np.linspace(west, east, columns + 1), np.linspace(south, north, rows + 1)
        boxes = [
            Box(float(x[i]), float(y[j]), float(x[i + 1]), float(y[j + 1])) for j in range(rows) for i in range(columns)
        ]
        shapely.prepare(self.polygon)
        near = shapely.intersects(self.polygon, [shapely.box(*box.wider(MARGIN_M)) for box in boxes])
        tiles = [box for box, needed in zip(boxes, near, strict=True) if needed]
        if len(tiles) > MOST_TILES:
            raise self._too_large()
        return tiles

    def _too_large(self) -> CoverageError:
        return CoverageError(
            f"'{self.asked}': is too large to ask public servers for; fetch it by prefecture or county, or download an "
            "extract (.osm.pbf) of the region and name it in the study"
        )


def locate(asked: str, client: Client) -> Place:
    """Understand an area: ``west,south,east,north`` in degrees, or else the name of a place.

    Raises
    ------
    CoverageError
        If the box is impossible, or no polygon has that name.
    SourceError
        If Nominatim gives no usable answer.
    """
    asked = asked.strip()
    numbers = BOX.fullmatch(asked)
    return _box_place(asked, numbers, client) if numbers else _named_place(asked, client)


def _box_place(asked: str, numbers: re.Match[str], client: Client) -> Place:
    box = Box(*(float(number) for number in numbers.groups()))
    if not (-180 <= box.west < box.east <= 180 and -90 <= box.south < box.north <= 90):
        raise CoverageError(
            f"'{asked}': is not a box in degrees; give west,south,east,north with west < east and south < north "
            "(a box across 180° in two parts)"
        )
    middle = {"lat": f"{(box.south + box.north) / 2:.5f}", "lon": f"{(box.west + box.east) / 2:.5f}"}
    found = client.nominatim("reverse", format="jsonv2", zoom="3", addressdetails="1", **middle)
    title = ",".join(f"{side:g}" for side in box)
    return Place(asked, title, shapely.box(*box), "", _country(found))


def _named_place(asked: str, client: Client) -> Place:
    if not asked:
        raise CoverageError("no area is named; give the name of a place or west,south,east,north in degrees")
    results: list[dict[str, Any]] = client.nominatim(
        "search",
        format="jsonv2",
        q=asked,
        polygon_geojson="1",
        addressdetails="1",
        dedupe="0",
        limit=str(ASKED_RESULTS),
    )
    results = [result for result in results if isinstance(result, dict)]
    if not results:
        raise CoverageError(
            f"'{asked}': no such place in OpenStreetMap; write it as it is named there, with its province or country "
            "after a comma, or give west,south,east,north in degrees"
        )
    for result in results:
        polygon = _polygon(result.get("geojson"))
        if polygon is not None:
            title = str(result.get("display_name") or asked)
            osm = f"{result.get('osm_type', '')}/{result.get('osm_id', '')}"
            return Place(asked, title, polygon, osm, _country(result))
    named = "; ".join(str(result.get("display_name")) for result in results[:3])
    raise CoverageError(
        f"'{asked}': OpenStreetMap knows it only as a point or a line ({named}); name the district or county that it "
        "lies in, or give west,south,east,north in degrees"
    )


def _polygon(geojson: object) -> Geometry | None:
    """The polygon of a result, made valid; None for points, lines and what cannot be understood."""
    if not isinstance(geojson, dict) or geojson.get("type") not in POLYGONS:
        return None
    try:
        shape = shapely.geometry.shape(geojson)
    except (ValueError, TypeError, KeyError, IndexError, shapely.errors.GEOSException):
        return None
    return polygons_of(shape)


def polygons_of(shape: Geometry) -> Geometry | None:
    """The area of a geometry as a valid Polygon or MultiPolygon, or None if it has none."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(shape)))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return shapely.union_all(parts) if len(parts) else None


def _country(result: dict[str, Any]) -> str:
    address = result.get("address")
    return str(address.get("country_code", "")).lower() if isinstance(address, dict) else ""
