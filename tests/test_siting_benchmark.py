"""The benchmark of siting runs, and spopt proves the same optimum. No time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("spopt", reason="spopt is not installed: nothing to compare with")

ROOT = Path(__file__).parents[1]


def test_spopt_proves_the_same_optimum(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.siting", "--largest", "1000", "--scale", "0.01", "--data", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "coverage")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    (town,) = told["instances"]
    assert town["withinreach"]["status"] == town["spopt"]["status"] == "optimal"
    assert town["withinreach"]["covered"] == town["spopt"]["covered"] == town["withinreach"]["bound"]
    assert town["withinreach"]["pairs"] == town["spopt"]["pairs"] > 1000
    assert {"ten openings: case and reach", "what is missing"} <= set(told["scenarios"]["seconds"])
