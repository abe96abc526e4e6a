"""Prepared cases in the cache: everything of a case but its study, which is given, and its network, stored by itself.

Tables are kept as Arrow's IPC format with the types that pandas gave them, geometries as WKB: both exact to the bit.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

from withinreach.model import Areas, Audit, Case, Places, UnitList
from withinreach.preparation.cache import DAMAGE, kept_file, load, network_file, store, stored_network
from withinreach.preparation.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.preparation.cache import Arrays
    from withinreach.study import Study

# What a run tells of the cache itself is no finding of the case.
OF_THE_CACHE = ("cache_damaged", "cached_case_damaged")
# A file that names other files, which nobody hashes.
REFERRING_SUFFIX = ".vrt"


def cached_case(study: Study, build: Callable[[Findings], Case]) -> Case:
    """Take a case from the cache, or build it and put it there.

    Parameters
    ----------
    build
        Called with the findings that there are so far if the cache does not have the case.
    """
    findings = Findings()
    path = None
    if not any(one.suffix.lower() == REFERRING_SUFFIX for one in study.input_paths()):
        path = kept_file("case", _settings(study), study.input_paths())
    if path is None:
        return build(findings)
    if path.is_file():
        try:
            case = _case(study, path)
        except (*DAMAGE, pa.ArrowException, shapely.GEOSException):
            findings.note("cached_case_damaged", path)
        else:
            if case is not None:
                path.touch()
                return case
    case = build(findings)
    network = network_file(study)
    if network is not None:
        store(path, {"network": np.array(network.name), **_arrays(case)})
    return case


def _settings(study: Study) -> object:
    """A study as plain values; of a file that it reads the place in its list, whatever folder it lies in."""
    place = {path: number for number, path in enumerate(study.input_paths())}

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {str(key): plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        if isinstance(value, Path):
            return [place.get(value), value.name]
        return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)

    return plain(study.model_dump())


def _arrays(case: Case) -> dict[str, NDArray[Any]]:
    levels = {level: [listed.near_m, listed.polygons is not None] for level, listed in case.units.items()}
    audit = case.audit
    told = audit.findings[~audit.findings["rule"].isin(OF_THE_CACHE)].reset_index(drop=True)
    arrays = {
        "cell_size_m": np.array(case.cell_size_m),
        "areas": _packed(case.areas.table),
        "water": _packed(case.water),
        "statistics": _packed(case.statistics),
        "levels": np.array(json.dumps(levels)),
    }
    arrays |= {f"audit.{f.name}": _packed(getattr(replace(audit, findings=told), f.name)) for f in fields(Audit)}
    arrays |= _of_places("people", case.people) | _of_places("facilities", case.facilities)
    for level, listed in case.units.items():
        arrays |= _of_places(f"units.{level}", listed.places)
        if listed.polygons is not None:
            arrays[f"polygons.{level}"] = _packed(listed.polygons.table)
    return arrays


def _case(study: Study, path: Path) -> Case | None:
    """What a file holds; None where its network is not in the cache any more."""
    arrays, crs = load(path), study.metric_crs
    network = path.with_name(str(arrays["network"]))
    if not network.is_file():
        return None
    width, height = arrays["cell_size_m"].tolist()
    levels = json.loads(str(arrays["levels"]))
    return Case(
        study=study,
        network=stored_network(network),
        facilities=_places(arrays, "facilities"),
        people=_places(arrays, "people"),
        areas=Areas(_drawn(arrays["areas"], crs)),
        water=_drawn(arrays["water"], crs),
        cell_size_m=(width, height),
        audit=Audit(**{field.name: _table(arrays[f"audit.{field.name}"]) for field in fields(Audit)}),
        units={
            level: UnitList(
                places=_places(arrays, f"units.{level}"),
                polygons=Areas(_drawn(arrays[f"polygons.{level}"], crs)) if polygons else None,
                near_m=near_m,
            )
            for level, (near_m, polygons) in levels.items()
        },
        statistics=_table(arrays["statistics"]),
    )


def _of_places(name: str, places: Places) -> dict[str, NDArray[Any]]:
    of = {f"{name}.{field.name}": getattr(places, field.name) for field in fields(Places)}
    return of | {f"{name}.table": _packed(places.table)}


def _places(arrays: Arrays, name: str) -> Places:
    of = {field.name: arrays[f"{name}.{field.name}"] for field in fields(Places) if field.name != "table"}
    return Places(table=_table(arrays[f"{name}.table"]), **of)


def _packed(table: pd.DataFrame) -> NDArray[np.uint8]:
    """A table as bytes, its geometries as WKB."""
    plain = table.to_wkb() if isinstance(table, gpd.GeoDataFrame) else table
    arrow = pa.Table.from_pandas(plain)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return np.frombuffer(sink.getvalue(), np.uint8)


def _table(packed: NDArray[np.uint8]) -> pd.DataFrame:
    return pa.ipc.open_file(pa.py_buffer(packed)).read_all().to_pandas()


def _drawn(packed: NDArray[np.uint8], crs: str) -> gpd.GeoDataFrame:
    table = _table(packed)
    return gpd.GeoDataFrame(table.assign(geometry=shapely.from_wkb(table["geometry"].to_numpy())), crs=crs)
