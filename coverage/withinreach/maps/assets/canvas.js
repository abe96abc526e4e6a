// A canvas over the whole view, drawn anew after every move. One canvas instead of tiles: nothing is cut at tile
// edges, and lines stay crisp at every fraction of a zoom step.

const EARTH_CIRCUMFERENCE_M = 40075016.686;

function worldX(lon) {
  return lon / 360 + 0.5;
}

function worldY(lat) {
  const angle = (lat * Math.PI) / 180;
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + angle / 2)) / (2 * Math.PI);
}

function latLngOfWorld(x, y, origin) {
  const lat = (2 * Math.atan(Math.exp((0.5 - (y + origin.y)) * 2 * Math.PI)) - Math.PI / 2) * (180 / Math.PI);
  return [lat, (x + origin.x - 0.5) * 360];
}

// Positions in Web Mercator, relative to an origin: Float32 then resolves 2 cm across a prefecture.
function worldPositions(lon, lat, steps, origin) {
  const count = lon.length;
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    x[i] = worldX(lon[i] / steps) - origin.x;
    y[i] = worldY(lat[i] / steps) - origin.y;
  }
  return { x, y };
}

// Parts of lines and rings, each with the box around it.
function worldParts(arrays, steps, origin) {
  const { x, y } = worldPositions(arrays.lon, arrays.lat, steps, origin);
  const count = arrays.count.length;
  const start = new Uint32Array(count + 1);
  const box = new Float32Array(4 * count);
  for (let part = 0; part < count; part++) {
    const from = start[part];
    const to = (start[part + 1] = from + arrays.count[part]);
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = from; i < to; i++) {
      west = Math.min(west, x[i]);
      east = Math.max(east, x[i]);
      north = Math.min(north, y[i]);
      south = Math.max(south, y[i]);
    }
    box.set([west, north, east, south], 4 * part);
  }
  return { x, y, start, box, count };
}

// Where a position lies on the canvas: x * scale + dx, y * scale + dy.
function makeView(map, origin, topLeft, size) {
  const zoom = map.getZoom();
  const scale = 256 * 2 ** zoom;
  const dx = origin.x * scale - topLeft.x;
  const dy = origin.y * scale - topLeft.y;
  const metresPerPixel = (EARTH_CIRCUMFERENCE_M * Math.cos((map.getCenter().lat * Math.PI) / 180)) / scale;
  return {
    zoom,
    scale,
    dx,
    dy,
    topLeft,
    metresPerPixel,
    width: size.x,
    height: size.y,
    west: -dx / scale,
    east: (size.x - dx) / scale,
    north: -dy / scale,
    south: (size.y - dy) / scale,
  };
}

function inView(box, part, view) {
  const at = 4 * part;
  return (
    box[at] <= view.east && box[at + 2] >= view.west && box[at + 1] <= view.south && box[at + 3] >= view.north
  );
}

// A power of two: Chromium prints a canvas as vectors, and one of three times its size at 21/64 instead of 1/3.
const PRINT_RATIO = 2;

function printing() {
  return document.documentElement.classList.contains("printing");
}

const CanvasLayer = L.Layer.extend({
  initialize(origin, paint, options) {
    this._origin = origin;
    this._paint = paint;
    L.setOptions(this, options);
  },

  onAdd() {
    this._canvas = L.DomUtil.create("canvas", "wr-canvas leaflet-zoom-animated", this.getPane());
    this._canvas.setAttribute("aria-hidden", "true");
    this.redraw();
  },

  onRemove() {
    this._canvas.remove();
  },

  getEvents() {
    return { moveend: this.redraw, resize: this.redraw, zoom: this._keepUp, zoomanim: this._animate };
  },

  redraw() {
    const map = this._map;
    if (!map) return this;
    const ratio = printing() ? PRINT_RATIO : window.devicePixelRatio || 1;
    // Drawn beyond the edges, so that dragging shows no blank border before the next drawing.
    const margin = map.getSize().multiplyBy(printing() ? 0 : 0.2).round();
    const size = map.getSize().add(margin.multiplyBy(2));
    const corner = map.containerPointToLayerPoint(margin.multiplyBy(-1)).round();
    this._canvas.width = Math.round(size.x * ratio);
    this._canvas.height = Math.round(size.y * ratio);
    this._canvas.style.width = size.x + "px";
    this._canvas.style.height = size.y + "px";
    L.DomUtil.setPosition(this._canvas, corner);
    this._view = makeView(map, this._origin, map.getPixelOrigin().add(corner), size);
    const context = this._canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this._paint(context, this._view);
    return this;
  },

  _keepUp() {
    this._place(this._map.getZoom(), this._map.getPixelOrigin());
  },

  // Leaflet animates towards a centre and zoom that the map does not have yet.
  _animate({ center, zoom }) {
    const map = this._map;
    const pane = L.DomUtil.getPosition(map.getPane("mapPane"));
    const corner = map.project(center, zoom).subtract(map.getSize().divideBy(2)).add(pane).round();
    this._place(zoom, corner);
  },

  _place(zoom, pixelOrigin) {
    const scale = this._map.getZoomScale(zoom, this._view.zoom);
    L.DomUtil.setTransform(this._canvas, this._view.topLeft.multiplyBy(scale).subtract(pixelOrigin), scale);
  },
});
