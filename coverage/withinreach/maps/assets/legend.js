// The legend, which is the layer control as well: every group of signs has the switch of its layer.

function makeLegend(page, host, onSwitch, baseMap) {
  const { text, words } = page;
  const body = element("div", { class: "legend-body", attributes: { id: "wr-legend-body" } });
  const toggle = element("button", {
    class: "legend-toggle",
    attributes: { type: "button", "aria-controls": "wr-legend-body" },
  });
  const show = (open) => {
    body.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
  };
  toggle.addEventListener("click", () => show(body.hidden));
  show(window.innerWidth >= 700);
  const card = element("section", { class: "legend", attributes: { id: "wr-legend" } }, toggle, body);
  words.inWords(() => {
    toggle.textContent = text.legend;
    card.setAttribute("aria-label", text.legend);
  });
  host.append(card);
  L.DomEvent.disableClickPropagation(card);
  L.DomEvent.disableScrollPropagation(card);

  const limit = element("p", { class: "legend-limit" });
  body.append(limit);
  const ground = element("div", { class: "legend-ground" });
  const groups = {};
  for (const layer of page.layers) {
    const group = legendGroup(page, layer, onSwitch);
    groups[layer.name] = group;
    (layer.sign ? ground : body).append(group.root);
  }
  body.append(ground);
  if (baseMap !== null) body.append(baseMap);
  return {
    update: (service) => fillLegend(page, service, limit, groups),
    // Where the legend takes more than a third of the width, it may cover a part rather than push everything aside.
    room: () => (3 * card.offsetWidth < page.map.getSize().x ? roomBeside(card) : { padding: [VIEW_MARGIN_PX, VIEW_MARGIN_PX] }),
    settle: (positions, bounds, cost) => settleLegend(page.map, card, positions, { bounds, cost }),
  };
}

const LEGEND_MARGIN_PX = 24;
const VIEW_MARGIN_PX = 16;
// Which way the map gives way to a legend in each corner.
const CORNERS = { "bottom-left": [1, -1], "top-right": [-1, 1], "bottom-right": [-1, -1] };

// Shows what lies in some bounds, as large as it fits, and puts the legend where it hides the fewest inhabited cells.
// The map moves away from the legend as far as the view has room; if some cells are still hidden, the map becomes
// smaller, but by no more than `cost` zoom steps.
function settleLegend(map, card, positions, { bounds, cost }) {
  const margin = [VIEW_MARGIN_PX, VIEW_MARGIN_PX];
  map.fitBounds(bounds, { animate: false, padding: margin });
  const { corner, shift, hidden } = bestCorner(map, card, positions, spareRoom(map, bounds));
  card.dataset.corner = corner;
  const [right, down] = CORNERS[corner];
  map.panBy([-right * shift.x, -down * shift.y], { animate: false });
  if (hidden === 0) return;
  const room = roomBeside(card);
  const smaller = map.getBoundsZoom(bounds, false, L.point(room.paddingTopLeft).add(room.paddingBottomRight));
  if (map.getZoom() - smaller <= cost) map.fitBounds(bounds, { animate: false, ...room });
}

// The margins of a view that keep what is shown clear of the legend.
function roomBeside(card) {
  const margin = [VIEW_MARGIN_PX, VIEW_MARGIN_PX];
  const beside = [card.offsetWidth + 2 * LEGEND_MARGIN_PX, VIEW_MARGIN_PX];
  const left = card.dataset.corner === "bottom-left";
  return { paddingTopLeft: left ? beside : margin, paddingBottomRight: left ? margin : beside };
}

// Pixels between some bounds and the edges of the view, on each side.
function spareRoom(map, bounds) {
  const northWest = map.latLngToContainerPoint(bounds.getNorthWest());
  return L.point(Math.max(0, northWest.x - VIEW_MARGIN_PX), Math.max(0, northWest.y - VIEW_MARGIN_PX));
}

// The corner, and the smallest of three shifts, that hide the fewest cells.
function bestCorner(map, card, positions, spare) {
  let best = null;
  for (const share of [0, 0.5, 1]) {
    const shift = spare.multiplyBy(share).round();
    for (const [corner, hidden] of Object.entries(hiddenCells(map, card, positions, shift))) {
      if (best === null || hidden < best.hidden) best = { corner, shift, hidden };
    }
    if (best.hidden === 0) break;
  }
  return best;
}

// Inhabited cells under the legend, for each corner that it can stand in, once the map has moved away by a shift.
function hiddenCells(map, card, positions, shift) {
  const view = map.getSize();
  const width = card.offsetWidth + LEGEND_MARGIN_PX;
  const height = card.offsetHeight + LEGEND_MARGIN_PX;
  const corner = map.getPixelOrigin().add(map.containerPointToLayerPoint([0, 0]));
  const { scale, dx, dy } = makeView(map, positions.origin, corner, view);
  const counts = Object.entries(CORNERS).map(([name, [right, down]]) => {
    let hidden = 0;
    for (let i = 0; i < positions.x.length; i++) {
      const x = positions.x[i] * scale + dx + right * shift.x;
      const y = positions.y[i] * scale + dy + down * shift.y;
      if ((right > 0 ? x < width : x > view.x - width) && (down > 0 ? y < height : y > view.y - height)) hidden += 1;
    }
    return [name, hidden];
  });
  return Object.fromEntries(counts);
}

function legendGroup({ text, words }, layer, onSwitch) {
  const box = element("input", { attributes: { type: "checkbox", id: "wr-layer-" + layer.name } });
  box.checked = layer.visible;
  const items = element("ul", { class: "legend-items" });
  const title = element("span");
  words.inWords(() => (title.textContent = text["layer_" + layer.name]));
  const head = element("label", { class: "legend-head" }, box, title);
  const sign = layer.sign ? swatch(null, layer.sign) : null;
  if (sign) head.append(sign);
  const root = element("div", { class: layer.visible ? "legend-group" : "legend-group off" }, head, items);
  box.addEventListener("change", () => {
    root.classList.toggle("off", !box.checked);
    onSwitch(layer.name, box.checked);
  });
  return { root, items };
}

function fillLegend(page, service, limit, groups) {
  const { format, text, study } = page;
  limit.textContent = limitText(page, service);
  const shares = study.coverageBreaks.map((share) => format.plain(share * 100));
  groups.coverage.items.replaceChildren(
    ...classNames(shares, "%").map((name, at) => legendItem(swatch(COVERAGE_COLOURS[at]), name)),
    legendItem(swatch(null, "hatch"), text.no_people, "wide")
  );
  const densities = service.densityBreaks.map((density) => format.plain(density));
  groups.uncovered.items.replaceChildren(
    ...classNames(densities, "").map((name, at) => legendItem(swatch(UNCOVERED_COLOURS[at]), name))
  );
  groups.pockets.items.replaceChildren(legendItem(swatch(null, "pocket"), text.pocket_sign, "wide"));
  groups.facilities.items.replaceChildren(...facilitySigns(page, service));
  groups.circles.items.replaceChildren(legendItem(swatch(null, "circle"), fill(text.circle_radius, { metres: format.number(service.limitM, 0) }), "wide"));
}

function limitText({ format, text }, service) {
  return fill(text.limit, {
    minutes: format.plain(service.minutes),
    speed: format.plain(service.speed),
    metres: format.number(service.limitM, 0),
  });
}

function classNames(breaks, unit) {
  const last = breaks.length - 1;
  return [
    "< " + breaks[0] + unit,
    ...breaks.slice(0, last).map((low, at) => low + "–" + breaks[at + 1] + unit),
    "≥ " + breaks[last] + unit,
  ];
}

function facilitySigns({ text }, service) {
  const idle = service.idle.length > 0 ? [legendItem(swatch(null, "cross"), text.facility_idle, "wide")] : [];
  if (service.capacity === null) return [legendItem(swatch(null, "dot"), service.title, "wide"), ...idle];
  const capacity = service.capacityTitle || text.capacity;
  return [
    legendItem(swatch(null, "dot"), fill(text.facility_known, { capacity }), "wide"),
    legendItem(swatch(null, "dot hollow"), fill(text.facility_unknown, { capacity }), "wide"),
    ...idle,
  ];
}

function legendItem(sign, name, width = "") {
  return element("li", { class: width }, sign, element("span", { text: name }));
}
