"""What people call the place of a pocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case

# A pocket is told by the name of a listed unit if one lies so near to its seat.
NAMED_WITHIN_M = 3000.0


def place_names(case: Case, seats: NDArray[np.int64]) -> list[str]:
    """The listed unit nearest to each of some cells, straight and in the same area; empty where none is near."""
    places = np.full(len(seats), "", object)
    nearest = np.full(len(seats), NAMED_WITHIN_M)
    area = case.people.area[seats]
    for listed in case.units.values():
        names = listed.places.table["name"].to_numpy(object)
        for here in np.unique(area):
            own, at = np.flatnonzero(listed.places.area == here), np.flatnonzero(area == here)
            if not len(own):
                continue
            away, which = cKDTree(listed.places.xy[own]).query(case.people.xy[seats[at]])
            near = away <= nearest[at]
            nearest[at[near]], places[at[near]] = away[near], names[own[which[near]]]
    return [str(name) for name in places]
