// Puts the page together and keeps its parts in step: the selected service, the selected area, what the pointer is on.

const PANES = { "wr-fills": 300, "wr-cells": 320, "wr-water": 330, "wr-streets": 340, "wr-borders": 380, "wr-trial": 345, "wr-circles": 400, "wr-facilities": 450, "wr-names": 460, "wr-pockets": 470, "wr-sites": 600 };
const STILL = ["wr-cells", "wr-water", "wr-streets", "wr-borders", "wr-trial", "wr-circles", "wr-facilities", "wr-names"];
const SMALLER_FOR_LEGEND = 0.25;
const TOUCH_PX = 12;
const POINTER_PX = 7;

function start(map, bounds) {
  const study = readJson("study");
  const words = makeWords(study);
  const { text } = words;
  const fail = (error) => {
    const failure = document.getElementById("wr-failure");
    failure.textContent = fill(text.failed, { reason: error.message });
    failure.hidden = false;
    document.documentElement.dataset.state = "failed";
    console.error(error);
  };
  if (typeof DecompressionStream === "undefined") return fail(new Error(text.old_browser));
  return build(map, L.latLngBounds(bounds), study, words).catch(fail);
}

async function build(map, bounds, study, words) {
  const center = bounds.getCenter();
  const page = {
    map,
    bounds,
    study,
    words,
    text: words.text,
    format: makeFormat(words),
    origin: { x: worldX(center.lng), y: worldY(center.lat) },
    layers: [
      { name: "coverage", visible: true },
      { name: "uncovered", visible: true },
      { name: "pockets", visible: true },
      { name: "facilities", visible: true },
      { name: "circles", visible: false },
      { name: "streets", visible: true, sign: "street" },
      { name: "water", visible: true, sign: "water" },
    ],
  };
  page.facilities = makeFacilities(readJson("facilities"), page.origin);
  page.loads = readJson("loads");
  page.units = readJson("units");
  page.cellUnits = null;
  page.filter = makeFilter(page);
  makeFooter(page);
  makeLanguageSwitch(page);
  frameMap(map, bounds);
  const [areas, water, streets, people] = await Promise.all(["areas", "water", "streets", "cells"].map(readArrays));
  for (const name of Object.keys(people)) if (name.startsWith("people_")) people[name] = timesStep(people[name], study.peopleStep);
  const cells = makeCells(people, page.origin, study.cellSizeM, center.lat);
  const data = { areas, water, streets, cells };
  const app = connect(page, data);
  await app.selectService(0);
  if (document.getElementById("wr-walks")) await app.trySites(data);
  app.showAll();
  document.documentElement.dataset.state = "ready";
}

function frameMap(map, bounds) {
  for (const [name, order] of Object.entries(PANES)) {
    const pane = map.createPane(name);
    pane.style.zIndex = order;
    if (STILL.includes(name)) pane.style.pointerEvents = "none";
  }
  map.invalidateSize({ animate: false });
  map.setMaxBounds(bounds.pad(0.75));
}

// The layers that are drawn on canvas, each by its name in the legend.
function drawnLayers(page, state, { water, streets, cells }) {
  const { origin, map } = page;
  const layers = {
    uncovered: new CanvasLayer(origin, paintUncovered(cells, () => state.reach), { pane: "wr-cells" }),
    water: new CanvasLayer(origin, paintWater(water, origin), { pane: "wr-water" }),
    streets: new CanvasLayer(origin, paintStreets(streets, origin), { pane: "wr-streets" }),
    circles: new CanvasLayer(origin, paintCircles(page.facilities, () => state.service), { pane: "wr-circles" }),
    facilities: new CanvasLayer(origin, paintFacilities(page, () => state.service), { pane: "wr-facilities" }),
  };
  for (const { name, visible } of page.layers) if (visible && layers[name]) layers[name].addTo(map);
  return layers;
}

function connect(page, data) {
  const { map, study, origin } = page;
  const { cells } = data;
  const reaches = new Map();
  const state = { wanted: null, service: study.services[0], reach: null, area: null, hovered: null, sites: null };
  const visible = (name) => page.layers.find((layer) => layer.name === name).visible;

  const showArea = () => {
    outlineAreas(areas, state.area, state.hovered);
    panel.table.mark(state.area, state.hovered);
  };
  const actions = {
    async selectService(at) {
      const service = study.services[at];
      state.wanted = service;
      if (!reaches.has(service.name)) reaches.set(service.name, readReach(service, cells, study.metresStep));
      const reach = await reaches.get(service.name);
      // Another tab may have been chosen while this one was unpacked.
      if (state.wanted !== service) return;
      Object.assign(state, { service, reach });
      map.closePopup();
      fillAreas(areas, service.classes, visible("coverage"));
      drawn.uncovered.redraw();
      drawn.facilities.redraw();
      drawn.circles.redraw();
      tell();
      if (state.sites) state.sites.selectService(service);
    },
    async trySites(data) {
      state.sites = await makeSites(page, data);
      state.sites.selectService(state.service);
    },
    selectArea(row, zoom) {
      state.area = row;
      panel.update(state.service, row, state.reach);
      showArea();
      if (zoom && row === null) actions.showAll();
      else if (zoom) map.fitBounds(areas.boundsOf(row), legend.room());
    },
    hoverArea(row) {
      state.hovered = row;
      showArea();
    },
    switchLayer(name, on) {
      page.layers.find((layer) => layer.name === name).visible = on;
      if (name === "pockets") panel.pockets.show(on);
      else if (name === "coverage") fillAreas(areas, state.service.classes, on);
      else if (on) drawn[name].addTo(map);
      else drawn[name].remove();
    },
    settleLegend: (bounds, cost) => legend.settle({ x: cells.x, y: cells.y, origin }, bounds, cost),
    showAll: () => actions.settleLegend(page.bounds, SMALLER_FOR_LEGEND),
    choosePocket: (rank) => panel.pockets.choose(rank, false),
    filtered() {
      drawn.facilities.redraw();
      panel.listFacilities(state.service, state.area);
    },
    // Shows a facility wherever it is, on the tab of the service that it belongs to.
    async findFacility(row, zoom) {
      const has = (service) => service.facilities.includes(row) || service.idle.includes(row);
      const at = has(state.service) ? -1 : study.services.findIndex(has);
      if (at >= 0) await actions.selectService(at);
      const { lat, lon } = page.facilities.table;
      map.setView([lat[row], lon[row]], Math.max(map.getZoom(), zoom), { animate: false });
      actions.openFacility(row);
    },
    openFacility(row) {
      const { lat, lon } = page.facilities.table;
      const card = facilityCard(page, state.service, row);
      if (state.sites) card.append(state.sites.card(row));
      openPopup(map, [lat[row], lon[row]], card);
    },
  };

  const tell = () => {
    names.write(state.service.figures.coverage.map(page.format.percent));
    legend.update(state.service);
    panel.update(state.service, state.area, state.reach);
    header.update(study.services.indexOf(state.service));
  };

  const header = makeHeader(page, actions);
  const areas = makeAreas(map, data.areas, study, actions);
  const names = makeNames(map, study, areas);
  const drawn = drawnLayers(page, state, data);
  const baseMap = makeBaseMap(page, (on) => {
    areas.overBaseMap = on;
    fillAreas(areas, state.service.classes, visible("coverage"));
  });
  const legend = makeLegend(page, document.getElementById("wr-view"), actions.switchLayer, baseMap);
  const panel = makePanel(page, document.getElementById("wr-panel"), cells, actions);
  makeFinder(page, actions);
  makeControls(page, actions.showAll);
  makePrinting(page, actions.settleLegend);
  page.words.onChange(() => {
    map.closePopup();
    tell();
  });
  showArea();
  followPointer(page, { state, cells, actions, visible });
  return actions;
}

async function readReach(service, cells, metresStep) {
  const arrays = await readArrays("reach-" + service.name);
  const metres = timesStep(arrays.metres, metresStep);
  return { ...arrays, metres, people: cells.people[service.people], breaks: service.densityBreaks };
}
