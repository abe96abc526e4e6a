// Finding by name: areas, townships and other listed units, facilities. A combobox as WAI-ARIA describes it.

const FOUND_AT_MOST = 12;
const PLACE_ZOOM = 14;
const FACILITY_ZOOM = 15;

function makeFinder(page, actions) {
  const { text, words } = page;
  const input = element("input", {
    attributes: {
      id: "wr-find", type: "search", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "false", "aria-controls": "wr-found", "aria-autocomplete": "list",
    },
  });
  const list = element("ul", { class: "found", attributes: { id: "wr-found", role: "listbox" } });
  const root = element("div", { class: "finder", attributes: { role: "search" } }, input, list);
  const entries = findable(page);
  let found = [];
  let active = -1;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (entry) => {
    close();
    input.value = entry.name;
    openEntry(page, actions, entry);
  };
  const mark = (at) => {
    active = at;
    found.forEach(({ option }, number) => option.setAttribute("aria-selected", String(number === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", found[at].option.id);
    found[at].option.scrollIntoView({ block: "nearest" });
  };
  const write = () => {
    const asked = folded(input.value);
    if (asked === "") return close();
    const all = entriesLike(entries, asked);
    found = all.slice(0, FOUND_AT_MOST).map((entry, at) => ({ entry, option: foundOption(page, entry, at) }));
    for (const { entry, option } of found) option.addEventListener("mousedown", (event) => event.preventDefault() || choose(entry));
    const rest = all.length - found.length;
    const remark = all.length === 0 ? fill(text.find_none, { words: input.value.trim() }) : rest > 0 ? fill(text.find_more, { count: page.format.number(rest, 0) }) : null;
    list.replaceChildren(...found.map(({ option }) => option));
    if (remark !== null) list.append(element("li", { class: "found-remark", text: remark, attributes: { role: "option", "aria-disabled": "true" } }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(found.length > 0 ? 0 : -1);
  };

  input.addEventListener("input", write);
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      if (list.hidden) write();
      else mark((active + step + found.length) % found.length);
    } else if (event.key === "Enter" && active >= 0) choose(found[active].entry);
    else if (event.key === "Escape") close();
  });
  words.inWords(() => {
    input.setAttribute("aria-label", text.find);
    input.placeholder = text.find_hint;
    list.setAttribute("aria-label", text.find_results);
    close();
  });
  const view = document.getElementById("wr-view");
  view.append(root);
  L.DomEvent.disableClickPropagation(root);
  L.DomEvent.disableScrollPropagation(root);
}

function findable({ study, facilities, units }) {
  const areas = study.areas.map((area, row) => ({ sort: "area", row, name: area.name, also: area.code, where: null }));
  const listed = units.name.map((name, row) => ({ sort: units.level[row], row, name, also: "", where: units.area[row] }));
  const { table } = facilities;
  const places = table.name.map((name, row) => ({ sort: "facility", row, name, also: table.id[row], where: table.area[row] }));
  return [...areas, ...listed, ...places].map((entry) => ({ ...entry, key: folded(entry.name), alsoKey: folded(entry.also) }));
}

function folded(words) {
  return words.normalize("NFKC").toLowerCase().replace(/\s+/g, "");
}

// Names that begin with the words, then names that hold them, then codes; each in the order of areas, units, facilities.
function entriesLike(entries, asked) {
  const ranks = [[], [], []];
  for (const entry of entries) {
    if (entry.key.startsWith(asked)) ranks[0].push(entry);
    else if (entry.key.includes(asked)) ranks[1].push(entry);
    else if (entry.alsoKey.startsWith(asked)) ranks[2].push(entry);
  }
  return ranks.flat();
}

function foundOption({ study, text }, entry, at) {
  const sorts = { area: text.find_area, facility: text.find_facility, township: text.place_township, village: text.place_village, community: text.place_community, estate: text.place_estate };
  const where = entry.where === null || entry.where < 0 || study.areas.length === 1 ? "" : study.areas[entry.where].name;
  return element(
    "li",
    { attributes: { role: "option", id: "wr-found-" + at, "aria-selected": "false" } },
    element("span", { class: "found-name", text: entry.name }),
    element("span", { class: "found-sort", text: [sorts[entry.sort], where].filter((part) => part !== "").join(" · ") })
  );
}

async function openEntry({ map, units, text }, actions, { sort, row, name }) {
  if (sort === "area") return actions.selectArea(row, true);
  if (sort === "facility") return actions.findFacility(row, FACILITY_ZOOM);
  const at = [units.lat[row], units.lon[row]];
  map.setView(at, Math.max(map.getZoom(), PLACE_ZOOM), { animate: false });
  const kind = element("p", { class: "card-kind", text: text["place_" + sort] });
  openPopup(map, at, element("div", { class: "card-popup" }, kind, element("h3", { text: name })));
}
