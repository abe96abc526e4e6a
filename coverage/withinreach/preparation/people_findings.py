"""What is told about the population: masked cells, split bands, people moved, spread and calibrated, dates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from withinreach.preparation.findings import Spot
from withinreach.study.ages import worldpop_band

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.calibration import Filled
    from withinreach.preparation.findings import Findings
    from withinreach.sources.population import Masked, Moved, Parts, Suppressed, UnitTotals
    from withinreach.study import Calibration, PopulationLayer, Study

A_YEAR_DAYS = 366
# Of many townships the first few are named; the rest are counted.
NAMED = 5
# Borders and grids differ by a cell or so.
NOTED_SHARE = 0.001
# Figures with split bands have decimals; whole people do not differ by less.
ROUNDED = 0.5
# What exceeds by less is rounding.
NOTED_EXCESS = 1e-6


def note_masked(masked: Iterable[Masked], findings: Findings) -> None:
    """Cells and fields that hold no number of people; rasters that are masked alike are told together."""
    alike: dict[Masked, list[Masked]] = {}
    for each in masked:
        alike.setdefault(each if each.column else replace(each, path=each.path.parent), []).append(each)
    for group in alike.values():
        one, files = group[0], len(group)
        if one.column and one.no_data:
            at = Spot(column=one.column)
            findings.note("people_fields_empty", one.path, {"rows": one.cells, "count": one.no_data}, at=at)
        elif one.no_data == one.cells:
            findings.note("people_cells_all_masked", one.path, {"cells": one.cells, "files": files})
        elif one.no_data:
            findings.note("people_cells_masked", one.path, {"cells": one.cells, "count": one.no_data, "files": files})
        if one.not_a_number:
            findings.note("people_cells_nan", one.path, {"cells": one.cells, "count": one.not_a_number, "files": files})
        if one.negative:
            findings.note(
                "people_cells_negative",
                one.path,
                {"cells": one.cells, "count": one.negative, "lowest": one.lowest, "files": files},
            )


def note_splits(parts: Parts, findings: Findings) -> None:
    """Bands of which a group takes only a share."""
    for name, group in parts.items():
        for part in group:
            if part.share < 1:
                band = part.column or part.path.name
                at = Spot(column=part.column or "")
                findings.note("age_band_split", part.path, {"group": name, "share": part.share, "band": band}, at=at)


def note_moved(moved: Iterable[Moved], findings: Findings) -> None:
    """Rasters that were brought onto another grid."""
    for one in moved:
        findings.note("people_resampled", one.path, {"people": one.people, "residual": one.residual})


def note_suppressed(suppressed: Iterable[Suppressed], findings: Findings) -> None:
    """Rows whose ages are suppressed."""
    for one in suppressed:
        findings.note("ages_suppressed", one.path, {"rows": one.rows, "people": one.people})


def note_beyond(path: Path, codes: pd.Series, share: NDArray[np.float64], findings: Findings) -> None:
    """Areas that the rasters do not cover."""
    for code, beyond in zip(codes, share, strict=True):
        if beyond > NOTED_SHARE:
            findings.note("area_beyond_rasters", path, {"share": beyond}, at=Spot(value=code))


def note_apart(layer: PopulationLayer, parent: NDArray[np.int64], findings: Findings) -> None:
    """Groups that calibration scales without regard to each other, since nothing says that one holds the other."""
    apart = [name for name, at in zip(layer.groups, parent, strict=True) if at < 0]
    if len(apart) > 1:
        findings.note("groups_calibrated_apart", layer.main_path, {"groups": ", ".join(apart)})


def note_order(path: Path, groups: pd.DataFrame, parent: NDArray[np.int64], findings: Findings) -> None:
    """Cells in which a group is larger than one that holds it."""
    names = list(groups)
    for child, at in enumerate(parent):
        if at < 0:
            continue
        people = groups[names[child]].to_numpy(np.float64)
        more = people - groups[names[at]].to_numpy(np.float64)
        wrong = more > NOTED_EXCESS * people
        if wrong.any():
            findings.note(
                "group_exceeds_group",
                path,
                {"group": names[child], "other": names[at], "cells": wrong.sum(), "people": more[wrong].sum()},
            )


def note_outside(path: Path, groups: pd.DataFrame, outside: NDArray[np.bool_], findings: Findings) -> None:
    """People in cells outside all areas."""
    for name in groups:
        people = groups.loc[outside, name].sum()
        if people > 0:
            read = groups[name].sum()
            findings.note("people_outside_areas", path, {"group": name, "read": read, "outside": people})


def note_homes(path: Path, count: int, outside: int, unknown: int, findings: Findings) -> None:
    """Homes over which nothing can be spread."""
    if outside:
        findings.note("homes_outside_units", path, {"count": outside, "homes": count})
    if unknown:
        findings.note("homes_without_weight", path, {"count": unknown, "homes": count})


def note_spread(path: Path, unplaced: pd.DataFrame, homeless: pd.DataFrame, findings: Findings) -> None:
    """Units whose people cannot be placed, or have no home."""
    for code, people in unplaced.iterrows():
        findings.note("unit_without_polygon", path, {"people": _told(people)}, at=Spot(value=str(code)))
    for code, people in homeless.iterrows():
        findings.note("unit_without_homes", path, {"people": _told(people)}, at=Spot(value=str(code)))


def _told(people: pd.Series) -> str:
    return ", ".join(f"{name} {count:,.1f}" for name, count in people.items())


def note_totals(totals: UnitTotals, findings: Findings) -> None:
    """Split bands, larger units and their parts, and fields without a number."""
    for name, shares in totals.shares.items():
        for column, share in shares.items():
            if share < 1:
                at = Spot(column=column)
                findings.note("age_band_split", totals.path, {"group": name, "share": share, "band": column}, at=at)
    for code, group, stated, summed in totals.sums.itertuples(index=False):
        at = Spot(value=code)
        if abs(stated - summed) > ROUNDED:
            findings.note("sum_differs", totals.path, {"group": group, "stated": stated, "summed": summed}, at=at)
        else:
            findings.note("sum_agrees", totals.path, {"group": group, "stated": stated}, at=at)
    for group, count in totals.people.isna().sum().items():
        if count:
            at = Spot(column=str(group))
            findings.note("people_fields_empty", totals.path, {"rows": len(totals.people), "count": count}, at=at)


def note_elsewhere(census: UnitTotals, without: pd.DataFrame, findings: Findings) -> None:
    """Units of the census that are no areas."""
    for code, people in without.iterrows():
        findings.note(
            "census_without_area",
            census.path,
            {"name": census.name[code] or code, "people": _told(people)},
            at=Spot(value=str(code)),
        )


def note_joined(census: UnitTotals, areas: Areas, calibration: Calibration, findings: Findings) -> None:
    """Units that were sent to other areas, areas without a row, and names that differ."""
    taken = set()
    for code, target in calibration.into.items():
        into = [target] if isinstance(target, str) else list(target)
        taken |= set(into)
        findings.note("census_sent_to_area", census.path, {"areas": ", ".join(into)}, at=Spot(value=code))
    for code, name in zip(areas.table["code"], areas.table["name"], strict=True):
        theirs = census.name.get(code)
        if theirs is None and code not in taken:
            findings.note("area_without_census", census.path, {"name": name}, at=Spot(value=code))
        elif theirs and "".join(theirs.split()) != "".join(name.split()):
            findings.note("names_differ", census.path, {"census": theirs, "area": name}, at=Spot(value=code))


def note_calibrated(path: Path, factors: pd.DataFrame, findings: Findings) -> None:
    """People and factors of every group."""
    for group, rows in factors.groupby("group", sort=False):
        findings.note(
            "calibrated",
            path,
            {
                "group": group,
                "people": rows["people"].sum(),
                "census": rows["census"].sum(),
                "least": rows["factor"].min(),
                "most": rows["factor"].max(),
            },
        )


def note_implausible(path: Path, factors: pd.DataFrame, calibration: Calibration, findings: Findings) -> None:
    """Factors that rather tell of other borders, years or sources than of people."""
    low, high = calibration.plausible
    for row in factors[~factors["plausible"]].itertuples(index=False):
        findings.note(
            "factor_implausible",
            path,
            {
                "group": row.group,
                "people": row.people,
                "census": row.census,
                "factor": row.factor,
                "low": low,
                "high": high,
            },
            at=Spot(value=row.code),
        )


def note_filled(path: Path, filled: Iterable[Filled], findings: Findings) -> None:
    """Places in which nobody could be scaled."""
    for one in filled:
        if one.group is None:
            findings.note("census_on_empty_ground", path, {}, at=Spot(value=one.place))
        else:
            findings.note("census_on_settled_cells", path, {"group": one.group}, at=Spot(value=one.place))


def note_townships(path: Path, total: pd.Series, codes: NDArray[np.object_], findings: Findings) -> None:
    """Townships that stand in only one of table and layer."""
    without = [code for code in total.index if code not in set(codes)]
    if without:
        people = total[without].sum()
        findings.note(
            "townships_without_polygon", path, {"count": len(without), "people": people, "codes": _first(without)}
        )
    unknown = [code for code in codes if np.isnan(total.get(code, np.nan))]
    if unknown:
        findings.note("townships_without_total", path, {"count": len(unknown), "codes": _first(unknown)})


def _first(codes: list[str]) -> str:
    return ", ".join(codes[:NAMED]) + (" …" if len(codes) > NAMED else "")


def note_dates(study: Study, findings: Findings) -> None:
    """People, their census, their files and facilities that are more than a year apart."""
    layer = study.population
    dated = [(one.path, one.as_of or study.as_of) for one in study.facilities]
    if layer.calibration is not None:
        dated.append((layer.calibration.path, layer.calibration.as_of))
    for path, day in dated:
        if abs((day - layer.as_of).days) > A_YEAR_DAYS:
            at = Spot(column="as_of", value=day.isoformat())
            findings.note("dates_apart", path, {"people": layer.as_of.isoformat()}, at=at)
    years = {band[2] for path in layer.paths() if (band := worldpop_band(path.name)) is not None}
    for year in sorted(years):
        if abs(year - layer.as_of.year) > 1:
            at = Spot(column="as_of", value=layer.as_of.isoformat())
            findings.note("rasters_of_another_year", layer.main_path, {"year": year}, at=at)
