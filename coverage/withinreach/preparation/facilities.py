"""Facility layers -> one table with our column names, and their positions in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.errors import SourceError, StudyError
from withinreach.model import NOT_OPEN
from withinreach.preparation.attributes import ATTRIBUTES, type_attributes
from withinreach.preparation.facility_files import read_facility_file
from withinreach.preparation.positions import need_metres
from withinreach.sources.headers import roles
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from numpy.typing import NDArray

    from withinreach.preparation.facility_files import FacilityFile
    from withinreach.preparation.findings import Findings
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.repairs import Repairs
    from withinreach.sources.population import Bounds
    from withinreach.study import FacilityLayer, Study

TEXT_COLUMNS = ("id", "kind", "name", "file")
# Of these a facility has some, and it is worth a word where it does not tell how many.
COUNTED = ("number", "star")
NAMED_KINDS = 5


class Facilities(NamedTuple):
    """Facilities of one layer or of all.

    Attributes
    ----------
    table : DataFrame with k rows
        id, kind, name, file, row, and every attribute of `ATTRIBUTES` and of the study, typed as by `type_attributes`.
    xy : (k, 2) float64
        Positions, metres.
    told : set of str
        Attributes that a column tells.
    columns : dict
        By file, the column that holds each of our attributes.
    """

    table: pd.DataFrame
    xy: NDArray[np.float64]
    told: frozenset[str]
    columns: dict[str, dict[str, str]]


def read_all_facilities(
    study: Study, repairs: Repairs, frame: MetricFrame, findings: Findings, within: Callable[[str], Bounds | None]
) -> Facilities:
    """Every facility layer, one below the other; attributes that a layer lacks are unknown.

    Problems of layers are kept in the findings; what is returned then lacks these layers.

    Parameters
    ----------
    within
        By the datum of a layer the bounds in which facilities count; None: everywhere.

    Raises
    ------
    StudyError
        If the capacity of a service is an attribute that no layer tells.
    """
    read: list[Facilities] = []
    for layer in study.facilities:
        with findings.problems_kept():
            read.append(read_facilities(layer, study, repairs, frame, findings, within(layer.datum)))
    if len(read) < len(study.facilities):
        return Facilities(pd.DataFrame(), np.empty((0, 2)), frozenset(), {})
    table = pd.concat([one.table for one in read], ignore_index=True)
    categories = [name for name in ATTRIBUTES if roles()[name].holds == "category"]
    everything = Facilities(
        table.astype(dict.fromkeys(categories, "category")),
        np.concatenate([one.xy for one in read]),
        frozenset().union(*(one.told for one in read)),
        {file: columns for one in read for file, columns in one.columns.items()},
    )
    _need_capacities(study, everything.told)
    return everything


def _need_capacities(study: Study, told: frozenset[str]) -> None:
    numeric = sorted(name for name in told if name not in roles() or roles()[name].holds in COUNTED)
    problems = [
        f"services.{name}.capacity = '{service.capacity}': no facility layer has it; they have: "
        f"{', '.join(numeric) or 'no numbers'}; name its column in facilities.attributes"
        for name, service in study.services.items()
        if service.capacity is not None and service.capacity not in numeric
    ]
    if problems:
        raise StudyError(problems)


def read_facilities(
    layer: FacilityLayer,
    study: Study,
    repairs: Repairs,
    frame: MetricFrame,
    findings: Findings,
    bounds: Bounds | None = None,
) -> Facilities:
    """Read one facility layer, all of it or within bounds, as repaired.

    A facility that is closed, planned or under construction stays in the table with its status and serves nobody; see
    `Case.facility_rows`.

    Raises
    ------
    SourceError
        One line for every row with a coordinate that is missing, not a number or impossible in the declared datum,
        and for every attribute that cannot be read.
    """
    file = read_facility_file(layer, repairs, findings, bounds)
    own = tuple(dict.fromkeys(name for one in study.facilities for name in one.attributes if name not in roles()))
    typed = type_attributes(layer.path, file.table, file.columns, own)
    findings.take(layer.path, typed.remarks)
    if file.problems or typed.problems:
        raise SourceError(file.problems + typed.problems)

    kind = _kinds(layer, study, file, findings)
    table = pd.DataFrame(
        {
            "id": _identities(layer, file),
            "kind": kind,
            "name": file.table[file.columns["name"].name].fillna(""),
            "file": layer.path.name,
            "row": file.table.index,
            **typed.columns,
        }
    ).astype(dict.fromkeys(TEXT_COLUMNS, "str"))
    kept = kind != ""
    xy = frame.to_metres(layer.datum, file.x[kept], file.y[kept])
    table = table[kept].reset_index(drop=True)
    need_metres(layer.path, frame, xy, table["row"].to_numpy())
    told = frozenset(file.columns) & {*ATTRIBUTES, *own}
    table["status"] = _status(layer, table, layer.as_of or study.as_of, findings)
    _note_unknown(layer, file, table, told, findings)
    columns = {role: column.name for role, column in file.columns.items()}
    return Facilities(table, xy, told, {layer.path.name: columns})


def _identities(layer: FacilityLayer, file: FacilityFile) -> pd.Series:
    """What the file calls its facilities, or else the file and the row of each."""
    if "id" in file.columns:
        return file.table[file.columns["id"].name].fillna("")
    return layer.path.stem + ":" + file.table.index.to_series().astype("str")


def _kinds(layer: FacilityLayer, study: Study, file: FacilityFile, findings: Findings) -> NDArray[np.object_]:
    """Kind of each row, empty where neither the study nor the taxonomy knows it.

    Raises
    ------
    SourceError
        If no row has a known kind.
    """
    if layer.kind is not None:
        return np.full(len(file.table), layer.kind, object)
    column = file.columns["kind" if "kind" in file.columns else "amap_typecode"].name
    text = file.table[column].fillna("").astype("str")
    if layer.kinds:
        kind = text.map(layer.kinds).fillna("").to_numpy(object)
    else:
        known = {value: study.taxonomy.kinds_of(value) for value in text.unique()}
        kind = text.map(lambda value: next(iter(known[value]), "")).to_numpy(object)
        several = text.map(lambda value: len(known[value]) > 1).to_numpy(bool)
        if several.any():
            at = Spot(int(file.table.index[several][0]), column, text[several].iloc[0])
            findings.note("kinds_of_one_place", layer.path, {"count": several.sum()}, at=at)
    counts = text[kind == ""].value_counts()
    if len(counts) and (kind == "").all():
        listed = ", ".join(f"'{value}'" for value in counts.index[:NAMED_KINDS])
        listed += " …" if len(counts) > NAMED_KINDS else ""
        raise SourceError(
            f"{layer.path}: column '{column}': {listed}: no value is a known kind; "
            "translate them with facilities.kinds, or add them to [kinds.NAME] names"
        )
    first = text[kind == ""].drop_duplicates()
    for row, value in first.items():
        findings.note("kind_not_listed", layer.path, {"count": int(counts[value])}, at=Spot(int(row), column, value))
    return kind


def _status(layer: FacilityLayer, table: pd.DataFrame, as_of: dt.date, findings: Findings) -> pd.Series:
    """Status on a day: a date of closing or opening decides where the column does not say that it is not open."""
    status = table["status"].astype(object).where(table["status"].notna(), None)
    running = ~status.isin(NOT_OPEN)
    status[running & (table["closed"] <= pd.Timestamp(as_of)).to_numpy(bool)] = "closed"
    status[running & (table["opened"] > pd.Timestamp(as_of)).to_numpy(bool)] = "planned"
    day = as_of.isoformat()
    for row, name in table.loc[status == "closed", ["row", "name"]].itertuples(index=False):
        findings.note("facility_closed", layer.path, {"as_of": day}, at=Spot(int(row), value=name))
    for row, name in table.loc[status == "under_construction", ["row", "name"]].itertuples(index=False):
        findings.note("facility_under_construction", layer.path, at=Spot(int(row), value=name))
    for row, name in table.loc[status == "planned", ["row", "name"]].itertuples(index=False):
        findings.note("facility_planned", layer.path, {"as_of": day}, at=Spot(int(row), value=name))
    return status.astype("category")


def _note_unknown(
    layer: FacilityLayer, file: FacilityFile, table: pd.DataFrame, told: frozenset[str], findings: Findings
) -> None:
    """Tell how many facilities of a kind lack a number that others of the kind have."""
    for name in sorted(told):
        if name in roles() and roles()[name].holds not in COUNTED:
            continue
        known = table[name].notna().groupby(table["kind"], sort=False).agg(["sum", "size"])
        for kind, some, count in known[(known["sum"] > 0) & (known["sum"] < known["size"])].itertuples():
            findings.note(
                "attribute_unknown",
                layer.path,
                {"unknown": count - some, "count": count, "kind": kind, "attribute": name},
                at=Spot(column=file.columns[name].name),
            )
