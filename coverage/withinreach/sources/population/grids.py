"""Where rasters lie: windows around the areas, cells that coincide, and cells that are brought together by sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from rasterio.io import DatasetReader

    from withinreach.sources.population.cells import Bounds

# A window beyond this would take minutes to hours for every band: a raster that claims so many cells is wrong.
MOST_CELLS = 1_000_000_000
# Grids are the same where their cells lie this close, as a share of a cell: products of one series differ by rounding.
ALIGNED = 1e-3


@dataclass(frozen=True, slots=True)
class Span:
    """Cells of one axis from ``start`` to ``stop``."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a grid: cell ``i`` reaches from ``origin + i * step`` to ``origin + (i + 1) * step``."""

    origin: float
    step: float

    def centres(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Where the centres of cells lie."""
        return np.asarray(self.origin + self.step * (cells + 0.5), np.float64)

    def span(self, low: float, high: float, count: int) -> Span:
        """The cells, of ``count``, that meet the interval."""
        ends = (np.array([low, high]) - self.origin) / self.step
        return Span(max(0, int(np.floor(ends.min()))), min(count, int(np.ceil(ends.max()))))


@dataclass(frozen=True, slots=True)
class OnAxis:
    """How the cells of a raster lie along an axis of the shared grid: cell ``i`` begins at ``offset + i * ratio``."""

    span: Span
    offset: float
    ratio: float

    @property
    def aligned(self) -> bool:
        """Whether every cell coincides with one of the shared grid."""
        first = self.offset + self.span.start * self.ratio
        drift = abs(self.ratio - 1) * len(self.span)
        return abs(first - round(first)) + drift < ALIGNED

    @property
    def shift(self) -> int:
        """What to add to the number of a coinciding cell to get that of the shared grid."""
        return round(self.offset + self.span.start * self.ratio) - self.span.start

    @property
    def on_shared(self) -> Span:
        """The cells of the shared grid that the raster touches."""
        if self.aligned:
            return Span(self.span.start + self.shift, self.span.stop + self.shift)
        low, high = self.offset + self.span.start * self.ratio, self.offset + self.span.stop * self.ratio
        return Span(int(np.floor(low)), int(np.ceil(high)))

    def own(self, shared: Span) -> Span:
        """The cells of the raster that meet some of the shared grid."""
        if self.aligned:
            low, high = shared.start - self.shift, shared.stop - self.shift
        else:
            low = int(np.floor((shared.start - self.offset) / self.ratio))
            high = int(np.ceil((shared.stop - self.offset) / self.ratio))
        start = min(max(low, self.span.start), self.span.stop)
        return Span(start, max(start, min(high, self.span.stop)))

    def _begin(self, own: Span) -> NDArray[np.float64]:
        """Where cells begin on the shared grid; whole numbers where they coincide with its cells."""
        cells = np.arange(own.start, own.stop, dtype=np.float64)
        return cells + self.shift if self.aligned else self.offset + cells * self.ratio

    def begins_in(self, own: Span, shared: Span) -> Span:
        """Those of its cells that begin in cells of the shared grid: neighbouring strips have none in common."""
        begin = np.floor(self._begin(own))
        here = np.flatnonzero((begin >= shared.start) & (begin < shared.stop))
        return (
            Span(own.start + int(here[0]), own.start + int(here[-1]) + 1) if len(here) else Span(own.start, own.start)
        )

    def shares(self, own: Span, shared: Span) -> csr_array:
        """What share of each own cell lies in each shared one, (shared, own); of a whole cell they add up to 1."""
        begin = self._begin(own)
        end = begin + (1.0 if self.aligned else self.ratio)
        first = np.floor(begin).astype(np.int64)
        count = np.maximum(np.ceil(end).astype(np.int64) - first, 1)
        cell = np.repeat(np.arange(len(own)), count)
        at = first[cell] + np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
        share = np.minimum(end[cell], at + 1.0) - np.maximum(begin[cell], at)
        share /= np.bincount(cell, share, len(own))[cell]
        here = (at >= shared.start) & (at < shared.stop)
        return csr_array((share[here], (at[here] - shared.start, cell[here])), shape=(len(shared), len(own)))


@dataclass(frozen=True, slots=True)
class Placed:
    """A raster and where its cells around the areas lie on the shared grid."""

    path: Path
    source: DatasetReader
    rows: OnAxis
    columns: OnAxis

    @property
    def aligned(self) -> bool:
        """Whether its cells are cells of the shared grid."""
        return self.rows.aligned and self.columns.aligned


@dataclass(frozen=True, slots=True)
class SharedGrid:
    """The grid of the first raster, continued in all directions, and the part of it that is read."""

    x: Axis
    y: Axis
    rows: Span
    columns: Span
    placed: tuple[Placed, ...]


def share_grid(sources: dict[Path, DatasetReader], bounds: Bounds, *, by_sums: bool) -> SharedGrid:
    """Bring rasters onto the grid of the first, within bounds.

    Parameters
    ----------
    by_sums
        Whether rasters whose cells do not coincide with it may be resampled.

    Raises
    ------
    SourceError
        If a raster is rotated, lies elsewhere, covers the bounds with too many cells, or may not be resampled.
    """
    problems: dict[str, list[Path]] = {}
    spans = {}
    for path, source in sources.items():
        try:
            spans[path] = _window(source, bounds)
        except SourceError as error:
            problems.setdefault(str(error), []).append(path)
    _raise(problems)
    first = next(iter(sources))
    x, y = _axes(sources[first])
    placed = []
    for path, source in sources.items():
        own_x, own_y = _axes(source)
        rows, columns = spans[path]
        one = Placed(path, source, _on(y, own_y, rows), _on(x, own_x, columns))
        placed.append(one)
        if not one.aligned and not (by_sums and one.rows.ratio > 0 and one.columns.ratio > 0):
            problem = (
                f"lies on another grid than {first.name}; resample it onto the same cells by sums, "
                'or let population.resample = "sums" do it'
            )
            problems.setdefault(problem, []).append(path)
    _raise(problems)
    return SharedGrid(
        x,
        y,
        _around([one.rows.on_shared for one in placed]),
        _around([one.columns.on_shared for one in placed]),
        tuple(placed),
    )


def _axes(source: DatasetReader) -> tuple[Axis, Axis]:
    grid = source.transform
    return Axis(grid.c, grid.a), Axis(grid.f, grid.e)


def _on(shared: Axis, own: Axis, span: Span) -> OnAxis:
    return OnAxis(span, (own.origin - shared.origin) / shared.step, own.step / shared.step)


def _around(spans: list[Span]) -> Span:
    return Span(min(span.start for span in spans), max(span.stop for span in spans))


def _raise(problems: dict[str, list[Path]]) -> None:
    """Raise what is wrong with which files, one line for what all of a series share."""
    if problems:
        raise SourceError(
            f"{paths[0]}: {problem}" + (f" (the same in {len(paths) - 1} more files)" if len(paths) > 1 else "")
            for problem, paths in problems.items()
        )


def _window(source: DatasetReader, bounds: Bounds) -> tuple[Span, Span]:
    grid = source.transform
    if grid.b or grid.d or not (grid.a and grid.e and np.isfinite([grid.a, grid.c, grid.e, grid.f]).all()):
        raise SourceError("the raster is rotated or has no position; give a grid with north up")
    west, south, east, north = bounds
    x, y = _axes(source)
    apart = not np.isfinite(bounds).all()
    columns = Span(0, 0) if apart else x.span(west, east, source.width)
    rows = Span(0, 0) if apart else y.span(south, north, source.height)
    if columns.start >= columns.stop or rows.start >= rows.stop:
        raise SourceError("the raster does not overlap the areas; check the datum of both layers")
    if len(rows) * len(columns) > MOST_CELLS:
        raise SourceError(
            f"the areas cover {len(rows) * len(columns):,} of its cells, more than {MOST_CELLS:,}; "
            "check the size of its cells, or sum them up to larger ones"
        )
    return rows, columns
