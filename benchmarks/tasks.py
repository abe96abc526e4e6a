"""The tasks, and who takes part in which."""

from __future__ import annotations

from benchmarks import floating_peers, ours, peers
from benchmarks.cases import CUTOFF_MM
from benchmarks.contender import Contender, Task, per_row

FLOAT_SUMS = "adds up metres as floats: a node within rounding of the cutoff may fall on either side"
BY_NODES = "from the node nearest to the cell to the node nearest to the facility: both access legs are left out"
NO_NAMES = "does not tell which facility"
# Beyond these sizes a contender takes minutes, or several gigabytes, on one core.
MILLION = 1_000_000
HUNDRED_THOUSAND = 100_000

NEAREST = (
    Contender(
        name="scipy min_only",
        library="scipy",
        graph=peers.scipy_graph,
        run=peers.scipy_nearest,
        answer=lambda mm, _: per_row(mm),
        remark=NO_NAMES,
    ),
    Contender(
        name="scipy min_only, names",
        library="scipy",
        graph=peers.scipy_graph,
        run=peers.scipy_nearest_named,
        answer=lambda found, _: per_row(found[0]),
        remark="tells the node of the facility, as ours does",
    ),
    Contender(
        name="networkit",
        library="networkit",
        graph=peers.networkit_graph,
        run=peers.networkit_nearest,
        answer=peers.networkit_answer,
        remark=NO_NAMES,
    ),
    Contender(
        name="rustworkx",
        library="rustworkx",
        graph=peers.rustworkx_graph,
        run=peers.rustworkx_nearest,
        answer=peers.rustworkx_answer,
        remark=NO_NAMES,
        largest=MILLION,
    ),
    Contender(
        name="igraph",
        library="igraph",
        graph=peers.igraph_graph,
        run=peers.igraph_nearest,
        answer=peers.igraph_answer,
        remark=NO_NAMES,
        largest=MILLION,
    ),
    Contender(
        name="networkx",
        library="networkx",
        graph=peers.networkx_graph,
        run=peers.networkx_nearest,
        answer=peers.networkx_answer,
        remark=NO_NAMES,
        largest=MILLION,
    ),
    Contender(
        name="osmnx (networkx)",
        library="osmnx",
        graph=peers.osmnx_graph,
        run=peers.osmnx_nearest,
        answer=peers.osmnx_answer,
        remark=NO_NAMES,
        largest=MILLION,
    ),
    Contender(
        name="pandana",
        library="pandana",
        graph=peers.pandana_graph,
        run=peers.pandana_nearest,
        answer=peers.pandana_answer,
        differs="distances are 32-bit floats: beyond 16.8 km a millimetre does not fit",
        remark=f"needs a bound: {peers.UNCUT_M / 1000:.0f} km",
        largest=MILLION,
    ),
)
NEAREST_CUT = (
    Contender(
        name="scipy limit",
        library="scipy",
        graph=peers.scipy_graph,
        run=peers.scipy_nearest_cut,
        answer=lambda mm, _: per_row(mm),
    ),
    Contender(
        name="networkx cutoff",
        library="networkx",
        graph=peers.networkx_graph,
        run=peers.networkx_nearest_cut,
        answer=peers.networkx_answer,
        largest=MILLION,
    ),
    Contender(
        name="osmnx (networkx)",
        library="osmnx",
        graph=peers.osmnx_graph,
        run=peers.osmnx_nearest_cut,
        answer=peers.osmnx_answer,
        differs=FLOAT_SUMS,
        largest=MILLION,
    ),
    Contender(
        name="pandana",
        library="pandana",
        graph=peers.pandana_graph,
        run=peers.pandana_nearest_cut,
        answer=peers.pandana_cut_answer,
        differs="says “none” by the cutoff itself",
        largest=MILLION,
    ),
    Contender(
        name="cityseer",
        library="cityseer",
        graph=peers.cityseer_graph,
        run=peers.cityseer_nearest_cut,
        answer=peers.cityseer_answer,
        differs="takes its own lengths from the geometry, in 32-bit floats",
        remark="also counts the facilities within the cutoff",
        largest=HUNDRED_THOUSAND,
    ),
)
SNAP = (
    Contender(
        name="shapely STRtree",
        library="shapely",
        graph=peers.shapely_shapes,
        run=peers.shapely_snap,
        answer=peers.shapely_snap_answer,
        every=peers.shapely_every,
        remark="finds the street, not the place on it; of equally near streets it names any",
    ),
    Contender(
        name="osmnx nearest_edges",
        library="osmnx",
        graph=peers.osmnx_graph,
        run=peers.osmnx_snap,
        answer=peers.osmnx_snap_answer,
        remark="finds the street, not the place on it",
        largest=HUNDRED_THOUSAND,
    ),
    Contender(
        name="scipy cKDTree, nodes",
        library="scipy",
        graph=peers.no_graph,
        run=peers.kdtree_snap,
        answer=peers.node_snap_answer,
        differs="the nearest node in place of the nearest street",
        largest=MILLION,
    ),
    Contender(
        name="pandana, nodes",
        library="pandana",
        graph=peers.pandana_graph,
        run=peers.pandana_snap,
        answer=peers.node_snap_answer,
        differs="the nearest node in place of the nearest street",
        remark="the tree of nodes is built before",
        largest=MILLION,
    ),
)
PLACES = (
    Contender(
        name="scipy and NumPy by hand",
        library="scipy",
        graph=peers.scipy_legs_graph,
        run=peers.scipy_places,
        answer=lambda mm, _: per_row(mm),
        remark=f"one more node per facility with its legs as arcs, made before; {NO_NAMES}",
    ),
    Contender(
        name="pandana, by nodes",
        library="pandana",
        graph=peers.pandana_graph,
        run=peers.pandana_places,
        answer=peers.pandana_answer,
        differs=BY_NODES,
        remark=NO_NAMES,
        largest=MILLION,
    ),
)
WITHIN = (
    Contender(
        name="networkx cutoff",
        library="networkx",
        graph=peers.networkx_graph,
        run=peers.networkx_within,
        answer=peers.networkx_within_answer,
        largest=MILLION,
    ),
    Contender(
        name="scipy limit, chunks",
        library="scipy",
        graph=peers.scipy_graph,
        run=peers.scipy_within,
        answer=peers.scipy_within_answer,
        every=peers.scipy_every,
        remark=f"{peers.SCIPY_CHUNK} facilities at a time",
    ),
    Contender(
        name="pandana nodes_in_range",
        library="pandana",
        graph=peers.pandana_graph,
        run=peers.pandana_within,
        answer=peers.pandana_within_answer,
        largest=MILLION,
    ),
    Contender(
        name="osmnx ego_graph",
        library="osmnx",
        graph=peers.osmnx_graph,
        run=peers.osmnx_within,
        answer=peers.osmnx_within_answer,
        every=peers.osmnx_every,
        differs=FLOAT_SUMS,
        largest=MILLION,
    ),
)
FLOATING = (
    Contender(
        name="pandas groupby",
        library="pandas",
        graph=floating_peers.pair_tables,
        run=floating_peers.pandas_floating,
        answer=lambda score, _: per_row(score.to_numpy()),
    ),
    Contender(
        name="pysal access",
        library="access",
        graph=floating_peers.pair_tables,
        run=floating_peers.access_floating,
        answer=floating_peers.access_answer,
        remark="leaves out cells that reach nothing; they are put back after the clock has stopped",
    ),
)

TASKS = (
    Task(
        name="nearest",
        title="Nearest facility of every node, however far; facilities stand on nodes",
        contenders=(ours.NEAREST, *NEAREST),
    ),
    Task(
        name="nearest-cut",
        title=f"Nearest facility of every node within {CUTOFF_MM // 1000:,} m; facilities stand on nodes",
        contenders=(ours.NEAREST_CUT, *NEAREST_CUT),
    ),
    Task(
        name="snap",
        title="Nearest street of every cell",
        contenders=(ours.SNAP, *SNAP),
        rows="cells",
        per="cell",
        unit="m",
        tolerance=1e-6,
    ),
    Task(
        name="places",
        title="Nearest facility of every cell, both access legs and parts of streets included",
        contenders=(ours.PLACES, *PLACES),
        rows="cells",
        per="cell",
    ),
    Task(
        name="within",
        title=f"All nodes within {CUTOFF_MM // 1000:,} m of each node that has a facility",
        contenders=(ours.WITHIN, *WITHIN),
        rows="pairs",
    ),
    Task(
        name="floating",
        title="E2SFCA: places per person of every cell; who reaches what is given",
        contenders=(ours.FLOATING, *FLOATING),
        rows="cells",
        per="cell",
        unit="places per person",
        tolerance=1e-9,
    ),
)
