"""Pages can be read by everybody and on every screen: axe-core, keyboard, contrast, phone, and sheets of paper.

Pictures of every size and sheet are kept in ``.artefacts/`` (see `pictures`), so that somebody can look at them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

import withinreach as wr
from browsing import Watched
from withinreach.maps import draw_area, draw_map
from withinreach.maps.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

TEXT = LABELS["zh"]
CODE = "410782"
SIZES = {"desk": (1920, 1080), "laptop": (1280, 720), "phone": (390, 844)}
PAGES = ("overview", "county")
ARTEFACTS = Path(__file__).parents[1] / ".artefacts"


@pytest.fixture(scope="module")
def pictures() -> Path:
    """A folder that git ignores and CI may keep."""
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    result = wr.analyse(wr.sample_case())
    judgement = wr.judge(result)
    draw_map(result, judgement=judgement).save(str(folder / "overview.html"))
    draw_area(result, CODE, judgement=judgement).save(str(folder / "county.html"))
    return folder


@pytest.fixture
def open_page(browser: Browser, folder: Path) -> Iterator[Callable[[str, str], Page]]:
    opened: list[tuple[Watched, Path]] = []

    def open_one(name: str, size: str) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        opened.append((Watched(context.new_page()), folder / f"{name}.html"))
        return opened[-1][0].open(opened[-1][1])

    yield open_one
    for watched, path in opened:
        watched.check(path)
        watched.page.context.close()


def _open_everything(page: Page) -> None:
    for _ in range(3):
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(50)


def _grave(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {one['help']} {[node['target'] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("size", ["laptop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(open_page, name, size):
    page = open_page(name, size)
    assert _grave(page) == []
    _open_everything(page)
    page.locator("#wr-find").fill("示例")
    assert _grave(page) == []
    page.keyboard.press("Enter")
    page.locator(".leaflet-popup-content h3").wait_for()
    page.get_by_role("button", name=LABELS["en"]["language_name"], exact=True).click()
    page.get_by_role("tab").nth(1).click()
    assert _grave(page) == []


def test_axe_would_find_something(open_page):
    """The check is at work: a button without a name, and grey on grey, are serious."""
    page = open_page("overview", "laptop")
    page.evaluate("document.querySelector('.zoom button').removeAttribute('aria-label')")
    page.evaluate("document.querySelector('.zoom button').removeAttribute('title')")
    page.evaluate("document.querySelector('.scope').style.color = '#bbbbbb'")
    assert {one.split()[1] for one in _grave(page)} == {"button-name:", "color-contrast:"}


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_every_control(open_page, name):
    page = open_page(name, "laptop")
    page.evaluate("document.querySelectorAll('.facility-list, #wr-filter').forEach((one) => { one.open = true; })")
    wanted = page.evaluate(
        """() => {
            const controls = [...document.querySelectorAll("button, input, select, summary, a[href]")].filter(
                (one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0 && !one.closest(".leaflet-popup"));
            controls.forEach((one, at) => { one.dataset.wanted = at; });
            return controls.length;
        }"""
    )
    reached = set()
    page.locator("body").focus()
    for _ in range(wanted + 40):
        page.keyboard.press("Tab")
        at = page.evaluate("document.activeElement.dataset.wanted")
        if at is not None:
            reached.add(int(at))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", page.evaluate("document.activeElement.outerHTML").split(">")[0]
    assert reached == set(range(wanted))


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", PAGES)
def test_pictures_at_three_sizes(open_page, pictures, name, size):
    page = open_page(name, size)
    width, _ = SIZES[size]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=pictures / f"{name}-{size}.png", full_page=size == "phone")
    if size == "phone":
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, summary, input, select, a[href]")].filter((one) => {
                const box = one.getBoundingClientRect();
                const small = box.width > 0 && box.height < 24 && one.type !== "checkbox";
                return small && one.checkVisibility() && one.tabIndex >= 0;
            }).map((one) => one.outerHTML.slice(0, 80))"""
        )
        assert small == []


@pytest.mark.parametrize(("sheet", "millimetres"), [("A4", (297, 210)), ("A3", (420, 297))])
@pytest.mark.parametrize("name", PAGES)
def test_a_sheet_keeps_legend_and_footer(open_page, pictures, name, sheet, millimetres):
    page = open_page(name, "laptop")
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name=TEXT[f"print_{sheet.lower()}"]).click()
    path = pictures / f"{name}-{sheet}.pdf"
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext (poppler-utils) is installed")
    info = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    width, height = (float(size) / 72 * 25.4 for size in re.search(r"Page size: +([\d.]+) x ([\d.]+)", info).groups())
    assert (width, height) == pytest.approx(millimetres, abs=0.5)
    assert re.search(r"Pages: +1\n", info)
    told = "".join(subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout.split())
    study = wr.sample_case().study
    wanted = (study.title, study.notice, study.producer, TEXT["legend"], TEXT["footer_boundaries"], TEXT["north"], "km")
    for words in (
        *wanted,
        "EPSG:4547",
        "2025年6月30日",
        TEXT["layer_coverage"],
        TEXT["no_people"],
        "15分钟·0.9m/s·810m",
    ):
        assert "".join(words.split()) in told, words
    for words in (TEXT["find_hint"], TEXT["language_name"], TEXT["pockets"]):
        assert words not in told
    subprocess.run(["pdftoppm", "-r", "60", "-png", "-singlefile", path, path.with_suffix("")], check=True)
