"""The page speaks both languages: after a switch it reads as if it had been made in the other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import withinreach as wr
from browsing import Watched
from map_town import measured_town
from withinreach.maps import draw_area, draw_map
from withinreach.maps.content import Links
from withinreach.maps.labels import LABELS
from withinreach.publishing.folders import publish

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

OTHER = {"zh": "en", "en": "zh"}
# Everything that a reader sees or hears; the switch itself names the other language.
TOLD = """() => {
    const told = [document.title, document.documentElement.lang];
    for (const node of document.body.querySelectorAll("*")) {
        if (node.closest(".language-switch, noscript, script, style")) continue;
        for (const name of ["aria-label", "title", "alt", "placeholder", "lang"]) {
            if (node.hasAttribute(name)) told.push(name + "=" + node.getAttribute(name));
        }
        for (const child of node.childNodes) {
            if (child.nodeType === Node.TEXT_NODE && child.data.trim()) told.push(child.data.trim());
        }
    }
    return told;
}"""


def _opened(browser: Browser, path: Path) -> tuple[Watched, Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    return watched, watched.open(path)


def _switch(page: Page, to: str) -> None:
    page.get_by_role("button", name=LABELS[to]["language_name"], exact=True).click()
    assert page.get_attribute("html", "lang") == LABELS[to]["tag"]


def _drawn(language: str, kind: str, folder: Path) -> Path:
    path = folder / f"{kind}-{language}.html"
    result = measured_town(language, times=1000)
    links = Links(home="../index.html")
    made = draw_map(result) if kind == "map" else draw_area(result, "410701", links=links)
    made.save(str(path))
    return path


@pytest.mark.parametrize("kind", ["map", "area"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_switched_page_is_the_page_of_the_other_language(browser, tmp_path, language, kind):
    watched, page = _opened(browser, _drawn(language, kind, tmp_path))
    other_watched, other = _opened(browser, _drawn(OTHER[language], kind, tmp_path))
    before, wanted = page.evaluate(TOLD), other.evaluate(TOLD)
    _switch(page, OTHER[language])
    assert page.evaluate(TOLD) == [told.replace(".html", f".html#lang={OTHER[language]}") for told in wanted]
    assert before != wanted
    _switch(page, language)
    assert page.evaluate(TOLD) == before
    for one, name in ((watched, language), (other_watched, OTHER[language])):
        one.check(tmp_path / f"{kind}-{name}.html")
        one.page.context.close()


def test_figures_are_written_as_readers_of_the_language_do(browser, tmp_path):
    watched, page = _opened(browser, _drawn("zh", "map", tmp_path))
    people = page.locator("[data-figure=people] dd")
    assert people.inner_text().split() == ["30.00", "万人"]
    _switch(page, "en")
    assert people.inner_text().split() == ["300,000", "people"]
    assert page.locator("thead button[data-column=people] .column-unit").inner_text() == "people"
    assert "June 30, 2025" in page.locator("#wr-foot").inner_text()
    watched.page.context.close()


def test_what_was_chosen_stays_chosen(browser, tmp_path):
    watched, page = _opened(browser, _drawn("zh", "map", tmp_path))
    page.get_by_role("tab", name="诊所").click()
    page.locator(".areas tbody button", has_text="东区").click()
    page.locator("#wr-layer-water").uncheck()
    _switch(page, "en")
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "诊所"
    assert page.locator(".scope").inner_text() == "东区"
    assert not page.locator("#wr-layer-water").is_checked()
    watched.page.context.close()


def test_the_next_page_speaks_the_language_that_was_chosen(browser, town, tmp_path):
    publish(wr.analyse(wr.prepare(wr.load_study(town))), tmp_path / "out")
    watched, page = _opened(browser, tmp_path / "out" / "index.html")
    _switch(page, "zh")
    page.locator(".areas tbody button").first.click()
    page.get_by_role("link", name=LABELS["zh"]["to_area"]).click()
    page.wait_for_selector("html[data-state=ready]")
    assert page.get_attribute("html", "lang") == LABELS["zh"]["tag"]
    assert page.url.endswith("#lang=zh")
    page.get_by_role("link", name=LABELS["zh"]["to_overview"]).click()
    page.wait_for_selector("html[data-state=ready]")
    assert page.get_attribute("html", "lang") == LABELS["zh"]["tag"]
    watched.page.context.close()
