"""The colours of all maps, pages and plates: told apart by the colour-blind, and light to dark when printed grey."""

from __future__ import annotations

import json

from withinreach.showing import COVERAGE_FILLS, FACILITY, STREET

# From below 60 % to 95 % and more.
COVERAGE_COLOURS = COVERAGE_FILLS[:-1]
# Uncovered people, from thin to dense; see `classes.density_breaks`.
UNCOVERED_COLOURS = ("#f8b98a", "#ee8147", "#d24a1d", "#962407")
WATER_FILL = "#bcd7e6"
WATER_EDGE = "#94bcd2"


def palette_script() -> str:
    """The colours as constants for the scripts of a page."""
    colours = {
        "COVERAGE_COLOURS": COVERAGE_COLOURS,
        "UNCOVERED_COLOURS": UNCOVERED_COLOURS,
        "WATER_FILL": WATER_FILL,
        "WATER_EDGE": WATER_EDGE,
        "STREET": STREET,
        "FACILITY": FACILITY,
    }
    return "\n".join(f"const {name} = {json.dumps(value)};" for name, value in colours.items())
