"""The page of a comparison: its figures are those of the comparison, its two maps move together, nothing leaves it."""

from __future__ import annotations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner

import withinreach as wr
from browsing import Watched
from conftest import EAST, NORTH
from withinreach.cli import cli
from withinreach.errors import StudyError
from withinreach.maps.comparing import draw_comparison
from withinreach.maps.labels import LABELS
from withinreach.maps.shapes import Degrees
from withinreach.scenarios import Scenario, compare
from withinreach.sources.sample import write_sample

TEXT = LABELS["en"]
HOSTILE = "</script><img src=x onerror=alert(1)>${alert(2)}`"


def at(x: float, y: float) -> tuple[float, float]:
    return EAST + x, NORTH + y


def in_town(title: str, **changes) -> Scenario:
    return Scenario(title=title, datum="EPSG:4547", **changes)


def town_comparison(town):
    """By hand, see test_scenarios.py: 30 old people gain with a place at e, 20 lose without A1."""
    base = wr.analyse(wr.prepare(wr.load_study(town)))
    opened = in_town(HOSTILE, open=[{"kind": "elder_care", "at": at(200, -600), "capacity": 12, "cost": 900}])
    closed = in_town(
        "closed",
        close=[{"id": "A1"}],
        resize=[{"id": "A2", "capacity": 5}],
        link=[{"line": [at(850, 500), at(850, 0)]}],
        block=[{"at": at(200, -300)}],
    )
    moved = in_town("moved", move=[{"id": "A1", "to": at(200, -600)}], population={"factors": {"age_60_plus": 2}})
    return compare(base, opened, closed, moved)


@pytest.fixture
def opened(town, browser, tmp_path):
    path = tmp_path / "comparison.html"
    draw_comparison(town_comparison(town)).save(str(path))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    yield watched.open(path)
    watched.check(path)
    context.close()


def facts(page) -> dict[str, str]:
    terms = page.locator(".facts.compared dt").all_inner_texts()
    return dict(zip(terms, page.locator(".facts.compared dd").all_inner_texts(), strict=True))


def test_its_figures_are_those_worked_out_by_hand(opened):
    told = facts(opened)
    assert (told[TEXT["site_gained"]], told[TEXT["site_lost"]]) == ("30.0 people", "0.0 people")
    assert told[TEXT["facilities"]] == "2 → 3"
    assert told[TEXT["compare_cost"]] == "900"
    assert told[TEXT["compare_per_gained"]] == "30.0"
    # Of 71.5 old people 38.5 (a, c and d) are served today and 68.5 with e; of 61.5 in the west 30.5 and 60.5, where
    # 500 places per 1,000 are asked for and there are 10 and 22. What the place in the east holds is not known.
    assert opened.locator(".headline").text_content() == "Coverage 53.8% → 95.8%+42.0 points"
    assert opened.locator(".side-title").all_inner_texts() == [TEXT["compare_before"], HOSTILE]
    assert opened.locator("img[src=x]").count() == 0
    rows = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in opened.locator("tbody tr").all()
    }
    assert rows["西区"] == ["49.6% → 98.4%", "+48.8", "30", "0", "21 → 9"]
    assert rows["东区"] == ["80.0%", "0", "0", "0", "—"]
    opened.locator("tbody button", has_text="东区").click()
    assert facts(opened)[TEXT["site_gained"]] == "0.0 people"
    assert opened.locator(".scope").inner_text().endswith("东区")


def test_every_scenario_tells_what_it_does(opened):
    opened.get_by_label(TEXT["compare_scenario"]).select_option("1")
    told = facts(opened)
    assert told[TEXT["site_lost"]] == "20.0 people"
    assert told[TEXT["facilities"]] == "2 → 1"
    assert told[TEXT["compare_cost"]] == TEXT["compare_unknown"]
    changes = opened.locator(".compare-changes li").all_inner_texts()
    expected = [
        TEXT["facility_closed"] + " 1 甲养老院",
        TEXT["compare_resized"] + " 1 乙养老院",
        TEXT["compare_links"] + " 1",
        TEXT["compare_blocked"] + " 1",
    ]
    assert [line.strip() for line in changes] == expected
    opened.get_by_label(TEXT["compare_scenario"]).select_option("2")
    assert opened.locator(".compare-changes li").all_inner_texts() == [TEXT["facility_moved"] + " 1 甲养老院"]
    # Twice as many old people: those at e gain, those at a lose.
    told = facts(opened)
    assert (told[TEXT["site_gained"]], told[TEXT["site_lost"]]) == ("60.0 people", "40.0 people")


def colour(page, host: str, pane: str, metres: tuple[float, float]) -> list[int]:
    """Colour of a layer's canvas at a place of the town."""
    lon, lat = Degrees("EPSG:4547").of(np.array([at(*metres)]))[0].tolist()
    return page.evaluate(
        """([host, pane, lon, lat]) => {
            const canvas = document.querySelector(`#${host} .leaflet-${pane}-pane canvas`);
            const box = canvas.getBoundingClientRect();
            const view = document.getElementById(host).getBoundingClientRect();
            const map = withinReach.compared[host === "wr-view" ? 0 : 1];
            const point = map.latLngToContainerPoint([lat, lon]);
            const ratio = canvas.width / box.width;
            const x = Math.floor((view.x + point.x - box.x) * ratio);
            const y = Math.floor((view.y + point.y - box.y) * ratio);
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }""",
        [host, pane, lon, lat],
    )


def test_who_gains_and_who_loses_is_drawn_on_the_right_map_alone(opened):
    assert colour(opened, "wr-view", "wr-trial", (200, -600))[3] == 0
    red, green, blue, alpha = colour(opened, "wr-view-after", "wr-trial", (200, -600))
    assert alpha > 200
    assert green > red
    assert green > blue
    assert colour(opened, "wr-view", "wr-cells", (200, -600))[3] == 255
    assert colour(opened, "wr-view-after", "wr-cells", (200, -600))[3] == 0
    opened.get_by_role("button", name=TEXT["compare_difference"]).click()
    assert opened.locator("#wr-view-after .area-share").all_inner_texts() == ["+48.8", "0"]
    assert opened.locator("#wr-view .area-share").all_inner_texts() == ["49.6%", "80.0%"]


def test_both_maps_move_together(opened):
    box = opened.locator("#wr-map-after").bounding_box()
    opened.mouse.move(box["x"] + 200, box["y"] + 300)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 260, box["y"] + 260, steps=4)
    opened.mouse.up()
    opened.locator(".zoom button").first.click()
    first, second = opened.evaluate(
        "withinReach.compared.map((map) => [map.getCenter().lat, map.getCenter().lng, map.getZoom()])"
    )
    assert first == pytest.approx(second, abs=1e-6)


def test_axe_finds_nothing_serious(opened):
    for width, height in ((1280, 720), (390, 844)):
        opened.set_viewport_size({"width": width, "height": height})
        for view in ("compare_after", "compare_difference"):
            opened.get_by_role("button", name=TEXT[view]).click()
            found = Axe().run(opened).response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_it_speaks_both_languages(opened):
    opened.get_by_role("button", name="中文").click()
    assert opened.locator(".side-title").first.inner_text() == LABELS["zh"]["compare_before"]
    assert LABELS["zh"]["site_gained"] in facts(opened)
    assert opened.get_by_role("button", name=LABELS["zh"]["compare_difference"]).count() == 1


def test_its_figures_are_those_of_the_comparison(browser, tmp_path):
    base = wr.analyse(wr.prepare(wr.load_study(write_sample(tmp_path, scale=0.02))))
    told = compare(base, wr.site(base, "elder_care", new=4).scenario("four"))
    path = tmp_path / "comparison.html"
    draw_comparison(told).save(str(path))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    page = watched.open(path)
    rows = told.table[told.table["service"] == "elder_care"].set_index("name")
    for row in page.locator("tbody tr").all():
        expected = rows.loc[row.locator("th").inner_text()]
        gained, lost = (float(row.locator("td").nth(i).inner_text().replace(",", "")) for i in (2, 3))
        assert (gained, lost) == pytest.approx((expected["gained_people"], expected["lost_people"]), abs=0.5)
        assert row.locator("td").first.inner_text().endswith(f"{expected['coverage_after']:.1%}")
    cells = page.evaluate("withinReach.compared.changed('elder_care')")
    before, after = base.reaches["elder_care"].covered, told.outcomes[0].result.reaches["elder_care"].covered
    np.testing.assert_array_equal(cells["gained"], np.flatnonzero(after & ~before))
    assert cells["lost"] == []
    watched.check(path)
    context.close()


def test_what_cannot_be_drawn_is_refused(town, tmp_path):
    base = wr.analyse(wr.prepare(wr.load_study(town)))
    with pytest.raises(StudyError, match="at least one scenario"):
        draw_comparison(compare(base))
    other = tmp_path / "later"
    other.mkdir()
    for path in town.parent.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "people.csv").write_text(f"x,y,all,old\n{EAST + 900},{NORTH},10,7\n", encoding="utf-8")
    elsewhere = in_town("2035", population={"study": other / "study.toml"})
    with pytest.raises(StudyError, match="scenario '2035': its people live at other places"):
        draw_comparison(compare(base, elsewhere))
    file = tmp_path / "2035.toml"
    file.write_text('title = "2035"\n[population]\nstudy = "later/study.toml"\n', encoding="utf-8")
    page, out = tmp_path / "page.html", tmp_path / "out"
    done = CliRunner().invoke(cli, ["compare", str(town), str(file), "--map", str(page), "--out", str(out)])
    assert done.exit_code == 1
    assert not page.exists()
    assert not out.exists()


def test_the_command_writes_the_page(town, tmp_path):
    file = tmp_path / "closed.toml"
    file.write_text('title = "closed"\nclose = [{ id = "A1" }]\n', encoding="utf-8")
    page = tmp_path / "new" / "page.html"
    done = CliRunner().invoke(cli, ["compare", str(town), str(file), "--map", str(page)])
    assert done.exit_code == 0, done.output
    assert done.output.rstrip().endswith(str(page))
    assert "withinReach.compare(" in page.read_text(encoding="utf-8")
