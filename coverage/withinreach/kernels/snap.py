"""The nearest street to each of many points, exactly.

The straight pieces of all streets are registered in the cells of a uniform grid. Points are visited in the order of
the grid; the street of one point is the first guess for the next, and of the cells only those are looked into that
reach into the circle around the point up to its best street so far.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from withinreach.kernels.cast import as_coordinates, as_pointers
from withinreach.kernels.jit import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_SEGMENT = -1
NO_PIECE = np.iinfo(np.int64).max

# Measured with 600,000 points on 420,000 streets of one and of three pieces: 0.5 and 2 differ by a fifth, either way.
CELLS_PER_PIECE = 1.0
# A piece is registered up to six times on average (see `_layout`), and registrations are counted in 32 bits.
MAX_VERTICES = 2**28
# Rounding moves a piece by some 1e-16 of its coordinates; bounds give way by much more than that, and by far less
# than a cell.
SLACK = 1e-12
SMALLEST_CELL = 1e4 * SLACK
# The smallest normal float64, in place of zero as a divisor.
TINY = 2.2250738585072014e-308


class Snapped(NamedTuple):
    """Where points meet the streets.

    Attributes
    ----------
    segment : (k,) int32
        The nearest segment, the lowest one among equals; -1 where none is within the cap.
    offset_m : (k,) float64
        Position along the segment from its start, the smallest among equals; NaN where there is no segment.
    distance_m : (k,) float64
        Straight line to that position; inf where there is no segment.
    """

    segment: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    distance_m: NDArray[np.float64]


class _Lines(NamedTuple):
    """Streets as their vertices; the piece ``v`` runs from vertex ``v`` to ``v + 1`` of the same segment."""

    vertex_ptr: NDArray[np.int64]
    vertex_xy: NDArray[np.float64]


class _Point(NamedTuple):
    x: float
    y: float


class _Box(NamedTuple):
    x0: float
    y0: float
    x1: float
    y1: float


class _Grid(NamedTuple):
    """Square cells that cover every piece within the cap of a point."""

    x0: float
    y0: float
    cell_m: float
    per_m: float
    nx: int
    ny: int
    slack_m: float


class _Index(NamedTuple):
    """Pieces of each cell, and for each cell how many rings away the nearest piece is."""

    cell_ptr: NDArray[np.int32]
    piece: NDArray[np.int32]
    rings: NDArray[np.int32]


class _Run(NamedTuple):
    """Cells at equal steps: part of a row or of a column."""

    first: int
    cells: int
    stride: int


class _Starts(NamedTuple):
    """Of each vertex: its segment, and how far along it lies."""

    segment: NDArray[np.int32]
    offset_m: NDArray[np.float64]


class _Found(NamedTuple):
    """The best piece so far and its squared distance; the lower piece among equals."""

    distance2: float
    piece: int | np.int64


def snap_points(
    vertex_ptr: NDArray[np.int64],
    vertex_xy: NDArray[np.float64],
    xy: NDArray[np.float64],
    cap_m: float,
) -> Snapped:
    """Find the nearest street segment for each point, and where on it.

    Exact: equal to comparing every point with every straight piece. Among equally near segments the lowest row
    counts, and on one segment the smallest offset.

    Parameters
    ----------
    vertex_ptr : (s + 1,) int64
        Vertices of segment ``i`` are ``vertex_xy[vertex_ptr[i]:vertex_ptr[i + 1]]``, two at least.
    vertex_xy : (v, 2) float64
        Metres. Pieces of length zero are allowed.
    xy : (k, 2) float64
        Points, metres.
    cap_m
        Points farther than this from every segment stay unsnapped; a point at exactly this distance is snapped.
        May be inf.

    Raises
    ------
    ValueError
        For wrong shapes or types, coordinates that are not finite, segments of fewer than two vertices, more than
        268 million vertices, or a cap that is negative or NaN.
    """
    points = as_coordinates("xy", xy)
    vertices = as_coordinates("vertex_xy", vertex_xy)
    pointers = as_pointers("vertex_ptr", vertex_ptr, len(vertices))
    if (pointers[1:] - pointers[:-1] < 2).any():
        raise ValueError("vertex_ptr must give every segment two vertices or more")
    if len(vertices) > MAX_VERTICES:
        raise ValueError(f"vertex_xy has {len(vertices)} rows, more than {MAX_VERTICES}; snap part by part")
    if not cap_m >= 0:
        raise ValueError(f"cap_m must be 0 or more, not {cap_m}")
    if len(points) == 0 or len(vertices) == 0:
        nowhere = np.full(len(points), np.nan)
        return Snapped(np.full(len(points), NO_SEGMENT, np.int32), nowhere, np.full(len(points), np.inf))
    return Snapped(*_snap(_Lines(pointers, vertices), points, float(cap_m)))


@njit
def _snap(
    lines: _Lines, xy: NDArray[np.float64], cap_m: float
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    segment = np.full(len(xy), NO_SEGMENT, np.int32)
    offset_m = np.full(len(xy), np.nan)
    distance_m = np.full(len(xy), np.inf)
    grid, pieces = _layout(lines, xy, cap_m)
    if pieces == 0:
        return segment, offset_m, distance_m
    index = _register(lines, grid)
    # A hair above the cap; whether a distance exceeds it is decided on the distance itself.
    nothing = _Found(cap_m * cap_m * (1 + 1e-9), NO_PIECE)
    found = nothing
    piece = np.full(len(xy), NO_PIECE, np.int64)
    for i in _in_grid_order(grid, xy):
        point = _Point(xy[i, 0], xy[i, 1])
        # The street of the point before is a good first guess: it spares most cells.
        guess = _nearer(lines, found.piece, point, nothing) if found.piece != NO_PIECE else nothing
        found = _search(lines, grid, index, point, guess)
        distance = math.sqrt(found.distance2)
        if found.piece != NO_PIECE and distance <= cap_m:
            piece[i], distance_m[i] = found.piece, distance
    # In a loop of their own, where the processor can wait for many of these scattered reads at once.
    starts = _starts(lines)
    for i in range(len(xy)):
        if piece[i] != NO_PIECE:
            a, b = _vertex(lines, piece[i]), _vertex(lines, piece[i] + 1)
            segment[i] = starts.segment[piece[i]]
            offset_m[i] = starts.offset_m[piece[i]] + _share(a, b, _Point(xy[i, 0], xy[i, 1])) * _length(a, b)
    return segment, offset_m, distance_m


@njit
def _vertex(lines: _Lines, v: int | np.int64) -> _Point:
    return _Point(lines.vertex_xy[v, 0], lines.vertex_xy[v, 1])


@njit
def _length(a: _Point, b: _Point) -> float:
    dx, dy = b.x - a.x, b.y - a.y
    return math.sqrt(dx * dx + dy * dy)


@njit
def _share(a: _Point, b: _Point, point: _Point) -> float:
    """Where on the straight piece from a to b a point is nearest, as a share of the piece, 0 to 1."""
    dx, dy = b.x - a.x, b.y - a.y
    along = (point.x - a.x) * dx + (point.y - a.y) * dy
    return min(1.0, max(0.0, along / max(dx * dx + dy * dy, TINY)))


@njit
def _distance2(a: _Point, b: _Point, point: _Point) -> float:
    """Squared distance of a point from the straight piece from a to b.

    At either end it is measured from that end itself, so that streets that share a vertex tie there.
    """
    share = _share(a, b, point)
    x, y = point.x - a.x - share * (b.x - a.x), point.y - a.y - share * (b.y - a.y)
    end_x, end_y = point.x - b.x, point.y - b.y
    inner, end = x * x + y * y, end_x * end_x + end_y * end_y
    return end if share >= 1.0 else inner


@njit
def _starts(lines: _Lines) -> _Starts:
    segment = np.empty(len(lines.vertex_xy), np.int32)
    offset_m = np.empty(len(lines.vertex_xy))
    for s in range(len(lines.vertex_ptr) - 1):
        offset = 0.0
        for v in range(lines.vertex_ptr[s], lines.vertex_ptr[s + 1]):
            segment[v] = s
            offset_m[v] = offset
            if v + 1 < lines.vertex_ptr[s + 1]:
                a, b = _vertex(lines, v), _vertex(lines, v + 1)
                offset += _length(a, b)
    return _Starts(segment, offset_m)


@njit
def _nearer(lines: _Lines, piece: int | np.int64, point: _Point, found: _Found) -> _Found:
    """Compare one piece with the best so far.

    Pieces are numbered along their segments and segment by segment, so the lowest piece among equals is on the
    lowest segment and has the smallest offset.
    """
    distance2 = _distance2(_vertex(lines, piece), _vertex(lines, piece + 1), point)
    # Both sides are evaluated: a branch that is mispredicted every other time would cost more.
    less = (distance2 < found.distance2) | ((distance2 == found.distance2) & (piece < found.piece))
    return _Found(distance2 if less else found.distance2, piece if less else found.piece)


@njit
def _layout(lines: _Lines, xy: NDArray[np.float64], cap_m: float) -> tuple[_Grid, int]:
    """Choose the grid; also returns how many pieces reach into it.

    Only streets within the cap of the points' bounding box count, so one stray vertex far away cannot blow up the
    cells of a whole city. The number of cells and of registrations is at most a few per piece, whatever the extent.
    """
    scale = 1.0
    near = _Box(np.inf, np.inf, -np.inf, -np.inf)
    for i in range(len(xy)):
        x, y = xy[i, 0], xy[i, 1]
        near = _Box(min(near.x0, x), min(near.y0, y), max(near.x1, x), max(near.y1, y))
        scale = max(scale, abs(x), abs(y))
    for v in range(len(lines.vertex_xy)):
        scale = max(scale, abs(lines.vertex_xy[v, 0]), abs(lines.vertex_xy[v, 1]))
    slack = SLACK * scale
    reach = cap_m * (1 + 1e-9) + slack
    near = _Box(near.x0 - reach, near.y0 - reach, near.x1 + reach, near.y1 + reach)
    box = _Box(np.inf, np.inf, -np.inf, -np.inf)
    pieces = 0
    crossed = 0.0
    for s in range(len(lines.vertex_ptr) - 1):
        for v in range(lines.vertex_ptr[s], lines.vertex_ptr[s + 1] - 1):
            part = _clipped(_vertex(lines, v), _vertex(lines, v + 1), near)
            if part.x0 <= part.x1 and part.y0 <= part.y1:
                box = _Box(min(box.x0, part.x0), min(box.y0, part.y0), max(box.x1, part.x1), max(box.y1, part.y1))
                crossed += part.x1 - part.x0 + part.y1 - part.y0
                pieces += 1
    if pieces == 0:
        return _Grid(0.0, 0.0, 1.0, 1.0, 0, 0, slack), 0
    width, height = box.x1 - box.x0, box.y1 - box.y0
    wanted = max(1.0, CELLS_PER_PIECE * pieces)
    cell = max(math.sqrt(width * height / wanted), max(width, height, crossed) / wanted, SMALLEST_CELL * scale)
    per_m = 1 / cell
    nx, ny = _cell(box.x0, per_m, box.x1) + 1, _cell(box.y0, per_m, box.y1) + 1
    return _Grid(box.x0, box.y0, cell, per_m, nx, ny, slack), pieces


@njit
def _clipped(a: _Point, b: _Point, box: _Box) -> _Box:
    """The part of a piece's bounding box that lies in a box; turned inside out where there is none."""
    return _Box(
        max(min(a.x, b.x), box.x0),
        max(min(a.y, b.y), box.y0),
        min(max(a.x, b.x), box.x1),
        min(max(a.y, b.y), box.y1),
    )


@njit
def _cell(origin: float, per_m: float, value: float) -> int:
    return math.floor((value - origin) * per_m)


@njit
def _rows(grid: _Grid, a: _Point, b: _Point) -> tuple[int, int]:
    """First and last row of the grid that a piece passes through; last below first where there is none."""
    first = max(0, _cell(grid.y0, grid.per_m, min(a.y, b.y)))
    return first, min(grid.ny - 1, _cell(grid.y0, grid.per_m, max(a.y, b.y)))


@njit
def _columns(grid: _Grid, a: _Point, b: _Point, row: int) -> tuple[int, int]:
    """First and last column that a piece passes through in a row; last below first where there is none."""
    low, high = min(a.x, b.x), max(a.x, b.x)
    left, right = low, high
    bottom, top = grid.y0 + row * grid.cell_m, grid.y0 + (row + 1) * grid.cell_m
    if min(a.y, b.y) < bottom or max(a.y, b.y) > top:
        slope = (b.x - a.x) / (b.y - a.y)
        enters = a.x + (max(bottom, min(a.y, b.y)) - a.y) * slope
        leaves = a.x + (min(top, max(a.y, b.y)) - a.y) * slope
        left = min(high, max(low, min(enters, leaves)))
        right = max(low, min(high, max(enters, leaves)))
    first = max(0, _cell(grid.x0, grid.per_m, left))
    return first, min(grid.nx - 1, _cell(grid.x0, grid.per_m, right))


@njit
def _register(lines: _Lines, grid: _Grid) -> _Index:
    """Put every piece into the cells that it passes through."""
    cell_ptr = np.zeros(grid.nx * grid.ny + 1, np.int32)
    _enter(lines, grid, cell_ptr[1:], np.empty(0, np.int32))
    for cell in range(grid.nx * grid.ny):
        cell_ptr[cell + 1] += cell_ptr[cell]
    piece = np.empty(cell_ptr[-1], np.int32)
    _enter(lines, grid, cell_ptr[:-1].copy(), piece)
    return _Index(cell_ptr, piece, _rings_to_pieces(grid, cell_ptr))


@njit
def _enter(lines: _Lines, grid: _Grid, place: NDArray[np.int32], piece: NDArray[np.int32]) -> None:
    """Write the pieces where ``place`` says and move it on; with no room for pieces, only move it: that counts."""
    for s in range(len(lines.vertex_ptr) - 1):
        for v in range(lines.vertex_ptr[s], lines.vertex_ptr[s + 1] - 1):
            a, b = _vertex(lines, v), _vertex(lines, v + 1)
            first_row, last_row = _rows(grid, a, b)
            for row in range(first_row, last_row + 1):
                first, last = _columns(grid, a, b, row)
                for cell in range(row * grid.nx + first, row * grid.nx + last + 1):
                    if len(piece):
                        piece[place[cell]] = v
                    place[cell] += 1


@njit
def _rings_to_pieces(grid: _Grid, cell_ptr: NDArray[np.int32]) -> NDArray[np.int32]:
    """Rings around each cell up to the first that holds a piece: a chessboard distance transform in two sweeps.

    Rosenfeld & Pfaltz (1966), Sequential operations in digital picture processing. With it, a point in open country
    steps over empty cells instead of looking into each.
    """
    far = grid.nx + grid.ny
    rings = np.full((grid.ny + 2, grid.nx + 2), far, np.int32)
    for row in range(1, grid.ny + 1):
        for column in range(1, grid.nx + 1):
            cell = (row - 1) * grid.nx + column - 1
            if cell_ptr[cell] < cell_ptr[cell + 1]:
                rings[row, column] = 0
            else:
                above = min(rings[row - 1, column - 1], rings[row - 1, column], rings[row - 1, column + 1])
                rings[row, column] = min(above, rings[row, column - 1], far - 1) + 1
    for row in range(grid.ny, 0, -1):
        for column in range(grid.nx, 0, -1):
            below = min(rings[row + 1, column - 1], rings[row + 1, column], rings[row + 1, column + 1])
            rings[row, column] = min(rings[row, column], min(below, rings[row, column + 1]) + 1)
    return rings[1:-1, 1:-1].copy().reshape(-1)


@njit
def _home(grid: _Grid, point: _Point) -> tuple[int, int]:
    """Column and row of the cell of the grid that is nearest to a point."""
    column = _cell(grid.x0, grid.per_m, point.x)
    row = _cell(grid.y0, grid.per_m, point.y)
    return min(grid.nx - 1, max(0, column)), min(grid.ny - 1, max(0, row))


@njit
def _in_grid_order(grid: _Grid, xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Points sorted by their cells: neighbours look at the same streets while these are in the cache."""
    start = np.zeros(grid.nx * grid.ny + 1, np.int64)
    home = np.empty(len(xy), np.int64)
    for i in range(len(xy)):
        column, row = _home(grid, _Point(xy[i, 0], xy[i, 1]))
        home[i] = row * grid.nx + column
        start[home[i] + 1] += 1
    for cell in range(grid.nx * grid.ny):
        start[cell + 1] += start[cell]
    order = np.empty(len(xy), np.int64)
    for i in range(len(xy)):
        order[start[home[i]]] = i
        start[home[i]] += 1
    return order


@njit
def _search(lines: _Lines, grid: _Grid, index: _Index, point: _Point, found: _Found) -> _Found:
    """Visit every cell that can hold a piece as near as the best so far, which gets better on the way."""
    column, row = _home(grid, point)
    ring = index.rings[row * grid.nx + column]
    if _exceeds((ring - 1) * grid.cell_m - grid.slack_m, found):
        return found
    # A piece on this ring is not farther than the corners of the ring: a first bound where the guess is a poor one.
    if found.distance2 > 2 * ((ring + 1) * grid.cell_m) ** 2:
        found = _visit_ring(lines, grid, index, point, found)
    radius = math.sqrt(found.distance2) + grid.slack_m
    low = max(0, _cell(grid.y0, grid.per_m, point.y - radius))
    high = min(grid.ny - 1, _cell(grid.y0, grid.per_m, point.y + radius))
    for step in range(high - low + 1):
        # From the point's own row up and then round from the lowest: what is near makes the rest narrow.
        y = low + (row - low + step) % (high - low + 1)
        bottom = grid.y0 + y * grid.cell_m
        gap = max(0.0, max(bottom - point.y, point.y - (bottom + grid.cell_m)) - grid.slack_m)
        if gap * gap <= found.distance2:
            width = math.sqrt(found.distance2 - gap * gap) + grid.slack_m
            left = max(0, _cell(grid.x0, grid.per_m, point.x - width))
            right = min(grid.nx - 1, _cell(grid.x0, grid.per_m, point.x + width))
            found = _visit(lines, index, _Run(y * grid.nx + left, right - left + 1, 1), point, found)
    return found


@njit
def _visit_ring(lines: _Lines, grid: _Grid, index: _Index, point: _Point, found: _Found) -> _Found:
    """Visit the first ring of cells around a point that holds a piece."""
    column, row = _home(grid, point)
    ring = index.rings[row * grid.nx + column]
    left, right = max(0, column - ring), min(grid.nx - 1, column + ring)
    low, high = max(0, row - ring), min(grid.ny - 1, row + ring)
    for y in (row - ring, row + ring):
        if 0 <= y < grid.ny:
            found = _visit(lines, index, _Run(y * grid.nx + left, right - left + 1, 1), point, found)
    for x in (column - ring, column + ring):
        if 0 <= x < grid.nx:
            found = _visit(lines, index, _Run(low * grid.nx + x, high - low + 1, grid.nx), point, found)
    return found


@njit
def _exceeds(gap: float, found: _Found) -> bool:
    """Whether nothing at this distance or farther can be as near as what was found."""
    return gap > 0 and gap * gap > found.distance2


@njit
def _visit(lines: _Lines, index: _Index, run: _Run, point: _Point, found: _Found) -> _Found:
    """Compare all pieces of a run of cells, stepping over cells that are known to be empty."""
    step = 0
    while step < run.cells:
        cell = run.first + step * run.stride
        for k in range(index.cell_ptr[cell], index.cell_ptr[cell + 1]):
            found = _nearer(lines, np.int64(index.piece[k]), point, found)
        step += max(1, index.rings[cell])
    return found
