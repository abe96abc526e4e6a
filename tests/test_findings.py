"""The catalogue of rules: every rule is used, every use exists with its figures, in every language of a study."""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from pathlib import Path
from typing import get_args

import pytest

import withinreach
import withinreach as wr
from withinreach.preparation.findings import Findings, Spot, catalogue
from withinreach.study import Study

PACKAGE = Path(withinreach.__file__).parent
LANGUAGES = get_args(Study.model_fields["language"].annotation)
# Calls that name a rule, and the position of its figures among their arguments.
FIGURES_AT = {"note": 2, "Remark": 1}


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _uses() -> dict[str, list[tuple[str, set[str]]]]:
    """By rule, where it is used and with which figures."""
    uses = defaultdict(list)
    for path in sorted((*PACKAGE.glob("preparation/**/*.py"), *PACKAGE.glob("sources/**/*.py"))):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or _called(call) not in FIGURES_AT or not call.args:
                continue
            where = f"{path.relative_to(PACKAGE)}:{call.lineno}"
            rule = call.args[0]
            if isinstance(rule, ast.Name) and rule.id == "rule":
                continue  # hands on what a Remark holds
            assert isinstance(rule, ast.Constant), f"{where}: name the rule where it is noted"
            figures = call.args[FIGURES_AT[_called(call)] :]
            keys = figures[0].keys if figures and isinstance(figures[0], ast.Dict) else []
            assert not figures or isinstance(figures[0], ast.Dict), f"{where}: name the figures where they are noted"
            assert all(isinstance(key, ast.Constant) for key in keys), f"{where}: name every figure"
            uses[rule.value].append((where, {key.value for key in keys}))
    return uses


USES = _uses()


def test_every_use_is_in_the_catalogue_and_every_rule_is_used():
    assert set(USES) == set(catalogue())


@pytest.mark.parametrize("name", catalogue())
def test_a_rule_speaks_every_language_and_every_use_has_exactly_its_figures(name):
    rule = catalogue()[name]
    assert rule.severity in {"info", "warning", "error"}
    assert set(rule.says) == set(LANGUAGES)
    for language in LANGUAGES:
        assert all(text.strip() == text != "" for text in rule.says[language])
        for where, figures in USES[name]:
            assert figures == rule.fields(language), f"{where} against {language}"


def test_findings_speak_the_language_of_the_study(town):
    english = wr.prepare(wr.load_study(town)).audit.findings
    town.write_text(town.read_text(encoding="utf-8").replace('"en"', '"zh"'), encoding="utf-8")
    chinese = wr.prepare(wr.load_study(town)).audit.findings
    same = ["severity", "rule", "file", "row", "column", "value"]
    assert english[same].equals(chinese[same])
    pair = [table.set_index("rule").loc["components", "reason"] for table in (english, chinese)]
    assert pair == [
        "2 separate components; the largest holds 71.4% of the nodes",
        "路网有 2 个互不连通的部分，最大部分含 71.4% 的节点",
    ]


def test_findings_pass_through_json_unchanged(tmp_path):
    first = Findings()
    first.note("people_off_streets", tmp_path / "a.csv", {"cells": 3, "people": 5.25, "cap_m": 300.0})
    first.note("facility_outside_areas", tmp_path / "b.csv", at=Spot(7, "类别", "学校"))
    second = Findings()
    second.add_records(json.loads(json.dumps(first.records())))
    for language in LANGUAGES:
        assert second.table(language).equals(first.table(language))
        assert len(second.table(language)) == 2


def test_no_findings_have_the_same_columns():
    some = Findings()
    some.note("facility_outside_areas", Path("b.csv"), at=Spot(7, "类别", "学校"))
    assert Findings().table("zh").dtypes.equals(some.table("zh").dtypes)
