// Values -> text. Rounding happens here and nowhere else.

const MISSING = "—";
const LARGE = 10000;

function fill(pattern, values) {
  return pattern.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

function makeFormat(language, text) {
  const tag = language === "zh" ? "zh-CN" : "en";
  const numbers = [0, 1, 2].map(
    (digits) => new Intl.NumberFormat(tag, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  );
  const plain = new Intl.NumberFormat(tag, { maximumFractionDigits: 3 });
  const known = (value, write) => (value === null || value === undefined ? MISSING : write(value));

  const number = (value, digits) => known(value, (v) => numbers[digits].format(v));
  const withUnit = (value, unit) => (value === MISSING || unit === "" ? value : value + " " + unit);
  const usesLarge = (largest) => language === "zh" && largest >= LARGE;

  return {
    number,
    withUnit,
    plain: (value) => known(value, (v) => plain.format(v)),
    percent: (share) => known(share, (v) => numbers[1].format(v * 100) + "%"),
    // Chinese readers count people in 万人; one unit per service keeps a column comparable.
    people: (value, largest) =>
      usesLarge(largest) ? number(value === null ? null : value / LARGE, 2) : number(value, 0),
    peopleUnit: (largest) => (usesLarge(largest) ? text.unit_people_large : text.unit_people),
    fewPeople: (value) => withUnit(number(value, value < 100 ? 1 : 0), text.unit_people),
    metres: (value) =>
      value < LARGE
        ? withUnit(numbers[0].format(value), text.unit_metres)
        : withUnit(numbers[1].format(value / 1000), text.unit_kilometres),
    // Away from the limit, so that 15.0 minutes never stands beside "too far".
    minutes: (value, served) => {
      const tenths = (served ? Math.floor : Math.ceil)(Number((value * 10).toFixed(6))) / 10;
      return withUnit(numbers[1].format(tenths), text.unit_minutes);
    },
    date: (iso) => {
      const [year, month, day] = iso.split("-").map(Number);
      return language === "zh" ? `${year}年${month}月${day}日` : iso;
    },
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
