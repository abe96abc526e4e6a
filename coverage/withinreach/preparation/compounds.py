"""Walled compounds that no street enters: whoever lives inside is counted as walking through the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.errors import SourceError
from withinreach.sources.osm_file import is_osm
from withinreach.sources.osm_walls import read_walls
from withinreach.sources.remarks import Spot
from withinreach.sources.rows import need_columns
from withinreach.sources.vectors import read_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.model import Network, Places
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.sources.population import Bounds
    from withinreach.study import CompoundLayer, Study

# Streets and walls that share a node are apart by the rounding of the network's vertices, at most.
TOUCH_M = 0.002


class Compounds(NamedTuple):
    """Walled compounds of one file.

    Attributes
    ----------
    path
        The file.
    names : (c,) object
    shapes : (c,) array of Polygon or MultiPolygon
        In the metric CRS.
    homes : (c,) bool
        Whether people may live inside.
    gates : (g, 2) float64
        Open gates, metres.
    """

    path: Path
    names: NDArray[np.object_]
    shapes: NDArray[np.object_]
    homes: NDArray[np.bool_]
    gates: NDArray[np.float64]


def read_compounds(
    study: Study, frame: MetricFrame, findings: Findings, within: Callable[[str], Bounds | None]
) -> Iterator[Compounds]:
    """The compounds of a study's own layer, and the walls of an OpenStreetMap file of streets.

    Parameters
    ----------
    within
        By the datum of a layer the bounds in which compounds are read; None: everywhere.

    Raises
    ------
    SourceError, CrsError
        If a file cannot be used; see `read_walls` and `read_layer`.
    """
    if is_osm(study.network.path):
        walls = read_walls(study.network.path)
        shapes = frame.geometries("wgs84", walls.rings.geometry.to_numpy())
        names, homes = walls.rings["name"].to_numpy(object), walls.rings["homes"].to_numpy(bool)
        yield Compounds(study.network.path, names, shapes, homes, frame.to_metres("wgs84", *walls.gates.T))
    if study.compounds is not None:
        yield _drawn(study.compounds, within(study.compounds.datum), frame, findings)


def _drawn(layer: CompoundLayer, bounds: Bounds | None, frame: MetricFrame, findings: Findings) -> Compounds:
    read = read_layer(layer.path, layer.datum, kind="Polygon", layer=layer.layer, bounds=bounds)
    findings.take(layer.path, read.remarks)
    raw = read.features
    names = np.array([f"feature {number}" for number in read.number], object)
    if layer.name is not None:
        need_columns(layer.path, raw, [("compounds.name", layer.name)])
        own = raw[layer.name].astype("str").str.strip()
        names = np.where(raw[layer.name].notna() & (own != ""), own, names)
    shapes = frame.geometries(layer.datum, raw.geometry.to_numpy())
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        raise SourceError(f"{layer.path}: coordinates outside the reach of {frame.crs}; check the declared datum")
    return Compounds(layer.path, names, shapes, np.ones(len(raw), bool), np.empty((0, 2)))


def note_compounds(
    study: Study,
    compounds: Compounds,
    network: Network,
    people: Places,
    facilities: Places,
    cell_m2: float,
    frame: MetricFrame,
    findings: Findings,
) -> None:
    """One finding for each compound with people or facilities inside that no walked street and no open gate enters.

    A street enters where it crosses or touches the wall. People are those of the cells whose centre is inside; of a
    compound that is smaller than a cell, or encloses something else than homes, the grid tells nobody. Nothing is
    changed.
    """
    lived_in = compounds.homes & (shapely.area(compounds.shapes) >= cell_m2)
    count = people.table[next(iter(study.population.groups))].to_numpy(np.float64)
    people_inside = np.where(lived_in, _inside(compounds.shapes, people.xy, count), 0.0)
    facilities_inside = _inside(compounds.shapes, facilities.xy, np.ones(len(facilities)))
    held = np.flatnonzero((people_inside > 0) | (facilities_inside > 0))
    shut = held[~_entered(compounds.shapes[held], network, compounds.gates)]
    lonlat = frame.to_lonlat(shapely.get_coordinates(shapely.point_on_surface(compounds.shapes[shut])))
    for row, (lon, lat) in zip(shut, lonlat, strict=True):
        findings.note(
            "compound_shut",
            compounds.path,
            {"name": compounds.names[row], "people": people_inside[row], "facilities": int(facilities_inside[row])},
            at=Spot(value=f"{lon:.5f} {lat:.5f}"),
        )
    findings.note("compounds_checked", compounds.path, {"count": len(held), "shut": len(shut)})


def _inside(shapes: NDArray[np.object_], xy: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of what is inside each shape, shape (c,)."""
    place, shape = shapely.STRtree(shapes).query(shapely.points(xy), predicate="intersects")
    return np.bincount(shape, value[place], len(shapes)).astype(np.float64)


def _entered(shapes: NDArray[np.object_], network: Network, gates: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whose boundary a street or an open gate touches."""
    entered = np.zeros(len(shapes), bool)
    if len(shapes):
        segment = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
        for what in (shapely.linestrings(network.vertex_xy, indices=segment), shapely.points(gates)):
            met, _ = shapely.STRtree(what).query(shapely.boundary(shapes), predicate="dwithin", distance=TOUCH_M)
            entered[met] = True
    return entered
