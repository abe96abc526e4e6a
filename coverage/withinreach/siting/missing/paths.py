"""The way from a cell to its nearest facility, as a line: labels of the nodes are followed downhill."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array

from withinreach.kernels.nearest import Spots, nearest_to_nodes, seeds_of, ways_along
from withinreach.model import walking_costs
from withinreach.reach import segments_of, spots_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.model import Case
    from withinreach.study import Service


class PathFinder:
    """Finds the way from a cell of a case to its nearest facility of a service.

    Labels are whole millimetres, so that the next node of a way is one whose label is less by exactly what the street
    between costs.
    """

    def __init__(self, case: Case, service: Service) -> None:
        self._case = case
        rows = case.facility_rows(service.kinds)
        costs = walking_costs(case.network, case.study.profiles[service.profile])
        self._segments = segments_of(case.network, costs)
        self._facilities = spots_of(case.facilities)
        seeds = seeds_of(self._segments, self._facilities, rows)
        self._nodes = nearest_to_nodes(costs.arc_ptr, costs.arc_head, costs.arc_mm, seeds)
        self._seeds: dict[int, list[tuple[int, int]]] = {}
        for node, mm, source in zip(seeds.node.tolist(), seeds.mm.tolist(), seeds.source.tolist(), strict=True):
            self._seeds.setdefault(node, []).append((mm, source))
        n = case.network.n_nodes
        # Arcs lead from a node to those that people come from; a way needs those that people go on to.
        onward = csr_array((np.arange(len(costs.arc_mm)), costs.arc_head, costs.arc_ptr), shape=(n, n)).T.tocsr()
        self._ptr, self._next, self._mm = onward.indptr, onward.indices, costs.arc_mm[onward.data]
        ends = np.sort(np.column_stack([case.network.tail, case.network.head]), axis=1).astype(np.int64)
        key = ends[:, 0] * n + ends[:, 1]
        self._by_ends = np.argsort(key, kind="stable")
        self._key = key[self._by_ends]

    def path(self, cell: int, level_m: float, facility: int) -> shapely.LineString:
        """The way of a cell, from its middle to the facility, metres.

        Parameters
        ----------
        cell
            A cell with a way.
        level_m, facility
            Its length and its end, as the reach tells them.
        """
        case, people = self._case, self._case.people
        start, end = int(people.segment[cell]), int(case.facilities.segment[facility])
        offset, stop = int(people.offset_mm[cell]), int(case.facilities.offset_mm[facility])
        left = round(level_m * 1000) - int(people.access_mm[cell])
        spot = Spots(*(np.array([value]) for value in (people.segment[cell], people.offset_mm[cell], 0)))
        along = ways_along(self._segments, spot)
        by_tail = int(along.to_tail[0])
        by_head = int(self._segments.forward_mm[start] - along.from_tail[0])
        pieces = [people.xy[[cell]]]
        tail, head = int(case.network.tail[start]), int(case.network.head[start])
        if self._reaches(tail, left - by_tail, facility):
            node, first = tail, self._piece(start, offset, 0)
        elif self._reaches(head, left - by_head, facility):
            node, first = head, self._piece(start, offset, int(case.network.length_mm[start]))
        else:
            pieces += [self._piece(start, offset, stop), case.facilities.xy[[facility]]]
            return shapely.LineString(np.concatenate(pieces))
        nodes = self._downhill(node, facility)
        pieces.append(first)
        pieces += [self._street(a, b) for a, b in pairwise(nodes)]
        at = 0 if nodes[-1] == case.network.tail[end] else int(case.network.length_mm[end])
        pieces += [self._piece(end, at, stop), case.facilities.xy[[facility]]]
        return shapely.LineString(np.concatenate(pieces))

    def _reaches(self, node: int, mm: int, facility: int) -> bool:
        return bool(self._nodes.mm[node] == mm and self._nodes.source[node] == facility)

    def _downhill(self, node: int, facility: int) -> list[int]:
        """Nodes of the way, to that from which the facility is entered. Streets of no length are not walked twice."""
        nodes, seen = [node], {node}
        while nodes:
            here, label = nodes[-1], int(self._nodes.mm[nodes[-1]])
            if (label, facility) in self._seeds.get(here, ()):
                return nodes
            for at in range(self._ptr[here], self._ptr[here + 1]):
                following = int(self._next[at])
                if following not in seen and self._reaches(following, label - int(self._mm[at]), facility):
                    nodes.append(following)
                    seen.add(following)
                    break
            else:
                nodes.pop()
        raise AssertionError("a node with a label has a way to its facility")

    def _street(self, start: int, end: int) -> NDArray[np.float64]:
        """The cheapest street between two nodes, in the direction of walking."""
        network, n = self._case.network, self._case.network.n_nodes
        key = min(start, end) * n + max(start, end)
        low, high = np.searchsorted(self._key, [key, key + 1])
        rows = self._by_ends[low:high]
        forward = network.tail[rows] == start
        mm = np.where(forward, self._segments.forward_mm[rows], self._segments.backward_mm[rows])
        row = int(rows[mm.argmin()])
        length = int(network.length_mm[row])
        return self._piece(row, 0, length) if network.tail[row] == start else self._piece(row, length, 0)

    def _piece(self, segment: int, from_mm: int, to_mm: int) -> NDArray[np.float64]:
        line = self._case.network.line_between(segment, min(from_mm, to_mm), max(from_mm, to_mm))
        return line if from_mm <= to_mm else line[::-1]
