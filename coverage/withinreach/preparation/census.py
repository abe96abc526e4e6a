"""The census of a study -> totals of every area and group, and the people scaled to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.model import Step
from withinreach.preparation import people_findings as told
from withinreach.preparation.calibration import Margins, calibrate
from withinreach.preparation.scope import note_elsewhere
from withinreach.preparation.townships import prepare_townships, totals_in
from withinreach.sources.population import read_census

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.accounts import Accounts
    from withinreach.preparation.calibration import Cells
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.scope import Scope
    from withinreach.preparation.townships import TownshipMargin
    from withinreach.sources.population import UnitTotals
    from withinreach.study import Calibration, PopulationLayer

# What summing scaled floats may lose.
CALIBRATED = 1e-9
FACTOR_COLUMNS = {
    "code": "str",
    "name": "str",
    "group": "str",
    "people": "float64",
    "census": "float64",
    "factor": "float64",
    "plausible": "bool",
}


def no_factors() -> pd.DataFrame:
    """The table of factors of a study without calibration."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in FACTOR_COLUMNS.items()})


def calibrate_to_census(
    layer: PopulationLayer,
    calibration: Calibration,
    parent: NDArray[np.int64],
    cells: Cells,
    scope: Scope,
    accounts: Accounts,
    findings: Findings,
) -> tuple[Cells, pd.DataFrame]:
    """Scale the people in the areas to the census of the study.

    Returns
    -------
    cells
        Those that came in and those that were added where nobody lived.
    factors : DataFrame
        As `Audit.factors`.

    Raises
    ------
    SourceError
        If the census cannot be used, or contradicts itself or the townships.
    """
    areas = scope.areas
    census = read_census(layer, calibration)
    findings.take(census.path, census.remarks)
    census, calibration = _of_study(census, calibration, scope, findings)
    targets, without = _targets(census, calibration, areas)
    targets = targets.reindex(columns=list(cells.groups))
    told.note_totals(census, findings)
    told.note_elsewhere(census, without, findings)
    told.note_joined(census, areas, calibration, findings)
    margins = Margins(census.path, targets, parent, areas, layer.cell_m)
    if calibration.townships is not None:
        group = list(cells.groups).index(calibration.townships.group)
        margins = replace(
            margins, townships=prepare_townships(calibration.townships, group, cells, areas, scope.frame, findings)
        )
    scaled, filled = calibrate(cells, margins)
    told.note_filled(census.path, filled, findings)
    factors = _area_factors(cells, margins, calibration)
    told.note_calibrated(census.path, factors, findings)
    told.note_implausible(census.path, factors, calibration, findings)
    if margins.townships is not None:
        more = _township_factors(cells, margins, margins.townships, calibration)
        told.note_implausible(margins.townships.path, more, calibration, findings)
        factors = pd.concat([factors, more], ignore_index=True)
    for group in census.people:
        wanted = targets[group].to_numpy(np.float64)
        _need_met(group, _per_area(scaled, group, len(areas)), wanted)
        elsewhere = float(without[group].sum())
        accounts.enter_sums(Step.CENSUS, str(group), np.append(wanted, elsewhere))
        accounts.enter_sums(Step.CENSUS_WITHOUT_AREA, str(group), np.append(np.zeros(len(areas)), elsewhere))
    return scaled, factors


def _of_study(
    census: UnitTotals, calibration: Calibration, scope: Scope, findings: Findings
) -> tuple[UnitTotals, Calibration]:
    """The units of the census, and where they are sent, without what is about areas that the study does not take."""
    if not scope.others:
        return census, calibration
    into: dict[str, str | dict[str, float]] = {}
    for code, target in calibration.into.items():
        shares = {target: 1.0} if isinstance(target, str) else target
        own = {area: share for area, share in shares.items() if area not in scope.others}
        if own:
            into[code] = own
    codes = census.people.index
    kept = np.array([code in into or (code not in scope.others and scope.takes(code)) for code in codes], bool)
    note_elsewhere(census.path, ~kept, findings)
    return (
        replace(census, people=census.people[kept], name=census.name[kept]),
        calibration.model_copy(update={"into": into}),
    )


def _targets(census: UnitTotals, calibration: Calibration, areas: Areas) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People of the census per area, NaN where it tells nothing, and its units that no area takes."""
    codes = list(areas.table["code"])
    people = census.people
    problems = []
    parts = [people.reindex(code for code in codes if code in people.index)]
    for code, target in calibration.into.items():
        shares = {target: 1.0} if isinstance(target, str) else target
        if code not in people.index or code in codes:
            why = "is no unit of the census" if code not in people.index else "is an area itself"
            problems.append(f"{census.path}: population.calibration.into: {code} {why}; correct or remove it")
            continue
        for area, share in shares.items():
            if area not in codes:
                problems.append(f"{census.path}: population.calibration.into.{code}: {area} is no area; correct it")
            parts.append((people.loc[[code]] * share).set_axis([area]))
    if problems:
        raise SourceError(problems)
    # A missing figure of one part makes the sum unknown, which `min_count` of a plain sum would not.
    summed = pd.concat(parts).groupby(level=0).agg(lambda column: column.sum(skipna=False))
    without = people[~people.index.isin([*codes, *calibration.into])]
    if np.nansum(without.to_numpy()) > np.nansum(summed.to_numpy()):
        raise SourceError(
            f"{census.path}: {len(without):,} of {len(people):,} units, with most of the people, are no areas of the "
            'study; let population.calibration.prefix tell what their codes begin with, e.g. "4107"'
        )
    return summed.reindex(codes), without


def _area_factors(cells: Cells, margins: Margins, calibration: Calibration) -> pd.DataFrame:
    """Census per people read, of every area and group that it tells."""
    targets, areas = margins.targets, margins.areas
    names = areas.table[["code", "name"]].reset_index(drop=True)
    blocks = [
        names.assign(group=str(group), people=_per_area(cells, group, len(areas)), census=targets[group].to_numpy())
        for group in targets.columns[targets.notna().any()]
    ]
    return _factors(blocks, calibration)


def _township_factors(
    cells: Cells, margins: Margins, townships: TownshipMargin, calibration: Calibration
) -> pd.DataFrame:
    """The same of every township, for the group that the townships are of."""
    group = margins.targets.columns[townships.group]
    blocks = []
    for area in sorted({row.area for row in townships.rows}):
        rows, here = townships.rows_in(area), cells.area == area
        whole, code = float(margins.targets[group].iloc[area]), margins.areas.table["code"].iloc[area]
        people = np.bincount(townships.of_cell[here], cells.groups[group][here], len(rows))
        census = totals_in(townships.path, rows, whole, code)
        names = [row.name for row in rows]
        blocks.append(pd.DataFrame({"code": names, "name": "", "group": group, "people": people, "census": census}))
    return _factors(blocks, calibration)


def _factors(blocks: list[pd.DataFrame], calibration: Calibration) -> pd.DataFrame:
    table = pd.concat([no_factors(), *blocks], ignore_index=True)
    people, census = table["people"].to_numpy(np.float64), table["census"].to_numpy(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = census / people
    low, high = calibration.plausible
    # NaN where the census tells nothing, and where nobody lives and the census says so, too.
    plausible = np.isnan(factor) | ((factor >= low) & (factor <= high))
    return table.assign(factor=factor, plausible=plausible).astype(FACTOR_COLUMNS)


def _per_area(cells: Cells, group: object, count: int) -> NDArray[np.float64]:
    return np.bincount(cells.area, cells.groups[group].to_numpy(np.float64), count).astype(np.float64)


def _need_met(group: object, people: NDArray[np.float64], wanted: NDArray[np.float64]) -> None:
    known = ~np.isnan(wanted)
    if not np.allclose(people[known], wanted[known], rtol=CALIBRATED, atol=1e-9):
        raise AssertionError(f"calibration missed the census of {group}: {people[known]} instead of {wanted[known]}")
