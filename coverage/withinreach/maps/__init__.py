"""Result -> one folium map, which saves itself as a single HTML file that opens without a network."""

from __future__ import annotations

from withinreach.maps.comparing import draw_comparison
from withinreach.maps.gap_map import draw_area, draw_map
from withinreach.maps.pages import write_area, write_overview

__all__ = ["draw_area", "draw_comparison", "draw_map", "write_area", "write_overview"]
