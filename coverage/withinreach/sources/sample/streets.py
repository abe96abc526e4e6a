"""Streets: which of the possible ones exist, country roads between settlements, bridges, and one connected whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import cKDTree

from withinreach.sources.sample.lattice import FIELD
from withinreach.sources.sample.mesh import DRY, Kind, Pattern
from withinreach.sources.sample.settlements import Tier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.sources.sample.geography import Geography
    from withinreach.sources.sample.mesh import Mesh
    from withinreach.sources.sample.settlements import Settlements

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

HIGHWAYS = ("footway", "living_street", "residential", "service", "unclassified", "tertiary", "secondary", "primary")
FOOTWAY, LIVING, RESIDENTIAL, SERVICE, UNCLASSIFIED, TERTIARY, SECONDARY, PRIMARY = range(8)
ABSENT = -1
# How likely a possible street of a block exists, by pattern: along rows, across them.
KEPT = {
    Pattern.GRID: (0.90, 0.88),
    Pattern.COMPOUND: (0.93, 0.88),
    Pattern.ROWS: (0.96, 0.36),
    Pattern.EMPTY: (0.0, 0.0),
}
KEPT_THROUGH = 0.97
KEPT_SEAM = 0.6
FOOTWAYS_IN_COMPOUNDS = 0.4
# A road would rather go five kilometres round than need a bridge of its own.
BRIDGE_COST_M = 5_000.0
LONGEST_M = 2_300.0
# Road building weighs a metre of an existing street less, a metre through a compound or a built-up block more.
THROUGH_WEIGHT = 0.45
RESIDENTIAL_WEIGHT = 0.80
ACROSS_BLOCK_WEIGHT = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Streets:
    """Streets, s rows, between corners.

    Attributes
    ----------
    xy : (n, 2) float64
        Corners, metres; those without a street are kept, to keep the numbering.
    settlement : (n,) int64
    a, b : (s,) int64
        Corners at the ends.
    highway : (s,) int64
        Place in `HIGHWAYS`.
    bridge : (s,) bool
    """

    xy: Floats
    settlement: Ints
    a: Ints
    b: Ints
    highway: Ints
    bridge: Flags


def build_streets(geography: Geography, settlements: Settlements, mesh: Mesh, *, rng: np.random.Generator) -> Streets:
    """Choose the streets among the possible ones."""
    highway = _town_streets(settlements, mesh, rng)
    highway[(mesh.water != DRY) & ~_town_bridges(geography, settlements, mesh, highway)] = ABSENT
    allowed = _allowed(geography, mesh)
    for tiers, road in (((0, 1, 2), UNCLASSIFIED), ((0, 1), SECONDARY), ((0,), PRIMARY)):
        on = _roads(mesh, highway, allowed, _centres(settlements, mesh, highway, tiers))
        highway[on] = np.maximum(highway[on], road)
    _join_fragments(mesh, highway, allowed)
    kept = _lasting(settlements, mesh, highway)
    return Streets(mesh.xy, mesh.settlement, mesh.a[kept], mesh.b[kept], highway[kept], mesh.water[kept] != DRY)


def _town_streets(settlements: Settlements, mesh: Mesh, rng: np.random.Generator) -> Ints:
    """Streets inside settlements: place in `HIGHWAYS` per possible street, `ABSENT` where there is none."""
    draw = rng.random(len(mesh.a))
    chance = np.zeros(len(mesh.a))
    for pattern, (along, across) in KEPT.items():
        chance[mesh.pattern == pattern] = np.where(mesh.across, along, across)[mesh.pattern == pattern]
    chance[mesh.kind == Kind.THROUGH] = KEPT_THROUGH
    chance[mesh.kind == Kind.SEAM] = KEPT_SEAM
    compound = mesh.pattern == Pattern.COMPOUND
    chance[compound & (mesh.kind == Kind.ENTRY)] = 0.0

    highway = np.full(len(mesh.a), RESIDENTIAL, np.int64)
    large = np.isin(settlements.tier[mesh.settlement[mesh.a]], (Tier.SEAT, Tier.TOWN))
    highway[(mesh.kind == Kind.THROUGH) & large] = TERTIARY
    lane = rng.random(mesh.block.max() + 1) < FOOTWAYS_IN_COMPOUNDS
    highway[compound] = np.where(lane[mesh.block[compound]], FOOTWAY, LIVING)
    highway[draw >= chance] = ABSENT
    highway[_gates(mesh, draw)] = SERVICE
    return highway


def _gates(mesh: Mesh, draw: Floats) -> Ints:
    """One entry per compound."""
    entries = np.flatnonzero((mesh.pattern == Pattern.COMPOUND) & (mesh.kind == Kind.ENTRY) & (mesh.water == DRY))
    entries = entries[np.lexsort((draw[entries], mesh.block[entries]))]
    first = np.unique(mesh.block[entries], return_index=True)[1]
    return np.asarray(entries[first], np.int64)


def _town_bridges(geography: Geography, settlements: Settlements, mesh: Mesh, highway: Ints) -> Flags:
    """Through streets of settlements that cross a river, as many as its bridges are apart."""
    bridge = np.zeros(len(mesh.a), np.bool_)
    for row, river in enumerate(geography.waters):
        if river.bridge_every_m is None:
            continue
        wet = np.flatnonzero((mesh.water == row) & (highway != ABSENT))
        middle = (mesh.xy[mesh.a[wet]] + mesh.xy[mesh.b[wet]]) / 2
        at_m = shapely.line_locate_point(river.line_m, shapely.points(middle))
        village = settlements.tier[mesh.settlement[mesh.a[wet]]] >= Tier.VILLAGE
        built: list[float] = []
        for one in np.lexsort((at_m, mesh.kind[wet] != Kind.THROUGH)):
            apart_m = river.bridge_every_m[int(village[one])]
            if all(abs(at_m[one] - other) >= apart_m for other in built):
                built.append(float(at_m[one]))
                bridge[wet[one]] = True
    return bridge


def _allowed(geography: Geography, mesh: Mesh) -> Flags:
    """Where a street may run at all: not over a river without bridges, not along the hull of all corners."""
    closed = [row for row, river in enumerate(geography.waters) if river.bridge_every_m is None]
    return ~np.isin(mesh.water, closed) & (mesh.length_m < LONGEST_M)


def _centres(settlements: Settlements, mesh: Mesh, highway: Ints, tiers: tuple[int, ...]) -> Ints:
    """The corner on a public street that is nearest to the core of each settlement of these tiers."""
    public = (highway != ABSENT) & ~np.isin(highway, (FOOTWAY, LIVING, SERVICE))
    used = np.zeros(len(mesh.xy), np.bool_)
    used[mesh.a[public]] = used[mesh.b[public]] = True
    corners = np.flatnonzero(used)
    wanted = settlements.core[np.isin(settlements.tier, tiers)]
    return np.unique(corners[cKDTree(mesh.xy[corners]).query(wanted)[1]])


def _roads(mesh: Mesh, highway: Ints, allowed: Flags, centres: Ints) -> Ints:
    """Edges of the roads between neighbouring centres.

    One search from all centres at once gives every corner its nearest centre; where two such territories meet, the
    cheapest edge between them makes a road between their centres. Of these roads those of the relative neighbourhood
    graph stay.
    """
    gated = np.isin(highway, (FOOTWAY, LIVING, SERVICE))
    weight = np.select(
        [highway == ABSENT, gated, highway < UNCLASSIFIED],
        [1.0, ACROSS_BLOCK_WEIGHT, RESIDENTIAL_WEIGHT],
        THROUGH_WEIGHT,
    )
    cost = mesh.length_m * weight
    within = np.isin(mesh.kind, (Kind.INNER, Kind.ENTRY, Kind.DIAGONAL)) & (highway == ABSENT)
    cost = cost * np.where(within, ACROSS_BLOCK_WEIGHT, 1.0)
    cost = cost + np.where((mesh.water != DRY) & (highway == ABSENT), BRIDGE_COST_M, 0.0)
    cost = np.where(allowed, cost, np.inf)
    n = len(mesh.xy)
    a, b, w = mesh.a[allowed], mesh.b[allowed], cost[allowed]
    graph = coo_matrix((w, (a, b)), (n, n)).tocsr()
    away, before, source = dijkstra(graph, directed=False, indices=centres, min_only=True, return_predecessors=True)

    met = np.flatnonzero(allowed & np.isfinite(away[mesh.a]) & (source[mesh.a] != source[mesh.b]))
    total = away[mesh.a[met]] + cost[met] + away[mesh.b[met]]
    pair = np.sort(np.column_stack([source[mesh.a[met]], source[mesh.b[met]]]), axis=1).astype(np.int64)
    order = np.lexsort((met, total, pair[:, 1], pair[:, 0]))
    first = np.unique(pair[order], axis=0, return_index=True)[1]
    best = order[first]
    keep = _relative_neighbours(pair[best], total[best])
    joints = met[best[keep]]
    return np.unique(np.concatenate([joints, _ways_back(mesh, before, np.append(mesh.a[joints], mesh.b[joints]))]))


def _relative_neighbours(pair: Ints, cost: Floats) -> Flags:
    """Drop a pair if a third place is nearer to both; what is left stays connected."""
    by_place: dict[int, dict[int, float]] = {}
    for (one, other), value in zip(pair.tolist(), cost.tolist(), strict=True):
        by_place.setdefault(one, {})[other] = value
        by_place.setdefault(other, {})[one] = value
    keep = np.ones(len(pair), np.bool_)
    for row, ((one, other), value) in enumerate(zip(pair.tolist(), cost.tolist(), strict=True)):
        first, second = by_place[one], by_place[other]
        keep[row] = not any(max(first[third], second[third]) < value for third in first.keys() & second.keys())
    return keep


def _ways_back(mesh: Mesh, before: NDArray[np.int32], corners: Ints) -> Ints:
    """Edges of the ways from these corners back to their centres."""
    n = len(mesh.xy)
    key = mesh.a * n + mesh.b
    found = []
    corners = np.unique(corners)
    while len(corners):
        parent = before[corners].astype(np.int64)
        corners, parent = corners[parent >= 0], parent[parent >= 0]
        found.append(np.searchsorted(key, np.minimum(corners, parent) * n + np.maximum(corners, parent)))
        corners = np.unique(parent)
    return np.unique(np.concatenate(found))


def _join_fragments(mesh: Mesh, highway: Ints, allowed: Flags) -> None:
    """Add the fewest missing streets that connect what removal cut off; changes ``highway``."""
    used = np.zeros(len(mesh.xy), np.bool_)
    used[mesh.a[highway != ABSENT]] = used[mesh.b[highway != ABSENT]] = True
    possible = (
        allowed & (mesh.water == DRY) & used[mesh.a] & used[mesh.b] & (mesh.kind != Kind.OPEN) & (highway == ABSENT)
    )
    rank = np.where(mesh.kind == Kind.DIAGONAL, 1e6, 1e3) + mesh.length_m
    rows = np.flatnonzero((highway != ABSENT) | possible)
    weight = np.where(highway[rows] != ABSENT, 1.0, rank[rows])
    n = len(mesh.xy)
    tree = minimum_spanning_tree(coo_matrix((weight, (mesh.a[rows], mesh.b[rows])), (n, n)).tocsr()).tocoo()
    new = tree.data > 1.0
    low, high = (
        np.minimum(tree.row, tree.col)[new].astype(np.int64),
        np.maximum(tree.row, tree.col)[new].astype(np.int64),
    )
    highway[np.searchsorted(mesh.a * n + mesh.b, low * n + high)] = RESIDENTIAL


def _lasting(settlements: Settlements, mesh: Mesh, highway: Ints) -> Ints:
    """Streets of the largest component and of the hamlets on the river bars."""
    rows = np.flatnonzero(highway != ABSENT)
    n = len(mesh.xy)
    graph = coo_matrix((np.ones(len(rows)), (mesh.a[rows], mesh.b[rows])), (n, n)).tocsr()
    label = connected_components(graph, directed=False)[1][mesh.a[rows]]
    settlement = mesh.settlement[mesh.a[rows]]
    bar = (settlement != FIELD) & (settlements.tier[settlement] == Tier.BAR)
    return np.asarray(rows[(label == np.bincount(label).argmax()) | bar], np.int64)
