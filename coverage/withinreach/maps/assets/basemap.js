// The online base map, on pages whose study allows one. Nothing is fetched before the reader switches it on.

const KEY_PLACE = "withinreach-tianditu-key";
const TIANDITU = "https://t{s}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={key}";
const OSM = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";

function makeBaseMap(page, onSwitch) {
  const { study, text, words, map } = page;
  if (study.baseMap === "none") return null;
  const box = element("input", { attributes: { type: "checkbox", id: "wr-base-map" } });
  const title = element("span");
  const credit = element("p", { class: "base-credit" });
  const root = element("div", { class: "legend-group base-map" }, element("label", { class: "legend-head" }, box, title));
  const key = study.baseMap === "tianditu" ? makeKeyField(page) : null;
  if (key !== null) root.append(key.root);
  let layers = [];
  const show = () => {
    for (const layer of layers) layer.remove();
    layers = box.checked ? baseLayers(study.baseMap, key === null ? "" : key.value()) : [];
    for (const layer of layers) layer.addTo(map);
    credit.hidden = layers.length === 0;
    onSwitch(layers.length > 0);
  };
  box.addEventListener("change", show);
  if (key !== null) key.onChange(show);
  words.inWords(() => {
    const name = study.baseMap === "osm" ? text.base_osm : text.base_tianditu;
    title.textContent = text.base_map + " · " + name;
    credit.textContent = study.baseMap === "osm" ? "© OpenStreetMap contributors" : "© " + name;
  });
  credit.hidden = true;
  document.getElementById("wr-view").append(credit);
  return root;
}

function baseLayers(base, key) {
  if (base === "osm") return [L.tileLayer(OSM, { maxZoom: 19 })];
  if (key === "") return [];
  return ["vec", "cva"].map((layer) => L.tileLayer(TIANDITU, { subdomains: "01234567", maxZoom: 18, layer, key: encodeURIComponent(key) }));
}

// The reader's own key: in this browser's storage, never in the page as a file.
function makeKeyField({ text, words }) {
  const input = element("input", { class: "base-key", attributes: { type: "text", id: "wr-base-key", autocomplete: "off", spellcheck: "false" } });
  const hint = element("p", { class: "legend-limit" });
  input.value = storedKey();
  words.inWords(() => {
    input.setAttribute("aria-label", text.base_key);
    input.placeholder = text.base_key;
    hint.textContent = text.base_key_hint;
  });
  return {
    root: element("div", {}, input, hint),
    value: () => input.value.trim(),
    onChange(act) {
      input.addEventListener("change", () => {
        storeKey(input.value.trim());
        act();
      });
    },
  };
}

// Some browsers keep no storage for files; the key is then typed anew.
function storedKey() {
  try {
    return window.localStorage.getItem(KEY_PLACE) || "";
  } catch {
    return "";
  }
}

function storeKey(key) {
  try {
    window.localStorage.setItem(KEY_PLACE, key);
  } catch {
    return;
  }
}
