"""Which area `withinreach fetch` takes, its CRS, and what becomes of each element of OpenStreetMap."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import osmnx
import pyproj
import pytest
import shapely

from fetching import clock_fixture, fetched_fixture, lines_of, only_loopback, run, server_fixture, services_fixture  # noqa: F401
from osm_server import town_elements, town_places
from withinreach.sources.fetch.answers import Question
from withinreach.sources.fetch.client import Client, Services, public
from withinreach.sources.fetch.elements import Elements, read_features, write_osm
from withinreach.sources.fetch.kinds import facility_kinds
from withinreach.sources.fetch.place import Box, Place, locate
from withinreach.sources.fetch.study_file import PROFILES, largest_error_ppm, metric_crs, study_name

# Areas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "places", "told"),
    [
        ("Nirgendwo", [], "'Nirgendwo': no such place in OpenStreetMap"),
        ("新乡站", town_places()[:1], "knows it only as a point or a line (新乡站, 中国)"),
        ("113.94,35.3,113.9,35.32", [], "is not a box in degrees; give west,south,east,north"),
        ("35.3,113.9,35.32,113.94", [], "is not a box in degrees"),
        ("170,-10,-170,10", [], "a box across 180° in two parts"),
        ("  ", [], "no area is named"),
        ("70,15,135,55", [], "is too large to ask public servers for"),
        ("100,20,110,45", [], "is too large to ask public servers for"),
    ],
)
def test_an_area_that_cannot_be_fetched_is_one_line(server, clock, tmp_path, area, places, told):
    server.places = places
    done = run(server, tmp_path / "x", area=area)
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert told in line
    assert "streets" not in server.seen


@pytest.mark.parametrize("words", ["1,2,3", "1,2,3,4,5", "Xinxiang, Henan, China, Asia", "35°N,1,2,3"])
def test_anything_but_four_numbers_is_a_name(server, services, clock, tmp_path, words):
    locate(words, Client(tmp_path, services=services))
    assert server.seen == ["search"]


def test_broken_results_are_passed_over(server, services, clock, tmp_path):
    good = town_places()[1]
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    odd = [None, {"geojson": {"type": "Polygon"}}, {"geojson": {"type": "Polygon", "coordinates": [[[0, 0]]]}}]
    server.places = [*odd, {**good, "geojson": bow}]
    place = locate("bow tie", Client(tmp_path, services=services))
    assert shapely.is_valid(place.polygon)
    assert place.polygon.area == pytest.approx(0.5)


def place_at(west: float, south: float, east: float, north: float, country: str = "cn") -> Place:
    return Place("x", "x", shapely.box(west, south, east, north), "", country)


def test_tiles_cover_the_place_and_its_margin_without_the_rest():
    # The second line between tiles lies at 0.434°, within the margin of the arms.
    corner = shapely.Polygon([(0, 0), (2, 0), (2, 0.42), (0.42, 0.42), (0.42, 2), (0, 2)])
    place = Place("L", "L", corner, "", "")
    tiles = place.tiles()
    union = shapely.union_all([shapely.box(*tile) for tile in tiles])
    assert union.covers(corner.buffer(0.017).intersection(shapely.box(*place.extent)))
    assert len(tiles) == 9 * 9 - 6 * 6
    assert sum(shapely.box(*tile).area for tile in tiles) == pytest.approx(union.area), "no overlap"
    assert all(tile.east - tile.west <= 0.25 and tile.north - tile.south <= 0.25 for tile in tiles)


@pytest.mark.parametrize("lat", [0, 35, -60, 89.99])
def test_the_margin_is_two_kilometres(lat):
    extent = place_at(10, lat - 0.005, 10.01, lat + 0.005).extent
    geod = pyproj.Geod(ellps="WGS84")
    assert geod.inv(10, lat, extent.west, lat)[2] == pytest.approx(2000, rel=0.02) or lat == 89.99
    assert geod.inv(10, lat + 0.005, 10, extent.north)[2] == pytest.approx(2000, rel=0.02) or lat == 89.99
    assert Box(-180, -90, 180, 90) == Box(-179.99, -89.99, 179.99, 89.99).wider(5000)


def test_boxes_are_told_to_overpass_south_first():
    assert Box(113.9, 35.3, 113.94, 35.32).overpass() == "35.30000,113.90000,35.32000,113.94000"


# Metric CRS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meridian", range(75, 136, 3))
def test_the_chinese_zone_is_that_of_the_nearest_meridian(meridian):
    crs = pyproj.CRS(metric_crs(place_at(meridian - 0.4, 30, meridian + 0.6, 31)))
    assert crs.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E"
    assert {axis.unit_name for axis in crs.axis_info} == {"metre"}
    parameters = {p["name"]: p["value"] for p in crs.to_json_dict()["conversion"]["parameters"]}
    assert parameters["Longitude of natural origin"] == meridian
    assert parameters["False easting"] == 500_000


def test_zones_end_at_the_border():
    assert metric_crs(place_at(73.5, 39, 73.6, 40)) == "EPSG:4534"
    assert metric_crs(place_at(134.9, 48, 135.08, 48.4)) == "EPSG:4554"


def test_elsewhere_it_is_utm():
    assert metric_crs(place_at(24.9, 60.1, 25.0, 60.2, "fi")) == "EPSG:32635"
    assert metric_crs(place_at(-43.3, -23.0, -43.2, -22.9, "br")) == "EPSG:32723"


def test_the_length_error_is_that_of_the_projection():
    """Transverse Mercator: scale 1 + x²/2R² at x metres from the meridian; 1.5° at 35° N are 137 km, 231 ppm."""
    assert largest_error_ppm("EPSG:4547", place_at(113.9, 35, 114.1, 35.1)) < 2
    assert largest_error_ppm("EPSG:4547", place_at(112.5, 35, 115.5, 35.01)) == pytest.approx(231, rel=0.02)


@pytest.mark.parametrize(("text", "name"), [("a b", "a-b"), ("新乡", "osm"), ("..x", "x"), ("", "osm"), ("Å", "osm")])
def test_study_names(text, name):
    assert study_name(text) == name


# The table of kinds -----------------------------------------------------------------------------------------------


def test_the_table_is_complete_and_its_kinds_can_be_reached():
    kinds = facility_kinds()
    for kind in kinds.kinds:
        assert kind.zh
        assert kind.en
        assert kind.reason
        assert kind.wiki
        assert kind.profile in PROFILES
        for first, *_ in kind.blocks:
            assert first.values, f"{kind.name}: a block must begin with a tag"
            assert first.pattern is None
            assert not first.negated
        assert any(
            kinds.kind_of({c.key: c.values[0] for c in block if not c.negated and c.pattern is None}) == kind.name
            for block in kind.blocks
        ) or kind.name in ("veterans",)
    assert len({kind.name for kind in kinds.kinds}) == len(kinds.kinds)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "hospital", "healthcare": "clinic"}, "hospital"),
        ({"healthcare": "centre"}, "clinic"),
        ({"healthcare": "laboratory"}, ""),
        ({"amenity": "dentist"}, ""),
        ({"amenity": "childcare"}, "nursery"),
        ({"amenity": "childcare", "nursery": "no"}, ""),
        ({"amenity": "childcare", "after_school": "only"}, ""),
        ({"amenity": "kindergarten", "name": "小星星托育中心"}, "nursery"),
        ({"amenity": "kindergarten", "name": "Crèche des Lilas"}, "nursery"),
        ({"amenity": "kindergarten", "access": "private"}, ""),
        ({"amenity": "social_facility", "social_facility": "group_home"}, ""),
        ({"amenity": "social_facility", "social_facility": "day_care", "social_facility:for": "senior"}, "elder_care"),
        ({"amenity": "social_facility", "social_facility": "nursing_home"}, "elder_care"),
        (
            {"amenity": "social_facility", "social_facility": "nursing_home", "social_facility:for": "disabled"},
            "",
        ),
        ({"amenity": "social_facility", "name": "社区日间照料中心"}, "elder_care"),
        ({"amenity": "townhall", "name": "County Veterans Office"}, "veterans"),
        ({"amenity": "townhall", "name": "Town hall"}, ""),
        ({"amenity": "arts_centre"}, "cultural_centre"),
        ({"leisure": "pitch", "access": "no"}, ""),
        ({"leisure": "stadium"}, "sports_ground"),
        ({}, ""),
    ],
)
def test_which_kind_an_object_is(tags, kind):
    assert facility_kinds().kind_of(tags) == kind


# Overpass elements ------------------------------------------------------------------------------------------------


def test_incomplete_elements_are_passed_over(tmp_path):
    elements = Elements()
    elements.add(
        [
            {"type": "area", "id": 1},
            {"type": "node", "id": 1, "tags": {"amenity": "clinic"}},
            {"type": "node", "lat": 1, "lon": 1},
            {"type": "way", "id": 2, "tags": {"highway": "path"}},
            {"type": "relation", "id": 3, "tags": {"type": "boundary"}},
        ]
    )
    assert list(elements) == []
    assert read_features(elements, tmp_path).empty
    assert list(read_features(elements, tmp_path).columns) == ["element", "id", "tags", "geometry"]


def test_a_way_without_its_nodes_has_no_geometry(tmp_path):
    elements = Elements()
    elements.add([{"type": "way", "id": 2, "nodes": [8, 9], "tags": {"amenity": "clinic"}}])
    assert read_features(elements, tmp_path).empty
    assert list(tmp_path.iterdir()) == []


def test_control_characters_do_not_break_the_file(tmp_path):
    tags = {"name": "a\x00\x0b<&>\"'\n\ud800z", "k\t": "v"}
    elements = Elements()
    elements.add([{"type": "node", "id": 1, "lat": 1e-7, "lon": -1e-5, "tags": tags}])
    write_osm(elements, tmp_path / "x.osm")
    (node,) = ET.parse(tmp_path / "x.osm").getroot()
    assert (node.get("lat"), node.get("lon")) == ("0.0000001", "-0.0000100")
    assert {tag.get("k"): tag.get("v") for tag in node} == {"name": "a<&>\"'\nz", "k\t": "v"}


def test_osmnx_settings_are_put_back(fetched, server, monkeypatch):
    before = {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")}
    seen = []
    inner = osmnx.features_from_xml

    def watched(path):
        seen.append(osmnx.settings.use_cache)
        return inner(path)

    monkeypatch.setattr(osmnx, "features_from_xml", watched)
    assert run(server, fetched, "--fresh").exit_code == 0
    assert seen == [False, False]
    assert {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")} == before

    def failing(path):
        raise RuntimeError("within the block")

    monkeypatch.setattr(osmnx, "features_from_xml", failing)
    with pytest.raises(RuntimeError, match="within the block"):
        read_features(town(), fetched)
    assert {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")} == before
    assert before["use_cache"] is True
    assert not (fetched / "features.osm").exists()


def town() -> Elements:
    elements = Elements()
    elements.add(town_elements())
    return elements


def test_secrets_are_taken_out_of_addresses():
    assert (
        public("https://me:pw@example.org:8080/api/interpreter?key=1#x") == "https://example.org:8080/api/interpreter"
    )
    assert public("http://[bad") == "(not an address)"


@pytest.mark.parametrize(
    "base", ["https://x.example/api", "https://x.example/api/", "https://x.example/api/interpreter"]
)
def test_the_base_address_may_end_as_people_write_it(base):
    question = Question("overpass", "interpreter", {})
    assert Services(overpass=f"{base}?key=1").url(question) == "https://x.example/api/interpreter?key=1"


def test_the_same_question_has_the_same_key_whatever_the_order():
    one = Question("nominatim", "search", {"q": "新乡", "limit": "1"})
    other = Question("nominatim", "search", {"limit": "1", "q": "新乡"})
    assert one.key == other.key
    assert one.key != Question("nominatim", "reverse", {"limit": "1", "q": "新乡"}).key
