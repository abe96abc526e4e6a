"""Where something could be opened: public buildings, a list, places on the streets, a grid. Never at random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from withinreach.errors import StudyError
from withinreach.model import NOT_OPEN, OUTSIDE_AREAS, Frozen, Places
from withinreach.preparation import facility_places, scope_of
from withinreach.preparation.facilities import Facilities, read_facilities
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import metric_frame
from withinreach.preparation.repairs import Repairs
from withinreach.sources.tables import TABLE_SUFFIXES, read_table
from withinreach.sources.vectors import read_layer
from withinreach.study import FacilityLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.siting.rules import Zones
    from withinreach.study import Service

HOW = "kinds, kinds:<kind>,<kind>, nodes:<metres>, grid:<metres>, or a file of places"
KIND = "candidate"
# Columns of a list of candidates that are read where it has them.
ATTRIBUTES = ("capacity", "cost")


@dataclass(frozen=True, slots=True, eq=False)
class Candidates(Frozen):
    """Places where a facility could be opened.

    Attributes
    ----------
    places : Places
        All of them meet the network. The table has id and name.
    capacity, cost : (n,) float64
        NaN where they tell none.
    origin : str
        Where they come from, in words.
    """

    places: Places
    capacity: NDArray[np.float64]
    cost: NDArray[np.float64]
    origin: str

    def __len__(self) -> int:
        return len(self.places)


def candidates_of(case: Case, service: Service, how: str) -> Candidates:
    """Candidates by a word.

    Parameters
    ----------
    how
        ``kinds``: existing buildings of all kinds that are not of the service, e.g. clinics and schools for a
        nursery; ``kinds:clinic,school``: of these. ``nodes:500``: places where streets meet or end, one in every
        square of 500 m. ``grid:500``: the middles of squares of 500 m in which people live. Otherwise a file with the
        columns id, name, lon, lat (WGS84; the usual other names are known), and perhaps capacity and cost.

    Raises
    ------
    StudyError
        If it is none of these, or there is no such place.
    """
    word, _, rest = how.partition(":")
    if word == "kinds":
        found = _buildings(case, service, tuple(kind for kind in rest.split(",") if kind))
    elif word in ("nodes", "grid"):
        found = (_nodes if word == "nodes" else _grid)(case, _metres(how, rest))
    elif Path(how).suffix:
        found = listed(case, _layer(Path(how)))
    else:
        raise StudyError(f"candidates '{how}' are not known; give {HOW}")
    if not len(found):
        raise StudyError(f"candidates '{how}': no such place meets the streets; give {HOW}")
    return found


def listed(case: Case, layer: FacilityLayer) -> Candidates:
    """The places of a table or layer, read like facilities; attributes ``capacity`` and ``cost`` count.

    Raises
    ------
    SourceError
        One line for every row that is wrong.
    """
    frame, findings = metric_frame(case.study.metric_crs), Findings()
    study = case.study.model_copy(update={"facilities": (layer,)})
    read = read_facilities(layer, study, Repairs(), frame, findings)
    places = facility_places(read, scope_of(case.areas, frame), case.network, case.study.network.snap_cap_m, frame)
    return _met(places, f"{len(places)} places of {layer.path.name}")


def outside_zones(case: Case, candidates: Candidates, zones: Zones) -> Candidates:
    """The candidates that no forbidden zone holds."""
    raw = read_layer(zones.path, zones.datum, kind="Polygon")
    shapes = metric_frame(case.study.metric_crs).geometries(zones.datum, raw.features.geometry.to_numpy())
    inside = np.unique(shapely.STRtree(shapes).query(shapely.points(candidates.places.xy), "intersects")[0])
    kept = np.setdiff1d(np.arange(len(candidates)), inside)
    told = f"{candidates.origin}, {len(inside)} of them in forbidden zones"
    return _taken(candidates, kept, told)


def inside_area(candidates: Candidates, area: int) -> Candidates:
    """The candidates in one area, by its row."""
    kept = np.flatnonzero(candidates.places.area == area)
    return _taken(candidates, kept, f"{candidates.origin}, {len(kept)} of them in the area")


def away_from(case: Case, candidates: Candidates, service: Service, metres: float) -> Candidates:
    """The candidates that are farther than this, straight, from every facility of a service."""
    standing = case.facilities.xy[case.facility_rows(service.kinds)]
    away_m, _ = (
        cKDTree(standing).query(candidates.places.xy) if len(standing) else (np.full(len(candidates), np.inf), 0)
    )
    kept = np.flatnonzero(away_m > metres)
    near = len(candidates) - len(kept)
    return _taken(candidates, kept, f"{candidates.origin}, {near} of them within {metres:g} m of an existing one")


def _buildings(case: Case, service: Service, kinds: tuple[str, ...]) -> Candidates:
    table = case.facilities.table
    open_ = ~table["status"].isin(NOT_OPEN)
    known = sorted(set(table.loc[open_, "kind"]) - case.study.taxonomy.within(service.kinds))
    unknown = [kind for kind in kinds if kind not in known]
    if unknown:
        raise StudyError(f"candidates: no facility of kind {', '.join(unknown)}; the case has: {', '.join(known)}")
    rows = case.facility_rows(kinds or tuple(known))
    told = f"{len(rows)} existing facilities ({', '.join(kinds or known)})"
    places = _rows_of(case.facilities, rows)
    nothing = np.full(len(rows), np.nan)
    return _met(
        Places(
            table=places.table[["id", "name", "lon", "lat"]].assign(capacity=nothing, cost=nothing),
            xy=places.xy,
            area=places.area,
            segment=places.segment,
            offset_mm=places.offset_mm,
            access_mm=places.access_mm,
        ),
        told,
    )


def _nodes(case: Case, step_m: float) -> Candidates:
    """In every square the node nearest to its middle, of those on segments that places may meet."""
    network = case.network
    usable = np.unique(np.concatenate([network.tail[~network.steps], network.head[~network.steps]]))
    square, middle = _squares(network.xy[usable], step_m)
    away = np.hypot(*(network.xy[usable] - middle).T)
    order = np.lexsort((usable, away, square))
    first = np.ones(len(order), bool)
    first[1:] = square[order[1:]] != square[order[:-1]]
    return _unnamed(case, network.xy[usable[order[first]]], f"places where streets meet, one per {step_m:g} m square")


def _grid(case: Case, step_m: float) -> Candidates:
    square, middle = _squares(case.people.xy, step_m)
    _, first = np.unique(square, return_index=True)
    return _unnamed(case, middle[first], f"middles of inhabited squares of {step_m:g} m")


def _squares(xy: NDArray[np.float64], step_m: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The square of each point, numbered from west to east and south to north, and its middle."""
    column, row = np.floor(xy / step_m).astype(np.int64).T
    number = (row - row.min()) * (int(column.max() - column.min()) + 1) + column - column.min()
    return number, (np.column_stack([column, row]) + 0.5) * step_m


def _unnamed(case: Case, xy: NDArray[np.float64], what: str) -> Candidates:
    names = [f"{east:.0f} E {north:.0f} N" for east, north in xy]
    table = pd.DataFrame({"id": names, "name": names, "capacity": np.nan, "cost": np.nan})
    frame = metric_frame(case.study.metric_crs)
    unread = Facilities(table, xy, told=frozenset(), columns={})
    places = facility_places(unread, scope_of(case.areas, frame), case.network, case.study.network.snap_cap_m, frame)
    inside = np.flatnonzero(places.area != OUTSIDE_AREAS)
    return _met(_rows_of(places, inside), f"{len(inside)} {what}")


def _metres(how: str, text: str) -> float:
    try:
        step_m = float(text)
    except ValueError:
        step_m = 0.0
    if not 0 < step_m < np.inf:
        raise StudyError(f"candidates '{how}': give the metres, e.g. {how.partition(':')[0]}:500")
    return step_m


def _layer(path: Path) -> FacilityLayer:
    """A list of candidates in columns of the usual names."""
    if path.suffix.lower() in TABLE_SUFFIXES:
        columns = list(read_table(path, ATTRIBUTES).rows.columns)
    else:
        columns = list(read_layer(path, "wgs84", kind="Point").features.columns)
    attributes = {name: name for name in ATTRIBUTES if name in columns}
    return FacilityLayer(path=path, datum="wgs84", kind=KIND, attributes=attributes)


def _met(places: Places, origin: str) -> Candidates:
    """Those that meet the streets, with what they tell of themselves."""
    rows = np.flatnonzero(places.snapped)
    lost = len(places) - len(rows)
    met = _rows_of(places, rows)
    capacity, cost = (
        met.table[name].to_numpy(np.float64) if name in met.table else np.full(len(met), np.nan) for name in ATTRIBUTES
    )
    return Candidates(met, capacity, cost, f"{origin}, {lost} of them off the streets" if lost else origin)


def _taken(candidates: Candidates, rows: NDArray[np.integer], origin: str) -> Candidates:
    return Candidates(_rows_of(candidates.places, rows), candidates.capacity[rows], candidates.cost[rows], origin)


def _rows_of(places: Places, rows: NDArray[np.integer]) -> Places:
    return Places(
        table=places.table.iloc[rows].reset_index(drop=True),
        xy=places.xy[rows],
        area=places.area[rows],
        segment=places.segment[rows],
        offset_mm=places.offset_mm[rows],
        access_mm=places.access_mm[rows],
    )
