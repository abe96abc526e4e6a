"""One facility: the ground from which people walk there in time, and the circle that a plan would draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.catchments.isochrones import trace_isochrones
from withinreach.errors import StudyError
from withinreach.showing import COVERAGE_FILLS, LOSS, PLAIN, Dots, Lines, Sketch, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.model import Case, Network

WIDTH_PX = 420
# The circle, with some ground around it.
SHOWN_RADII = 1.15


def sketch_walks(case: Case, service: str, facility: str, *, minutes: Sequence[float] = (5, 10, 15)) -> Sketch:
    """Draw from where people walk to one facility in time, with streets, and the circle of the longest time.

    In a notebook the sketch shows itself. The circle is the straight line that the time allows at the speed of the
    service's profile; the ground is that of `trace_isochrones`, darker for fewer minutes.

    Parameters
    ----------
    facility
        Its id.
    minutes
        At most three.

    Raises
    ------
    StudyError
        If the study has no such service, or the service no such facility.
    """
    asked = case.study.service(service)
    rows = case.facility_rows(asked.kinds)
    found = rows[(case.facilities.table["id"].iloc[rows] == facility).to_numpy()]
    if not len(found):
        raise StudyError(f"no open facility of '{service}' has the id '{facility}'")
    here = shapely.Point(case.facilities.xy[found[0]])
    rings = trace_isochrones(case, service, minutes=minutes)
    own = rings[rings["facility"] == found[0]].sort_values("minutes", ascending=False)
    radius_m = max(minutes) * 60 * case.study.profiles[asked.profile].speed_m_s
    ground = shapely.box(*here.buffer(SHOWN_RADII * radius_m).bounds)
    says, told = words(case.study.language), "–".join(f"{one:g}" for one in sorted(minutes))
    name = str(case.facilities.table["name"].iloc[found[0]])
    return Sketch(
        shapes=np.array([ground, *own.geometry]),
        fills=[PLAIN, *COVERAGE_FILLS[1 : 1 + len(own)]],
        lines=(
            Lines(_streets_in(case.network, ground)),
            Lines(np.array([here.buffer(radius_m, quad_segs=32).exterior]), LOSS, 1.5),
        ),
        dots=(Dots(case.facilities.xy[found], size_px=8.0),),
        title=" · ".join((name, says["minutes"].format(minutes=told), f"{radius_m:.0f} m")),
        width_px=WIDTH_PX,
    )


def _streets_in(network: Network, ground: shapely.Polygon) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    segment = np.repeat(np.arange(network.n_segments), np.diff(network.vertex_ptr))
    lines = shapely.linestrings(network.vertex_xy, indices=segment)
    inside = shapely.intersection(lines[shapely.intersects(lines, ground)], ground)
    parts: np.ndarray[tuple[int], np.dtype[np.object_]] = shapely.get_parts(inside)
    return parts[shapely.get_dimensions(parts) == 1]
