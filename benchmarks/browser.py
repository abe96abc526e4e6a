"""Pages in a browser: ``python -m benchmarks.browser`` writes ``browser.md``; told and left out where there is none.

The overview, the largest and a middling county page of the sample city, and a plan beside the present are opened from
the disk in fresh profiles of headless Chromium, without its cache and without a graphics card. *Ready* is the time from
the start of the navigation until the page answers and what it drew is on the screen. A *drop* is a click of the mouse
that places a site: *numbers* is the time from the click until the figures stand in the page, *drawn* until the next
picture is on the screen.
"""

from __future__ import annotations

import gzip
import os
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.fresh import ROOT, machine
from benchmarks.report import as_table
from benchmarks.run import sample_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
VIEW = {"width": 1280, "height": 720}
DROPS = 30
NEW_SITES = 10
# What a planner is promised: a file that goes by e-mail, ready before patience ends, and an answer at once.
MOST_MB, MOST_READY_S, MOST_DROP_MS = 6.0, 2.0, 50.0

WATCH = """
new MutationObserver((_, observer) => {
    if (!document.documentElement.dataset.state) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.readyMs = performance.now())));
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-state"] });
"""
# The capturing listener is the first to hear of a click and the bubbling one of the window the last.
CLOCK = """() => {
    window.drops = [];
    const map = withinReach.trial.model.page.map.getContainer();
    const told = document.querySelector(".trial-outcome");
    let began = null;
    window.addEventListener("click", (event) => {
        if (!map.contains(event.target)) return;
        began = event.timeStamp;
        const drop = {};
        requestAnimationFrame(() => setTimeout(() => {
            drop.drawn = performance.now() - event.timeStamp;
            window.drops.push(drop);
        }));
        window.addEventListener("click", () => {
            drop.numbers = performance.now() - event.timeStamp;
            drop.told = told.textContent;
        }, { once: true });
    }, { capture: true });
}"""
# The middle of the map is where most uncovered people live, one place after the other.
LOOK = """(at) => {
    const { model } = withinReach.trial;
    document.querySelector("#wr-trial > .plain-button").click();
    const { cells, page, result } = model;
    const people = model.people();
    window.crowds ??= [...people.keys()].filter((cell) => !result.before[cell]).sort((a, b) => people[b] - people[a]);
    const cell = window.crowds[Math.floor((at * window.crowds.length) / 60)];
    const lat = 2 * Math.atan(Math.exp((0.5 - (cells.y[cell] + page.origin.y)) * 2 * Math.PI)) - Math.PI / 2;
    page.map.setView([(lat * 180) / Math.PI, (cells.x[cell] + page.origin.x - 0.5) * 360], 14, { animate: false });
    return new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
}"""


@dataclass(frozen=True)
class Opened:
    """A page and what the browser says of it; seconds and milliseconds of every run."""

    title: str
    mb: float
    zipped_mb: float
    ready_s: list[float]
    numbers_ms: list[float]
    drawn_ms: list[float]


@click.command()
@click.option("--scale", default=1.0, show_default=True, help="Size of the sample city, 0.01 to 1.")
@click.option("--repetitions", default=5, show_default=True, type=click.IntRange(1), help="How often a page is opened.")
@click.option("--out", default=ROOT / "benchmarks", type=click.Path(path_type=Path), help="Where browser.md goes.")
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
def main(*, scale: float, repetitions: int, out: Path, data: Path) -> None:
    """Open the pages of the sample city in a browser and measure."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        click.echo(f"browser: none of {', '.join(BROWSERS)} is installed; nothing measured")
        return
    os.environ["WITHINREACH_CACHE"] = ""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="withinreach-pages-") as folder:
        pages = _written(sample_study(data / f"sample-{scale:g}", scale), Path(folder))
        report = _report(_measured(path, pages, repetitions), len(pages), load)
    (out / "browser.md").write_text(report, encoding="utf-8")
    click.echo(report)


def _written(study: Path, folder: Path) -> dict[str, Path]:
    """Pages by their title: the overview, the counties from the largest file on, and a plan beside the present."""
    import withinreach as wr
    from withinreach.maps import write_area, write_overview

    click.echo("… writing pages", err=True)
    result = wr.analyse(wr.prepare(wr.load_study(study)))
    pages = {code: folder / f"{code}.html" for code in result.case.areas.table["code"]}
    overview, comparison = folder / "index.html", folder / "comparison.html"
    judgement = wr.judge(result)
    write_overview(result, judgement, overview, {code: path.name for code, path in pages.items()})
    for code, path in pages.items():
        write_area(result, judgement, code, path, home=overview.name)
    plan = wr.site(result, next(iter(result.reaches)), new=NEW_SITES)
    wr.draw_comparison(wr.compare(result, plan.scenario("plan"))).save(str(comparison))
    largest, *others = sorted(pages.values(), key=lambda path: -path.stat().st_size)
    return {
        "overview": overview,
        "largest county": largest,
        **{f"county {path.stem}": path for path in others},
        f"comparison, {NEW_SITES} sites": comparison,
    }


def _measured(executable: str, pages: dict[str, Path], repetitions: int) -> list[Opened]:
    from playwright.sync_api import sync_playwright

    first, largest, *others, last = pages
    chosen = [first, largest, *others[len(others) // 2 :][:1], last]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        # The first page of a browser pays for its start.
        _open(browser, pages[first]).context.close()
        found = [_page(browser, title, pages[title], repetitions) for title in chosen]
        browser.close()
    return found


def _page(browser: Browser, title: str, path: Path, repetitions: int) -> Opened:
    click.echo(f"… opening the {title}", err=True)
    ready, drops = [], []
    for at in range(repetitions):
        page = _open(browser, path)
        ready.append(float(page.evaluate("window.readyMs")) / 1000)
        if at == 0 and page.evaluate("withinReach.trial.model !== null"):
            drops = _dropped(page)
        page.context.close()
    size = path.read_bytes()
    return Opened(
        title=title,
        mb=len(size) / 1e6,
        zipped_mb=len(gzip.compress(size, 6)) / 1e6,
        ready_s=ready,
        numbers_ms=[drop["numbers"] for drop in drops],
        drawn_ms=[drop["drawn"] for drop in drops],
    )


def _open(browser: Browser, path: Path) -> Page:
    context = browser.new_context(viewport=VIEW, offline=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(path.as_uri())
    page.wait_for_function("() => window.readyMs > 0")
    if page.get_attribute("html", "data-state") != "ready":
        raise RuntimeError(f"{path.name} does not open: {page.locator('#wr-failure').inner_text()}")
    return page


def _dropped(page: Page) -> list[dict[str, Any]]:
    """Place sites with the mouse, one at a time; the first few warm the page up as any use does."""
    page.locator(".trial-buttons button").first.click()
    page.evaluate(CLOCK)
    box = page.locator(".folium-map").bounding_box()
    assert box is not None
    for at in range(DROPS + 5):
        page.evaluate(LOOK, at)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_function("count => window.drops.length === count", arg=at + 1)
    drops = page.evaluate("window.drops")
    if not all(drop["told"] for drop in drops):
        raise RuntimeError("a drop told no figure")
    return drops[5:]


def _report(opened: list[Opened], count: int, load: float) -> str:
    this = machine()
    where = f"{this['processor']}, {this['cores']} cores, {this['system']}"
    loads = f"{load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    busy = f"Load of the machine (processes that wait or run): {loads}."
    columns = ["page", "MB", "MB zipped", "ready, s", "drop: numbers, ms", "drop: drawn, ms"]
    rows = [
        [one.title, f"{one.mb:.2f}", f"{one.zipped_mb:.2f}", _spread(one.ready_s, 2), *_drops(one)] for one in opened
    ]
    goals = [
        ["every page below 6 MB", f"{max(one.mb for one in opened):.2f} MB", all(one.mb < MOST_MB for one in opened)],
        ["ready in under 2 s", _worst(opened, "ready_s", "s"), _holds(opened, "ready_s", MOST_READY_S)],
        [
            "numbers within 50 ms of a drop",
            _worst(opened, "numbers_ms", "ms"),
            _holds(opened, "numbers_ms", MOST_DROP_MS),
        ],
    ]
    told = [[str(goal), str(found), "yes" if held else "no"] for goal, found, held in goals]
    return (
        "\n\n".join(
            [
                "# Pages in a browser",
                " ".join((__doc__ or "").split("\n\n")[1].split()),
                f"{count} pages of the sample city. {where}. {busy} Medians, lowest to highest in brackets.",
                as_table(columns, rows),
                as_table(["goal", "found", "held"], told),
            ]
        )
        + "\n"
    )


def _drops(one: Opened) -> list[str]:
    return [_spread(values, 1) if values else "" for values in (one.numbers_ms, one.drawn_ms)]


def _spread(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _worst(opened: list[Opened], name: str, unit: str) -> str:
    return f"{max(statistics.median(getattr(one, name)) for one in opened if getattr(one, name)):.3g} {unit}"


def _holds(opened: list[Opened], name: str, most: float) -> bool:
    return all(statistics.median(getattr(one, name)) < most for one in opened if getattr(one, name))


if __name__ == "__main__":
    main()
