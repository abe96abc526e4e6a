"""Streets from GraphML files as OSMnx saves them (``ox.save_graphml``).

The file streams by. As a graph of networkx, 308,000 nodes and 800,000 edges (526 MB) took 54 s and 6.6 GB of memory.
"""

from __future__ import annotations

import ast
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from withinreach.errors import CoverageError, SourceError
from withinreach.model.graphs import EDGE_KEYS, Graph, number, streets_of, texts
from withinreach.sources.files import need_file
from withinreach.sources.osm import Streets, nothing_left_out
from withinreach.sources.remarks import Remark
from withinreach.sources.vectors import need_same_crs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from withinreach.model.graphs import GraphStreets

SUFFIX = ".graphml"
ELLIPSOID = pyproj.Geod(ellps="WGS84")
# OSMnx measures along a sphere, which differs from the ellipsoid by up to 0.6 %, and projections by 0.1 % more.
LONGER_SHARE = 0.02
LONGER_M = 1.0


def is_graphml(path: Path) -> bool:
    """Whether the name of a file says that it is a GraphML file."""
    return path.name.lower().endswith(SUFFIX)


def graphml_crs(path: Path) -> pyproj.CRS | None:
    """The CRS that a GraphML file states, None where it states none.

    Raises
    ------
    SourceError
        If the file cannot be read, or the CRS is not known.
    """
    with _problem_in_one_line(path):
        return _known_crs(path, _stated_crs(path))


def read_graphml(path: Path, datum: str, columns: Iterable[str] = ()) -> Streets:
    """Read the streets of a graph, each once, however many directed edges it has.

    Parameters
    ----------
    columns
        Attributes of edges to read as texts, besides those that say what a street is like. Several values of an edge
        are joined by semicolons.

    Raises
    ------
    SourceError
        If the file is missing, damaged, no GraphML file, or no graph of streets; see `streets_of`.
    CrsError
        If the CRS written in the file contradicts the declared datum.
    """
    need_file(path)
    with _problem_in_one_line(path):
        graph, stated = _read(path, tuple(dict.fromkeys([*EDGE_KEYS, *columns])))
    crs = _known_crs(path, stated)
    need_same_crs(path, gpd.GeoDataFrame(geometry=[], crs=crs), datum)
    in_degrees = not datum.startswith("EPSG:") or pyproj.CRS(datum).is_geographic
    try:
        streets = streets_of(graph, "degrees" if in_degrees else "metres")
    except CoverageError as error:
        raise SourceError([f"{path}: {problem}" for problem in error.problems]) from None
    wanted = [key for key in ("highway", *columns) if key in graph.edges and key not in streets.table]
    told = {key: texts(graph, key)[streets.edge] for key in wanted}
    lines = gpd.GeoDataFrame(streets.table.assign(**told).drop(columns="stated_m"), geometry=streets.lines, crs=crs)
    metres = _geodesic_m if in_degrees else _planar_m
    remarks = _remarks(streets, metres(streets.lines), metres(streets.led))
    return Streets(lines, nothing_left_out(crs), tuple(remarks), streets.ends)


@contextmanager
def _problem_in_one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise SourceError(f"{path}: an element lacks its {error}; save the graph anew") from None
    except (OSError, ET.ParseError, UnicodeDecodeError, shapely.errors.GEOSException) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path}: cannot be read as GraphML: {reason}; get the file anew") from None


def _known_crs(path: Path, stated: str | None) -> pyproj.CRS | None:
    try:
        return None if stated is None else pyproj.CRS.from_user_input(stated)
    except CRSError:
        raise SourceError(f"{path}: its crs, '{stated}', is not known; correct it in the file") from None


class _Keys:
    """What the values in a file are: of which kind of element, their name, and what holds where they are absent."""

    def __init__(self, of_edges: tuple[str, ...]) -> None:
        self._read = {"graph": ("crs",), "node": ("x", "y"), "edge": of_edges}
        self._names: dict[str, dict[str | None, str]] = {kind: {} for kind in self._read}
        self._defaults: dict[str, dict[str, str]] = {kind: {} for kind in self._read}

    def learn(self, key: Element) -> None:
        """Take over a ``key``, if it is one of those that are read."""
        name = key.get("attr.name", "")
        for kind, names in self._read.items():
            if key.get("for", "all") in (kind, "all") and name in names:
                self._names[kind][key.get("id")] = name
                for child in key:
                    self._defaults[kind][name] = child.text or ""

    def values(self, element: Element, kind: str) -> dict[str, str]:
        """What a graph, a node or an edge holds, by name."""
        names = self._names[kind]
        told = {names[child.get("key")]: child.text or "" for child in element if child.get("key") in names}
        return self._defaults[kind] | told


def _elements(path: Path) -> Iterator[tuple[str, Element]]:
    """Elements with their name without its namespace, inner ones first; nodes and edges are emptied when done with."""
    with path.open("rb") as file:
        # expat, since 2.4.1, bounds what entities expand to, and loads none from elsewhere.
        for _, element in ET.iterparse(file):  # noqa: S314
            name = element.tag[element.tag.rfind("}") + 1 :]
            yield name, element
            if name in ("node", "edge"):
                element.clear()


def _stated_crs(path: Path) -> str | None:
    """The CRS as it is written; networkx writes it after the edges, unless lxml is installed."""
    keys, stated = _Keys(()), None
    for name, element in _elements(path):
        if name == "key":
            keys.learn(element)
        elif name == "graph":
            stated = keys.values(element, name).get("crs")
    return stated


def _read(path: Path, of_edges: tuple[str, ...]) -> tuple[Graph, str | None]:
    """The graph, and the CRS as it is written."""
    keys, stated, directed = _Keys(of_edges), None, True
    row: dict[str, int] = {}
    xy: dict[int, tuple[float, float]] = {}
    u: list[int] = []
    v: list[int] = []
    edges: list[dict[str, str]] = []
    for name, element in _elements(path):
        if name == "node":
            at = keys.values(element, name)
            xy[row.setdefault(element.attrib["id"], len(row))] = number(at.get("x")), number(at.get("y"))
        elif name == "edge":
            u.append(row.setdefault(element.attrib["source"], len(row)))
            v.append(row.setdefault(element.attrib["target"], len(row)))
            edges.append(keys.values(element, name))
        elif name == "hyperedge":
            raise SourceError(f"{path}: has a hyperedge, which joins more than two nodes; give a graph of streets")
        elif name == "key":
            keys.learn(element)
        elif name == "graph":
            stated, directed = keys.values(element, name).get("crs"), element.get("edgedefault") != "undirected"
    nowhere = (np.nan, np.nan)
    graph = Graph(
        node=np.array(list(row), np.object_),
        xy=np.array([xy.get(node, nowhere) for node in range(len(row))], np.float64).reshape(-1, 2),
        u=np.array(u, np.int64),
        v=np.array(v, np.int64),
        edges=_typed(edges),
        directed=directed,
    )
    return graph, stated


def _typed(edges: list[dict[str, str]]) -> dict[str, list[Any]]:
    """Values of all edges, by name: geometries from well-known text, lists from what Python writes for them."""
    have = set().union(*edges)
    columns: dict[str, list[Any]] = {key: [edge.get(key) or None for edge in edges] for key in sorted(have)}
    if "geometry" in columns:
        columns["geometry"] = shapely.from_wkt(np.array(columns["geometry"], object))
    for key in columns.keys() - {"geometry"}:
        columns[key] = [_value(text) for text in columns[key]]
    return columns


def _value(text: str | None) -> object:
    if text is None or not text.startswith("["):
        return text
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _planar_m(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Lengths of lines in metres."""
    metres: NDArray[np.float64] = shapely.length(lines)
    return metres


def _geodesic_m(lines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Lengths of lines in degrees, on the ellipsoid."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    on = line[1:] == line[:-1]
    *_, metres = ELLIPSOID.inv(*xy[:-1][on].T, *xy[1:][on].T)
    return np.bincount(line[1:][on], metres, len(lines)).astype(np.float64)


def _remarks(streets: GraphStreets, drawn_m: NDArray[np.float64], led_m: NDArray[np.float64]) -> Iterator[Remark]:
    """What became of the edges, and where the graph's figures differ from what it draws."""
    yield Remark(
        "graph_streets",
        {"streets": len(streets.lines), "repeated": streets.repeated, "one_way": streets.one_way},
    )
    if streets.empty or streets.lonely:
        yield Remark("graph_left_out", {"edges": streets.empty, "nodes": streets.lonely})
    if streets.straight:
        yield Remark("graph_straight", {"edges": streets.straight})
    if len(led_m):
        yield Remark("graph_ends", {"ends": len(led_m), "farthest_m": led_m.max()})
    if streets.stairs_in_part:
        yield Remark("graph_stairs", {"edges": streets.stairs_in_part})
    if streets.graded:
        yield Remark("graph_slopes", {"edges": streets.graded})
    stated_m = streets.table["stated_m"].to_numpy()
    told = ~np.isnan(stated_m)
    yield Remark(
        "graph_lengths",
        {"stated_km": stated_m[told].sum() / 1000, "drawn_km": drawn_m[told].sum() / 1000, "without": (~told).sum()},
    )
    beyond = stated_m - drawn_m
    longer = told & (beyond > LONGER_M) & (beyond > LONGER_SHARE * drawn_m)
    if longer.any():
        yield Remark("graph_lengths_longer", {"streets": longer.sum(), "km": beyond[longer].sum() / 1000})
