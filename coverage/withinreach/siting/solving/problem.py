"""What every siting problem is made of: demand, the sites that can serve it, and what a choice of sites must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from withinreach.model import Frozen
from withinreach.siting.solving.sums import ROUNDING, pointers

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Demand(Frozen):
    """Places with people, and the sites that each can walk to.

    Attributes
    ----------
    weight : (k,) float64
        People, 0 or more.
    base : (k,) float64
        Walk to what serves the place already, in the unit of ``walk``; inf where nothing does.
    ptr : (k + 1,) int64
        Pairs of place ``i`` are ``ptr[i]:ptr[i + 1]``.
    site : (p,) int32
        Ascending within a place, each once.
    walk : (p,) float64
        0 or more.
    """

    weight: NDArray[np.float64]
    base: NDArray[np.float64]
    ptr: NDArray[np.int64]
    site: NDArray[np.int32]
    walk: NDArray[np.float64]

    @classmethod
    def of_pairs(
        cls,
        weight: NDArray[np.float64],
        base: NDArray[np.float64],
        pairs: tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.float64]],
    ) -> Demand:
        """Demand from pairs (row of the demand, site, walk) in any order."""
        row, site, walk = pairs
        order = np.lexsort((site, row))
        ptr = pointers(row, len(weight))
        return cls(weight, base, ptr, site[order].astype(np.int32), walk[order].astype(np.float64))

    @classmethod
    def of_matrix(cls, weight: NDArray[np.float64], walk: NDArray[np.float64]) -> Demand:
        """Demand from a full matrix (places, sites) of walks, inf where there is no way; nothing serves them yet."""
        row, site = np.nonzero(np.isfinite(walk))
        return cls.of_pairs(weight, np.full(len(weight), np.inf), (row, site, walk[row, site]))

    @property
    def row(self) -> NDArray[np.int64]:
        """The place of each pair, shape (p,)."""
        return np.repeat(np.arange(len(self.weight)), np.diff(self.ptr))

    def of_rows(self, kept: NDArray[np.bool_]) -> Demand:
        """Some of the places, shape of ``kept`` (k,)."""
        pairs = kept[self.row]
        ptr = np.concatenate([[0], np.cumsum(np.diff(self.ptr)[kept])]).astype(np.int64)
        return Demand(self.weight[kept], self.base[kept], ptr, self.site[pairs], self.walk[pairs])

    def of_walks(self, kept: NDArray[np.bool_]) -> Demand:
        """All places with some of their pairs, shape of ``kept`` (p,)."""
        ptr = np.concatenate([[0], np.cumsum(kept)])[self.ptr].astype(np.int64)
        return Demand(self.weight, self.base, ptr, self.site[kept], self.walk[kept])

    def within(self, cutoff: float) -> Demand:
        """All places with the sites in reach only."""
        return self.of_walks(self.walk <= cutoff)

    def nearest_first(self) -> Demand:
        """The same pairs in the order of the walk within a place; the lower site first among equals."""
        order = np.lexsort((self.site, self.walk, self.row))
        return Demand(self.weight, self.base, self.ptr, self.site[order], self.walk[order])

    def nearest(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Walk of each place to the nearest chosen site, or to what serves it already, shape (k,)."""
        walk = self.base.copy()
        here = chosen[self.site]
        np.minimum.at(walk, self.row[here], self.walk[here])
        return walk


@dataclass(frozen=True, slots=True, eq=False)
class Sites(Frozen):
    """Where something stands or may stand, and what a choice must keep.

    Attributes
    ----------
    fixed : (n,) bool
        Sites that stay whatever is chosen; they count for no limit and cost nothing.
    cost : (n,) float64
        Of choosing each site.
    apart : (c, 2) int32
        Pairs of sites of which at most one may be chosen.
    unit : (n,) int32
        Unit of each site; -1 for none.
    wanting : (u,) bool
        Units that need a site at least.
    most : int or None
        Sites to choose at most.
    budget : float
        What they may cost together; inf for no limit.
    """

    fixed: NDArray[np.bool_]
    cost: NDArray[np.float64]
    apart: NDArray[np.int32]
    unit: NDArray[np.int32]
    wanting: NDArray[np.bool_]
    most: int | None
    budget: float

    @classmethod
    def free(cls, count: int, most: int | None = None) -> Sites:
        """Sites of equal cost that nothing stands in the way of."""
        nowhere, no_pairs = np.full(count, -1, np.int32), np.zeros((0, 2), np.int32)
        return cls(np.zeros(count, bool), np.ones(count), no_pairs, nowhere, np.zeros(0, bool), most, np.inf)

    def __len__(self) -> int:
        return len(self.fixed)

    def conditions(self) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
        """What a choice must keep as rows over the sites: matrix (m, n), least and most."""
        n, free = len(self), np.flatnonzero(~self.fixed)
        rows, columns, values = [], [], []
        low: list[float] = []
        high: list[float] = []

        def add(row: NDArray[np.int64], column: NDArray[np.integer], value: NDArray[np.float64]) -> None:
            rows.append(row + len(low))
            columns.append(column)
            values.append(value)

        if self.most is not None:
            add(np.zeros(len(free), np.int64), free, np.ones(len(free)))
            low.append(-np.inf)
            high.append(float(self.most))
        if np.isfinite(self.budget):
            add(np.zeros(len(free), np.int64), free, self.cost[free])
            low.append(-np.inf)
            high.append(self.budget)
        add(np.repeat(np.arange(len(self.apart)), 2), self.apart.reshape(-1), np.ones(2 * len(self.apart)))
        low += [-np.inf] * len(self.apart)
        high += [1.0] * len(self.apart)
        for unit in np.flatnonzero(self.wanting):
            here = np.flatnonzero(self.unit == unit)
            add(np.zeros(len(here), np.int64), here, np.ones(len(here)))
            low.append(1.0)
            high.append(np.inf)
        triplets = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csr_array(triplets, shape=(len(low), n)), np.array(low), np.array(high)

    def kept_by(self, chosen: NDArray[np.bool_]) -> bool:
        """Whether a choice keeps them all, up to rounding."""
        rows, low, high = self.conditions()
        value = rows @ chosen.astype(np.float64)
        slack = ROUNDING * np.maximum(1.0, np.abs(value))
        return bool(((value >= low - slack) & (value <= high + slack)).all())
