// Circle against walk: the straight circles that a plan draws around facilities, and who lives in them but cannot walk.

const CIRCLE = "#22303c";
const CIRCLE_DASH = [5, 4];

function paintOutline(context, x, y, radius) {
  context.strokeStyle = CIRCLE;
  context.lineWidth = 1.3;
  context.setLineDash(CIRCLE_DASH);
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
}

// Together one light ground, so that overlapping circles stay legible, and each with its outline.
function paintCircles(facilities, current) {
  return (context, view) => {
    const service = current();
    const radius = service.limitM / view.metresPerPixel;
    const inView = service.facilities
      .map((row) => [facilities.x[row] * view.scale + view.dx, facilities.y[row] * view.scale + view.dy])
      .filter(([x, y]) => x > -radius && y > -radius && x < view.width + radius && y < view.height + radius);
    context.beginPath();
    for (const [x, y] of inView) {
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.fillStyle = "rgba(34, 48, 60, 0.08)";
    context.fill();
    for (const [x, y] of inView) paintOutline(context, x, y, radius);
  };
}

// Both shares, one under the other, and whom the circle promises too much.
function circleFigures({ text, format }, service, figures) {
  const missed = figures.circle_people - figures.served_people;
  const bar = (name, share, kind) => {
    const done = element("span", { class: "meter-done " + kind });
    done.style.width = (share === null ? 0 : share * 100) + "%";
    return element(
      "li",
      {},
      element("span", { text: name }),
      element("div", { class: "meter", attributes: { "aria-hidden": "true" } }, done),
      element("strong", { text: format.percent(share), attributes: { "data-figure": kind } })
    );
  };
  const told = fill(text.circle_missed, { people: format.fewPeople(missed), share: format.percent(figures.served_of_circle) });
  return [
    element("h3", { text: text.circle_title }),
    element(
      "ul",
      { class: "circle-lines" },
      bar(fill(text.circle_share, { metres: format.metres(service.limitM) }), figures.circle_coverage, "circle_coverage"),
      bar(text.circle_walk, figures.coverage, "circle_walk")
    ),
    element("p", { class: "note", text: figures.circle_people > 0 ? told : text.circle_nobody }),
  ];
}
