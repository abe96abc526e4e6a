"""The example page in ``maps/`` is one that the study of the sample gives today."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import withinreach as wr
from browsing import Watched
from withinreach.maps import draw_area
from withinreach.maps.packing import unpack

ROOT = Path(__file__).parents[1]
CODE = "410702"
EXAMPLE = ROOT / "maps" / f"xinxiang-sample-{CODE}.html"


def _island(page: str, key: str) -> str:
    (text,) = re.findall(rf'<script type="application/[\w-]+" id="wr-{key}">(.*?)</script>', page, re.DOTALL)
    return text


@pytest.fixture(scope="module")
def pages() -> tuple[str, str]:
    result = wr.analyse(wr.prepare(wr.load_study(ROOT / "data" / "xinxiang-sample" / "study.toml")))
    return EXAMPLE.read_text("utf-8"), draw_area(result, CODE).get_root().render()


def test_its_figures_are_those_of_today(pages):
    example, today = (json.loads(_island(page, "study")) for page in pages)
    assert example["title"] == today["title"]
    for one, other in zip(example["services"], today["services"], strict=True):
        for name in ("name", "figures", "total", "ledger"):
            assert one[name] == other[name], f"make the example anew, see CONTRIBUTING.md: {name}"
    example, today = (unpack(_island(page, "reach-elder_care")) for page in pages)
    np.testing.assert_array_equal(example["status"], today["status"])
    assert _island(pages[0], "targets") == _island(pages[1], "targets")


def test_it_opens_without_a_network(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    watched = Watched(context.new_page())
    page = watched.open(EXAMPLE)
    assert page.locator(".headline").inner_text().endswith("%")
    page.get_by_role("tab").nth(1).click()
    watched.check(EXAMPLE)
    context.close()
    assert EXAMPLE.stat().st_size < 1_000_000
