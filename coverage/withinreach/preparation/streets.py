"""Street layer -> Network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import Network, build_network
from withinreach.preparation.cleaning import clean_streets, layer_levels
from withinreach.preparation.hanging import note_hanging
from withinreach.preparation.terrain import street_slopes
from withinreach.sources.remarks import Spot
from withinreach.sources.streets import read_streets

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.sources.osm import Streets
    from withinreach.sources.population import Bounds
    from withinreach.study import NetworkLayer


# Above this share of the streets' length the terrain is more likely the wrong file than one with gaps.
UNKNOWN_SHARE = 0.01


def prepare_network(
    layer: NetworkLayer, frame: MetricFrame, findings: Findings, bounds: Bounds | None = None
) -> Network:
    """Read a street layer, all of it or within bounds, and build the network that people walk on.

    Raises
    ------
    SourceError, CrsError
        If the layer cannot be used; see `read_streets`.
    """
    return network_of(layer, read_streets(layer, bounds), frame, findings)


def network_of(layer: NetworkLayer, streets: Streets, frame: MetricFrame, findings: Findings) -> Network:
    """Build the network of a street layer that was read, and report what is not in it.

    Raises
    ------
    SourceError
        If no street is left after `exclude`, the coordinates do not fit the metric CRS, or `clean` cannot be done.
    """
    findings.take(layer.path, streets.remarks)
    left_out = in_metres(streets.left_out, layer, frame)
    for row in left_out_by_tag(left_out).to_dict(orient="records"):
        at = Spot(column=row["key"], value=row["value"])
        if row["kind"] == "barrier":
            findings.note("barriers_closed", layer.path, {"count": row["count"]}, at=at)
        else:
            findings.note("ways_not_walked", layer.path, {"count": row["count"], "km": row["km"]}, at=at)
    lines = in_metres(_without_excluded(streets.lines, layer, findings), layer, frame)
    network = _with_features(layer, clean_streets(layer, lines, findings), streets.ends, frame, findings)
    count = int(network.component.max()) + 1
    if count > 1:
        inside = (network.component == 0).mean()
        findings.note("components", layer.path, {"count": count, "share": inside})
    note_hanging(layer.path, network, left_out, frame, findings)
    return network


def _with_features(
    layer: NetworkLayer,
    streets: gpd.GeoDataFrame,
    ends: NDArray[np.int64] | None,
    frame: MetricFrame,
    findings: Findings,
) -> Network:
    """The network of streets with what else is known about them: stairs, crossings and slopes."""
    network = build_network(streets.geometry.to_numpy(), None if ends is None else ends[streets.index])
    steps, crossing, bridge = (_flags(streets, column) for column in ("steps", "crossing", "bridge"))
    if "highway" in streets:
        steps |= (streets["highway"] == "steps").to_numpy()
    if layer.clean is not None and layer.clean.level is not None:
        bridge |= layer_levels(layer.path, streets, layer.clean.level) != 0
    uphill = network.uphill
    if layer.terrain is not None:
        slopes = street_slopes(layer.terrain.path, frame.crs, streets.geometry.to_numpy(), bridge)
        uphill = slopes.uphill
        km = network.length_mm.sum() / 1e6
        findings.note("slopes", layer.terrain.path, {"km": km, "steep_km": slopes.steep_m / 1000})
        unknown_km = km - slopes.known_m / 1000
        if unknown_km > UNKNOWN_SHARE * km:
            findings.note("slopes_unknown", layer.terrain.path, {"km": km, "unknown_km": unknown_km})
    return replace(network, steps=steps, crossing=crossing, uphill=uphill)


def _flags(streets: gpd.GeoDataFrame, column: str) -> NDArray[np.bool_]:
    """A column of yes and no; no where the layer lacks it."""
    if column not in streets or not pd.api.types.is_bool_dtype(streets[column]):
        return np.zeros(len(streets), bool)
    return streets[column].to_numpy(bool, copy=True)


def left_out_by_tag(left_out: gpd.GeoDataFrame) -> pd.DataFrame:
    """What was left out, per tag that decided: kind, key, value, count of ways or barriers, km; the longest first.

    Parameters
    ----------
    left_out
        Lines in a metric CRS; see `Streets`.
    """
    table = left_out[["kind", "key", "value", "osm_id"]].assign(km=left_out.length / 1000)
    groups = table.groupby(["kind", "key", "value"], as_index=False, sort=False)
    summed = groups.agg(count=("osm_id", "nunique"), km=("km", "sum"))
    return summed.sort_values(["km", "key", "value"], ascending=[False, True, True], ignore_index=True)


def in_metres(lines: gpd.GeoDataFrame, layer: NetworkLayer, frame: MetricFrame) -> gpd.GeoDataFrame:
    """Lines of a street layer in the metric CRS.

    Raises
    ------
    SourceError
        If coordinates are outside the reach of that CRS.
    """
    shapes = frame.geometries(layer.datum, lines.geometry.to_numpy())
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise SourceError(f"{layer.path}: coordinates outside the reach of {frame.crs}; check the declared datum")
    return lines.set_geometry(shapes, crs=frame.crs)


def _without_excluded(lines: gpd.GeoDataFrame, layer: NetworkLayer, findings: Findings) -> gpd.GeoDataFrame:
    for column, values in layer.exclude.items():
        if column not in lines.columns:
            listed = ", ".join(str(name) for name in lines.columns)
            raise SourceError(f"{layer.path}: no column '{column}' (network.exclude); the file has: {listed}")
        out = _excluded(lines[column].astype(str), frozenset(values))
        if out.any():
            counts = lines.loc[out, column].astype(str).value_counts()
            told = ", ".join(f"{value} {count}" for value, count in counts.items())
            findings.note("streets_excluded", layer.path, {"count": out.sum(), "column": column, "values": told})
        lines = lines[~out]
    if lines.empty:
        raise SourceError(f"{layer.path}: no street is left after network.exclude; exclude less")
    return lines


def _excluded(text: pd.Series, values: frozenset[str]) -> NDArray[np.bool_]:
    """Lines of one of these values, or of several that are all among them; OpenStreetMap parts them by semicolons."""
    out = [told for told in text.unique() if told in values or set(told.split(";")) <= values]
    return text.isin(out).to_numpy()
