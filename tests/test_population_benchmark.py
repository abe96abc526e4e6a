"""The benchmark of the population runs and checks its answer. No time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_coarse_prefecture_meets_the_census(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.population",
            "--coarse",
            "10",
            "--repetitions",
            "1",
            "--data",
            str(tmp_path),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "coverage")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert (results["groups"], results["units"]) == (6, 15)
    assert 10_000 < results["cells"] < 13_000
