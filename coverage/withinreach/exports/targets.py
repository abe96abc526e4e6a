"""Judgement -> what planners file: targets with their state, figures and gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.exports.tables import write_csv
from withinreach.exports.words import told
from withinreach.exports.workbook import Sheet, write_workbook
from withinreach.model import TOTAL
from withinreach.standards import State, tell_state

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.standards import Judgement
    from withinreach.study import Study

# Columns of the judgement in the order of 指标完成情况表, and what a reader sees above them.
SHOWN = {
    "register": ("目标体系", "register"),
    "target": ("编号", "target"),
    "clause": ("条款", "clause"),
    "words": ("规划原文", "words of the document"),
    "gloss": ("英文释义", "gloss"),
    "title": ("分项", "part"),
    "code": ("区划代码", "code"),
    "name": ("名称", "name"),
    "year": ("目标年份", "due"),
    "told_state": ("状态", "state"),
    "told_attribute": ("属性", "attribute"),
    "baseline": ("基期", "baseline"),
    "baseline_year": ("基期年份", "year of the baseline"),
    "value": ("现状", "value"),
    "target_value": ("目标值", "target value"),
    "stretch_value": ("力争值", "hoped for"),
    "unit": ("单位", "unit"),
    "implied": ("目标值系推定", "target value is implied"),
    "have": ("分子", "numerator"),
    "base": ("分母", "denominator"),
    "facilities": ("设施数", "facilities"),
    "known": ("已知比例", "share that tell"),
    "gap": ("缺口", "gap"),
    "gap_of_units": ("各区缺口合计", "sum of the units' gaps"),
    "by_converting": ("改造需", "closed by converting"),
    "by_adding": ("新增需", "closed by adding"),
    "gap_unit": ("缺口单位", "unit of the gap"),
    "people_year": ("人口年份", "year of the population"),
    "reported": ("统计数", "statistic"),
    "reported_year": ("统计年份", "year of the statistic"),
    "includes_changyuan": ("含长垣", "with Changyuan"),
    "department": ("责任部门", "department"),
    "missing": ("缺少的数据", "missing input"),
    "reason": ("说明", "why"),
    "caveat": ("备注", "note"),
}

YEARS = ("year", "baseline_year", "people_year", "reported_year")

# The column with the words of a document by the language of a reader.
READERS = {"zh": "words", "en": "gloss"}


def write_targets(judgement: Judgement, study: Study, folder: Path) -> None:
    """Write ``targets.csv`` and ``targets.xlsx``: the rows of all units together, and those of each.

    The CSV has every column of `Judgement.table`; the workbook those that a reader needs, in the study's language, and
    a sheet that says where targets and figures come from.
    """
    rows = judgement.table
    write_target_rows(rows, folder / "targets.csv")
    place = ("zh", "en").index(study.language)
    titles = (("指标", "各区", "说明"), ("targets", "units", "notes"))[place]
    tables = (judgement.of_unit(), rows[rows["code"] != TOTAL])
    sheets = {title: _sheet(_shown(table, study), study) for title, table in zip(titles, tables, strict=False)}
    write_workbook(sheets | {titles[2]: Sheet(_notes(judgement, study))}, folder / "targets.xlsx", study.as_of)


def write_target_rows(rows: pd.DataFrame, path: Path) -> None:
    """Write rows of `Judgement.table` as CSV."""
    write_csv(rows.replace({np.inf: np.nan}), path)


def _sheet(table: pd.DataFrame, study: Study) -> Sheet:
    place = ("zh", "en").index(study.language)
    return Sheet(table, {SHOWN[name][place]: "0" for name in YEARS})


def _shown(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    place = ("zh", "en").index(study.language)
    shown = rows.assign(
        told_state=[tell_state(state, study.language) for state in rows["state"]],
        told_attribute=told("attribute", rows["attribute"], study.language),
    )
    return shown[list(SHOWN)].rename(columns={name: titles[place] for name, titles in SHOWN.items()})


def _notes(judgement: Judgement, study: Study) -> pd.DataFrame:
    """The study, its dates, the documents, and how many targets are in which state."""
    zh = study.language == "zh"
    lines = [
        ("研究" if zh else "study", study.title),
        ("提示" if zh else "notice", study.notice),
        ("数据截止" if zh else "data as of", study.as_of.isoformat()),
        ("常住人口" if zh else "resident population", study.population.as_of.isoformat()),
    ]
    counts = judgement.counts()
    for register in judgement.registers:
        lines.append((register.title.in_(study.language), register.source))
        states = {tell_state(state, study.language): counts.loc[register.id, state.value] for state in State}
        lines.append((register.id, ", ".join(f"{state} {count}" for state, count in states.items())))
    unknown = "空白表示未知，不是零" if zh else "an empty cell is unknown, not zero"
    return pd.DataFrame([*lines, ("", unknown)], columns=["项目" if zh else "item", "内容" if zh else "content"])
