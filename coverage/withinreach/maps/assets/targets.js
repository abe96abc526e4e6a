// Targets of the plan, by where they stand: first those that are not met. Written when somebody opens them.

const TARGET_STATES = ["not_met", "not_computable", "met", "measured", "not_applicable"];
const TARGET_SIGNS = { not_met: "✗", not_computable: "?", met: "✓", measured: "=", not_applicable: "–" };
const SENSES = { at_least: "≥", more_than: ">", at_most: "≤" };

function makeTargets(page) {
  const { registers, rows } = readJson("targets");
  const root = element("details", { class: "block targets", attributes: { id: "wr-goals" } });
  root.hidden = registers.length === 0;
  const summary = element("summary");
  const body = element("div");
  root.append(summary, body);
  const write = () => {
    const sum = (state) => page.format.number(registers.reduce((all, { counts }) => all + counts[state], 0), 0);
    const counts = fill(page.text.targets_counts, { met: sum("met"), not_met: sum("not_met"), not_computable: sum("not_computable") });
    summary.replaceChildren(element("span", { text: page.text.targets }), element("span", { class: "summary-note", text: counts }));
    body.replaceChildren(...(root.open ? registers.flatMap((register) => registerParts(page, register, rows)) : []));
  };
  root.addEventListener("toggle", write);
  page.words.inWords(write);
  return root;
}

function registerParts(page, register, rows) {
  const { text, words } = page;
  const own = rows.filter((row) => row.register === register.id);
  return [
    element("h3", { class: "register", text: register.title[words.language] }),
    element("p", { class: "note", text: fill(text.targets_source, { source: register.source }) }),
    ...TARGET_STATES.map((state) => stateGroup(page, state, own.filter((row) => row.state === state))).filter((group) => group !== null),
  ];
}

function stateGroup(page, state, rows) {
  if (rows.length === 0) return null;
  const { text, format } = page;
  const sign = element("span", { class: "target-sign " + state, text: TARGET_SIGNS[state], attributes: { "aria-hidden": "true" } });
  const head = element("summary", {}, sign, element("span", { text: text["target_" + state] + " (" + format.number(rows.length, 0) + ")" }));
  const list = element("ul", { class: "target-list" });
  const group = element("details", { class: "target-group", attributes: { "data-state": state } }, head, list);
  const write = () => {
    if (group.open && list.childElementCount === 0) list.append(...rows.map((row) => targetRow(page, row)));
  };
  group.addEventListener("toggle", write);
  group.open = state === "not_met";
  return group;
}

function targetRow(page, row) {
  const { text, words } = page;
  const clause = row.clause ? fill(text.target_clause, { clause: row.clause }) : "";
  const head = [row.target, clause, row.title || ""].filter((part) => part !== "").join(" · ");
  const own = words.language === "zh" ? row.words : row.gloss || row.words;
  const judged = row.state === "met" || row.state === "not_met";
  const chart = judged && row.value !== undefined && row.target_value !== undefined ? bulletChart(row.value, row.target_value, row.state === "met") : null;
  return element(
    "li",
    {},
    element("p", { class: "target-head", text: head }),
    element("p", { class: "target-words", text: own }),
    element("p", { class: "target-figures" }, chart, element("span", { text: targetFigures(page, row).join(" · ") })),
    ...targetRemarks(page, row).map((remark) => element("p", { class: "note", text: remark }))
  );
}

function targetFigures(page, row) {
  const { text } = page;
  const amount = (value) => targetAmount(page, value);
  const told = [];
  if (row.value !== undefined) {
    const wide = row.low !== undefined && row.high !== undefined && row.high - row.low > 1e-9;
    const value = wide ? fill(text.target_bounds, { value: amount(row.value), low: amount(row.low), high: amount(row.high) }) : amount(row.value);
    told.push(page.format.withUnit(value, row.unit || ""));
  }
  if (row.target_value !== undefined) told.push(fill(text.target_asked, { sense: SENSES[row.sense], value: page.format.withUnit(amount(row.target_value), row.unit || "") }));
  if (row.stretch_value !== undefined) told.push(fill(text.target_hoped, { value: amount(row.stretch_value) }));
  const gap = (key, pattern) => row[key] > 0 && told.push(fill(pattern, { value: page.format.withUnit(amount(row[key]), row.gap_unit || "") }));
  gap("gap", text.target_gap);
  gap("gap_of_units", text.target_gap_units);
  gap("by_converting", text.target_by_converting);
  gap("by_adding", text.target_by_adding);
  return told;
}

function targetAmount({ format }, value) {
  return Math.abs(value) >= 1000 ? format.number(value, 0) : format.number(value, Number.isInteger(value) ? 0 : 2);
}

function targetRemarks({ text }, row) {
  return [
    row.basis === "imported" ? text.target_imported : "",
    row.judged ? "" : text.target_unjudged,
    row.reason || "",
    row.missing ? fill(text.target_missing, { missing: row.missing }) : "",
    row.caveat || "",
  ].filter((remark) => remark !== "");
}
