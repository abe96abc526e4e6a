"""The map as a file: what is inside, and that nothing in it leads outside. test_map_browser.py opens it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from map_town import CARE_M, HOSTILE, ORIGIN, SIDE_M, measured_town
from withinreach.maps import draw_map
from withinreach.maps.classes import density_breaks
from withinreach.maps.content import FIGURES, NO_LINKS, study_content
from withinreach.maps.document import APP_SCRIPTS
from withinreach.maps.facilities import FILTERED, facility_content, load_content, walked_to
from withinreach.maps.labels import LABELS
from withinreach.maps.layers import FULL, cell_arrays, json_island, reach_arrays, street_arrays, water_arrays
from withinreach.maps.packing import pack, unpack
from withinreach.maps.pockets import worst_pockets
from withinreach.maps.shapes import HOLE, LINE, SHELL, Degrees, encode_shapes
from withinreach.maps.strokes import levels, spatial_order, strokes
from withinreach.model import Step
from withinreach.preparation.streets import build_network
from withinreach.reach import Status
from withinreach.showing import COVERAGE_BREAKS, coverage_classes
from withinreach.siting.missing.pockets import REASONS
from withinreach.sources.values import vocabulary
from withinreach.standards import State

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.analysis import Result

ASSETS = files("withinreach.maps") / "assets"


@pytest.fixture(scope="module")
def result() -> Result:
    return measured_town()


@pytest.fixture(scope="module")
def page(result: Result) -> str:
    return draw_map(result).get_root().render()


class Tags(HTMLParser):
    """Every start tag with its attributes, and the text of every script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)

    def island(self, key: str) -> str:
        (text,) = [text for attributes, text in self.scripts if attributes.get("id") == f"wr-{key}"]
        return text


def _content(result: Result) -> dict:
    pockets = {name: worst_pockets(result, name) for name in result.reaches}
    return study_content(result, Degrees("EPSG:4547"), NO_LINKS, FULL, pockets)


class TestPacking:
    @given(hnp.arrays(np.int32, st.integers(0, 40)), hnp.arrays(np.uint8, st.integers(0, 40)))
    def test_every_array_comes_back(self, numbers, bytes_):
        back = unpack(pack({"numbers": numbers, "bytes": bytes_}))
        assert list(back) == ["numbers", "bytes"]
        np.testing.assert_array_equal(back["numbers"], numbers)
        np.testing.assert_array_equal(back["bytes"], bytes_)
        assert (back["numbers"].dtype, back["bytes"].dtype) == (np.int32, np.uint8)

    def test_the_extremes_come_back(self):
        ends = np.array([-(2**31), 2**31 - 1, 0, -1, 2**31 - 1, -(2**31)], np.int32)
        np.testing.assert_array_equal(unpack(pack({"ends": ends}))["ends"], ends)

    def test_the_same_arrays_give_the_same_text(self):
        numbers = np.arange(1000, dtype=np.int32) ** 2
        assert pack({"a": numbers}) == pack({"a": numbers.copy()})

    @pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 2), np.int32), np.zeros(3, np.int64)])
    def test_other_types_are_refused(self, wrong):
        with pytest.raises(TypeError, match=r"a: .*int32 or uint8"):
            pack({"a": wrong})


class TestClasses:
    @pytest.mark.parametrize(
        ("share", "expected"),
        [
            (0.0, 0),
            (np.nextafter(0.6, 0) - 1e-8, 0),
            (0.6, 1),
            (0.8 - 1e-8, 1),
            (0.8, 2),
            (0.95 - 1e-8, 2),
            (0.95, 3),
            (1.0, 3),
            (np.nan, -1),
        ],
    )
    def test_a_threshold_belongs_to_the_class_that_begins_there(self, share, expected):
        assert coverage_classes(np.array([share])).tolist() == [expected]

    def test_noise_of_sums_does_not_cost_a_class(self):
        eight_tenths = sum([0.1] * 8)
        assert eight_tenths < COVERAGE_BREAKS[1]
        assert coverage_classes(np.array([eight_tenths])).tolist() == [2]

    def test_areas_of_the_town(self, result):
        assert _content(result)["services"][0]["classes"] == [2, 0, 3, -1]

    def test_density_breaks_part_the_people(self):
        # 140 people: 10 at 1 per ha, 40 at 4, 30 at 10, 60 at 60. The 28th lives at 4, the 70th at 10, the 112th at 60.
        people = np.repeat([1.0, 4.0, 10.0, 60.0], [10, 10, 3, 1])
        assert density_breaks(people, cell_ha=1.0) == (5.0, 10.0, 50.0)
        assert density_breaks(people, cell_ha=0.1) == (50.0, 100.0, 500.0)

    @given(hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(0, 1e6)), st.floats(0.01, 100))
    def test_density_breaks_rise_and_are_round(self, people, cell_ha):
        breaks = density_breaks(people, cell_ha)
        assert breaks[0] < breaks[1] < breaks[2]
        assert all(f"{value:.0e}"[0] in "125" and float(f"{value:.0e}") == value for value in breaks)


class TestLabels:
    def test_both_languages_have_the_same_keys(self):
        assert LABELS["zh"].keys() == LABELS["en"].keys()

    def test_both_languages_fill_the_same_blanks(self):
        def blanks(text: str) -> set[str]:
            return {name for _, name, _, _ in Formatter().parse(text) if name}

        assert {key: blanks(text) for key, text in LABELS["zh"].items()} == {
            key: blanks(text) for key, text in LABELS["en"].items()
        }

    def test_the_page_uses_every_label_and_no_other(self):
        code = "".join((ASSETS / name).read_text("utf-8") for name in (*APP_SCRIPTS, "page.html"))
        used = set(re.findall(r"\btext\.(?!js\b|replace\b)(\w+)", code))
        used |= {f"layer_{name}" for name in re.findall(r'name: "(\w+)", visible', code)}
        used |= {f"status_{status.key}" for status in Status} | {f"step_{step}" for step in Step}
        used |= {f"target_{state}" for state in State} | {f"target_by_{way}" for way in ("converting", "adding")}
        used |= {f"filter_{name}" for name in FILTERED} | {f"reason_{reason}" for reason in REASONS.values()}
        used |= {f"value_{value}" for name in FILTERED for value in vocabulary(name).values()}
        assert used == LABELS["zh"].keys()


class TestShapes:
    def test_rings_lose_their_repeated_end_and_keep_their_place(self):
        degrees = Degrees("EPSG:4547")
        square = shapely.box(*ORIGIN, *(ORIGIN + SIDE_M))
        holed = square.difference(shapely.box(*(ORIGIN + 500), *(ORIGIN + 700)))
        line = shapely.LineString([ORIGIN, ORIGIN + 100])
        both = shapely.geometrycollections([holed, line])
        arrays = encode_shapes(np.array([line, holed, both]), degrees, tolerance_m=0.0)
        assert arrays["owner"].tolist() == [0, 1, 1, 2, 2]
        assert arrays["kind"].tolist() == [LINE, SHELL, HOLE, SHELL, HOLE]
        assert arrays["count"].tolist() == [2, 4, 4, 4, 4]
        corner = degrees.of(ORIGIN[None, :])[0]
        assert abs(arrays["lon"] / 1e5 - corner[0]).min() <= 0.5e-5
        assert abs(arrays["lat"] / 1e5 - corner[1]).min() <= 0.5e-5

    def test_nothing_gives_nothing(self):
        empty = gpd.GeoDataFrame(geometry=[], crs="EPSG:4547").geometry.to_numpy()
        arrays = encode_shapes(empty, Degrees("EPSG:4547"), tolerance_m=1.0)
        assert {len(values) for values in arrays.values()} == {0}

    def test_areas_come_back_within_the_quantum(self, result, page):
        arrays = unpack(Tags(page).island("areas"))
        assert arrays["owner"].tolist() == [0, 1, 2, 3]
        assert arrays["count"].tolist() == [4, 4, 4, 4]
        west = np.column_stack([arrays["lon"][:4], arrays["lat"][:4]]) / 1e5
        truth = Degrees("EPSG:4547").of(shapely.get_coordinates(result.case.areas.table.geometry.iloc[0]))
        distance = np.abs(west[:, None, :] - truth[None, :, :]).max(axis=2)
        assert distance.min(axis=1).max() <= 0.5e-5 + 1e-12

    def test_water_keeps_islands_and_rivers(self, result):
        arrays = water_arrays(result.case, Degrees("EPSG:4547"))
        assert arrays["kind"].tolist() == [SHELL, HOLE, LINE]


class TestStrokes:
    @staticmethod
    def lines(*coordinates):
        return np.array([shapely.LineString(c) for c in coordinates], dtype=object)

    def test_a_crossing_becomes_two_strokes(self):
        network = build_network(
            self.lines([(0, 0), (100, 0)], [(200, 0), (100, 0)], [(100, -90), (100, 0)], [(100, 0), (100, 90)])
        )
        assert sorted(shapely.length(strokes(network)).tolist()) == [180, 200]

    def test_a_sharp_turn_ends_a_stroke_at_a_junction_only(self):
        corner = self.lines([(0, 0), (100, 0)], [(100, 0), (100, 100)])
        assert shapely.length(strokes(build_network(corner))).tolist() == [200]
        junction = self.lines([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(100, 0), (20, 90)])
        assert len(strokes(build_network(junction))) == 3

    def test_a_ring_and_a_loop_are_drawn_once(self):
        ring = self.lines([(0, 0), (100, 0)], [(100, 0), (50, 80)], [(50, 80), (0, 0)])
        assert len(strokes(build_network(ring))) == 1
        loop = self.lines([(0, 0), (50, 0), (50, 50), (0, 0)])
        assert shapely.length(strokes(build_network(loop))) == pytest.approx(shapely.length(loop))

    def test_every_street_is_drawn_exactly_once(self, result):
        lines = strokes(result.case.network)
        assert shapely.length(lines).sum() == pytest.approx(result.case.network.length_mm.sum() / 1000, abs=0.1)
        everything = shapely.union_all(lines)
        assert everything.length == pytest.approx(shapely.length(lines).sum())
        # Nine streets each way; the outer four are one around three corners, and the bent street goes on from them.
        assert len(lines) == 15

    def test_longer_strokes_come_first(self):
        lines = self.lines([(0, 0), (599, 0)], [(0, 9), (6000, 9)], [(0, 5), (600, 5)], [(0, 1), (2000, 1)])
        level = levels(lines)
        assert level.tolist() == [3, 0, 2, 1]
        assert spatial_order(lines, level).tolist() == [1, 3, 2, 0]

    def test_the_island_holds_the_streets(self, result, page):
        packed = unpack(Tags(page).island("streets"))
        for name, values in street_arrays(result.case, Degrees("EPSG:4547")).items():
            np.testing.assert_array_equal(packed[name], values)
        assert packed["count"].sum() == len(packed["lon"]) == len(packed["lat"])
        assert len(packed["level"]) == len(packed["count"])


class TestCells:
    def test_cells_come_back(self, result, page):
        packed = unpack(Tags(page).island("cells"))
        people = result.case.people
        np.testing.assert_allclose(packed["lon"] / 1e6, people.table["lon"], rtol=0, atol=0.5e-6 + 1e-12)
        np.testing.assert_allclose(packed["lat"] / 1e6, people.table["lat"], rtol=0, atol=0.5e-6 + 1e-12)
        np.testing.assert_array_equal(packed["people_old"], np.full(30, 1000))
        np.testing.assert_array_equal(packed["people_all"], np.full(30, 4000))

    def test_reach_comes_back(self, result, page):
        packed = unpack(Tags(page).island("reach-care"))
        np.testing.assert_array_equal(packed["status"], result.reaches["care"].status)
        for name, values in reach_arrays(result.reaches["care"]).items():
            np.testing.assert_array_equal(packed[name], values)

    def test_rounding_never_crosses_the_limit(self, result):
        reach = result.reaches["care"]
        metres = reach_arrays(reach)["metres"]
        assert set(metres[reach.status == Status.SERVED]) == {int(CARE_M)}
        assert set(metres[reach.status == Status.TOO_FAR]) == {int(CARE_M) + 1}
        assert set(metres[np.isinf(reach.level_m)]) == {-1}

    def test_only_groups_that_a_service_asks_for_are_carried(self, result):
        assert {name for name in cell_arrays(result.case, ("all", "old")) if name.startswith("people_")} == {
            "people_all",
            "people_old",
        }


class TestContent:
    def test_figures_are_those_of_the_tables(self, result):
        content = _content(result)
        for service in content["services"]:
            table, total = result.tables[service["name"]], result.totals[service["name"]]
            for name in FIGURES:
                expected = [None if np.isnan(value) else value for value in table[name].astype(float)]
                assert service["figures"][name] == expected
                assert service["total"][name] == (None if np.isnan(total[name]) else total[name])

    def test_the_ledger_holds_everybody(self, result):
        ledger = _content(result)["services"][0]["ledger"]
        assert ledger["areas"][0] == [80, 10, 10, 0, 0, 0, 0]
        assert ledger["areas"][1] == [50, 40, 0, 10, 0, 0, 0]
        assert ledger["total"] == [230, 50, 10, 10, 0, 0, 0]
        assert ledger["outside"] == 7

    def test_names_of_areas_stand_inside_them(self, result):
        content = _content(result)
        middle = Degrees("EPSG:4547").of((ORIGIN + SIDE_M / 2)[None, :])[0]
        assert content["areas"][0]["label"] == pytest.approx([middle[1], middle[0]], abs=1e-3)
        assert [area["code"] for area in content["areas"]] == ["410701", "410702", "410703", "410704"]

    def test_unknown_capacity_is_null(self, result):
        assert facility_content(result.case)["capacity_beds"] == [20, None, 16, 30, None]

    def test_everybody_who_is_served_walks_to_some_facility(self, result):
        walked = load_content(result.case, walked_to(result))
        for name, reach in result.reaches.items():
            assert len(walked[name]) == len(result.case.facility_rows(reach.service.kinds))
            assert sum(walked[name]) == pytest.approx(result.totals[name]["served_people"])

    def test_everything_is_json_without_nan(self, result, page):
        tags = Tags(page)
        for key in ("study", "facilities"):
            json.loads(tags.island(key), parse_constant=pytest.fail)


OUTSIDE = re.compile(r"""^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*(?!data:)[a-z][a-z0-9+.-]*:""", re.IGNORECASE)


class TestOffline:
    def test_no_tag_refers_to_the_outside(self, page):
        for tag, attributes in Tags(page).tags:
            for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
                assert not OUTSIDE.match(attributes.get(name) or ""), f"<{tag} {name}={attributes[name]}>"
        assert {tag for tag, _ in Tags(page).tags} & {"link", "iframe", "object", "base", "img"} == set()

    def test_no_text_of_the_page_looks_like_a_reference(self, page):
        assert re.findall(r"""(?:src|href)\s*=\s*\\?["']?\s*(?:https?:|//)""", page) == []
        assert all(re.match("data:|#", found) for found in re.findall(r"url\(\s*[\"']?([^)]*)", page))
        assert "sourceMappingURL" not in page

    def test_nothing_of_folium_is_loaded(self, page):
        for name in ("jquery", "bootstrap", "awesome", "cdn.", "glyphicon"):
            assert name not in page.lower()

    def test_policy_comes_first_and_allows_the_scripts_of_the_page_alone(self, page):
        tags = Tags(page)
        names = [tag for tag, _ in tags.tags]
        first = tags.tags[names.index("head") + 1][1]
        assert first["http-equiv"] == "Content-Security-Policy"
        policy = dict(part.strip().split(" ", 1) for part in (first["content"] or "").split(";"))
        code = [text for attributes, text in tags.scripts if "type" not in attributes]
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code]
        assert policy["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]
        assert len(code) == 3
        assert policy["default-src"] == "'none'"
        assert policy["img-src"] == "data: blob:"
        assert "unsafe" not in policy["script-src"]

    def test_scripts_of_added_layers_are_allowed_too(self, result):
        gap_map = draw_map(result)
        plain = gap_map.get_root().render()
        folium.CircleMarker([35.3, 113.9]).add_to(gap_map)
        page = gap_map.get_root().render()
        assert "circleMarker" in page
        assert plain != page
        text = next(text for attributes, text in Tags(page).scripts if "L.circleMarker(\n" in text)
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in page

    def test_charset_is_declared_where_browsers_look_for_it(self, page):
        assert b'<meta charset="utf-8">' in page.encode()[:1024]

    def test_leaflet_carries_its_licence(self, page):
        assert "BSD 2-Clause License" in page
        assert "CloudMade" in page


class TestHostileNames:
    def test_no_name_becomes_markup_or_code(self, page):
        tags = Tags(page)
        assert "img" not in {tag for tag, _ in tags.tags}
        assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        code = "".join(text for attributes, text in tags.scripts if "type" not in attributes)
        assert "alert(" not in code
        assert not any(name.startswith("on") for _, attributes in tags.tags for name in attributes)

    def test_names_arrive_whole(self, page):
        study = json.loads(Tags(page).island("study"))
        assert study["title"] == f"小镇 {HOSTILE}"
        assert study["producer"] == HOSTILE
        assert study["areas"][2]["name"] == f"北区{HOSTILE}"
        assert json.loads(Tags(page).island("facilities"))["name"][0] == HOSTILE

    def test_the_title_is_text(self, page):
        assert "<title>小镇 &lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in page

    def test_islands_escape_what_could_end_them(self):
        text = json_island("x", {"a": "</script><!--&\u2028\u2029"}).text
        assert not set("<>&\u2028\u2029") & set(text)
        assert json.loads(text) == {"a": "</script><!--&\u2028\u2029"}


class TestMap:
    def test_it_is_a_folium_map_with_the_bounds_of_the_areas(self, result):
        gap_map = draw_map(result)
        assert isinstance(gap_map, folium.Map)
        (south, west), (north, east) = gap_map.get_bounds()
        corners = Degrees("EPSG:4547").of(np.array([ORIGIN, ORIGIN + 2 * SIDE_M]))
        np.testing.assert_allclose([[west, south], [east, north]], corners, atol=1e-3)

    def test_the_same_result_gives_the_same_bytes(self, tmp_path: Path):
        one, two = tmp_path / "one.html", tmp_path / "two.html"
        draw_map(measured_town()).save(one)
        again = draw_map(measured_town())
        again.save(two)
        assert one.read_bytes() == two.read_bytes()
        again.save(two)
        assert one.read_bytes() == two.read_bytes()

    def test_it_shows_itself_in_a_notebook(self, result):
        shown = draw_map(result)._repr_html_()
        assert shown.startswith("<div")
        assert "<iframe srcdoc=" in shown
        assert "withinReach.start(map_gap" in shown

    @pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
    def test_the_page_tells_its_language(self, language, tag):
        page = draw_map(measured_town(language)).get_root().render()
        assert f'<html lang="{tag}">' in page
        study = json.loads(Tags(page).island("study"))
        assert study["language"] == language
        assert study["texts"] == {name: dict(words) for name, words in LABELS.items()}

    def test_every_script_is_in_the_page(self):
        stored = {entry.name for entry in ASSETS.iterdir() if entry.name.endswith(".js")}
        assert stored == set(APP_SCRIPTS)
