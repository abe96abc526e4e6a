"""The map in a real browser: opened from disk, with the network off, and used as a planner would."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import folium
import numpy as np
import pytest

from browsing import Watched
from map_town import CLINIC_M, HOSTILE, ORIGIN, SIDE_M, measured_town
from withinreach.maps import draw_map
from withinreach.maps.facilities import load_content, walked_to
from withinreach.maps.labels import LABELS
from withinreach.maps.shapes import Degrees

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

TEXT = LABELS["zh"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("map") / "index.html"
    draw_map(measured_town()).save(path)
    return path


@pytest.fixture
def watched(browser, saved, tmp_path, request) -> Iterator[Watched]:
    """A new page, offline; whatever a test does, the page must stay silent and without requests."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    yield watched
    if watched.page.url != "about:blank":
        watched.page.screenshot(path=tmp_path / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def page(watched, saved) -> Iterator[Page]:
    yield watched.open(saved)
    watched.check(saved)


def _at(page: Page, metres: tuple[float, float]) -> tuple[float, float]:
    """Where a place of the town, in metres from its corner, lies on the screen."""
    lon, lat = Degrees("EPSG:4547").of((ORIGIN + np.array(metres))[None, :])[0].tolist()
    script = """([lat, lon]) => {
        const box = map_gap.getContainer().getBoundingClientRect();
        const point = map_gap.latLngToContainerPoint([lat, lon]);
        return [box.x + point.x, box.y + point.y];
    }"""
    x, y = page.evaluate(script, [lat, lon])
    return x, y


def _look_at(page: Page, metres: tuple[float, float], zoom: float) -> None:
    lon, lat = Degrees("EPSG:4547").of((ORIGIN + np.array(metres))[None, :])[0].tolist()
    page.evaluate("([lat, lon, zoom]) => map_gap.setView([lat, lon], zoom, {animate: false})", [lat, lon, zoom])


def _pixel(page: Page, pane: str, metres: tuple[float, float]) -> list[int]:
    """Colour (red, green, blue, alpha) of a layer's canvas at a place of the town."""
    x, y = _at(page, metres)
    script = """([pane, x, y]) => {
        const canvas = document.querySelector(`.leaflet-${pane}-pane canvas`);
        const box = canvas.getBoundingClientRect();
        const ratio = canvas.width / box.width;
        const copy = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const context = copy.getContext("2d");
        context.drawImage(canvas, -Math.floor((x - box.x) * ratio), -Math.floor((y - box.y) * ratio));
        return Array.from(context.getImageData(0, 0, 1, 1).data);
    }"""
    return page.evaluate(script, [pane, x, y])


def _texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def test_the_map_stands_in_the_page(page):
    assert page.locator("#map_gap.leaflet-container").is_visible()
    assert page.locator("#wr-title").text_content() == f"小镇 {HOSTILE}"
    assert page.locator("#wr-notice").is_visible()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert _texts(page, "#wr-tabs [role=tab]") == ["养老", "诊所"]
    assert page.locator(".leaflet-control-scale-line").is_visible()
    assert page.locator(".north").inner_text() == TEXT["north"]


def test_the_legend_has_the_policy_classes_and_the_limit(page):
    legend = page.locator("#wr-legend")
    assert legend.locator(".legend-limit").inner_text() == "15 分钟 · 0.9 m/s · 810 m"
    shares = legend.locator(".legend-group", has_text=TEXT["layer_coverage"]).locator("li")
    assert shares.all_inner_texts() == ["< 60%", "60–80%", "80–95%", "≥ 95%", TEXT["no_people"]]
    # All uncovered cells hold ten people per hectare, so the breaks begin there.
    people = legend.locator(".legend-group", has_text=TEXT["layer_uncovered"]).locator("li")
    assert people.all_inner_texts() == ["< 10", "10–20", "20–50", "≥ 50"]


def test_areas_wear_the_colour_of_their_class(page):
    fills = page.locator(".leaflet-wr-fills-pane path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('fill'))"
    )
    swatches = page.locator("#wr-legend li .swatch").evaluate_all("signs => signs.map(sign => sign.style.background)")
    as_rgb = "colour => { const box = document.createElement('i'); box.style.color = colour; return box.style.color; }"
    west, east, north, empty = fills
    assert page.evaluate(as_rgb, west) == swatches[2]
    assert page.evaluate(as_rgb, east) == swatches[0]
    assert page.evaluate(as_rgb, north) == swatches[3]
    assert empty == "url(#wr-hatch)"


def test_the_table_has_the_figures_of_the_result(page):
    table = measured_town().tables["care"]
    rows = page.locator(".areas tbody tr")
    assert rows.count() == len(table)
    for row, expected in enumerate(table.itertuples()):
        cells = {cell.get_attribute("data-column"): cell.inner_text() for cell in rows.nth(row).locator("td").all()}
        missing = np.isnan(expected.coverage)
        assert rows.nth(row).locator("th").text_content() == expected.name
        assert cells["coverage"] == ("—" if missing else f"{expected.coverage * 100:.1f}%")
        assert cells["people"] == f"{expected.people:,.0f}"
        assert cells["uncovered_people"] == f"{expected.uncovered_people:,.0f}"
        assert cells["median_min"] == ("—" if np.isnan(expected.median_min) else f"{expected.median_min:.1f}")
        assert cells["facilities"] == f"{expected.facilities}"
        unknown = np.isnan(expected.capacity_per_1000)
        assert cells["capacity_per_1000"] == ("—" if unknown else f"{expected.capacity_per_1000:,.2f}")
        assert cells["gap_places"] == ("—" if np.isnan(expected.gap_places) else f"{math.ceil(expected.gap_places):,d}")
    assert _texts(page, ".areas tfoot td")[:4] == ["76.7%", "76.7%", "70", "300"]
    assert page.locator(".areas tfoot th").inner_text() == TEXT["total"]


def test_the_panel_sums_up_the_whole_study(page):
    assert page.locator(".headline").inner_text().endswith("76.7%")
    assert page.locator("[data-figure=people] .value").inner_text() == "300"
    assert page.locator("[data-figure=served] .value").inner_text() == "230"
    assert page.locator("[data-figure=uncovered] .value").inner_text() == "70"
    assert page.locator("[data-status=too_far] .stack-people").inner_text() == "50 人"
    assert page.locator("[data-status=not_connected] .stack-share").inner_text() == "3.3%"
    widths = page.locator(".stack span").evaluate_all("parts => parts.map(part => parseFloat(part.style.width))")
    assert sum(widths) == pytest.approx(100)
    assert any("7 人" in note for note in _texts(page, "#wr-panel .note"))


def test_tabs_change_legend_table_and_figures(page):
    page.get_by_role("tab", name="诊所").click()
    page.wait_for_selector("[role=tab][aria-selected=true] >> text=诊所")
    assert page.locator(".legend-limit").inner_text() == f"15 分钟 · 1 m/s · {CLINIC_M:.0f} m"
    assert page.locator(".headline").inner_text().endswith("100.0%")
    assert _texts(page, ".areas tbody td[data-column=coverage]") == ["100.0%", "100.0%", "100.0%", "—"]
    assert page.locator(".areas [data-column=gap_places]").count() == 0
    assert page.locator(".area-share").all_inner_texts() == ["100.0%", "100.0%", "100.0%", "—"]


def test_tabs_follow_the_arrow_keys(page):
    page.get_by_role("tab", name="养老").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[role=tab][aria-selected=true] >> text=诊所")
    assert page.evaluate("document.activeElement.textContent") == "诊所"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[role=tab][aria-selected=true] >> text=养老")


def test_a_hostile_name_is_only_text(page):
    page.mouse.click(*_at(page, (950, 300)))
    popup = page.locator(".leaflet-popup-content")
    popup.wait_for()
    assert popup.locator("h3").text_content() == HOSTILE
    assert popup.locator("img, script").count() == 0
    assert page.locator("img[src=x]").count() == 0
    assert "20 个" in popup.inner_text()
    assert "西区" in popup.inner_text()
    assert "H1" in popup.inner_text()


def test_an_unknown_capacity_is_a_dash(page):
    page.mouse.click(*_at(page, (3000, 300)))
    facts = page.locator(".leaflet-popup-content .facts")
    facts.wait_for()
    assert facts.inner_text().split("\n")[:3] == ["床位", "—", LABELS["zh"]["load"]]


def test_a_facility_tells_who_walks_to_it(page):
    page.mouse.click(*_at(page, (950, 300)))
    facts = page.locator(".leaflet-popup-content .facts")
    facts.wait_for()
    told = facts.inner_text().split("\n")
    people = load_content(measured_town().case, walked_to(measured_town()))["care"][0]
    beds = str.format(TEXT["site_per_place"], capacity="床位", people=f"{people / 20:.1f} {TEXT['unit_people']}")
    want = f"{people:.0f} {TEXT['unit_people']} · {beds}"
    assert dict(zip(told[::2], told[1::2], strict=True))[TEXT["load"]] == want


def test_a_facility_tells_its_name_under_the_pointer(page):
    page.mouse.move(*_at(page, (950, 300)))
    page.wait_for_selector("#wr-tip:not([hidden])")
    assert page.locator("#wr-tip").text_content() == HOSTILE
    assert page.locator("#wr-tip img").count() == 0


def test_a_cell_tells_people_way_and_reason(page):
    # The last cells of the west are too far and not connected; the eighth is served at the very limit.
    expected = {
        (950, 850): ["时限内可达", "15.0 分钟 · 810 米"],
        (1050, 850): [TEXT["status_too_far"], "15.1 分钟 · 811 米"],
        (1150, 850): [TEXT["status_not_connected"], TEXT["no_way"]],
    }
    _look_at(page, (1000, 1000), 14)
    for place, words in expected.items():
        page.mouse.move(*_at(page, place))
        page.wait_for_function("word => document.getElementById('wr-tip').textContent.includes(word)", arg=words[0])
        tip = page.locator("#wr-tip").inner_text()
        assert "10.0 人" in tip
        assert "西区" in tip
        assert all(word in tip for word in words)


def test_uncovered_cells_are_drawn_and_served_ones_are_not(page):
    for zoom in (14, 12.5):
        _look_at(page, (2000, 1000), zoom)
        assert _pixel(page, "wr-cells", (1050, 850))[3] == 255
        assert _pixel(page, "wr-cells", (750, 750)) == [0, 0, 0, 0]
    cells = page.locator("#wr-layer-uncovered")
    cells.uncheck()
    assert page.locator(".leaflet-wr-cells-pane canvas").count() == 0
    cells.check()
    assert page.locator(".leaflet-wr-cells-pane canvas").count() == 1


def test_far_away_cells_are_summed(page):
    _look_at(page, (1000, 1000), 12)
    page.mouse.move(*_at(page, (950, 800)))
    page.wait_for_function("() => document.getElementById('wr-tip').textContent.includes('此处')")
    found = page.locator(".tip-cell").inner_text()
    people = float(found.split("·")[1].split("人")[0])
    assert 10 <= people <= 100


def test_streets_and_water_are_drawn_and_can_be_switched_off(page):
    _look_at(page, (2000, 2000), 14)
    assert _pixel(page, "wr-streets", (1250, 500))[3] > 0
    assert _pixel(page, "wr-water", (3200, 3000))[3] == 255
    # The island in the lake is dry.
    assert _pixel(page, "wr-water", (3000, 3000))[3] == 0
    for name in ("streets", "water", "facilities"):
        page.locator(f"#wr-layer-{name}").uncheck()
        assert page.locator(f".leaflet-wr-{name}-pane canvas").count() == 0
    page.locator("#wr-layer-coverage").uncheck()
    opacities = page.locator(".leaflet-wr-fills-pane path").evaluate_all(
        "p => p.map(x => x.getAttribute('fill-opacity'))"
    )
    assert set(opacities) == {"0"}


def test_a_row_selects_its_area_and_back(page):
    page.locator(".areas tbody button", has_text="东区").click()
    assert page.locator(".scope").inner_text() == "东区"
    assert page.locator(".scope-code").inner_text() == "410702"
    assert page.locator(".headline").inner_text().endswith("50.0%")
    assert page.locator(".areas tr[aria-current=true] th").inner_text().strip() == "东区"
    page.locator(".back").click()
    assert page.locator(".scope").inner_text() == TEXT["whole_study"]
    assert page.locator(".areas tr[aria-current=true]").count() == 0


def test_a_click_on_the_map_selects_the_area(page):
    page.mouse.click(*_at(page, (3000, 1500)))
    page.wait_for_function("() => document.querySelector('.scope').textContent === '东区'")
    assert page.locator(".areas tr.selected th").inner_text().strip() == "东区"


def test_columns_sort_with_missing_figures_last(page):
    button = page.locator("thead button[data-column=coverage]")
    button.click()
    assert _texts(page, "tbody td[data-column=coverage]") == ["100.0%", "80.0%", "50.0%", "—"]
    assert page.locator("thead th[aria-sort=descending]").count() == 1
    # The keyboard stays on the heading, so the other direction is one key away.
    page.keyboard.press("Enter")
    assert _texts(page, "tbody td[data-column=coverage]") == ["50.0%", "80.0%", "100.0%", "—"]
    assert _texts(page, "tfoot td[data-column=coverage]") == ["76.7%"]


def test_facilities_are_listed_for_the_keyboard(page):
    page.locator(".areas tbody button", has_text="东区").click()
    page.locator(".facility-list summary").click()
    page.locator(".facility-list li").first.wait_for()
    assert _texts(page, ".facility-list li") == ["东院"]
    page.locator(".facility-list li button").click()
    page.wait_for_selector(".leaflet-popup-content h3 >> text=东院")


def test_the_footer_tells_dates_system_and_boundaries(page):
    foot = page.locator("#wr-foot").text_content()
    for words in (
        "2025年6月30日",
        "2020年11月1日",
        "EPSG:4547",
        TEXT["footer_boundaries"],
        TEXT["footer_method"],
        HOSTILE,
    ):
        assert words in foot


def test_the_panel_folds_away(page):
    width = page.locator("#map_gap").bounding_box()["width"]
    page.locator(".panel-toggle").click()
    assert not page.locator("#wr-panel").is_visible()
    assert page.locator("#map_gap").bounding_box()["width"] > width
    assert page.locator(".panel-toggle").get_attribute("aria-expanded") == "false"


def _sheet_mm(printed: bytes) -> tuple[float, float]:
    width, height = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed).groups()
    return float(width) / 72 * 25.4, float(height) / 72 * 25.4


def test_it_prints_on_one_sheet_and_returns(page, tmp_path):
    before = page.evaluate("[map_gap.getZoom(), map_gap.getCenter().lat]")
    page.pdf(path=tmp_path / "map.pdf", prefer_css_page_size=True, print_background=True)
    printed = (tmp_path / "map.pdf").read_bytes()
    assert printed.count(b"/Type /Page\n") == 1
    assert _sheet_mm(printed) == pytest.approx((297, 210), abs=0.5)
    assert page.evaluate("[map_gap.getZoom(), map_gap.getCenter().lat]") == pytest.approx(before)
    assert page.get_attribute("html", "class") == ""


def test_a3_is_laid_out_before_printing(watched, saved, tmp_path):
    watched.page.add_init_script("window.print = () => { window.printed = document.documentElement.className; }")
    page = watched.open(saved)
    page.get_by_role("button", name=TEXT["print_a3"]).click()
    assert page.evaluate("window.printed") == "printing print-a3"
    page.pdf(path=tmp_path / "map.pdf", prefer_css_page_size=True, print_background=True)
    printed = (tmp_path / "map.pdf").read_bytes()
    assert printed.count(b"/Type /Page\n") == 1
    assert _sheet_mm(printed) == pytest.approx((420, 297), abs=0.5)
    assert page.get_attribute("html", "class") == ""


def test_a_notebook_shows_it_in_a_frame(watched, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{draw_map(measured_town())._repr_html_()}", "utf-8")
    watched.page.goto(path.as_uri())
    frame = watched.page.frame_locator("iframe")
    frame.locator("html[data-state=ready]").wait_for(state="attached")
    assert frame.locator(".scope").inner_text() == TEXT["whole_study"]
    assert watched.errors == []


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (390, 844)])
def test_nothing_overlaps_at_common_sizes(watched, saved, size):
    watched.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = watched.open(saved)
    boxes = {
        name: page.locator(selector).bounding_box()
        for name, selector in {
            "legend": "#wr-legend",
            "zoom": ".zoom",
            "finder": ".finder",
            "scale": ".leaflet-control-scale",
            "header": ".bar",
            "footer": "#wr-foot",
            "panel": "#wr-panel",
        }.items()
    }
    names = list(boxes)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            assert not _overlap(boxes[one], boxes[other]), (one, other, boxes[one], boxes[other])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    watched.check(saved)


def _overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    apart = (
        one["x"] + one["width"] <= other["x"] + 0.5
        or other["x"] + other["width"] <= one["x"] + 0.5
        or one["y"] + one["height"] <= other["y"] + 0.5
        or other["y"] + other["height"] <= one["y"] + 0.5
    )
    return not apart


def test_english(watched, tmp_path):
    path = tmp_path / "english.html"
    draw_map(measured_town("en", title="Town")).save(path)
    page = watched.open(path)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator(".scope").inner_text() == LABELS["en"]["whole_study"]
    assert page.locator(".legend-limit").inner_text() == "15 min · 0.9 m/s · 810 m"
    assert LABELS["en"]["footer_boundaries"] in page.locator("#wr-foot").inner_text()
    watched.check(path)


@pytest.mark.parametrize(
    ("language", "figure", "unit", "cell"),
    [("zh", "30.00", "万人", "10.00"), ("en", "300,000", "people", "100,000")],
)
def test_many_people_are_counted_as_readers_do(watched, tmp_path, language, figure, unit, cell):
    path = tmp_path / "many.html"
    draw_map(measured_town(language, times=1000)).save(path)
    page = watched.open(path)
    assert page.locator("[data-figure=people] dd").inner_text().split() == [figure, unit]
    assert _texts(page, "tbody td[data-column=people]")[0] == cell
    assert page.locator("thead button[data-column=people] .column-unit").inner_text() == unit
    watched.check(path)


def test_layers_of_a_user_are_drawn_under_the_same_policy(watched, tmp_path):
    path = tmp_path / "own.html"
    gap_map = draw_map(measured_town())
    lon, lat = Degrees("EPSG:4547").of((ORIGIN + SIDE_M)[None, :])[0].tolist()
    folium.Marker([lat, lon]).add_to(gap_map)
    folium.Circle([lat, lon], radius=300).add_to(gap_map)
    gap_map.save(path)
    page = watched.open(path)
    marker = page.locator("img.leaflet-marker-icon")
    assert marker.evaluate("image => image.naturalWidth") == 25
    assert page.locator(".leaflet-overlay-pane path").count() == 1
    watched.check(path)


def test_a_foreign_script_is_refused(watched, saved, tmp_path):
    """The policy is at work: a script that was not there when the page was rendered does not run."""
    path = tmp_path / "tampered.html"
    path.write_text(saved.read_text("utf-8").replace("</body>", "<script>window.foreign = 1</script></body>"), "utf-8")
    page = watched.open(path)
    assert page.evaluate("window.foreign") is None
    assert any("Content Security Policy" in error for error in watched.errors)


def test_an_old_browser_is_told_why(watched, saved):
    watched.page.add_init_script("delete window.DecompressionStream")
    watched.page.goto(saved.as_uri())
    watched.page.wait_for_selector("html[data-state=failed]")
    assert TEXT["old_browser"] in watched.page.locator("#wr-failure").inner_text()
