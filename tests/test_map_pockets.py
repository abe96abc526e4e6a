"""Pockets on the page: ranked as siting finds them, and the list and the map lead to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import withinreach as wr
from browsing import Watched, offline_page
from map_town import measured_town
from withinreach.analysis import result_of
from withinreach.maps import draw_area, draw_map
from withinreach.maps.labels import LABELS
from withinreach.maps.pockets import LISTED, pocket_arrays, pocket_content, worst_pockets
from withinreach.model import part_around

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from withinreach.analysis import Result

TEXT = LABELS["zh"]
CODE = "410782"


@pytest.fixture(scope="module")
def result(sample_result) -> Result:
    return sample_result


@pytest.fixture(scope="module")
def saved(result, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pockets") / "all.html"
    draw_map(result).save(str(path))
    return path


@pytest.fixture
def page(browser, saved) -> Iterator[Page]:
    with offline_page(browser, saved) as page:
        yield page


def test_pockets_of_the_town_can_be_counted_by_hand():
    """In the east five cells of the second row are not served, in the west the last two; each has ten people."""
    town = measured_town()
    pockets = worst_pockets(town, "care")
    content = pocket_content(town, pockets)
    assert content["count"] == 2
    told = [(one["people"], one["reason"], one["area"], one["place"]) for one in content["listed"]]
    assert told == [(50, "distance", 1, ""), (20, "distance", 0, "")]
    assert [one["metres"] for one in content["listed"]] == pytest.approx([810.001, 810.001])
    rank = pocket_arrays(pockets)["pocket"]
    assert rank.tolist() == [0] * 8 + [2, 2] + [0] * 5 + [1] * 5 + [0] * 10
    assert pocket_content(town, worst_pockets(town, "clinic")) == {"count": 0, "listed": []}


@pytest.mark.parametrize("service", ["elder_care", "clinic"])
def test_they_are_those_of_explain_gaps(result, service):
    """Of the whole, and of one county alone, whose people are the same."""
    for one in (result, result_of(result, part_around(result.case, 13, 2000.0))):
        table = wr.explain_gaps(one, service, links=0).pockets
        content = pocket_content(one, worst_pockets(one, service))
        assert content["count"] == len(table)
        worst = table.head(LISTED)
        codes = list(one.case.areas.table["code"])
        for name in ("people", "reason"):
            assert [pocket[name] for pocket in content["listed"]] == worst[name].tolist()
        assert [codes[pocket["area"]] for pocket in content["listed"]] == worst["code"].tolist()
        minutes = [np.nan if pocket["minutes"] is None else pocket["minutes"] for pocket in content["listed"]]
        np.testing.assert_array_equal(minutes, worst["minutes"])
        rank = pocket_arrays(worst_pockets(one, service))["pocket"]
        people = one.case.people_of(one.reaches[service].service.people)
        sums = np.bincount(rank, people, minlength=LISTED + 1)[1 : len(worst) + 1]
        np.testing.assert_allclose(sums, worst["people"], rtol=1e-12)
        assert not one.reaches[service].covered[rank > 0].any()


def test_a_place_is_named_by_the_nearest_unit_of_its_area(result):
    pockets = worst_pockets(result, "clinic")
    villages = result.case.units["village"].places
    named = 0
    for pocket, seat in zip(pocket_content(result, pockets)["listed"], pockets.seat, strict=False):
        away = np.hypot(*(villages.xy - result.case.people.xy[seat]).T)
        away[villages.area != result.case.people.area[seat]] = np.inf
        nearest = villages.table["name"].iloc[int(away.argmin())] if away.min() <= 3000 else ""
        assert pocket["place"] == nearest
        named += bool(nearest)
    assert named > 10


def test_a_row_zooms_to_its_pocket(page, result):
    people = wr.explain_gaps(result, "elder_care", links=0).pockets["people"]
    rows = page.locator("#wr-pockets li")
    assert rows.count() == LISTED
    assert rows.first.locator(".pocket-people").inner_text() == f"{round(people.iloc[0]):,} 人"
    before = page.evaluate("map_gap.getZoom()")
    rows.nth(3).locator("button").focus()
    page.keyboard.press("Enter")
    assert rows.nth(3).get_attribute("aria-current") == "true"
    assert page.evaluate("map_gap.getZoom()") > before + 1
    pockets = worst_pockets(result, "elder_care")
    inside = result.case.people.table[pockets.of_cell == 3]
    contains = "([lat, lon]) => map_gap.getBounds().contains([lat, lon])"
    for side in ("lat", "lon"):
        for row in (inside[side].idxmin(), inside[side].idxmax()):
            assert page.evaluate(contains, inside.loc[row, ["lat", "lon"]].tolist())


def test_a_click_on_the_map_marks_the_row(page, result):
    pockets = worst_pockets(result, "elder_care")
    lat, lon = pockets.table.loc[25, ["lat", "lon"]]
    page.evaluate("([lat, lon]) => map_gap.setView([lat, lon], 16, {animate: false})", [lat, lon])
    page.evaluate("document.querySelectorAll('.pocket-anchor').forEach((mark) => mark.remove())")
    at = page.evaluate(
        """([lat, lon]) => {
            const box = map_gap.getContainer().getBoundingClientRect();
            const point = map_gap.latLngToContainerPoint([lat, lon]);
            return [box.x + point.x, box.y + point.y];
        }""",
        [lat, lon],
    )
    page.mouse.click(*at)
    # Whoever clicks on the map also chooses the area, whose pockets are listed then.
    current = page.locator("#wr-pockets li[aria-current=true]")
    assert current.get_attribute("data-rank") == "26"
    assert page.locator(".leaflet-wr-trial-pane canvas").count() == 1
    listed = set(page.locator("#wr-pockets li").evaluate_all("rows => rows.map(row => row.dataset.rank)"))
    same = pockets.table["code"].head(LISTED) == pockets.table["code"].iloc[25]
    assert listed == {str(rank + 1) for rank in np.flatnonzero(same)}


def test_marks_follow_the_switch_and_the_zoom(page):
    marks = page.locator(".pocket-sign")
    assert marks.all_inner_texts() == ["1", "2", "3", "4", "5"]
    marks.nth(2).click()
    assert page.locator("#wr-pockets li[aria-current=true]").get_attribute("data-rank") == "3"
    page.evaluate("map_gap.setZoom(map_gap.getZoom() + 3, {animate: false})")
    assert marks.count() == LISTED
    page.locator("#wr-layer-pockets").uncheck()
    assert marks.count() == 0


def test_nothing_stands_where_nobody_lacks_the_service(browser, tmp_path):
    path = tmp_path / "town.html"
    draw_area(measured_town(), "410703").save(str(path))
    context = browser.new_context(offline=True)
    page = Watched(context.new_page()).open(path)
    assert page.locator("#wr-pockets").is_hidden()
    context.close()
