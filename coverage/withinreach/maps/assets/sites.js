// Trying sites: put one on the map, see at once who would be reached in time, move it, close a facility, look for the
// best place. Present on pages that carry the network of their area.

const SITE = "#6a2fa0";
const REACHED = "rgba(122, 74, 184, 0.55)";
const GAINED = "#3f9d5a";
const CANDIDATES = 2000;
const SCAN_MS = 30;
const SITE_ZOOM = 14;

async function makeSites(page, data) {
  const content = readJson("walks");
  const costs = [];
  while (document.getElementById("wr-costs-" + costs.length)) costs.push(await readArrays("costs-" + costs.length));
  const walker = makeWalker(await readArrays("network"), content, costs);
  const toMetres = polynomial(content.toMetres, content.terms);
  const toDegrees = polynomial(content.toDegrees, content.terms);
  const model = makeTrial(walker, content, data.cells, page);
  const layer = new CanvasLayer(page.origin, paintTrial(model, walker, toDegrees, page.origin, data.cells), { pane: "wr-trial" });
  const markers = new Map();
  let placing = false;

  const positionOf = ({ lat, lng }) => toMetres(lng, lat).map((metres) => Math.round(metres * 1000) / 1000);
  const latLngOf = ({ x, y }) => {
    const [lon, lat] = toDegrees(x, y);
    return L.latLng(lat, lon);
  };
  const redraw = () => {
    layer.redraw();
    view.update();
  };
  const showMarkers = () => {
    for (const [site, marker] of markers) {
      if (!model.sites.includes(site)) {
        marker.remove();
        markers.delete(site);
      }
    }
    model.sites.forEach((site, at) => {
      if (!markers.has(site)) markers.set(site, siteMarker(page, latLngOf(site), (to) => actions.move(site, to)));
      const marker = markers.get(site);
      marker.setLatLng(latLngOf(site));
      marker.getElement().querySelector("span").textContent = String(at + 1);
    });
  };
  const changed = () => {
    showMarkers();
    redraw();
  };
  const actions = {
    add(latlng) {
      const [x, y] = positionOf(latlng);
      model.add(x, y);
      changed();
    },
    move(site, latlng) {
      const [x, y] = positionOf(latlng);
      model.move(site, x, y);
      changed();
    },
    remove(site) {
      model.remove(site);
      changed();
    },
    clear() {
      model.clear();
      changed();
    },
    setPace(at) {
      model.setPace(at);
      redraw();
    },
    setMinutes(minutes) {
      model.setMinutes(minutes);
      redraw();
    },
    toggleFacility(row) {
      model.toggleFacility(row);
      page.map.closePopup();
      redraw();
    },
    async addBest(tell) {
      const best = await bestNode(walker, model, tell);
      if (best !== null) {
        model.add(walker.streets.x[best.vertex], walker.streets.y[best.vertex]);
        changed();
        actions.show(latLngOf(model.sites[model.sites.length - 1]));
      }
      return best;
    },
    place(on) {
      placing = on;
      page.map.getContainer().classList.toggle("placing", on);
    },
    show: (latlng) => page.map.setView(latlng, Math.max(page.map.getZoom(), SITE_ZOOM)),
  };
  let view = makeSitesPanel(page, model, actions, latLngOf);
  page.words.onChange(() => {
    actions.place(false);
    for (const marker of markers.values()) marker.getElement().title = page.text.site;
    view.root.remove();
    view = makeSitesPanel(page, model, actions, latLngOf);
    view.update();
  });
  trial.model = model;
  return {
    placing: () => placing,
    add: actions.add,
    card: (row) => facilityAction(page, model, row, actions.toggleFacility),
    selectService(service) {
      model.selectService(service);
      if (layer._map === undefined || layer._map === null) layer.addTo(page.map);
      redraw();
    },
  };
}

// For scripts of the page: `withinReach.trial.model` holds what is tried, in metres of the study's CRS.
const trial = { model: null };

// What is tried: sites, closed facilities, pace and minutes; who is reached now, and who would be.
function makeTrial(walker, content, cells, page) {
  const ways = new Map();
  const model = { sites: [], closed: new Set(), service: null, pace: content.paces[0], minutes: 15, result: null };
  const cutoffS = () => model.minutes * 60;
  const wayOf = (key, spot) => {
    if (!ways.has(key)) ways.set(key, walker.within(model.pace, cutoffS(), spot));
    return ways.get(key);
  };
  const solve = () => {
    const count = cells.x.length;
    const before = new Uint8Array(count);
    const open = new Uint8Array(count);
    for (const row of model.service.facilities) {
      const stays = !model.closed.has(row);
      for (const cell of wayOf(row, walker.facility(row)).cells) {
        before[cell] = 1;
        if (stays) open[cell] = 1;
      }
    }
    const after = open.slice();
    for (const site of model.sites) {
      site.way = walker.within(model.pace, cutoffS(), site.spot);
      site.gained = sumOf(cells, site.way.cells.filter((cell) => !open[cell]));
      for (const cell of site.way.cells) after[cell] = 1;
    }
    const gained = [];
    const lost = [];
    for (let cell = 0; cell < count; cell++) {
      if (after[cell] && !before[cell]) gained.push(cell);
      if (!after[cell] && before[cell]) lost.push(cell);
    }
    model.result = { before, open, after, gained, lost };
  };
  const anew = () => {
    ways.clear();
    solve();
  };
  return Object.assign(model, {
    selectService(service) {
      const at = content.paces.findIndex((pace) => pace.profile === service.profile);
      Object.assign(model, { service, pace: content.paces[at], minutes: service.minutes, closed: new Set() });
      anew();
    },
    setPace(at) {
      model.pace = content.paces[at];
      anew();
    },
    setMinutes(minutes) {
      model.minutes = minutes;
      anew();
    },
    add(x, y) {
      model.sites.push({ x, y, spot: walker.snap(x, y) });
      solve();
    },
    move(site, x, y) {
      Object.assign(site, { x, y, spot: walker.snap(x, y) });
      solve();
    },
    remove(site) {
      model.sites.splice(model.sites.indexOf(site), 1);
      solve();
    },
    clear() {
      model.sites.length = 0;
      model.closed.clear();
      solve();
    },
    toggleFacility(row) {
      if (!model.closed.delete(row)) model.closed.add(row);
      solve();
    },
    paces: content.paces,
    crs: content.crs,
    peopleOf: (found) => sumOf(cells, found),
    people: () => cells.people[model.service.people],
    cells,
    page,
  });
}

// People of every group in some cells.
function sumOf(cells, found) {
  return Object.fromEntries(
    Object.entries(cells.people).map(([group, people]) => {
      let sum = 0;
      for (const cell of found) sum += people[cell];
      return [group, sum / PEOPLE_STEPS];
    })
  );
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
    const spot = walker.atNode(node);
    let sum = 0;
    for (const cell of walker.within(model.pace, model.minutes * 60, spot).cells) if (!after[cell]) sum += people[cell];
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

function siteMarker(page, latlng, onMove) {
  const label = element("span", { class: "site-number" });
  const icon = L.divIcon({ className: "site-pin", html: label, iconSize: [26, 26] });
  const marker = L.marker(latlng, { icon, draggable: true, pane: "wr-sites", title: page.text.site }).addTo(page.map);
  marker.on("drag", () => onMove(marker.getLatLng()));
  return marker;
}

// The walking circle of every site, as far as people walk along each street, and who is gained.
function paintTrial(model, walker, toDegrees, origin, cells) {
  const { streets } = walker;
  const x = new Float32Array(streets.x.length);
  const y = new Float32Array(streets.x.length);
  for (let i = 0; i < x.length; i++) {
    const [lon, lat] = toDegrees(streets.x[i], streets.y[i]);
    x[i] = worldX(lon) - origin.x;
    y[i] = worldY(lat) - origin.y;
  }
  return (context, view) => {
    if (model.result === null) return;
    context.fillStyle = GAINED;
    context.globalAlpha = 0.85;
    const people = model.people();
    for (const cell of model.result.gained) {
      if (people[cell] === 0) continue;
      const size = Math.max(2.4, cells.width * view.scale);
      context.fillRect(cells.x[cell] * view.scale + view.dx - size / 2, cells.y[cell] * view.scale + view.dy - size / 2, size, size);
    }
    context.globalAlpha = 1;
    context.strokeStyle = REACHED;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = Math.max(2, Math.min(7, (view.zoom - 9) * 0.9));
    for (const site of model.sites) {
      if (!site.way || !site.way.ground) continue;
      context.beginPath();
      for (const [segment, from, to] of walker.reachedParts(site.way)) traceStreet(context, streets, { x, y }, view, segment, from, to);
      context.stroke();
    }
  };
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

// In the panel ---------------------------------------------------------------------------------------------------

function makeSitesPanel(page, model, actions, latLngOf) {
  const { text, format, study } = page;
  const place = element("button", { class: "wide-button", text: text.site_place, attributes: { type: "button", "aria-pressed": "false" } });
  const best = element("button", { class: "wide-button", text: text.site_best, attributes: { type: "button" } });
  const clear = element("button", { class: "plain-button", text: text.site_clear, attributes: { type: "button" } });
  const pace = element("select", { attributes: { "aria-label": text.site_pace } });
  model.paces.forEach(({ title, speed_mm_s: speed }, at) =>
    pace.append(element("option", { text: title + " · " + format.plain(speed / 1000) + " m/s", attributes: { value: String(at) } }))
  );
  const minutes = element("input", { attributes: { type: "number", min: "1", max: "60", step: "1", "aria-label": text.site_minutes } });
  const outcome = element("div", { class: "trial-outcome", attributes: { "aria-live": "polite" } });
  const list = element("ol", { class: "trial-sites" });
  const root = element(
    "section",
    { class: "block trial", attributes: { id: "wr-trial" } },
    element("h3", { text: text.sites }),
    element("p", { class: "note", text: text.sites_hint }),
    element("div", { class: "trial-buttons" }, place, best),
    element("div", { class: "trial-settings" }, pace, element("label", {}, minutes, " " + text.unit_minutes)),
    outcome,
    list,
    clear
  );
  document.getElementById("wr-panel").children[3].after(root);

  place.addEventListener("click", () => {
    const on = place.getAttribute("aria-pressed") !== "true";
    place.setAttribute("aria-pressed", String(on));
    actions.place(on);
  });
  best.addEventListener("click", async () => {
    best.disabled = true;
    const found = await actions.addBest((share) => (best.textContent = format.percent(share)));
    best.textContent = found === null ? text.site_none : text.site_best;
    best.disabled = false;
  });
  clear.addEventListener("click", actions.clear);
  pace.addEventListener("change", () => actions.setPace(Number(pace.value)));
  minutes.addEventListener("change", () => {
    const value = Number(minutes.value);
    if (value >= 1 && value <= 60) actions.setMinutes(value);
    else minutes.value = String(model.minutes);
  });

  const people = (value) => format.fewPeople(value);
  return {
    root,
    update() {
      pace.value = String(model.paces.indexOf(model.pace));
      minutes.value = String(model.minutes);
      const gained = model.peopleOf(model.result.gained);
      const lost = model.peopleOf(model.result.lost);
      const some = model.sites.length > 0 || model.closed.size > 0;
      clear.hidden = !some;
      outcome.hidden = !some;
      const groups = Object.keys(gained);
      const own = model.service.people;
      const line = (term, values) => [term, people(values[own])];
      const lines = [line(text.site_gained, gained)];
      for (const group of groups.filter((name) => name !== own)) lines.push(["· " + study.groups[group], people(gained[group])]);
      if (model.result.lost.length > 0) lines.push(line(text.site_lost, lost));
      if (model.closed.size > 0) lines.push([text.site_closed, format.number(model.closed.size, 0)]);
      outcome.replaceChildren(definitions(lines));
      list.replaceChildren(
        ...model.sites.map((site, at) => {
          const show = element("button", { class: "link", text: text.site + " " + (at + 1), attributes: { type: "button" } });
          show.addEventListener("click", () => actions.show(latLngOf(site)));
          const told = site.spot === null ? text.site_off : "+ " + people(site.gained[own]);
          const remove = element("button", { class: "plain-button", text: text.site_remove, attributes: { type: "button" } });
          remove.addEventListener("click", () => actions.remove(site));
          return element("li", {}, show, element("span", { text: told }), remove);
        })
      );
    },
  };
}

function facilityAction({ text }, model, row, toggle) {
  const closed = model.closed.has(row);
  const button = element("button", {
    class: "wide-button",
    text: closed ? text.facility_reopen : text.facility_close,
    attributes: { type: "button" },
  });
  button.addEventListener("click", () => toggle(row));
  return button;
}
