"""Every notebook runs from its folder, and says what it says in the repository; its sliders redraw map and table."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest

import withinreach as wr
from conftest import ROOT
from notebook_runs import executed, notebooks, plain, said
from test_showing import Reader
from withinreach.maps.plates import find_typeface

README = (ROOT / "README.md").read_text(encoding="utf-8")
LARGEST_BYTES = 1_500_000
SAMPLE = ROOT / "data" / "xinxiang-sample" / "study.toml"


@pytest.fixture
def once(tmp_path_factory, monkeypatch):
    """One cache for all notebooks of a run, which no other run shares."""
    monkeypatch.setenv("WITHINREACH_CACHE", str(tmp_path_factory.getbasetemp() / "notebooks-cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "coverage"))


def has_typeface() -> bool:
    try:
        find_typeface()
    except wr.CoverageError:
        return False
    return True


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_says_what_is_saved(path, once):
    if "draw_plate" in path.read_text(encoding="utf-8") and not has_typeface():
        pytest.skip("no typeface with Chinese is installed")
    saved, now = nbformat.read(path, 4), executed(path)
    printed = [
        output.text for cell in now.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ]
    assert printed == []
    assert said(now) == said(saved), f"{path.name} says something else now; run `make notebooks` and look at it"


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_saved_notebook_is_small_whole_and_of_no_machine(path):
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, 4)
    assert len(text.encode()) < LARGEST_BYTES
    assert nbformat.writes(plain(nbformat.reads(text, 4))) + "\n" == text
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    shown = [output.data for cell in code for output in cell.outputs if "data" in output]
    assert any("image/png" in data or "<img" in data.get("text/html", "") for data in shown)
    for own in (str(ROOT), str(Path.home()), sys.prefix, " at 0x"):
        assert own not in json.dumps(text)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_is_named_in_the_readme_and_leads_on_to_files_that_exist(path):
    assert f"(notebooks/{path.name})" in README
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            assert all((path.parent / target).is_file() for target in re.findall(r"\]\(([^)]+)\)", cell.source))


def rows_of_sites(answer: str) -> list[list[str]]:
    return [row for row in Reader(answer).rows if len(row) == 7 and row[0].isdigit()]


@pytest.fixture(scope="module")
def sample():
    return wr.analyse(wr.prepare(wr.load_study(SAMPLE)))


def test_moving_a_slider_redraws_map_and_table(sample):
    sliders = wr.explore_sites(sample, "elder_care")
    before, plan = sliders.answer.value, sliders.plan
    assert len(rows_of_sites(before)) == sliders.new.value == 3
    sliders.new.value = 6
    after = sliders.answer.value
    assert len(rows_of_sites(after)) == len(sliders.plan.sites) == 6
    assert sliders.plan.certificate.objective > plan.certificate.objective
    assert Reader(after).pictures[0] != Reader(before).pictures[0]
    direct = wr.site(sample, "elder_care", new=6)
    assert sliders.plan.sites.equals(direct.sites)


def test_minutes_and_pace_are_walked_anew(sample):
    sliders = wr.explore_sites(sample, "elder_care")
    served = {sliders.minutes.value: sliders.plan.base.totals["elder_care"]["served_people"]}
    sliders.minutes.value = 20.0
    served[20.0] = sliders.plan.base.totals["elder_care"]["served_people"]
    assert served[20.0] > served[15.0]
    sliders.minutes.value = 15.0
    assert sliders.plan.base is sample
    sliders.profile.value = "elder_80"
    scenario = wr.Scenario(title="slow", walking={"elder_care": "elder_80"})
    slow = wr.compare(sample, scenario).outcomes[0].result.totals["elder_care"]
    assert sliders.plan.base.totals["elder_care"].equals(slow)


def test_an_explorer_shows_its_state_to_viewers_that_run_nothing(sample):
    sliders = wr.explore_sites(sample, "clinic")
    shown = sliders._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/html"].endswith(sliders.answer.value)
    assert "新设站点: 3" in shown["text/html"]


def test_a_question_without_an_answer_is_told_and_not_raised(sample):
    sliders = wr.explore_sites(sample, "elder_care", candidates="kinds:school")
    assert sliders.plan is None
    assert "the case has: clinic" in sliders.answer.value


def test_sliders_say_what_they_need(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(wr.CoverageError, match=r"pip install 'withinreach\[notebook\]'"):
        wr.explore_sites(sample, "elder_care")
