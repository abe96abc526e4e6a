// Trying sites: put one on the map, see at once who would be reached in time, move it, close, resize or move a facility,
// look for the best place. Present on pages that carry the network of their area.

const SITE = "#6a2fa0";
const REACHED = "rgba(122, 74, 184, 0.55)";
const GAINED = "#2c7d45";
const LOST = "#b0246f";
const CANDIDATES = 2000;
const SCAN_MS = 30;
const SITE_ZOOM = 14;
const KEY_STEP_M = 10;
const KEY_STRIDE_M = 100;
const KEY_STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
// A hollow square this small is no longer seen as one.
const SMALLEST_HOLLOW_PX = 4.5;
const SMALLEST_PLUS_PX = 7;

async function makeSites(page, data) {
  const content = readJson("walks");
  const costs = [];
  while (document.getElementById("wr-costs-" + costs.length)) costs.push(await readArrays("costs-" + costs.length));
  const walker = makeWalker(await readArrays("network"), content, costs);
  const toMetres = polynomial(content.toMetres, content.terms);
  const toDegrees = polynomial(content.toDegrees, content.terms);
  const isInside = (x, y) => isInAreas(data.areas, ...toDegrees(x, y));
  if (document.getElementById("wr-cell-units")) page.cellUnits = { ...readJson("cell-units"), ...(await readArrays("unit-of-cell")) };
  const model = makeTrial(walker, content, { cells: data.cells, isInside }, page);
  const world = worldOf(walker.streets, toDegrees, page.origin);
  const rings = makeRings(page, model, walker, toMetres);
  const layers = [
    new CanvasLayer(page.origin, paintTrial(model, walker, world, rings), { pane: "wr-trial" }),
    new CanvasLayer(page.origin, (context, view) => paintClosed(context, view, model), { pane: "wr-names" }),
  ];
  const markers = new Map();
  let placing = false;

  const positionOf = ({ lat, lng }) => toMetres(lng, lat).map(wholeMillimetres);
  const latLngOf = ({ x, y }) => {
    const [lon, lat] = toDegrees(x, y);
    return L.latLng(lat, lon);
  };
  const showMarkers = () => {
    const places = markedPlaces(page, model);
    for (const [place, marker] of markers) {
      if (!places.has(place)) {
        marker.remove();
        markers.delete(place);
      }
    }
    for (const [place, sign] of places) {
      if (!markers.has(place)) markers.set(place, placeMarker(page, latLngOf(place), actionsOf(place)));
      const marker = markers.get(place).setLatLng(latLngOf(place));
      nameMarker(marker.getElement(), sign);
    }
  };
  const changed = () => {
    showMarkers();
    for (const layer of layers) layer.redraw();
    view.update();
    chip.update();
  };
  // Sites and moved facilities are dragged and moved by keys alike.
  const rowOf = (place) => [...model.moved].find(([, moved]) => moved === place)?.[0];
  const movePlace = (place, x, y) => {
    if (model.sites.includes(place)) model.move(place, x, y);
    else model.moveFacility(rowOf(place), x, y);
    changed();
  };
  const actionsOf = (place) => ({
    move: (latlng) => movePlace(place, ...positionOf(latlng)),
    step: (east, north) => movePlace(place, wholeMillimetres(place.x + east), wholeMillimetres(place.y + north)),
    remove: () => (model.sites.includes(place) ? actions.remove(place) : actions.restoreFacility(rowOf(place))),
  });
  const then = (act) => (...told) => {
    act(...told);
    changed();
  };
  const onFacility = (act) => (...told) => {
    page.map.closePopup();
    then(act)(...told);
  };
  const actions = {
    add: then((latlng) => model.add(...positionOf(latlng))),
    remove: then(model.remove),
    clear: then(() => {
      model.clear();
      rings.show(null);
    }),
    load: then(model.load),
    setPace: then(model.setPace),
    setMinutes: then(model.setMinutes),
    setCapacity: then(model.setCapacity),
    toggleFacility: onFacility(model.toggleFacility),
    resizeFacility: then(model.resizeFacility),
    restoreFacility: onFacility(model.restoreFacility),
    moveFacility: onFacility((row) => {
      const { lon, lat } = page.facilities.table;
      model.moveFacility(row, ...positionOf({ lng: lon[row], lat: lat[row] }));
    }),
    showRings: onFacility(rings.show),
    async addBest(tell) {
      const best = await bestNode(walker, model, tell);
      if (best !== null) {
        model.add(walker.streets.x[best.vertex], walker.streets.y[best.vertex]);
        changed();
        actions.show(model.sites[model.sites.length - 1]);
      }
      return best;
    },
    place(on) {
      placing = on;
      chip.update();
      page.map.getContainer().classList.toggle("placing", on);
    },
    show: (place) => page.map.setView(latLngOf(place), Math.max(page.map.getZoom(), SITE_ZOOM)),
  };
  const ground = { page, crs: content.crs, capM: content.capM, toMetres, snap: walker.snap };
  const files = makeScenarioFiles(ground, model, actions);
  const chip = trialChip(page, model, () => placing);
  let view = makeSitesPanel(page, model, { actions, files, rings });
  page.words.onChange(() => {
    actions.place(false);
    files.forget();
    view.root.remove();
    view = makeSitesPanel(page, model, { actions, files, rings });
    changed();
  });
  page.map.getContainer().addEventListener("keydown", (event) => {
    if (placing && event.key === "Enter" && event.target === page.map.getContainer()) actions.add(page.map.getCenter());
  });
  trial.model = model;
  return {
    placing: () => placing,
    add: actions.add,
    card: (row) => facilityActions(page, model, row, actions),
    selectService(service) {
      model.selectService(service);
      rings.show(null);
      for (const layer of layers) if (!page.map.hasLayer(layer)) layer.addTo(page.map);
      changed();
    },
  };
}

function isInAreas({ count, lon, lat }, x, y) {
  let inside = false;
  let from = 0;
  for (const length of count) {
    for (let i = from, j = from + length - 1; i < from + length; j = i++) {
      const [x1, y1, x2, y2] = [lon[i] / 1e5, lat[i] / 1e5, lon[j] / 1e5, lat[j] / 1e5];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    from += length;
  }
  return inside;
}

// The junction that would reach most people who are not reached; among the junctions with most of them on their own
// streets. Looks at some, lets the page breathe, and goes on.
async function bestNode(walker, model, tell) {
  const people = model.people();
  const { after } = model.result;
  const weight = walker.uncoveredPerNode(people, after);
  const candidates = [...weight.keys()].filter((node) => weight[node] > 0);
  candidates.sort((one, other) => weight[other] - weight[one] || one - other);
  candidates.length = Math.min(candidates.length, CANDIDATES);
  let best = null;
  let paused = performance.now();
  for (const [at, node] of candidates.entries()) {
    let sum = 0;
    for (const cell of model.wayWithin(walker.atNode(node), model.minutes).cells) if (!after[cell]) sum += people[cell];
    if (best === null || sum > best.people) best = { node, people: sum, vertex: walker.vertexOf(node) };
    if (performance.now() - paused > SCAN_MS) {
      tell(at / candidates.length);
      await new Promise((resolve) => setTimeout(resolve));
      paused = performance.now();
    }
  }
  return best;
}

// On the map -----------------------------------------------------------------------------------------------------

// What has a marker, with the sign and the name on it: the sites of the service, numbered, and moved facilities.
function markedPlaces({ text, facilities }, model) {
  const places = new Map();
  model.shown().forEach((site, at) => places.set(site, { sign: String(at + 1), name: text.site + " " + (at + 1) }));
  for (const [row, place] of model.moved) {
    if (model.service.facilities.includes(row)) places.set(place, { sign: text.moved_sign, name: facilities.table.name[row] });
  }
  for (const sign of places.values()) sign.help = fill(text.site_keys, { name: sign.name, step: KEY_STEP_M, stride: KEY_STRIDE_M });
  return places;
}

function placeMarker(page, latlng, { move, step, remove }) {
  const icon = L.divIcon({ className: "site-pin", html: element("span", { class: "site-number" }), iconSize: [26, 26] });
  const marker = L.marker(latlng, { icon, draggable: true, pane: "wr-sites" }).addTo(page.map);
  marker.on("drag", () => move(marker.getLatLng()));
  marker.getElement().addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") remove();
    else if (event.key in KEY_STEPS) {
      const metres = event.shiftKey ? KEY_STRIDE_M : KEY_STEP_M;
      step(...KEY_STEPS[event.key].map((share) => share * metres));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return marker;
}

function nameMarker(pin, { sign, help }) {
  pin.querySelector("span").textContent = sign;
  pin.title = help;
  pin.setAttribute("aria-label", help);
}

// Beside the map, so that nobody needs to look away from it: how many gain and lose, or what a click does.
function trialChip({ text, format }, model, isPlacing) {
  const root = element("div", { class: "trial-chip", attributes: { "aria-hidden": "true" } });
  document.getElementById("wr-view").append(root);
  return {
    update() {
      const [gained, lost] = [model.result.gained, model.result.lost].map((found) => model.peopleOf(found)[model.service.people]);
      const told = [text.site_gained + " " + format.fewPeople(gained)];
      if (lost > 0) told.push(text.site_lost + " " + format.fewPeople(lost));
      model.shown().forEach((site, at) => site.spot === null && told.push(text.site + " " + (at + 1) + ": " + text.site_off));
      root.textContent = model.isEmpty() ? text.site_hint : told.join(" · ");
      root.classList.toggle("hint", model.isEmpty());
      root.hidden = model.isEmpty() && !isPlacing();
    },
  };
}

// Vertices of the streets as canvas layers have positions.
function worldOf(streets, toDegrees, origin) {
  const x = new Float32Array(streets.x.length);
  const y = new Float32Array(streets.x.length);
  for (let i = 0; i < x.length; i++) {
    const [lon, lat] = toDegrees(streets.x[i], streets.y[i]);
    x[i] = worldX(lon) - origin.x;
    y[i] = worldY(lat) - origin.y;
  }
  return { x, y };
}

// The walking circle of every site, as far as people walk along each street, and who is gained and lost.
function paintTrial(model, walker, world, rings) {
  return (context, view) => {
    if (model.result === null) return;
    rings.paint(context, view, world);
    paintChanged(context, view, model);
    context.strokeStyle = REACHED;
    context.lineWidth = Math.max(2, Math.min(7, (view.zoom - 9) * 0.9));
    for (const { way } of [...model.shown(), ...model.moved.values()]) {
      if (way && way.ground) traceReached(context, view, { walker, world }, way);
    }
  };
}

function traceReached(context, view, { walker, world }, way, limit) {
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  for (const [segment, from, to] of walker.reachedParts(way, limit)) traceStreet(context, walker.streets, world, view, segment, from, to);
  context.stroke();
}

// Cells that are gained are filled and have a plus where there is room, those that are lost are hollow: whoever cannot
// tell the colours tells the shapes.
function paintChanged(context, view, { result, cells, ...model }) {
  const people = model.people();
  const size = Math.max(2.4, cells.width * view.scale);
  const each = (found, paint) => {
    for (const cell of found) {
      if (people[cell] > 0) paint(cells.x[cell] * view.scale + view.dx - size / 2, cells.y[cell] * view.scale + view.dy - size / 2);
    }
  };
  context.fillStyle = GAINED;
  each(result.gained, (left, top) => context.fillRect(left, top, size, size));
  if (size >= SMALLEST_PLUS_PX) {
    const arm = Math.round(size / 3.5);
    const middle = size / 2;
    context.fillStyle = "#ffffff";
    each(result.gained, (left, top) => {
      context.fillRect(left + middle - arm, top + middle - 0.8, 2 * arm, 1.6);
      context.fillRect(left + middle - 0.8, top + middle - arm, 1.6, 2 * arm);
    });
  }
  context.fillStyle = context.strokeStyle = LOST;
  context.lineWidth = Math.max(1, Math.min(2.5, size / 4));
  const inset = context.lineWidth / 2;
  each(result.lost, (left, top) =>
    size < SMALLEST_HOLLOW_PX
      ? context.fillRect(left, top, size, size)
      : context.strokeRect(left + inset, top + inset, size - 2 * inset, size - 2 * inset)
  );
}

const CROSS_PX = 6;

// A cross over every facility that is closed on trial, or moved away from where it is.
function paintClosed(context, view, { page, service, closed, moved }) {
  const { x, y } = page.facilities;
  context.strokeStyle = LOST;
  context.lineWidth = 2.5;
  context.beginPath();
  for (const row of service.facilities) {
    if (!closed.has(row) && !moved.has(row)) continue;
    const [px, py] = [x[row] * view.scale + view.dx, y[row] * view.scale + view.dy];
    for (const side of [-1, 1]) {
      context.moveTo(px - CROSS_PX, py - side * CROSS_PX);
      context.lineTo(px + CROSS_PX, py + side * CROSS_PX);
    }
  }
  context.stroke();
}

// A street between two shares of its length.
function traceStreet(context, streets, world, view, segment, from, to) {
  const first = streets.first[segment];
  const last = streets.first[segment + 1] - 1;
  const whole = streets.along[last];
  const at = (metres) => {
    let i = first;
    while (i < last - 1 && streets.along[i + 1] < metres) i += 1;
    const piece = streets.along[i + 1] - streets.along[i];
    const share = piece > 0 ? Math.min(1, Math.max(0, (metres - streets.along[i]) / piece)) : 0;
    const px = world.x[i] + share * (world.x[i + 1] - world.x[i]);
    const py = world.y[i] + share * (world.y[i + 1] - world.y[i]);
    return [px * view.scale + view.dx, py * view.scale + view.dy];
  };
  context.moveTo(...at(from * whole));
  for (let i = first + 1; i < last; i++) {
    if (streets.along[i] > from * whole && streets.along[i] < to * whole) {
      context.lineTo(world.x[i] * view.scale + view.dx, world.y[i] * view.scale + view.dy);
    }
  }
  context.lineTo(...at(to * whole));
}
