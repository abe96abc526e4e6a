// The frame around the map: title and tabs, controls, footer, printing.

function makeHeader(page, actions) {
  const { study, text, words } = page;
  const title = document.getElementById("wr-title");
  title.textContent = study.title;
  title.title = study.title;
  const badge = document.getElementById("wr-notice");
  badge.textContent = study.notice;
  badge.hidden = study.notice === "";
  const internal = document.getElementById("wr-internal");
  internal.hidden = !study.internalUse;
  words.inWords(() => (internal.textContent = text.internal_use));
  const list = document.getElementById("wr-tabs");
  words.inWords(() => list.setAttribute("aria-label", text.services));
  const tabs = study.services.map((service, at) => {
    const tab = element("button", {
      class: "tab",
      text: service.title,
      attributes: { type: "button", role: "tab", id: "wr-tab-" + service.name, "aria-controls": "wr-body" },
    });
    tab.addEventListener("click", () => actions.selectService(at));
    return tab;
  });
  list.append(...tabs);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
    event.preventDefault();
  });
  return {
    update: (selected) => {
      tabs.forEach((tab, at) => {
        tab.setAttribute("aria-selected", String(at === selected));
        tab.tabIndex = at === selected ? 0 : -1;
      });
      const service = study.services[selected];
      document.getElementById("wr-body").setAttribute("aria-labelledby", tabs[selected].id);
      document.getElementById("wr-printed-service").textContent = service.title + " · " + limitText(page, service);
    },
  };
}

const ICONS = {
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  all: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
  panel: "M6 4l4 4-4 4",
  print: "M4.5 6V2.5h7V6M4.5 11.5h-2V6.5h11v5h-2M4.5 9.5h7v4h-7z",
};

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function iconButton(words, path, label, onClick) {
  const button = element("button", { class: "icon-button", attributes: { type: "button" } }, icon(path));
  button.addEventListener("click", onClick);
  words.inWords(() => nameButton(button, label()));
  return button;
}

function nameButton(button, label) {
  button.title = label;
  button.setAttribute("aria-label", label);
}

function makeControls(page, showAll) {
  const { map, text, words } = page;
  words.inWords(() => map.getContainer().setAttribute("aria-label", text.map));
  const view = document.getElementById("wr-view");
  const zoom = element(
    "div",
    { class: "zoom" },
    iconButton(words, ICONS.plus, () => text.zoom_in, () => map.zoomIn()),
    iconButton(words, ICONS.minus, () => text.zoom_out, () => map.zoomOut()),
    iconButton(words, ICONS.all, () => text.zoom_all, showAll)
  );
  zoom.append(northArrow(page));
  view.append(zoom, panelToggle(page));
  L.control.scale({ position: "bottomright", imperial: false, maxWidth: 120 }).addTo(map);
}

function northArrow({ text, words }) {
  const arrow = element("div", { class: "north", attributes: { "aria-hidden": "true" } });
  const needle = icon("M8 1l4.5 13L8 11l-4.5 3z");
  needle.setAttribute("class", "needle");
  const letter = element("span");
  words.inWords(() => (letter.textContent = text.north));
  arrow.append(letter, needle);
  return arrow;
}

function panelToggle({ map, text, words }) {
  const app = document.getElementById("wr-app");
  const label = () => (app.classList.contains("panel-closed") ? text.show_panel : text.hide_panel);
  const button = iconButton(words, ICONS.panel, label, () => {
    const closed = app.classList.toggle("panel-closed");
    nameButton(button, label());
    button.setAttribute("aria-expanded", String(!closed));
    map.invalidateSize({ animate: false });
  });
  button.classList.add("panel-toggle");
  button.setAttribute("aria-controls", "wr-panel");
  button.setAttribute("aria-expanded", "true");
  return button;
}

function makeFooter(page) {
  page.words.inWords(() => document.getElementById("wr-foot").replaceChildren(...footerLines(page)));
}

function footerLines({ study, text, format }) {
  const facts = [
    fill(text.footer_data, { date: format.date(study.asOf) }),
    fill(text.footer_population, { date: format.date(study.populationAsOf) }),
    fill(text.footer_crs, { crs: study.crs }),
    text.footer_boundaries,
  ];
  if (study.producer) facts.unshift(fill(text.footer_producer, { producer: study.producer }));
  if (study.reviewNumber) facts.push(fill(text.review_number, { number: study.reviewNumber }));
  if (study.internalUse) facts.push(text.internal_use);
  if (study.notice) facts.push(study.notice);
  return [
    element("p", { class: "foot-method", text: text.footer_method }),
    element("p", { class: "foot-facts" }, ...facts.map((fact) => element("span", { text: fact, attributes: { title: fact } }))),
  ];
}

// Printing lays the page out at the size of the sheet first, so that the map is drawn for it.
function makePrinting(page, settleLegend) {
  const { map, text, words } = page;
  const root = document.documentElement;
  const sheet = document.head.appendChild(element("style"));
  let before = null;

  const prepare = (size) => {
    if (before !== null) return;
    before = { center: map.getCenter(), zoom: map.getZoom() };
    const bounds = map.getBounds();
    sheet.textContent = "@page { size: " + size + " landscape; margin: 10mm; }";
    root.classList.add("printing", "print-" + size.toLowerCase());
    map.invalidateSize({ animate: false });
    settleLegend(bounds.contains(page.bounds) ? page.bounds : bounds, Infinity);
  };
  const restore = () => {
    if (before === null) return;
    root.classList.remove("printing", "print-a4", "print-a3");
    map.invalidateSize({ animate: false });
    map.setView(before.center, before.zoom, { animate: false });
    before = null;
  };
  window.addEventListener("beforeprint", () => prepare("A4"));
  window.addEventListener("afterprint", restore);
  // Some browsers refuse to print from a frame and tell nobody; whoever goes on working has done with printing.
  window.addEventListener("pointerdown", restore, { capture: true });

  const actions = document.getElementById("wr-actions");
  actions.append(icon(ICONS.print));
  for (const [size, label] of [["A4", () => text.print_a4], ["A3", () => text.print_a3]]) {
    const button = element("button", { text: size, attributes: { type: "button" } });
    words.inWords(() => nameButton(button, label()));
    button.addEventListener("click", () => {
      prepare(size);
      window.print();
    });
    actions.append(button);
  }
}
