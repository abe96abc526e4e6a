"""A real browser, and pages that tell what they must not do."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _missing(reason: str) -> None:
    if os.environ.get("WITHINREACH_REQUIRE_BROWSER") == "1":
        pytest.fail(f"WITHINREACH_REQUIRE_BROWSER is set, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium; tests that need it are skipped where there is none, unless a variable says it must be."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        _missing(f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def offline_page(browser: Browser, path: Path) -> Iterator[Page]:
    """A file in a window of its own without a network, which must stay silent and ask for nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    yield watched.open(path)
    watched.check(path)
    context.close()


class Watched:
    """A page with everything that it must not do: errors, requests, dialogs."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-state]")
        assert self.page.get_attribute("html", "data-state") == "ready", self.errors
        return self.page

    def check(self, path: Path) -> None:
        assert self.errors == []
        assert [url for url in self.requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
