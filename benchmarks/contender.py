"""What takes part: a contender solves one task on one city; a task says who does, and what the answer is."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.cases import City


class Answer(NamedTuple):
    """What a contender found, in a form that all share.

    Attributes
    ----------
    key : (k,) int64
        What the value belongs to, ascending: a node, a cell, or facility * stride + node.
    value : (k,) float64
        Millimetres (metres in the snapping task); inf where there is none.
    stride : int
        ``key // stride`` counts what a contender may do a sample of.
    """

    key: NDArray[np.int64]
    value: NDArray[np.float64]
    stride: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to solve a task.

    Attributes
    ----------
    name : str
    library : str
        What must be importable; the contender is skipped otherwise.
    graph : callable
        Precomputation; reported apart, and shared by contenders that name the same function.
    run : callable
        What is timed: takes what ``graph`` made and the city, gives the library's own result.
    answer : callable
        The result as an `Answer`; not timed.
    differs : str
        Why the answer may differ from ours; empty where it must be the same.
    remark : str
        What a reader of the ratio should know.
    largest : int or None
        Cities with more nodes take this contender minutes: only with ``--slow``.
    every : callable
        The run does one in so many of the facilities or cells of a city; the seconds are scaled up linearly.
    """

    name: str
    library: str
    graph: Callable[[City], Any]
    run: Callable[[Any, City], Any]
    answer: Callable[[Any, City], Answer]
    differs: str = ""
    remark: str = ""
    largest: int | None = None
    every: Callable[[City], int] = lambda _: 1

    def skipped(self, city: City, *, slow: bool) -> str:
        """Why it does not take part, or nothing."""
        if importlib.util.find_spec(self.library) is None:
            return f"{self.library} is not installed"
        if self.largest is not None and city.n_nodes > self.largest and not slow:
            return f"too slow or too large beyond {self.largest:,} nodes; runs with --slow"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question to all contenders; the first is ours.

    Attributes
    ----------
    name : str
        How options call it.
    title : str
    contenders : tuple of Contender
    rows : str
        What the rows of an answer are, e.g. nodes.
    per : str
        What the cost is told per: node or cell.
    unit : str
        Of the values of an answer.
    tolerance : float
        Answers that are no farther apart are the same, in that unit.
    """

    name: str
    title: str
    contenders: tuple[Contender, ...]
    rows: str = "nodes"
    per: str = "node"
    unit: str = "mm"
    tolerance: float = 0.0


class Agreement(NamedTuple):
    """How an answer compares with ours: rows compared, rows that differ, mean difference where both have a value."""

    rows: int
    differing: int
    mean_off: float


def compare(ours: Answer, theirs: Answer, *, every: int, tolerance: float) -> Agreement:
    """Compare an answer with ours, on the sample that the contender did."""
    if every > 1:
        sampled = ours.key // ours.stride % every == 0
        ours = Answer(ours.key[sampled], ours.value[sampled], ours.stride)
    key, our_row, their_row = np.intersect1d(ours.key, theirs.key, assume_unique=True, return_indices=True)
    a, b = ours.value[our_row], theirs.value[their_row]
    both = np.isfinite(a) & np.isfinite(b)
    off = np.abs(a[both] - b[both])
    differing = int((off > tolerance).sum() + (np.isfinite(a) != np.isfinite(b)).sum())
    lacking = len(ours.key) + len(theirs.key) - 2 * len(key)
    return Agreement(len(ours.key), differing + lacking, float(off.mean()) if len(off) else 0.0)


def per_row(value: NDArray[Any]) -> Answer:
    """One value per node or cell."""
    return Answer(np.arange(len(value)), np.asarray(value, np.float64))


def pairs(facility: NDArray[Any], node: NDArray[Any], mm: NDArray[Any], city: City) -> Answer:
    """One value per facility and node."""
    key = facility.astype(np.int64) * city.n_nodes + node
    order = np.argsort(key, kind="stable")
    return Answer(key[order], np.asarray(mm, np.float64)[order], city.n_nodes)
