"""Parts on disk -> the publication of the whole, or of one county with what lies around it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from withinreach.analysis import Result
from withinreach.batch.frames import read_frame
from withinreach.batch.parts import OURS, REACH_ARRAYS, SUMMARY
from withinreach.errors import SourceError
from withinreach.exports.disclosure.tables import Tables
from withinreach.exports.geodata import Grounds, isochrones_of
from withinreach.model import NO_SEGMENT, Areas, Audit, Case, Network, Places, UnitList
from withinreach.publishing import NO_WALKS, Material, Publication, every_walk, facility_register
from withinreach.reach import Reach
from withinreach.standards import Judgement, Register
from withinreach.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.batch.frames import Bounds

    Rows = NDArray[np.int32]

NOBODY = -1
# Places stand on streets within the snap cap; positions on them are rounded to the millimetre.
MARGIN_M = 1.0


def read_summary(folder: Path, name: str = SUMMARY) -> dict[str, Any] | None:
    """What parts say of themselves: study, counties with their cells and bounds, key; None where there are none.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    path = folder / name
    if not path.is_file():
        return None
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read ({error}); remove it, and make the parts anew") from None
    return summary


def read_whole(folder: Path) -> Publication:
    """All that was written, as it was, but for isochrones, which only counties have."""
    return _publication(_parts_in(folder), None)


def read_county(folder: Path, code: str) -> Publication:
    """One county with what lies around it: figures, ways and grounds are those of the whole, to the last bit.

    With R, how far people may walk on the page of a county: cells within 2 R of the county, facilities and streets
    within 3 R. So everybody is there who shares a facility with somebody of the county, and everything that these can
    walk to in time. Facilities farther away that are nearest to somebody are there, too, but have no street. Areas,
    totals, ledgers, targets, loads, intervals and audit are those of the whole. Rows of places are those of the part;
    listed units and grounds are the county's only.

    Raises
    ------
    SourceError
        If there are no parts, or one is missing or damaged.
    StudyError
        If there is no such area.
    """
    parts = _parts_in(folder)
    (row,) = Areas(parts.frame("areas")).rows_of([code])
    return _publication(parts, row)


@dataclass(frozen=True)
class _Parts:
    """A folder of parts."""

    folder: Path
    summary: Mapping[str, Any]
    study: Study

    def frame(
        self, name: str, bounds: Bounds | None = None, only: Sequence[tuple[str, str, object]] | None = None
    ) -> Any:
        path = self.folder / f"{name}.parquet"
        try:
            return read_frame(path, bounds, only)
        except (OSError, ValueError) as error:
            raise SourceError(f"{path}: cannot be read ({error}); make the parts anew") from error

    def places(self, name: str, bounds: Bounds | None) -> gpd.GeoDataFrame:
        """Places in the order of the whole."""
        return self.frame(name, bounds).sort_values(f"{OURS}row", ignore_index=True)

    def around(self, row: int | None, more_m: float) -> Bounds | None:
        """The rectangle of a county and so many metres more; none for the whole."""
        if row is None:
            return None
        west, south, east, north = self.summary["counties"][row]["bounds"]
        return west - more_m, south - more_m, east + more_m, north + more_m


def _parts_in(folder: Path) -> _Parts:
    summary = read_summary(folder)
    if summary is None:
        raise SourceError(f"{folder}: holds no parts; write them with `withinreach partition`")
    return _Parts(folder, summary, Study.model_validate(summary["study"]))


def _publication(parts: _Parts, row: int | None) -> Publication:
    reach_m = parts.summary["reach_m"]
    streets = parts.frame("streets", parts.around(row, 3 * reach_m + parts.study.network.snap_cap_m + MARGIN_M))
    streets = streets.sort_values("row", ignore_index=True)
    segments = streets["row"].to_numpy()
    cells = parts.places("cells", parts.around(row, 2 * reach_m))
    facilities = _facilities(parts, parts.around(row, 3 * reach_m), cells)
    listed = {level: _of_area(parts.places(f"units-{level}", None), row) for level in parts.summary["units"]}
    units = {level: _unit_list(parts, level, frame, segments) for level, frame in listed.items()}
    case = Case(
        study=parts.study,
        network=_network(streets),
        facilities=_placed(facilities, segments),
        people=_placed(cells, segments),
        areas=Areas(parts.frame("areas")),
        water=parts.frame("water", parts.around(row, reach_m)).reset_index(drop=True),
        cell_size_m=tuple(parts.summary["cell_size_m"]),
        audit=Audit(*(parts.frame(name) for name in ("findings", "accounts", "factors", "masked"))),
        units=units,
        statistics=parts.frame("statistics"),
    )
    number = facilities[f"{OURS}row"].to_numpy()
    own = np.zeros(0, np.int64) if row is None else np.flatnonzero(case.facilities.area == row)
    catchments = _of_area(parts.frame("catchments"), row).drop(columns=f"{OURS}area")
    judgement = Judgement(
        registers=tuple(Register.model_validate(register) for register in parts.summary["registers"]),
        table=parts.frame("targets"),
        unused=tuple(parts.summary["unused"]),
        language=parts.study.language,
    )
    material = Material(
        result=_result(parts, case, cells, listed, number),
        tables=Tables(
            **{name: parts.frame(name) for name in ("coverage", "townships", "ledger", "loads", "factors", "findings")},
            register=facility_register(case),
            judgement=judgement,
        ),
        grounds=Grounds(
            isochrones_of(case, own),
            catchments.assign(facility=np.searchsorted(number, catchments["facility"]).astype(np.int32)),
        ),
        walks=NO_WALKS if row is None else every_walk(case),
        intervals=parts.frame("intervals"),
        manifest=parts.summary["manifest"],
    )
    return Publication.made_of(material)


def _facilities(parts: _Parts, bounds: Bounds | None, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The facilities within bounds, and from beyond, without a street, those that are nearest to some cell."""
    near = parts.places("facilities", bounds)
    nearest = [cells[name].to_numpy() for name in cells.columns if name.startswith(OURS) and name.endswith(":nearest")]
    row, segment = f"{OURS}row", f"{OURS}segment"
    far = np.setdiff1d(np.unique(np.concatenate(nearest)), np.append(near[row], NOBODY))
    if not len(far):
        return near
    beyond = parts.frame("facilities", only=[(row, "in", far.tolist())]).assign(**{segment: np.int32(NO_SEGMENT)})
    return pd.concat([near, beyond]).sort_values(row, ignore_index=True)


def _of_area(frame: Any, row: int | None) -> Any:
    """Rows that count for an area, all of them for the whole."""
    column = f"{OURS}area"
    return frame if row is None else frame[frame[column] == row].reset_index(drop=True)


def _network(streets: gpd.GeoDataFrame) -> Network:
    """Segments in their order, with the nodes at their ends in the order of these in the whole."""
    _, vertex_xy, (vertex_ptr,) = shapely.to_ragged_array(streets.geometry.to_numpy())
    ends = np.concatenate([streets["tail"], streets["head"]])
    _, first, node = np.unique(ends, return_index=True, return_inverse=True)
    xy = np.concatenate([streets[[f"{end}_x", f"{end}_y"]].to_numpy() for end in ("tail", "head")])[first]
    tail, head = np.split(node.astype(np.int32), 2)
    return Network(
        xy=xy,
        tail=tail,
        head=head,
        length_mm=streets["length_mm"].to_numpy(copy=True),
        vertex_ptr=vertex_ptr.astype(np.int64),
        vertex_xy=vertex_xy,
        arc_ptr=np.zeros(len(xy) + 1, np.int64),
        arc_head=np.zeros(0, np.int32),
        arc_mm=np.zeros(0, np.int64),
        component=np.zeros(len(xy), np.int32),
        steps=streets["steps"].to_numpy(copy=True),
        crossing=streets["crossing"].to_numpy(copy=True),
        uphill=np.stack([streets["uphill_forward"], streets["uphill_backward"]]),
    ).with_arcs()


def _placed(frame: gpd.GeoDataFrame, segments: Rows) -> Places:
    """Places on the streets that were read, which are rows ``segments`` of the whole."""
    whole = frame[f"{OURS}segment"].to_numpy()
    met = whole != NO_SEGMENT
    at = np.searchsorted(segments, whole[met])
    if not np.array_equal(segments[np.minimum(at, len(segments) - 1)] if len(segments) else at - 1, whole[met]):
        raise AssertionError("a place was read without its street")
    segment = np.full(len(frame), NO_SEGMENT, np.int32)
    segment[met] = at
    table = pd.DataFrame(frame[[name for name in frame.columns if not name.startswith(OURS) and name != "geometry"]])
    return Places(
        table=table,
        xy=shapely.get_coordinates(frame.geometry.to_numpy()),
        area=frame[f"{OURS}area"].to_numpy(copy=True),
        segment=segment,
        offset_mm=frame[f"{OURS}offset_mm"].to_numpy(copy=True),
        access_mm=frame[f"{OURS}access_mm"].to_numpy(copy=True),
    )


def _unit_list(parts: _Parts, level: str, frame: gpd.GeoDataFrame, segments: Rows) -> UnitList:
    polygons = None
    if level in parts.summary["polygons"]:
        table = parts.frame(f"polygons-{level}").iloc[frame[f"{OURS}row"]].reset_index(drop=True)
        polygons = Areas(table)
    return UnitList(_placed(frame, segments), polygons, parts.summary["units"][level])


def _result(
    parts: _Parts, case: Case, cells: gpd.GeoDataFrame, listed: Mapping[str, gpd.GeoDataFrame], facilities: Rows
) -> Result:
    """What was found for the places of a part; ``facilities`` are their rows in the whole."""
    services = parts.study.services

    def reach(kind: str, name: str) -> Reach:
        arrays = {array: cells[f"{OURS}{kind}:{name}:{array}"].to_numpy(copy=True) for array in REACH_ARRAYS}
        seconds = {level: frame[f"{OURS}{name}:seconds"].to_numpy(copy=True) for level, frame in listed.items()}
        arrays["nearest"] = _numbered(arrays["nearest"], facilities)
        return Reach(service=services[name], **arrays, unit_seconds=seconds if kind == "reach" else {})

    totals = parts.frame("totals")
    return Result(
        case=case,
        reaches=MappingProxyType({name: reach("reach", name) for name in services}),
        own_reaches=MappingProxyType({name: reach("own", name) for name in services}),
        tables=MappingProxyType({name: parts.frame(f"table-{name}") for name in services}),
        totals=MappingProxyType({name: totals[name] for name in services}),
        ledgers=MappingProxyType({name: parts.frame(f"ledger-{name}") for name in services}),
    )


def _numbered(nearest: Rows, facilities: Rows) -> Rows:
    """Rows of the whole as rows of the part; -1 for those that are not in it, who are nobody's in time."""
    at = np.searchsorted(facilities, nearest)
    known = np.append(facilities, NOBODY)[at] == nearest
    return np.where(known & (nearest != NOBODY), at, NOBODY).astype(np.int32)
