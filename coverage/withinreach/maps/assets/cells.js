// Population cells: where uncovered people live. Drawn at their true size, or summed in blocks where a cell would be
// too small to see; a few hundred thousand cells take some milliseconds either way.

const BLOCK_PX = 5;
const SMALLEST_CELL_PX = 4;
const SMALLEST_MARK_PX = 2.2;
const SERVED = 0;
const SERVED_ESTIMATE = 5;
const SQUARE_M_PER_HA = 10000;
const PEOPLE_STEPS = 100;

function isServed(status) {
  return status === SERVED || status === SERVED_ESTIMATE;
}

function makeCells(arrays, origin, sizeM, latitude) {
  const { x, y } = worldPositions(arrays.lon, arrays.lat, 1e6, origin);
  const perMetre = 1 / (EARTH_CIRCUMFERENCE_M * Math.cos((latitude * Math.PI) / 180));
  return {
    x,
    y,
    people: Object.fromEntries(
      Object.keys(arrays)
        .filter((name) => name.startsWith("people_"))
        .map((name) => [name.slice("people_".length), arrays[name]])
    ),
    width: sizeM[0] * perMetre,
    height: sizeM[1] * perMetre,
    ha: (sizeM[0] * sizeM[1]) / SQUARE_M_PER_HA,
    rows: sortedIntoRows(y),
  };
}

// Cells sorted by y into about as many rows as columns, so that a view or a pointer looks at few of them.
function sortedIntoRows(y) {
  let north = Infinity;
  let south = -Infinity;
  for (const value of y) {
    north = Math.min(north, value);
    south = Math.max(south, value);
  }
  const count = Math.max(1, Math.ceil(Math.sqrt(y.length)));
  const height = (south - north) / count || 1;
  const rowOf = (value) => Math.max(0, Math.min(count - 1, Math.floor((value - north) / height)));
  const start = new Uint32Array(count + 1);
  for (const value of y) start[rowOf(value) + 1] += 1;
  for (let row = 0; row < count; row++) start[row + 1] += start[row];
  const next = start.slice();
  const order = new Uint32Array(y.length);
  for (let cell = 0; cell < y.length; cell++) order[next[rowOf(y[cell])]++] = cell;
  return { order, range: (from, to) => [start[rowOf(from)], start[rowOf(to) + 1]] };
}

function forCellsWithin(cells, box, visit) {
  const [from, to] = cells.rows.range(box.north, box.south);
  for (let at = from; at < to; at++) {
    const cell = cells.rows.order[at];
    const x = cells.x[cell];
    const y = cells.y[cell];
    if (x >= box.west && x <= box.east && y >= box.north && y <= box.south) visit(cell);
  }
}

function densityClass(density, breaks) {
  let found = 0;
  while (found < breaks.length && density >= breaks[found]) found += 1;
  return found;
}

function showsSingleCells(cells, scale) {
  return Math.min(cells.width, cells.height) * scale >= SMALLEST_CELL_PX;
}

function paintUncovered(cells, current) {
  return (context, view) => {
    const service = current();
    if (service === null) return;
    const paint = showsSingleCells(cells, view.scale) ? paintSingleCells : paintBlocks;
    paint(context, view, cells, service);
  };
}

function paintSingleCells(context, view, cells, { people, status, breaks }) {
  const byClass = UNCOVERED_COLOURS.map(() => []);
  const box = {
    west: view.west - cells.width,
    east: view.east + cells.width,
    north: view.north - cells.height,
    south: view.south + cells.height,
  };
  forCellsWithin(cells, box, (cell) => {
    if (isServed(status[cell]) || people[cell] === 0) return;
    byClass[densityClass(people[cell] / PEOPLE_STEPS / cells.ha, breaks)].push(cell);
  });
  const { scale, dx, dy } = view;
  byClass.forEach((members, at) => {
    context.fillStyle = UNCOVERED_COLOURS[at];
    for (const cell of members) {
      // Whole pixels: neighbours then share an edge, with neither a seam nor an overlap.
      const left = Math.round((cells.x[cell] - cells.width / 2) * scale + dx);
      const right = Math.round((cells.x[cell] + cells.width / 2) * scale + dx);
      const top = Math.round((cells.y[cell] - cells.height / 2) * scale + dy);
      const bottom = Math.round((cells.y[cell] + cells.height / 2) * scale + dy);
      context.fillRect(left, top, right - left, bottom - top);
    }
  });
}

// Blocks are anchored to the world, not to the view, so that they stand still while the map is dragged.
function paintBlocks(context, view, cells, { people, status, breaks }) {
  const firstColumn = Math.floor(view.topLeft.x / BLOCK_PX);
  const firstRow = Math.floor(view.topLeft.y / BLOCK_PX);
  const columns = Math.ceil(view.width / BLOCK_PX) + 1;
  const rows = Math.ceil(view.height / BLOCK_PX) + 1;
  const sums = new Float32Array(columns * rows);
  const offsetX = view.dx + view.topLeft.x;
  const offsetY = view.dy + view.topLeft.y;
  forCellsWithin(cells, view, (cell) => {
    if (isServed(status[cell])) return;
    const column = Math.floor((cells.x[cell] * view.scale + offsetX) / BLOCK_PX) - firstColumn;
    const row = Math.floor((cells.y[cell] * view.scale + offsetY) / BLOCK_PX) - firstRow;
    if (column >= 0 && column < columns && row >= 0 && row < rows) sums[row * columns + column] += people[cell];
  });
  const blockHa = (BLOCK_PX * view.metresPerPixel) ** 2 / SQUARE_M_PER_HA;
  for (let at = 0; at < sums.length; at++) {
    if (sums[at] === 0) continue;
    const density = sums[at] / PEOPLE_STEPS / blockHa;
    const side = markSide(density, breaks);
    context.fillStyle = UNCOVERED_COLOURS[densityClass(density, breaks)];
    context.fillRect(
      ((at % columns) + firstColumn + 0.5) * BLOCK_PX - view.topLeft.x - side / 2,
      (Math.floor(at / columns) + firstRow + 0.5) * BLOCK_PX - view.topLeft.y - side / 2,
      side,
      side
    );
  }
}

// The mark of a block grows with the people in it and fills the block from the second break on, so that a few people
// in a wide block do not look like a crowd and the map stays legible between the marks.
function markSide(density, breaks) {
  const share = Math.sqrt(density / breaks[1]);
  return Math.max(SMALLEST_MARK_PX, Math.min(1, share) * BLOCK_PX);
}

// What lies under a position (relative to the origin): one cell, or the sums of a block, or null.
function cellAt(cells, position, scale, { people, status, metres, pocket }) {
  const single = showsSingleCells(cells, scale);
  const halfWidth = single ? cells.width / 2 : BLOCK_PX / 2 / scale;
  const halfHeight = single ? cells.height / 2 : BLOCK_PX / 2 / scale;
  const found = { cells: 0, people: 0, uncovered: 0, status: null, metres: null, pocket: 0, cell: -1 };
  const box = {
    west: position.x - halfWidth,
    east: position.x + halfWidth,
    north: position.y - halfHeight,
    south: position.y + halfHeight,
  };
  forCellsWithin(cells, box, (cell) => {
    if (people[cell] === 0 || (single && found.cells === 1)) return;
    found.cells += 1;
    found.people += people[cell] / PEOPLE_STEPS;
    found.pocket = pocket[cell] || found.pocket;
    if (!isServed(status[cell])) found.uncovered += people[cell] / PEOPLE_STEPS;
    if (single) {
      found.status = status[cell];
      found.metres = metres[cell];
      found.cell = cell;
    }
  });
  return found.cells === 0 ? null : { ...found, single };
}
