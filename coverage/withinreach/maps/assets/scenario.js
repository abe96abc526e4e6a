// What is tried as a scenario file, and back: the TOML that `withinreach compare` and `load_scenario` read.
//
// Positions are written in the study's CRS, digit by digit as the page has them, so that Python walks to the same spot.

// Writing --------------------------------------------------------------------------------------------------------

function scenarioText({ page, ...model }, remarks) {
  const { table } = page.facilities;
  const named = (row) => ({ id: table.id[row], kind: kindOf(table, row) });
  const tables = [
    ...model.sites.map((site, at) => ["open", { kind: site.kind, name: siteName(page, site, at), at: [site.x, site.y], capacity: site.capacity, cost: site.cost }]),
    ...[...model.closed].map(([row, { cost }]) => ["close", { ...named(row), cost }]),
    ...[...model.resized].map(([row, { capacity, cost }]) => ["resize", { ...named(row), capacity, cost }]),
    ...[...model.moved].map(([row, { x, y, cost }]) => ["move", { ...named(row), to: [x, y], cost }]),
  ];
  const lines = [
    ...remarks.map((remark) => "# " + JSON.stringify(remark).slice(1, -1)),
    "title = " + tomlValue(model.title || page.text.scenario_untitled),
    "datum = " + tomlValue(model.crs),
    ...tables.flatMap(([part, values]) => ["", "[[" + part + "]]", ...tomlLines(values)]),
  ];
  if (model.tariffs !== null) lines.push("", "[tariffs]", ...tomlLines(model.tariffs));
  return lines.join("\n") + "\n";
}

function kindOf({ filters }, row) {
  const { values, of } = filters.find((filter) => filter.name === "kind");
  return values[of[row]];
}

function siteName({ text }, site, at) {
  return site.name || text.site + " " + (at + 1);
}

function tomlLines(values) {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key)) + " = " + tomlValue(value));
}

// Strings of TOML are written like those of JSON, but for DEL and halves of characters, which it does not know.
function tomlValue(value) {
  if (Array.isArray(value)) return "[" + value.map(tomlValue).join(", ") + "]";
  if (typeof value === "object") return "{ " + tomlLines(value).join(", ") + " }";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/\x7f/g, "\\u007f");
}

// Reading --------------------------------------------------------------------------------------------------------

const IS_TEXT = "text";
const IS_PLACES = "places";
const IS_POSITION = "position";
const SCENARIO_PARTS = {
  open: { kind: IS_TEXT, name: IS_TEXT, at: IS_POSITION, capacity: IS_PLACES, cost: IS_PLACES },
  close: { id: IS_TEXT, kind: IS_TEXT, cost: IS_PLACES },
  resize: { id: IS_TEXT, kind: IS_TEXT, capacity: IS_PLACES, cost: IS_PLACES },
  move: { id: IS_TEXT, kind: IS_TEXT, to: IS_POSITION, cost: IS_PLACES },
};
const NEEDED = { open: ["kind", "at"], close: ["id"], resize: ["id", "capacity"], move: ["id", "to"] };
// They change ways or people, which a page does not know how to do: figures without them would be wrong.
const BEYOND_PAGE = ["link", "block", "population", "profiles", "walking"];
const DEGREE_DATUMS = ["wgs84", "cgcs2000"];

// What a file changes, with one line for everything that hinders it (`problems`: then nothing is taken over) and for
// everything that lies elsewhere and changes nothing on this page (`notes`).
function readScenario(source, file, ground) {
  const { text } = ground.page;
  let scenario;
  try {
    scenario = smolToml.parse(source.replace(/^\ufeff/, ""));
  } catch (error) {
    if (error.line === undefined) throw error;
    return { problems: [fill(text.scenario_no_toml, { file, line: error.line, column: error.column })], notes: [] };
  }
  const problems = shapeProblems(scenario, ground.page, ground.crs);
  const found = problems.length > 0 ? { problems, notes: [] } : placesOfScenario(scenario, ground);
  return { ...found, problems: found.problems.map((problem) => file + ": " + problem) };
}

function shapeProblems(scenario, { text }, crs) {
  const problems = [];
  const wrong = (pattern, values) => problems.push(fill(pattern, values));
  for (const [key, value] of Object.entries(scenario)) {
    if (BEYOND_PAGE.includes(key)) wrong(text.scenario_beyond, { key });
    else if (key in SCENARIO_PARTS) problems.push(...partProblems(key, value, text));
    else if (key === "title" || key === "datum" ? typeof value !== "string" : key === "tariffs" && !isTable(value)) {
      wrong(text.scenario_wrong, { key });
    } else if (!["title", "datum", "tariffs"].includes(key)) wrong(text.scenario_unknown, { key });
  }
  if (!scenario.title) wrong(text.scenario_missing, { key: "title" });
  const datum = scenario.datum ?? "wgs84";
  if (datum !== crs && !DEGREE_DATUMS.includes(datum)) wrong(text.scenario_datum, { datum, known: [...DEGREE_DATUMS, crs].join(", ") });
  return problems;
}

function partProblems(part, entries, text) {
  if (!Array.isArray(entries) || !entries.every(isTable)) return [fill(text.scenario_wrong, { key: part })];
  return entries.flatMap((entry, at) => {
    const where = part + "." + (at + 1) + ".";
    const missing = NEEDED[part].filter((key) => !(key in entry));
    return [
      ...missing.map((key) => fill(text.scenario_missing, { key: where + key })),
      ...Object.entries(entry).flatMap(([key, value]) => {
        if (!(key in SCENARIO_PARTS[part])) return [fill(text.scenario_unknown, { key: where + key })];
        return isOf(SCENARIO_PARTS[part][key], value) ? [] : [fill(text.scenario_wrong, { key: where + key })];
      }),
    ];
  });
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isOf(type, value) {
  if (type === IS_TEXT) return typeof value === "string";
  if (type === IS_PLACES) return Number.isFinite(value) && value >= 0;
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}

// The entries of a well-formed scenario, found on the page.
function placesOfScenario(scenario, { page, crs, toMetres, snap, capM }) {
  const { text, study } = page;
  const { table } = page.facilities;
  const open = [...new Set(study.services.flatMap((service) => service.facilities))];
  const [problems, notes] = [[], []];
  const found = { title: scenario.title, tariffs: scenario.tariffs ?? null, sites: [], closed: new Map(), resized: new Map(), moved: new Map() };
  const positionOf = ([a, b]) => (scenario.datum === crs ? [a, b] : toMetres(a, b).map(wholeMillimetres));
  const onStreet = (where, position) => {
    const [x, y] = positionOf(position);
    if (snap(x, y) !== null) return { x, y };
    notes.push(fill(text.scenario_off_street, { key: where, metres: capM }));
    return null;
  };
  const rowOf = (where, { id, kind }) => {
    const rows = open.filter((row) => table.id[row] === id && (kind === undefined || kindOf(table, row) === kind));
    if (rows.length > 1) problems.push(fill(text.scenario_several, { key: where, id }));
    else if (rows.length === 0) notes.push(fill(text.scenario_elsewhere, { key: where, id }));
    return rows.length === 1 ? rows[0] : null;
  };
  const servicesOf = (kind) => study.services.filter((service) => service.kinds.includes(kind));
  const countsPlaces = (where, kind, capacity) => {
    if (capacity === undefined || servicesOf(kind).some((service) => service.capacity !== null)) return;
    problems.push(fill(text.scenario_no_places, { key: where + ".capacity", kind }));
  };
  const fates = new Set();
  const once = (where, row, part) => {
    if (fates.has(part + row) || (part !== "close" && found.closed.has(row))) problems.push(fill(text.scenario_twice, { key: where, id: table.id[row] }));
    fates.add(part + row);
  };

  (scenario.open ?? []).forEach(({ kind, name = "", at, capacity, cost = null }, number) => {
    const where = "open." + (number + 1);
    if (servicesOf(kind).length === 0) return notes.push(fill(text.scenario_no_service, { key: where, kind }));
    countsPlaces(where, kind, capacity);
    const place = onStreet(where, at);
    if (place !== null) found.sites.push({ ...place, kind, name, capacity: capacity ?? null, cost });
  });
  const changes = { close: found.closed, resize: found.resized, move: found.moved };
  for (const [part, into] of Object.entries(changes)) {
    (scenario[part] ?? []).forEach(({ capacity, to, cost = null, ...named }, number) => {
      const where = part + "." + (number + 1);
      const row = rowOf(where, named);
      if (row === null) return;
      once(where, row, part);
      if (part === "close") into.set(row, { cost });
      if (part === "resize") {
        countsPlaces(where, kindOf(table, row), capacity);
        into.set(row, { capacity, cost });
      }
      const place = part === "move" ? onStreet(where, to) : null;
      if (place !== null) into.set(row, { ...place, cost });
    });
  }
  return { problems, notes, changes: found };
}

function wholeMillimetres(metres) {
  return Math.round(metres * 1000) / 1000;
}
