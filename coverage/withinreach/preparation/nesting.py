"""Which groups of people hold which others: 60+ holds 65+, all hold both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.population import Parts
    from withinreach.study import PopulationLayer, PopulationPart

Key = tuple[object, ...]
# Shares of a band are fractions of whole years.
EXACT = 1e-9


def parents(layer: PopulationLayer, parts: Parts) -> NDArray[np.int64]:
    """The smallest other group that holds each group, -1 where none does.

    One group holds another if its ages do, or where the study does not tell ages, if it has all its parts with at
    least their shares. Of groups that hold each other the first in the study comes first.
    """
    shares = [_shares(parts[name]) for name in layer.groups]
    bands = [group.age_band for group in layer.groups.values()]
    count = len(shares)
    holds = np.zeros((count, count), bool)
    for one in range(count):
        for other in range(count):
            a, b = bands[one], bands[other]
            if a is not None and b is not None:
                holds[one, other] = a.start <= b.start and (a.end is None or (b.end is not None and b.end <= a.end))
            else:
                holds[one, other] = all(
                    shares[one].get(key, 0) >= share - EXACT for key, share in shares[other].items()
                )
    same = holds & holds.T
    holds &= ~same | np.triu(same, 1)
    # The more others hold a group, the deeper it lies.
    depth = holds.sum(axis=0)
    return np.array(
        [max(np.flatnonzero(holds[:, one]), key=lambda row: depth[row], default=-1) for one in range(count)]
    )


def need_apart(layer: PopulationLayer, parts: Parts, parent: NDArray[np.int64]) -> None:
    """Raise `SourceError` if groups inside the same group share people, for then not all of them can be calibrated."""
    names = list(layer.groups)
    shares = [_shares(parts[name]) for name in names]
    for at in sorted(set(parent[parent >= 0])):
        children = np.flatnonzero(parent == at)
        for key in {key for child in children for key in shares[child]}:
            holders = [child for child in children if shares[child].get(key, 0) > 0]
            whole = shares[at].get(key, 1.0)
            if sum(shares[child][key] for child in holders) > whole + EXACT:
                told = ", ".join(names[child] for child in holders)
                raise SourceError(
                    f"population.groups {told} overlap: calibration keeps groups that hold each other or are apart; "
                    "leave one of them out"
                )


def _shares(group: tuple[PopulationPart, ...]) -> dict[Key, float]:
    shares: dict[Key, float] = {}
    for part in group:
        key = (part.path, part.column, part.band)
        shares[key] = shares.get(key, 0.0) + part.share
    return shares
