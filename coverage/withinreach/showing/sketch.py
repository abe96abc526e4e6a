"""A small map as one SVG picture: areas in colours, dots and numbers above them.

Its size is bounded whatever the case holds: lines are told to half a pixel, and of dots in one square of a few pixels
one is drawn.
"""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

FACILITY, SITE, GAIN, LOSS, PLAIN, STREET = "#16263f", "#6a2fa0", "#2c7d45", "#d24a1d", "#eef2f3", "#59656f"
# Units of the drawing per pixel.
FINE = 10
MARGIN_PX = 6
LETTER_PX = 9.0
FONT = "'Microsoft YaHei','PingFang SC','Noto Sans CJK SC',sans-serif"


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Places in one colour: ``xy`` (k, 2) metres; ``numbered`` ones are few and carry 1, 2, 3 …"""

    xy: NDArray[np.float64]
    colour: str = FACILITY
    size_px: float = 2.4
    numbered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines in one colour: ``lines`` (k,) array of LineString, metres."""

    lines: NDArray[np.object_]
    colour: str = STREET
    width_px: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What a small map shows.

    Attributes
    ----------
    shapes : (a,) array of polygons, metres
    fills
        The colour of each shape.
    names
        Of the shapes, written where there is room for them; may be empty.
    lines, dots
        Drawn above the shapes in this order. What leaves the frame of the shapes is cut off.
    title
        Stands above the map, and is read aloud instead of it.
    """

    shapes: NDArray[np.object_]
    fills: Sequence[str]
    names: Sequence[str] = ()
    lines: tuple[Lines, ...] = ()
    dots: tuple[Dots, ...] = ()
    title: str = ""
    width_px: int = 205

    def _repr_html_(self) -> str:
        return picture(self)


def picture(sketch: Sketch) -> str:
    """A sketch as an ``<img>`` of HTML, below its title."""
    coded, title = base64.b64encode(svg(sketch).encode()).decode(), html.escape(sketch.title)
    return (
        f'<div style="max-width:{sketch.width_px}px;font-weight:700">{title}</div>'
        f'<img alt="{title}" src="data:image/svg+xml;base64,{coded}">'
    )


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """A line of colours and what they mean, as HTML."""
    swatch = "display:inline-block;width:12px;height:12px;margin:0 4px 0 0;border:1px solid #b9c0c7;vertical-align:-2px"
    told = (f'<span style="{swatch};background:{colour}"></span>{html.escape(name)}' for colour, name in entries)
    return f'<div style="color:#53606c;font-size:12px">{"&ensp; ".join(told)}</div>'


def svg(sketch: Sketch) -> str:
    """A sketch as the text of an SVG file."""
    frame = _Frame.around(sketch)
    parts = "".join([*_grounds(sketch, frame), *_lines(sketch, frame), *_names(sketch, frame), *_dots(sketch, frame)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sketch.width_px}" height="{frame.height_px}" '
        f'viewBox="0 0 {sketch.width_px * FINE} {frame.height_px * FINE}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{parts}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """From metres to units of the drawing, north up."""

    west: float
    north: float
    per_m: float
    height_px: int

    @classmethod
    def around(cls, sketch: Sketch) -> _Frame:
        west, south, east, north = shapely.total_bounds(sketch.shapes).tolist()
        px_per_m = (sketch.width_px - 2 * MARGIN_PX) / max(east - west, 1.0)
        return cls(west, north, px_per_m * FINE, round((north - south) * px_per_m) + 2 * MARGIN_PX)

    def of(self, xy: NDArray[np.float64]) -> NDArray[np.int64]:
        x = (xy[:, 0] - self.west) * self.per_m + MARGIN_PX * FINE
        y = (self.north - xy[:, 1]) * self.per_m + MARGIN_PX * FINE
        return np.column_stack([np.rint(x), np.rint(y)]).astype(np.int64)


def _grounds(sketch: Sketch, frame: _Frame) -> Iterator[str]:
    simple = shapely.simplify(sketch.shapes, 0.5 * FINE / frame.per_m, preserve_topology=True)
    for shape, fill in zip(simple, sketch.fills, strict=True):
        rings = shapely.get_rings(shapely.get_parts(shape)[shapely.get_dimensions(shapely.get_parts(shape)) == 2])
        path = "".join(_ring(frame.of(shapely.get_coordinates(ring))) for ring in rings)
        yield f'<path d="{path}" fill="{fill}" fill-rule="evenodd" stroke="#7b8791" stroke-width="8"/>'


def _lines(sketch: Sketch, frame: _Frame) -> Iterator[str]:
    for lines in sketch.lines:
        simple = shapely.simplify(lines.lines, 0.5 * FINE / frame.per_m)
        path = "".join(_path(frame.of(shapely.get_coordinates(line))) for line in simple)
        if path:
            width = f'stroke="{lines.colour}" stroke-width="{lines.width_px * FINE:g}"'
            yield f'<path d="{path}" fill="none" {width}/>'


def _path(points: NDArray[np.int64]) -> str:
    return f"M{points[0][0]} {points[0][1]}l" + " ".join(f"{dx} {dy}" for dx, dy in np.diff(points, axis=0).tolist())


def _ring(points: NDArray[np.int64]) -> str:
    (x, y), steps = points[0], np.diff(points[:-1], axis=0)
    return f"M{x} {y}l" + " ".join(f"{dx} {dy}" for dx, dy in steps[(steps != 0).any(axis=1)].tolist()) + "z"


def _names(sketch: Sketch, frame: _Frame) -> Iterator[str]:
    for shape, name in zip(sketch.shapes, sketch.names, strict=False):
        west, south, east, north = shape.bounds
        width_px, height_px = (east - west) * frame.per_m / FINE, (north - south) * frame.per_m / FINE
        if len(name) * LETTER_PX > width_px or height_px < 2 * LETTER_PX:
            continue
        ((x, y),) = frame.of(shapely.get_coordinates(shapely.point_on_surface(shape)))
        look = (
            f'font-family="{FONT}" font-size="{LETTER_PX * FINE:g}" text-anchor="middle" fill="#17222e" '
            'stroke="#fff" stroke-width="22" paint-order="stroke"'
        )
        yield f'<text x="{x}" y="{y}" {look}>{html.escape(name)}</text>'


def _dots(sketch: Sketch, frame: _Frame) -> Iterator[str]:
    for dots in sketch.dots:
        if dots.numbered:
            yield from _numbered(frame.of(dots.xy), dots.colour)
            continue
        square = max(1, round(dots.size_px * FINE))
        spots = np.unique(frame.of(dots.xy) // square, axis=0) * square + square // 2
        path = "".join(f"M{x} {y}h0" for x, y in spots.tolist())
        if path:
            look = f'stroke="{dots.colour}" stroke-width="{square}" stroke-linecap="round"'
            yield f'<path d="{path}" {look} fill="none"/>'


def _numbered(spots: NDArray[np.int64], colour: str) -> Iterator[str]:
    for number, (x, y) in enumerate(spots.tolist(), 1):
        look = f'font-family="sans-serif" font-size="{9 * FINE}" font-weight="700" text-anchor="middle" fill="#fff"'
        yield (
            f'<circle cx="{x}" cy="{y}" r="{7 * FINE}" fill="{colour}" stroke="#fff" stroke-width="{FINE}"/>'
            f'<text x="{x}" y="{y + 3 * FINE}" {look}>{number}</text>'
        )
