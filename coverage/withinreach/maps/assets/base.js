// The ground: water and streets, drawn from the study's own layers.

const PART_LINE = 0;
const PART_SHELL = 1;

// Per level of a street: the zoom from which it is drawn, its width in pixels there, and the width at zoom 16.
const STREET_LEVELS = [
  { from: 8, thin: 0.45, wide: 2.8 },
  { from: 9.75, thin: 0.4, wide: 2.2 },
  { from: 11.25, thin: 0.4, wide: 1.6 },
  { from: 12.75, thin: 0.4, wide: 1.2 },
];
const STREET_ALPHA = [0.42, 0.34, 0.34, 0.34];
const FULL_ZOOM = 16;

function streetWidth(level, zoom) {
  const { from, thin, wide } = STREET_LEVELS[level];
  if (zoom < from) return 0;
  const share = Math.min(1, (zoom - from) / (FULL_ZOOM - from));
  return thin + (wide - thin) * share * share;
}

function tracePart(context, shapes, part, view, closed) {
  const { x, y, start } = shapes;
  const { scale, dx, dy } = view;
  const from = start[part];
  const to = start[part + 1];
  let lastX = x[from] * scale + dx;
  let lastY = y[from] * scale + dy;
  context.moveTo(lastX, lastY);
  for (let i = from + 1; i < to; i++) {
    const px = x[i] * scale + dx;
    const py = y[i] * scale + dy;
    // Steps below half a pixel cannot be seen, but cost time; the last vertex always counts.
    if (i < to - 1 && Math.abs(px - lastX) < 0.5 && Math.abs(py - lastY) < 0.5) continue;
    context.lineTo(px, py);
    lastX = px;
    lastY = py;
  }
  if (closed) context.closePath();
}

function paintStreets(arrays, origin) {
  const shapes = worldParts(arrays, 1e5, origin);
  const { level } = arrays;
  return (context, view) => {
    context.lineJoin = "round";
    context.lineCap = "round";
    context.strokeStyle = STREET;
    for (let wanted = STREET_LEVELS.length - 1; wanted >= 0; wanted--) {
      const width = streetWidth(wanted, view.zoom);
      if (width === 0) continue;
      context.lineWidth = width;
      context.globalAlpha = STREET_ALPHA[wanted];
      context.beginPath();
      for (let part = 0; part < shapes.count; part++) {
        if (level[part] === wanted && inView(shapes.box, part, view)) {
          tracePart(context, shapes, part, view, false);
        }
      }
      context.stroke();
    }
    context.globalAlpha = 1;
  };
}

function paintWater(arrays, origin) {
  const shapes = worldParts(arrays, 1e5, origin);
  const { kind } = arrays;
  return (context, view) => {
    context.fillStyle = WATER_FILL;
    context.strokeStyle = WATER_EDGE;
    context.lineJoin = "round";
    context.lineWidth = Math.max(0.75, Math.min(4, (view.zoom - 8) * 0.5));
    for (let part = 0; part < shapes.count; part++) {
      if (!inView(shapes.box, part, view)) continue;
      context.beginPath();
      tracePart(context, shapes, part, view, kind[part] !== PART_LINE);
      if (kind[part] === PART_LINE) {
        context.stroke();
        continue;
      }
      while (part + 1 < shapes.count && kind[part + 1] > PART_SHELL) {
        part += 1;
        tracePart(context, shapes, part, view, true);
      }
      context.fill("evenodd");
    }
  };
}
