"""Comparison -> a folder: what scenarios change per area and service, the targets, and layers of who gains or loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd

from withinreach.analysis import judge
from withinreach.exports.folders import whole_folder
from withinreach.exports.geodata import dated, write_layer_of
from withinreach.exports.manifest import manifest_of, write_manifest
from withinreach.exports.tables import write_csv
from withinreach.exports.targets import SHOWN as TARGET_TITLES
from withinreach.exports.workbook import Sheet, write_workbook
from withinreach.model import TOTAL
from withinreach.scenarios.comparison import SHOWN
from withinreach.standards import State, tell_state

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from withinreach.scenarios import Comparison
    from withinreach.study import Study

SHEETS = {
    "totals": ("合计", "totals"),
    "comparison": ("各区服务", "areas"),
    "targets": ("目标", "targets"),
}
# Columns that a table of targets has under the same headings.
OF_REGISTER = ("register", "target", "clause", "words", "gloss", "title")
# What a reader sees above the columns of the tables.
COLUMNS = {
    "scenario": ("方案", "scenario"),
    "service": ("服务", "service"),
    "code": ("区划代码", "code"),
    "name": ("名称", "name"),
    "cost": ("方案费用", "cost of the scenario"),
    "gained_people": ("新增覆盖人口", "people who gain"),
    "lost_people": ("失去覆盖人口", "people who lose"),
    "cost_per_gained": ("每新增一人费用", "cost per person who gains"),
    "people": ("人口", "people"),
    "served_people": ("覆盖人口", "people served"),
    "coverage": ("覆盖率", "coverage"),
    "mean_min": ("平均步行分钟", "mean minutes"),
    "facilities": ("设施数", "facilities"),
    "capacity": ("容量", "places"),
    "gap_places": ("容量缺口", "gap in places"),
    **{name: TARGET_TITLES[name] for name in OF_REGISTER},
    "target_value": ("目标值", "asked"),
    "unit": ("单位", "unit"),
    "gap_unit": ("缺口单位", "unit of the gap"),
    "state": ("分项状态", "state of the part"),
    "value": ("现状值", "value"),
    "gap": ("缺口", "gap"),
    "changes_state": ("状态改变", "changes state"),
}
# `target` is a column of targets; with one of these it is the state of the whole target.
OF_TARGET = ("目标状态", "state")
WHEN = {"_before": ("（现状）", ", before"), "_after": ("（方案）", ", after")}


def export_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write ``totals.csv``, ``comparison.csv``, ``targets.csv``, all in ``comparison.xlsx``, and ``changes.gpkg``.

    ``targets.csv`` has the targets of which a scenario changes state, figure or gap; see `Comparison.targets`. The
    GeoPackage has two layers for each scenario: ``scenario_<n>``, the inhabited cells that gain or lose a service (see
    `Comparison.changes`), and ``areas_<n>``, the areas with who gains and who loses, and how many targets are newly
    met and no longer met there. ``scenario_<n>.toml`` holds each scenario. The folder appears whole or not at all.

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    study = comparison.base.case.study
    targets = comparison.targets()
    tables = {"totals": comparison.totals, "comparison": comparison.table, "targets": targets}
    with whole_folder(folder) as staging:
        for name, table in tables.items():
            write_csv(table, staging / f"{name}.csv")
        place = ("zh", "en").index(study.language)
        sheets = {SHEETS[name][place]: Sheet(_shown(table, study)) for name, table in tables.items()}
        write_workbook(sheets, staging / "comparison.xlsx", study.as_of)
        path = staging / "changes.gpkg"
        with dated(study.as_of):
            for number, one in enumerate(comparison.outcomes, start=1):
                title = one.scenario.title
                (staging / f"scenario_{number}.toml").write_text(one.scenario.to_toml(), encoding="utf-8", newline="\n")
                write_layer_of(comparison.changes(title), path, f"scenario_{number}")
                write_layer_of(_areas(comparison, targets, title), path, f"areas_{number}", "MultiPolygon")
        write_manifest(manifest_of(comparison.base, judge(comparison.base)), staging)
    return folder


def _shown(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The columns that a reader needs, under headings in the study's language; services and states by their titles."""
    place = ("zh", "en").index(study.language)
    titles = {name: _heading(name, place) for name in table.columns}
    shown = table[[name for name, title in titles.items() if title]]
    said: dict[str, dict[str, str]] = {"service": {name: one.title for name, one in study.services.items()}}
    states = {state.value: tell_state(state.value, study.language) for state in State}
    said |= {f"{what}{when}": states for what in ("state", "target") for when in WHEN}
    for name in said.keys() & set(shown.columns):
        shown = shown.assign(**{name: shown[name].map(said[name])})
    return shown.rename(columns=titles)


def _heading(column: str, place: int) -> str:
    """What stands above a column; nothing above one that is for scripts."""
    for when, told in WHEN.items():
        if column.endswith(when):
            what = column.removesuffix(when)
            return (OF_TARGET if what == "target" else COLUMNS[what])[place] + told[place]
    return COLUMNS[column][place] if column in COLUMNS else ""


def _areas(comparison: Comparison, targets: pd.DataFrame, title: str) -> gpd.GeoDataFrame:
    """The areas with what a scenario changes in each, in columns ``<service>_<figure>``."""
    areas = comparison.base.case.areas.table
    layer = areas[["code", "name"]].copy()
    table = comparison.table[(comparison.table["scenario"] == title) & (comparison.table["code"] != TOTAL)]
    for service, rows in table.groupby("service", sort=False):
        for figure in ("gained_people", "lost_people", *(f"{name}{when}" for name in SHOWN for when in WHEN)):
            layer[f"{service}_{figure}"] = rows[figure].to_numpy()
    whole = targets[(targets["scenario"] == title) & targets["changes_state"]].drop_duplicates(
        ["register", "target", "code"]
    )
    for column, when in (("targets_newly_met", "target_after"), ("targets_no_longer_met", "target_before")):
        met = whole.loc[whole[when] == State.MET, "code"].value_counts()
        layer[column] = layer["code"].map(met).fillna(0).astype("int64")
    return gpd.GeoDataFrame(layer, geometry=areas.geometry.to_numpy(), crs=areas.crs)
