"""Measurements -> one text for terminal and repository, and the same as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.contender import Task
    from benchmarks.measure import Bound, Row

# Smaller sample cities are for trying the harness out: calls are then mostly overhead.
LEAST_NODES_FOR_GOALS = 200_000
# (what we want, task, city, peers that count or all, at least so many times slower than ours)
GOALS = (
    ("nearest facility: 3 times as fast as scipy", "nearest", "prefecture", ("scipy min_only",), 3.0),
    ("nearest facility, tenfold: 5 times as fast as scipy", "nearest", "tenfold", ("scipy min_only",), 5.0),
    ("snapping: 20 times as fast as STRtree", "snap", "prefecture", ("shapely STRtree",), 20.0),
    ("sets within the cutoff: 20 times as fast as the best peer", "within", "prefecture", (), 20.0),
)
GROWTH_TASKS = ("nearest", "within")
MOST_GROWTH = 1.5
COUNTS = ("nodes", "arcs", "streets", "facilities", "cells")

METHOD = """\
All contenders work on the same arrays, in one process and with one thread each, round after round in alternating
order. **× ours** is a contender's time over ours in the same round: median, and lowest to highest in brackets. The
first run of each (compiling, loading, filling caches) is not counted, unless it took more than {slow:.0f} s and
stayed the only one. *Before* is what a library lets its user build once (graph, contraction, geometry objects): not
counted either. Ours needs nothing before but the arrays of the network, which `prepare` makes; the peers' graphs are
made from these same arrays and use the same order of nodes. Whatever is checked or converted inside a library's own
function counts; conversion of its answer for the comparison does not. The garbage collector rests while the clock runs.
Every answer is compared with ours, row by row. Seconds of different runs of this report cannot be compared; ratios can.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that one run of the benchmarks found."""

    machine: dict[str, Any]
    load: tuple[float, float]
    cities: list[dict[str, Any]]
    rows: list[Row]
    bound: Bound
    notes: list[str]
    slow_s: float
    memory: list[dict[str, Any]] = field(default_factory=list)
    first_calls: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    further: dict[str, Any] = field(default_factory=dict)


def write(results: Results, folder: Path) -> str:
    """Write ``results.md`` and ``results.json``; returns the text."""
    folder.mkdir(parents=True, exist_ok=True)
    text = as_text(results)
    (folder / "results.md").write_text(text, encoding="utf-8")
    goals = [{"goal": goal, "measured": value, "met": met} for goal, value, met in _goals(results)]
    plain = asdict(results) | {
        "rows": [asdict(row) | {"agreement": row.agreement._asdict()} for row in results.rows],
        "bound": results.bound._asdict(),
        "goals": goals,
    }
    (folder / "results.json").write_text(
        json.dumps(_without_nan(plain), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return text


def as_text(results: Results) -> str:
    parts = ["# Benchmarks", METHOD.format(slow=results.slow_s), _machine(results), _cities(results)]
    parts += _tasks(results)
    parts += [_goal_table(results), _bound(results.bound), _memory(results.memory)]
    parts += [_first(results.first_calls), _pipelines(results.pipelines), _further(results.further)]
    if results.notes:
        parts.append("## Left out\n\n" + "\n".join(f"* {note}" for note in results.notes))
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _machine(results: Results) -> str:
    one = results.machine
    versions = ", ".join(f"{name} {number}" for name, number in one["libraries"].items())
    begin, end = results.load
    return (
        f"{one['processor']}, {one['cores']} cores, {one['memory_gb']} GB, {one['system']}, Python {one['python']}. "
        f"{versions}. Load of the machine (processes that wait or run): {begin:.1f} at the start, {end:.1f} at the end."
    )


def _cities(results: Results) -> str:
    rows = [[city["name"], city["title"], *(f"{city[name]:,}" for name in COUNTS)] for city in results.cities]
    return as_table(["", "city", *COUNTS], rows)


def _tasks(results: Results) -> list[str]:
    parts = []
    for task in TASKS:
        rows = [row for row in results.rows if row.task == task.name]
        if rows:
            parts.append(f"## {task.title}")
        for city in dict.fromkeys(row.city for row in rows):
            here = [row for row in rows if row.city == city]
            ran = [row for row in here if not row.skipped]
            columns = ["", "seconds", "× ours", "", "runs", "before, s", f"ns/{task.per}", "growth", "answer"]
            table = as_table(columns, [_row(task, row, row is ran[0]) for row in ran])
            skipped = "".join(f"\n* {row.contender}: {row.skipped}" for row in here if row.skipped)
            remarks = "".join(f"\n* {row.contender}: {_remark(row)}" for row in ran if _remark(row))
            parts.append(f"**{city}**\n\n{table}\n{remarks}{skipped}")
    return parts


def _row(task: Task, row: Row, leader: bool) -> list[str]:  # noqa: FBT001
    ratio, spread = ("1", "")
    if not leader:
        ratio, spread = _times(row.ratio), f"({_times(row.ratio_low)}–{_times(row.ratio_high)})"
    growth = "" if math.isnan(row.growth) else f"{row.growth:.2f}"
    seconds = f"{row.seconds:.3g}" + ("*" if row.every > 1 else "")
    return [
        row.contender, seconds, ratio, spread, str(row.runs), f"{row.graph_s:.1f}", f"{row.ns_each:.0f}", growth,
        "" if leader else _answer(task, row),
    ]  # fmt: skip


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _answer(task: Task, row: Row) -> str:
    rows, differing, mean_off = row.agreement
    if differing == 0:
        return f"all {rows:,} {task.rows} the same"
    return f"{differing:,} of {rows:,} {task.rows} differ; mean difference of all {mean_off:,.3g} {task.unit}"


def _remark(row: Row) -> str:
    parts = [row.remark]
    if row.every > 1:
        parts.append(f"* does one in {row.every}, seconds scaled up")
    if row.agreement.differing and row.differs:
        parts.append(f"differs: {row.differs}")
    return "; ".join(part for part in parts if part)


def _goals(results: Results) -> list[tuple[str, float, bool]]:
    """The project's own goals: what was measured, and whether it is enough."""
    if results.cities[0]["nodes"] < LEAST_NODES_FOR_GOALS:
        return []
    ran = [row for row in results.rows if not row.skipped]
    found = []
    for goal, task, city, names, wanted in GOALS:
        peers = [row for row in ran if (row.task, row.city) == (task, city) and row.contender != "withinreach"]
        peers = [row for row in peers if not names or row.contender in names]
        if peers:
            best = min(row.ratio for row in peers)
            found.append((goal, best, best >= wanted))
    for row in ran:
        if row.task in GROWTH_TASKS and row.contender == "withinreach" and not math.isnan(row.growth):
            goal = f"{row.task}: cost per node on the tenfold network at most {MOST_GROWTH:g} times"
            found.append((goal, row.growth, row.growth <= MOST_GROWTH))
    return found


def _goal_table(results: Results) -> str:
    goals = _goals(results)
    if not goals:
        return ""
    table = [[goal, f"{value:.3g}", "yes" if met else "**no**"] for goal, value, met in goals]
    return "## Goals of the project\n\n" + as_table(["goal", "measured", "met"], table)


def _bound(bound: Bound) -> str:
    rows = [
        [city, f"{bound.touched_mb[city]:.1f}", f"{bound.least_ms[city]:.2f}", f"{bound.times_least[city]:.1f}"]
        for city in bound.touched_mb
    ]
    return (
        "## How far from the bandwidth of memory\n\n"
        f"A NumPy copy moves {bound.copy_gb_s:.1f} GB/s (read and written) in this run. The search for the nearest "
        "facility must at least read every arc and write the answer once:\n\n"
        + as_table(["city", "MB", "ms at that bandwidth", "ours takes × that"], rows)
    )


def _memory(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return ""
    rows = [
        [
            one["city"],
            one["task"],
            one["contender"],
            f"{one['peak_mb']:.0f}",
            f"{one['peak_mb'] - one['inputs_mb']:.0f}",
        ]
        for one in found
    ]
    return (
        "## Peak memory\n\nOf a fresh process that loads the arrays, builds what the contender needs and runs once; "
        "the last column is without the arrays, but with the libraries.\n\n"
        + as_table(["city", "task", "contender", "MB", "MB on top"], rows)
    )


def _first(found: dict[str, Any]) -> str:
    if not found:
        return ""
    names = list(next(iter(found.values())))
    rows = [[title, *(f"{seconds[name]:.2f}" for name in names)] for title, seconds in found.items()]
    return (
        "## Cold start\n\nSeconds that the first call takes longer than the second, in a fresh process: when numba "
        "compiles (once per machine and version), and when it takes the machine code from its cache.\n\n"
        + as_table(["", *names], rows)
    )


def _pipelines(found: dict[str, Any]) -> str:
    if not found:
        return ""
    parts = ["## From files to tables: `prepare` and `analyse`"]
    for city, kinds in found.items():
        size = next(iter(kinds.values()))["size"]
        told = ", ".join(f"{count:,} {name}" for name, count in size.items())
        stages = list(next(iter(kinds.values()))["stages"])
        rows = [
            [stage, *(cell for one in kinds.values() for cell in _share(one["stages"].get(stage, 0.0), one["seconds"]))]
            for stage in stages
        ]
        rows.append(["all", *(cell for one in kinds.values() for cell in (f"{one['seconds']:.2f}", ""))])
        rows.append(["peak memory, MB", *(cell for one in kinds.values() for cell in (f"{one['peak_mb']:.0f}", ""))])
        columns = [name for title in kinds for name in (title, "share")]
        runs = next(iter(kinds.values()))["runs"]
        parts.append(
            f"**{city}**: {told}. Seconds in fresh processes, median of {runs}.\n\n"
            + as_table(["stage", *columns], rows)
        )
    return "\n\n".join(parts)


def _further(found: dict[str, Any]) -> str:
    if not found:
        return ""
    questions = list(next(iter(found.values()))["seconds"])
    rows = [[question, *(f"{one['seconds'][question]:.2f}" for one in found.values())] for question in questions]
    rows.append(
        ["services, of which with a capacity", *(f"{one['services']}, {one['sharing']}" for one in found.values())]
    )
    return (
        "## Further questions\n\nSeconds of one fresh process for all services of a case that is analysed, compiled "
        "before; Monte Carlo runs share the cores.\n\n" + as_table(["", *found], rows)
    )


def _share(seconds: float, whole: float) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{seconds / whole:.0%}"


def as_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is aligned for the terminal, too."""
    widths = [max(len(line[i]) for line in (columns, *rows)) for i in range(len(columns))]
    lines = [columns, ["-" * max(3, width) for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(max(3, width)) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value
