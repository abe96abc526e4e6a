"""Walls of OpenStreetMap files that close a ring, and the open gates in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import shapely
from osmium.filter import IdFilter, TagFilter
from osmium.osm import RELATION, WAY

from withinreach.sources.files import need_file
from withinreach.sources.osm import CRS
from withinreach.sources.osm_file import Window, nodes_by_id, osm_buffer, osm_problem_in_one_line
from withinreach.sources.walking_tags import enclosure_rule, walking_rules
from withinreach.sources.way_cutting import WayNodes, cut_ways

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from osmium.io import FileBuffer

    from withinreach.sources.population.cells import Bounds
    from withinreach.sources.walking_tags import EnclosureRule

NO_NODE = np.empty(0, np.int64)


class Walls(NamedTuple):
    """Rings of walls and fences, however many ways each is made of.

    Attributes
    ----------
    rings : GeoDataFrame, EPSG:4326
        name (of the wall or what it encloses, else its way), homes (bool: nothing says that it encloses something else)
        and the Polygon inside, without holes.
    gates : (g, 2) float64
        Longitudes and latitudes of open gates and entrances in walls.
    """

    rings: gpd.GeoDataFrame
    gates: NDArray[np.float64]


class _Wall(NamedTuple):
    osm_id: int
    refs: list[int]
    tags: dict[str, str]


def read_walls(path: Path, bounds: Bounds | None = None) -> Walls:
    """Read the walls that close a ring; ``[enclosure]`` in `walking_tags.toml` says which barriers are walls.

    Parameters
    ----------
    bounds
        West, south, east, north: only walls with a node within them are kept.

    Raises
    ------
    SourceError
        If the file is missing, damaged or not an OpenStreetMap file.
    """
    need_file(path)
    rule = enclosure_rule()
    with osm_problem_in_one_line(path):
        source = osm_buffer(path)
        walls = _walls(source, rule)
        if bounds is not None:
            walls = _near(source, walls, Window(bounds))
        nodes, gates = _nodes(source, walls)
    pieces = cut_ways(nodes, NO_NODE)
    rings = shapely.get_parts(shapely.polygonize(pieces.lines))
    outlines = shapely.get_exterior_ring(rings)
    ring, piece = shapely.STRtree(pieces.lines).query(outlines, predicate="covers")
    made_of = pd.DataFrame({"ring": ring, "way": pieces.way[piece]}).drop_duplicates().sort_values(["ring", "way"])
    parts = [[walls[way] for way in ways] for _, ways in made_of.groupby("ring")["way"]]
    columns = {
        "name": pd.Series([_name(part) for part in parts], dtype="str"),
        "homes": np.array([all(rule.homes(wall.tags) for wall in part) for part in parts], bool),
    }
    return Walls(gpd.GeoDataFrame(columns, geometry=shapely.polygons(outlines), crs=CRS), gates)


def _near(source: FileBuffer, walls: list[_Wall], window: Window) -> list[_Wall]:
    refs = {ref for wall in walls for ref in wall.refs}
    here = {node.id for node in nodes_by_id(source, refs) if window.holds(node.location.x, node.location.y)}
    return [wall for wall in walls if not here.isdisjoint(wall.refs)]


def _name(walls: list[_Wall]) -> str:
    named = [wall.tags["name"] for wall in walls if "name" in wall.tags]
    return named[0] if named else f"way {min(wall.osm_id for wall in walls)}"


def _walls(source: FileBuffer, rule: EnclosureRule) -> list[_Wall]:
    """Ways that are walls, and outlines of areas that are walled as a whole; once, though a file may repeat them."""
    is_wall = TagFilter(*(("barrier", value) for value in rule.walls))
    walls: dict[int, _Wall] = {}
    areas: dict[int, dict[str, str]] = {}
    for item in osmium.FileProcessor(source, WAY | RELATION).with_filter(is_wall):
        if isinstance(item, osmium.osm.Way):
            walls.setdefault(item.id, _wall(item, rule))
        elif isinstance(item, osmium.osm.Relation) and item.tags.get("type") == "multipolygon":
            areas |= {m.ref: _tags(item, rule) for m in item.members if m.type == "w" and m.role != "inner"}
    if areas:
        for item in osmium.FileProcessor(source, WAY).with_filter(IdFilter(areas)):
            if isinstance(item, osmium.osm.Way):
                wall = walls.get(item.id, _wall(item, rule))
                walls[item.id] = wall._replace(tags=areas[item.id] | wall.tags)
    return list(walls.values())


def _wall(way: osmium.osm.Way, rule: EnclosureRule) -> _Wall:
    return _Wall(way.id, [node.ref for node in way.nodes], _tags(way, rule))


def _tags(item: osmium.osm.Way | osmium.osm.Relation, rule: EnclosureRule) -> dict[str, str]:
    return {key: item.tags[key] for key in rule.keys if key in item.tags}


def _nodes(source: FileBuffer, walls: list[_Wall]) -> tuple[WayNodes, NDArray[np.float64]]:
    """Nodes of all walls, and where people pass through."""
    ref = np.array([ref for wall in walls for ref in wall.refs], np.int64)
    way = np.repeat(np.arange(len(walls)), [len(wall.refs) for wall in walls])
    _, barriers = walking_rules()
    at: dict[int, tuple[float, float]] = {}
    openings: dict[int, dict[str, str | None]] = {}
    for node in nodes_by_id(source, set(ref.tolist())):
        at[node.id] = (node.location.lon, node.location.lat)
        if "barrier" in node.tags or "entrance" in node.tags:
            openings[node.id] = {key: node.tags.get(key) for key in barriers.keys}
    tags = pd.DataFrame(openings.values(), columns=list(barriers.keys), dtype=object)
    tags["barrier"] = tags["barrier"].where(tags["barrier"].notna(), "entrance")
    passed = np.array(list(openings), np.int64)[barriers.decide(tags).walk]
    lonlat = np.array([at.get(node, (np.nan, np.nan)) for node in ref.tolist()], np.float64).reshape(-1, 2)
    gates = np.array([at[node] for node in passed.tolist()], np.float64).reshape(-1, 2)
    return WayNodes(way, ref, lonlat), gates
