"""Overpass elements: merged over tiles, written as an OSM file, read as geometries."""

from __future__ import annotations

import gzip
import re
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import geopandas as gpd

from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from shapely import Geometry

    from withinreach.sources.fetch.place import Box

    Element = dict[str, Any]

TYPES = ("node", "way", "relation")
# OSMnx puts an element's tags beside its own fields; a tag with the name of one of them would overwrite it.
OSMNX_COLUMNS = frozenset({"element", "geometry", "id", "lat", "lon", "members", "nodes"})
# XML 1.0 cannot hold these; no tag needs them.
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Elements:
    """Nodes, ways and relations by id; what comes again from a neighbouring tile replaces its equal."""

    def __init__(self) -> None:
        self._by_type: dict[str, dict[int, Element]] = {kind: {} for kind in TYPES}

    def add(self, elements: Iterable[Element]) -> None:
        """Take over the elements of an answer; those without full data (``out ids``, areas) are passed over."""
        for element in elements:
            found = self._by_type.get(str(element.get("type")))
            if found is not None and _is_complete(element):
                found[int(element["id"])] = element

    def count(self, kind: str, key: str) -> int:
        """How many nodes, ways or relations have a tag."""
        return sum(key in element.get("tags", {}) for element in self._by_type[kind].values())

    def without_tags(self, keys: frozenset[str]) -> Elements:
        """The same elements without some of their tags."""
        copy = Elements()
        for element in self:
            tags = element.get("tags", {})
            clash = not keys.isdisjoint(tags)
            copy.add([{**element, "tags": {k: v for k, v in tags.items() if k not in keys}} if clash else element])
        return copy

    def __iter__(self) -> Iterator[Element]:
        """Nodes, ways, relations, each by id: the order that readers of OSM files rely on."""
        for found in self._by_type.values():
            for _, element in sorted(found.items()):
                yield element


def _is_complete(element: Element) -> bool:
    if "id" not in element:
        return False
    if element["type"] == "node":
        return "lat" in element and "lon" in element
    return bool(element.get("nodes" if element["type"] == "way" else "members"))


def write_osm(elements: Elements, path: Path, extent: Box | None = None) -> None:
    """Write OSM XML, compressed if the name ends in ``.gz``; equal elements give equal bytes."""
    lines = (line.encode() for line in _xml(elements, extent))
    with path.open("wb") as file:
        if path.suffix != ".gz":
            file.writelines(lines)
            return
        # Without name and time in its head, which would make every file different.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
            packed.writelines(lines)


def _xml(elements: Elements, extent: Box | None) -> Iterator[str]:
    yield "<?xml version='1.0' encoding='UTF-8'?>\n"
    yield (
        f'<osm version="0.6" generator="withinreach {version("withinreach")}"'
        ' copyright="OpenStreetMap and contributors" attribution="https://www.openstreetmap.org/copyright"'
        ' license="https://opendatacommons.org/licenses/odbl/1-0/">\n'
    )
    if extent is not None:
        west, south, east, north = extent
        yield f' <bounds minlat="{south:.7f}" minlon="{west:.7f}" maxlat="{north:.7f}" maxlon="{east:.7f}"/>\n'
    for element in elements:
        yield from _element_xml(element)
    yield "</osm>\n"


def _element_xml(element: Element) -> Iterator[str]:
    kind = element["type"]
    place = f' lat="{element["lat"]:.7f}" lon="{element["lon"]:.7f}"' if kind == "node" else ""
    inner = [f'<nd ref="{int(node)}"/>' for node in element.get("nodes", ())]
    inner += [
        f'<member type={_quoted(member["type"])} ref="{int(member["ref"])}" role={_quoted(member["role"])}/>'
        for member in element.get("members", ())
    ]
    inner += [f"<tag k={_quoted(key)} v={_quoted(value)}/>" for key, value in element.get("tags", {}).items()]
    head = f' <{kind} id="{int(element["id"])}"{place}'
    if not inner:
        yield f"{head}/>\n"
        return
    yield f"{head}>\n"
    for line in inner:
        yield f"  {line}\n"
    yield f" </{kind}>\n"


def _quoted(text: object) -> str:
    return quoteattr(NOT_IN_XML.sub("", str(text)), {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def read_features(elements: Elements, scratch: Path) -> gpd.GeoDataFrame:
    """Tagged elements with their geometries, assembled by OSMnx (ways to lines or areas, relations to multipolygons).

    Parameters
    ----------
    scratch
        A folder for a file that exists while OSMnx reads it.

    Returns
    -------
    GeoDataFrame
        WGS84, ordered by type and id: ``element`` (node, way, relation), ``id`` (int), ``tags`` (dict), ``geometry``.
        Elements whose geometry cannot be built, e.g. boundaries that are not closed, are missing.
    """
    tags = {(element["type"], int(element["id"])): element["tags"] for element in elements if element.get("tags")}
    shapes = _shapes(elements, scratch) if tags else {}
    keys = [key for key in tags if key in shapes]
    return gpd.GeoDataFrame(
        {
            "element": [kind for kind, _ in keys],
            "id": [number for _, number in keys],
            "tags": [tags[key] for key in keys],
        },
        geometry=[shapes[key] for key in keys],
        crs="EPSG:4326",
    ).astype({"element": "str", "id": "int64"})


def _shapes(elements: Elements, scratch: Path) -> dict[tuple[str, int], Geometry]:
    osmnx = need_osmnx()
    path = scratch / "features.osm"
    write_osm(elements.without_tags(OSMNX_COLUMNS), path)
    try:
        with osmnx_settings(osmnx, use_cache=False, cache_only_mode=False, log_console=False, log_file=False):
            features = osmnx.features_from_xml(path)
    except osmnx._errors.InsufficientResponseError:  # noqa: SLF001 - OSMnx has no public name for it
        return {}
    finally:
        path.unlink()
    return dict(zip(features.index, features.geometry, strict=True))


def need_osmnx() -> ModuleType:
    """OSMnx, which is an optional dependency and takes seconds to load.

    Raises
    ------
    CoverageError
        If it is not installed.
    """
    try:
        return import_module("osmnx")
    except ImportError:
        raise CoverageError("fetching needs OSMnx, which is not installed: pip install 'withinreach[fetch]'") from None


@contextmanager
def osmnx_settings(osmnx: ModuleType, **values: object) -> Iterator[None]:
    """Change OSMnx's settings, which are global, and put them back as they were."""
    settings = osmnx.settings
    before = {name: getattr(settings, name) for name in values}
    try:
        for name, value in values.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
