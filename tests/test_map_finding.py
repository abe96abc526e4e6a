"""Finding places by their names, and filtering facilities by what the data tell of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import withinreach as wr
from browsing import Watched, offline_page
from map_town import measured_town
from withinreach.maps import draw_area, draw_map
from withinreach.maps.facilities import facility_content, idle_rows, unit_content
from withinreach.maps.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from withinreach.analysis import Result
    from withinreach.model import Case

TEXT = LABELS["zh"]
CODE = "410782"


def with_idle_stations(case: Case) -> Case:
    """The case with every seventh facility planned, the next one closed, and the status of the one after unknown."""
    number = np.arange(len(case.facilities)) % 7
    status = case.facilities.table["status"].to_numpy(object, copy=True)
    status[number == 0], status[number == 1], status[number == 2] = "planned", "closed", None
    table = case.facilities.table.assign(status=status)
    return replace(case, facilities=replace(case.facilities, table=table))


@pytest.fixture(scope="module")
def result() -> Result:
    return wr.analyse(with_idle_stations(wr.sample_case()))


@pytest.fixture(scope="module")
def saved(result, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("area") / "area.html"
    draw_area(result, CODE).save(str(path))
    return path


@pytest.fixture
def page(browser, saved) -> Iterator[Page]:
    with offline_page(browser, saved) as page:
        yield page


def _find(page: Page, words: str) -> list[str]:
    page.get_by_role("combobox", name=TEXT["find"]).fill(words)
    return page.locator("#wr-found .found-name").all_inner_texts()


def test_areas_come_first_then_villages_then_facilities(browser, result, tmp_path):
    path = tmp_path / "all.html"
    draw_map(result).save(str(path))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    page = watched.open(path)
    assert _find(page, "辉县市")[0] == "辉县市"
    assert _find(page, " 410782 ") == ["辉县市"]
    page.keyboard.press("Enter")
    assert page.locator(".scope").inner_text() == "辉县市"
    village = result.case.units["village"].places.table["name"].iloc[3]
    assert _find(page, village)[0] == village
    page.keyboard.press("Enter")
    page.locator(".leaflet-popup-content h3", has_text=village).wait_for()
    watched.check(path)
    context.close()


def test_a_facility_is_found_by_keyboard_on_the_tab_of_its_service(page, result):
    table = result.case.facilities.table
    inside = result.case.facilities.area == result.case.areas.rows_of([CODE])[0]
    name = table.loc[inside & (table["kind"] == "clinic") & (table["status"] == "operating"), "name"].iloc[0]
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "wr-find":
        page.keyboard.press("Tab")
    page.keyboard.type(name)
    assert page.get_by_role("combobox", name=TEXT["find"]).get_attribute("aria-expanded") == "true"
    page.keyboard.press("Enter")
    page.locator(".leaflet-popup-content h3", has_text=name).wait_for()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == "诊所"
    assert page.evaluate("map_gap.getZoom()") >= 15
    assert page.locator("#wr-found").is_hidden()


def test_arrows_walk_through_what_was_found_and_escape_closes(page):
    found = _find(page, "示例养老")
    box = page.get_by_role("combobox", name=TEXT["find"])
    assert len(found) == 12
    assert page.locator("#wr-found li").last.inner_text().startswith("另有")
    assert box.get_attribute("aria-activedescendant") == "wr-found-0"
    page.keyboard.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") == "wr-found-11"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator("#wr-found [aria-selected=true] .found-name").inner_text() == found[1]
    page.keyboard.press("Escape")
    assert page.locator("#wr-found").is_hidden()
    assert _find(page, "没有这个名字") == []
    assert page.locator("#wr-found").inner_text() == TEXT["find_none"].format(words="没有这个名字")


def _listed(page: Page) -> list[str]:
    page.evaluate("document.querySelector('.facility-list').open = true")
    page.locator(".facility-list li").first.wait_for(state="attached")
    return page.locator(".facility-list li").all_inner_texts()


def test_a_filter_shows_what_was_ticked(page, result):
    here = result.case.facilities.table[result.case.facilities.area == result.case.areas.rows_of([CODE])[0]]
    care = here[here["kind"].isin(result.case.study.taxonomy.within(("elder_care",)))]
    usual = care[~care["status"].isin(["planned", "closed"])]
    listed = set(_listed(page)) & set(care["name"])
    assert listed == set(usual["name"])
    page.locator("#wr-filter summary").click()
    coverage = page.locator(".headline").inner_text()
    assert page.locator("#wr-filter legend").all_inner_texts() == ["类别", "级别", "性质", "状态"]
    page.get_by_role("checkbox", name="规划").check()
    page.get_by_role("checkbox", name="公办", exact=False).first.uncheck()
    wanted = care[(care["status"] != "closed") & (care["ownership"] != "public")]
    assert set(_listed(page)) & set(care["name"]) == set(wanted["name"])
    assert page.locator(".headline").inner_text() == coverage
    assert "显示" in page.locator("#wr-filter summary").inner_text()
    page.get_by_role("button", name=TEXT["filter_reset"]).click()
    assert set(_listed(page)) & set(care["name"]) == set(usual["name"])


def test_what_is_filtered_out_cannot_be_clicked(page, result):
    here = result.case.facilities.area == result.case.areas.rows_of([CODE])[0]
    table = result.case.facilities.table
    care = table["kind"].isin(result.case.study.taxonomy.within(("elder_care",)))
    row = table[here & care & (table["status"] == "closed")].iloc[0]
    page.evaluate("([lat, lon]) => map_gap.setView([lat, lon], 17, {animate: false})", [row["lat"], row["lon"]])
    at = page.evaluate(
        """([lat, lon]) => {
            const box = map_gap.getContainer().getBoundingClientRect();
            const point = map_gap.latLngToContainerPoint([lat, lon]);
            return [box.x + point.x, box.y + point.y];
        }""",
        [row["lat"], row["lon"]],
    )
    page.mouse.click(*at)
    assert page.locator(".card-popup h3", has_text=row["name"]).count() == 0
    page.locator("#wr-filter summary").click()
    page.get_by_role("checkbox", name=TEXT["value_closed"]).check()
    page.mouse.click(*at)
    card = page.locator(".card-popup", has=page.locator("h3", has_text=row["name"]))
    card.wait_for()
    assert TEXT["value_closed"] in card.inner_text()


def test_the_islands_hold_what_the_case_says(result):
    case = result.case
    content = facility_content(case)
    for filter_ in content["filters"]:
        column = case.facilities.table[filter_["name"]]
        told = [None if at < 0 else filter_["values"][at] for at in filter_["of"]]
        expected = [None if pd.isna(value) else value for value in column.astype(object)]
        assert told == expected
    assert [filter_["name"] for filter_ in content["filters"]] == ["kind", "star", "level", "ownership", "status"]
    units = unit_content(case)
    assert units["name"] == list(case.units["village"].places.table["name"])
    for service in case.study.services.values():
        kinds = case.study.taxonomy.within(service.kinds)
        idle = idle_rows(case, service.kinds)
        assert set(case.facilities.table["status"].iloc[idle]) == {"planned", "closed"}
        both = np.union1d(idle, case.facility_rows(service.kinds))
        np.testing.assert_array_equal(both, np.flatnonzero(case.facilities.table["kind"].isin(kinds)))


def test_no_filter_stands_where_the_data_tell_nothing(browser, tmp_path):
    path = tmp_path / "town.html"
    town = measured_town()
    assert [filter_["name"] for filter_ in facility_content(town.case)["filters"]] == ["kind"]
    draw_map(town).save(str(path))
    context = browser.new_context(offline=True)
    page = Watched(context.new_page()).open(path)
    # One kind of facility alone is no choice.
    assert page.locator("#wr-filter").is_hidden()
    context.close()
