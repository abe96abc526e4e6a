"""In which datum points really are, found by the streets: in the right one, and in no other, points and streets fit.

GCJ-02 lies some 540 m east of WGS84 in Xinxiang and BD-09 another 890 m off. Clinics stand along streets and schools
in the middle of blocks, but neither does so by chance, and what is displaced does. So the distances to the nearest
street are compared with those of the same points displaced in many directions, as in the random shift test of Lotwick &
Silverman (1982, Journal of the Royal Statistical Society B 44, 406-413): the datum in which they differ most from all
displaced copies is the right one. How near the points are to the streets does not matter, only that it is no chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from withinreach.kernels.snap import snap_points
from withinreach.sources.datum import outside_china
from withinreach.study import DATUMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.model import Network
    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame

# WGS84 and CGCS2000 differ by decimetres: no street can tell them apart.
TRIED = ("wgs84", "gcj02", "bd09")
SAME = {"cgcs2000": "wgs84"}
# Drawn 10 times each from 7,488 clinics, 7,376 schools, 15,302 estates and 679 malls of Wuhan, 50 points were told
# right for clinics in every draw, for the others in some; the wrong datum was never told.
ENOUGH = 100
# At most so many, evenly taken: more make nothing clearer.
MOST = 3000
# A point that no street is near says nothing about its datum.
REACH_M = 1000.0
# Displaced copies: beyond the length to which streets and blocks repeat, within that of the shifts themselves, and none
# where one of the tried datums would put the points.
RADII_M = (400.0, 600.0, 850.0, 1100.0, 1400.0)
DIRECTIONS = 24
APART_M = 150.0
BINS_M = np.array([0, 4, 8, 12, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 170, 250, 400, REACH_M + 1])
# Both must hold: no displaced copy differs as much, and no other datum half as much.
CLEARLY = 2.0


@dataclass(frozen=True)
class DatumTest:
    """What streets say about the datum of points.

    Attributes
    ----------
    declared : str
    best : str or None
        The datum in which points and streets fit; None where it cannot be told.
    points : int
        How many have a street within a kilometre.
    fit : mapping
        For each datum that was tried, how far the distances differ from those of displaced copies (chi-square
        distance), in medians of what the copies differ among themselves: 1 is chance.
    median_m : mapping
        Median distance to the nearest street in each datum.
    metres, bearing_deg : float
        How far, and in which direction (from north over east), the declared datum puts the points off the best one.
    """

    declared: str
    best: str | None
    points: int
    fit: Mapping[str, float]
    median_m: Mapping[str, float]
    metres: float = 0.0
    bearing_deg: float = 0.0


def tell_datum(xy: NDArray[np.float64], declared: str, network: Network, frame: MetricFrame) -> DatumTest:
    """Try WGS84, GCJ-02 and BD-09 on points and find the one in which they fit the streets.

    Parameters
    ----------
    xy : (k, 2) float64
        As the declared datum puts them, metres.
    declared
        A datum, or ``EPSG:n``, whose degrees are taken for WGS84's.
    """
    held = SAME.get(declared, declared if declared in DATUMS else "wgs84")
    xy = xy[:: max(1, -(-len(xy) // MOST))]
    lon, lat = frame.from_metres(held, xy).T
    xy, lon, lat = (values[~outside_china(lon, lat)] for values in (xy, lon, lat))
    tried = np.array([frame.to_metres(datum, lon, lat) for datum in TRIED])
    offsets = np.median(tried - xy, axis=1) if len(xy) else np.zeros((len(TRIED), 2))
    copies = np.concatenate([tried, xy + _displacements(offsets)[:, None, :]])
    away = _to_streets(network, copies)
    near = (away[: len(TRIED)] < REACH_M).any(axis=0)
    points = int(near.sum())
    if points < ENOUGH:
        return DatumTest(declared, None, points, {}, {})
    fits, by_chance = _fits(away[:, near])
    fit = dict(zip(TRIED, fits.tolist(), strict=True))
    median_m = dict(zip(TRIED, np.median(away[: len(TRIED), near], axis=1).tolist(), strict=True))
    best, second = sorted(TRIED, key=lambda datum: -fit[datum])[:2]
    if fit[best] <= by_chance or fit[best] < CLEARLY * fit[second]:
        return DatumTest(declared, None, points, fit, median_m)
    east, north = -offsets[TRIED.index(best)]
    return DatumTest(
        declared,
        declared if best == held else best,
        points,
        fit,
        median_m,
        metres=float(np.hypot(east, north)),
        bearing_deg=float(np.degrees(np.arctan2(east, north)) % 360),
    )


def _displacements(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rings of displacements, turned against each other, without those that come near an offset; metres, (r, 2)."""
    ring, turn = np.meshgrid(np.arange(len(RADII_M)), np.arange(DIRECTIONS), indexing="ij")
    angle = 2 * np.pi * (turn + ring / len(RADII_M)) / DIRECTIONS
    shift = (np.array(RADII_M)[ring, None] * np.stack([np.sin(angle), np.cos(angle)], axis=-1)).reshape(-1, 2)
    near = np.hypot(*(shift[:, None, :] - offsets[None]).transpose(2, 0, 1)) < APART_M
    return shift[~near.any(axis=1)]


def _to_streets(network: Network, copies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres from each point of each copy to its street; all in one search, which builds its index once."""
    found = snap_points(network.vertex_ptr, network.vertex_xy, copies.reshape(-1, 2), REACH_M)
    return np.minimum(found.distance_m, REACH_M).reshape(copies.shape[:2])


def _fits(away: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """How far each tried datum differs from the displaced copies, and the most that one of the copies does."""
    counts = np.array([np.histogram(copy, BINS_M)[0] for copy in away], np.float64)
    # One half in each bin: a bin that no copy reaches must not decide alone.
    usual = counts[len(TRIED) :].mean(axis=0) + 0.5
    differs = ((counts - usual) ** 2 / usual).sum(axis=1)
    differs /= np.median(differs[len(TRIED) :])
    return differs[: len(TRIED)], float(differs[len(TRIED) :].max())


def note_datums(evidence: Evidence, findings: Findings) -> None:
    """For each layer of facilities, whether the streets agree with its declared datum."""
    for file, layer in evidence.layers.items():
        here = (evidence.table["file"] == file).to_numpy()
        tested = tell_datum(evidence.facilities.xy[here], layer.datum, evidence.network, evidence.frame)
        fits = ", ".join(f"{datum} {fit:.1f}" for datum, fit in tested.fit.items())
        if not tested.fit:
            findings.note("datum_untested", layer.path, {"datum": layer.datum, "points": tested.points})
        elif tested.best is None:
            findings.note("datum_unclear", layer.path, {"datum": layer.datum, "points": tested.points, "fits": fits})
        elif tested.best == layer.datum:
            findings.note("datum_confirmed", layer.path, {"datum": layer.datum, "points": tested.points, "fits": fits})
        else:
            findings.note(
                "datum_contradicted",
                layer.path,
                {
                    "datum": layer.datum,
                    "best": tested.best,
                    "metres": tested.metres,
                    "bearing": tested.bearing_deg,
                    "points": tested.points,
                    "fits": fits,
                },
            )
