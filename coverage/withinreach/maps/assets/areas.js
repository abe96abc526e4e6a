// Areas: filled by class of coverage, outlined, named, and sensitive to the pointer.

const HATCH = "url(#wr-hatch)";

function areaPolygons(arrays, count) {
  const polygons = Array.from({ length: count }, () => []);
  let at = 0;
  arrays.count.forEach((length, part) => {
    const ring = [];
    for (let i = at; i < at + length; i++) ring.push([arrays.lat[i] / 1e5, arrays.lon[i] / 1e5]);
    at += length;
    const polygon = polygons[arrays.owner[part]];
    if (arrays.kind[part] === PART_SHELL) polygon.push([ring]);
    else if (polygon.length > 0) polygon[polygon.length - 1].push(ring);
  });
  return polygons;
}

function makeAreas(map, arrays, study, actions) {
  const shapes = areaPolygons(arrays, study.areas.length);
  const fillStyle = { renderer: L.svg({ pane: "wr-fills", padding: 0.2 }), stroke: false, fillOpacity: 1 };
  const borderStyle = { renderer: L.svg({ pane: "wr-borders", padding: 0.2 }), interactive: false, fill: false, ...PLAIN_BORDER };
  const fills = shapes.map((shape) => L.polygon(shape, fillStyle));
  const borders = shapes.map((shape) => L.polygon(shape, borderStyle));
  fills.forEach((fill, row) => {
    fill.on({ mouseover: () => actions.hoverArea(row), mouseout: () => actions.hoverArea(null) });
    fill.addTo(map);
  });
  borders.forEach((border) => border.addTo(map));
  return { fills, borders, outlined: [], overBaseMap: false, boundsOf: (row) => fills[row].getBounds() };
}

// Over a base map the colours let it shine through.
const OVER_BASE_MAP = 0.55;

function fillAreas(areas, classes, visible) {
  const opacity = visible ? (areas.overBaseMap ? OVER_BASE_MAP : 1) : 0;
  areas.fills.forEach((fill, row) => {
    const found = classes[row];
    fill.setStyle({ fillColor: found < 0 ? HATCH : COVERAGE_COLOURS[found], fillOpacity: opacity });
  });
}

const PLAIN_BORDER = { color: "#ffffff", weight: 1.3, opacity: 0.95 };
const STRONG_BORDER = { color: "#0d1b2a", weight: 2.4, opacity: 1 };

function outlineAreas(areas, selected, hovered) {
  for (const row of areas.outlined) areas.borders[row].setStyle(PLAIN_BORDER);
  areas.outlined = [...new Set([selected, hovered])].filter((row) => row !== null);
  for (const row of areas.outlined) areas.borders[row].setStyle(STRONG_BORDER).bringToFront();
}

// Names stand where they have room: larger areas first, none over another, none in an area too small for it.
function makeNames(map, study, areas) {
  const names = study.areas.map((area, row) => {
    const name = element("span", { class: "area-name", text: area.name });
    const share = element("span", { class: "area-share" });
    const label = element("div", { class: "area-label" }, name, share);
    const icon = L.divIcon({ className: "area-anchor", html: label, iconSize: [0, 0] });
    L.marker(area.label, { icon, pane: "wr-names", interactive: false, keyboard: false }).addTo(map);
    return { row, label, share, anchor: L.latLng(area.label) };
  });
  const place = () => placeNames(map, names, areas);
  map.on("zoomend resize", place);
  return {
    place,
    write: (texts) => {
      names.forEach(({ row, share }) => (share.textContent = texts[row]));
      place();
    },
  };
}

const ROOM = 1.15;

function placeNames(map, names, areas) {
  const taken = [];
  const measured = names.map((name) => {
    name.label.classList.remove("hidden", "short");
    const box = areas.boundsOf(name.row);
    const northWest = map.latLngToLayerPoint(box.getNorthWest());
    const southEast = map.latLngToLayerPoint(box.getSouthEast());
    return { ...name, room: southEast.subtract(northWest), at: map.latLngToLayerPoint(name.anchor) };
  });
  measured.sort((one, other) => other.room.x * other.room.y - one.room.x * one.room.y);
  for (const name of measured) {
    if (!claim(name, taken)) {
      name.label.classList.add("short");
      if (!claim(name, taken)) name.label.classList.add("hidden");
    }
  }
}

function claim({ label, room, at }, taken) {
  const width = label.offsetWidth;
  const height = label.offsetHeight;
  if (width > room.x * ROOM || height > room.y * ROOM) return false;
  const box = [at.x - width / 2, at.y - height / 2, at.x + width / 2, at.y + height / 2];
  const free = taken.every((other) => box[0] > other[2] || box[2] < other[0] || box[1] > other[3] || box[3] < other[1]);
  if (free) taken.push(box);
  return free;
}
