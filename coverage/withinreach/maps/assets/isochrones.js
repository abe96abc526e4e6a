// The walk to one facility on demand: the streets from which people reach it in 5, 10 and 15 minutes, and beside them
// the circle that a plan would draw.

const RING_MINUTES = [5, 10, 15];
// Darker and wider is nearer.
const RING_LINES = [
  { colour: "#0b3c6f", width: 4.5 },
  { colour: "#2f7fc1", width: 3.2 },
  { colour: "#7fb2dc", width: 2.2 },
];
// Ground this far beside a street belongs to it, as in `trace_isochrones`.
const OFF_STREET_M = 125;
const GROUND_ALPHA = 0.16;
// Positions along a street are rounded at both ends of a way, as in measures/circle.py.
const ROUNDING_M = 0.002;

function makeRings(page, model, walker, toMetres) {
  let shown = null;
  const show = (row) => (shown = row);
  const speed = () => model.pace.speed_mm_s;
  const limitOf = (minutes) => Math.floor(minutes * 60 * speed());
  const longest = RING_MINUTES[RING_MINUTES.length - 1];
  const spotOf = (row) => (model.moved.has(row) ? model.moved.get(row).spot : walker.facility(row));
  let walked = null;
  const way = () => {
    const spot = spotOf(shown);
    if (walked === null || walked.spot !== spot || walked.pace !== model.pace || walked.row !== shown) {
      walked = { row: shown, spot, pace: model.pace, way: model.wayWithin(spot, longest) };
    }
    return walked.way;
  };

  return {
    show,
    row: () => shown,
    // People of the service's group in the area who walk to it within each number of minutes, and who live within the
    // circle as wide as people walk in the most of them.
    figures() {
      const { cells, mm } = way();
      const people = model.people();
      const walkers = RING_MINUTES.map((minutes) => {
        let sum = 0;
        cells.forEach((cell, at) => mm[at] / speed() <= minutes * 60 && (sum += people[cell]));
        return sum / PEOPLE_STEPS;
      });
      const radiusM = (longest * 60 * speed()) / 1000;
      return { walkers, radiusM, inCircle: peopleInCircle(model, positionOf(page, model, shown, toMetres), radiusM, toMetres) };
    },
    paint(context, view, world) {
      if (shown === null) return;
      const found = way();
      if (found.ground) {
        for (let at = RING_MINUTES.length - 1; at >= 0; at--) {
          const limit = limitOf(RING_MINUTES[at]);
          context.strokeStyle = RING_LINES[at].colour;
          context.globalAlpha = GROUND_ALPHA;
          context.lineWidth = (2 * OFF_STREET_M) / view.metresPerPixel;
          traceReached(context, view, { walker, world }, found, limit);
          context.globalAlpha = 1;
          context.lineWidth = RING_LINES[at].width;
          traceReached(context, view, { walker, world }, found, limit);
        }
      }
      const { x, y } = page.facilities;
      const radiusPx = (longest * 60 * speed()) / 1000 / view.metresPerPixel;
      paintOutline(context, x[shown] * view.scale + view.dx, y[shown] * view.scale + view.dy, radiusPx);
    },
  };
}

function positionOf({ facilities }, model, row, toMetres) {
  const { lon, lat } = facilities.table;
  const moved = model.moved.get(row);
  return moved ? [moved.x, moved.y] : toMetres(lon[row], lat[row]);
}

// Cells as far as `radiusM` from a position, to some centimetres: the page knows positions no better.
function peopleInCircle({ cells, page, ...model }, [x, y], radiusM, toMetres) {
  const people = model.people();
  let sum = 0;
  for (let cell = 0; cell < cells.x.length; cell++) {
    if (people[cell] === 0) continue;
    const [lat, lon] = latLngOfWorld(cells.x[cell], cells.y[cell], page.origin);
    const [east, north] = toMetres(lon, lat);
    if (Math.hypot(east - x, north - y) <= radiusM + ROUNDING_M) sum += people[cell];
  }
  return sum / PEOPLE_STEPS;
}

// The legend of what is drawn, with its figures.
function ringsBlock(page, model, rings, close) {
  const { text, format } = page;
  const row = rings.row();
  if (row === null) return [];
  const { walkers, radiusM, inCircle } = rings.figures();
  const button = element("button", { class: "plain-button", text: text.rings_close, attributes: { type: "button" } });
  button.addEventListener("click", close);
  const lines = RING_MINUTES.map((minutes, at) => {
    const sign = swatch(RING_LINES[at].colour, "ring");
    sign.style.height = RING_LINES[at].width + "px";
    return ringLine(sign, fill(text.rings_walk, { minutes }), format.fewPeople(walkers[at]));
  });
  const circle = fill(text.rings_circle, { metres: format.metres(radiusM) });
  lines.push(ringLine(swatch(null, "circle"), circle, format.fewPeople(inCircle)));
  const outside = page.facilities.table.area[row] < 0 ? [element("p", { class: "note", text: text.rings_outside })] : [];
  return [
    element("h4", {}, page.facilities.table.name[row], " ", button),
    element("ul", { class: "ring-lines" }, ...lines),
    element("p", { class: "note", text: fill(text.rings_of, { group: page.study.groups[model.service.people] }) }),
    ...outside,
  ];
}

function ringLine(sign, name, people) {
  return element("li", {}, sign, element("span", { text: name }), element("span", { class: "ring-people", text: people }));
}
