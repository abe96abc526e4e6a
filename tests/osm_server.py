"""A loopback server that answers the questions of `withinreach fetch` from a document in memory, and a small document.

It understands the handful of query forms that `withinreach.sources.fetch.queries` writes, so that a wrong box, key or
regular expression shows as a missing element. Faults are served before answers, in the order in which they are queued.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import traceback
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BASE = "2025-06-30T12:00:00Z"
NUMBER = r"-?\d+\.?\d*"
BOX = rf"\(({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})\)"


@dataclass
class Fault:
    """What the server does instead of answering one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # None: the true answer
    cut: int = 0  # bytes of the answer that are announced but not sent
    hang: bool = False


class OsmServer(ThreadingHTTPServer):
    """Overpass below /api, Nominatim at the root."""

    daemon_threads = True

    def __init__(self, elements: list[dict], places: list[dict], country: str = "cn"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.elements = {(e["type"], e["id"]): e for e in elements}
        self.places = places
        self.country = country
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self.headers_seen: list[dict[str, str]] = []
        self.defects: list[str] = []
        self.released = threading.Event()
        self.root = f"http://127.0.0.1:{self.server_port}"
        self.overpass = f"{self.root}/api"

    def start(self) -> OsmServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def stop(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        assert self.defects == [], self.defects[0]

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is part of the tests; anything else is a defect of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            self.defects.append(traceback.format_exc())

    # Answers ------------------------------------------------------------------------------------------------

    def answer(self, path: str, form: dict[str, str]) -> tuple[str, object]:
        """Kind of the question, and the document that answers it."""
        if path == "/search":
            return "search", self.places
        if path == "/reverse":
            return "reverse", {"address": {"country_code": self.country}}
        assert path == "/api/interpreter", path
        query = form["data"]
        assert query.startswith("[out:json][timeout:"), query
        kind, found = self.overpass_elements(query)
        about = {"timestamp_osm_base": BASE, "copyright": "ODbL"}
        return kind, {"version": 0.6, "osm3s": about, "elements": found}

    def overpass_elements(self, query: str) -> tuple[str, list[dict]]:
        if 'way["highway"]' in query:
            wanted = self.touching(re.search(rf'way\["highway"\]{BOX}', query).groups(), ("way",), "highway", "")
            wanted |= self.touching(re.search(rf'multipolygon"\]{BOX}', query).groups(), ("relation",), "highway", "")
            return "streets", self.with_parts(wanted)
        if "nwr[" in query:
            wanted = set()
            for key, pattern, *box in re.findall(rf'nwr\["([^"]+)"~"([^"]+)"\]{BOX}', query):
                wanted |= self.touching(box, ("node", "way", "relation"), key, pattern)
            return "facilities", self.with_parts(wanted)
        if "map_to_area" in query:
            place = int(re.search(r"rel\((\d+)\)", query)[1])
            admin = [e for (kind, _), e in self.elements.items() if kind == "relation" and "admin_level" in e["tags"]]
            own = [e for e in admin if e["id"] == place]
            return "levels", [{k: e[k] for k in ("type", "id", "tags")} for e in own + admin]
        numbers = re.search(r"rel\(id:([\d,]+)\)", query)[1]
        return "relations", self.with_parts({("relation", int(number)) for number in numbers.split(",")})

    def touching(self, box, kinds, key: str, pattern: str) -> set[tuple[str, int]]:
        south, west, north, east = (float(side) for side in box)
        return {
            name
            for name, e in self.elements.items()
            if name[0] in kinds
            and re.search(pattern, e.get("tags", {}).get(key, "\0"))
            and key in e.get("tags", {})
            and any(south <= n["lat"] <= north and west <= n["lon"] <= east for n in self.nodes_of(name))
        }

    def nodes_of(self, name: tuple[str, int]) -> list[dict]:
        return [self.elements[part] for part in self.parts({name}) if part[0] == "node"]

    def parts(self, names: set[tuple[str, int]]) -> set[tuple[str, int]]:
        found = set(names)
        for kind in ("relation", "way"):
            for name in [n for n in found if n[0] == kind and n in self.elements]:
                e = self.elements[name]
                found |= {("node", n) for n in e.get("nodes", ())}
                found |= {(m["type"], m["ref"]) for m in e.get("members", ())}
        return {name for name in found if name in self.elements}

    def with_parts(self, names: set[tuple[str, int]]) -> list[dict]:
        order = {"node": 0, "way": 1, "relation": 2}
        return [self.elements[n] for n in sorted(self.parts(names), key=lambda name: (order[name[0]], name[1]))]


class Handler(BaseHTTPRequestHandler):
    server: OsmServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.respond(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.respond(urlsplit(self.path).path, {key: values[0] for key, values in parse_qs(body).items()})

    def respond(self, path: str, form: dict[str, str]) -> None:
        server = self.server
        kind, document = server.answer(path, form)
        server.seen.append(kind)
        server.headers_seen.append(dict(self.headers))
        fault = server.faults.pop(0) if server.faults else Fault()
        if fault.hang:
            server.released.wait(10)
            return
        body = json.dumps(document).encode() if fault.body is None else fault.body
        self.send_response(fault.status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - fault.cut])

    def log_message(self, *args) -> None:
        """Quiet."""


# A prefecture of two counties beside a neighbour, 0.04° x 0.02°, west of 114° E in China:
#
#   1 --- 2 --- 3 --- 4     north, 35.32       relation 101: nodes 1 2 5 6   (code 410702)
#   |     |     |     |                        relation 102: nodes 2 3 7 5   (no code)
#   6 --- 5 --- 7 --- 8     south, 35.30       relation 103: nodes 3 4 8 7   the neighbour
#
WEST, SOUTH = 113.90, 35.30
CORNERS = {1: (0, 0.02), 2: (0.024, 0.02), 3: (0.04, 0.02), 4: (0.06, 0.02), 5: (0.024, 0), 6: (0, 0), 7: (0.04, 0)}
CORNERS[8] = (0.06, 0)
BORDERS = {11: [1, 2], 12: [2, 5], 13: [5, 6, 1], 14: [2, 3], 15: [3, 7], 16: [7, 5], 17: [3, 4, 8, 7]}
UNITS = {
    100: ([11, 13, 14, 15, 16], {"name": "新乡市", "admin_level": "5", "ref:admin:CN": "410700"}),
    101: ([11, 12, 13], {"name": "西区", "admin_level": "6", "ref:admin:CN": "410702"}),
    102: ([14, 15, 16, 12], {"name": "东县", "admin_level": "6"}),
    103: ([15, 17], {"name": "邻县", "admin_level": "6", "ref:admin:CN": "410782"}),
    104: ([11, 12, 13], {"name": "某街道", "admin_level": "8"}),
}
# Rows of a ladder: streets from west to east at three latitudes, joined by a footway and a cycleway.
STREETS = {
    201: ([31, 32, 33], {"highway": "residential", "name": "甲路", "sidewalk": "separate"}),
    202: ([34, 35, 36], {"highway": "secondary"}),
    203: ([31, 34], {"highway": "footway"}),
    204: ([33, 36], {"highway": "cycleway"}),
    205: ([32, 35], {"highway": "service", "access": "private"}),
    206: ([36, 37], {"highway": "motorway"}),
}
STREET_NODES = {31: (0.005, 0.005), 32: (0.02, 0.005), 33: (0.035, 0.005), 34: (0.005, 0.015), 35: (0.02, 0.015)}
STREET_NODES |= {36: (0.035, 0.015), 37: (0.059, 0.015)}
POINTS = {
    301: (0.010, 0.006, {"amenity": "hospital", "name": "中心医院", "beds": "300", "healthcare": "hospital"}),
    302: (0.012, 0.006, {"amenity": "doctors"}),
    303: (0.014, 0.006, {"amenity": "social_facility", "social_facility": "nursing_home", "name": "夕阳红养老院"}),
    304: (0.016, 0.006, {"amenity": "social_facility", "social_facility:for": "child", "name": "儿童福利院"}),
    305: (0.018, 0.006, {"office": "government", "name": "新乡市退役军人服务站"}),
    306: (0.020, 0.006, {"office": "government", "name": "税务局"}),
    307: (0.022, 0.006, {"amenity": "clinic", "disused": "yes", "name": "旧诊所"}),
    308: (
        0.024,
        0.006,
        {"amenity": "clinic", "name": '=HYPERLINK("x")', "id": "7", "geometry": "x", "capacity": "约30"},
    ),
    309: (0.026, 0.006, {"amenity": "kindergarten", "nursery": "yes", "name": '大 <小> & "宝"\n贝', "capacity": "90"}),
    310: (0.028, 0.006, {"amenity": "kindergarten", "name": "第一幼儿园"}),
    311: (0.059, 0.006, {"leisure": "fitness_station; pitch"}),
    312: (0.030, 0.006, {"amenity": "social_facility", "social_facility:for": "disabled;senior"}),
}
# Two buildings: a nursery as a closed way, a library as a ring around a court.
RINGS = {41: (0.008, 0.008, 0.002), 51: (0.012, 0.010, 0.004), 61: (0.0132, 0.0112, 0.0016)}


def town_elements() -> list[dict]:
    """The prefecture as Overpass elements, every field as the server gives it."""
    elements: list[dict] = []

    def node(number: int, x: float, y: float, **more: object) -> None:
        elements.append({"type": "node", "id": number, "lat": round(SOUTH + y, 7), "lon": round(WEST + x, 7), **more})

    def way(number: int, nodes: list[int], tags: dict[str, str]) -> None:
        elements.append({"type": "way", "id": number, "nodes": nodes, **({"tags": tags} if tags else {})})

    for number, (x, y) in (CORNERS | STREET_NODES).items():
        tags = {"tags": {"barrier": "gate", "locked": "yes"}} if number == 35 else {}
        node(number, x, y, **tags)
    for number, (x, y, tags) in POINTS.items():
        node(number, x, y, tags=tags)
    for first, (x, y, side) in RINGS.items():
        for step, (dx, dy) in enumerate([(0, 0), (side, 0), (side, side), (0, side)]):
            node(first + step, x + dx, y + dy)
    for number, nodes in BORDERS.items():
        way(number, nodes, {})
    for number, (nodes, tags) in STREETS.items():
        way(number, nodes, tags)
    way(401, [41, 42, 43, 44, 41], {"amenity": "childcare", "building": "yes", "name": "小太阳托育园"})
    way(402, [51, 52, 53, 54, 51], {})
    way(403, [61, 62, 63, 64, 61], {})
    rings = [{"type": "way", "ref": 402, "role": "outer"}, {"type": "way", "ref": 403, "role": "inner"}]
    library = {"type": "multipolygon", "amenity": "library", "name": "图书馆"}
    elements.append({"type": "relation", "id": 404, "members": rings, "tags": library})
    for number, (ways, tags) in UNITS.items():
        members = [{"type": "way", "ref": ref, "role": "outer"} for ref in ways]
        about = {"type": "boundary", "boundary": "administrative", **tags}
        elements.append({"type": "relation", "id": number, "members": members, "tags": about})
    return elements


def town_places() -> list[dict]:
    """What Nominatim finds for the prefecture: first a station, which is a point, then the polygon."""
    ring = [[WEST, SOUTH], [WEST + 0.04, SOUTH], [WEST + 0.04, SOUTH + 0.02], [WEST, SOUTH + 0.02], [WEST, SOUTH]]
    return [
        {
            "osm_type": "node",
            "osm_id": 9,
            "display_name": "新乡站, 中国",
            "geojson": {"type": "Point", "coordinates": [WEST, SOUTH]},
        },
        {
            "osm_type": "relation",
            "osm_id": 100,
            "display_name": "新乡市, 河南省, 中国",
            "address": {"country_code": "cn"},
            "geojson": {"type": "Polygon", "coordinates": [ring]},
        },
    ]
