"""A case with another cap on the way to the street."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from withinreach.preparation.snapping import snap_places

if TYPE_CHECKING:
    from withinreach.model import Case, Places


def with_snap_cap(case: Case, cap_m: float) -> Case:
    """The same case, with places snapped anew to streets within another cap."""
    network = case.study.network.model_copy(update={"snap_cap_m": cap_m})
    return replace(
        case,
        study=case.study.model_copy(update={"network": network}),
        facilities=_snapped(case, case.facilities, cap_m),
        people=_snapped(case, case.people, cap_m),
        units={level: replace(one, places=_snapped(case, one.places, cap_m)) for level, one in case.units.items()},
    )


def _snapped(case: Case, places: Places, cap_m: float) -> Places:
    segment, offset_mm, access_mm = snap_places(case.network, places.xy, cap_m)
    return replace(places, segment=segment, offset_mm=offset_mm, access_mm=access_mm)
