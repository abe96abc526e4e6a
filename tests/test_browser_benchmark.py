"""The benchmark of the pages opens them, drops sites and writes its report. No time is asserted."""

from __future__ import annotations

from benching import ROOT, run_benchmark


def test_pages_are_opened_and_sites_dropped(browser, tmp_path):
    printed = run_benchmark("browser", "--scale", "0.02", "--repetitions", "1", "--out", tmp_path, "--data", tmp_path)
    report = (tmp_path / "browser.md").read_text(encoding="utf-8")
    assert report in printed
    county = next(line for line in report.splitlines() if line.startswith("| largest county"))
    cells = [cell.strip() for cell in county.strip("|").split("|")]
    assert all(float(cell.split(" ")[0]) > 0 for cell in cells[1:])
    assert "| every page below 6 MB" in report
    assert str(ROOT) not in report
