// The figures of a comparison, its legend, and what the scenario does.

function makeComparisonPanel(page, data, state, actions) {
  const { text, words } = page;
  const host = document.getElementById("wr-panel");
  const choice = scenarioChoice(data, actions);
  const scope = element("h2", { class: "scope" });
  const question = element("p", { class: "question" });
  const figures = element("div", { class: "figures", attributes: { "aria-live": "polite" } });
  const deeds = element("section", { class: "block" });
  const table = element("section", { class: "block" });
  const legend = element("section", { class: "block" });
  host.append(choice, scope, question, figures, deeds, legend, table);
  words.inWords(() => {
    host.setAttribute("aria-label", text.panel);
    choice.querySelector("select").setAttribute("aria-label", text.compare_scenario);
  });
  const mark = () => {
    for (const row of table.querySelectorAll("tbody tr")) {
      row.classList.toggle("selected", Number(row.dataset.row) === state.area);
      row.classList.toggle("hovered", Number(row.dataset.row) === state.hovered);
    }
  };
  return {
    mark,
    update() {
      const scenario = data.scenarios[state.scenario];
      const [before, after] = [data.before, scenario].map(({ services }) => services[state.service]);
      choice.hidden = data.scenarios.length < 2;
      scope.textContent = (data.scenarios.length < 2 ? scenario.title + " · " : "") + (state.area === null ? wholeName(page) : page.study.areas[state.area].name);
      question.textContent = fill(text.coverage_of, { group: after.group, minutes: page.format.plain(after.minutes) });
      figures.replaceChildren(...comparedFigures(page, [before, after], scenario, state.area));
      deeds.replaceChildren(element("h3", { text: text.compare_changes }), changesList(page, scenario, data.before));
      legend.replaceChildren(...comparisonLegend(page, state.difference));
      table.replaceChildren(element("h3", { text: text.by_area }), comparedTable(page, [before, after], actions));
      mark();
    },
  };
}

function wholeName({ text, study }) {
  return study.areas.length === 1 ? study.areas[0].name : text.whole_study;
}

function scenarioChoice({ scenarios }, actions) {
  const select = element("select", {});
  scenarios.forEach(({ title }, at) => select.append(element("option", { text: title, attributes: { value: String(at) } })));
  select.addEventListener("change", () => actions.selectScenario(Number(select.value)));
  return element("div", { class: "trial compare-choice" }, select);
}

// The last of the people who gain or lose is all areas together.
function movedPeople(service, side, area) {
  const values = service.moved[side];
  return area === null ? values[values.length - 1] : values[area];
}

function comparedFigures(page, [before, after], scenario, area) {
  const { text, format } = page;
  const figures = [before, after].map((service) => figuresOf(service, area));
  const largest = before.total.people;
  const people = (value) => format.withUnit(format.people(value, largest), format.peopleUnit(largest));
  const both = (name, write) => change(...figures.map((one) => write(one[name])));
  const whole = (value) => format.number(value, 0);
  const points = figures.some((one) => one.coverage === null) ? null : (figures[1].coverage - figures[0].coverage) * 100;
  const lines = [
    [element("span", {}, swatch(null, "cell-gained"), text.site_gained), format.fewPeople(movedPeople(after, "gained", area))],
    [element("span", {}, swatch(null, "cell-lost"), text.site_lost), format.fewPeople(movedPeople(after, "lost", area))],
    [text.uncovered, both("uncovered_people", people)],
    [text.facilities, both("facilities", whole)],
  ];
  if (after.capacity !== null) lines.push([capacityTitle(page, after), both("capacity", whole)]);
  if (after.norm !== null) lines.push([fill(text.gap_of, { capacity: capacityTitle(page, after) }), both("gap_places", format.needed)]);
  lines.push([text.compare_cost, scenario.cost === null ? text.compare_unknown : format.number(scenario.cost, 0)]);
  if (area === null && after.costPerGained !== null) lines.push([text.compare_per_gained, format.number(after.costPerGained, 1)]);
  const headline = element(
    "p",
    { class: "headline compared", attributes: { "data-figure": "coverage" } },
    element("span", { class: "sr", text: text.coverage + " " }),
    both("coverage", format.percent),
    element("span", { class: "points", text: fill(text.compare_points, { points: signedPoints(format, points) }) })
  );
  const list = definitions(lines);
  list.classList.add("compared");
  return [headline, list];
}

// What the scenario does, each with its sign on the map.
function changesList(page, { facilities, links, blocked }, before) {
  const { text, format } = page;
  const { table } = before.places;
  const names = (rows) => rows.map((row) => table.name[row]).join(", ");
  const resized = [...new Set(Object.values(facilities.resized).flatMap((rows) => rows.map(([row]) => row)))];
  const count = (rows) => format.number(rows.length, 0);
  const told = [
    ["diamond", text.compare_added, facilities.added.name, facilities.added.name.join(", ")],
    ["crossed", text.facility_closed, facilities.closed, names(facilities.closed)],
    ["ringed", text.compare_resized, resized, names(resized)],
    ["diamond", text.facility_moved, facilities.moved, names(facilities.moved.map(([row]) => row))],
    ["link", text.compare_links, links, ""],
    ["crossed", text.compare_blocked, blocked, ""],
  ].filter(([, , rows]) => rows.length > 0);
  if (told.length === 0) return element("p", { class: "note", text: text.compare_nothing });
  const lines = told.map(([sign, title, rows, named]) =>
    element("li", {}, swatch(null, sign), element("span", {}, element("strong", { text: title + " " + count(rows) }), named ? " " + named : ""))
  );
  return element("ul", { class: "compare-changes" }, ...lines);
}

function comparedTable(page, [before, after], actions) {
  const { text, format, study } = page;
  const points = pointsOf(before, after);
  const number = (value) => format.number(value, 0);
  const columns = [
    [text.coverage, (row) => change(format.percent(before.figures.coverage[row]), format.percent(after.figures.coverage[row]))],
    [text.compare_delta, (row) => signedPoints(format, points[row])],
    [text.site_gained, (row) => number(after.moved.gained[row])],
    [text.site_lost, (row) => number(after.moved.lost[row])],
  ];
  if (after.norm !== null) columns.push([text.gap, (row) => change(format.needed(before.figures.gap_places[row]), format.needed(after.figures.gap_places[row]))]);
  const order = [...study.areas.keys()].sort((one, other) => Math.abs(points[other] ?? 0) - Math.abs(points[one] ?? 0) || one - other);
  const rows = order.map((row) => {
    const name = button("", study.areas[row].name, () => actions.selectArea(row));
    const made = element("tr", { attributes: { "data-row": String(row) } }, element("th", { attributes: { scope: "row" } }, name));
    made.append(...columns.map(([, write]) => element("td", { text: write(row) })));
    made.addEventListener("mouseenter", () => actions.hoverArea(row));
    made.addEventListener("mouseleave", () => actions.hoverArea(null));
    return made;
  });
  const head = [text.area, ...columns.map(([title]) => title)].map((title) => element("th", { text: title, attributes: { scope: "col" } }));
  return element(
    "div",
    { class: "table-frame", attributes: { tabindex: "0", role: "region", "aria-label": text.by_area } },
    element("table", { class: "areas compared-areas" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))
  );
}

// On the right map: the scenario, or its difference from the present.
function makeViewSwitch(page, state, host, actions) {
  const { text, words } = page;
  const root = element("div", { class: "compare-views", attributes: { role: "group" } });
  L.DomEvent.disableClickPropagation(root);
  host.append(root);
  const write = () => {
    const choices = [text.compare_after, text.compare_difference].map((title, at) => {
      const one = button("compare-view", title, () => {
        actions.showDifference(at === 1);
        for (const [other, choice] of choices.entries()) choice.setAttribute("aria-pressed", String(other === at));
      });
      one.setAttribute("aria-pressed", String(state.difference === (at === 1)));
      return one;
    });
    root.replaceChildren(...choices);
  };
  words.inWords(write);
}

// What colours and signs mean in the present view; signs of what the scenario does stand in the list of its changes.
function comparisonLegend({ text, format, study }, difference) {
  const shares = study.coverageBreaks.map((share) => format.plain(share * 100));
  const coverage = classNames(shares, "%").map((name, at) => legendItem(swatch(COVERAGE_COLOURS[at]), name));
  const signs = [legendItem(swatch(null, "cell-gained"), text.site_gained), legendItem(swatch(null, "cell-lost"), text.site_lost)];
  if (!difference) signs.push(legendItem(swatch(UNCOVERED_COLOURS[1]), text.uncovered));
  return [
    element("h3", { text: text.legend }),
    element("p", { class: "note", text: difference ? text.compare_change : text.layer_coverage }),
    element("ul", { class: "compare-legend" }, ...(difference ? pointClasses(format) : coverage)),
    element("ul", { class: "compare-legend" }, ...signs),
  ];
}

function pointClasses(format) {
  const last = POINT_BREAKS.length - 1;
  const told = (value) => signedPoints(format, value);
  return POINT_COLOURS.map((colour, at) => {
    if (at === 3) return legendItem(swatch(colour), "0");
    if (at === 0) return legendItem(swatch(colour), "< " + told(POINT_BREAKS[0]));
    if (at > last) return legendItem(swatch(colour), "≥ " + told(POINT_BREAKS[last]));
    const [low, high] = [POINT_BREAKS[at - 1], POINT_BREAKS[at]].map((value) => (Math.abs(value) < 0.1 ? "0" : told(value)));
    return legendItem(swatch(colour), low + " … " + high);
  }).reverse();
}
