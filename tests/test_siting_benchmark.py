"""The benchmark of siting runs, and spopt proves the same optimum. No time is asserted."""

from __future__ import annotations

import json

import pytest

from benching import run_benchmark

pytest.importorskip("spopt", reason="spopt is not installed: nothing to compare with")


def test_spopt_proves_the_same_optimum(tmp_path):
    printed = run_benchmark("siting", "--largest", "1000", "--scale", "0.01", "--data", tmp_path)
    told = json.loads(printed.strip().splitlines()[-1])
    (town,) = told["instances"]
    assert town["withinreach"]["status"] == town["spopt"]["status"] == "optimal"
    assert town["withinreach"]["covered"] == town["spopt"]["covered"] == town["withinreach"]["bound"]
    assert town["withinreach"]["pairs"] == town["spopt"]["pairs"] > 1000
    assert {"ten openings: case and reach", "what is missing"} <= set(told["scenarios"]["seconds"])
