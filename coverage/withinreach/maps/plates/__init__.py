"""Maps on paper: the static twins of the pages, as PNG and SVG."""

from __future__ import annotations

from withinreach.maps.plates.atlas import Atlas, draw_plate, write_differences, write_plates
from withinreach.maps.plates.fonts import find_typeface
from withinreach.maps.plates.sheet import Plate, plate_path, save_bytes

__all__ = [
    "Atlas",
    "Plate",
    "draw_plate",
    "find_typeface",
    "plate_path",
    "save_bytes",
    "write_differences",
    "write_plates",
]
