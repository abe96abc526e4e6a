"""The sheet around the ground: title, legend, scale bar, north arrow, and the line that says where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from withinreach.errors import SourceError
from withinreach.maps.plates.frame import MM_PER_INCH, MM_PER_POINT, Box
from withinreach.maps.plates.names import LINE_EM, cut_to, text_width_mm, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from withinreach.maps.plates.fonts import Typeface
    from withinreach.maps.plates.ground import Look

# As wide as the text of an A4 page may be; on A3 a plate is twice as large and as sharp as an SVG.
SHEET_MM = (170.0, 128.0)
FRAME = Box(5.0, 13.0, 128.0, 112.0)
LEGEND_LEFT, LEGEND_WIDTH = 132.0, 34.0
LONGEST_BAR_MM, LONGEST_MARK_MM = 24.0, 60.0
# A long title is set smaller, down to this part of its size.
SMALLEST_TITLE = 0.7
TITLE, SUBTITLE, HEADING, NAME, SMALL = 12.0, 7.5, 7.2, 6.6, 5.8
INK, SOFT, PAPER, ALARM = "#17222e", "#53606c", "#ffffff", "#b23a12"
CENTRED = ("center", "center")
DPI = 300
# Of PNG. Higher levels take half as long again for a twentieth less.
COMPRESS = 3
SUFFIXES = (".png", ".svg")


class Pen(NamedTuple):
    """How a text is written: size in points, and a white rim where it stands on the ground."""

    points: float
    colour: str = INK
    weight: str = "normal"
    halo: bool = False


class Sign(NamedTuple):
    """One line of the legend: what is drawn, and what it means."""

    text: str
    face: str = "none"
    hatch: str = ""
    line: str = "none"
    marker: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A map on a sheet, ready for paper, `SHEET_MM` large.

    Attributes
    ----------
    title : str
    figure : matplotlib Figure
        Not bound to any window.
    """

    title: str
    figure: Figure

    def save(self, path: str | Path) -> Path:
        """Write the plate as PNG (300 dots per inch) or SVG; the same plate gives the same bytes.

        In an SVG all text is outlines, so that it looks the same where the typeface is not installed; cells of people
        are a picture inside it.

        Raises
        ------
        SourceError
            If the suffix names another format, or the file cannot be written.
        """
        path = plate_path(path)
        content = self.png() if path.suffix.lower() == ".png" else self._svg()
        save_bytes(path, content)
        return path

    def png(self) -> bytes:
        """The plate as PNG."""
        across, down = (int(side / MM_PER_INCH * DPI) for side in SHEET_MM)
        # Nothing shines through a sheet: without that channel a PNG takes a quarter less time and a tenth less room.
        dots = Image.frombuffer("RGBA", (across, down), self._bytes("rgba")).convert("RGB")
        content = BytesIO()
        dots.save(content, "PNG", dpi=(DPI, DPI), compress_level=COMPRESS)
        return content.getvalue()

    def _repr_png_(self) -> bytes:
        """What notebooks show."""
        return self.png()

    def _svg(self) -> bytes:
        return self._bytes("svg", metadata={"Title": self.title, "Creator": "withinreach", "Date": None})

    def _bytes(self, kind: str, **options: Any) -> bytes:
        buffer = BytesIO()
        # At this resolution hinting changes nothing that is seen, but takes a third of the time of all text.
        look = mpl.rc_context(
            {"svg.fonttype": "path", "svg.hashsalt": "withinreach", "hatch.linewidth": 0.5, "text.hinting": "none"}
        )
        with look:
            self.figure.savefig(buffer, format=kind, dpi=DPI, **options)
        return buffer.getvalue()


def save_bytes(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all, in a folder that may not be there yet.

    Raises
    ------
    SourceError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}")
        staged.write_bytes(content)
        staged.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error}") from None


def plate_path(path: str | Path) -> Path:
    """The path of a plate to be written, before the work that makes it.

    Raises
    ------
    SourceError
        If the suffix names no format of plates, or the path is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise SourceError(f"{path}: '{path.suffix}' is no format of plates; end the name in {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name a file")
    return path


class Sheet:
    """A sheet while it is being drawn; all positions are in millimetres from its lower left corner.

    Parameters
    ----------
    typeface
        From `find_typeface`.
    """

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface
        self.figure = Figure(figsize=(SHEET_MM[0] / MM_PER_INCH, SHEET_MM[1] / MM_PER_INCH), facecolor=PAPER)
        self.ground = self._axes(FRAME)
        self.paper = self._axes(Box(0, 0, *SHEET_MM))
        self.paper.set_xlim(0, SHEET_MM[0])
        self.paper.set_ylim(0, SHEET_MM[1])
        self.paper.patch.set_alpha(0)
        outline = Rectangle((FRAME.left, FRAME.bottom), FRAME.right - FRAME.left, FRAME.top - FRAME.bottom)
        outline.set(fill=False, edgecolor=INK, linewidth=0.8)
        self.paper.add_patch(outline)

    def _axes(self, box: Box) -> Axes:
        width, height = SHEET_MM
        place = (box.left / width, box.bottom / height, (box.right - box.left) / width, (box.top - box.bottom) / height)
        axes = self.figure.add_axes(place)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def write(self, at: tuple[float, float], text: str, pen: Pen, align: tuple[str, str] = ("left", "center")) -> None:
        """Write a text, which may have several lines."""
        lines = "\n".join(self._typeface.drawable(line) for line in text.split("\n"))
        halo = [withStroke(linewidth=pen.points * 0.28, foreground=PAPER)] if pen.halo else None
        self.paper.text(
            *at,
            lines,
            fontsize=pen.points,
            color=pen.colour,
            family=self._typeface.families,
            weight=pen.weight,
            ha=align[0],
            va=align[1],
            linespacing=LINE_EM,
            path_effects=halo,
            parse_math=False,
        )

    def head(self, title: str, subtitle: str, notice: str) -> None:
        """Title, what is measured, and the mark that everybody must see."""
        width = SHEET_MM[0] - 2 * FRAME.left
        mark = cut_to(notice, LONGEST_MARK_MM, SUBTITLE)
        beside = width - text_width_mm(mark, SUBTITLE) - 4
        shown = cut_to(title, beside / SMALLEST_TITLE, TITLE)
        points = TITLE * min(1.0, beside / text_width_mm(shown, TITLE))
        self.write((FRAME.left, 121.5), shown, Pen(points, weight="bold"))
        self.write((FRAME.left, 115.4), cut_to(subtitle, width, SUBTITLE), Pen(SUBTITLE, SOFT))
        if mark:
            self.write((SHEET_MM[0] - FRAME.left, 121.5), mark, Pen(SUBTITLE, ALARM, "bold"), ("right", "center"))

    def foot(self, lines: Sequence[str]) -> None:
        """Where it comes from; lines from the top."""
        for number, line in enumerate(lines):
            shown = cut_to(line, SHEET_MM[0] - 2 * FRAME.left, SMALL)
            self.write((FRAME.left, 9.3 - 3.2 * number), shown, Pen(SMALL, SOFT))

    def orient(self, north: str, m_per_mm: float, units: tuple[str, str]) -> None:
        """Below the legend an arrow to the north of the grid, and a bar of a round length in metres or kilometres."""
        x, y = LEGEND_LEFT + 0.5, FRAME.bottom + 1.0
        length_m = _round_below(LONGEST_BAR_MM * m_per_mm)
        width = length_m / m_per_mm
        for part, face in ((0, INK), (1, PAPER)):
            piece = Rectangle((x + part * width / 2, y), width / 2, 1.0)
            piece.set(facecolor=face, edgecolor=INK, linewidth=0.5)
            self.paper.add_patch(piece)
        metres, kilometres = units
        shown = f"{length_m / 1000:g} {kilometres}" if length_m >= 1000 else f"{length_m:g} {metres}"
        self.write((x, y + 2.8), "0", Pen(SMALL))
        self.write((x + width, y + 2.8), shown, Pen(SMALL), CENTRED)
        x, top = LEGEND_LEFT + LEGEND_WIDTH - 3, FRAME.bottom + 7.0
        arrow = [(x, top), (x - 2, top - 6.5), (x, top - 5), (x + 2, top - 6.5)]
        self.paper.add_patch(Polygon(arrow, facecolor=INK, linewidth=0))
        self.write((x, top + 2.4), north, Pen(NAME, weight="bold"), CENTRED)

    def note(self, text: str) -> None:
        """How it was measured, between the legend and the north arrow."""
        lines = wrapped(text, LEGEND_WIDTH, SMALL)
        height = SMALL * MM_PER_POINT * LINE_EM * (lines.count("\n") + 1)
        self._lines(LEGEND_LEFT, FRAME.bottom + 11.0 + height, lines, Pen(SMALL, SOFT))

    def legend(self, title: str, groups: Sequence[tuple[str, Iterable[Sign]]]) -> None:
        """Groups of signs, each below its heading."""
        y = FRAME.top - 1.6
        self.write((LEGEND_LEFT, y), title, Pen(SUBTITLE + 1, weight="bold"))
        y -= 5.2
        for heading, signs in groups:
            if heading:
                y = self._lines(LEGEND_LEFT, y, wrapped(heading, LEGEND_WIDTH, HEADING), Pen(HEADING, weight="bold"))
            for sign in signs:
                self._draw_sign(sign, y)
                text = wrapped(sign.text, LEGEND_WIDTH - 9.0, NAME)
                y = self._lines(LEGEND_LEFT + 9, y, text, Pen(NAME, weight="bold" if sign.strong else "normal"))
            y -= 1.4

    def _lines(self, x: float, y: float, text: str, pen: Pen) -> float:
        """Write lines downwards from y; where the next may stand."""
        for line in text.split("\n"):
            self.write((x, y), line, pen)
            y -= pen.points * MM_PER_POINT * LINE_EM
        return y - 0.9

    def _draw_sign(self, sign: Sign, y: float) -> None:
        x = LEGEND_LEFT + 3.6
        if sign.marker:
            style = {"marker": sign.marker, "markersize": 4.2} if sign.marker != "-" else {"linewidth": 1.1}
            ends = [x] if "marker" in style else [x - 3, x + 3]
            self.paper.add_line(
                Line2D(ends, [y] * len(ends), color=sign.line, markerfacecolor=sign.face, markeredgewidth=0.8, **style)
            )
            return
        patch = Rectangle((x - 3.2, y - 1.3), 6.4, 2.6, facecolor=sign.face, edgecolor=sign.line, linewidth=0.0)
        patch.set_hatch(sign.hatch)
        self.paper.add_patch(patch)
        self.paper.add_patch(Rectangle((x - 3.2, y - 1.3), 6.4, 2.6, fill=False, edgecolor=SOFT, linewidth=0.4))


def _round_below(longest: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above a length."""
    power = 10.0 ** math.floor(math.log10(longest))
    return power * max(step for step in (1, 2, 5) if step * power <= longest)


def sign_of(look: Look, text: str, *, strong: bool = False) -> Sign:
    """A filled swatch."""
    return Sign(text, look.face, look.hatch, look.line, strong=strong)
