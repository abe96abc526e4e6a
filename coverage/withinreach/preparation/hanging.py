"""Parts of a street network that hang apart from the largest one although something is there that could join them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.model import Network
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame

# A street of four lanes is 14 m wide: two parts that come nearer than this often lack nothing but a crossing.
NEAR_M = 15.0
COLUMNS = ["component", "x", "y", "key", "value", "osm_id", "gap_m"]


def note_hanging(
    path: Path, network: Network, left_out: gpd.GeoDataFrame, frame: MetricFrame, findings: Findings
) -> None:
    """Report every component but the largest that is joined to it by something left out, or ends near it.

    Nothing is joined here: whether people can cross is for somebody who knows the place.

    Parameters
    ----------
    left_out
        Lines in the metric CRS with key and value of the tag that decided, and osm_id; see `Streets`.
    """
    if not network.component.any():
        return
    joined = _joined_by(network, left_out)
    near = _near_the_largest(network)
    table = pd.concat([joined, near]).drop_duplicates("component").sort_values("component")
    lonlat = frame.to_lonlat(table[["x", "y"]].to_numpy(np.float64))
    metres = np.bincount(network.component[network.tail], weights=network.length_mm / 1000)
    for row, (lon, lat) in zip(table.itertuples(), lonlat, strict=True):
        at = Spot(value=f"{lon:.5f} {lat:.5f}")
        long_m = metres[row.component]
        if row.key:
            findings.note(
                "hangs_by_left_out",
                path,
                {"metres": long_m, "key": row.key, "value": row.value, "osm_id": row.osm_id},
                at=at,
            )
        else:
            findings.note("ends_near_largest", path, {"metres": long_m, "gap_m": row.gap_m}, at=at)


def _joined_by(network: Network, left_out: gpd.GeoDataFrame) -> pd.DataFrame:
    """Components that something left out shares a vertex with, while it shares another with the largest one."""
    segment = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    walked = _millimetres(network.vertex_xy).assign(component=network.component[network.tail[segment]])
    xy, row = shapely.get_coordinates(left_out.geometry.to_numpy(), return_index=True)
    beside = _millimetres(xy).assign(row=row, x=xy[:, 0], y=xy[:, 1])
    touch = beside.merge(walked.drop_duplicates(), on=["x_mm", "y_mm"])
    bridges = touch.loc[touch["component"] == 0, "row"].unique()
    hanging = touch[(touch["component"] > 0) & touch["row"].isin(bridges)].sort_values(["component", "row"])
    what = left_out.iloc[hanging["row"]].reset_index(drop=True)
    return hanging.reset_index(drop=True).join(what[["key", "value", "osm_id"]]).assign(gap_m=0.0)[COLUMNS]


def _millimetres(xy: NDArray[np.float64]) -> pd.DataFrame:
    """Positions as the network joins them: to the millimetre."""
    return pd.DataFrame(np.round(xy * 1000).astype(np.int64), columns=["x_mm", "y_mm"])


def _near_the_largest(network: Network) -> pd.DataFrame:
    """The node of each component that is nearest to the largest one, if it is within `NEAR_M`."""
    node = np.flatnonzero(network.component > 0)
    segment = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    largest = (network.component[network.tail] == 0)[segment]
    lines = shapely.linestrings(network.vertex_xy[largest], indices=np.unique(segment[largest], return_inverse=True)[1])
    (which, _), gap_m = shapely.STRtree(lines).query_nearest(
        shapely.points(network.xy[node]), max_distance=NEAR_M, return_distance=True, all_matches=False
    )
    found = pd.DataFrame(network.xy[node[which]], columns=["x", "y"])
    found = found.assign(component=network.component[node[which]], gap_m=gap_m, key="", value="", osm_id=0)
    return found.sort_values(["component", "gap_m"])[COLUMNS]
