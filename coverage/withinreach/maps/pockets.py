"""Pockets of people without a service, as the page ranks and shows them: the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.maps.numbers import number
from withinreach.siting.missing.naming import place_names
from withinreach.siting.missing.pockets import find_pockets, lacking_people

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.siting.missing.pockets import Pockets

# A page lists so many; the cells of each are packed as one byte.
LISTED = 60


def worst_pockets(result: Result, service: str) -> Pockets:
    """Pockets of everybody whom nothing serves in time; see `siting.missing.find_pockets`."""
    return find_pockets(result, service, lacking_people(result, service, None))


def pocket_content(result: Result, pockets: Pockets) -> dict[str, object]:
    """How many pockets there are, and of the worst people, reason, area, place and the way to the nearest facility."""
    case, table = result.case, pockets.table.head(LISTED)
    row = {code: at for at, code in enumerate(case.areas.table["code"])}
    listed = [
        {
            "people": float(pocket.people),
            "reason": pocket.reason,
            "area": row[pocket.code],
            "place": place,
            "lat": round(float(pocket.lat), 6),
            "lon": round(float(pocket.lon), 6),
            "nearest": pocket.nearest_name,
            "minutes": number(float(pocket.minutes)),
            "metres": number(float(pocket.level_m)),
        }
        for pocket, place in zip(table.itertuples(), place_names(case, pockets.seat[: len(table)]), strict=True)
    ]
    return {"count": len(pockets.table), "listed": listed}


def pocket_arrays(pockets: Pockets) -> Mapping[str, NDArray[np.uint8]]:
    """``pocket`` (k,) of each cell: its rank among the listed pockets, from 1; 0 for none of them."""
    rank = np.where(pockets.of_cell < LISTED, pockets.of_cell + 1, 0)
    return {"pocket": rank.astype(np.uint8)}
