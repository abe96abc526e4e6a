"""OpenStreetMap files that are drawn in metres, and what the network of one is like."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np
import osmium
import pyproj

from withinreach.model import build_network
from withinreach.preparation.frame import MetricFrame
from withinreach.sources.osm import read_osm

if TYPE_CHECKING:
    from pathlib import Path

# Documents are drawn in metres around a point near Xinxiang.
LON, LAT = 114.0, 35.0
CRS = "EPSG:4547"
FRAME = MetricFrame(CRS)
TO_DEGREES = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
EAST, NORTH = FRAME.to_metres("wgs84", np.array([LON]), np.array([LAT]))[0]


def document(nodes, ways, node_tags=None, relations=(), *, ways_first=False):
    """An OSM XML document: nodes {id: (x, y) in metres}, ways [(refs, tags)], relations [([(way, role)], tags)].

    Way ids are 100, 101, … in the order given.
    """

    def told(tags):
        return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())

    points, lines = [], []
    for ref, (x, y) in nodes.items():
        lon, lat = TO_DEGREES.transform(EAST + x, NORTH + y)
        inner = told((node_tags or {}).get(ref, {}))
        points.append(f'<node id="{ref}" version="1" lat="{lat:.7f}" lon="{lon:.7f}">{inner}</node>')
    for i, (refs, tags) in enumerate(ways):
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs) + told(tags)
        lines.append(f'<way id="{100 + i}" version="1">{inner}</way>')
    for i, (members, tags) in enumerate(relations):
        inner = "".join(f'<member type="way" ref="{way}" role="{role}"/>' for way, role in members) + told(tags)
        lines.append(f'<relation id="{500 + i}" version="1">{inner}</relation>')
    parts = lines + points if ways_first else points + lines
    return '<?xml version="1.0" encoding="UTF-8"?><osm version="0.6">' + "".join(parts) + "</osm>"


def read_document(path, *drawing, **options):
    """Write a document and read the streets of it."""
    path.write_text(document(*drawing, **options), encoding="utf-8")
    return read_osm(path)


def write_pbf(path: Path, text: str) -> None:
    with osmium.SimpleWriter(str(path)) as writer:
        for item in osmium.FileProcessor(osmium.io.FileBuffer(text.encode(), "osm")):
            writer.add(item)


def network_of(streets):
    return build_network(FRAME.geometries("wgs84", streets.lines.geometry.to_numpy()))


def metres(streets):
    return np.sort(np.round(network_of(streets).length_mm / 1000).astype(int)).tolist()


def components(streets):
    return int(network_of(streets).component.max()) + 1


PATH = {"highway": "path"}
TRUNK = {"highway": "trunk"}
