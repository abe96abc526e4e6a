"""Sites that are tried on an area's page reach the same people as in Python, cell by cell; and the pages are linked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import withinreach as wr
from browsing import Watched
from test_terrain import hilly_study, with_some_stairs
from withinreach.analysis import result_of
from withinreach.maps import draw_area
from withinreach.maps.labels import LABELS
from withinreach.model import Places, part_around
from withinreach.preparation.snapping import snap_places
from withinreach.publishing import publish
from withinreach.reach import measure_reach
from withinreach.sources.sample import write_sample

if TYPE_CHECKING:
    from withinreach.model import Case

CODE = "410782"
TEXT = LABELS["zh"]


@pytest.fixture(scope="module", params=["level", "hilly"])
def result(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    study = hilly_study(folder) if request.param == "hilly" else write_sample(folder, scale=0.02)
    return wr.analyse(with_some_stairs(wr.prepare(wr.load_study(study)), seed=3))


@pytest.fixture(scope="module")
def opened(result, browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "area.html"
    draw_area(result, CODE).save(str(path))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    yield watched.open(path)
    watched.check(path)
    context.close()


def with_sites(case: Case, kind: str, xy: np.ndarray) -> Case:
    """The case with more facilities, snapped as preparation does."""
    segment, offset_mm, access_mm = snap_places(case.network, xy, case.study.network.snap_cap_m)
    old = case.facilities
    new = pd.DataFrame({"id": [f"site {i}" for i in range(len(xy))], "kind": kind, "name": "site"})
    places = Places(
        table=pd.concat([old.table, new], ignore_index=True),
        xy=np.concatenate([old.xy, xy]),
        area=np.concatenate([old.area, np.full(len(xy), -1, np.int32)]),
        segment=np.concatenate([old.segment, segment]),
        offset_mm=np.concatenate([old.offset_mm, offset_mm]),
        access_mm=np.concatenate([old.access_mm, access_mm]),
    )
    return replace(case, facilities=places)


def places_to_try(case: Case, area: int, count: int) -> np.ndarray:
    """Whole millimetres near inhabited cells, some on top of each other, one far from any street."""
    rng = np.random.default_rng(7)
    cells = case.people.xy[case.people.area == area]
    xy = cells[rng.integers(0, len(cells), count)] + rng.normal(0, 150, (count, 2))
    xy[-1] = xy[-2]
    return np.round(np.concatenate([xy, cells.min(axis=0)[None, :] - 900.0]) * 1000) / 1000


@pytest.mark.parametrize("service", ["elder_care", "clinic"])
def test_sites_reach_the_same_cells_as_in_python(result, opened, service):
    case = result.case
    area = list(case.areas.table["code"]).index(CODE)
    xy = places_to_try(case, area, 25)
    kind = case.study.services[service].kinds[0]
    here = case.people.area == area
    before = result.reaches[service].covered[here]
    after = measure_reach(with_sites(case, kind, xy), case.study.services[service]).covered[here]
    found = opened.evaluate(
        """([service, sites]) => {
            const { model } = withinReach.trial;
            const services = JSON.parse(document.getElementById("wr-study").textContent).services;
            model.clear();
            model.selectService(services.find((one) => one.name === service));
            for (const [x, y] of sites) model.add(x, y);
            const { before, after, gained, lost } = model.result;
            return { before: [...before], after: [...after], gained, lost, people: model.peopleOf(gained) };
        }""",
        [service, xy.tolist()],
    )
    np.testing.assert_array_equal(np.array(found["before"], bool), before)
    np.testing.assert_array_equal(np.array(found["after"], bool), after)
    assert after.sum() > before.sum() + 20
    assert found["lost"] == []
    for group, told in found["people"].items():
        people = np.round(case.people_of(group)[here] * 100)
        assert told == people[after & ~before].sum() / 100


def test_closing_a_facility_loses_the_same_cells_as_in_python(result, opened):
    case, service = result.case, result.case.study.services["elder_care"]
    area = list(case.areas.table["code"]).index(CODE)
    here = case.people.area == area
    part = part_around(case, area, 2000.0)
    loads = np.bincount(result.reaches["elder_care"].nearest[here & result.reaches["elder_care"].covered])
    row = int(np.argmax(loads))
    table = case.facilities.table.assign(
        kind=case.facilities.table["kind"].where(np.arange(len(case.facilities)) != row, "closed")
    )
    after = measure_reach(replace(case, facilities=replace(case.facilities, table=table)), service).covered[here]
    before = result.reaches["elder_care"].covered[here]
    found = opened.evaluate(
        """([id]) => {
            const { model } = withinReach.trial;
            const ids = model.page.facilities.table.id;
            const services = JSON.parse(document.getElementById("wr-study").textContent).services;
            model.clear();
            model.selectService(services.find((one) => one.name === "elder_care"));
            model.toggleFacility(ids.indexOf(id));
            return model.result.lost;
        }""",
        [case.facilities.table["id"].iloc[row]],
    )
    assert row in part.facilities
    np.testing.assert_array_equal(found, np.flatnonzero(before & ~after))
    assert len(found) > 0


def test_a_part_walks_as_the_whole(result):
    """Every service of every area: the same seconds, as far as the part goes."""
    for area in range(len(result.case.areas)):
        part = part_around(result.case, area, 2000.0)
        for name, service in result.case.study.services.items():
            whole, alone = result.reaches[name], measure_reach(part.case, service)
            covered = whole.covered[part.cells]
            np.testing.assert_array_equal(alone.covered, covered)
            np.testing.assert_array_equal(alone.level_m[covered], whole.level_m[part.cells][covered])
            np.testing.assert_array_equal(part.facilities[alone.nearest[covered]], whole.nearest[part.cells][covered])
        cut = result_of(result, part)
        assert cut.case.people_of("all").sum() == result.tables["clinic"]["people"].iloc[area]
        assert cut.totals["clinic"]["people"] == result.tables["clinic"]["people"].iloc[area]


def test_a_planner_tries_sites_with_the_mouse(opened):
    page = opened
    page.evaluate("withinReach.trial.model.clear()")
    page.get_by_role("button", name=TEXT["site_place"]).click()
    box = page.locator(".folium-map").bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    assert page.locator(".trial-sites li").count() == 1
    page.get_by_role("button", name=TEXT["site_best"]).click()
    page.wait_for_function("document.querySelectorAll('.trial-sites li').length === 2", timeout=60_000)
    gains = page.evaluate("withinReach.trial.model.sites.map((site) => site.gained.age_60_plus)")
    assert gains[1] > gains[0]
    assert page.locator(".trial-outcome").inner_text().startswith(TEXT["site_gained"])
    page.locator(".trial-sites button", has_text=TEXT["site_remove"]).first.click()
    assert page.locator(".trial-sites li").count() == 1
    page.get_by_role("button", name=TEXT["site_clear"]).click()
    assert page.locator(".trial-outcome").is_hidden()


def test_pages_lead_to_each_other(town, browser, tmp_path):
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    publish(result, tmp_path / "out")
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "out" / "index.html").as_uri())
    page.wait_for_selector("html[data-state=ready]")
    page.locator(".areas tbody button").first.click()
    page.get_by_role("link", name=LABELS["en"]["to_area"]).click()
    page.wait_for_selector("html[data-state=ready]")
    assert page.url.endswith(("/county/1/1.html", "/county/2/2.html"))
    page.get_by_role("link", name=LABELS["en"]["to_overview"]).click()
    page.wait_for_selector("html[data-state=ready]")
    assert page.url.endswith("/index.html")
    context.close()
