"""Case -> how far its figures hang on what nobody knows exactly: one assumption at a time, and all at once."""

from __future__ import annotations

from withinreach.uncertainty.intervals import LEVEL, Doubts, estimate_intervals
from withinreach.uncertainty.sensitivity import Settings, vary_assumptions
from withinreach.uncertainty.tornado import draw_tornado

__all__ = ["LEVEL", "Doubts", "Settings", "draw_tornado", "estimate_intervals", "vary_assumptions"]
