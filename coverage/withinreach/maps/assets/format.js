// Values -> text. Rounding happens here and nowhere else.

const MISSING = "—";
const LARGE = 10000;

function fill(pattern, values) {
  return pattern.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// Formats in the language that the words have at that time.
function makeFormat({ text }) {
  const made = new Map();
  const written = (value, least, most) => {
    const key = text.tag + least + most;
    if (!made.has(key)) {
      made.set(key, new Intl.NumberFormat(text.tag, { minimumFractionDigits: least, maximumFractionDigits: most }));
    }
    return made.get(key).format(value);
  };
  const known = (value, write) => (value === null || value === undefined ? MISSING : write(value));

  const number = (value, digits) => known(value, (v) => written(v, digits, digits));
  const withUnit = (value, unit) => (value === MISSING || unit === "" ? value : value + (unit === "%" ? "" : " ") + unit);
  const usesLarge = (largest) => text.unit_people_large !== text.unit_people && largest >= LARGE;

  return {
    number,
    withUnit,
    plain: (value) => known(value, (v) => written(v, 0, 3)),
    // Whole places that close a gap; what a division leaves behind the comma is not to ask for one more.
    needed: (gap) => known(gap, (v) => number(Math.max(0, Math.ceil(v - 1e-6)), 0)),
    percent: (share) => known(share, (v) => number(v * 100, 1) + "%"),
    // Chinese readers count people in 万人; one unit per service keeps a column comparable.
    people: (value, largest) =>
      usesLarge(largest) ? number(value === null ? null : value / LARGE, 2) : number(value, 0),
    peopleUnit: (largest) => (usesLarge(largest) ? text.unit_people_large : text.unit_people),
    fewPeople: (value) => withUnit(number(value, value < 100 ? 1 : 0), text.unit_people),
    metres: (value) =>
      value < LARGE
        ? withUnit(number(value, 0), text.unit_metres)
        : withUnit(number(value / 1000, 1), text.unit_kilometres),
    // Away from the limit, so that 15.0 minutes never stands beside "too far".
    minutes: (value, served) => {
      const tenths = (served ? Math.floor : Math.ceil)(Number((value * 10).toFixed(6))) / 10;
      return withUnit(number(tenths, 1), text.unit_minutes);
    },
    date: (iso) => new Intl.DateTimeFormat(text.tag, { dateStyle: "long", timeZone: "UTC" }).format(new Date(iso)),
  };
}

function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  if (options.text !== undefined) made.textContent = options.text;
  for (const [name, value] of Object.entries(options.attributes || {})) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function swatch(colour, extra = "") {
  const made = element("span", { class: ("swatch " + extra).trim(), attributes: { "aria-hidden": "true" } });
  if (colour) made.style.background = colour;
  return made;
}
