"""How values show themselves in a notebook: small tables and a small map, as HTML made of plain values.

What of a value is shown stands beside the value, in a `_repr_html_` or a module ``card.py``; how it looks stands here.
Every text is escaped. Pictures are SVG inside ``<img>``: notebooks that nobody has trusted yet, and viewers that strip
markup, show pictures but drop inline SVG, style sheets and scripts.
"""

from __future__ import annotations

from withinreach.showing.cards import Column, beside, card, figure, line, share, table, text, whole
from withinreach.showing.classes import (
    COVERAGE_BREAKS,
    COVERAGE_FILLS,
    NO_PEOPLE,
    class_names,
    coverage_classes,
    coverage_fills,
    coverage_legend,
)
from withinreach.showing.sketch import FACILITY, GAIN, LOSS, PLAIN, SITE, STREET, Dots, Lines, Sketch, legend, picture
from withinreach.showing.words import words

__all__ = [
    "COVERAGE_BREAKS",
    "COVERAGE_FILLS",
    "FACILITY",
    "GAIN",
    "LOSS",
    "NO_PEOPLE",
    "PLAIN",
    "SITE",
    "STREET",
    "Column",
    "Dots",
    "Lines",
    "Sketch",
    "beside",
    "card",
    "class_names",
    "coverage_classes",
    "coverage_fills",
    "coverage_legend",
    "figure",
    "legend",
    "line",
    "picture",
    "share",
    "table",
    "text",
    "whole",
    "words",
]
