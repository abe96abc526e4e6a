"""How withinreach solves the tasks: public kernels, their checks of the arguments included in what is timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.cases import CUTOFF_MM, SPEED_MM_S
from benchmarks.contender import Answer, Contender, pairs, per_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.cases import City

NAME = "withinreach"


def with_none(mm: NDArray[np.int64]) -> NDArray[np.float64]:
    """Millimetres as floats, inf where there is no way; exact up to 2**53 mm."""
    from withinreach.kernels.nearest import UNREACHED

    return np.where(mm == UNREACHED, np.inf, mm)


def nothing(_city: City) -> None:
    """No precomputation: the arrays of the network are what the kernels take."""


def _seeds_on_nodes(city: City) -> Any:
    from withinreach.kernels.nearest import Seeds

    rows = np.arange(len(city.facility_node), dtype=np.int32)
    return Seeds(city.facility_node, np.zeros(len(rows), np.int64), rows)


def nearest(_graph: None, city: City) -> Any:
    from withinreach.kernels.nearest import nearest_to_nodes

    return nearest_to_nodes(city.arc_ptr, city.arc_head, city.arc_mm, _seeds_on_nodes(city))


def nearest_cut(_graph: None, city: City) -> Any:
    from withinreach.kernels.nearest import nearest_to_nodes

    return nearest_to_nodes(city.arc_ptr, city.arc_head, city.arc_mm, _seeds_on_nodes(city), CUTOFF_MM)


def nearest_places(_graph: None, city: City) -> Any:
    from withinreach.kernels.nearest import Spots, level_segments, nearest_to_nodes, nearest_to_places, seeds_of

    segments = level_segments(city.tail, city.head, city.length_mm)
    facilities = Spots(city.facility_segment, city.facility_offset_mm, city.facility_access_mm)
    rows = np.arange(len(city.facility_segment), dtype=np.int32)
    nodes = nearest_to_nodes(city.arc_ptr, city.arc_head, city.arc_mm, seeds_of(segments, facilities, rows))
    cells = Spots(city.cell_segment, city.cell_offset_mm, city.cell_access_mm)
    return nearest_to_places(segments, nodes, facilities, rows, cells)


def snap(_graph: None, city: City) -> Any:
    from withinreach.kernels.snap import snap_points

    return snap_points(city.vertex_ptr, city.vertex_xy, city.cell_xy, city.snap_cap_m)


def market(city: City) -> Any:
    """Cells within the cutoff of facilities, found before; people and places are invented, 1 to 100 and 10 to 99."""
    from withinreach.kernels.nearest import Segments, Spots, seeds_of
    from withinreach.kernels.search import Arcs
    from withinreach.kernels.within import nodes_within, places_within
    from withinreach.measures.market import Market

    segments = Segments(city.tail, city.head, city.length_mm, city.length_mm, city.length_mm)
    facilities = Spots(city.facility_segment, city.facility_offset_mm, city.facility_access_mm)
    rows = np.arange(len(city.facility_segment), dtype=np.int32)
    arcs = Arcs(city.arc_ptr, city.arc_head, city.arc_mm)
    nodes = nodes_within(arcs, seeds_of(segments, facilities, rows), len(rows), CUTOFF_MM)
    cells = Spots(city.cell_segment, city.cell_offset_mm, city.cell_access_mm)
    found = places_within(segments, nodes, facilities, rows, cells, CUTOFF_MM)
    return Market(
        rows=rows,
        capacity=(10 + np.arange(len(rows)) * 7 % 90).astype(np.float64),
        people=(1 + np.arange(len(city.cell_xy)) * 37 % 100).astype(np.float64),
        cell=found.place,
        facility=np.repeat(rows, np.diff(found.ptr)),
        seconds=found.mm / SPEED_MM_S,
        known=1.0,
    )


def floating(given: Any, _city: City) -> Any:
    from withinreach.measures.decay import Stepped
    from withinreach.measures.floating import two_step

    return two_step(given, Stepped.thirds(CUTOFF_MM / SPEED_MM_S))


def within(_graph: None, city: City) -> Any:
    from withinreach.kernels.nearest import Seeds
    from withinreach.kernels.search import Arcs
    from withinreach.kernels.within import nodes_within

    node = city.sources.astype(np.int32)
    seeds = Seeds(node, np.zeros(len(node), np.int64), np.arange(len(node), dtype=np.int32))
    return nodes_within(Arcs(city.arc_ptr, city.arc_head, city.arc_mm), seeds, len(node), CUTOFF_MM)


def _nearest_answer(found: Any, _city: City) -> Answer:
    return per_row(with_none(found.mm))


def _snap_answer(found: Any, _city: City) -> Answer:
    return per_row(found.distance_m)


def _within_answer(found: Any, city: City) -> Answer:
    return pairs(np.repeat(np.arange(len(found.ptr) - 1), np.diff(found.ptr)), found.node, found.mm, city)


NEAREST = Contender(name=NAME, library=NAME, graph=nothing, run=nearest, answer=_nearest_answer)
NEAREST_CUT = Contender(name=NAME, library=NAME, graph=nothing, run=nearest_cut, answer=_nearest_answer)
SNAP = Contender(name=NAME, library=NAME, graph=nothing, run=snap, answer=_snap_answer)
PLACES = Contender(name=NAME, library=NAME, graph=nothing, run=nearest_places, answer=_nearest_answer)
FLOATING = Contender(
    name=NAME, library=NAME, graph=market, run=floating, answer=lambda access, _: per_row(access.score)
)
WITHIN = Contender(name=NAME, library=NAME, graph=nothing, run=within, answer=_within_answer)
