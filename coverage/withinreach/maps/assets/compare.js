// The present and a scenario side by side: two maps that move together, what differs between them, and the figures.

// Of the change of coverage, in percentage points: the classes of the map of differences.
const POINT_BREAKS = [-5, -1, -0.05, 0.05, 1, 5];
// Light, so that the cells and signs on them stand out.
const POINT_COLOURS = ["#dc8fb9", "#eabbd4", "#f6e0ec", "#f6f6f3", "#deefe1", "#b4dcbe", "#84c394"];
const MARK_PX = 8;
const LINK = "#6a2fa0";

// For scripts of the page: `withinReach.compared` are the two maps, and `changed` the cells that a service gains or loses.
const compared = [];

function compare(corners) {
  const study = readJson("study");
  const words = makeWords(study);
  const fail = (error) => {
    const failure = document.getElementById("wr-failure");
    failure.textContent = fill(words.text.failed, { reason: error.message });
    failure.hidden = false;
    document.documentElement.dataset.state = "failed";
    console.error(error);
  };
  if (typeof DecompressionStream === "undefined") return fail(new Error(words.text.old_browser));
  return buildComparison(L.latLngBounds(corners), study, words).catch(fail);
}

async function buildComparison(bounds, study, words) {
  const center = bounds.getCenter();
  const origin = { x: worldX(center.lng), y: worldY(center.lat) };
  const page = { bounds, study, words, text: words.text, format: makeFormat(words), origin };
  const data = await readComparison(page, center);
  const hosts = twoViews();
  const state = { service: 0, scenario: 0, difference: false, area: null, hovered: null };
  const sides = hosts.map((host, at) => makeSide(page, data, state, { host, at, actions: () => actions }));
  moveTogether(sides.map((side) => side.map));
  compared.push(...sides.map((side) => side.map));
  compared.changed = (name) => changedCells(data.before.status[name], data.scenarios[state.scenario].status[name]);

  const show = () => {
    for (const side of sides) side.show();
    header.update(state.service);
    panel.update();
  };
  const set = (changes) => {
    Object.assign(state, changes);
    show();
  };
  const outline = () => {
    for (const side of sides) side.outline();
    panel.mark();
  };
  const actions = {
    selectService: (service) => set({ service }),
    selectScenario: (scenario) => set({ scenario }),
    showDifference: (difference) => set({ difference }),
    selectArea(area) {
      state.area = state.area === area ? null : area;
      panel.update();
      outline();
    },
    hoverArea(hovered) {
      state.hovered = hovered;
      outline();
    },
    showAll: () => sides[0].map.fitBounds(bounds, { animate: false }),
  };
  const header = makeHeader(page, actions);
  makeFooter(page);
  makeLanguageSwitch(page);
  makeControls({ ...page, map: sides[0].map }, actions.showAll);
  const panel = makeComparisonPanel(page, data, state, actions);
  makeViewSwitch(page, state, hosts[1], actions);
  words.onChange(show);
  show();
  actions.showAll();
  document.documentElement.dataset.state = "ready";
}

// Data -----------------------------------------------------------------------------------------------------------

async function readComparison(page, center) {
  const { study, origin } = page;
  const [areas, water, streets, people, status] = await Promise.all(["areas", "water", "streets", "cells", "status"].map(readArrays));
  const scaled = (arrays) =>
    Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, name.startsWith("people_") ? timesStep(values, study.peopleStep) : values]));
  const cellsOf = (arrays) => makeCells(arrays, origin, study.cellSizeM, center.lat);
  const cells = cellsOf(scaled(people));
  const table = readJson("facilities");
  const scenarios = [];
  for (const [at, scenario] of readJson("scenarios").entries()) {
    const changes = await readArrays("changes-" + at);
    const others = document.getElementById("wr-people-" + at) ? await readArrays("people-" + at) : null;
    scenarios.push({
      ...scenario,
      status: Object.fromEntries(Object.entries(status).map(([name, before]) => [name, before.map((value, cell) => (changes[name][cell] ? changes[name][cell] - 1 : value))])),
      cells: others === null ? cells : cellsOf(scaled({ ...people, ...others })),
      places: makeFacilities(tableAfter(table, scenario.facilities), origin),
    });
  }
  const before = { title: "", services: study.services, status, cells, places: makeFacilities(table, origin) };
  return { areas, water, streets, before, scenarios };
}

// The facilities as a scenario leaves them: rows of the present keep their place, new ones stand below.
function tableAfter(table, { added, moved, resized }) {
  const after = Object.fromEntries(Object.entries(table).map(([name, values]) => [name, [...values, ...added[name]]]));
  for (const [row, lon, lat] of moved) Object.assign(after.lon, { [row]: lon }) && Object.assign(after.lat, { [row]: lat });
  for (const [name, rows] of Object.entries(resized)) for (const [row, capacity] of rows) after[name][row] = capacity;
  return after;
}

// Cells that are served only after, and only before.
function changedCells(before, after) {
  const [gained, lost] = [[], []];
  after.forEach((status, cell) => {
    if (status === before[cell] || isServed(status) === isServed(before[cell])) return;
    (isServed(status) ? gained : lost).push(cell);
  });
  return { gained, lost };
}

// Two maps -------------------------------------------------------------------------------------------------------

function twoViews() {
  const first = document.getElementById("wr-view");
  document.getElementById("wr-tip").remove();
  const second = element("section", { class: "view", attributes: { id: "wr-view-after" } }, element("div", { class: "folium-map", attributes: { id: "wr-map-after", tabindex: "0" } }));
  first.after(second);
  document.getElementById("wr-app").classList.add("comparing");
  return [first, second];
}

function makeSide(page, data, state, { host, at, actions }) {
  const { study, origin, bounds } = page;
  const map = L.map(host.querySelector(".folium-map"), {
    zoomControl: false,
    attributionControl: false,
    zoomAnimation: false,
    zoomSnap: 0.1,
    zoomDelta: 0.8,
    wheelPxPerZoomLevel: 90,
    minZoom: 5,
    maxZoom: 18,
  });
  frameMap(map, bounds);
  map.fitBounds(bounds, { animate: false });
  const isAfter = at === 1;
  const shown = () => (isAfter ? data.scenarios[state.scenario] : data.before);
  const service = () => shown().services[state.service];
  const name = () => study.services[state.service].name;
  const isDifference = () => isAfter && state.difference;
  const reach = () => ({
    people: shown().cells.people[service().people],
    status: shown().status[name()],
    // Of the present, so that a colour means the same on both maps.
    breaks: data.before.services[state.service].densityBreaks,
  });
  const paints = {
    "wr-cells": (context, view) => isDifference() || paintUncovered(shown().cells, reach)(context, view),
    "wr-water": paintWater(data.water, origin),
    "wr-streets": paintStreets(data.streets, origin),
    "wr-trial": (context, view) => isAfter && paintDifference(context, view, data, state),
    "wr-facilities": (context, view) => {
      const filter = { rows: (one) => one.facilities };
      paintFacilities({ facilities: shown().places, filter }, service)(context, view);
      if (isAfter) paintFacilityChanges(context, view, data, shown(), service());
    },
  };
  const layers = Object.entries(paints).map(([pane, paint]) => new CanvasLayer(origin, paint, { pane }).addTo(map));
  const areas = makeAreas(map, data.areas, study, { hoverArea: (row) => actions().hoverArea(row) });
  areas.fills.forEach((fill, row) => fill.on("click", () => actions().selectArea(row)));
  const names = makeNames(map, study, areas);
  const title = element("div", { class: "side-title" });
  host.append(title);
  map.on("click", ({ latlng }) => tellFacility(page, map, { facilities: shown().places, service: service() }, latlng));
  return {
    map,
    outline: () => outlineAreas(areas, state.area, state.hovered),
    show() {
      const { text, format } = page;
      title.textContent = isAfter ? shown().title : text.compare_before;
      map.getContainer().setAttribute("aria-label", title.textContent);
      if (isDifference()) {
        const points = pointsOf(data.before.services[state.service], service());
        areas.fills.forEach((fill, row) => fill.setStyle({ fillColor: pointColour(points[row]), fillOpacity: 1 }));
        names.write(points.map((value) => signedPoints(format, value)));
      } else {
        fillAreas(areas, service().classes, true);
        names.write(service().figures.coverage.map(format.percent));
      }
      for (const layer of layers) layer.redraw();
    },
  };
}

function moveTogether(maps) {
  let leading = false;
  maps.forEach((map, at) => {
    const other = maps[1 - at];
    map.on("move zoom", () => {
      if (leading) return;
      leading = true;
      other.setView(map.getCenter(), map.getZoom(), { animate: false });
      leading = false;
    });
  });
}

function tellFacility(page, map, { facilities, service }, latlng) {
  const position = { x: worldX(latlng.lng) - page.origin.x, y: worldY(latlng.lat) - page.origin.y };
  const row = facilityAt(facilities, position, 256 * 2 ** map.getZoom(), service.facilities, POINTER_PX);
  if (row < 0) return map.closePopup();
  const capacities = capacitiesOf(facilities.table, service);
  const lines = capacities === null ? [] : [[capacityTitle(page, service), page.format.number(capacities[row], 0)]];
  openPopup(map, latlng, element("div", { class: "card-popup" }, element("h3", { text: facilities.table.name[row] }), definitions(lines)));
}

// Differences ----------------------------------------------------------------------------------------------------

function pointsOf(before, after) {
  return after.figures.coverage.map((share, row) => {
    const now = before.figures.coverage[row];
    return share === null || now === null ? null : (share - now) * 100;
  });
}

function pointColour(points) {
  if (points === null) return HATCH;
  let found = 0;
  while (found < POINT_BREAKS.length && points >= POINT_BREAKS[found]) found += 1;
  return POINT_COLOURS[found];
}

function signedPoints(format, points) {
  if (points === null) return MISSING;
  return Math.abs(points) < POINT_BREAKS[3] ? "0" : (points > 0 ? "+" : "−") + format.number(Math.abs(points), 1);
}

function paintDifference(context, view, { before, scenarios }, state) {
  const { services, status, cells, links, blocked } = scenarios[state.scenario];
  const { name, people } = services[state.service];
  const result = changedCells(before.status[name], status[name]);
  paintChanged(context, view, { result, cells, people: () => cells.people[people] });
  context.strokeStyle = LINK;
  context.lineWidth = 4;
  context.beginPath();
  for (const line of links) line.forEach((lonlat, at) => context[at === 0 ? "moveTo" : "lineTo"](...pixelOf(view, lonlat)));
  context.stroke();
  context.strokeStyle = LOST;
  context.beginPath();
  for (const lonlat of blocked) traceCross(context, ...pixelOf(view, lonlat));
  context.stroke();
}

function pixelOf(view, [lon, lat]) {
  return [worldX(lon) * 256 * 2 ** view.zoom - view.topLeft.x, worldY(lat) * 256 * 2 ** view.zoom - view.topLeft.y];
}

function traceCross(context, x, y) {
  for (const side of [-1, 1]) {
    context.moveTo(x - CROSS_PX, y - side * CROSS_PX);
    context.lineTo(x + CROSS_PX, y + side * CROSS_PX);
  }
}

// New and moved facilities in a diamond, closed ones crossed out, resized ones in a ring: told by shape, not by colour.
function paintFacilityChanges(context, view, { before }, { facilities, places, services }, service) {
  const at = ({ x, y }, row) => [x[row] * view.scale + view.dx, y[row] * view.scale + view.dy];
  const count = before.places.table.name.length;
  const counted = new Set(service.facilities);
  const stood = new Set(before.services[services.indexOf(service)].facilities);
  const moved = facilities.moved.map(([row]) => row);
  context.lineWidth = 2.5;
  context.strokeStyle = LINK;
  context.beginPath();
  for (const row of [...moved, ...places.table.name.keys()].filter((one) => counted.has(one) && (one >= count || moved.includes(one)))) {
    const [x, y] = at(places, row);
    for (const [turn, [dx, dy]] of [[0, -1], [1, 0], [0, 1], [-1, 0], [0, -1]].entries()) {
      context[turn === 0 ? "moveTo" : "lineTo"](x + dx * 1.5 * MARK_PX, y + dy * 1.5 * MARK_PX);
    }
  }
  for (const row of new Set(Object.values(facilities.resized).flatMap((rows) => rows.map(([one]) => one)))) {
    if (!counted.has(row)) continue;
    const [x, y] = at(places, row);
    context.moveTo(x + MARK_PX, y);
    context.arc(x, y, MARK_PX, 0, 2 * Math.PI);
  }
  context.stroke();
  context.strokeStyle = LOST;
  context.beginPath();
  for (const row of [...facilities.closed, ...moved]) if (stood.has(row)) traceCross(context, ...at(before.places, row));
  context.stroke();
}
