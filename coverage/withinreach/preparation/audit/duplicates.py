"""The same facility twice: alike by name, of one kind, within walking sight of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.audit.names import marks
from withinreach.preparation.findings import Proposal
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings

# Of that many different names on one spot nobody can say which belong together: such a spot is a finding of its own
# (`note_shared_spots`), and only equal names are compared there.
CROWDED = 200


class Pairs(NamedTuple):
    """Pairs of rows that seem to be one facility: ``first`` < ``second``, how far apart, names how alike."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    metres: NDArray[np.float64]
    similarity: NDArray[np.float64]


def find_duplicates(
    xy: NDArray[np.float64], kind: NDArray[np.object_], name: NDArray[np.object_], within_m: float, similarity: float
) -> Pairs:
    """Pairs of one kind within a distance whose names are alike.

    Names are alike if they have the same marks (numbers, directions) and the normalised indel similarity
    (`rapidfuzz.fuzz.ratio`, 1 minus insertions and deletions per character of both) is at least ``similarity``.

    Parameters
    ----------
    xy : (k, 2) float64, metres
    kind, name : (k,)
        Names folded, see `withinreach.preparation.audit.names.folded`.
    within_m
        Half a street block: 50 to 100 m is usual.
    """
    candidates = np.concatenate(list(_candidates(xy, kind, name, within_m)))
    first, second = np.unique(np.sort(candidates, axis=1), axis=0).T
    mark = marks(name)
    same = (mark[first] == mark[second]) & (name[first] != "")
    first, second = first[same], second[same]
    alike = process.cpdist(name[first], name[second], scorer=fuzz.ratio, dtype=np.float32) / 100
    keep = alike >= similarity
    first, second = first[keep], second[keep]
    return Pairs(first, second, np.hypot(*(xy[first] - xy[second]).T), alike[keep].astype(np.float64))


def _candidates(
    xy: NDArray[np.float64], kind: NDArray[np.object_], name: NDArray[np.object_], within_m: float
) -> Iterator[NDArray[np.int64]]:
    """Pairs that may be duplicates: rows of one spot and name one after the other, and near rows of different ones."""
    table = pd.DataFrame({"kind": kind, "name": name, "x": xy[:, 0], "y": xy[:, 1]})
    group = table.groupby(["kind", "name", "x", "y"], sort=False).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    together = np.flatnonzero(group[order][1:] == group[order][:-1])
    yield np.column_stack([order[together], order[together + 1]]).astype(np.int64)
    first_of = np.unique(group, return_index=True)[1]
    spots = table.iloc[first_of].assign(row=first_of)
    crowd = spots.groupby(["kind", "x", "y"])["row"].transform("size").to_numpy()
    for _, one in spots[crowd <= CROWDED].groupby("kind", sort=False):
        row = one["row"].to_numpy()
        near = cKDTree(one[["x", "y"]].to_numpy()).query_pairs(within_m, output_type="ndarray")
        yield row[near.astype(np.int64)].reshape(-1, 2)


def note_duplicates(evidence: Evidence, findings: Findings) -> None:
    """Facilities that seem to stand in the data twice; proposed is to drop all but the one that is known best.

    The one that is kept has most attributes; of equals the shortest name, which is that of the institution and not of
    one of its departments; and of these the lowest row.
    """
    settings = evidence.study.audit
    name = evidence.folded_names
    kind = evidence.texts("kind")
    pairs = find_duplicates(
        evidence.facilities.xy, kind, name, settings.duplicate_within_m, settings.duplicate_similarity
    )
    if not len(pairs.first):
        return
    known = sum((evidence.texts(str(column)) != "").astype(np.int64) for column in evidence.table.columns)
    kept = _kept(pairs, known, np.array([len(one) for one in name]))
    for drop in np.flatnonzero(kept != np.arange(len(kept))):
        keep = int(kept[drop])
        findings.note(
            "duplicate",
            evidence.path(drop),
            {
                "other": evidence.name(keep),
                "file": evidence.path(keep).name,
                "row": evidence.row(keep),
                "metres": np.hypot(*(evidence.facilities.xy[drop] - evidence.facilities.xy[keep])),
                "similarity": fuzz.ratio(name[drop], name[keep]) / 100,
            },
            at=evidence.spot(drop, "name"),
            proposal=Proposal(drop=True),
        )


def _kept(pairs: Pairs, known: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row the one that stands for it: of its group the best known, of equals that of the shortest name."""
    count = len(known)
    graph = coo_array((np.ones(len(pairs.first), np.int8), (pairs.first, pairs.second)), (count, count))
    group = connected_components(graph, directed=False)[1]
    order = np.lexsort((np.arange(count), length, -known, group))
    best = order[np.unique(group[order], return_index=True)[1]]
    kept: NDArray[np.int64] = best[group]
    return kept


def note_repeated_names(evidence: Evidence, findings: Findings) -> None:
    """Facilities of one kind and unit with exactly the same name, but farther apart than duplicates."""
    table = pd.DataFrame(
        {
            "name": evidence.folded_names,
            "kind": evidence.texts("kind"),
            "area": evidence.facilities.area,
        }
    )
    here = table[(table["area"] != OUTSIDE_AREAS) & (table["name"] != "")]
    here = here[here.duplicated(keep=False)]
    for rows in here.groupby(["kind", "area", "name"], sort=False).indices.values():
        facilities = here.index.to_numpy()[rows]
        xy = evidence.facilities.xy[facilities]
        apart_m = float(np.hypot(*np.ptp(xy, axis=0)))
        if apart_m > evidence.study.audit.duplicate_within_m:
            first = int(facilities[0])
            findings.note(
                "name_repeated",
                evidence.path(first),
                {
                    "count": len(facilities),
                    "rows": ", ".join(str(evidence.row(facility)) for facility in facilities),
                    "km": apart_m / 1000,
                },
                at=evidence.spot(first, "name"),
            )


def note_repeated_ids(evidence: Evidence, findings: Findings) -> None:
    """Ids that stand more than once in a file."""
    table = evidence.table[["file", "id"]]
    again = (table.duplicated() & (table["id"] != "")).to_numpy()
    first = table.drop_duplicates().reset_index().set_index(["file", "id"])["index"]
    for facility in np.flatnonzero(again):
        original = int(first[tuple(table.iloc[facility])])
        findings.note(
            "id_repeated",
            evidence.path(facility),
            {"row": evidence.row(original), "other": evidence.name(original)},
            at=Spot(evidence.row(facility), evidence.column(facility, "id"), table["id"].iloc[facility]),
        )
