"""Which facilities are new, closed, resized or the same."""

from __future__ import annotations

import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.study import Service

# Two tables place the same site up to 100 m apart (geocoding, entrance or middle); names differ by a suffix.
SAME_SITE_M = 100.0
SAME_NAME = 0.8
NO_MATCH = -1
NEW, CLOSED, RESIZED, KEPT = "new", "closed", "resized", "kept"


def match_facilities(before: Case, after: Case) -> pd.DataFrame:
    """Find every facility of one case in the other.

    Facilities of one kind are the same if they have the same id, provided it is unique in both cases; of those that are
    left, if they stand within 100 m and their names agree to four fifths, the nearest first.

    Returns
    -------
    DataFrame with columns
        service, status (``new``, ``closed``, ``resized``, ``kept``), kind, matched_by (``id``, ``name``, or empty);
        id_before, name_before, id_after, name_after, empty where there is none; moved_m, how far apart the two
        positions are, NaN where there is one; capacity_before, capacity_after, NaN where unknown or where the service
        has none. Resized is only what has a known capacity in both. Facilities of ``after`` come first, in its order.
    """
    blocks = [_of_service(before, after, name) for name in after.study.services]
    return pd.concat(blocks, ignore_index=True)


def _of_service(before: Case, after: Case, name: str) -> pd.DataFrame:
    service = after.study.services[name]
    old, new = before.facility_rows(service.kinds), after.facility_rows(service.kinds)
    earlier, how = _matches(before, after, old, new)
    closed = old[~np.isin(old, earlier)]
    earlier = np.concatenate([earlier, closed])
    later = np.concatenate([new, np.full(len(closed), NO_MATCH)])
    both = (earlier != NO_MATCH) & (later != NO_MATCH)
    moved = np.full(len(both), np.nan)
    moved[both] = np.hypot(*(before.facilities.xy[earlier[both]] - after.facilities.xy[later[both]]).T)
    capacity = _capacity(before, service, earlier), _capacity(after, service, later)
    # NaN differs from everything, and what is unknown is not resized.
    resized = both & ~np.isnan(capacity[0]) & ~np.isnan(capacity[1]) & (capacity[0] != capacity[1])
    status = np.select([earlier == NO_MATCH, later == NO_MATCH, resized], [NEW, CLOSED, RESIZED], KEPT)
    kinds = np.where(later == NO_MATCH, _text(before, "kind", earlier), _text(after, "kind", later))
    return pd.DataFrame(
        {
            "service": pd.Series(name, index=range(len(later)), dtype="str"),
            "status": pd.Series(status, dtype="str"),
            "kind": pd.Series(kinds, dtype="str"),
            "matched_by": pd.Series([*how, *([""] * len(closed))], dtype="str"),
            "id_before": pd.Series(_text(before, "id", earlier), dtype="str"),
            "name_before": pd.Series(_text(before, "name", earlier), dtype="str"),
            "id_after": pd.Series(_text(after, "id", later), dtype="str"),
            "name_after": pd.Series(_text(after, "name", later), dtype="str"),
            "moved_m": moved,
            "capacity_before": capacity[0],
            "capacity_after": capacity[1],
        }
    )


def _matches(
    before: Case, after: Case, old: NDArray[np.int32], new: NDArray[np.int32]
) -> tuple[NDArray[np.int64], list[str]]:
    """The earlier row of each later facility, and what told."""
    found, how = np.full(len(new), NO_MATCH, np.int64), [""] * len(new)
    old_keys, new_keys = _keys(before, old), _keys(after, new)
    at = {key: row for key, row in zip(old_keys, old, strict=True) if key is not None}
    for i, key in enumerate(new_keys):
        if key in at:
            found[i], how[i] = at[key], "id"
    free = old[~np.isin(old, found)]
    for i, row in _near_namesakes(before, after, free, new, found):
        if found[i] == NO_MATCH and row not in found:
            found[i], how[i] = row, "name"
    return found, how


def _keys(case: Case, rows: NDArray[np.int32]) -> list[tuple[str, str] | None]:
    """Kind and id of each facility; None where the id is empty or not the only one of its kind."""
    pairs = list(zip(_text(case, "kind", rows), _text(case, "id", rows), strict=True))
    seen = Counter(pairs)
    return [pair if pair[1] and seen[pair] == 1 else None for pair in pairs]


def _near_namesakes(
    before: Case, after: Case, old: NDArray[np.int32], new: NDArray[np.int32], found: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Pairs of a later facility without a match (its place in ``new``) and an earlier row, the nearest first."""
    open_ = np.flatnonzero(found == NO_MATCH)
    if not len(old) or not len(open_):
        return []
    near = cKDTree(before.facilities.xy[old]).query_ball_point(after.facilities.xy[new[open_]], SAME_SITE_M)
    pairs = []
    for i, rows in zip(open_.tolist(), near, strict=True):
        for row in old[rows].tolist():
            if _same(before, row, after, int(new[i])):
                metres = np.hypot(*(before.facilities.xy[row] - after.facilities.xy[new[i]]))
                pairs.append((float(metres), i, row))
    return [(i, row) for _, i, row in sorted(pairs)]


def _same(before: Case, row: int, after: Case, other: int) -> bool:
    one, two = before.facilities.table.iloc[row], after.facilities.table.iloc[other]
    if one["kind"] != two["kind"]:
        return False
    return SequenceMatcher(None, _plain(one["name"]), _plain(two["name"]), autojunk=False).ratio() >= SAME_NAME


def _plain(name: str) -> str:
    """Full-width and half-width, capitals and blanks make no difference."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _text(case: Case, column: str, rows: NDArray[np.integer]) -> NDArray[np.object_]:
    values = case.facilities.table[column].astype(object).where(case.facilities.table[column].notna(), "").to_numpy()
    return np.where(rows == NO_MATCH, "", np.append(values, "")[rows])


def _capacity(case: Case, service: Service, rows: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.where(rows == NO_MATCH, np.nan, np.append(case.capacities(service.capacity), np.nan)[rows])
