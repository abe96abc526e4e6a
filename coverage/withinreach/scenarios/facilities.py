"""Facilities that are opened, closed, resized and moved. Rows keep their place, so that what stays is found again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from withinreach.model import NOT_OPEN, Places
from withinreach.preparation.areas import assign_areas
from withinreach.preparation.frame import metric_frame, misplaced
from withinreach.preparation.snapping import snap_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Areas, Case, Network
    from withinreach.scenarios.document import Changes, Named
    from withinreach.study import Study

CLOSED = "closed"


class Ground(NamedTuple):
    """Where facilities are placed: the streets as the scenario has them, the areas, the study's CRS and snap cap."""

    study: Study
    network: Network
    areas: Areas


def facilities_of(case: Case, ground: Ground, scenario: Changes) -> tuple[Places, list[str]]:
    """The facilities after a scenario, and one line for every problem.

    New facilities stand below the others, in the order of the scenario, with the scenario's title as their file.
    """
    rows, problems = _rows(case.facilities.table, scenario)
    if problems:
        return case.facilities, problems
    places = case.facilities
    for number, (one, row) in enumerate(zip(scenario.move, rows["move"], strict=True), start=1):
        xy, more = positions(ground.study, scenario.datum, [one.to], f"move.{number}.to")
        problems += more
        places = places if more else _moved(places, ground, row, xy, f"move.{number}.to", problems)
    table = places.table.copy()
    table["status"] = _closed(table["status"], rows["close"])
    for number, (resizing, row) in enumerate(zip(scenario.resize, rows["resize"], strict=True), start=1):
        problems += _set_capacity(case, table, row, resizing.capacity, f"resize.{number}")
    opened, more = _opened(case, ground, scenario)
    if problems or more:
        return case.facilities, problems + more
    return _below(replace(places, table=table), opened), []


def positions(
    study: Study, datum: str, points: list[tuple[float, float]], where: str
) -> tuple[NDArray[np.float64], list[str]]:
    """Points of a scenario in metres, and one line if some cannot be in the datum."""
    x, y = np.array(points, np.float64).reshape(-1, 2).T
    wrong = misplaced(datum, x, y)
    xy = metric_frame(study.metric_crs).to_metres(datum, np.where(wrong, 0.0, x), np.where(wrong, 0.0, y))
    wrong |= ~np.isfinite(xy).all(axis=1)
    problems = [
        f"{where}: ({x[row]:g}, {y[row]:g}) is not a place in {datum}; correct it or the datum of the scenario"
        for row in np.flatnonzero(wrong)[:1]
    ]
    return xy, problems


def capacity_attributes(study: Study, kind: str) -> list[str]:
    """The attributes in which services count the places of a kind of facility."""
    within = study.taxonomy.within
    counted = [s.capacity for s in study.services.values() if s.capacity is not None and kind in within(s.kinds)]
    return list(dict.fromkeys(counted))


def _closed(status: pd.Series, rows: list[int]) -> pd.Series:
    """The status of all facilities after some have closed."""
    if not rows:
        return status
    after = status.cat.add_categories([] if CLOSED in status.cat.categories else [CLOSED])
    after.iloc[rows] = CLOSED
    return after


def _rows(table: pd.DataFrame, scenario: Changes) -> tuple[dict[str, list[int]], list[str]]:
    """The rows of the facilities that a scenario names, by what becomes of them, and what is wrong with the names."""
    rows: dict[str, list[int]] = {"close": [], "resize": [], "move": []}
    problems: list[str] = []
    for what, found in rows.items():
        for number, one in enumerate(getattr(scenario, what), start=1):
            row, problem = _row(table, one)
            problems += [f"{what}.{number}: {problem}"] if row is None else []
            found.extend([] if row is None else [row])
    return rows, problems


def _row(table: pd.DataFrame, one: Named) -> tuple[int | None, str]:
    """The row of a facility that a scenario names, or what is wrong with the name."""
    here = table["id"] == one.id
    here &= ~table["status"].isin(NOT_OPEN)
    if one.kind is not None:
        here &= table["kind"] == one.kind
    rows = np.flatnonzero(here.to_numpy())
    named = f"'{one.id}'" + (f" of kind '{one.kind}'" if one.kind is not None else "")
    if not len(rows):
        return None, f"no open facility with id {named} in the case; see the ids in its facilities"
    if len(rows) > 1:
        kinds = ", ".join(sorted(set(table["kind"].iloc[rows])))
        return None, f"id {named} stands {len(rows)} times (kinds: {kinds}); say which with kind"
    return int(rows[0]), ""


def _set_capacity(case: Case, table: pd.DataFrame, row: int, capacity: float, where: str) -> list[str]:
    kind = str(table["kind"].iloc[row])
    attributes = capacity_attributes(case.study, kind)
    for attribute in attributes:
        table.loc[row, attribute] = capacity
    return [] if attributes else [f"{where}.capacity: no service counts places of kind '{kind}'; remove it"]


def _moved(
    places: Places, ground: Ground, row: int, xy: NDArray[np.float64], where: str, problems: list[str]
) -> Places:
    """The same with one facility elsewhere."""
    new = _placed(places.table.iloc[[row]], ground, xy)
    problems += [] if new.snapped.all() else _off_street(ground, where)
    changed = {}
    for name in ("xy", "area", "segment", "offset_mm", "access_mm"):
        values = getattr(places, name).copy()
        values[row] = getattr(new, name)[0]
        changed[name] = values
    table = places.table.copy()
    for name in ("lon", "lat"):
        table.loc[row, name] = new.table[name].iloc[0]
    return Places(table=table, **changed)


def _opened(case: Case, ground: Ground, scenario: Changes) -> tuple[Places, list[str]]:
    """The new facilities alone."""
    problems: list[str] = []
    study = case.study
    # Registers judge kinds of facility that no service is about.
    counted = [kind for service in study.services.values() for kind in service.kinds]
    kinds = frozenset(study.taxonomy.kinds) if study.registers else study.taxonomy.within(counted)
    empty = pd.DataFrame(columns=case.facilities.table.columns).astype(case.facilities.table.dtypes)
    table = empty.reindex(range(len(scenario.open)))
    for row, one in enumerate(scenario.open):
        where = f"open.{row + 1}"
        if one.kind not in kinds:
            problems.append(f"{where}.kind: no service counts '{one.kind}'; the study has: {', '.join(sorted(kinds))}")
        table.loc[row, ["id", "kind", "name", "file"]] = [
            f"{scenario.title} {row + 1}",
            one.kind,
            one.name or scenario.title,
            scenario.title,
        ]
        if one.capacity is not None:
            problems += _set_capacity(case, table, row, one.capacity, where)
    table["row"] = np.arange(1, len(table) + 1)
    xy, more = positions(ground.study, scenario.datum, [one.at for one in scenario.open], "open.at")
    places = _placed(table.astype(case.facilities.table.dtypes), ground, xy)
    for row in np.flatnonzero(~places.snapped).tolist():
        problems += _off_street(ground, f"open.{row + 1}.at")
    return places, problems + more


def _off_street(ground: Ground, where: str) -> list[str]:
    return [f"{where}: no street within {ground.study.network.snap_cap_m:g} m; nobody could walk to it"]


def _placed(table: pd.DataFrame, ground: Ground, xy: NDArray[np.float64]) -> Places:
    lonlat = metric_frame(ground.study.metric_crs).to_lonlat(xy)
    segment, offset_mm, access_mm = snap_places(ground.network, xy, ground.study.network.snap_cap_m)
    return Places(
        table=table.assign(lon=lonlat[:, 0], lat=lonlat[:, 1]),
        xy=xy,
        area=assign_areas(ground.areas, xy),
        segment=segment,
        offset_mm=offset_mm,
        access_mm=access_mm,
    )


def _below(places: Places, more: Places) -> Places:
    if not len(more):
        return places
    return Places(
        table=pd.concat([places.table, more.table], ignore_index=True),
        **{
            name: np.concatenate([getattr(places, name), getattr(more, name)])
            for name in ("xy", "area", "segment", "offset_mm", "access_mm")
        },
    )
