"""Plans, comparisons and gaps as folders: tables, a workbook, layers, and the plan as a scenario to go on from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from withinreach.analysis import judge
from withinreach.exports.folders import whole_folder
from withinreach.exports.geodata import dated
from withinreach.exports.manifest import manifest_of, write_manifest
from withinreach.exports.tables import write_csv
from withinreach.exports.workbook import Sheet, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.scenarios import Comparison
    from withinreach.siting import Missing, Plan


def export_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write ``comparison.csv``, ``totals.csv``, both in ``comparison.xlsx``, and ``changes.gpkg``.

    The GeoPackage has a layer for each scenario: the inhabited cells that gain or lose a service; see
    `Comparison.changes`. ``scenario_<n>.toml`` holds each scenario. The folder appears whole or not at all.

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    day = comparison.base.case.study.as_of
    with whole_folder(folder) as staging:
        write_csv(comparison.table, staging / "comparison.csv")
        write_csv(comparison.totals, staging / "totals.csv")
        sheets = {"totals": Sheet(comparison.totals), "comparison": Sheet(comparison.table)}
        write_workbook(sheets, staging / "comparison.xlsx", day)
        with dated(day):
            for number, one in enumerate(comparison.outcomes, start=1):
                (staging / f"scenario_{number}.toml").write_text(one.scenario.to_toml(), encoding="utf-8", newline="\n")
                _write_layer(comparison.changes(one.scenario.title), staging / "changes.gpkg", f"scenario_{number}")
        write_manifest(manifest_of(comparison.base, judge(comparison.base)), staging)
    return folder


def export_plan(plan: Plan, folder: Path) -> Path:
    """Write ``sites.csv``, ``plan.json``, ``plan.gpkg`` and ``scenario.toml``.

    The GeoPackage has the layers ``sites`` and ``unservable``, the cells with people whom nothing serves and no
    candidate can serve. The folder appears whole or not at all.

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    case = plan.base.case
    with whole_folder(folder) as staging:
        write_csv(plan.sites.drop(columns="row"), staging / "sites.csv")
        text = json.dumps(plan_figures(plan), ensure_ascii=False, indent=2, allow_nan=False)
        (staging / "plan.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        scenario = plan.scenario(f"{plan.service.name}: {plan.objective}")
        (staging / "scenario.toml").write_text(scenario.to_toml(), encoding="utf-8", newline="\n")
        with dated(case.study.as_of):
            sites = plan.sites.drop(columns="row")
            _write_layer(
                _points(sites, plan.sites[["x", "y"]].to_numpy(), case.study.metric_crs), staging / "plan.gpkg", "sites"
            )
            cells = case.people.table.iloc[plan.unservable].reset_index(drop=True)
            _write_layer(
                _points(cells, case.people.xy[plan.unservable], case.study.metric_crs),
                staging / "plan.gpkg",
                "unservable",
            )
        write_manifest(manifest_of(plan.base, judge(plan.base)), staging)
    return folder


def export_missing(missing: Missing, folder: Path) -> Path:
    """Write ``pockets.csv``, ``links.csv`` and ``missing.gpkg``.

    The GeoPackage has the layers ``pockets`` (where most people of each live), ``walks`` (from there to the nearest
    facility) and ``links``. The folder appears whole or not at all.

    Raises
    ------
    SourceError
        If the folder holds something else.
    """
    pockets, links = missing.pockets, missing.links
    with whole_folder(folder) as staging:
        write_csv(pd.DataFrame(pockets.drop(columns="geometry")), staging / "pockets.csv")
        write_csv(pd.DataFrame(links.drop(columns="geometry")), staging / "links.csv")
        path = staging / "missing.gpkg"
        with dated(missing.base.case.study.as_of):
            walked = pockets.geometry.geom_type == "LineString"
            first = shapely.points(shapely.get_coordinates(pockets.geometry.to_numpy())[_firsts(pockets)])
            _write_layer(pockets.set_geometry(first, crs=pockets.crs), path, "pockets")
            _write_layer(pockets[walked], path, "walks", "LineString")
            _write_layer(links, path, "links", "LineString")
        write_manifest(manifest_of(missing.base, judge(missing.base)), staging)
    return folder


def _firsts(layer: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Row of the first vertex of each geometry among all vertices."""
    size = shapely.get_num_coordinates(layer.geometry.to_numpy())
    return np.cumsum(size) - size


def plan_figures(plan: Plan) -> dict[str, object]:
    """A plan for scripts: what was asked, the answer, and its proof; unknown figures are null."""
    told = plan.certificate
    figures = {"objective": told.objective, "bound": told.bound, "gap": told.gap, "seconds": told.seconds}
    return {
        "service": plan.service.name,
        "question": plan.objective,
        "candidates": plan.candidates,
        "rules": plan.rules.model_dump(mode="json", exclude_defaults=True),
        "status": str(told.status),
        **{name: value if np.isfinite(value) else None for name, value in figures.items()},
        "unservable_people": plan.unservable_people,
        "notes": list(plan.notes),
        "sites": _records(plan.sites.drop(columns="row")),
    }


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    return rows


def _points(table: pd.DataFrame, xy: np.ndarray, crs: str) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*xy.T), crs=crs)


def _write_layer(layer: gpd.GeoDataFrame, path: Path, name: str, kind: str = "Point") -> None:
    pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists(), geometry_type=kind)
