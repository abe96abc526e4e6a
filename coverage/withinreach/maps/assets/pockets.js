// Pockets of people without the service, ranked: in the panel as a list, on the map by their numbers and, once chosen,
// by their cells.

const POCKET_EDGE = "#12202c";
const POCKET_MARKS = 5;
const POCKET_MARKS_FROM = 1.2;
const POCKET_MARGIN_PX = 60;

function makePockets(page, cells, actions) {
  const { map, words } = page;
  const title = element("h3");
  const remark = element("p", { class: "note" });
  const list = element("ol", { class: "pockets", attributes: { tabindex: "0" } });
  const root = element("section", { class: "block", attributes: { id: "wr-pockets" } }, title, remark, list);
  const state = { service: null, area: null, reach: null, chosen: 0, visible: true };
  const layer = new CanvasLayer(page.origin, paintPocket(cells, state), { pane: "wr-trial" });
  let rows = new Map();
  let marks = [];

  const choose = (rank, zoom) => {
    state.chosen = rank;
    for (const [number, row] of rows) {
      if (number === rank) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    for (const { number, sign } of marks) sign.classList.toggle("chosen", number === rank);
    if (rank === 0) layer.remove();
    else if (map.hasLayer(layer)) layer.redraw();
    else layer.addTo(map);
    if (rank !== 0 && rows.has(rank) && !zoom) rows.get(rank).scrollIntoView({ block: "nearest" });
    if (rank !== 0 && zoom) map.fitBounds(boundsOfPocket(page, cells, state), { animate: false, padding: [POCKET_MARGIN_PX, POCKET_MARGIN_PX], maxZoom: 15 });
  };
  const showMarks = () => {
    for (const { marker } of marks) marker.remove();
    const far = map.getZoom() - map.getBoundsZoom(page.bounds) < POCKET_MARKS_FROM;
    const shown = state.visible && state.service ? [...rows.keys()].slice(0, far ? POCKET_MARKS : undefined) : [];
    marks = shown.map((number) => pocketMark(state, number, { choose, hoverArea: actions.hoverArea }));
    for (const { marker } of marks) marker.addTo(map);
  };
  map.on("zoomend", showMarks);

  const write = () => {
    const { listed, count } = state.service.pockets;
    const here = listed.map((pocket, at) => ({ ...pocket, rank: at + 1 })).filter(({ area }) => state.area === null || area === state.area);
    root.hidden = count === 0;
    title.textContent = page.text.pockets;
    list.setAttribute("aria-label", page.text.pockets);
    remark.textContent = pocketRemark(page, state, here);
    rows = new Map(here.map((pocket) => [pocket.rank, pocketRow(page, state.service, pocket, choose)]));
    list.replaceChildren(...rows.values());
    list.hidden = rows.size === 0;
    showMarks();
    choose(rows.has(state.chosen) ? state.chosen : 0, false);
  };

  return {
    root,
    choose,
    show(on) {
      state.visible = on;
      showMarks();
    },
    update(service, area, reach) {
      if (service !== state.service) state.chosen = 0;
      Object.assign(state, { service, area, reach });
      write();
    },
  };
}

function pocketRemark({ text, format }, { service, area }, here) {
  const largest = service.total.people;
  const people = format.withUnit(format.people(here.reduce((sum, pocket) => sum + pocket.people, 0), largest), format.peopleUnit(largest));
  const values = { listed: format.number(here.length, 0), people };
  return area === null ? fill(text.pockets_all, { ...values, count: format.number(service.pockets.count, 0) }) : fill(text.pockets_here, values);
}

function pocketPlace({ study, text }, { area, place }) {
  const name = study.areas.length === 1 && place ? "" : study.areas[area].name;
  return [name, place ? fill(text.pocket_near, { place }) : ""].filter((part) => part !== "").join(" · ");
}

function pocketRow(page, service, pocket, choose) {
  const { text, format } = page;
  const way = pocket.minutes === null ? text.nearest + " " + text.no_way : text.nearest + " " + format.withUnit(format.number(pocket.minutes, 0), text.unit_minutes);
  const button = element(
    "button",
    { attributes: { type: "button" } },
    element("span", { class: "pocket-rank", text: String(pocket.rank) }),
    element("span", { class: "pocket-people", text: format.fewPeople(Math.round(pocket.people)) }),
    element("span", { class: "pocket-place", text: pocketPlace(page, pocket) }),
    element("span", { class: "pocket-why", text: text["reason_" + pocket.reason] + " · " + way + (pocket.nearest ? " · " + pocket.nearest : "") })
  );
  button.addEventListener("click", () => choose(pocket.rank, true));
  return element("li", { attributes: { "data-rank": String(pocket.rank) } }, button);
}

function pocketMark(state, number, { choose, hoverArea }) {
  const pocket = state.service.pockets.listed[number - 1];
  const sign = element("span", { class: "pocket-sign", text: String(number) });
  sign.classList.toggle("chosen", number === state.chosen);
  const icon = L.divIcon({ className: "pocket-anchor", html: sign, iconSize: [22, 22] });
  // The list is there for the keyboard.
  const marker = L.marker([pocket.lat, pocket.lon], { icon, pane: "wr-pockets", keyboard: false, zIndexOffset: -1000 * number });
  marker.on("click", () => choose(number, false));
  // A mark hides the area under the pointer, which is still told.
  marker.on({ mouseover: () => hoverArea(pocket.area), mouseout: () => hoverArea(null) });
  return { number, sign, marker };
}

function cellsOfPocket({ reach, chosen }, visit) {
  reach.pocket.forEach((rank, cell) => {
    if (rank === chosen) visit(cell);
  });
}

function boundsOfPocket({ origin }, cells, state) {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  cellsOfPocket(state, (cell) => {
    west = Math.min(west, cells.x[cell]);
    east = Math.max(east, cells.x[cell]);
    north = Math.min(north, cells.y[cell]);
    south = Math.max(south, cells.y[cell]);
  });
  return L.latLngBounds(latLngOfWorld(west, north, origin), latLngOfWorld(east, south, origin));
}

function paintPocket(cells, state) {
  return (context, view) => {
    if (state.reach === null || state.chosen === 0) return;
    const inside = new Set();
    cellsOfPocket(state, (cell) => inside.add(cell));
    const width = Math.max(2.5, cells.width * view.scale);
    const height = Math.max(2.5, cells.height * view.scale);
    // An edge around the whole: every cell is painted a little larger, light around dark, then its ground is cleared.
    for (const [edge, colour] of [[4, "#ffffff"], [2.5, POCKET_EDGE], [0, null]]) {
      context.fillStyle = colour;
      for (const cell of inside) {
        const x = Math.round(cells.x[cell] * view.scale + view.dx - width / 2) - edge;
        const y = Math.round(cells.y[cell] * view.scale + view.dy - height / 2) - edge;
        const box = [x, y, Math.ceil(width) + 2 * edge, Math.ceil(height) + 2 * edge];
        if (colour === null) context.clearRect(...box);
        else context.fillRect(...box);
      }
    }
  };
}
