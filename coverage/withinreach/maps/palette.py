"""The colours of all maps, pages and plates: told apart by the colour-blind, and light to dark when printed grey."""

from __future__ import annotations

import json

# From below 60 % to 95 % and more; see `classes.COVERAGE_BREAKS`.
COVERAGE_COLOURS = ("#e3eef0", "#a9d0d5", "#5fa5b1", "#1f6b7a")
# Uncovered people, from thin to dense; see `classes.density_breaks`.
UNCOVERED_COLOURS = ("#f8b98a", "#ee8147", "#d24a1d", "#962407")
WATER_FILL = "#bcd7e6"
WATER_EDGE = "#94bcd2"
STREET = "#59656f"
FACILITY = "#16263f"


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
