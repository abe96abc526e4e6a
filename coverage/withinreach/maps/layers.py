"""Data islands: what the page draws, inside the page, as text that no parser of HTML or JavaScript ever runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from branca.element import Element, Figure, MacroElement

from withinreach.maps.packing import pack
from withinreach.maps.shapes import encode_shapes, whole_steps
from withinreach.maps.strokes import levels, spatial_order, strokes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from withinreach.maps.packing import Packable
    from withinreach.maps.shapes import Degrees
    from withinreach.model import Case
    from withinreach.reach import Reach

# Drawn lines stay this close to the true ones: half a pixel at the scale where a street fills the screen's width.
AREA_TOLERANCE_M = 1.0
STREET_TOLERANCE_M = 3.0
WATER_TOLERANCE_M = 5.0
# Steps per degree for the centres of cells: 0.1 m, so that cells of a grid lie side by side.
CELL_STEPS = 1_000_000
PEOPLE_STEPS = 100
STREET_LEVELS = 4
FARTHEST_M = 2**31 - 1
NO_WAY = -1

# HTML ends a script element at "</script" whatever its type; JavaScript ends a line at U+2028 and U+2029.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class Detail:
    """How much a page holds of what it draws.

    Attributes
    ----------
    street_levels
        Streets of so many levels, the longest strokes first.
    people_step
        People per cell are whole steps of this, in 1 / `PEOPLE_STEPS` people.
    metres_step
        Distances are whole steps of this.
    """

    street_levels: int = STREET_LEVELS
    people_step: int = 1
    metres_step: int = 1


FULL = Detail()
# For a whole prefecture of 600,000 cells and 420,000 streets in less than 6 MB: lanes are drawn on the pages of its
# areas, people are told to a tenth and ways to 20 m.
OVERVIEW = Detail(street_levels=3, people_step=10, metres_step=20)


class _Verbatim(Element):
    """HTML as it stands."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        """The text."""
        return self.text


class Island(MacroElement):
    """A script element that holds data and is never run.

    Parameters
    ----------
    key
        Its id in the page is ``wr-`` and the key.
    mime
        Any type that browsers do not execute.
    text
        Without a closing script tag.
    """

    def __init__(self, key: str, mime: str, text: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Island"
        self._id = key.replace("-", "_")
        self.key, self.mime, self.text = key, mime, text

    def render(self, **_: object) -> str:
        """Hang the element into the page as it is; nothing is left to say at its own place.

        What branca does itself would read it as a template, so that a name like ``{{ 7 * 7 }}``, or worse, would be
        carried out while the page is made.
        """
        script = f'<script type="{self.mime}" id="wr-{self.key}">{self.text}</script>'
        page = self.get_root()
        if not isinstance(page, Figure):
            raise TypeError("an island is drawn as a part of a page")
        page.html.add_child(_Verbatim(script), name=self.get_name())
        return ""


def json_island(key: str, value: object) -> Island:
    """An island of JSON, escaped so that no name in it can leave the island."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Island(key, "application/json", text.translate(_ESCAPES))


def packed_island(key: str, arrays: Mapping[str, Packable]) -> Island:
    """An island of typed arrays; see `packing`."""
    return Island(key, "application/x-packed-arrays", pack(arrays))


def area_arrays(case: Case, degrees: Degrees) -> Mapping[str, Packable]:
    """Boundaries of the areas; ``owner`` is the row of the area."""
    return encode_shapes(case.areas.table.geometry.to_numpy(), degrees, tolerance_m=AREA_TOLERANCE_M)


def street_arrays(case: Case, degrees: Degrees, detail: Detail = FULL) -> Mapping[str, Packable]:
    """Strokes, the important ones first, and ``level`` (0 to 3) of each."""
    lines = strokes(case.network)
    level = levels(lines)
    lines, level = lines[level < detail.street_levels], level[level < detail.street_levels]
    order = spatial_order(lines, level)
    shapes = encode_shapes(lines[order], degrees, tolerance_m=STREET_TOLERANCE_M)
    return {"count": shapes["count"], "lon": shapes["lon"], "lat": shapes["lat"], "level": level[order]}


def water_arrays(case: Case, degrees: Degrees) -> Mapping[str, Packable]:
    """Rivers and lakes."""
    return encode_shapes(case.water.geometry.to_numpy(), degrees, tolerance_m=WATER_TOLERANCE_M)


def cell_arrays(case: Case, groups: Iterable[str], detail: Detail = FULL) -> Mapping[str, Packable]:
    """Cells in the order of the case: ``lon``, ``lat`` in 1e-6 degrees, ``people_<group>`` in steps of the detail."""
    table = case.people.table
    arrays: dict[str, Packable] = {
        "lon": whole_steps(table["lon"].to_numpy(np.float64), CELL_STEPS),
        "lat": whole_steps(table["lat"].to_numpy(np.float64), CELL_STEPS),
    }
    for group in groups:
        steps = case.people_of(group) * (PEOPLE_STEPS / detail.people_step)
        arrays[f"people_{group}"] = np.round(steps).astype(np.int32)
    return arrays


def reach_arrays(reach: Reach, detail: Detail = FULL) -> Mapping[str, Packable]:
    """Per cell ``metres`` to the nearest facility, in steps of the detail (-1: no way), and ``status``.

    Steps are rounded down for served cells and up for all others, so that no cell reads as farther than the limit and
    served, or nearer and not.
    """
    steps = reach.level_m / detail.metres_step
    whole = np.where(reach.covered, np.floor(steps), np.ceil(steps))
    metres = np.where(np.isfinite(whole), np.minimum(whole, FARTHEST_M), NO_WAY).astype(np.int32)
    return {"metres": metres, "status": reach.status.astype(np.uint8)}
