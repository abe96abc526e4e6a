// What the pointer is on: a facility, a cell, an area; told in one small box that follows it.

function followPointer(page, { state, cells, actions, visible }) {
  const { map, origin } = page;
  const tip = document.getElementById("wr-tip");
  let waiting = null;

  const positionOf = (latlng) => ({ x: worldX(latlng.lng) - origin.x, y: worldY(latlng.lat) - origin.y });
  const scale = () => 256 * 2 ** map.getZoom();
  const facilityUnder = (latlng, reachPx) =>
    visible("facilities") ? facilityAt(page.facilities, positionOf(latlng), scale(), page.filter.rows(state.service), reachPx) : -1;
  const cellUnder = (latlng) =>
    visible("uncovered") && state.reach ? cellAt(cells, positionOf(latlng), scale(), state.reach) : null;

  const show = () => {
    const { latlng, containerPoint } = waiting;
    waiting = null;
    const facility = facilityUnder(latlng, POINTER_PX);
    map.getContainer().classList.toggle("on-facility", facility >= 0);
    const lines = facility >= 0 ? [facilityLine(page, facility)] : tipLines(page, state, cellUnder(latlng));
    tip.hidden = lines.length === 0;
    if (tip.hidden) return;
    tip.replaceChildren(...lines);
    placeTip(tip, containerPoint, map.getSize());
  };
  const hide = () => {
    tip.hidden = true;
    waiting = null;
  };

  map.on("mousemove", (event) => {
    if (waiting === null) requestAnimationFrame(() => waiting && show());
    waiting = event;
  });
  map.on("mouseout movestart zoomstart", hide);
  map.on("click", (event) => {
    hide();
    if (state.sites && state.sites.placing()) return state.sites.add(event.latlng);
    const touch = event.originalEvent.pointerType === "touch";
    const facility = facilityUnder(event.latlng, touch ? TOUCH_PX : POINTER_PX);
    if (facility >= 0) return actions.openFacility(facility);
    const cell = cellUnder(event.latlng);
    if (visible("pockets")) actions.choosePocket(cell === null ? 0 : cell.pocket);
    if (cell !== null && cell.single) openCell(page, state, cells, cell, event.latlng);
    else map.closePopup();
    if (state.hovered !== null && state.hovered !== state.area) actions.selectArea(state.hovered, false);
  });
}

function facilityLine(page, row) {
  return element("strong", { text: page.facilities.table.name[row] });
}

function tipLines(page, state, cell) {
  const { text, format, study } = page;
  const lines = [];
  if (state.hovered !== null) {
    const share = format.percent(state.service.figures.coverage[state.hovered]);
    lines.push(
      element("strong", { text: study.areas[state.hovered].name }),
      element("span", { text: text.coverage + " " + share })
    );
  }
  if (cell !== null) lines.push(element("span", { class: "tip-cell" }, ...cellLines(page, state, cell)));
  return lines;
}

function cellLines(page, state, cell) {
  const { text, format } = page;
  if (!cell.single) {
    const together = fill(text.cells_together, { cells: format.number(cell.cells, 0) });
    const uncovered = fill(text.cell_uncovered, { people: format.fewPeople(cell.uncovered) });
    return [element("span", { text: together + " · " + format.fewPeople(cell.people) }), element("span", { text: uncovered })];
  }
  return [
    element("span", { text: state.service.group + " " + format.fewPeople(cell.people) }),
    element("span", { text: text["status_" + page.study.statuses[cell.status]] }),
    element("span", { text: wayText(page, state.service, cell) }),
  ];
}

function wayText({ text, format }, service, { metres, status }) {
  if (metres < 0) return text.nearest + " " + text.no_way;
  const minutes = metres / service.speed / 60;
  return text.nearest + " " + format.minutes(minutes, isServed(status)) + " · " + format.metres(metres);
}

// The people of a cell, group by group, beside those whom the service is for.
function groupLines({ study, format }, { service }, cells, cell) {
  const others = Object.keys(cells.people).filter((group) => group !== service.people);
  return others.map((group) => [study.groups[group], format.fewPeople(cells.people[group][cell] / PEOPLE_STEPS)]);
}

function openCell(page, state, cells, cell, latlng) {
  const card = element(
    "div",
    { class: "card-popup" },
    element("p", { class: "card-kind", text: page.text.cell }),
    ...cellLines(page, state, cell).map((line) => element("p", { class: "card-line", text: line.textContent })),
    definitions(groupLines(page, state, cells, cell.cell))
  );
  openPopup(page.map, latlng, card);
}

function openPopup(map, latlng, card) {
  L.popup({ minWidth: 170, maxWidth: 300, offset: [0, -4] }).setLatLng(latlng).setContent(card).openOn(map);
}

function placeTip(tip, point, size) {
  const gap = 14;
  const right = point.x + gap + tip.offsetWidth < size.x;
  const below = point.y + gap + tip.offsetHeight < size.y;
  tip.style.left = (right ? point.x + gap : Math.max(0, point.x - gap - tip.offsetWidth)) + "px";
  tip.style.top = (below ? point.y + gap : Math.max(0, point.y - gap - tip.offsetHeight)) + "px";
}
