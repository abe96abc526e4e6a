"""Targets, the ledger and the small charts of a page: what stands there is what judgement and tables say."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

import withinreach as wr
from browsing import Watched, offline_page
from map_town import measured_town
from withinreach.maps import draw_area, draw_map
from withinreach.maps.labels import LABELS
from withinreach.maps.people import account_content, minutes_content
from withinreach.maps.targets import target_content
from withinreach.model import TOTAL
from withinreach.standards import State

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from withinreach.analysis import Result

TEXT = LABELS["zh"]
CODE = "410782"


@pytest.fixture(scope="module")
def result(sample_result) -> Result:
    return sample_result


@pytest.fixture(scope="module")
def judgement(result):
    return wr.judge(result)


@pytest.fixture(scope="module")
def folder(result, judgement, tmp_path_factory):
    """The overview and the page of a county, as files."""
    folder = tmp_path_factory.mktemp("targets")
    draw_map(result, judgement=judgement).save(str(folder / f"{TOTAL}.html"))
    draw_area(result, CODE).save(str(folder / f"{CODE}.html"))
    return folder


@pytest.fixture(scope="module")
def opened(folder, browser):
    """Both pages, open for all tests: who chooses something on a page opens one of its own."""
    with (
        offline_page(browser, folder / f"{TOTAL}.html") as whole,
        offline_page(browser, folder / f"{CODE}.html") as one,
    ):
        yield {TOTAL: whole, CODE: one}


def _open(page: Page, selector: str) -> None:
    page.evaluate("(selector) => document.querySelectorAll(selector).forEach((one) => { one.open = true; })", selector)
    page.wait_for_timeout(50)


@pytest.mark.parametrize("code", [TOTAL, CODE])
def test_targets_are_those_of_the_judgement(judgement, code):
    content = target_content(judgement, code)
    table = judgement.of_unit(code)
    assert len(content["rows"]) == len(table)
    for told, (_, row) in zip(content["rows"], table.iterrows(), strict=True):
        for name in ("register", "target", "clause", "words", "state"):
            assert told.get(name, "") == row[name]
        for name in ("value", "target_value"):
            assert told.get(name) == (row[name] if np.isfinite(row[name]) else None)
        for name in ("gap", "gap_of_units", "by_converting", "by_adding"):
            whole = np.isfinite(row[name]) and row["rule"] != "statistic"  # places, sites and people, not points
            closing = math.ceil(row[name] - 1e-6) if whole else row[name]
            assert told.get(name) == (closing if np.isfinite(row[name]) else None)
    counts = judgement.counts(code)
    for register in content["registers"]:
        assert register["counts"] == {state.value: counts.loc[register["id"], state.value] for state in State}


@pytest.mark.parametrize("code", [TOTAL, CODE])
def test_the_panel_lists_every_target_with_clause_and_state(opened, judgement, code):
    page, table = opened[code], judgement.of_unit(code)
    counts = judgement.counts(code).sum()
    summary = page.locator("#wr-goals > summary").inner_text()
    told = {name: counts[name] for name in ("met", "not_met", "not_computable")}
    assert summary.endswith(TEXT["targets_counts"].format(**told))
    _open(page, "#wr-goals")
    _open(page, "#wr-goals .target-group")
    shown = page.locator("#wr-goals .target-group li").evaluate_all(
        "rows => rows.map(row => [row.closest('[data-state]').dataset.state, row.textContent])"
    )
    assert len(shown) == len(table)
    for state in State:
        rows = table[table["state"] == state.value]
        texts = [text for found, text in shown if found == state.value]
        for row, text in zip(rows.itertuples(), texts, strict=True):
            assert text.startswith(row.target)
            assert row.words in text
            assert not row.clause or TEXT["target_clause"].format(clause=row.clause) in text
            assert row.reason in text
            assert row.missing in text


def test_a_figure_stands_beside_what_is_asked_for(opened, judgement):
    page = opened[CODE]
    _open(page, "#wr-goals")
    row = judgement.of_unit(CODE).query("target == 'T3'").iloc[0]
    text = page.locator("#wr-goals li", has_text="T3 ").first.inner_text()
    assert f"{row['value']:.2f}%" in text
    assert "目标 ≥ 55%" in text
    bars = page.locator("#wr-goals li", has_text="T3 ").first.locator(".bullet rect")
    value, asked = (float(bars.nth(at).get_attribute(name)) for at, name in ((1, "width"), (2, "x")))
    assert value / (asked + 1) == pytest.approx(row["value"] / row["target_value"])


def test_no_register_no_targets(browser, tmp_path):
    path = tmp_path / "town.html"
    draw_map(measured_town()).save(str(path))
    context = browser.new_context(offline=True)
    page = Watched(context.new_page()).open(path)
    assert page.locator("#wr-goals").is_hidden()
    context.close()


@pytest.mark.parametrize("code", [TOTAL, CODE])
def test_the_ledger_behind_a_click_loses_nobody(opened, result, code):
    page = opened[code]
    _open(page, "#wr-accounts")
    rows = page.locator("#wr-accounts tr").evaluate_all(
        "rows => rows.map(row => [row.dataset.step, row.querySelector('td').textContent])"
    )
    told = {step: float(value.replace(",", "")) for step, value in rows}
    group = result.case.study.services["elder_care"].people
    for step in ("read", "in_areas"):
        assert told[step] == pytest.approx(result.case.audit.accounts.loc[(group, step), code], abs=0.06)
    ledger = result.ledgers["elder_care"][code]
    statuses = {name: value for name, value in told.items() if name in ledger.index and name != "outside_areas"}
    for status, value in statuses.items():
        assert value == pytest.approx(ledger[status], abs=0.06)
    assert sum(statuses.values()) == pytest.approx(told["in_areas"], abs=0.5)


def test_accounts_are_those_of_the_audit(result):
    content = account_content(result.case)
    accounts = result.case.audit.accounts
    for group, told in content["groups"].items():
        for at, code in enumerate(result.case.areas.table["code"]):
            expected = accounts.loc[group][code].reindex(content["steps"])
            assert told["areas"][at] == [None if np.isnan(value) else value for value in expected]


def test_bars_count_the_people_who_walk_so_long(result):
    case = result.case
    for reach in result.reaches.values():
        content = minutes_content(case, reach)
        people, minutes = case.people_of(reach.service.people), reach.seconds / 60
        assert reach.service.cutoff_min in content["ends"]
        low = -1.0
        for at, end in enumerate(content["ends"]):
            here = (minutes > low) & (minutes <= end)
            assert content["total"][at] == pytest.approx(people[here].sum())
            low = end
        assert content["total"][-2] == pytest.approx(people[np.isfinite(minutes) & (minutes > low)].sum())
        assert content["total"][-1] == pytest.approx(people[np.isinf(minutes)].sum())
        covered = sum(content["total"][: content["ends"].index(reach.service.cutoff_min) + 1])
        assert covered == pytest.approx(people[reach.seconds <= reach.service.cutoff_s].sum())
        np.testing.assert_allclose(np.sum(content["areas"], axis=0), content["total"])


@pytest.fixture
def overview(folder, browser):
    with offline_page(browser, folder / f"{TOTAL}.html") as page:
        yield page


def test_the_chart_has_a_twin_in_words(overview, result):
    page = overview
    told = page.locator("#wr-walk-times tbody td").all_text_contents()
    content = minutes_content(result.case, result.reaches["elder_care"])
    assert told == [f"{value / 10_000:.2f}" for value in content["total"]]
    bars = page.locator("#wr-walk-times rect").evaluate_all("bars => bars.map(bar => +bar.getAttribute('height'))")
    np.testing.assert_allclose(np.array(bars) / max(bars), np.array(content["total"]) / max(content["total"]))
    assert page.locator("#wr-walk-times rect.walk-in").count() == 3
    page.locator(".areas tbody button", has_text="辉县市").click()
    row = list(result.case.areas.table["code"]).index(CODE)
    told = page.locator("#wr-walk-times tbody td").all_text_contents()
    assert told == [f"{value / 10_000:.2f}" for value in content["areas"][row]]


def test_a_cell_of_a_county_tells_every_group(opened, result):
    page, case = opened[CODE], result.case
    here = np.flatnonzero(case.people.area == case.areas.rows_of([CODE])[0])
    cell = here[np.argmax(np.where(result.reaches["elder_care"].covered[here], 0, case.people_of("all")[here]))]
    lat, lon = case.people.table.loc[cell, ["lat", "lon"]]
    page.evaluate("([lat, lon]) => map_gap.setView([lat, lon], 17, {animate: false})", [lat, lon])
    page.evaluate("document.querySelectorAll('.pocket-anchor').forEach((mark) => mark.remove())")
    box = page.locator("#map_gap").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    facts = page.locator(".card-popup .facts").inner_text()
    for group in ("all", "age_0_2", "age_80_plus"):
        title = case.study.population.groups[group].title
        people = float(re.search(re.escape(title) + r"\s+([\d,.]+)", facts)[1].replace(",", ""))
        assert people == pytest.approx(case.people_of(group)[cell], abs=0.51 if people >= 100 else 0.051)
