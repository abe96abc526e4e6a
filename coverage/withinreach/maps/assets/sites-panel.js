// What is tried, in the panel: sites with their places, changed facilities, who gains and who loses, and the file.

function makeSitesPanel(page, model, { actions, files, rings }) {
  const { text } = page;
  const settings = paceAndMinutes(page, model, actions);
  const ringsHost = element("div", { class: "rings" });
  const outcome = element("div", { class: "trial-outcome", attributes: { "aria-live": "polite" } });
  const units = element("div", {});
  const list = sitesList(page, model, actions);
  const changes = element("ul", { class: "trial-changes" });
  const others = element("p", { class: "note" });
  const file = fileTools(page, model, files, () => update());
  const clear = button("plain-button", text.site_clear, actions.clear);
  const root = element(
    "section",
    { class: "block trial", attributes: { id: "wr-trial" } },
    element("h3", { text: text.sites }),
    element("p", { class: "note", text: text.sites_hint }),
    element("p", { class: "note", text: text.sites_facilities }),
    placingButtons(page, actions),
    settings.root,
    ringsHost,
    outcome,
    units,
    list.root,
    changes,
    others,
    clear,
    file.root
  );
  document.getElementById("wr-panel").children[3].after(root);

  const update = () => {
    settings.update();
    ringsHost.replaceChildren(...ringsBlock(page, model, rings, () => actions.showRings(null)));
    ringsHost.hidden = rings.row() === null;
    const some = !model.isEmpty();
    clear.hidden = outcome.hidden = !some;
    outcome.replaceChildren(...(some ? [definitions(outcomeLines(page, model)), element("p", { class: "note", text: text.trial_own })] : []));
    units.replaceChildren(...(some ? unitsTable(page, model) : []));
    list.update();
    changes.replaceChildren(...changedFacilities(page, model, actions));
    others.textContent = otherServices(page, model);
    others.hidden = others.textContent === "";
    file.update();
  };
  return { root, update };
}

function button(kind, label, act) {
  const made = element("button", { class: kind, text: label, attributes: { type: "button" } });
  made.addEventListener("click", () => act());
  return made;
}

function placingButtons({ map, text, format }, actions) {
  const place = button("wide-button", text.site_place, () => {
    const on = place.getAttribute("aria-pressed") !== "true";
    place.setAttribute("aria-pressed", String(on));
    actions.place(on);
    // On a phone the map is above what is in view.
    if (on) map.getContainer().scrollIntoView({ block: "nearest" });
  });
  place.setAttribute("aria-pressed", "false");
  const best = button("wide-button", text.site_best, async () => {
    best.disabled = true;
    const found = await actions.addBest((share) => (best.textContent = format.percent(share)));
    best.textContent = found === null ? text.site_none : text.site_best;
    best.disabled = false;
  });
  return element("div", { class: "trial-buttons" }, place, best);
}

function paceAndMinutes({ text, format }, model, actions) {
  const pace = element("select", { attributes: { "aria-label": text.site_pace } });
  model.paces.forEach(({ title, speed_mm_s: speed }, at) =>
    pace.append(element("option", { text: title + " · " + format.plain(speed / 1000) + " m/s", attributes: { value: String(at) } }))
  );
  const minutes = element("input", { attributes: { type: "number", min: "1", step: "1", "aria-label": text.site_minutes } });
  pace.addEventListener("change", () => actions.setPace(Number(pace.value)));
  minutes.addEventListener("change", () => {
    const value = Number(minutes.value);
    if (value >= 1 && value <= model.mostMinutes()) actions.setMinutes(value);
    else minutes.value = String(model.minutes);
  });
  return {
    root: element("div", { class: "trial-settings" }, pace, element("label", {}, minutes, " " + text.unit_minutes)),
    update() {
      pace.value = String(model.paces.indexOf(model.pace));
      minutes.max = String(model.mostMinutes());
      minutes.value = String(model.minutes);
    },
  };
}

// A field for places: empty where they are unknown.
function placesField(label, value, act) {
  const field = element("input", { attributes: { type: "number", min: "0", step: "1", "aria-label": label, title: label } });
  field.value = value === null ? "" : String(value);
  field.addEventListener("change", () => {
    const given = field.value === "" ? null : Number(field.value);
    if (given === null || given >= 0) act(given);
    else field.value = value === null ? "" : String(value);
  });
  return field;
}

function capacityTitle({ text }, service) {
  return service.capacityTitle || text.capacity;
}

// Sites ----------------------------------------------------------------------------------------------------------

// Each site keeps its line while it lives, so that whoever types its places or moves by Tab stays where they are.
function sitesList(page, model, actions) {
  const { text, format } = page;
  const root = element("ol", { class: "trial-sites" });
  const lines = new Map();
  const made = (site) => {
    const show = button("link", "", () => actions.show(site));
    const told = element("span");
    const reach = element("p", { class: "note" });
    const remove = button("plain-button", text.site_remove, () => actions.remove(site));
    const places = model.service.capacity === null ? null : placesField(capacityTitle(page, model.service), site.capacity, (value) => actions.setCapacity(site, value));
    const head = [show, told, ...(places ? [element("label", {}, places, " " + capacityTitle(page, model.service))] : []), remove];
    return { show, told, reach, root: element("li", {}, element("div", { class: "site-line" }, ...head), reach) };
  };
  return {
    root,
    update() {
      const shown = model.shown();
      for (const [site, line] of lines) if (!shown.includes(site) || line.service !== model.service) lines.delete(site);
      shown.forEach((site, at) => {
        if (!lines.has(site)) lines.set(site, { ...made(site), service: model.service });
        const { show, told, reach } = lines.get(site);
        show.textContent = site.name || text.site + " " + (at + 1);
        told.textContent = site.spot === null ? text.site_off : "+ " + format.fewPeople(site.gained[model.service.people]);
        reach.textContent = site.spot === null ? "" : catchmentText(page, model.service, model.catchment(site));
      });
      const wanted = shown.map((site) => lines.get(site).root);
      if (wanted.length !== root.children.length || wanted.some((line, at) => root.children[at] !== line)) root.replaceChildren(...wanted);
    },
  };
}

function catchmentText(page, service, { people, perPlace, needed }) {
  const { text, format } = page;
  const capacity = capacityTitle(page, service);
  const told = [fill(text.site_reach, { people: format.fewPeople(people) })];
  if (perPlace !== null) told.push(fill(text.site_per_place, { capacity, people: format.withUnit(format.number(perPlace, 1), text.unit_people) }));
  if (needed !== null) told.push(fill(text.site_needed, { capacity, places: format.needed(needed) }));
  return told.join(" · ");
}

// What comes of it -----------------------------------------------------------------------------------------------

function outcomeLines(page, model) {
  const { text, format, study } = page;
  const { service, result } = model;
  const own = service.people;
  const inGroups = (found) => {
    const people = model.peopleOf(found);
    const others = Object.keys(people).filter((name) => name !== own);
    return [format.fewPeople(people[own]), ...others.map((name) => ["· " + study.groups[name], format.fewPeople(people[name])])];
  };
  const named = (kind, name) => element("span", {}, swatch(null, "cell-" + kind), name + " · " + study.groups[own]);
  const [gained, ...gainedGroups] = inGroups(result.gained);
  const lines = [[named("gained", text.site_gained), gained], ...gainedGroups];
  if (result.lost.length > 0) {
    const [lost, ...lostGroups] = inGroups(result.lost);
    lines.push([named("lost", text.site_lost), lost], ...lostGroups);
  }
  lines.push([text.coverage, change(...coverages(model).map(format.percent))]);
  return [...lines, ...placesLines(page, model)];
}

function change(before, after) {
  return before === after ? before : before + " → " + after;
}

function coverages({ result, ...model }) {
  const people = model.people();
  const sums = [0, 0, 0];
  people.forEach((count, cell) => {
    sums[0] += count;
    if (result.before[cell]) sums[1] += count;
    if (result.after[cell]) sums[2] += count;
  });
  return [1, 2].map((at) => (sums[0] > 0 ? sums[at] / sums[0] : null));
}

function placesLines(page, model) {
  const { text, format } = page;
  const places = model.places();
  if (places === null) return [];
  const capacity = capacityTitle(page, model.service);
  const both = (write) => change(write(places.before), write(places.after));
  const gap = (value) => (value === null ? null : Math.max(0, places.needed - value));
  const lines = [[capacity, both((value) => format.number(value, 0))]];
  if (places.needed !== null) {
    lines.push([fill(text.norm_asks, { capacity }), format.needed(places.needed)]);
    lines.push([fill(text.gap_of, { capacity }), both((value) => format.needed(gap(value)))]);
  }
  return lines;
}

// Who gains and who loses in each unit of the study's list below the areas, as far as anything changes there.
function unitsTable(page, model) {
  const { text, format, cellUnits: units } = page;
  if (units === null) return [];
  const people = model.people();
  const sums = (found) => {
    const totals = new Map();
    for (const cell of found) totals.set(units.of[cell], (totals.get(units.of[cell]) || 0) + people[cell]);
    return totals;
  };
  const [gained, lost] = [sums(model.result.gained), sums(model.result.lost)];
  const rows = [...new Set([...gained.keys(), ...lost.keys()])].sort((one, other) => (gained.get(other) || 0) - (gained.get(one) || 0) || one - other);
  if (rows.length === 0) return [];
  const cell = (sum) => element("td", { text: format.number((sum || 0) / PEOPLE_STEPS, 0) });
  const head = [text.by_unit, text.site_gained, text.site_lost].map((title) => element("th", { text: title, attributes: { scope: "col" } }));
  const body = rows.map((unit) =>
    element("tr", {}, element("th", { text: unit < 0 ? text.no_unit : units.names[unit], attributes: { scope: "row" } }), cell(gained.get(unit)), cell(lost.get(unit)))
  );
  return [element("table", { class: "areas trial-units" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body))];
}

// Facilities that are closed, resized or moved, each with the way back.
function changedFacilities(page, model, actions) {
  const { text, format, facilities } = page;
  return [...model.changed()].filter((row) => model.service.facilities.includes(row)).map((row) => {
    const told = [];
    if (model.closed.has(row)) told.push(text.facility_closed);
    if (model.resized.has(row)) {
      const before = capacitiesOf(facilities.table, model.service)[row];
      told.push(change(format.number(before, 0), format.number(model.resized.get(row).capacity, 0)) + " " + capacityTitle(page, model.service));
    }
    if (model.moved.has(row)) told.push(model.moved.get(row).spot === null ? text.site_off : text.facility_moved);
    return element("li", {}, element("span", { text: facilities.table.name[row] + ": " + told.join(", ") }), button("plain-button", text.facility_reopen, () => actions.restoreFacility(row)));
  });
}

// What is tried for services that are not looked at: it is part of the scenario all the same.
function otherServices({ text, format, study }, model) {
  const told = study.services
    .filter((service) => service !== model.service)
    .map((service) => {
      const sites = model.sites.filter((site) => service.kinds.includes(site.kind)).length;
      const changed = [...model.changed()].filter((row) => service.facilities.includes(row)).length;
      return [service.title, sites + changed];
    })
    .filter(([, count]) => count > 0)
    .map(([title, count]) => title + " " + format.number(count, 0));
  return told.length > 0 ? fill(text.trial_others, { changes: told.join(", ") }) : "";
}

// The file -------------------------------------------------------------------------------------------------------

function fileTools({ text }, model, files, update) {
  const title = element("input", { attributes: { type: "text", maxlength: "200", "aria-label": text.scenario_title, placeholder: text.scenario_title } });
  title.addEventListener("change", () => (model.title = title.value.trim()));
  const save = button("wide-button", text.scenario_save, () => {
    files.save();
    update();
  });
  const chosen = element("input", { attributes: { type: "file", accept: ".toml", hidden: "" } });
  chosen.addEventListener("change", async () => {
    const [file] = chosen.files;
    chosen.value = "";
    if (file !== undefined) await files.open(file);
    update();
  });
  const open = button("wide-button", text.scenario_open, () => chosen.click());
  const told = element("div", { class: "trial-told", attributes: { role: "status" } });
  return {
    root: element("div", { class: "trial-file" }, title, element("div", { class: "trial-buttons" }, save, open), chosen, told),
    update() {
      title.value = model.title;
      save.disabled = model.isEmpty();
      told.classList.toggle("wrong", files.wrong);
      told.replaceChildren(...files.told.map((line) => element("p", { text: line })));
    },
  };
}

// On a facility's card -------------------------------------------------------------------------------------------

function facilityActions(page, model, row, actions) {
  const { text } = page;
  const { service } = model;
  if (!service.facilities.includes(row)) return "";
  const closed = model.closed.has(row);
  const parts = [
    element("p", { class: "note", text: catchmentText(page, service, model.catchmentOfFacility(row)) }),
    button("wide-button", text.rings_show, () => actions.showRings(row)),
    button("wide-button", closed ? text.facility_reopen : text.facility_close, () => actions.toggleFacility(row)),
  ];
  if (!closed) {
    if (!model.moved.has(row)) parts.push(button("wide-button", text.facility_move, () => actions.moveFacility(row)));
    if (service.capacity !== null) {
      const label = fill(text.facility_resize, { capacity: capacityTitle(page, service) });
      parts.push(element("label", { class: "card-places" }, label + " ", placesField(label, model.capacityOf(row), (value) => actions.resizeFacility(row, value))));
    }
  }
  return element("div", { class: "card-actions" }, ...parts);
}
