"""Whatever the inputs call things: on a page it is text. Nothing runs, nothing is fetched, nothing loses its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from browsing import Watched
from hostile import CORPUS, LONG, hostile_town
from withinreach.maps import draw_area, draw_map
from withinreach.maps.labels import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

TEXT = LABELS["zh"]
# What shows each text of the inputs once everything is open.
SHOWN = {
    "title": "#wr-title",
    "notice": "#wr-notice",
    "producer and review number": "#wr-foot",
    "service": ".tab",
    "group": ".question",
    "capacity": "[data-figure=capacity]",
    "norm": ".figures .note",
    "area on the map": ".area-name",
    "area in the table": ".areas tbody th",
    "pocket": ".pockets",
    "register": ".register",
    "target": ".target-words",
    "unit of a target": ".target-figures",
    "remark of a target": ".target-list .note",
    "facility": ".facility-list li",
    "value of a filter": ".filter-value",
    "found": ".found-name",
    "facility card": ".card-popup h3",
}


@pytest.fixture(scope="module", params=list(CORPUS))
def text(request) -> str:
    return CORPUS[request.param]


@pytest.fixture(scope="module")
def folder(text, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    town, judgement = hostile_town(text)
    draw_map(town, judgement=judgement).save(str(folder / "map.html"))
    draw_area(town, "410702", judgement=judgement).save(str(folder / "area.html"))
    return folder


def _open_everything(page: Page) -> None:
    for _ in range(3):
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(30)
    page.locator("#wr-find").focus()
    # The first letter that every name has, whatever comes before it.
    page.evaluate(
        """() => {
            const find = document.getElementById("wr-find");
            find.value = document.querySelector(".areas tbody th button").textContent.slice(0, 40);
            find.dispatchEvent(new Event("input"));
        }"""
    )
    page.evaluate("document.querySelector('.facility-list li button').click()")
    page.locator(".leaflet-popup-content h3").wait_for()


@pytest.mark.parametrize("kind", ["map", "area"])
def test_hostile_texts_are_shown_as_texts(browser, folder, text, kind):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    page = watched.open(folder / f"{kind}.html")
    _open_everything(page)
    wanted = text.strip()
    for field, selector in SHOWN.items():
        shown = page.locator(selector).all_text_contents()
        assert any(wanted in one for one in shown), f"{field}: {[one[:80] for one in shown[:3]]}"
    told, asked = (re.sub(r"[\s\x00-\x1f\x7f\ufffd]+", "", one) for one in (page.evaluate("document.title"), text))
    assert told.startswith(asked)
    for selector in ("img", "svg[onload]", "b", "[onerror]", "iframe", "a[href^=javascript]"):
        assert page.locator(f"body {selector}").count() == 0, selector
    watched.check(folder / f"{kind}.html")
    context.close()


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
@pytest.mark.parametrize("kind", ["map", "area"])
def test_hostile_texts_do_not_break_the_layout(browser, folder, kind, size):
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    page = Watched(context.new_page()).open(folder / f"{kind}.html")
    boxes = {name: page.locator(name).bounding_box() for name in (".bar", "#wr-view", "#wr-panel", "#wr-foot")}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert boxes[".bar"]["height"] <= 0.28 * height
    assert boxes["#wr-view"]["height"] >= 0.5 * height
    assert boxes["#wr-foot"]["height"] <= 0.35 * height
    legend = page.locator("#wr-legend").bounding_box()
    assert legend["width"] <= 0.7 * width
    assert legend["height"] <= boxes["#wr-view"]["height"]
    _open_everything(page)
    popup = page.locator(".leaflet-popup").bounding_box()
    assert popup["height"] <= 0.6 * boxes["#wr-view"]["height"]
    assert page.locator("#wr-found").bounding_box()["height"] <= 420
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in (".facility-list li", ".pockets li", ".areas tbody tr", ".target-list li", ".filter label"):
        tall = page.locator(name).evaluate_all("rows => Math.max(0, ...rows.map(row => row.offsetHeight))")
        assert tall <= 0.5 * height, name
    context.close()


def test_the_corpus_is_what_it_claims():
    assert len(CORPUS["long word"]) == LONG
    assert len(CORPUS["long words"]) == LONG
    everything = "".join(CORPUS.values())
    assert all(sign in everything for sign in ("</script>", "${", "\x00", "\u202e", "\u2028", "👨‍👩‍👧‍👦", "onerror="))
