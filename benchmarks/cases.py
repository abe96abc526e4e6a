"""The cities that every contender works on: arrays, so that nobody reads files or projects coordinates while timed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.model import Case

CUTOFF_MM = 1_250_000  # 15 minutes at 5 km/h
SPEED_MM_S = CUTOFF_MM / 900
COPIES = 10
GAP_M = 10_000.0


@dataclass(frozen=True, slots=True, eq=False)
class City:
    """Streets, facilities and cells. Every facility is snapped; cells are kept where they are not.

    ``n`` nodes, ``a`` arcs (no parallel ones, no loops), ``s`` segments, ``v`` vertices, ``f`` facilities, ``k`` cells.

    Attributes
    ----------
    name : str
        How options and files call it.
    title : str
    arc_ptr : (n + 1,) int64
    arc_head : (a,) int32
    arc_mm : (a,) int64
    xy : (n, 2) float64
    tail, head : (s,) int32
    length_mm : (s,) int64
    vertex_ptr : (s + 1,) int64
    vertex_xy : (v, 2) float64
    facility_node : (f,) int32
        The nearest node, for tasks in which facilities stand on nodes.
    facility_segment, facility_offset_mm, facility_access_mm : (f,)
    cell_xy : (k, 2) float64
    cell_segment, cell_offset_mm, cell_access_mm : (k,)
    snap_cap_m : float
    copies : int
        How many times the same city lies side by side.
    """

    name: str
    title: str
    arc_ptr: NDArray[np.int64]
    arc_head: NDArray[np.int32]
    arc_mm: NDArray[np.int64]
    xy: NDArray[np.float64]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_mm: NDArray[np.int64]
    vertex_ptr: NDArray[np.int64]
    vertex_xy: NDArray[np.float64]
    facility_node: NDArray[np.int32]
    facility_segment: NDArray[np.int32]
    facility_offset_mm: NDArray[np.int64]
    facility_access_mm: NDArray[np.int64]
    cell_xy: NDArray[np.float64]
    cell_segment: NDArray[np.int32]
    cell_offset_mm: NDArray[np.int64]
    cell_access_mm: NDArray[np.int64]
    snap_cap_m: float
    copies: int = 1

    @property
    def n_nodes(self) -> int:
        return len(self.xy)

    @property
    def sources(self) -> NDArray[np.int64]:
        """Nodes with a facility, each once, ascending."""
        return np.unique(self.facility_node).astype(np.int64)

    @property
    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Every arc in one direction: start, end and length in mm; what undirected graphs are built from."""
        start = np.repeat(np.arange(self.n_nodes), np.diff(self.arc_ptr))
        up = start < self.arc_head
        return start[up], self.arc_head[up].astype(np.int64), self.arc_mm[up]


def city_of(case: Case, name: str, title: str) -> City:
    """Take the arrays of a prepared case; facilities that do not meet the network are left out for everybody."""
    from scipy.spatial import cKDTree

    network, people = case.network, case.people
    rows = np.flatnonzero(case.facilities.snapped)
    _, node = cKDTree(network.xy).query(case.facilities.xy[rows])
    return City(
        name=name,
        title=title,
        arc_ptr=network.arc_ptr,
        arc_head=network.arc_head,
        arc_mm=network.arc_mm,
        xy=network.xy,
        tail=network.tail,
        head=network.head,
        length_mm=network.length_mm,
        vertex_ptr=network.vertex_ptr,
        vertex_xy=network.vertex_xy,
        facility_node=node.astype(np.int32),
        facility_segment=case.facilities.segment[rows],
        facility_offset_mm=case.facilities.offset_mm[rows],
        facility_access_mm=case.facilities.access_mm[rows],
        cell_xy=people.xy,
        cell_segment=people.segment,
        cell_offset_mm=people.offset_mm,
        cell_access_mm=people.access_mm,
        snap_cap_m=case.study.network.snap_cap_m,
    )


def side_by_side(city: City, name: str, copies: int = COPIES) -> City:
    """The same city several times from west to east, as one network; the copies are not joined by streets."""
    shift = (city.vertex_xy[:, 0].max() - city.vertex_xy[:, 0].min() + GAP_M) * np.arange(copies)
    n, s, a, v = city.n_nodes, len(city.tail), len(city.arc_head), len(city.vertex_xy)
    cell_segment = _numbered(city.cell_segment, s, copies)
    cell_segment[np.tile(city.cell_segment < 0, copies)] = -1
    return City(
        name=name,
        title=f"{city.title}, {copies} times side by side",
        arc_ptr=_pointers(city.arc_ptr, a, copies),
        arc_head=_numbered(city.arc_head, n, copies),
        arc_mm=np.tile(city.arc_mm, copies),
        xy=_shifted(city.xy, shift),
        tail=_numbered(city.tail, n, copies),
        head=_numbered(city.head, n, copies),
        length_mm=np.tile(city.length_mm, copies),
        vertex_ptr=_pointers(city.vertex_ptr, v, copies),
        vertex_xy=_shifted(city.vertex_xy, shift),
        facility_node=_numbered(city.facility_node, n, copies),
        facility_segment=_numbered(city.facility_segment, s, copies),
        facility_offset_mm=np.tile(city.facility_offset_mm, copies),
        facility_access_mm=np.tile(city.facility_access_mm, copies),
        cell_xy=_shifted(city.cell_xy, shift),
        cell_segment=cell_segment,
        cell_offset_mm=np.tile(city.cell_offset_mm, copies),
        cell_access_mm=np.tile(city.cell_access_mm, copies),
        snap_cap_m=city.snap_cap_m,
        copies=copies,
    )


def save_city(city: City, path: Path) -> None:
    """Write the arrays for the fresh processes in which memory is measured."""
    arrays: dict[str, Any] = {field.name: np.asarray(getattr(city, field.name)) for field in fields(City)}
    np.savez(path, **arrays)


def load_city(path: Path) -> City:
    with np.load(path, allow_pickle=False) as archive:
        values = {field.name: archive[field.name] for field in fields(City)}
    plain = {name: values.pop(name).item() for name in ("name", "title", "snap_cap_m", "copies")}
    return City(**values, **plain)


def _pointers(ptr: NDArray[np.int64], entries: int, copies: int) -> NDArray[np.int64]:
    inner = (ptr[:-1] + entries * np.arange(copies)[:, None]).reshape(-1)
    return np.append(inner, entries * copies)


def _numbered(index: NDArray[np.int32], count: int, copies: int) -> NDArray[np.int32]:
    return (index + count * np.arange(copies, dtype=np.int32)[:, None]).astype(np.int32).reshape(-1)


def _shifted(xy: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    copies = np.tile(xy, (len(shift), 1))
    copies[:, 0] += np.repeat(shift, len(xy))
    return copies
