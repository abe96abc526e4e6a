"""The classes by which coverage is judged, on maps, in layers and in words."""

from __future__ import annotations

# Shares of people. Class breaks of thematic maps are thresholds of policy, not quantiles: below 60 %, from 60, from 80,
# from 95 % on (habit of city examinations; not verified).
COVERAGE_BREAKS = (0.6, 0.8, 0.95)
