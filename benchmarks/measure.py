"""Paired measurements: all contenders of a task in turn, round after round, in one process and with one thread."""

from __future__ import annotations

import gc
import math
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.contender import Agreement, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.cases import City
    from benchmarks.contender import Answer, Contender, Task

# One run is enough of what takes longer than this; what is quicker than the other bound can do more rounds.
SLOW_S = 20.0
QUICK_S = 0.5
QUICK_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one contender did on one city.

    Attributes
    ----------
    seconds : float
        Median of ``runs`` runs, scaled to the whole city where it did one in ``every``.
    ratio, ratio_low, ratio_high : float
        Its seconds over ours of the same round: median, lowest, highest.
    graph_s, first_s : float
        Precomputation; the first run, which warms up what there is to warm up and is not counted among ``runs``
        (unless it took so long that it is the only one).
    ns_each : float
        Nanoseconds per node or cell.
    growth : float
        That over the same on the base city, paired by rounds; NaN where there is no such pair.
    agreement : Agreement
    skipped : str
        Why there is no measurement.
    """

    task: str
    city: str
    contender: str
    remark: str
    differs: str
    every: int
    skipped: str = ""
    seconds: float = math.nan
    runs: int = 0
    ratio: float = math.nan
    ratio_low: float = math.nan
    ratio_high: float = math.nan
    graph_s: float = math.nan
    first_s: float = math.nan
    ns_each: float = math.nan
    growth: float = math.nan
    agreement: Agreement = field(default_factory=lambda: Agreement(0, 0, 0.0))


class Key(NamedTuple):
    city: str
    contender: str


@dataclass(slots=True)
class Entry:
    """A contender on a city, ready to run."""

    city: City
    contender: Contender
    graph: Any
    graph_s: float
    every: int
    first_s: float
    agreement: Agreement
    rounds: dict[int, float]

    @property
    def key(self) -> Key:
        return Key(self.city.name, self.contender.name)


class Graphs:
    """What was built before, so that the tasks share it."""

    def __init__(self) -> None:
        self._built: dict[tuple[Callable[[City], Any], str], tuple[Any, float]] = {}

    def of(self, contender: Contender, city: City) -> tuple[Any, float]:
        """The contender's graph and how long it took to build."""
        key = (contender.graph, city.name)
        if key not in self._built:
            began = time.perf_counter()
            graph = contender.graph(city)
            self._built[key] = graph, time.perf_counter() - began
        return self._built[key]


def measure(
    task: Task,
    cities: Sequence[City],
    graphs: Graphs,
    *,
    repetitions: int,
    slow: bool,
    say: Callable[[str], None],
) -> list[Row]:
    """Let every contender of a task work on every city.

    Rounds go through the contenders forwards and backwards in turn, so that whatever else the machine does hits all
    of them; ratios and growth are taken within a round. As in `timeit`, the garbage collector rests while the clock
    runs: graphs of millions of Python objects would make everybody wait for it.
    """
    entries, absent = [], []
    for city in cities:
        ours: Answer | None = None
        for contender in task.contenders:
            reason = contender.skipped(city, slow=slow)
            if reason:
                absent.append(_row(task, city, contender, skipped=reason))
                continue
            say(f"{task.name}: {city.name}: {contender.name}")
            try:
                graph, graph_s = graphs.of(contender, city)
                raw, first_s = timed(contender, graph, city)
                answer = contender.answer(raw, city)
            except Exception as error:  # another version of a peer; the others are worth measuring
                if ours is None:
                    raise
                absent.append(_row(task, city, contender, skipped=f"failed: {type(error).__name__}: {error}"))
                continue
            ours = answer if ours is None else ours
            every = contender.every(city)
            agreement = compare(ours, answer, every=every, tolerance=task.tolerance)
            entries.append(Entry(city, contender, graph, graph_s, every, first_s, agreement, {}))
    say(f"{task.name}: rounds")
    gc.collect()
    gc.freeze()
    for number in range(repetitions * QUICK_ROUNDS):
        for entry in entries if number % 2 == 0 else reversed(entries):
            if number < _runs(entry, repetitions):
                entry.rounds[number] = timed(entry.contender, entry.graph, entry.city)[1] * entry.every
    gc.unfreeze()
    return [*_rows(task, cities, entries), *absent]


def timed(contender: Contender, graph: Any, city: City) -> tuple[Any, float]:
    gc.disable()
    began = time.perf_counter()
    raw = contender.run(graph, city)
    seconds = time.perf_counter() - began
    gc.enable()
    return raw, seconds


def _runs(entry: Entry, repetitions: int) -> int:
    """How many rounds a contender takes part in, besides its first run."""
    if entry.first_s > SLOW_S:
        return 0
    if entry.first_s < QUICK_S and repetitions > 1:
        return repetitions * QUICK_ROUNDS
    return repetitions


def _rows(task: Task, cities: Sequence[City], entries: list[Entry]) -> list[Row]:
    by_key = {entry.key: entry for entry in entries}
    rows = []
    for entry in entries:
        leader = by_key[Key(entry.city.name, task.contenders[0].name)]
        base = by_key.get(Key(cities[0].name, entry.contender.name))
        seconds = statistics.median(entry.rounds.values()) if entry.rounds else entry.first_s * entry.every
        ratios = [entry.rounds[i] / leader.rounds[i] for i in entry.rounds if i in leader.rounds]
        if not ratios:
            ratios = [seconds / statistics.median(leader.rounds.values())]
        rows.append(
            _row(
                task,
                entry.city,
                entry.contender,
                seconds=seconds,
                runs=max(1, len(entry.rounds)),
                ratio=statistics.median(ratios),
                ratio_low=min(ratios),
                ratio_high=max(ratios),
                graph_s=entry.graph_s,
                first_s=entry.first_s,
                ns_each=seconds / (entry.city.n_nodes if task.per == "node" else len(entry.city.cell_xy)) * 1e9,
                growth=_growth(entry, base),
                agreement=entry.agreement,
            )
        )
    return rows


def _growth(entry: Entry, base: Entry | None) -> float:
    """Cost per node or cell over that of the same contender on the base city, of which this one is several copies."""
    if base is None or base is entry or entry.city.copies == 1:
        return math.nan
    both = [entry.rounds[i] / base.rounds[i] / entry.city.copies for i in entry.rounds if i in base.rounds]
    return statistics.median(both) if both else math.nan


def _row(task: Task, city: City, contender: Contender, **values: Any) -> Row:
    return Row(
        task=task.name,
        city=city.name,
        contender=contender.name,
        remark=contender.remark,
        differs=contender.differs,
        every=contender.every(city),
        **values,
    )


class Bound(NamedTuple):
    """How far a search is from reading its input and writing its answer once.

    Attributes
    ----------
    copy_gb_s : float
        Bytes read and bytes written per second by the fastest of several copies of an array, with one thread.
    touched_mb : dict
        Per city, what the search for the nearest facility must at least touch: every arc, and the answer.
    least_ms, times_least : dict
        That at the bandwidth of the copy; and our time over it.
    """

    copy_gb_s: float
    touched_mb: dict[str, float]
    least_ms: dict[str, float]
    times_least: dict[str, float]


def memory_bound(cities: Sequence[City], seconds: dict[str, float], *, copy_mb: int = 256) -> Bound:
    """Compare our seconds per city with the bandwidth of memory."""
    per_s = _copy_bytes_per_s(copy_mb * 2**20)
    touched = {
        city.name: city.arc_ptr.nbytes + city.arc_head.nbytes + city.arc_mm.nbytes + 12 * city.n_nodes
        for city in cities
    }
    return Bound(
        per_s / 1e9,
        {name: size / 1e6 for name, size in touched.items()},
        {name: size / per_s * 1e3 for name, size in touched.items()},
        {name: seconds[name] * per_s / size for name, size in touched.items()},
    )


def _copy_bytes_per_s(size: int) -> float:
    source, target = np.ones(size // 8), np.zeros(size // 8)
    best = math.inf
    for _ in range(7):
        began = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - began)
    return 2 * source.nbytes / best
