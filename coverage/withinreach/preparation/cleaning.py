"""Planners' own road layers -> lines that share their ends where streets meet.

Road layers drawn by hand cross without a shared vertex, stop 0.3 m short of each other and hold a street twice.
`planarise` cuts lines where they meet, `close_gaps` joins dead ends to what lies within a stated distance; both
return new lines, where each came from, and the figures before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.errors import SourceError
from withinreach.model import Frozen, build_network
from withinreach.preparation.gaps import choose_gaps, find_gaps, join_lines
from withinreach.preparation.noding import linework, nodes_along, repeated, settle
from withinreach.preparation.pieces import cut_chain, draw_pieces
from withinreach.sources.figures import MISSING
from withinreach.sources.rows import NAMED_ROWS, need_columns

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.study import NetworkLayer

    Lines = NDArray[np.object_]
    Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LineFigures:
    """What a set of lines amounts to as a network: nodes are told apart by the millimetre, as `build_network` does."""

    lines: int
    nodes: int
    components: int
    dead_ends: int
    length_m: float


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """What cleaning did.

    Attributes
    ----------
    before, after : LineFigures
    cuts : int
        Places at which a line was cut, counted once for each line.
    overlap_m : float
        Length of streets that the layer held more than once; one of them is kept.
    gaps_closed : int
    largest_gap_m : float
        Length of the longest piece that was added to close a gap; 0 where none was.
    """

    before: LineFigures
    after: LineFigures
    cuts: int = 0
    overlap_m: float = 0.0
    gaps_closed: int = 0
    largest_gap_m: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CleanLines(Frozen):
    """Cleaned lines.

    Attributes
    ----------
    lines : (k,) array of LineString
        In the order of the lines they come from. A line that nothing was done to is the same object as before.
    source : (k,) int64
        Row of the line that each comes from.
    report : CleaningReport
    """

    lines: Lines
    source: Rows
    report: CleaningReport


def line_figures(lines: Lines) -> LineFigures:
    """Count what a network of these lines would have."""
    if not len(lines):
        return LineFigures(0, 0, 0, 0, 0.0)
    network = build_network(lines)
    degree = np.bincount(np.concatenate([network.tail, network.head]), minlength=network.n_nodes)
    return LineFigures(
        lines=len(lines),
        nodes=network.n_nodes,
        components=int(network.component.max()) + 1,
        dead_ends=int((degree == 1).sum()),
        length_m=float(shapely.length(lines).sum()),
    )


# Planarise -----------------------------------------------------------------------------------------------------


def planarise(lines: Lines, *, level: Rows | None = None) -> CleanLines:
    """Cut lines where they cross, touch or overlap without a shared node.

    Lines meet only within a level, so that a bridge is not connected to the road below it. An end that meets nothing
    of its own level, such as the head of a bridge, connects to whatever line it rests on. Of streets that lie on each
    other (within a millimetre, on one level) one is kept. The total length stays the same but for those, given in
    ``report.overlap_m``, and for bends below a millimetre. Planarising twice changes nothing more.

    Parameters
    ----------
    lines : (s,) array of LineString
        In a metric CRS, finite coordinates.
    level : (s,) int64, optional
        Above (1, 2 …), on (0) or below (-1 …) the ground; without it everything is on one level.

    Raises
    ------
    SourceError
        If the lines form a tangle below a centimetre that cannot be cut.
    """
    before = line_figures(lines)
    if not len(lines):
        return CleanLines(lines, np.empty(0, np.int64), CleaningReport(before, before))
    drawn = linework(lines, _levels(lines, level))
    work, changed = settle(drawn)
    changed |= np.bincount(drawn.line, minlength=len(lines)) != shapely.get_num_coordinates(lines)
    cut = nodes_along(work)
    chain = cut_chain(work.line, cut)
    parts, source = draw_pieces(lines, changed, chain, work.xy[work.spot[chain.row]])
    drop = repeated(work, chain)
    report = CleaningReport(
        before=before,
        after=line_figures(parts[~drop]),
        cuts=int(cut.sum()),
        overlap_m=float(shapely.length(parts[drop]).sum()),
    )
    return CleanLines(parts[~drop], source[~drop], report)


def _levels(lines: Lines, level: Rows | None) -> Rows:
    return np.zeros(len(lines), np.int64) if level is None else np.asarray(level, np.int64)


# Gaps ----------------------------------------------------------------------------------------------------------


def close_gaps(lines: Lines, gap_m: float, *, level: Rows | None = None) -> CleanLines:
    """Join dead ends to what lies within a distance of them.

    Each end at which no other line ends is joined once, by a straight piece, to the nearest of: the end of a line, or
    the inside of a line of its level, which is cut there. Of a line that has an end within the distance that end
    counts, so that no stub is left beyond the joint. Of two dead ends that face each other the one of the later line
    is extended. Shortest gaps are closed first; equal ones from the last line to the first. A line of at most two
    gaps' length is not joined to itself or to what its other end meets already: an overshoot of 0.2 m stays a dead end.

    Parameters
    ----------
    lines : (s,) array of LineString
        In a metric CRS. Cut them first (`planarise`): what crosses without a node has no ends there.
    gap_m
        The longest gap to close; with 0 nothing changes.
    level : (s,) int64, optional
        As for `planarise`; ends are joined whatever their level.
    """
    report = CleaningReport(line_figures(lines), line_figures(lines))
    source, levels = np.arange(len(lines)), _levels(lines, level)
    while gap_m > 0 and len(lines):
        gaps = choose_gaps(find_gaps(lines, levels, gap_m))
        if not len(gaps.gap_m):
            break
        lines, origin, cuts = join_lines(lines, gaps)
        source, levels = source[origin], levels[origin]
        report = replace(
            report,
            cuts=report.cuts + cuts,
            gaps_closed=report.gaps_closed + len(gaps.gap_m),
            largest_gap_m=max(report.largest_gap_m, float(gaps.gap_m.max())),
        )
    return CleanLines(lines, source, replace(report, after=line_figures(lines)))


# The street layer ----------------------------------------------------------------------------------------------


def clean_streets(layer: NetworkLayer, streets: gpd.GeoDataFrame, findings: Findings) -> gpd.GeoDataFrame:
    """Streets of a layer, cleaned as the study asks (``network.clean``); each figure that changed is noted.

    Parameters
    ----------
    streets
        In the metric CRS.

    Raises
    ------
    SourceError
        If the layer has no column of that name, or a level is not a whole number.
    """
    if layer.clean is None:
        return streets
    lines: Lines = streets.geometry.to_numpy()
    level = layer_levels(layer.path, streets, layer.clean.level)
    done = CleanLines(lines, np.arange(len(lines)), CleaningReport(line_figures(lines), line_figures(lines)))
    if layer.clean.planarise:
        done = _then(done, planarise(done.lines, level=level[done.source]))
    if layer.clean.gap_m > 0:
        done = _then(done, close_gaps(done.lines, layer.clean.gap_m, level=level[done.source]))
    if layer.clean.planarise and done.report.gaps_closed:
        # A piece that closes a gap may lead across a third street.
        done = _then(done, planarise(done.lines, level=level[done.source]))
    _note_changes(layer.path, done.report, findings)
    cleaned: gpd.GeoDataFrame = streets.iloc[done.source].set_geometry(done.lines, crs=streets.crs)
    return cleaned.reset_index(drop=True)


def layer_levels(path: Path, table: pd.DataFrame, column: str | None) -> Rows:
    """Level of each line; nothing stated is the ground.

    Raises
    ------
    SourceError
        If there is no such column, or a level is not a whole number.
    """
    if column is None:
        return np.zeros(len(table), np.int64)
    need_columns(path, table, [("network.clean.level", column)])
    text = table[column].astype("str").str.strip()
    empty = (table[column].isna() | text.isin(MISSING)).to_numpy()
    level = pd.to_numeric(text.where(~empty, "0"), errors="coerce").to_numpy(np.float64)
    bad = ~(np.isfinite(level) & (level == np.round(level)))
    if bad.any():
        counts = text[bad].value_counts()
        told = ", ".join(f"'{value}' ({count} lines)" for value, count in counts.head(NAMED_ROWS).items())
        more = f" and {len(counts) - NAMED_ROWS} more" if len(counts) > NAMED_ROWS else ""
        raise SourceError(
            f"{path}: column '{column}' (named by network.clean.level in the study) holds {told}{more}; a level is "
            "a whole number: 1 above the ground, 0 or nothing on it, -1 below it"
        )
    return level.astype(np.int64)


def _then(first: CleanLines, second: CleanLines) -> CleanLines:
    """Two steps of cleaning, one after the other, as one."""
    report = CleaningReport(
        before=first.report.before,
        after=second.report.after,
        cuts=first.report.cuts + second.report.cuts,
        overlap_m=first.report.overlap_m + second.report.overlap_m,
        gaps_closed=first.report.gaps_closed + second.report.gaps_closed,
        largest_gap_m=max(first.report.largest_gap_m, second.report.largest_gap_m),
    )
    return CleanLines(second.lines, first.source[second.source], report)


def _note_changes(path: Path, report: CleaningReport, findings: Findings) -> None:
    before, after = report.before, report.after
    if before != after or report.cuts:
        findings.note(
            "streets_cleaned",
            path,
            {
                "lines_before": before.lines,
                "lines_after": after.lines,
                "nodes_before": before.nodes,
                "nodes_after": after.nodes,
                "components_before": before.components,
                "components_after": after.components,
                "dead_ends_before": before.dead_ends,
                "dead_ends_after": after.dead_ends,
                "metres_before": before.length_m,
                "metres_after": after.length_m,
                "cuts": report.cuts,
                "overlap_m": report.overlap_m,
            },
        )
    if report.gaps_closed:
        findings.note("gaps_closed", path, {"count": report.gaps_closed, "largest_m": report.largest_gap_m})
