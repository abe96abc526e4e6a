// Walking in the page, with the numbers of the kernels: whole millimetres along streets, the same floating-point
// expressions for the nearest street, and ways *to* a place, so that uphill and downhill differ.

const FAR_MM = 2 ** 31 - 1;
const BUCKET_BITS = 16;
const SNAP_CELL_M = 100;
const NO_ENTRY = -1;

function makeWalker(arrays, content, costs) {
  const { tail, head, length } = arrays;
  const count = tail.length;
  const nodes = arrays.tail.reduce((most, node, at) => Math.max(most, node, head[at]), -1) + 1;
  const streets = makeStreets(arrays, content.originMm);
  const index = indexPieces(streets, arrays.steps);
  const ends = groupBy([...tail, ...head], nodes);
  const cellsOf = groupBy(arrays.cell_segment, count);
  const grounds = new Map();
  const search = makeSearch(nodes, ends, tail, head);

  // What a pace's ways cost, and where the cells are on them; made once per kind of costs.
  const groundOf = (pace) => {
    const key = String(pace.costs) + pace.stairs;
    if (!grounds.has(key)) {
      const { forward, backward } = pace.costs === null ? { forward: length, backward: length } : costs[pace.costs];
      const ground = { forward, backward, length, closed: pace.stairs ? null : arrays.steps };
      const spots = { segment: arrays.cell_segment, offset: arrays.cell_offset, access: arrays.cell_access };
      grounds.set(key, { ...ground, cells: waysAlong(ground, spots) });
    }
    return grounds.get(key);
  };

  return {
    streets,
    nodes,
    facility: (row) => ({
      segment: arrays.facility_segment[row],
      offset: arrays.facility_offset[row],
      access: arrays.facility_access[row],
    }),
    atNode: (node) => spotAtNode(node, ends, { tail, length }),
    vertexOf: (node) => vertexOf(node, ends, streets, tail),
    uncoveredPerNode: (people, reached) => uncoveredPerNode({ tail, head, cellsOf, nodes }, people, reached),
    reachedParts: (way, limit = way.limit) => reachedParts(way, limit, { tail, head, ends }),
    snap: (x, y) => snapPoint(streets, index, x, y, content.capM),
    // Cells from which people reach a spot within a cutoff, each with its millimetres of level street, and the nodes
    // on their way.
    within(pace, cutoffS, spot) {
      if (spot === null || spot.segment < 0) return { cells: [], mm: [], nodes: [], nodeMm: [], spot };
      const ground = groundOf(pace);
      const limit = Math.floor(cutoffS * pace.speed_mm_s) + 1;
      const reached = search(ground, spot, limit);
      const found = cellsWithin({ arrays, ground, cellsOf, ends }, reached, spot, limit);
      const inTime = found.mm.map((mm) => mm / pace.speed_mm_s <= cutoffS);
      return {
        ...reached,
        cells: found.cells.filter((_, at) => inTime[at]),
        mm: found.mm.filter((_, at) => inTime[at]),
        ground,
        limit,
        spot,
      };
    },
  };
}

// Vertices in metres, exactly as Python has them: a whole number of millimetres, divided by 1000.
function makeStreets(arrays, originMm) {
  const total = arrays.x.length;
  const x = new Float64Array(total);
  const y = new Float64Array(total);
  for (let i = 0; i < total; i++) {
    x[i] = (arrays.x[i] + originMm[0]) / 1000;
    y[i] = (arrays.y[i] + originMm[1]) / 1000;
  }
  const first = new Int32Array(arrays.vertices.length + 1);
  for (let i = 0; i < arrays.vertices.length; i++) first[i + 1] = first[i] + arrays.vertices[i];
  const segment = new Int32Array(total);
  const along = new Float64Array(total);
  for (let row = 0; row + 1 < first.length; row++) {
    for (let i = first[row]; i < first[row + 1]; i++) {
      segment[i] = row;
      if (i > first[row]) along[i] = along[i - 1] + pieceLength(x, y, i - 1);
    }
  }
  return { x, y, first, segment, along, length: arrays.length };
}

function pieceLength(x, y, at) {
  const dx = x[at + 1] - x[at];
  const dy = y[at + 1] - y[at];
  return Math.sqrt(dx * dx + dy * dy);
}

// Rows of each value, as a list of rows behind pointers; values below zero belong to none.
function groupBy(values, count) {
  const ptr = new Int32Array(count + 1);
  for (const value of values) if (value >= 0) ptr[value + 1] += 1;
  for (let i = 0; i < count; i++) ptr[i + 1] += ptr[i];
  const next = ptr.slice();
  const row = new Int32Array(ptr[count]);
  values.forEach((value, at) => {
    if (value >= 0) row[next[value]++] = at;
  });
  return { ptr, row };
}

// Snapping ------------------------------------------------------------------------------------------------------

// Pieces of streets by the squares of a grid that the box around them touches; stairs are nobody's nearest street.
function indexPieces({ x, y, segment }, steps) {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    west = Math.min(west, x[i]);
    east = Math.max(east, x[i]);
    south = Math.min(south, y[i]);
    north = Math.max(north, y[i]);
  }
  const columns = Math.floor((east - west) / SNAP_CELL_M) + 1;
  const rows = Math.floor((north - south) / SNAP_CELL_M) + 1;
  const column = (value) => Math.min(columns - 1, Math.max(0, Math.floor((value - west) / SNAP_CELL_M)));
  const row = (value) => Math.min(rows - 1, Math.max(0, Math.floor((value - south) / SNAP_CELL_M)));
  const visit = (act) => {
    for (let i = 0; i + 1 < x.length; i++) {
      if (segment[i] !== segment[i + 1] || steps[segment[i]]) continue;
      for (let r = row(Math.min(y[i], y[i + 1])); r <= row(Math.max(y[i], y[i + 1])); r++) {
        for (let c = column(Math.min(x[i], x[i + 1])); c <= column(Math.max(x[i], x[i + 1])); c++) act(r * columns + c, i);
      }
    }
  };
  const ptr = new Int32Array(columns * rows + 1);
  visit((square) => (ptr[square + 1] += 1));
  for (let i = 0; i < columns * rows; i++) ptr[i + 1] += ptr[i];
  const next = ptr.slice();
  const piece = new Int32Array(ptr[columns * rows]);
  visit((square, i) => (piece[next[square]++] = i));
  return { ptr, piece, columns, column, row };
}

// The nearest place on a street within the cap, or null; of equally near pieces the first.
function snapPoint(streets, index, x, y, capM) {
  let best = Infinity;
  let at = NO_ENTRY;
  for (let r = index.row(y - capM); r <= index.row(y + capM); r++) {
    for (let c = index.column(x - capM); c <= index.column(x + capM); c++) {
      const square = r * index.columns + c;
      for (let k = index.ptr[square]; k < index.ptr[square + 1]; k++) {
        const piece = index.piece[k];
        const { distance2 } = projected(streets, piece, x, y);
        if (distance2 < best || (distance2 === best && piece < at)) {
          best = distance2;
          at = piece;
        }
      }
    }
  }
  const distance = Math.sqrt(best);
  if (at === NO_ENTRY || distance > capM) return null;
  const { share } = projected(streets, at, x, y);
  const segment = streets.segment[at];
  const offset = streets.along[at] + share * pieceLength(streets.x, streets.y, at);
  return {
    segment,
    offset: Math.min(streets.length[segment], Math.max(0, roundHalfEven(offset * 1000))),
    access: Math.ceil(roundHalfEven(distance * 1000 * 1000) / 1000),
  };
}

function projected({ x, y }, piece, px, py) {
  const dx = x[piece + 1] - x[piece];
  const dy = y[piece + 1] - y[piece];
  const rx = px - x[piece];
  const ry = py - y[piece];
  const share = Math.min(1, Math.max(0, (rx * dx + ry * dy) / Math.max(dx * dx + dy * dy, 2.2250738585072014e-308)));
  const ox = share >= 1 ? px - x[piece + 1] : rx - share * dx;
  const oy = share >= 1 ? py - y[piece + 1] : ry - share * dy;
  return { distance2: ox * ox + oy * oy, share };
}

// As NumPy rounds.
function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function spotAtNode(node, ends, { tail, length }) {
  if (ends.ptr[node] === ends.ptr[node + 1]) return null;
  const end = ends.row[ends.ptr[node]];
  const segment = end % tail.length;
  return { segment, offset: end < tail.length ? 0 : length[segment], access: 0 };
}

function vertexOf(node, ends, streets, tail) {
  const end = ends.row[ends.ptr[node]];
  return end < tail.length ? streets.first[end] : streets.first[end - tail.length + 1] - 1;
}

// People on the streets at each junction who are not reached.
function uncoveredPerNode({ tail, head, cellsOf, nodes }, people, reached) {
  const sums = new Float64Array(nodes);
  for (let segment = 0; segment < tail.length; segment++) {
    for (let c = cellsOf.ptr[segment]; c < cellsOf.ptr[segment + 1]; c++) {
      const cell = cellsOf.row[c];
      if (reached[cell]) continue;
      sums[tail[segment]] += people[cell];
      sums[head[segment]] += people[cell];
    }
  }
  return sums;
}

// Searching -----------------------------------------------------------------------------------------------------

// From the tail to each position, and from it to the tail: the share of the whole, rounded down.
function waysAlong({ forward, backward, length }, { segment, offset }) {
  if (forward === length && backward === length) return { fromTail: offset, toTail: offset };
  const share = (whole) =>
    Int32Array.from(segment, (row, at) =>
      row < 0 ? 0 : Number((BigInt(whole[row]) * BigInt(offset[at])) / BigInt(Math.max(1, length[row])))
    );
  return { fromTail: share(forward), toTail: share(backward) };
}

function wayAlong(ground, spot) {
  const ways = waysAlong(ground, { segment: [spot.segment], offset: [spot.offset] });
  return { fromTail: ways.fromTail[0], toTail: ways.toTail[0] };
}

// One search against the direction of walking, in buckets of equal distance, cut at the limit.
function makeSearch(nodes, ends, tail, head) {
  const best = new Int32Array(nodes).fill(FAR_MM);
  let queueNode = new Int32Array(4096);
  let queueMm = new Int32Array(4096);
  let queueNext = new Int32Array(4096);
  return (ground, spot, limit) => {
    const first = new Int32Array((limit >> BUCKET_BITS) + 1).fill(NO_ENTRY);
    const touched = [];
    let pushed = 0;
    const reach = (node, mm) => {
      if (mm > limit || mm >= best[node]) return;
      if (best[node] === FAR_MM) touched.push(node);
      best[node] = mm;
      if (pushed === queueNode.length) {
        [queueNode, queueMm, queueNext] = [queueNode, queueMm, queueNext].map((old) => {
          const longer = new Int32Array(2 * old.length);
          longer.set(old);
          return longer;
        });
      }
      queueNode[pushed] = node;
      queueMm[pushed] = mm;
      queueNext[pushed] = first[mm >> BUCKET_BITS];
      first[mm >> BUCKET_BITS] = pushed++;
    };
    const way = wayAlong(ground, spot);
    reach(tail[spot.segment], spot.access + way.fromTail);
    reach(head[spot.segment], spot.access + ground.backward[spot.segment] - way.toTail);
    for (let bucket = 0; bucket < first.length; bucket++) {
      while (first[bucket] !== NO_ENTRY) {
        const entry = first[bucket];
        first[bucket] = queueNext[entry];
        const node = queueNode[entry];
        const mm = queueMm[entry];
        if (mm > best[node]) continue;
        for (let k = ends.ptr[node]; k < ends.ptr[node + 1]; k++) {
          const end = ends.row[k];
          const atTail = end < tail.length;
          const segment = atTail ? end : end - tail.length;
          if (ground.closed !== null && ground.closed[segment]) continue;
          if (atTail) reach(head[segment], mm + ground.backward[segment]);
          else reach(tail[segment], mm + ground.forward[segment]);
        }
      }
    }
    const nodeMm = Int32Array.from(touched, (node) => best[node]);
    for (const node of touched) best[node] = FAR_MM;
    return { nodes: touched, nodeMm };
  };
}

function cellsWithin({ arrays, ground, cellsOf, ends }, reached, spot, limit) {
  const { tail, cell_access: access, cell_offset: offset } = arrays;
  const { fromTail, toTail } = ground.cells;
  const best = new Map();
  const lower = (cell, mm) => {
    if (mm <= limit && mm < (best.get(cell) ?? FAR_MM)) best.set(cell, mm);
  };
  reached.nodes.forEach((node, at) => {
    const nodeMm = reached.nodeMm[at];
    for (let k = ends.ptr[node]; k < ends.ptr[node + 1]; k++) {
      const end = ends.row[k];
      const atTail = end < tail.length;
      const segment = atTail ? end : end - tail.length;
      for (let c = cellsOf.ptr[segment]; c < cellsOf.ptr[segment + 1]; c++) {
        const cell = cellsOf.row[c];
        const along = atTail ? toTail[cell] : ground.forward[segment] - fromTail[cell];
        lower(cell, nodeMm + along + access[cell]);
      }
    }
  });
  const way = wayAlong(ground, spot);
  for (let c = cellsOf.ptr[spot.segment]; c < cellsOf.ptr[spot.segment + 1]; c++) {
    const cell = cellsOf.row[c];
    const along = offset[cell] < spot.offset ? way.fromTail - fromTail[cell] : toTail[cell] - way.toTail;
    lower(cell, along + access[cell] + spot.access);
  }
  const cells = [...best.keys()].sort((one, other) => one - other);
  return { cells, mm: cells.map((cell) => best.get(cell)) };
}

// The parts of streets from which a spot is reached within a limit: segment, and the shares of its length between which.
function reachedParts({ ground, nodes, nodeMm, spot }, limit, { tail, head, ends }) {
  const mm = new Map();
  nodes.forEach((node, at) => nodeMm[at] <= limit && mm.set(node, nodeMm[at]));
  const segments = new Set([spot.segment]);
  for (const node of mm.keys()) {
    for (let k = ends.ptr[node]; k < ends.ptr[node + 1]; k++) segments.add(ends.row[k] % tail.length);
  }
  const parts = [];
  for (const segment of segments) {
    if (ground.closed !== null && ground.closed[segment]) continue;
    const byTail = mm.has(tail[segment]) ? (limit - mm.get(tail[segment])) / Math.max(1, ground.backward[segment]) : 0;
    const byHead = mm.has(head[segment]) ? (limit - mm.get(head[segment])) / Math.max(1, ground.forward[segment]) : 0;
    if (byTail + byHead >= 1) parts.push([segment, 0, 1]);
    else {
      if (byTail > 0) parts.push([segment, 0, byTail]);
      if (byHead > 0) parts.push([segment, 1 - byHead, 1]);
    }
  }
  const length = Math.max(1, ground.length[spot.segment]);
  const room = Math.max(0, limit - spot.access);
  const back = room / Math.max(1, ground.forward[spot.segment]);
  const on = room / Math.max(1, ground.backward[spot.segment]);
  const at = spot.offset / length;
  parts.push([spot.segment, Math.max(0, at - back), Math.min(1, at + on)]);
  return parts;
}

// Degrees and metres --------------------------------------------------------------------------------------------

function polynomial({ centre, scale, coefficients }, terms) {
  return (a, b) => {
    const u = (a - centre[0]) / scale[0];
    const v = (b - centre[1]) / scale[1];
    const sums = [0, 0];
    terms.forEach(([i, j], at) => {
      const value = u ** i * v ** j;
      sums[0] += coefficients[0][at] * value;
      sums[1] += coefficients[1][at] * value;
    });
    return sums;
  };
}
