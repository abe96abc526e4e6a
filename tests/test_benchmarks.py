"""The benchmarks run, everybody who takes part finds the same, and the report is written. No time is asserted."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benching import ROOT, run_benchmark


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Run the harness on a tiny sample city, as a user does; returns its results and what it printed."""
    data = tmp_path_factory.mktemp("cities")

    def run(*options: str) -> tuple[dict, str, str]:
        out = tmp_path_factory.mktemp("out")
        tiny = ["--scale", "0.01", "--no-tenfold", "--no-wuhan", "--repetitions", "1"]
        printed = run_benchmark("run", *tiny, *options, "--out", out, "--data", data)
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        return results, (out / "results.md").read_text(encoding="utf-8"), printed

    return run


def test_everybody_finds_the_same(bench):
    results, report, printed = bench("--no-fresh")
    ran = [row for row in results["rows"] if not row["skipped"]]
    told = [f"{row['task']}: {row['contender']}: {row['agreement']}" for row in ran]
    told += [f"{row['task']}: {row['contender']}: {row['skipped']}" for row in results["rows"] if row["skipped"]]
    print("\n" + "\n".join(told))
    assert not [row for row in results["rows"] if row["skipped"].startswith("failed")]
    assert all(row["agreement"]["differing"] == 0 for row in ran if not row["differs"])
    # Each task is checked against another library on every node, cell or pair at least once.
    for task in ("nearest", "nearest-cut", "snap", "places", "within", "floating"):
        leader, *peers = [row for row in ran if row["task"] == task]
        assert leader["contender"] == "withinreach"
        exact = [row for row in peers if not row["differs"] and row["every"] == 1]
        assert exact, task
        assert {row["agreement"]["rows"] for row in exact} == {leader["agreement"]["rows"]}
        assert leader["agreement"]["rows"] > 3000
    assert report in printed
    assert all(row["contender"] in report for row in results["rows"])


def test_what_needs_fresh_processes_is_reported(bench):
    results, report, _ = bench("--task", "nearest")
    assert {row["task"] for row in results["rows"]} == {"nearest"}
    memory = {row["contender"]: row for row in results["memory"]}
    assert {"withinreach", "scipy min_only"} <= set(memory)
    assert all(0 < row["inputs_mb"] <= row["peak_mb"] for row in memory.values())
    assert set(results["first_calls"]) == {"compiling", "from the cache"}
    stages = results["pipelines"]["prefecture"]["case prepared"]["stages"]
    assert {"areas", "streets", "facilities", "people", "snapping", "analyse"} <= set(stages)
    assert results["further"]["prefecture"]["seconds"]["200 Monte Carlo runs"] > 0
    for heading in ("Peak memory", "Cold start", "From files to tables", "Further questions"):
        assert f"## {heading}" in report


def test_results_name_no_folder_of_this_machine(bench):
    results, report, _ = bench("--task", "snap", "--no-fresh")
    for folder in (str(ROOT), str(Path.home()), sys.prefix):
        assert folder not in report
        assert folder not in json.dumps(results)
