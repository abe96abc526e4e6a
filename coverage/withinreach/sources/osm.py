"""Streets for walking, straight from OpenStreetMap files: ``.osm.pbf``, ``.osm``, ``.osm.gz``, ``.osm.bz2``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.sources.osm_file import is_osm, read_osm_file
from withinreach.sources.remarks import Remark
from withinreach.sources.walking_tags import walking_rules
from withinreach.sources.way_cutting import cut_ways, whole_lines

if TYPE_CHECKING:
    from pathlib import Path

    import pyproj
    from numpy.typing import NDArray

    from withinreach.sources.osm_file import OsmFile, Tagged
    from withinreach.sources.population.cells import Bounds
    from withinreach.sources.walking_tags import Verdict
    from withinreach.sources.way_cutting import Cut, WayNodes

__all__ = ["Streets", "is_osm", "nothing_left_out", "read_osm"]

CRS = "EPSG:4326"
OFF_THE_GROUND = ("bridge", "tunnel")
LEFT_OUT_COLUMNS = ("kind", "osm_id", "type", "key", "value", "geometry")


class Streets(NamedTuple):
    """What a file of streets gives for walking. Other files than OpenStreetMap's have columns and a CRS of their own.

    Attributes
    ----------
    lines : GeoDataFrame, EPSG:4326
        highway (value of the tag), osm_id (int64, the way), steps (bool), crossing (bool, a piece of a footway or
        cycleway over a street), bridge (bool, also a tunnel: not on the ground) and a LineString. Lines share end
        points exactly where people can turn from one into the other, and end at every such place.
    left_out : GeoDataFrame, EPSG:4326
        Ways that are not walked and the gaps at closed barriers: kind (``way`` or ``barrier``), osm_id (of the way or
        the node), type (value of highway=* or barrier=*), key and value (the tag that decided) and a LineString, one
        per connected part of a way.
    remarks
        What else is worth a line in the audit.
    ends : (s, 2) int64, optional
        Of a graph the nodes at which each line begins and ends; other lines meet where their ends do.
    """

    lines: gpd.GeoDataFrame
    left_out: gpd.GeoDataFrame
    remarks: tuple[Remark, ...]
    ends: NDArray[np.int64] | None = None


def nothing_left_out(crs: pyproj.CRS | None) -> gpd.GeoDataFrame:
    """What is left out of a file where every line is a street; see `Streets`."""
    return gpd.GeoDataFrame({column: [] for column in LEFT_OUT_COLUMNS}, geometry="geometry", crs=crs)


def read_osm(path: Path, bounds: Bounds | None = None) -> Streets:
    """Read the ways that people walk on; `walking_tags.toml` says which.

    Parameters
    ----------
    bounds
        West, south, east, north: only ways that meet them are read.

    Raises
    ------
    SourceError
        If the file is missing, damaged, no OpenStreetMap file, or holds no way that people walk on.
    """
    for_ways, for_barriers = walking_rules()
    file = read_osm_file(
        path, way_keys=(*for_ways.keys, *OFF_THE_GROUND), barrier_keys=for_barriers.keys, bounds=bounds
    )
    verdict = for_ways.decide(file.ways.tags)
    closed = _closed(file.barriers, for_barriers.decide(file.barriers.tags))
    walked = verdict.walk[file.nodes.way]
    cut = cut_ways(file.nodes[walked], closed.index.to_numpy(np.int64))
    if len(cut.lines) == 0:
        raise SourceError(f"{path}: no way that people walk on {_what_there_is(verdict)}; give an extract with streets")
    left_out = pd.concat([_ways_left_out(file, verdict), _gates_left_out(cut, closed)], ignore_index=True)
    return Streets(
        lines=_walked_lines(cut, file.ways),
        left_out=gpd.GeoDataFrame(left_out, geometry="geometry", crs=CRS),
        remarks=tuple(_remarks(file.nodes[walked], cut)),
    )


def _closed(barriers: Tagged, verdict: Verdict) -> pd.DataFrame:
    """Type, key and value of the barriers that stop people, by node; once, though files that were joined may repeat."""
    columns = {"type": barriers.tags["barrier"].to_numpy(object), "key": verdict.key, "value": verdict.value}
    table = pd.DataFrame(columns, index=barriers.osm_id)[~verdict.walk]
    return table[~table.index.duplicated()]


def _walked_lines(cut: Cut, ways: Tagged) -> gpd.GeoDataFrame:
    tags = ways.tags.iloc[cut.way]
    highway = tags["highway"].astype("str").to_numpy()
    crossing = (highway == "crossing") | (tags[["footway", "cycleway"]] == "crossing").any(axis=1).to_numpy()
    bridge = (tags[list(OFF_THE_GROUND)].notna() & (tags[list(OFF_THE_GROUND)] != "no")).any(axis=1).to_numpy()
    steps = highway == "steps"
    columns = {
        "highway": highway, "osm_id": ways.osm_id[cut.way], "steps": steps, "crossing": crossing, "bridge": bridge
    }  # fmt: skip
    return gpd.GeoDataFrame(columns, geometry=cut.lines, crs=CRS)


def _ways_left_out(file: OsmFile, verdict: Verdict) -> pd.DataFrame:
    lines, way = whole_lines(file.nodes[~verdict.walk[file.nodes.way]])
    decided = verdict.key[way], verdict.value[way]
    highway = file.ways.tags["highway"].to_numpy(object)[way]
    return _left_out("way", file.ways.osm_id[way], highway, decided, lines)


def _gates_left_out(cut: Cut, closed: pd.DataFrame) -> pd.DataFrame:
    gates = closed.loc[cut.gate]
    decided = gates["key"].to_numpy(object), gates["value"].to_numpy(object)
    return _left_out("barrier", cut.gate, gates["type"].to_numpy(object), decided, cut.gates)


def _left_out(
    kind: str,
    osm_id: NDArray[np.int64],
    types: NDArray[np.object_],
    decided: tuple[NDArray[np.object_], NDArray[np.object_]],
    lines: NDArray[np.object_],
) -> pd.DataFrame:
    table = pd.DataFrame({"kind": kind, "osm_id": osm_id, "type": types, "key": decided[0], "value": decided[1]})
    text = dict.fromkeys(("kind", "type", "key", "value"), "str")
    return table.astype(text).assign(geometry=lines)[list(LEFT_OUT_COLUMNS)]


def _what_there_is(verdict: Verdict) -> str:
    if not len(verdict.walk):
        return "(no way has highway=*)"
    left_out = pd.Series(verdict.key + "=" + verdict.value)[~verdict.walk]
    told = ", ".join(f"{tag} {count}" for tag, count in left_out.value_counts().items())
    return f"(left out: {told})" if told else "(their nodes are not in the file)"


def _remarks(nodes: WayNodes, cut: Cut) -> list[Remark]:
    """About the ways that are walked."""
    remarks = []
    missing = np.isnan(nodes.lonlat[:, 0])
    if missing.any():
        count, ways = len(np.unique(nodes.ref[missing])), len(np.unique(nodes.way[missing]))
        remarks.append(Remark("osm_nodes_missing", {"count": count, "ways": ways}))
    if cut.ambiguous:
        remarks.append(Remark("barriers_on_junctions", {"count": cut.ambiguous}))
    return remarks
