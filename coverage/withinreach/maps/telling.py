"""Numbers as planners of either language write them: rounded here, and nowhere before."""

from __future__ import annotations

import math

# 万人 with two decimals from here on; below it they would say less than the people themselves.
WAN = 10_000
UNKNOWN = "—"


def tell_people(people: float, language: str) -> str:
    """People with their unit: 1.23万人, 9,876人; 12,300 people."""
    if not math.isfinite(people):
        return UNKNOWN
    if language == "zh":
        return f"{people / WAN:,.2f}万人" if people >= WAN else f"{people:,.0f}人"
    return f"{people:,.0f} people"


def tell_share(share: float) -> str:
    """A share in per cent with one decimal."""
    return f"{share:.1%}" if math.isfinite(share) else UNKNOWN
