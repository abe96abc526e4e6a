"""OpenStreetMap files as arrays: every way with ``highway=*`` and its nodes, every node with ``barrier=*``."""

from __future__ import annotations

import bz2
import gzip
import mmap
import zlib
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import osmium
import pandas as pd
from osmium.filter import IdFilter, KeyFilter
from osmium.io import FileBuffer
from osmium.osm import NODE, RELATION, WAY

from withinreach.errors import SourceError
from withinreach.sources.files import need_file
from withinreach.sources.way_cutting import WayNodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from osmium.osm import NodeRef

    from withinreach.sources.population.cells import Bounds

    TagOf = Callable[[str], str | None]

OSM_SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2")
# OpenStreetMap stores degrees as whole numbers of 1e-7; libosmium gives 2^31 - 1 where it knows no position.
UNITS_PER_DEGREE = 10_000_000
LARGEST = (180 * UNITS_PER_DEGREE, 90 * UNITS_PER_DEGREE)


class Tagged(NamedTuple):
    """Objects: their ids, and a table of tags with one row per object, None where it lacks the tag."""

    osm_id: NDArray[np.int64]
    tags: pd.DataFrame


class OsmFile(NamedTuple):
    """What is read of a file: ways with their nodes, and barriers.

    An outline of a square that carries its tags in a multipolygon relation is a way with these tags.
    """

    ways: Tagged
    nodes: WayNodes
    barriers: Tagged


def is_osm(path: Path) -> bool:
    """Whether the name of a file says that it is an OpenStreetMap file."""
    return path.name.lower().endswith(OSM_SUFFIXES)


def read_osm_file(
    path: Path, *, way_keys: tuple[str, ...], barrier_keys: tuple[str, ...], bounds: Bounds | None = None
) -> OsmFile:
    """Read every way with highway=* and every node with barrier=*.

    Parameters
    ----------
    way_keys, barrier_keys
        The tags to read of each.
    bounds
        West, south, east, north: only ways whose box meets them are kept, as wholes, and positions of all nodes stay on
        disk meanwhile, so that memory does not grow with the file.

    Raises
    ------
    SourceError
        If the file is missing, damaged or not an OpenStreetMap file.
    """
    need_file(path)
    window = None if bounds is None else Window(bounds)
    ways, barriers = _Ways(way_keys, window), _Objects(barrier_keys)
    with osm_problem_in_one_line(path):
        _read(osm_buffer(path), ways, barriers, window)
    return OsmFile(ways=ways.tagged(), nodes=ways.nodes(), barriers=barriers.tagged())


@contextmanager
def osm_problem_in_one_line(path: Path) -> Iterator[None]:
    """Raise what goes wrong while a file is read as `SourceError`."""
    try:
        yield
    except (OSError, EOFError, RuntimeError, ValueError, zlib.error, osmium.InvalidLocationError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"{path}: cannot be read as OpenStreetMap data: {reason}; get the file anew") from None


class Window:
    """Bounds in the whole numbers of OpenStreetMap."""

    def __init__(self, bounds: Bounds) -> None:
        self._west, self._south, self._east, self._north = (round(degree * UNITS_PER_DEGREE) for degree in bounds)

    def holds(self, x: int, y: int) -> bool:
        """Whether a position lies within."""
        return self._west <= x <= self._east and self._south <= y <= self._north

    def meets(self, nodes: Sequence[NodeRef]) -> bool:
        """Whether the box around nodes does, or one of them is new, so that its position is yet to be looked up."""
        known = [node for node in nodes if abs(node.y) <= LARGEST[1]]
        if any(node.ref < 0 for node in nodes):
            return True
        return bool(known) and (
            min(node.x for node in known) <= self._east
            and max(node.x for node in known) >= self._west
            and min(node.y for node in known) <= self._north
            and max(node.y for node in known) >= self._south
        )


def osm_buffer(path: Path) -> FileBuffer:
    """The file as the system maps it into memory, or a compressed one as a whole, decompressed.

    libosmium is not given the path: on Windows it would open it in the code page of the system, where Chinese names
    fail. It is not given compressed data either: from memory it reads only the first of the streams that parallel
    compressors write one after the other.
    """
    name = path.name.lower()
    if name.endswith(".gz"):
        return FileBuffer(gzip.decompress(path.read_bytes()), "osm")
    if name.endswith(".bz2"):
        return FileBuffer(bz2.decompress(path.read_bytes()), "osm")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return FileBuffer(mapped, "pbf" if name.endswith(".pbf") else "osm")


class _Objects:
    """Objects while they are read: ids, and one list for each tag."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.osm_id = array("q")
        self.tags: dict[str, list[str | None]] = {key: [] for key in keys}

    def add(self, osm_id: int, tag: TagOf) -> None:
        """Take over an object, whose tags can be asked for only while the file is at its place."""
        self.osm_id.append(osm_id)
        for key, values in self.tags.items():
            values.append(tag(key))

    def tagged(self) -> Tagged:
        """The objects as arrays."""
        return Tagged(np.array(self.osm_id, np.int64), pd.DataFrame(self.tags, dtype=object))


class _Ways(_Objects):
    def __init__(self, keys: tuple[str, ...], window: Window | None) -> None:
        super().__init__(keys)
        self._window = window
        self.seen: set[int] = set()
        self.size, self.ref, self.x, self.y = array("q"), array("q"), array("i"), array("i")

    def add_way(self, way: osmium.osm.Way, tag: TagOf) -> None:
        """Take over a way with its nodes and their positions; once, though files that were joined may repeat it."""
        if way.id in self.seen:
            return
        if self._window is not None and not self._window.meets(list(way.nodes)):
            return
        self.seen.add(way.id)
        self.add(way.id, tag)
        self.size.append(len(way.nodes))
        for node in way.nodes:
            self.ref.append(node.ref)
            self.x.append(node.x)
            self.y.append(node.y)

    def nodes(self) -> WayNodes:
        """Nodes of all ways, positions in degrees."""
        units = np.column_stack([np.array(self.x, np.int64), np.array(self.y, np.int64)])
        lonlat = units / UNITS_PER_DEGREE
        lonlat[(np.abs(units) > LARGEST).any(axis=1)] = np.nan
        way = np.repeat(np.arange(len(self.size)), np.array(self.size, np.int64))
        return WayNodes(way=way, ref=np.array(self.ref, np.int64), lonlat=lonlat)


def _read(source: FileBuffer, ways: _Ways, barriers: _Objects, window: Window | None) -> None:
    """Fill in the ways and barriers of a file.

    Positions are stored in a pass of their own before the ways, because files from Overpass and from editors may
    hold ways before their nodes.
    """
    kept_in = "flex_mem" if window is None else "sparse_file_array"
    position = osmium.NodeLocationsForWays(osmium.index.create_map(kept_in))
    position.ignore_errors()
    with_barrier, with_highway = KeyFilter("barrier"), KeyFilter("highway")
    with_barrier.enable_for(NODE)
    with_highway.enable_for(RELATION)
    outlines: dict[int, dict[str, str | None]] = {}
    first_pass = osmium.FileProcessor(source, NODE | RELATION).with_filter(position)
    for item in first_pass.with_filter(with_barrier).with_filter(with_highway):
        if isinstance(item, osmium.osm.Node):
            if window is None or window.holds(item.location.x, item.location.y):
                barriers.add(item.id, item.tags.get)
        elif isinstance(item, osmium.osm.Relation) and item.tags.get("type") == "multipolygon":
            tags = {key: item.tags.get(key) for key in ways.tags}
            # An inner ring is the edge of a fountain or a house. Most meet no way, and who is snapped to one is lost.
            outer = [member.ref for member in item.members if member.type == "w" and member.role != "inner"]
            outlines |= dict.fromkeys(outer, tags)

    highways = osmium.FileProcessor(source, WAY).with_filter(KeyFilter("highway")).with_filter(position)
    for way in highways:
        if isinstance(way, osmium.osm.Way):
            ways.add_way(way, way.tags.get)
    if outlines:
        members = osmium.FileProcessor(source, WAY).with_filter(IdFilter(outlines)).with_filter(position)
        for way in members:
            if isinstance(way, osmium.osm.Way):
                ways.add_way(way, outlines[way.id].get)
    _locate_new_nodes(source, ways)


def _locate_new_nodes(source: FileBuffer, ways: _Ways) -> None:
    """Positions of nodes that an editor added and nobody uploaded: their ids are negative, which the store ignores."""
    if min(ways.ref, default=0) < 0:
        new = [row for row, ref in enumerate(ways.ref) if ref < 0]
        at = {
            node.id: (node.location.x, node.location.y) for node in nodes_by_id(source, {ways.ref[row] for row in new})
        }
        for row in new:
            if ways.ref[row] in at:
                ways.x[row], ways.y[row] = at[ways.ref[row]]


def nodes_by_id(source: FileBuffer, refs: set[int]) -> Iterator[osmium.osm.Node]:
    """Some nodes of a file, also those that an editor added and nobody uploaded: negative ids, which filters refuse."""
    if min(refs, default=0) < 0:
        yield from (node for node in _nodes(source) if node.id in refs)
        return
    for item in osmium.FileProcessor(source, NODE).with_filter(IdFilter(refs)):
        if isinstance(item, osmium.osm.Node):
            yield item


def _nodes(source: FileBuffer) -> Iterator[osmium.osm.Node]:
    for item in osmium.FileProcessor(source, NODE):
        if isinstance(item, osmium.osm.Node):
            yield item
