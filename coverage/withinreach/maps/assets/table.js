// The table of areas: what the map shows, for everyone who reads rather than looks. Sortable, and tied to the map.

function tableColumns({ text, format }, service) {
  const largest = service.total.people;
  const unit = format.peopleUnit(largest);
  const columns = [
    { name: "coverage", title: text.coverage, write: (value) => format.percent(value) },
    { name: "coverage_own", title: text.coverage_own_short, write: (value) => format.percent(value) },
    { name: "uncovered_people", title: text.uncovered, unit, write: (value) => format.people(value, largest) },
    { name: "people", title: text.people, unit, write: (value) => format.people(value, largest) },
    { name: "facilities", title: text.facilities, unit: text.unit_facilities, write: (value) => format.number(value, 0) },
  ];
  if (service.capacity !== null) {
    const write = (value) => format.number(value, 2);
    columns.push({ name: "capacity_per_1000", title: text.per_1000_short, unit: service.capacityTitle, write });
  }
  if (service.normSource !== null) {
    columns.push({ name: "gap_places", title: text.gap, unit: text.unit_places, write: (value) => format.needed(value) });
  }
  columns.push(
    { name: "median_min", title: text.median_short, unit: text.unit_minutes, write: (value) => format.number(value, 1) },
    { name: "p90_min", title: text.p90_short, unit: text.unit_minutes, write: (value) => format.number(value, 1) }
  );
  return columns;
}

function makeTable(page, actions) {
  const root = element("div", { class: "table-frame", attributes: { tabindex: "0", role: "region" } });
  const sorting = { column: null, descending: true };
  let shown = { service: null, selected: null, rows: [] };

  const write = () => {
    const { service, selected } = shown;
    const columns = tableColumns(page, service);
    if (!columns.some((column) => column.name === sorting.column)) sorting.column = null;
    const rows = sortedRows(service, page.study.areas.length, sorting);
    const bodyRows = rows.map((row) => areaRow(page, service, columns, row, actions));
    shown.rows = bodyRows.map((made, at) => ({ made, row: rows[at] }));
    root.replaceChildren(
      element(
        "table",
        { class: "areas" },
        element("caption", { class: "sr", text: page.text.by_area + " · " + service.title }),
        element("thead", {}, headRow(page, columns, sorting, sortBy)),
        element("tbody", {}, ...bodyRows),
        element("tfoot", {}, totalRow(page, service, columns))
      )
    );
    mark(selected, null);
    showEdge();
  };

  // A fading edge tells that more columns follow.
  const showEdge = () => root.classList.toggle("more", root.scrollWidth - root.clientWidth - root.scrollLeft > 2);
  root.addEventListener("scroll", showEdge);
  window.addEventListener("resize", showEdge);

  const sortBy = (column) => {
    sorting.descending = sorting.column === column ? !sorting.descending : true;
    sorting.column = column;
    write();
    const button = root.querySelector('button[data-column="' + column + '"]');
    if (button) button.focus();
  };

  const mark = (selected, hovered) => {
    for (const { made, row } of shown.rows) {
      made.classList.toggle("selected", row === selected);
      made.classList.toggle("hovered", row === hovered);
      if (row === selected) made.setAttribute("aria-current", "true");
      else made.removeAttribute("aria-current");
    }
  };

  page.words.inWords(() => {
    root.setAttribute("aria-label", page.text.by_area);
    if (shown.service !== null) write();
  });

  return {
    root,
    mark,
    update: (service, selected) => {
      const same = shown.service === service;
      shown = { ...shown, service, selected };
      if (same) mark(selected, null);
      else write();
    },
  };
}

// Missing figures stay at the end whichever way the column is sorted.
function sortedRows(service, count, { column, descending }) {
  const rows = Array.from({ length: count }, (_, row) => row);
  if (column === null) return rows;
  const values = service.figures[column];
  const direction = descending ? -1 : 1;
  return rows.sort((one, other) => {
    const missing = (values[one] === null) - (values[other] === null);
    return missing || direction * (values[one] - values[other]) || one - other;
  });
}

function headRow(page, columns, sorting, sortBy) {
  const cells = columns.map((column) => {
    const sorted = sorting.column === column.name;
    const button = element("button", {
      attributes: { type: "button", "data-column": column.name, title: fill(page.text.sort_by, { column: column.title }) },
    });
    button.append(element("span", { text: column.title }));
    if (column.unit) button.append(" ", element("span", { class: "column-unit", text: column.unit }));
    button.addEventListener("click", () => sortBy(column.name));
    const order = sorted ? (sorting.descending ? "descending" : "ascending") : "none";
    return element("th", { attributes: { scope: "col", "aria-sort": order } }, button);
  });
  return element("tr", {}, element("th", { text: page.text.area, attributes: { scope: "col" } }), ...cells);
}

function areaRow(page, service, columns, row, actions) {
  const name = element("button", { text: page.study.areas[row].name, attributes: { type: "button" } });
  const found = service.classes[row];
  const sign = found < 0 ? swatch(null, "hatch") : swatch(COVERAGE_COLOURS[found]);
  const head = element("th", { attributes: { scope: "row" } }, sign, name);
  const cells = columns.map((column) =>
    element("td", { text: column.write(service.figures[column.name][row]), attributes: { "data-column": column.name } })
  );
  const made = element("tr", { attributes: { "data-row": String(row) } }, head, ...cells);
  made.addEventListener("click", () => actions.selectArea(row, true));
  made.addEventListener("mouseenter", () => actions.hoverArea(row));
  made.addEventListener("mouseleave", () => actions.hoverArea(null));
  return made;
}

function totalRow(page, service, columns) {
  const cells = columns.map((column) =>
    element("td", { text: column.write(service.total[column.name]), attributes: { "data-column": column.name } })
  );
  return element("tr", {}, element("th", { text: page.text.total, attributes: { scope: "row" } }), ...cells);
}
