// Which facilities are shown: by kind, stars, ownership, status, as far as the data tell. The figures stay what they are.

const NOT_OPEN = ["closed", "under_construction", "planned"];
const UNKNOWN = -1;

function makeFilter(page) {
  const { filters } = page.facilities.table;
  // Per filter the places of the values that are not shown; at first those of facilities that serve nobody.
  const usual = () =>
    new Map(filters.map(({ name, values }) => [name, new Set(name === "status" ? placesOf(values, NOT_OPEN) : [])]));
  let hidden = usual();
  const shown = (row) => filters.every(({ name, of }) => !hidden.get(name).has(of[row]));
  return {
    // Rows of the facilities of a service that are shown; those out of service only where they were asked for.
    rows: (service) => [...service.facilities, ...service.idle].filter(shown),
    isShown: (name, value) => !hidden.get(name).has(value),
    show(name, value, on) {
      if (on) hidden.get(name).delete(value);
      else hidden.get(name).add(value);
    },
    reset: () => (hidden = usual()),
    isUsual: () => [...usual()].every(([name, values]) => sameSets(values, hidden.get(name))),
    // The filters of a service with the values that its facilities have, and how many have each.
    choices(service) {
      const rows = [...service.facilities, ...service.idle];
      return filters
        .map(({ name, values, of }) => ({ name, values: countedValues(rows, of, values.length) }))
        .filter(({ values }) => values.length > 1);
    },
  };
}

function placesOf(values, wanted) {
  return wanted.map((value) => values.indexOf(value)).filter((at) => at >= 0);
}

function sameSets(one, other) {
  return one.size === other.size && [...one].every((value) => other.has(value));
}

function countedValues(rows, of, count) {
  const counts = new Map();
  for (const row of rows) counts.set(of[row], (counts.get(of[row]) || 0) + 1);
  const order = [...Array(count).keys(), UNKNOWN];
  return order.filter((value) => counts.has(value)).map((value) => ({ value, count: counts.get(value) }));
}

// What a filter's value is called; a value that is none of the known words stands as in the data.
function valueName({ text, words, facilities }, name, at) {
  if (at === UNKNOWN) return text.value_unknown;
  const value = facilities.table.filters.find((filter) => filter.name === name).values[at];
  if (name === "star") return fill(text.value_star, { stars: value });
  if (name === "kind" && facilities.table.kinds[value]) return facilities.table.kinds[value][words.language];
  return Object.hasOwn(text, "value_" + value) ? text["value_" + value] : value;
}

function makeFilterPanel(page, onChange) {
  const { text, format, filter } = page;
  const root = element("details", { class: "block filter", attributes: { id: "wr-filter" } });
  const summary = element("summary");
  const body = element("div", { class: "filter-body" });
  root.append(summary, body);
  let service = null;

  const tell = () => {
    const all = service.facilities.length + service.idle.length;
    const shown = fill(text.filter_shown, { shown: format.number(filter.rows(service).length, 0), all: format.number(all, 0) });
    summary.textContent = filter.isUsual() ? text.filter : text.filter + " · " + shown;
  };
  const changed = () => {
    tell();
    onChange();
  };
  const write = () => {
    const groups = filter.choices(service).map((choice) => filterGroup(page, choice, changed));
    root.hidden = groups.length === 0;
    const reset = element("button", { class: "plain-button", text: text.filter_reset, attributes: { type: "button" } });
    reset.addEventListener("click", () => {
      filter.reset();
      write();
      onChange();
    });
    body.replaceChildren(element("p", { class: "note", text: text.filter_note }), ...groups, reset);
    tell();
  };
  return {
    root,
    update(selected) {
      service = selected;
      write();
    },
  };
}

function filterGroup(page, { name, values }, onChange) {
  const { text, format, filter } = page;
  const boxes = values.map(({ value, count }) => {
    const box = element("input", { attributes: { type: "checkbox", "data-filter": name, "data-value": String(value) } });
    box.checked = filter.isShown(name, value);
    box.addEventListener("change", () => {
      filter.show(name, value, box.checked);
      onChange();
    });
    const title = element("span", { class: "filter-value", text: valueName(page, name, value) });
    return element("label", {}, box, title, element("span", { class: "filter-count", text: format.number(count, 0) }));
  });
  return element("fieldset", {}, element("legend", { text: text["filter_" + name] }), ...boxes);
}
