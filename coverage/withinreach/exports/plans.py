"""Plans and gaps as folders: tables, layers, and the plan as a scenario to go on from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.analysis import judge
from withinreach.exports.folders import whole_folder
from withinreach.exports.geodata import dated, write_layer_of
from withinreach.exports.manifest import manifest_of, write_manifest
from withinreach.exports.tables import write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.siting import Missing, Plan


def export_plan(plan: Plan, folder: Path) -> Path:
    """Write ``sites.csv``, ``unservable.csv``, ``plan.json``, ``plan.gpkg`` and ``scenario.toml``.

    ``unservable`` lists the cells with people whom nothing serves and no candidate can serve; the GeoPackage has it
    and ``sites`` as layers. The folder appears whole or not at all.

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
        write_csv(plan.nobody_serves(), staging / "unservable.csv")
        scenario = plan.scenario(plan.title)
        (staging / "scenario.toml").write_text(scenario.to_toml(), encoding="utf-8", newline="\n")
        with dated(case.study.as_of):
            sites = plan.sites.drop(columns="row")
            write_layer_of(
                _points(sites, plan.sites[["x", "y"]].to_numpy(), case.study.metric_crs), staging / "plan.gpkg", "sites"
            )
            cells = case.people.table.iloc[plan.unservable].reset_index(drop=True)
            write_layer_of(
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
            write_layer_of(pockets.set_geometry(first, crs=pockets.crs), path, "pockets")
            write_layer_of(pockets[walked], path, "walks", "LineString")
            write_layer_of(links, path, "links", "LineString")
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
