"""Counts of people that add up: what a reader of all tables knows, and what follows from it without being printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from withinreach.model import Frozen

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

# Sums of the same people in another order.
NOISE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Counts(Frozen):
    """n counts, of which some are printed, and m relations between them.

    Attributes
    ----------
    keys : tuple, n entries
    value : (n,) float64
        None is below 0.
    printed : (n,) bool
        Whether a table holds it. The others follow from differences: people outside the circle are not printed, but
        whoever knows all people and those in the circle knows them, too.
    sums : (m, n) sparse
        Relations: ``sums @ value`` is 0.
    """

    keys: tuple[Hashable, ...]
    value: NDArray[np.float64]
    printed: NDArray[np.bool_]
    sums: csr_array

    def __len__(self) -> int:
        return len(self.value)


class CountsBuilder:
    """Collects counts and relations."""

    def __init__(self) -> None:
        self._at: dict[Hashable, int] = {}
        self._value: list[float] = []
        self._printed: list[bool] = []
        self._entries: list[tuple[int, int, float]] = []
        self._relations = 0

    def print_count(self, key: Hashable, value: float) -> None:
        """A count that a table holds; one that several tables hold is the same count."""
        if key not in self._at:
            self._new(key, value, printed=True)

    def relate(self, whole: Hashable, parts: Iterable[Hashable], rest: Hashable | None = None) -> None:
        """A count is the sum of others, and with ``rest`` of what is left, a count that no table holds.

        Where nothing is left a reader is taken to know it: that townships cover their county, say.
        """
        left = self._value[self._at[whole]]
        entries = [(self._at[whole], -1.0)]
        for part in parts:
            left -= self._value[self._at[part]]
            entries.append((self._at[part], 1.0))
        if rest is not None and left > NOISE:
            entries.append((self._new(rest, left, printed=False), 1.0))
        self._entries += [(self._relations, at, sign) for at, sign in entries]
        self._relations += 1

    def counts(self) -> Counts:
        """All that was collected."""
        shape = (self._relations, len(self._value))
        rows, columns, signs = zip(*self._entries, strict=True) if self._entries else ((), (), ())
        return Counts(
            keys=tuple(self._at),
            value=np.maximum(np.array(self._value, np.float64), 0.0),
            printed=np.array(self._printed, bool),
            sums=csr_array((np.array(signs, np.float64), (rows, columns)), shape=shape),
        )

    def _new(self, key: Hashable, value: float, *, printed: bool) -> int:
        self._at[key] = len(self._value)
        self._value.append(float(value))
        self._printed.append(printed)
        return self._at[key]
