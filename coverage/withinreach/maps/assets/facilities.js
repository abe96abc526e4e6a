// Facilities of the selected service: circles, larger with capacity, hollow where the capacity is unknown.

const SMALL_PX = 3.4;
const LARGE_PX = 8.5;

function makeFacilities(table, origin) {
  const { x, y } = worldPositions(table.lon, table.lat, 1, origin);
  return { table, x, y };
}

// Radius by the square root of capacity, so that area shows size; half of it where a whole prefecture is in view.
function facilityRadius(capacity, largest, zoom) {
  const share = capacity === null || !largest ? 0.25 : Math.sqrt(capacity / largest);
  const closeness = Math.min(1.25, Math.max(0.42, 0.55 + (zoom - 9.25) * 0.12));
  return (SMALL_PX + (LARGE_PX - SMALL_PX) * share) * closeness;
}

function capacitiesOf(table, service) {
  return service.capacity === null ? null : table["capacity_" + service.capacity];
}

function largestCapacity(table, service) {
  const capacities = capacitiesOf(table, service);
  if (capacities === null) return 0;
  return service.facilities.reduce((largest, row) => Math.max(largest, capacities[row] || 0), 0);
}

function paintFacilities({ facilities, filter }, current) {
  return (context, view) => {
    const service = current();
    const idle = new Set(service.idle);
    const capacities = capacitiesOf(facilities.table, service);
    const largest = largestCapacity(facilities.table, service);
    for (const row of filter.rows(service)) {
      const x = facilities.x[row] * view.scale + view.dx;
      const y = facilities.y[row] * view.scale + view.dy;
      if (x < -LARGE_PX || y < -LARGE_PX || x > view.width + LARGE_PX || y > view.height + LARGE_PX) continue;
      if (idle.has(row)) {
        paintCross(context, x, y, SMALL_PX);
        continue;
      }
      const capacity = capacities === null ? null : capacities[row];
      const radius = facilityRadius(capacity, largest, view.zoom);
      paintCircle(context, x, y, radius, capacities !== null && capacity === null);
    }
  };
}

function paintCircle(context, x, y, radius, hollow) {
  context.beginPath();
  context.arc(x, y, radius + 1.2, 0, 2 * Math.PI);
  context.fillStyle = "#ffffff";
  context.fill();
  context.beginPath();
  context.arc(x, y, hollow ? radius - 0.5 : radius, 0, 2 * Math.PI);
  if (hollow) {
    context.lineWidth = 1.4;
    context.strokeStyle = FACILITY;
    context.stroke();
  } else {
    context.fillStyle = FACILITY;
    context.fill();
  }
}

// Facilities that serve nobody.
function paintCross(context, x, y, half) {
  for (const [width, colour] of [[4, "#ffffff"], [1.8, FACILITY]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.beginPath();
    context.moveTo(x - half, y - half);
    context.lineTo(x + half, y + half);
    context.moveTo(x + half, y - half);
    context.lineTo(x - half, y + half);
    context.stroke();
  }
}

// Of some rows the facility under a position (relative to the origin), the nearest if several overlap, or -1.
function facilityAt(facilities, position, scale, rows, reachPx) {
  let best = -1;
  let bestDistance = reachPx / scale;
  for (const row of rows) {
    const distance = Math.hypot(facilities.x[row] - position.x, facilities.y[row] - position.y);
    if (distance <= bestDistance) {
      best = row;
      bestDistance = distance;
    }
  }
  return best;
}

function facilityCard(page, service, row) {
  const { table } = page.facilities;
  const { text, format } = page;
  const capacities = capacitiesOf(table, service);
  const area = table.area[row] < 0 ? text.outside : page.study.areas[table.area[row]].name;
  const lines = [];
  if (capacities !== null) {
    const capacity = format.withUnit(format.number(capacities[row], 0), text.unit_places);
    lines.push([service.capacityTitle || text.capacity, capacity]);
  }
  const open = service.facilities.indexOf(row);
  if (open >= 0) lines.push([text.load, loadOf(page, service, page.loads[service.name][open], capacities && capacities[row])]);
  lines.push([text.area, area]);
  for (const { name, of } of table.filters) {
    if (of[row] !== UNKNOWN) lines.push([text["filter_" + name], valueName(page, name, of[row])]);
  }
  lines.push([text.id, table.id[row]]);
  return element(
    "div",
    { class: "card-popup" },
    element("p", { class: "card-kind", text: service.title }),
    element("h3", { text: table.name[row] }),
    definitions(lines)
  );
}

// People who walk here, and how many of them there are for each place.
function loadOf(page, service, people, capacity) {
  const { text, format } = page;
  const told = [format.fewPeople(people)];
  if (capacity) {
    const each = format.withUnit(format.number(people / capacity, 1), text.unit_people);
    told.push(fill(text.site_per_place, { capacity: service.capacityTitle || text.capacity, people: each }));
  }
  return told.join(" · ");
}

function definitions(lines) {
  const list = element("dl", { class: "facts" });
  for (const [term, value] of lines) {
    list.append(element("dt", {}, term), element("dd", { text: value }));
  }
  return list;
}
