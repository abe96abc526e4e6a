"""The areas of a study among all of their file, and how far around them every other layer is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.errors import SourceError
from withinreach.model import OUTSIDE_AREAS, Areas
from withinreach.preparation.areas import areas_of, assign_areas, read_area_layer
from withinreach.preparation.findings import Findings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.preparation.frame import MetricFrame
    from withinreach.sources.population import Bounds
    from withinreach.study import AreaLayer, Study

# Beside what people may walk: more than a rectangle bends between two systems over a prefecture, and more than a
# superblock, in which streets are counted around a cell.
MARGIN_M = 2000.0


def whole_layers(datum: str) -> Bounds | None:  # noqa: ARG001 -- as `Scope.bounds`
    """No bounds in any datum: layers are read as wholes."""
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What a study is about.

    Attributes
    ----------
    areas : Areas
        The study's.
    near : Areas
        These and the other areas of the file that lie around them, in the order of the file: who lives where two
        polygons overlap belongs to the first, also if the study does not take it.
    row : (n,) int32
        Of each of ``near`` its row in the areas, -1 for those of others.
    layer : AreaLayer or None
        Which codes the study takes; None: all.
    others : frozenset of str
        Codes of all areas of the file that the study does not take.
    around_m : float or None
        How far around the areas layers are read; None: all of them.
    frame : MetricFrame
    """

    areas: Areas
    near: Areas
    row: NDArray[np.int32]
    layer: AreaLayer | None
    others: frozenset[str]
    around_m: float | None
    frame: MetricFrame

    def bounds(self, datum: str) -> Bounds | None:
        """The rectangle in the coordinates of a datum in which layers are read; None: everywhere."""
        if self.around_m is None:
            return None
        return self.frame.bounds_in(datum, _corners(self.areas), self.around_m)

    def bounds_of_people(self, datum: str) -> Bounds:
        """The rectangle in which people are looked for: they count in the areas, and as neighbours beside them."""
        return self.frame.bounds_in(datum, _corners(self.areas), MARGIN_M)

    def area_of(self, xy: NDArray[np.float64]) -> NDArray[np.int32]:
        """The area of each point, as `assign_areas`; -1 also in areas of others."""
        return np.append(self.row, OUTSIDE_AREAS)[assign_areas(self.near, xy)].astype(np.int32)

    def with_others(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points lie in areas that the study does not take."""
        if not self.others:
            return np.zeros(len(xy), bool)
        return np.append(self.row == OUTSIDE_AREAS, False)[assign_areas(self.near, xy)]

    def takes(self, code: str) -> bool:
        """Whether the study is about the unit with this code."""
        return self.layer is None or self.layer.takes(code)


def note_elsewhere(path: Path, elsewhere: NDArray[np.bool_], findings: Findings) -> None:
    """Tell how many rows of a file are about other areas than the study's, or lie far from them."""
    if elsewhere.any():
        findings.note("rows_elsewhere", path, {"count": elsewhere.sum(), "of": len(elsewhere)})


def scope_of(areas: Areas, frame: MetricFrame) -> Scope:
    """The scope of a study that takes all areas of its file."""
    return Scope(areas, areas, np.arange(len(areas), dtype=np.int32), None, frozenset(), None, frame)


def prepare_scope(study: Study, frame: MetricFrame, findings: Findings) -> Scope:
    """Read the areas of a study.

    Raises
    ------
    SourceError
        If the layer cannot be used, a column is missing, a code is missing or stands twice, or ``areas.codes`` names
        one that no area has.
    """
    layer = study.areas
    raw, code = read_area_layer(layer, findings)
    taken = np.array([layer.takes(one) for one in code], bool)
    unknown = [f"'{one}'" for one in layer.codes if not any(known.startswith(one) for known in code)]
    if unknown:
        raise SourceError(
            f"{layer.path}: areas.codes: no code begins with {', '.join(unknown)}; the file has: "
            f"{', '.join(code[:5])}{' …' if len(code) > 5 else ''}"
        )
    areas = areas_of(layer, raw[taken], code[taken], frame, findings)
    if taken.all():
        return scope_of(areas, frame)
    # People walk no farther than their cutoff, and a page reads three times as far; see `read_county`.
    around_m = layer.around_m or 3 * study.page_reach_m + study.network.snap_cap_m + MARGIN_M
    window = shapely.box(*frame.bounds_in(layer.datum, _corners(areas), max(around_m, MARGIN_M)))
    here = taken | shapely.intersects(shapely.box(*raw.bounds.to_numpy().T), window)
    row = np.where(taken, np.cumsum(taken) - 1, OUTSIDE_AREAS).astype(np.int32)
    findings.note("areas_taken", layer.path, {"count": len(areas), "of": len(code), "around_km": around_m / 1000})
    return Scope(
        areas=areas,
        near=areas_of(layer, raw[here], code[here], frame, Findings()),
        row=row[here],
        layer=layer,
        others=frozenset(code[~taken]),
        around_m=around_m,
        frame=frame,
    )


def _corners(areas: Areas) -> NDArray[np.float64]:
    return shapely.bounds(areas.table.geometry.to_numpy()).reshape(-1, 2)
