// Small charts of the panel, as SVG that is built element by element. Each stands beside its figures in words.

const SVG = "http://www.w3.org/2000/svg";
const WALKS = { width: 380, height: 112, top: 16, foot: 18, gap: 3 };

function drawn(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

// People by the minutes that they walk: bars, and the same as a table for whoever does not see them.
function walksChart(page, service, row) {
  const { text, format } = page;
  const { ends, areas, total } = service.walks;
  const people = row === null ? total : areas[row];
  const largest = service.total.people;
  const names = [
    ...ends.map((end) => fill(text.walks_up_to, { minutes: format.plain(end) })),
    fill(text.walks_over, { minutes: format.plain(ends[ends.length - 1]) }),
    text.walks_none,
  ];
  // Bars without people at the end say nothing, but "no way" among others does.
  const told = people.map((value) => format.people(value, largest));
  const unit = format.peopleUnit(largest);
  return [
    element("h3", { text: text.walks }),
    element("p", { class: "note", text: fill(text.walks_hint, { minutes: format.plain(service.minutes) }) + " · " + unit }),
    walksBars(people, names, told, ends.filter((end) => end <= service.minutes).length),
    twinTable(text.walks, [text.walks_minutes, text.people + " " + unit], names.map((name, at) => [name, told[at]])),
  ];
}

function walksBars(people, names, told, covered) {
  const { width, height, top, foot, gap } = WALKS;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "walks", "aria-hidden": "true" });
  const step = width / people.length;
  const most = Math.max(...people, 1e-9);
  people.forEach((value, at) => {
    const tall = (value / most) * (height - top - foot);
    const middle = (at + 0.5) * step;
    svg.append(
      drawn("rect", { x: at * step + gap, y: height - foot - tall, width: step - 2 * gap, height: tall, class: at < covered ? "walk-in" : "walk-out" }),
      drawn("text", { x: middle, y: height - foot - tall - 4, class: "walk-value" }, value > 0 ? told[at] : ""),
      drawn("text", { x: middle, y: height - 5, class: "walk-name" }, names[at])
    );
  });
  svg.append(drawn("line", { x1: 0, x2: width, y1: height - foot, y2: height - foot, class: "walk-base" }));
  svg.append(drawn("line", { x1: covered * step, x2: covered * step, y1: 2, y2: height - foot, class: "walk-limit" }));
  return svg;
}

function twinTable(caption, heads, rows) {
  const row = (cells, tag) => element("tr", {}, ...cells.map((cell, at) => element(at === 0 ? "th" : tag, { text: cell, attributes: at === 0 || tag === "th" ? { scope: tag === "th" ? "col" : "row" } : {} })));
  return element("table", { class: "sr" }, element("caption", { text: caption }), element("thead", {}, row(heads, "th")), element("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
}

// A value against what is asked for: a bar with a mark; the words beside it tell both.
const BULLET = { width: 120, height: 10 };

function bulletChart(value, asked, met) {
  const { width, height } = BULLET;
  const most = 1.15 * Math.max(Math.abs(value), Math.abs(asked), 1e-9);
  const at = (amount) => (Math.max(0, amount) / most) * width;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, class: "bullet", "aria-hidden": "true" });
  svg.append(
    drawn("rect", { x: 0, y: 2, width, height: height - 4, class: "bullet-ground" }),
    drawn("rect", { x: 0, y: 2, width: at(value), height: height - 4, class: met ? "bullet-met" : "bullet-missed" }),
    drawn("rect", { x: at(asked) - 1, y: 0, width: 2, height, class: "bullet-asked" })
  );
  return svg;
}
