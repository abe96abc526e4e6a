"""Street layer -> Network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.errors import SourceError
from withinreach.model import Network, build_network
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.study import NetworkLayer


def prepare_network(layer: NetworkLayer, frame: MetricFrame, findings: Findings) -> Network:
    """Read a street layer and build the network that people walk on.

    Raises
    ------
    SourceError, CrsError
        If the layer cannot be used; see `read_layer`.
    """
    lines = read_layer(layer.path, layer.datum, kind="LineString")
    for column, values in layer.exclude.items():
        if column not in lines.columns:
            listed = ", ".join(str(name) for name in lines.columns)
            raise SourceError(f"{layer.path}: no column '{column}' (network.exclude); the file has: {listed}")
        out = lines[column].astype(str).isin(values).to_numpy()
        if out.any():
            counts = lines.loc[out, column].astype(str).value_counts()
            told = ", ".join(f"{value} {count}" for value, count in counts.items())
            findings.note("info", layer.path, f"{out.sum()} lines excluded by {column}: {told}", "left out")
        lines = lines[~out]
    if lines.empty:
        raise SourceError(f"{layer.path}: no street is left after network.exclude; exclude less")
    shapes = frame.geometries(layer.datum, lines.geometry.to_numpy())
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise SourceError(f"{layer.path}: coordinates outside the reach of {frame.crs}; check the declared datum")
    network = build_network(shapes)
    count = int(network.component.max()) + 1
    if count > 1:
        inside = (network.component == 0).mean()
        findings.note(
            "info",
            layer.path,
            f"{count} separate components; the largest holds {inside:.1%} of the nodes",
            "kept",
        )
    return network
