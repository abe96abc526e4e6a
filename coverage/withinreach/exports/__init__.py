"""Result -> a folder per county (coverage table, GeoPackage), the table of all, and the manifest of the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.analysis import judge
from withinreach.exports.folders import whole_folder
from withinreach.exports.geodata import facility_grounds, write_geopackage
from withinreach.exports.layers import layer_path, write_layer
from withinreach.exports.manifest import write_manifest
from withinreach.exports.tables import county_rows, every_row, facility_rows, write_csv
from withinreach.exports.targets import write_targets
from withinreach.measures import continuous_ledger
from withinreach.model import file_stem
from withinreach.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress
    from withinreach.standards import Judgement

__all__ = ["export", "layer_path", "whole_folder", "write_exports", "write_layer", "write_manifest"]


def export(result: Result, folder: str | Path, *, county: str | Sequence[str] | None = None) -> Path:
    """Write the tables and geodata of a result, all counties or some.

    The folder appears whole or not at all. It gets ``coverage.csv`` (all areas and services, with totals),
    ``ledger.csv`` (people at every step from the raw files to the statuses), ``calibration.csv`` (factors to the
    census), ``facilities.csv`` (every facility with its load and catchment ratio), ``audit.csv`` (what preparation
    changed, dropped or noticed), ``manifest.json`` and ``county/<code>/`` with ``<code>_coverage.csv``,
    ``<code>_facilities.csv`` and ``<code>.gpkg``; where the study names registers, it gets ``targets.csv`` and
    ``targets.xlsx``, too, and those of each county beside its other tables.

    Parameters
    ----------
    folder
        May hold an earlier output, which is replaced; other files in it are never touched but refused.
    county
        Codes of the areas to write; None writes all.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StudyError
        If an area has no such code.
    SourceError
        If the folder holds something else.
    """
    codes = _codes(result, county)
    judgement = judge(result)
    with whole_folder(Path(folder)) as staging:
        write_exports(result, judgement, staging, codes)
        write_manifest(result, judgement, staging)
    return Path(folder)


def write_exports(
    result: Result,
    judgement: Judgement,
    folder: Path,
    codes: Sequence[str] | None = None,
    *,
    progress: Progress = silent,
) -> None:
    """Write tables and county folders into a folder that exists; see `export`."""
    write_csv(every_row(result), folder / "coverage.csv")
    write_csv(continuous_ledger(result.case, result.ledgers), folder / "ledger.csv")
    write_csv(result.case.audit.factors, folder / "calibration.csv")
    facilities = facility_rows(result)
    write_csv(facilities, folder / "facilities.csv")
    write_csv(result.case.audit.findings, folder / "audit.csv")
    grounds = facility_grounds(result)
    if judgement.registers:
        write_targets(judgement, result.case.study, folder, "targets")
    for code in _codes(result, codes):
        progress(code)
        stem = file_stem(code)
        county = folder / "county" / stem
        county.mkdir(parents=True)
        write_csv(county_rows(result, code), county / f"{stem}_coverage.csv")
        write_csv(facilities[facilities["code"] == code], county / f"{stem}_facilities.csv")
        write_geopackage(result, grounds, code, county / f"{stem}.gpkg")
        if judgement.registers:
            write_targets(judgement, result.case.study, county, f"{stem}_targets", code)


def _codes(result: Result, county: str | Sequence[str] | None) -> list[str]:
    if county is None:
        return list(result.case.areas.table["code"])
    wanted = [county] if isinstance(county, str) else list(county)
    result.case.areas.rows_of(wanted)
    return wanted
