"""Which reporting unit a township belongs to: by a table that says so, never by where it lies or by its code alone.

The zones of Xinxiang (410771 to 410773) have townships of districts and counties, and no polygon. Lists of townships
number them differently: of 126 nine-digit codes that the list of the National Bureau of Statistics shares with that of
the Ministry of Civil Affairs 25 mean another township. So townships are found by name, and a code only confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.preparation.code_changes import current_unit
from withinreach.preparation.scope import note_elsewhere
from withinreach.sources.remarks import Spot
from withinreach.sources.rows import need_columns, problem_lines
from withinreach.sources.tables import data_rows, read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.preparation.scope import Scope
    from withinreach.study import CrosswalkLayer

UNKNOWN = -1
# Of a township's name that which lists write or leave out: 关堤乡, 关堤; 西街街道, 西街街道办事处.
ENDINGS = ("街道办事处", "办事处", "街道", "地区", "镇", "乡")


@dataclass(frozen=True, eq=False)
class Crosswalk:
    """Townships and their units.

    Attributes
    ----------
    table : DataFrame
        code (text), name, code_system, unit (code of today) and area (row in the areas, -1 where the unit is none).
    """

    table: pd.DataFrame

    def areas_of(self, name: NDArray[np.object_], near: NDArray[np.int32]) -> NDArray[np.int32]:
        """The area of each township named; -1 where the name is unknown or not enough.

        Townships of different units share names (城关镇 is in three counties of Xinxiang): of several, the one counts
        that is in the area ``near`` says, else none.

        Parameters
        ----------
        name : (k,)
            Empty where nothing is told.
        near : (k,) int32
            The area that the place is labelled with or lies in; -1 where that is unknown.
        """
        areas: dict[str, set[int]] = {}
        for one, area in zip(self.table["name"], self.table["area"], strict=True):
            areas.setdefault(short_name(one), set()).add(int(area))
        found = np.full(len(name), UNKNOWN, np.int32)
        for row, one in enumerate(name):
            fitting = areas.get(short_name(one), set())
            if len(fitting) == 1 or near[row] in fitting:
                found[row] = next(iter(fitting)) if len(fitting) == 1 else near[row]
        return found


def short_name(name: str) -> str:
    """A township's name without what lists write or leave out; a name of two characters stays whole."""
    for ending in ENDINGS:
        if name.endswith(ending) and len(name) - len(ending) > 1:
            return name.removesuffix(ending)
    return name


def read_crosswalk(layer: CrosswalkLayer, scope: Scope, findings: Findings) -> Crosswalk:
    """Read a crosswalk and report where its lists contradict each other.

    Raises
    ------
    SourceError
        One line for every row without a code, a name or a unit, and for every township that a list gives to two units.
    """
    columns = {"code": layer.code, "name": layer.name, "unit": layer.unit}
    if layer.code_system is not None:
        columns["code_system"] = layer.code_system
    read = data_rows(read_table(layer.path, columns.values()))
    findings.take(layer.path, read.remarks)
    raw = read.rows
    need_columns(layer.path, raw, [(f"crosswalk.{role}", column) for role, column in columns.items()])
    problems = []
    for role in ("code", "name", "unit"):
        empty = raw[columns[role]].isna().to_numpy()
        problems += problem_lines(layer.path, raw, empty, columns[role], f"stands where a {role} is needed; add it")
    if problems:
        raise SourceError(problems)
    table = pd.DataFrame({role: raw[column].fillna("").str.strip() for role, column in columns.items()})
    table = table.assign(code_system=table.get("code_system", ""), row=table.index)
    _need_one_unit(layer, table)
    known = {current_unit(code): row for row, code in enumerate(scope.areas.table["code"])}
    elsewhere = table["unit"].map(current_unit).isin([current_unit(code) for code in scope.others]).to_numpy(bool)
    note_elsewhere(layer.path, elsewhere, findings)
    table = table[~elsewhere]
    old = table["unit"]
    table = table.assign(unit=old.map(current_unit))
    _note_old_units(layer, old, table["unit"], findings)
    _note_units_without_area(layer, table, known, findings)
    _note_conflicts(layer, table, findings)
    area = table["unit"].map(known).fillna(UNKNOWN).astype(np.int32)
    return Crosswalk(table.assign(area=area)[["code", "name", "code_system", "unit", "area"]])


def _need_one_unit(layer: CrosswalkLayer, table: pd.DataFrame) -> None:
    units = table.groupby(["code_system", "code"])["unit"].transform("nunique")
    problems = [
        f"{layer.path}: row {row.row}, column '{layer.unit}': township {row.code} {row.name} is in several units; "
        "keep one of the rows"
        for row in table[units > 1].itertuples()
    ]
    if problems:
        raise SourceError(problems)


def _note_old_units(layer: CrosswalkLayer, old: pd.Series, new: pd.Series, findings: Findings) -> None:
    for code, count in old[old.str[:6] != new].value_counts().items():
        findings.note(
            "crosswalk_unit_old",
            layer.path,
            {"count": count, "new": current_unit(str(code))},
            at=Spot(column=layer.unit, value=str(code)),
        )


def _note_units_without_area(
    layer: CrosswalkLayer, table: pd.DataFrame, known: dict[str, int], findings: Findings
) -> None:
    """Units of the crosswalk that are none of the areas, as the development zones are in most boundary files."""
    for unit, names in table[~table["unit"].isin(known)].groupby("unit", sort=True)["name"]:
        findings.note(
            "crosswalk_unit_without_area",
            layer.path,
            {"count": len(names), "names": "、".join(names.head(5)) + (" …" if len(names) > 5 else "")},
            at=Spot(column=layer.unit, value=str(unit)),
        )


def _note_conflicts(layer: CrosswalkLayer, table: pd.DataFrame, findings: Findings) -> None:
    """Codes that mean another township, or are in another unit, from one list to the next."""
    short = table.assign(short=table["name"].map(short_name))
    for code, rows in short.groupby("code", sort=True):
        first, others = rows.iloc[0], rows.iloc[1:]
        for other in others[others["short"] != first["short"]].itertuples():
            findings.note(
                "township_code_conflict",
                layer.path,
                {
                    "name": first["name"],
                    "system": first["code_system"],
                    "other": other.name,
                    "other_system": other.code_system,
                },
                at=Spot(int(other.row), layer.code, str(code)),
            )
    named = short.drop_duplicates(["short", "unit"]).groupby(["short", short["code"].str[:6].map(current_unit)])
    for (_, own), rows in named:
        if len(rows) > 1:
            last = rows.iloc[-1]
            findings.note(
                "township_unit_conflict",
                layer.path,
                {"units": "、".join(rows["unit"]), "own": own},
                at=Spot(int(last["row"]), layer.name, last["name"]),
            )
