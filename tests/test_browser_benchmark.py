"""The benchmark of the pages opens them, drops sites and writes its report. No time is asserted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_pages_are_opened_and_sites_dropped(browser, tmp_path):
    options = ["--scale", "0.02", "--repetitions", "1", "--out", str(tmp_path), "--data", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.browser", *options],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "coverage")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "browser.md").read_text(encoding="utf-8")
    assert report in done.stdout
    county = next(line for line in report.splitlines() if line.startswith("| largest county"))
    cells = [cell.strip() for cell in county.strip("|").split("|")]
    assert all(float(cell.split(" ")[0]) > 0 for cell in cells[1:])
    assert "| every page below 6 MB" in report
    assert str(ROOT) not in report
