// The panel: key figures of the whole study or of the selected area, where people stand, and the table.

const STATUS_COLOURS = {
  served: "#2b8593",
  too_far: "#dd6b32",
  not_connected: "#962407",
  not_snapped: "#7b8794",
  outside_network: "#b9c0c7",
  served_estimate: "#8cc3cb",
  too_far_estimate: "#f3c19f",
};

function makePanel(page, host, cells, actions) {
  const { text, words } = page;
  const scope = element("h2", { class: "scope" });
  const code = element("span", { class: "scope-code" });
  const back = element("button", { class: "back", attributes: { type: "button" } });
  back.addEventListener("click", () => actions.selectArea(null, true));
  const own = element("span", {});
  const question = element("p", { class: "question" });
  const figures = element("div", { class: "figures", attributes: { "aria-live": "polite" } });
  const people = element("section", { class: "block" });
  const circle = element("section", { class: "block" });
  const table = makeTable(page, actions);
  const filter = makeFilterPanel(page, actions.filtered);
  const pockets = makePockets(page, cells, actions);
  const walks = element("section", { class: "block", attributes: { id: "wr-walk-times" } });
  const accounts = makeAccounts(page);
  const list = element("details", { class: "block facility-list" });
  const tableTitle = element("h3");
  const home = element("span");
  words.inWords(() => {
    host.setAttribute("aria-label", text.panel);
    back.textContent = text.back;
    tableTitle.textContent = text.by_area;
    home.replaceChildren(...pageLinks(words, page.study.home, text.to_overview));
  });
  host.append(
    element("div", { class: "scope-line" }, scope, code, back, home),
    own,
    question,
    figures,
    people,
    walks,
    circle,
    pockets.root,
    makeTargets(page),
    element("section", { class: "block" }, tableTitle, table.root),
    accounts.root,
    filter.root,
    list
  );
  return {
    table,
    pockets,
    listFacilities: (service, row) => fillFacilityList(page, list, service, row, actions),
    update: (service, row, reach) => {
      const area = row === null ? null : page.study.areas[row];
      scope.textContent = area ? area.name : page.study.areas.length === 1 ? page.study.areas[0].name : text.whole_study;
      code.textContent = area ? area.code : "";
      own.replaceChildren(...pageLinks(words, area ? area.page : "", text.to_area));
      back.hidden = row === null;
      question.textContent = fill(text.coverage_of, {
        group: service.group,
        minutes: page.format.plain(service.minutes),
      });
      figures.replaceChildren(...keyFigures(page, service, figuresOf(service, row)));
      people.replaceChildren(...statusBar(page, service, row));
      walks.replaceChildren(...walksChart(page, service, row));
      circle.replaceChildren(...circleFigures(page, service, figuresOf(service, row)));
      pockets.update(service, row, reach);
      accounts.update(service, row);
      filter.update(service);
      fillFacilityList(page, list, service, row, actions);
      table.update(service, row);
    },
  };
}

// A link to another page, or none where there is no such page.
function pageLinks(words, address, text) {
  return address ? [element("a", { class: "page-link", text, attributes: { href: words.addressOf(address) } })] : [];
}

function figuresOf(service, row) {
  if (row === null) return service.total;
  return Object.fromEntries(Object.entries(service.figures).map(([name, values]) => [name, values[row]]));
}

function keyFigures(page, service, figures) {
  const { text, format } = page;
  const largest = service.total.people;
  const people = (value) => [format.people(value, largest), format.peopleUnit(largest)];
  const minutes = (value) => [format.number(value, 1), text.unit_minutes];
  const tiles = [
    tile(text.people, ...people(figures.people), "people"),
    tile(text.served, ...people(figures.served_people), "served"),
    alarmIf(figures.uncovered_people > 0, tile(text.uncovered, ...people(figures.uncovered_people), "uncovered")),
    tile(text.median, ...minutes(figures.median_min), "median"),
    tile(text.p90, ...minutes(figures.p90_min), "p90"),
    tile(text.facilities, format.number(figures.facilities, 0), text.unit_facilities, "facilities"),
    ...capacityTiles(page, service, figures),
  ];
  const made = [coverageFigure(page, figures.coverage), element("dl", { class: "tiles" }, ...tiles)];
  if (service.normSource) {
    made.push(element("p", { class: "note", text: fill(text.norm_source, { source: service.normSource }) }));
  }
  return made;
}

function capacityTiles({ text, format }, service, figures) {
  if (service.capacity === null) return [];
  const capacity = service.capacityTitle || text.capacity;
  const share = figures.capacity_known;
  const partly = share !== null && share < 1;
  const note = partly ? fill(text.capacity_known, { share: format.percent(share) }) : "";
  const tiles = [tile(capacity, format.number(figures.capacity, 0), text.unit_places, "capacity", note)];
  const per1000 = fill(text.per_1000, { capacity });
  const norm = figures.norm_per_1000 === null ? "" : fill(text.norm, { norm: format.number(figures.norm_per_1000, 2) });
  tiles.push(tile(per1000, format.number(figures.capacity_per_1000, 2), text.unit_places, "per_1000", norm));
  if (service.normSource !== null) {
    const gap = fill(text.gap_of, { capacity });
    const shown = tile(gap, format.needed(figures.gap_places), text.unit_places, "gap");
    tiles.push(alarmIf(figures.gap_places > 0, shown));
  }
  return tiles;
}

function tile(term, value, unit, name, note = "") {
  const shown = element("dd", {}, element("span", { class: "value", text: value }));
  if (unit && value !== MISSING) shown.append(" ", element("span", { class: "unit", text: unit }));
  if (note) shown.append(element("span", { class: "note", text: note }));
  return element("div", { class: "tile", attributes: { "data-figure": name } }, element("dt", { text: term }), shown);
}

function alarmIf(wrong, made) {
  made.classList.toggle("alarm", wrong);
  return made;
}

function coverageFigure({ format, study, text }, share) {
  const bar = element("div", { class: "meter", attributes: { "aria-hidden": "true" } });
  const done = element("span", { class: "meter-done" });
  done.style.width = (share === null ? 0 : share * 100) + "%";
  bar.append(done);
  for (const threshold of study.coverageBreaks) {
    const tick = element("span", { class: "meter-tick" });
    tick.style.left = threshold * 100 + "%";
    const name = element("span", { class: "meter-name", text: format.plain(threshold * 100) });
    name.style.left = threshold * 100 + "%";
    bar.append(tick, name);
  }
  const value = element("p", { class: "headline", attributes: { "data-figure": "coverage" } });
  value.append(element("span", { class: "sr", text: text.coverage + " " }), format.percent(share));
  return element("div", { class: "coverage" }, value, bar);
}

function statusBar(page, service, row) {
  const { text, format, study } = page;
  const people = row === null ? service.ledger.total : service.ledger.areas[row];
  const total = people.reduce((sum, value) => sum + value, 0);
  const bar = element("div", { class: "stack", attributes: { "aria-hidden": "true" } });
  const list = element("ul", { class: "stack-legend" });
  study.statuses.forEach((status, at) => {
    // Estimates stand only where the study asked for them.
    if (status.endsWith("_estimate") && service.ledger.total[at] === 0) return;
    const share = total > 0 ? people[at] / total : null;
    if (share) {
      const part = element("span");
      part.style.width = share * 100 + "%";
      part.style.background = STATUS_COLOURS[status];
      bar.append(part);
    }
    const largest = service.total.people;
    const amount = format.withUnit(format.people(people[at], largest), format.peopleUnit(largest));
    list.append(
      element(
        "li",
        { attributes: { "data-status": status } },
        swatch(STATUS_COLOURS[status]),
        element("span", { class: "stack-name", text: text["status_" + status] }),
        element("span", { class: "stack-share", text: format.percent(share) }),
        element("span", { class: "stack-people", text: amount })
      )
    );
  });
  const made = [element("h3", { text: text.by_status }), bar, list];
  if (row === null && service.ledger.outside >= 0.5) {
    const outside = format.withUnit(format.number(service.ledger.outside, 0), text.unit_people);
    made.push(element("p", { class: "note", text: fill(text.outside_areas, { people: outside }) }));
  }
  return made;
}

const LISTED = 300;

function fillFacilityList(page, list, service, row, actions) {
  const { table } = page.facilities;
  const here = page.filter.rows(service).filter((facility) => row === null || table.area[facility] === row);
  list.hidden = service.facilities.length === 0;
  const title = page.text.facility_list + " (" + page.format.number(here.length, 0) + ")";
  const items = element("ul", {});
  list.replaceChildren(element("summary", { text: title }), items);
  const write = () => {
    if (!list.open || items.childElementCount > 0) return;
    for (const facility of here.slice(0, LISTED)) {
      const button = element("button", { text: table.name[facility], attributes: { type: "button" } });
      button.addEventListener("click", () => actions.openFacility(facility));
      items.append(element("li", {}, button));
    }
    if (here.length > LISTED) items.append(element("li", { text: "…" }));
  };
  list.ontoggle = write;
  write();
}
