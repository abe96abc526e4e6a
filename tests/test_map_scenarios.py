"""A scenario tried on an area's page is the same scenario in Python, to the last person, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe

import withinreach as wr
from browsing import Watched
from withinreach.maps import draw_area
from withinreach.maps.labels import LABELS
from withinreach.measures.load import facility_loads
from withinreach.preparation.frame import metric_frame
from withinreach.reach import pairs_within
from withinreach.scenarios import Scenario, compare, load_scenario
from withinreach.sources.sample import write_sample

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

CODE = "410782"
SERVICE = "elder_care"
TEXT = LABELS["zh"]
HOSTILE = '"方案"\n</script>${x}\\ \x7f \u2028 😀 # = ['


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    study = write_sample(tmp_path_factory.mktemp("sample"), scale=0.03)
    # Two units below the area, so that people are told by unit, too.
    return wr.analyse(wr.prepare(wr.load_study(with_townships(study))))


def with_townships(study: Path) -> Path:
    """The sample with the ground of two townships, west and east of a line through the area."""
    areas = gpd.read_file(study.parent / "示例数据_区划.geojson")
    area = areas[areas["code"] == CODE].geometry.iloc[0]
    west, south, east, north = area.bounds
    halves = [shapely.box(west, south, (west + east) / 2, north), shapely.box((west + east) / 2, south, east, north)]
    parts = gpd.GeoDataFrame(
        {"code": ["1", "2"], "name": ["西镇", "东镇"]}, geometry=[half & area for half in halves], crs=areas.crs
    )
    parts.to_file(study.parent / "townships.geojson", driver="GeoJSON")
    text = study.read_text(encoding="utf-8")
    text = text.replace(
        "\n# 部门统计数",
        '\n[units.township]\npath = "townships.geojson"\ndatum = "wgs84"\ncode = "code"\nname = "name"\n\n# 部门统计数',
        1,
    )
    study.write_text(text, encoding="utf-8")
    return study


@pytest.fixture(scope="module")
def opened(result, browser, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "area.html"
    draw_area(result, CODE).save(str(path))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True, accept_downloads=True)
    watched = Watched(context.new_page())
    yield watched.open(path)
    watched.check(path)
    context.close()


@pytest.fixture
def page(opened) -> Page:
    opened.evaluate("withinReach.trial.model.clear()")
    opened.get_by_role("tab").first.click()
    opened.wait_for_function("name => withinReach.trial.model.service.name === name", arg=SERVICE)
    return opened


def area_of(result) -> int:
    return list(result.case.areas.table["code"]).index(CODE)


def facilities_here(result) -> np.ndarray:
    """Rows of the service's facilities in the area, the one that serves most people first."""
    case, reach = result.case, result.reaches[SERVICE]
    rows = case.facility_rows(case.study.services[SERVICE].kinds)
    loads = np.bincount(reach.nearest[reach.covered], minlength=len(case.facilities))
    here = rows[case.facilities.area[rows] == area_of(result)]
    return here[np.argsort(-loads[here], kind="stable")]


def named(result, row: int) -> dict[str, str]:
    table = result.case.facilities.table
    return {"id": str(table["id"].iloc[row]), "kind": str(table["kind"].iloc[row])}


def places_near_people(result, count: int) -> list[tuple[float, float]]:
    case = result.case
    uncovered = (case.people.area == area_of(result)) & ~result.reaches[SERVICE].covered & case.people.snapped
    cells = case.people.xy[uncovered]
    picked = cells[np.linspace(0, len(cells) - 1, count).astype(int)] + 20.0
    return [tuple(np.round(xy, 3).tolist()) for xy in picked]


def python_scenario(result, **more) -> Scenario:
    """Sites, and one facility each that is closed, resized and moved."""
    closed, resized, moved = facilities_here(result)[:3].tolist()
    sites = places_near_people(result, 4)
    opening = {"kind": "elder_care", "name": "新站 “一”", "at": sites[0], "capacity": 60.5, "cost": 1e6}
    fields = {
        "title": HOSTILE,
        "datum": result.case.study.metric_crs,
        "open": [opening, {"kind": "elder_station", "name": "乙", "at": sites[1]}, {**opening, "at": sites[2]}],
        "close": [named(result, closed)],
        "resize": [{**named(result, resized), "capacity": 7, "cost": 12.25}],
        "move": [{**named(result, moved), "to": sites[3], "cost": 3}],
        "tariffs": {"elder_station": {"site": 5e4, "place": 200.0, "source": "新政办"}},
    }
    return Scenario.model_validate(fields | more)


def state_of(page: Page) -> dict:
    return page.evaluate(
        """() => {
            const { model } = withinReach.trial;
            const { gained, lost } = model.result;
            return { gained, lost, people: [model.peopleOf(gained), model.peopleOf(lost)], places: model.places() };
        }"""
    )


def assert_as_in_python(result, scenario: Scenario, state: dict) -> None:
    told = compare(result, scenario)
    case, here = result.case, result.case.people.area == area_of(result)
    before, after = (one.reaches[SERVICE].covered[here] for one in (result, told.outcomes[0].result))
    for found, expected, people in zip(
        (state["gained"], state["lost"]), (after & ~before, before & ~after), state["people"], strict=True
    ):
        np.testing.assert_array_equal(found, np.flatnonzero(expected))
        assert len(found) > 0
        for group, count in people.items():
            assert count == np.round(case.people_of(group)[here] * 100)[expected].sum() / 100
    row = told.table[(told.table["service"] == SERVICE) & (told.table["code"] == CODE)].iloc[0]
    assert state["places"]["before"] == row["capacity_before"]
    assert state["places"]["after"] == row["capacity_after"]
    assert state["places"]["needed"] - row["capacity_after"] == pytest.approx(row["gap_places_after"], abs=1e-6)
    assert (
        abs(sum(people[case.study.services[SERVICE].people] for people in state["people"][:1]) - row["gained_people"])
        < 1
    )


def load(page: Page, path: Path) -> str:
    page.locator("#wr-trial .trial-told").evaluate("told => told.replaceChildren()")
    page.locator("#wr-trial input[type=file]").set_input_files(path)
    page.wait_for_selector("#wr-trial .trial-told p")
    return page.locator("#wr-trial .trial-told").inner_text()


def download(page: Page, path: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=TEXT["scenario_save"]).click()
    waiting.value.save_as(path)
    return path


def test_what_is_tried_is_downloaded_and_means_the_same_in_python(result, page, tmp_path):
    closed, resized, moved = facilities_here(result)[:3].tolist()
    ids = [named(result, row)["id"] for row in (closed, resized, moved)]
    page.evaluate(
        """([sites, [closed, resized, moved]]) => {
            const { model } = withinReach.trial;
            const row = (id) => model.page.facilities.table.id.indexOf(id);
            sites.slice(0, 3).forEach(([x, y], at) => model.add(x, y, { capacity: [40, null, 12.5][at] }));
            model.toggleFacility(row(closed));
            model.resizeFacility(row(resized), 99);
            model.moveFacility(row(moved), ...sites[3]);
        }""",
        [places_near_people(result, 4), ids],
    )
    page.get_by_role("tab").first.click()
    state = state_of(page)
    page.get_by_label(TEXT["scenario_title"]).fill("三处新站")
    page.get_by_label(TEXT["scenario_title"]).blur()
    path = download(page, tmp_path / "scenario.toml")
    scenario = load_scenario(path)
    assert scenario.title == "三处新站"
    assert [one.capacity for one in scenario.open] == [40, None, 12.5]
    assert path.read_text(encoding="utf-8").startswith(f"# {result.case.study.title} · ")
    assert_as_in_python(result, scenario, state)


@pytest.mark.parametrize("datum", ["EPSG:4547", "wgs84"])
def test_what_python_writes_is_loaded_and_means_the_same_on_the_page(result, page, tmp_path, datum):
    scenario = python_scenario(result)
    written = scenario
    if datum != scenario.datum:
        frame = metric_frame(scenario.datum)
        there = lambda xy: tuple(frame.to_lonlat(np.array([xy]))[0].tolist())  # noqa: E731
        written = scenario.model_copy(
            update={
                "datum": datum,
                "open": tuple(one.model_copy(update={"at": there(one.at)}) for one in scenario.open),
                "move": tuple(one.model_copy(update={"to": there(one.to)}) for one in scenario.move),
            }
        )
    path = tmp_path / "scenario.toml"
    path.write_text(written.to_toml(), encoding="utf-8")
    assert load(page, path) == (
        TEXT["scenario_loaded"].format(title=HOSTILE, sites=3, closed=1, resized=1, moved=1).replace("\n", " ")
    )
    assert_as_in_python(result, scenario, state_of(page))
    # Nothing of it is lost on the way back: names, costs and tariffs neither.
    assert load_scenario(download(page, tmp_path / "back.toml")) == Scenario.model_validate(scenario.model_dump())


def test_what_the_page_cannot_do_is_told_and_nothing_is_loaded(result, page, tmp_path):
    known = named(result, facilities_here(result)[0])["id"]
    title = 'title = "x"\n'
    wrong = {
        "title = ": "broken.toml：第 1 行第 9 列",
        title + '[[link]]\nline = [[1, 2], [3, 4]]\n[walking]\nelder_care = "adult"': "link",
        title + "opened = 3": "opened",
        title + '[[open]]\nkind = "elder_care"\nat = [1, "b"]': "open.1.at",
        title + "[[open]]\nat = [1, 2]\ncapacity = -1": "open.1.kind",
        'datum = "gcj02"': "gcj02",
        f'{title}close = [{{ id = "{known}" }}, {{ id = "{known}" }}]': known,
        f'{title}close = [{{ id = "{known}" }}]\nmove = [{{ id = "{known}", to = [113.9, 35.3] }}]': "move.1",
        title + '[[open]]\nkind = "clinic"\nat = [113.9, 35.3]\ncapacity = 3': "open.1.capacity",
    }
    page.evaluate("([x, y]) => withinReach.trial.model.add(x, y)", list(places_near_people(result, 1)[0]))
    for text, word in wrong.items():
        path = tmp_path / "broken.toml"
        path.write_text(text, encoding="utf-8")
        told = load(page, path)
        assert "broken.toml" in told
        assert word in told
        assert page.locator(".trial-told.wrong").count() == 1
        assert page.evaluate("withinReach.trial.model.sites.length") == 1
    assert "walking" in load(page, _written(tmp_path, [*wrong][1]))


def _written(folder: Path, text: str) -> Path:
    path = folder / "broken.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_lies_elsewhere_is_told_and_the_rest_is_loaded(result, page, tmp_path):
    scenario = python_scenario(result)
    elsewhere = [*scenario.open, scenario.open[0].model_copy(update={"at": (300_000.0, 3_700_000.0)})]
    path = tmp_path / "scenario.toml"
    there = Scenario.model_validate(
        scenario.model_dump() | {"open": elsewhere, "close": [*scenario.close, {"id": "nowhere"}]}
    )
    path.write_text(there.to_toml(), encoding="utf-8")
    told = load(page, path)
    assert "open.4" in told
    assert "nowhere" in told
    assert_as_in_python(result, scenario, state_of(page))


def test_people_of_a_site_are_told_by_place_norm_and_unit(result, page):
    case = result.case
    xy = places_near_people(result, 3)[1]
    scenario = Scenario(
        title="one", datum=case.study.metric_crs, open=[{"kind": "elder_care", "at": xy, "capacity": 25}]
    )
    after = scenario.apply(case)
    measured = compare(result, scenario).outcomes[0].result
    service = case.study.services[SERVICE]
    pairs = pairs_within(after, service)
    load_ = facility_loads(after, measured.reaches[SERVICE], pairs).iloc[-1]
    reached = pairs.cell[pairs.facility == len(case.facilities)]
    # The page tells of its own area, and some walk here from the next.
    here = reached[case.people.area[reached] == area_of(result)]
    share = case.people_of(service.people)[here].sum() / load_["catchment_people"]
    assert 0 < share < 1
    told = page.evaluate(
        """([x, y]) => {
            const { model } = withinReach.trial;
            model.add(x, y, { capacity: 25 });
            return model.catchment(model.sites[0]);
        }""",
        list(xy),
    )
    assert told["people"] == pytest.approx(share * load_["catchment_people"], abs=0.5)
    assert told["perPlace"] == pytest.approx(share * load_["people_per_place"], abs=0.02)
    assert told["needed"] == pytest.approx(share * load_["catchment_need"], abs=0.02)
    page.get_by_role("tab").nth(1).click()
    page.wait_for_function("() => withinReach.trial.model.service.name === 'nursery'")
    assert "1" in page.locator("#wr-trial .note", has_text=TEXT["trial_others"].split("：")[0]).inner_text()
    page.get_by_role("tab").first.click()
    page.wait_for_selector(".trial-units")
    gained = measured.reaches[SERVICE].covered & ~result.reaches[SERVICE].covered
    township = case.units["township"]
    for row in page.locator(".trial-units tbody tr").all():
        name = row.locator("th").inner_text()
        shape = township.polygons.table.geometry[list(township.places.table["name"]).index(name)]
        inside = shapely.intersects_xy(shape, *case.people.xy.T)
        expected = np.round(case.people_of("age_60_plus") * 100)[gained & inside].sum() / 100
        assert float(row.locator("td").first.inner_text().replace(",", "")) == pytest.approx(expected, abs=0.51)


def test_sites_obey_the_keyboard(result, page):
    page.get_by_role("button", name=TEXT["site_place"]).click()
    page.locator("#map_gap").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name=TEXT["site_place"]).click()
    before = page.evaluate("[withinReach.trial.model.sites[0].x, withinReach.trial.model.sites[0].y]")
    pin = page.locator(".site-pin")
    pin.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = page.evaluate("[withinReach.trial.model.sites[0].x, withinReach.trial.model.sites[0].y]")
    assert np.subtract(after, before) == pytest.approx([10, -100], abs=1e-6)
    assert "Delete" in pin.get_attribute("aria-label")
    # Places are typed without losing the field to the redrawing.
    field = page.locator(".site-line input")
    field.fill("30")
    page.keyboard.press("Tab")
    assert page.evaluate("withinReach.trial.model.sites[0].capacity") == 30
    assert page.evaluate("document.activeElement.textContent") == TEXT["site_remove"]
    pin.focus()
    page.keyboard.press("Delete")
    assert page.evaluate("withinReach.trial.model.sites.length") == 0


def test_a_facility_is_tried_from_its_card(result, page):
    row = int(facilities_here(result)[0])
    table = result.case.facilities.table
    here = page.evaluate("id => withinReach.trial.model.page.facilities.table.id.indexOf(id)", named(result, row)["id"])

    def open_card() -> Locator:
        page.evaluate(
            """row => {
                const { page } = withinReach.trial.model;
                const { lat, lon } = page.facilities.table;
                page.map.setView([lat[row], lon[row]], 16, { animate: false });
            }""",
            here,
        )
        box = page.locator("#map_gap").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        # A card that is closed fades away and is still there for a while.
        card = page.locator(".leaflet-popup").last
        card.locator("h3", has_text=str(table["name"].iloc[row])).wait_for()
        return card

    open_card().locator(".card-places input").fill("123")
    page.keyboard.press("Tab")
    assert "123" in page.locator(".trial-changes").inner_text()
    open_card().get_by_role("button", name=TEXT["facility_move"]).click()
    assert page.locator(".site-pin").count() == 1
    open_card().get_by_role("button", name=TEXT["facility_close"]).click()
    assert TEXT["facility_closed"] in page.locator(".trial-changes").inner_text()
    assert page.locator(".site-pin").count() == 0
    assert TEXT["site_lost"] in page.locator(".trial-outcome").inner_text()
    page.locator(".trial-changes").get_by_role("button").click()
    assert page.locator(".trial-outcome").is_hidden()


def test_the_walk_to_a_facility_stands_beside_its_circle(result, page):
    case, service = result.case, result.case.study.services[SERVICE]
    row = int(facilities_here(result)[0])
    here = page.evaluate("id => withinReach.trial.model.page.facilities.table.id.indexOf(id)", named(result, row)["id"])
    page.locator(".facility-list summary").click()
    page.locator(".facility-list li button", has_text=str(case.facilities.table["name"].iloc[row])).first.click()
    page.locator(".leaflet-popup").last.get_by_role("button", name=TEXT["rings_show"]).click()
    told = [float(text.split()[0].replace(",", "")) for text in page.locator(".ring-people").all_inner_texts()]
    people = case.people_of(service.people) * (case.people.area == area_of(result))
    speed = case.study.profiles[service.profile].speed_m_s
    pairs = pairs_within(case, service)
    mine = pairs.facility == row
    walkers = [people[pairs.cell[mine & (pairs.seconds <= minutes * 60)]].sum() for minutes in (5, 10, 15)]
    straight = np.hypot(*(case.people.xy - case.facilities.xy[row]).T)
    assert told == pytest.approx([*walkers, people[straight <= 900 * speed].sum()], abs=1)
    assert here >= 0
    assert page.locator(".trial .rings").is_visible()
    page.get_by_role("button", name=TEXT["rings_close"], exact=True).click()
    assert page.locator(".trial .rings").is_hidden()


def test_axe_finds_nothing_serious_while_a_scenario_is_tried(result, page, tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(python_scenario(result).to_toml(), encoding="utf-8")
    load(page, path)
    page.locator(".facility-list").evaluate("list => { list.open = true; }")
    page.locator(".facility-list li button").first.click()
    page.locator(".leaflet-popup").last.get_by_role("button", name=TEXT["rings_show"]).click()
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    page.get_by_role("button", name=TEXT["rings_close"], exact=True).click()


def test_minutes_end_where_the_streets_of_the_page_end(page):
    field = page.get_by_label(TEXT["site_minutes"])
    most = int(field.get_attribute("max"))
    assert most >= 20
    field.fill(str(most + 1))
    field.blur()
    assert field.input_value() == "15"
