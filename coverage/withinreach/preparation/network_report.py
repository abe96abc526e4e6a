"""What a street file gives, before a study is written around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
from pydantic import ValidationError

from withinreach.errors import CrsError
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.streets import in_metres, left_out_by_tag, network_of
from withinreach.sources.streets import read_streets, stated_datum
from withinreach.study import DATUMS, NetworkLayer

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from withinreach.model import Network

# A file by itself belongs to no study, which would name the language; the figures are labelled in English, too.
REPORT_LANGUAGE = "en"


@dataclass(frozen=True)
class NetworkReport:
    """A street file in figures.

    Attributes
    ----------
    datum
        As given, or as the file states it.
    measured_in
        The CRS of the lengths, in PROJ's words: a transverse Mercator projection along the middle longitude of the
        file. Lengths err by 100 ppm at 90 km from it, by 1,000 ppm at 285 km.
    nodes, edges
        Places where streets meet or end, and pieces of street between them.
    length_km
        Of all edges.
    components
        Parts that no street joins.
    largest_share
        Share of the nodes that are in the largest component.
    largest_length_share
        Share of the length that is in it.
    dead_ends
        Nodes with a single edge.
    bounds
        West, south, east, north; degrees, WGS84.
    left_out : DataFrame
        Per tag what `walking_tags.toml` leaves out: kind (way or barrier), key, value, count, km.
    findings : DataFrame
        As in `Audit.findings`.
    """

    file: str
    datum: str
    measured_in: str
    nodes: int
    edges: int
    length_km: float
    components: int
    largest_share: float
    largest_length_share: float
    dead_ends: int
    bounds: tuple[float, float, float, float]
    left_out: pd.DataFrame
    findings: pd.DataFrame

    def figures(self) -> dict[str, Any]:
        """Everything but the tables."""
        return {name: value for name, value in vars(self).items() if name not in ("left_out", "findings")}


def network_report(path: Path, *, datum: str | None = None) -> NetworkReport:
    """Read a street file and build the network that people would walk on.

    Parameters
    ----------
    datum
        ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:n``; by default what the file states.

    Raises
    ------
    SourceError, CrsError
        If the file cannot be used; see `read_streets` and `stated_datum`.
    """
    layer = _layer(path, datum or stated_datum(path))
    streets = read_streets(layer)
    frame = MetricFrame(_own_projection(layer, streets.lines))
    findings = Findings()
    network = network_of(layer, streets, frame, findings)
    lonlat = frame.to_lonlat(network.vertex_xy)
    west, south = lonlat.min(axis=0)
    east, north = lonlat.max(axis=0)
    in_largest = network.component[network.tail] == 0
    return NetworkReport(
        file=str(path),
        datum=layer.datum,
        measured_in=frame.crs,
        nodes=network.n_nodes,
        edges=network.n_segments,
        length_km=float(network.length_mm.sum() / 1e6),
        components=int(network.component.max()) + 1,
        largest_share=float((network.component == 0).mean()),
        largest_length_share=float(network.length_mm[in_largest].sum() / network.length_mm.sum()),
        dead_ends=_dead_ends(network),
        bounds=(float(west), float(south), float(east), float(north)),
        left_out=left_out_by_tag(in_metres(streets.left_out, layer, frame)),
        findings=findings.table(REPORT_LANGUAGE),
    )


def _layer(path: Path, datum: str) -> NetworkLayer:
    try:
        return NetworkLayer(path=path, datum=datum)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise CrsError(f"{path}: datum {reason}") from None


def _own_projection(layer: NetworkLayer, lines: gpd.GeoDataFrame) -> str:
    west, south, east, north = lines.total_bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    if layer.datum not in DATUMS:
        to_degrees = pyproj.Transformer.from_crs(layer.datum, "EPSG:4326", always_xy=True)
        lon, lat = to_degrees.transform(lon, lat)
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise CrsError(f"{layer.path}: its coordinates cannot be {layer.datum}; give the datum that they are in")
    return f"+proj=tmerc +lat_0=0 +lon_0={lon:.4f} +k=1 +datum=WGS84 +units=m +type=crs"


def _dead_ends(network: Network) -> int:
    arms = np.bincount(np.concatenate([network.tail, network.head]), minlength=network.n_nodes)
    return int((arms == 1).sum())
