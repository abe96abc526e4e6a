"""What makes a page a map sheet: marks, review number, and an online base map only where the study allows one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from browsing import Watched
from map_town import measured_town
from withinreach.errors import StudyError
from withinreach.maps import draw_map
from withinreach.maps.document import TILE_HOSTS, content_policy
from withinreach.maps.labels import LABELS
from withinreach.study import load_study

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

TEXT = LABELS["zh"]
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000154a24f5d0000"
    "000049454e44ae426082"
)


def _drawn(folder: Path, **sheet: object) -> Path:
    path = folder / "sheet.html"
    draw_map(measured_town(map=sheet)).save(str(path))
    return path


def _opened(browser: Browser, path: Path, *, asked: list[str] | None = None) -> tuple[Watched, Page]:
    """A page whose every request beyond the file itself is noted, and answered with one transparent pixel."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})

    def answer(route: Route) -> None:
        assert asked is not None, route.request.url
        asked.append(route.request.url)
        route.fulfill(status=200, content_type="image/png", body=PICTURE)

    context.route(re.compile("^https?://"), answer)
    watched = Watched(context.new_page())
    return watched, watched.open(path)


def test_the_marks_of_a_reviewed_map(browser, tmp_path):
    path = _drawn(tmp_path, review_number="豫S(2025年)012号", internal_use=True)
    watched, page = _opened(browser, path)
    foot = page.locator("#wr-foot").inner_text()
    for words in ("审图号 豫S(2025年)012号", TEXT["internal_use"], TEXT["footer_boundaries"], "EPSG:4547"):
        assert words in foot
    assert page.locator("#wr-internal").inner_text() == TEXT["internal_use"]
    watched.check(path)
    page.context.close()


def test_by_default_no_mark_is_claimed(browser, tmp_path):
    path = _drawn(tmp_path)
    watched, page = _opened(browser, path)
    assert "审图号" not in page.locator("#wr-foot").inner_text()
    assert page.locator("#wr-internal").is_hidden()
    assert page.locator(".base-map").count() == 0
    assert page.locator("[type=text]").count() == 0
    watched.check(path)
    page.context.close()


def test_the_policy_opens_the_hosts_of_the_base_map_alone(tmp_path):
    for base_map, hosts in TILE_HOSTS.items():
        page = _drawn(tmp_path, base_map=base_map).read_text("utf-8")
        policy = re.search(r'content="(default-src[^"]*)"', page)[1].replace("&#39;", "'")
        assert policy == content_policy(page, hosts)
        assert re.search("img-src ([^;]*)", policy)[1].split() == ["data:", "blob:", *hosts]
        assert re.findall(r"https?://[^ ;']+", policy) == list(hosts)


def test_without_a_base_map_the_policy_forbids_every_request(browser, tmp_path):
    asked: list[str] = []
    watched, page = _opened(browser, _drawn(tmp_path), asked=asked)
    page.evaluate("L.tileLayer('https://tile.openstreetmap.org/{z}/{x}/{y}.png').addTo(map_gap)")
    page.wait_for_timeout(300)
    assert asked == []
    assert watched.errors
    assert all("Content Security Policy" in error for error in watched.errors)
    page.context.close()


def test_openstreetmap_is_fetched_once_it_is_switched_on(browser, tmp_path):
    asked: list[str] = []
    path = _drawn(tmp_path, base_map="osm")
    watched, page = _opened(browser, path, asked=asked)
    assert asked == []
    watched.check(path)
    page.locator("#wr-base-map").check()
    page.wait_for_function("() => document.querySelectorAll('.leaflet-tile-loaded').length > 0")
    assert {url.split("/")[2] for url in asked} == {"tile.openstreetmap.org"}
    assert page.locator(".base-credit").inner_text() == "© OpenStreetMap contributors"
    fills = page.locator(".leaflet-wr-fills-pane path").first
    assert float(fills.get_attribute("fill-opacity")) < 1
    page.locator("#wr-base-map").uncheck()
    assert page.locator(".leaflet-tile-pane img").count() == 0
    assert page.locator(".base-credit").is_hidden()
    assert float(fills.get_attribute("fill-opacity")) == 1
    assert watched.errors == []
    page.context.close()


def test_tianditu_takes_the_readers_key_and_the_file_never_has_it(browser, tmp_path):
    asked: list[str] = []
    path = _drawn(tmp_path, base_map="tianditu")
    before = path.read_bytes()
    watched, page = _opened(browser, path, asked=asked)
    page.locator("#wr-base-map").check()
    page.wait_for_timeout(200)
    assert asked == []
    page.locator("#wr-base-key").fill(" a key&x=1 ")
    page.locator("#wr-base-key").press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.leaflet-tile-loaded').length > 0")
    assert {url.split("/")[2] for url in asked} <= {host.removeprefix("https://") for host in TILE_HOSTS["tianditu"]}
    assert all(url.endswith("&tk=a%20key%26x%3D1") for url in asked)
    assert {re.search("LAYER=(...)", url)[1] for url in asked} == {"vec", "cva"}
    assert watched.errors == []
    assert path.read_bytes() == before
    page.reload()
    page.wait_for_selector("html[data-state=ready]")
    assert page.locator("#wr-base-key").input_value() == "a key&x=1"
    assert not page.locator("#wr-base-map").is_checked()
    page.context.close()


@pytest.mark.parametrize("line", ['base_map = "google"', "number = 3", 'internal_use = "perhaps"'])
def test_a_wrong_key_is_refused(town, line):
    town.write_text(town.read_text("utf-8") + f"\n[map]\n{line}\n", "utf-8")
    with pytest.raises(StudyError, match=r"map\."):
        load_study(town)
