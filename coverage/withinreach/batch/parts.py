"""What a publication is made of -> parts on disk: GeoParquet of streets, cells and facilities, read by rectangle.

A folder of parts holds all that the folders of a study are written from, once. Whoever publishes a county reads what
lies around it (see `read_county`), so its memory depends on the county and not on how many there are.

What only the whole can know is worked out before: who is nearest however far, which streets are connected, factors of
the census, catchments, loads, totals, ledger, audit, targets. It stands beside each place or in tables of the whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from withinreach.batch.frames import write_frame
from withinreach.exports import whole_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from withinreach.batch.frames import Bounds
    from withinreach.model import Case, Network, Places
    from withinreach.publishing import Material

SUMMARY = "parts.json"
# Columns of ours beside those of a study, whose names never hold a colon.
OURS = "at:"
REACH_ARRAYS = ("level_m", "seconds", "nearest", "status")


def write_parts(material: Material, key: str, folder: Path) -> None:
    """Write the parts of a study into a folder, which appears whole or not at all.

    Parameters
    ----------
    material
        Its grounds need no isochrones: these are traced where a county is read.
    key
        What the parts were made from; see `key_of`.
    """
    with whole_folder(folder, mark=SUMMARY) as staging:
        for name, frame in _frames(material):
            write_frame(frame, staging / f"{name}.parquet")
            del frame  # before the next one is made
        summary = _summary(material) | {"key": key}
        (staging / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False), encoding="utf-8")


def _summary(material: Material) -> dict[str, Any]:
    result = material.result
    case = result.case
    codes, names = case.areas.table["code"], case.areas.table["name"]
    cells = np.bincount(case.people.area, minlength=len(codes))
    return {
        "study": case.study.model_dump(mode="json"),
        "counties": [
            {"code": str(code), "name": str(name), "cells": int(count), "bounds": bounds_of(case, row)}
            for row, (code, name, count) in enumerate(zip(codes, names, cells, strict=True))
        ],
        "reach_m": case.study.page_reach_m,
        "cell_size_m": list(case.cell_size_m),
        "units": {level: listed.near_m for level, listed in case.units.items()},
        "polygons": [level for level, listed in case.units.items() if listed.polygons is not None],
        "registers": [register.model_dump(mode="json") for register in material.tables.judgement.registers],
        "unused": list(material.tables.judgement.unused),
        "manifest": dict(material.manifest),
    }


def bounds_of(case: Case, row: int) -> Bounds:
    """The rectangle around an area and all that counts for it, wherever that stands."""
    places = (case.people, case.facilities, *(listed.places for listed in case.units.values()))
    own = np.concatenate([some.xy[some.area == row] for some in places])
    shape = case.areas.table.geometry.iloc[row]
    west, south, east, north = shapely.total_bounds([shape, shapely.MultiPoint(own)]).tolist()
    return west, south, east, north


def _frames(material: Material) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table by the name of its file, one after the other: streets and cells together would be the most memory."""
    result, judgement = material.result, material.tables.judgement
    case, audit = result.case, result.case.audit
    crs = case.study.metric_crs
    yield "streets", _street_frame(case.network, crs)
    yield "cells", _cell_frame(material, crs)
    yield "facilities", _place_frame(case.facilities, crs)
    yield "areas", case.areas.table
    yield "water", case.water
    yield "findings", audit.findings
    yield "accounts", audit.accounts
    yield "factors", audit.factors
    yield "masked", audit.masked
    yield "statistics", case.statistics
    yield "targets", judgement.table
    yield "coverage", material.tables.coverage
    yield "townships", material.tables.townships
    yield "loads", material.tables.loads
    yield "ledger", material.tables.ledger
    yield "catchments", _catchment_frame(material)
    yield "intervals", material.intervals
    yield "totals", pd.DataFrame(dict(result.totals))
    for name in result.tables:
        yield f"table-{name}", result.tables[name]
        yield f"ledger-{name}", result.ledgers[name]
    for level, listed in case.units.items():
        times = {f"{OURS}{name}:seconds": reach.unit_seconds[level] for name, reach in result.reaches.items()}
        yield f"units-{level}", _place_frame(listed.places, crs).assign(**times)
        if listed.polygons is not None:
            yield f"polygons-{level}", listed.polygons.table


def _street_frame(network: Network, crs: str) -> gpd.GeoDataFrame:
    """One row per segment in the order of their first nodes, which is that of the ground."""
    lines = shapely.from_ragged_array(
        shapely.GeometryType.LINESTRING, network.vertex_xy.copy(), (network.vertex_ptr.copy(),)
    )
    ends = {"tail": network.tail, "head": network.head}
    frame = gpd.GeoDataFrame(
        {
            "row": np.arange(network.n_segments, dtype=np.int32),
            **ends,
            **{
                f"{end}_{axis}": network.xy[node, place]
                for end, node in ends.items()
                for place, axis in enumerate("xy")
            },
            "length_mm": network.length_mm,
            "steps": network.steps,
            "crossing": network.crossing,
            "uphill_forward": network.uphill[0],
            "uphill_backward": network.uphill[1],
        },
        geometry=lines,
        crs=crs,
    )
    return frame.iloc[np.argsort(network.tail, kind="stable")].reset_index(drop=True)


def _cell_frame(material: Material, crs: str) -> gpd.GeoDataFrame:
    """Cells with what was found for each, area by area."""
    result = material.result
    people = result.case.people
    kinds = {"reach": result.reaches, "own": result.own_reaches}
    found = {
        f"{OURS}{kind}:{name}:{array}": getattr(reach, array)
        for kind, reaches in kinds.items()
        for name, reach in reaches.items()
        for array in REACH_ARRAYS
    }
    frame = _place_frame(people, crs)
    frame = gpd.GeoDataFrame(pd.concat([frame, pd.DataFrame(found)], axis=1), crs=crs)
    return frame.iloc[np.argsort(people.area, kind="stable")].reset_index(drop=True)


def _catchment_frame(material: Material) -> gpd.GeoDataFrame:
    """Catchments with the area of their facility."""
    catchments = material.grounds.catchments
    area = material.result.case.facilities.area[catchments["facility"]]
    return catchments.assign(**{f"{OURS}area": area})


def _place_frame(places: Places, crs: str) -> gpd.GeoDataFrame:
    own = {"area": places.area, "segment": places.segment, "offset_mm": places.offset_mm, "access_mm": places.access_mm}
    ours = {f"{OURS}row": np.arange(len(places), dtype=np.int32)} | {f"{OURS}{name}": v for name, v in own.items()}
    table = pd.concat([places.table, pd.DataFrame(ours)], axis=1)
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*places.xy.T), crs=crs)
