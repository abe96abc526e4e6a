"""Tables of a county -> the sheets of its workbook: 附表1 to 4, rule checks, notes and the data dictionary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.exports.dictionary import Dictionary
from withinreach.exports.notes import note_rows
from withinreach.exports.targets import READERS
from withinreach.exports.withheld import PROTECTED, SHOWN, figures, reckoned
from withinreach.exports.words import WORDS, told
from withinreach.exports.workbook import Chart, Sheet, write_workbook
from withinreach.model import Frozen
from withinreach.standards import tell_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from withinreach.exports.dictionary import Meaning
    from withinreach.standards import Judgement
    from withinreach.study import Study

UNKNOWN = "—"
# Number formats of the field by the sort of a column: 万人 with two decimals, counts with thousands, per cent with one.
STYLES = {
    "people": "#,##0",
    "wan": "0.00",
    "percent": "0.0",
    "minutes": "0.0",
    "whole": "#,##0",
    "year": "0",
    "flag": "0",
    "degrees": "0.000000",
    "number": "#,##0.00",
    "share": "0.000",
}
SCALES = {"zh": 10_000.0, "en": 1_000.0}
# Rules that ask for facilities in units: what 规则检查表 lists.
CHECKED = ("every_unit", "count", "tiers", "conditional", "colocation")
GAPS_DRAWN = 12


@dataclass(frozen=True, slots=True, eq=False)
class CountyTables(Frozen):
    """The tables of one county, as they are published: withheld figures hold their mark.

    Attributes
    ----------
    study : Study
    code, name : str
    coverage : DataFrame
        See `every_row`; the rows of the county.
    townships : DataFrame
        The same of its townships.
    register : DataFrame
        Every facility in the county with its attributes.
    loads : DataFrame
        See `facility_rows`; the rows of the county.
    gaps : DataFrame
        The pockets of all services with what would close them; see `county_gaps`.
    judgement : Judgement
    remarks : tuple of str
        What a reader of the figures must know.
    """

    study: Study
    code: str
    name: str
    coverage: pd.DataFrame
    townships: pd.DataFrame
    register: pd.DataFrame
    loads: pd.DataFrame
    gaps: pd.DataFrame
    judgement: Judgement
    remarks: tuple[str, ...]


def write_county_workbook(tables: CountyTables, path: Path) -> None:
    """Write the workbook of a county in the study's language; see `write_workbook`."""
    dictionary = Dictionary(tables.study)
    contents = {
        "overview": _overview(tables),
        "register_sheet": _register(tables),
        "targets_sheet": _targets(tables),
        "townships": _townships(tables),
        "gaps_sheet": _gaps(tables),
        "checks": _checks(tables),
        "notes": pd.DataFrame(note_rows(tables), columns=["item", "content"]),
    }
    contents["dictionary"] = _dictionary(contents, dictionary)
    charts = _charts(contents, tables.study, dictionary)
    sheets = {
        dictionary.table(name)[0]: _sheet(name, table, dictionary, tables.study) for name, table in contents.items()
    }
    first = dictionary.table("overview")[0]
    sheets[first] = replace(sheets[first], charts=charts)
    write_workbook(sheets, path, tables.study.as_of)


def _sheet(name: str, table: pd.DataFrame, dictionary: Dictionary, study: Study) -> Sheet:
    meanings = [dictionary.column(name, column) for column in table.columns]
    shown = table.replace({PROTECTED: SHOWN[study.language]}).replace("", np.nan)
    shown.columns = [_header(meaning) for meaning in meanings]
    formats = {_header(meaning): STYLES[meaning.sort] for meaning in meanings if meaning.sort in STYLES}
    return Sheet(shown, formats, UNKNOWN)


def _header(meaning: Meaning) -> str:
    return f"{meaning.title}\n({meaning.unit})" if meaning.unit else meaning.title


def _scaled(column: pd.Series, study: Study) -> pd.Series:
    return reckoned(column, lambda people: people / SCALES[study.language])


def _percent(column: pd.Series) -> pd.Series:
    return reckoned(column, lambda share: 100 * share)


def _titles(names: pd.Series, study: Study) -> list[str]:
    return [study.services[name].title for name in names]


def _overview(tables: CountyTables) -> pd.DataFrame:
    rows, study = tables.coverage, tables.study
    return pd.DataFrame(
        {
            "service_title": _titles(rows["service"], study),
            "cutoff_min": rows["cutoff_min"].to_numpy(),
            "people_wan": _scaled(rows["people"], study).to_numpy(),
            "served_wan": _scaled(rows["served_people"], study).to_numpy(),
            "coverage_percent": _percent(rows["coverage"]).to_numpy(),
            "own_percent": _percent(rows["coverage_own"]).to_numpy(),
            "circle_percent": _percent(rows["circle_coverage"]).to_numpy(),
            "uncovered_people": rows["uncovered_people"].to_numpy(),
            "median_min": rows["median_min"].to_numpy(),
            "facilities": rows["facilities"].to_numpy(),
            "capacity": rows["capacity"].to_numpy(),
            "capacity_per_1000": rows["capacity_per_1000"].to_numpy(),
            "norm_per_1000": rows["norm_per_1000"].to_numpy(),
            "gap_places": rows["gap_places"].to_numpy(),
        }
    )


def _register(tables: CountyTables) -> pd.DataFrame:
    table, study = tables.register, tables.study
    kinds = study.taxonomy.kinds
    nearest = tables.loads.drop_duplicates("id").set_index("id")["nearest_people"]
    return pd.DataFrame(
        {
            "number": np.arange(1, len(table) + 1),
            "id": table["id"].to_numpy(),
            "name": table["name"].to_numpy(),
            "kind_title": [kinds[kind].titles[study.language] if kind in kinds else kind for kind in table["kind"]],
            "level": told("level", table["level"], study.language),
            "unit_name": [tables.name] * len(table),
            "township": table["township"].to_numpy(),
            "address": table["address"].to_numpy(),
            "lon": table["lon"].to_numpy(),
            "lat": table["lat"].to_numpy(),
            "datum_title": ["WGS84"] * len(table),
            **{
                name: table[name].to_numpy()
                for name in ("area_m2", "beds", "seats", "nursing_beds", "residents", "enrolment")
            },
            "ownership": told("ownership", table["ownership"], study.language),
            "is_inclusive": told("flag", table["is_inclusive"], study.language),
            "star": table["star"].to_numpy(),
            "grade": table["grade"].astype(object).to_numpy(),
            "status": told("status", table["status"], study.language),
            "built_year": table["built_year"].to_numpy(),
            "nearest_people": table["id"].map(nearest).to_numpy(),
            "file": table["file"].to_numpy(),
            "as_of": [day.date().isoformat() if pd.notna(day) else study.as_of.isoformat() for day in table["as_of"]],
        }
    )


def _targets(tables: CountyTables) -> pd.DataFrame:
    rows, language = tables.judgement.of_unit(tables.code), tables.study.language
    rows = rows[rows["state"] != "not_applicable"]
    titles = {register.id: register.title.in_(language) for register in tables.judgement.registers}
    asked = rows["sense"].isin(["at_least", "more_than"]) & (figures(rows["target_value"]) > 0)
    done = (100 * figures(rows["value"]) / figures(rows["target_value"])).where(asked)
    shown = rows.assign(
        register_title=[titles[name] for name in rows["register"]],
        told_state=[tell_state(state, language) for state in rows["state"]],
        told_basis=told("basis", rows["basis"], language),
        told_attribute=told("attribute", rows["attribute"], language),
        done_percent=done.mask(rows["value"].astype(object) == PROTECTED, PROTECTED) if len(rows) else done,
    )
    wanted = ["register_title", "target", "clause", READERS[language], "title", "unit", "told_attribute", "baseline"]
    wanted += [
        "baseline_year",
        "value",
        "year",
        "target_value",
        "stretch_value",
        "done_percent",
        "told_state",
        "gap",
        "gap_unit",
        "reported",
        "reported_year",
    ]
    return shown[[*wanted, "department", "told_basis", "reason"]].reset_index(drop=True)


def _townships(tables: CountyTables) -> pd.DataFrame:
    """Townships by service, and the county below them, apart: it is their sum only where they cover it."""
    study, words = tables.study, WORDS[tables.study.language]
    blocks = []
    for name in study.services:
        below = tables.townships[tables.townships["service"] == name]
        whole = tables.coverage[tables.coverage["service"] == name].assign(name=words["county_total"])
        rank = figures(below["coverage"]).rank(ascending=False, method="min")
        blocks.append(pd.concat([below.assign(rank=rank), whole.assign(rank=np.nan)], ignore_index=True))
    rows = pd.concat(blocks, ignore_index=True)
    return pd.DataFrame(
        {
            "service_title": _titles(rows["service"], study),
            "code": rows["code"],
            "name": rows["name"],
            "people_wan": _scaled(rows["people"], study),
            "facilities": rows["facilities"],
            "cutoff_min": rows["cutoff_min"],
            "served_wan": _scaled(rows["served_people"], study),
            "coverage_percent": _percent(rows["coverage"]),
            "uncovered_people": rows["uncovered_people"],
            "mean_min": rows["mean_min"],
            "capacity_per_1000": rows["capacity_per_1000"],
            "gap_places": rows["gap_places"],
            "rank": rows["rank"],
        }
    )


def _gaps(tables: CountyTables) -> pd.DataFrame:
    rows, language = tables.gaps, tables.study.language
    shown = rows.assign(
        gap_number=rows["number"],
        service_title=_titles(rows["service"], tables.study),
        reason=told("reason", rows["reason"], language),
        suggestion=told("suggestion", rows["suggestion"], language),
        priority=told("priority", rows["priority"], language),
    )
    wanted = ["gap_number", "service_title", "place", "lon", "lat", "people", "reason", "nearest_name", "level_m"]
    return shown[[*wanted, "minutes", "suggestion", "site_name", "site_people", "priority"]].reset_index(drop=True)


def _checks(tables: CountyTables) -> pd.DataFrame:
    """Rules with a number that is asked for and one that there is."""
    rows, language = tables.judgement.of_unit(tables.code), tables.study.language
    rows = rows[rows["rule"].isin(CHECKED) & rows["state"].isin(["met", "not_met", "not_computable"])]
    between = " · "
    return pd.DataFrame(
        {
            "register": rows["register"],
            "target": rows["target"],
            "rule": [
                between.join(filter(None, (words, title)))
                for words, title in zip(rows[READERS[language]], rows["title"], strict=True)
            ],
            "unit": rows["unit"],
            "required": rows["target_value"],
            "actual": rows["value"],
            "deficit": rows["gap"],
            "gap_unit": rows["gap_unit"],
            "told_state": [tell_state(state, language) for state in rows["state"]],
            "missing": rows["missing"],
        }
    ).reset_index(drop=True)


def _dictionary(contents: Mapping[str, pd.DataFrame], dictionary: Dictionary) -> pd.DataFrame:
    rows = [
        (dictionary.table(name)[0], meaning.title, meaning.unit, meaning.description)
        for name, table in contents.items()
        for meaning in (dictionary.column(name, column) for column in table.columns)
    ]
    return pd.DataFrame(rows, columns=["table_title", "column_title", "unit_title", "meaning"])


def _charts(contents: Mapping[str, pd.DataFrame], study: Study, dictionary: Dictionary) -> tuple[Chart, ...]:
    """Coverage beside the circle of the plan, uncovered people, townships of the first service, the largest gaps."""
    words = WORDS[study.language]

    def chart(table: str, title: str, label: str, bars: tuple[str, ...], rows: int) -> Chart:
        headers = [_header(dictionary.column(table, column)) for column in (label, *bars)]
        return Chart(title, dictionary.table(table)[0], headers[0], tuple(headers[1:]), rows)

    first = study.services[next(iter(study.services))].title
    townships = int((contents["townships"]["service_title"] == first).sum()) - 1
    gaps = min(len(contents["gaps_sheet"]), GAPS_DRAWN)
    shares = ("coverage_percent", "circle_percent")
    return (
        chart("overview", words["chart_coverage"], "service_title", shares, len(contents["overview"])),
        chart("overview", words["chart_uncovered"], "service_title", ("uncovered_people",), len(contents["overview"])),
        chart("townships", f"{first}·{words['chart_townships']}", "name", ("coverage_percent",), townships),
        chart("gaps_sheet", f"{first}·{words['chart_gaps']}", "gap_number", ("people",), gaps),
    )
