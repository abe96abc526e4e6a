"""Tables of totals: people of every group per unit, without the rows that are sums of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.sources.population.codes import larger_units, need_single_codes, text_codes
from withinreach.sources.population.files import feature_rows, is_table, table_rows
from withinreach.sources.population.parts import column_parts, listed_columns, single_file
from withinreach.study.ages import band_shares, column_band

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.sources.population.files import Rows
    from withinreach.sources.population.parts import Parts
    from withinreach.sources.remarks import Remark
    from withinreach.study import Calibration, PopulationLayer, Spread, Townships

Shares = dict[str, float]


class Labels(NamedTuple):
    """How a table names its units: its place in the study, the columns, and what the codes begin with."""

    key: str
    code: str
    name: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class UnitTotals:
    """The units of a table that are no sums of others.

    Attributes
    ----------
    name : Series of str, by code
        "" where the table has no names.
    people : DataFrame of float64, by code
        One column per group that the table tells; NaN where a field is empty.
    shares : dict from group name to the share of each column in it
    sums : DataFrame
        code, group, stated, summed: of every larger unit what its row says and what its parts add up to.
    remarks : tuple of Remark
        How the table was read, for the audit.
    """

    path: Path
    name: pd.Series
    people: pd.DataFrame
    shares: dict[str, Shares]
    sums: pd.DataFrame
    remarks: tuple[Remark, ...]


def read_totals(layer: PopulationLayer, spread: Spread) -> tuple[UnitTotals, Parts]:
    """Read the totals that are to be spread, from a table or from polygons of the units themselves.

    Raises
    ------
    SourceError
        If the file cannot be used, a column or a code is missing, a code stands twice, or people are not numbers.
    """
    path = single_file(layer)
    if is_table(path):
        rows = table_rows(path, [spread.code, *listed_columns(layer)], layer.sheet)
    else:
        datum = spread.units.datum if spread.units is not None else layer.datum
        if datum is None:
            raise SourceError(f"{path}: give population.datum, or the totals as a table")
        rows = feature_rows(path, datum, "Polygon", layer.layer)
    parts = column_parts(layer, path, [str(column) for column in rows.table.columns])
    shares: dict[str, Shares] = {}
    for name, group in parts.items():
        shares[name] = {}
        for part in group:
            column = part.column or ""
            shares[name][column] = shares[name].get(column, 0.0) + part.share
    labels = Labels("population.spread", spread.code, prefix=spread.prefix)
    return _unit_totals(rows, labels, shares), parts


def read_census(layer: PopulationLayer, calibration: Calibration) -> UnitTotals:
    """Read the totals that people are calibrated to.

    Raises
    ------
    SourceError
        As `read_totals`, and if no group of the population can be read from the table.
    """
    labels = Labels("population.calibration", calibration.code, calibration.name, calibration.prefix)
    listed = [column for columns in calibration.groups.values() for column in columns]
    names = [] if calibration.name is None else [calibration.name]
    rows = table_rows(calibration.path, [calibration.code, *names, *listed], calibration.sheet)
    shares = _census_shares(layer, calibration, [str(column) for column in rows.table.columns])
    return _unit_totals(rows, labels, shares)


def read_townships(townships: Townships) -> UnitTotals:
    """People of every township for the group of the margin.

    Raises
    ------
    SourceError
        As `read_totals`.
    """
    rows = table_rows(townships.path, [townships.code, townships.column], townships.sheet)
    labels = Labels("population.calibration.townships", townships.code)
    return _unit_totals(rows, labels, {townships.group: {townships.column: 1.0}})


def _census_shares(layer: PopulationLayer, calibration: Calibration, columns: list[str]) -> dict[str, Shares]:
    """The columns of every group that the table tells: those that the study lists, or those of its ages."""
    found = {column: column_band(column) for column in columns}
    bands = {column: band for column, band in found.items() if band is not None}
    shares: dict[str, Shares] = {}
    problems = []
    for name, group in layer.groups.items():
        if name in calibration.groups:
            shares[name] = dict.fromkeys(calibration.groups[name], 1.0)
        elif group.age_band is not None and bands:
            try:
                shares[name] = band_shares(group.age_band, bands)
            except SourceError as error:
                problems += [f"{calibration.path}: population.groups.{name}: {line}" for line in error.problems]
    if problems:
        raise SourceError(problems)
    if not shares:
        raise SourceError(
            f"{calibration.path}: tells none of the groups {', '.join(layer.groups)}; list the columns of each in "
            "population.calibration.groups, or give the groups ages"
        )
    return shares


def _unit_totals(rows: Rows, labels: Labels, shares: dict[str, Shares]) -> UnitTotals:
    wanted = [(f"{labels.key}.code", labels.code)]
    wanted += [] if labels.name is None else [(f"{labels.key}.name", labels.name)]
    wanted += [(f"{labels.key}, group {group}", column) for group, columns in shares.items() for column in columns]
    rows.need(wanted)
    code = _chosen_codes(rows, labels)
    here = np.flatnonzero(code != "")
    chosen = replace(rows, table=rows.table.iloc[here])
    columns = {
        column: chosen.numbers(column) for column in dict.fromkeys(name for group in shares.values() for name in group)
    }
    chosen.raise_problems()
    people = pd.DataFrame(
        {
            name: np.sum([columns[column] * share for column, share in group.items()], axis=0)
            for name, group in shares.items()
        }
    )
    name = np.full(len(here), "", object)
    if labels.name is not None:
        name = chosen.table[labels.name].fillna("").astype("str").str.strip().to_numpy(object)
    return _without_sums(chosen, code[here], name, people, shares)


def _chosen_codes(rows: Rows, labels: Labels) -> NDArray[np.object_]:
    """Codes as text, "" for rows that the prefix leaves out."""
    code = text_codes(rows.table[labels.code])
    missing = np.flatnonzero(code == "")
    if len(missing) and not labels.prefix:
        raise SourceError(
            f"{rows.path}: row {rows.table.index[missing[0]]}, column '{labels.code}': has no code; fill it in, or let "
            f"{labels.key}.prefix choose the rows"
        )
    code[~np.array([value.startswith(labels.prefix) for value in code], bool)] = ""
    if not (code != "").any():
        raise SourceError(
            f"{rows.path}: no code in column '{labels.code}' begins with '{labels.prefix}'; correct {labels.key}"
        )
    need_single_codes(rows, code, labels.code)
    return code


def _without_sums(
    rows: Rows, code: NDArray[np.object_], name: NDArray[np.object_], people: pd.DataFrame, shares: dict[str, Shares]
) -> UnitTotals:
    values = people.to_numpy()
    larger = larger_units(code)
    sums = [
        (code[row], group, values[row, i], values[parts, i].sum())
        for row, parts in larger.items()
        for i, group in enumerate(people)
    ]
    single = np.array([row for row in range(len(code)) if row not in larger], np.int64)
    index = pd.Index(code[single], name="code")
    return UnitTotals(
        path=rows.path,
        name=pd.Series(name[single], index),
        people=people.iloc[single].set_index(index),
        shares=shares,
        sums=pd.DataFrame(sums, columns=["code", "group", "stated", "summed"]),
        remarks=tuple(rows.remarks),
    )
