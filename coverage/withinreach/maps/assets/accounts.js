// The ledger behind a click: people of the service's group at every step, from the raw files to where they stand.

const ALWAYS_TOLD = ["read", "in_areas"];

function makeAccounts(page) {
  const root = element("details", { class: "block accounts", attributes: { id: "wr-accounts" } });
  const summary = element("summary");
  const body = element("div");
  root.append(summary, body);
  let shown = null;
  const write = () => {
    summary.textContent = page.text.accounts;
    if (shown !== null) body.replaceChildren(...(root.open ? accountLines(page, shown.service, shown.row) : []));
  };
  root.addEventListener("toggle", write);
  return {
    root,
    update(service, row) {
      shown = { service, row };
      write();
    },
  };
}

function accountLines(page, service, row) {
  const { text, format, study } = page;
  const { steps, groups } = study.accounts;
  const own = groups[service.people];
  const prepared = row === null ? own.total : own.areas[row];
  const people = row === null ? service.ledger.total : service.ledger.areas[row];
  const lines = [
    ...steps.map((step, at) => ({ name: text["step_" + step], value: prepared[at], key: step })),
    ...study.statuses.map((status, at) => ({ name: text["status_" + status], value: people[at], key: status, of: true })),
  ].filter(({ key, value, of }) => value !== null && (value !== 0 || ALWAYS_TOLD.includes(key) || (of && !key.endsWith("_estimate"))));
  const body = lines.map(({ name, value, key, of }) =>
    element("tr", { class: of ? "of" : "", attributes: { "data-step": key } }, element("th", { text: name, attributes: { scope: "row" } }), element("td", { text: format.number(value, 1) }))
  );
  return [
    element("p", { class: "note", text: text.accounts_hint + " · " + service.group + " · " + text.unit_people }),
    element("table", { class: "ledger" }, element("caption", { class: "sr", text: text.accounts }), element("tbody", {}, ...body)),
  ];
}
