"""Links that are added and streets that are blocked: another network, with everybody where they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.model import NO_SEGMENT, whole_mm_up
from withinreach.preparation.snapping import snap_places
from withinreach.scenarios.facilities import positions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from withinreach.model import Network, Places, UnitList
    from withinreach.scenarios.document import Changes
    from withinreach.study import Study


class Streets(NamedTuple):
    """A network, and the facilities, people and listed units on it."""

    network: Network
    facilities: Places
    people: Places
    units: Mapping[str, UnitList]

    def with_places(self, network: Network, moved: Callable[[Places], Places]) -> Streets:
        """Another network, with all places on it."""
        units = {level: replace(listed, places=moved(listed.places)) for level, listed in self.units.items()}
        return Streets(network, moved(self.facilities), moved(self.people), units)


class Way(NamedTuple):
    """A link between two places on streets.

    Attributes
    ----------
    segment : (int, int)
        The streets at its two ends.
    offset_mm : (int, int)
        Where on them.
    xy : (v, 2) float64
        Its line from the one to the other, metres.
    crossing : bool
    """

    segment: tuple[int, int]
    offset_mm: tuple[int, int]
    xy: NDArray[np.float64]
    crossing: bool


def streets_of(streets: Streets, study: Study, scenario: Changes) -> tuple[Streets, list[str]]:
    """The streets after a scenario, and one line for every problem."""
    ways: list[Way] = []
    problems: list[str] = []
    for number, link in enumerate(scenario.link, start=1):
        xy, more = positions(study, scenario.datum, list(link.line), f"link.{number}.line")
        problems += more
        if not more:
            way = way_between(streets.network, xy, study.network.snap_cap_m, crossing=link.crossing)
            ways += [] if way is None else [way]
            problems += [] if way is not None else [f"link.{number}.line: an end has no street near; {_far(study)}"]
    blocked: list[int] = []
    for number, one in enumerate(scenario.block, start=1):
        xy, more = positions(study, scenario.datum, [one.at], f"block.{number}.at")
        segment = snap_places(streets.network, xy, study.network.snap_cap_m)[0][0]
        lost = not more and segment == NO_SEGMENT
        problems += [*more, *([f"block.{number}.at: no street near; {_far(study)}"] if lost else [])]
        blocked.append(int(segment))
    if problems:
        return streets, problems
    if blocked:
        # Links meet what is left, as the blocked street is no place to come from.
        streets = without(streets, np.array(blocked), study.network.snap_cap_m)
        again = [way_between(streets.network, way.xy, study.network.snap_cap_m, crossing=way.crossing) for way in ways]
        problems = [
            f"link.{number}.line: an end is on a street that is blocked, and no other is near; {_far(study)}"
            for number, way in enumerate(again, start=1)
            if way is None
        ]
        ways = [way for way in again if way is not None]
    return (linked(streets, ways) if ways and not problems else streets), problems


def _far(study: Study) -> str:
    return f"streets count up to {study.network.snap_cap_m:g} m away (network.snap_cap_m)"


def way_between(network: Network, xy: NDArray[np.float64], cap_m: float, *, crossing: bool) -> Way | None:
    """A drawn line as a link: its ends move to the nearest streets. None where one has no street within the cap."""
    ends = xy[[0, -1]]
    segment, offset_mm, _ = snap_places(network, ends, cap_m)
    if (segment == NO_SEGMENT).any():
        return None
    feet = [network.point_on(int(s), int(o)) for s, o in zip(segment, offset_mm, strict=True)]
    line = np.vstack([feet[:1], xy[1:-1], feet[1:]])
    return Way((int(segment[0]), int(segment[1])), (int(offset_mm[0]), int(offset_mm[1])), line, crossing)


def without(streets: Streets, blocked: NDArray[np.integer], cap_m: float) -> Streets:
    """The streets without some; whoever was on one of these goes to the nearest that is left."""
    kept = np.setdiff1d(np.arange(streets.network.n_segments), blocked)
    network = streets.network.part(kept)
    number = np.full(streets.network.n_segments + 1, NO_SEGMENT, np.int32)  # the last one stands for -1, no segment
    number[kept] = np.arange(len(kept), dtype=np.int32)

    def again(places: Places) -> Places:
        lost = np.isin(places.segment, blocked)
        found = snap_places(network, places.xy[lost], cap_m)
        segment, offset_mm, access_mm = number[places.segment], places.offset_mm.copy(), places.access_mm.copy()
        segment[lost], offset_mm[lost], access_mm[lost] = found
        return replace(places, segment=segment, offset_mm=offset_mm, access_mm=access_mm)

    return streets.with_places(network, again)


class _Cuts(NamedTuple):
    """Pieces of the segments that links meet inside.

    Attributes
    ----------
    place : (c, 2) int64
        Segment and offset of each cut, ascending and each once.
    xy : (c, 2) float64
        Where it is, metres.
    lines : list of (v, 2) float64
        Vertices of each piece but the first of its segment, which are those behind each cut.
    heads : mapping from segment to (v, 2) float64
        Vertices of its first piece.
    """

    place: NDArray[np.int64]
    xy: NDArray[np.float64]
    lines: list[NDArray[np.float64]]
    heads: dict[int, NDArray[np.float64]]


def linked(streets: Streets, ways: list[Way]) -> Streets:
    """The streets with links: segments are cut where links meet them, and everybody stays where they were.

    The first piece of a cut segment keeps its row; the others and the links follow below, and so do the new nodes.
    """
    network = streets.network
    ends = np.array([end for way in ways for end in zip(way.segment, way.offset_mm, strict=True)], np.int64)
    cuts = _cuts(network, ends)
    segment, offset_mm = cuts.place.T
    s, n = network.n_segments, network.n_nodes
    first = np.ones(len(segment), bool)
    first[1:] = segment[1:] != segment[:-1]
    last = np.append(first[1:], True)
    cut_node = np.arange(n, n + len(segment))
    behind = np.where(last, network.head[segment], np.append(cut_node[1:], 0))
    until_mm = np.where(last, network.length_mm[segment], np.append(offset_mm[1:], 0))
    head, length_mm = network.head.copy(), network.length_mm.copy()
    head[segment[first]] = cut_node[first]
    length_mm[segment[first]] = offset_mm[first]
    node = _nodes(network, cuts, ends)
    link_mm = whole_mm_up(np.array([np.hypot(*np.diff(way.xy, axis=0).T).sum() for way in ways]))
    vertex_ptr, vertex_xy = _vertices(network, cuts, ways)
    grown = replace(
        network,
        xy=np.vstack([network.xy, cuts.xy]),
        tail=np.concatenate([network.tail, cut_node, node[::2]]).astype(np.int32),
        head=np.concatenate([head, behind, node[1::2]]).astype(np.int32),
        length_mm=np.concatenate([length_mm, until_mm - offset_mm, link_mm]),
        vertex_ptr=vertex_ptr,
        vertex_xy=vertex_xy,
        steps=np.concatenate([network.steps, network.steps[segment], np.zeros(len(ways), bool)]),
        crossing=np.concatenate([network.crossing, network.crossing[segment], [way.crossing for way in ways]]),
        uphill=np.hstack([network.uphill, network.uphill[:, segment], np.ones((2, len(ways)))]),
    ).with_arcs()

    def stay(places: Places) -> Places:
        at, where = places.segment.copy(), places.offset_mm.copy()
        for row in np.flatnonzero(np.isin(places.segment, segment)):
            here = np.flatnonzero((segment == places.segment[row]) & (offset_mm < places.offset_mm[row]))
            if len(here):
                at[row], where[row] = s + here[-1], places.offset_mm[row] - offset_mm[here[-1]]
        return replace(places, segment=at, offset_mm=where)

    return streets.with_places(grown, stay)


def _cuts(network: Network, ends: NDArray[np.int64]) -> _Cuts:
    inside = (ends[:, 1] > 0) & (ends[:, 1] < network.length_mm[ends[:, 0]])
    place = np.unique(ends[inside], axis=0)
    xy, lines = np.zeros((len(place), 2)), []
    heads: dict[int, NDArray[np.float64]] = {}
    for row, (segment, offset_mm) in enumerate(place.tolist()):
        xy[row] = network.point_on(segment, offset_mm)
        start = place[row - 1, 1] if row and place[row - 1, 0] == segment else 0
        stop = place[row + 1, 1] if row + 1 < len(place) and place[row + 1, 0] == segment else None
        if not start:
            heads[segment] = network.line_between(segment, 0, offset_mm)
        lines.append(
            network.line_between(segment, offset_mm, int(network.length_mm[segment]) if stop is None else int(stop))
        )
    return _Cuts(place, xy, lines, heads)


def _nodes(network: Network, cuts: _Cuts, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The node at each end of the links."""
    segment, offset_mm = ends.T
    node = np.where(offset_mm == 0, network.tail[segment], network.head[segment]).astype(np.int64)
    for row, end in enumerate(ends):
        here = np.flatnonzero((cuts.place == end).all(axis=1))
        if len(here):
            node[row] = network.n_nodes + here[0]
    return node


def _vertices(network: Network, cuts: _Cuts, ways: list[Way]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Vertices of all segments: cut ones up to their first cut, then what is behind the cuts, then the links."""
    below = [*cuts.lines, *(way.xy for way in ways)]
    size = np.diff(network.vertex_ptr)
    chunks, start = [], 0
    for segment, line in sorted(cuts.heads.items()):
        chunks += [network.vertex_xy[start : network.vertex_ptr[segment]], line]
        start = int(network.vertex_ptr[segment + 1])
        size[segment] = len(line)
    chunks += [network.vertex_xy[start:], *below]
    sizes = np.concatenate([size, [len(line) for line in below]])
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), np.concatenate(chunks)
