"""What `benchmarks.siting` measured, as a text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.report import as_table

if TYPE_CHECKING:
    from pathlib import Path

METHOD = """\
Both get the same instances: people around thirty centres, candidates near some of them. Each solution runs in a fresh
process on one thread; what is timed runs from the pairs (ours) or the full matrix of costs (spopt, which builds its
model with PuLP and lets HiGHS solve it) to the chosen sites, both with a gap of 0. Memory is the peak of the process,
and in brackets what the inputs alone took. Optima are compared; nobody covers more than another's bound.
"""


def write(results: dict[str, Any], folder: Path) -> None:
    """Write ``siting.md`` and ``siting.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "siting.md").write_text(as_text(results), encoding="utf-8")
    plain = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "siting.json").write_text(plain + "\n", encoding="utf-8")


def as_text(results: dict[str, Any]) -> str:
    one = results["machine"]
    told = f"{one['processor']}, {one['cores']} cores, {one['system']}, Python {one['python']}."
    parts = ["# Siting and scenarios", told, "## Maximal covering, beside spopt", METHOD.strip()]
    parts.append(
        as_table(["", "pairs", "new", "", "covered", "", "seconds", "of it building", "MB"], _instances(results))
    )
    stopped = [
        [row["objective"], row["status"], f"{row['seconds']:.2f}", *(_shown(row[name]) for name in ("value", "bound"))]
        for row in results["stopped"]
    ]
    parts += ["## Stopped after 1 s", "The last instance above; every answer has a bound that holds."]
    parts.append(as_table(["objective", "status", "seconds", "answer", "bound"], stopped))
    scenarios = results["scenarios"]
    parts += ["## Scenarios and sites on a prefecture"]
    parts.append(f"{scenarios['cells']:,} cells, {scenarios['nodes']:,} nodes; the quickest run of several.")
    parts.append(as_table(["", "seconds"], [[what, f"{s:.3f}"] for what, s in scenarios["seconds"].items()]))
    return "\n\n".join(parts) + "\n"


def _instances(results: dict[str, Any]) -> list[list[str]]:
    rows = []
    for row in results["instances"]:
        size = row["instance"]
        for name in [key for key in row if key != "instance"]:
            told = row[name]
            rows.append(
                [
                    f"{size['name']}: {size['places']:,} × {size['candidates']:,}",
                    f"{told['pairs']:,}",
                    str(size["new"]),
                    name,
                    f"{told['covered']:,.0f}",
                    told["status"],
                    f"{told['seconds']:.2f}",
                    f"{told['build_s']:.2f}" if "build_s" in told else "",
                    f"{told['peak_mb']:,.0f} ({told['inputs_mb']:,.0f})",
                ]
            )
    return rows


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:,.6g}"
