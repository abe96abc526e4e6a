"""The benchmark of the population runs and checks its answer. No time is asserted."""

from __future__ import annotations

import json

from benching import run_benchmark


def test_a_coarse_prefecture_meets_the_census(tmp_path):
    printed = run_benchmark("population", "--coarse", "10", "--repetitions", "1", "--data", tmp_path)
    results = json.loads(printed.splitlines()[-1])
    assert (results["groups"], results["units"]) == (6, 15)
    assert 10_000 < results["cells"] < 13_000
