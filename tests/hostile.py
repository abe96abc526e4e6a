"""Texts that have broken pages, and a town in which every text of the inputs is one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from map_town import CRS, ORIGIN, measured_town
from withinreach.maps.shapes import Degrees
from withinreach.model import Areas, Places, UnitList
from withinreach.standards import Register, judge_case

if TYPE_CHECKING:
    from withinreach.analysis import Result
    from withinreach.model import Case
    from withinreach.standards import Judgement

LONG = 10_000
CORPUS = {
    "markup": "</script></title></style><img src=x onerror=alert(1)><svg onload=alert(2)><!-- ]]> \"'><b>b</b>&lt;",
    "script": '${alert(3)}`;alert(4)//\\u003cimg src=x\\u003e\';"+alert(5)+"{{ 7*7 }}{% raw %}%s{0}{name}',
    "directions": "\u202eمرحبا\u2066שלום\u2069\u200f\u200bبcba\u202c\u061c",
    "characters": "\x00\x07\x1b[31m\x7f\ufeff\u2028\u2029\ufffe"
    "👨‍👩‍👧‍👦🏳️‍🌈𠮷é\u0301\u0301\u0301\u0301 ﷽ constructor __proto__",
    "long words": "长 名 " * (LONG // 4),
    "long word": "W" * LONG,
}


def hostile_town(text: str) -> tuple[Result, Judgement]:
    """The town with a text in place of every title, name, note and value, and a register of the same judged by it."""
    town = measured_town(**_study(text))
    areas = Areas(town.case.areas.table.assign(name=text))
    case = replace(town.case, areas=areas, facilities=_facilities(town.case, text))
    judgement = judge_case(case, town.reaches, (_register(text),))
    return replace(town, case=replace(case, units={"village": _villages(text)})), judgement


def _study(text: str) -> dict[str, object]:
    study = measured_town().case.study.model_dump(exclude_unset=True)
    for group in study["population"]["groups"].values():
        group["title"] = text
    for profile in study["profiles"].values():
        profile |= {"title": text, "source": text}
    for service in study["services"].values():
        service |= {"title": text, "capacity_title": text}
    study["services"]["care"]["norm"]["source"] = text
    changed = {name: study[name] for name in ("population", "profiles", "services")}
    sheet = {"review_number": text, "internal_use": True}
    kinds = {"constructor": {"title": text}}
    return {**changed, "title": text, "notice": text, "producer": text, "map": sheet, "kinds": kinds}


def _facilities(case: Case, text: str) -> Places:
    count = len(case.facilities)
    table = case.facilities.table.assign(
        id=[f"{text}{row}" for row in range(count)],
        name=text,
        grade=pd.Categorical([text if row % 2 else "constructor" for row in range(count)]),
        ownership=pd.Categorical([text if row % 2 == 0 else None for row in range(count)]),
    )
    return replace(case.facilities, table=table)


def _villages(text: str) -> UnitList:
    xy = ORIGIN + np.array([[900.0, 900], [2900, 900]])
    lonlat = Degrees(CRS).of(xy)
    table = pd.DataFrame({"code": ["1", "2"], "name": [text, text], "lon": lonlat[:, 0], "lat": lonlat[:, 1]})
    nothing = np.zeros(2, np.int64)
    places = Places(table, xy, np.array([0, 1], np.int32), np.zeros(2, np.int32), nothing, nothing)
    return UnitList(places, None, 800.0)


def _register(text: str) -> Register:
    told = {"clause": text, "words": text, "gloss": text}
    rules = [
        {"rule": "narrative", "why": text},
        {"rule": "statistic", "statistic": "S1", "value": 55, "unit": text, "gap_unit": text},
        {"rule": "coverage", "service": "care", "by": "people", "value": 90, "title": text},
    ]
    targets = [{"id": f"T{number}", **told, "rules": [rule]} for number, rule in enumerate(rules)]
    return Register.model_validate({"id": "hostile", "title": text, "source": text, "year": 2025, "targets": targets})
