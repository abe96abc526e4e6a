"""`withinreach fetch` against a loopback server: what is asked, what is written, and what happens when servers fail."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
import logging
import re
import socket
import sys
import xml.etree.ElementTree as ET
from email.utils import format_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import osmnx
import pyproj
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from rasterio.transform import from_origin

from osm_server import BASE, SOUTH, WEST, Fault, OsmServer, town_elements, town_places
from withinreach.cli import cli
from withinreach.errors import CoverageError, SourceError
from withinreach.sources import fetch
from withinreach.sources.fetch import client as client_module
from withinreach.sources.fetch import elements as elements_module
from withinreach.sources.fetch import place as place_module
from withinreach.sources.fetch import queries
from withinreach.sources.fetch.answers import Question
from withinreach.sources.fetch.client import Client, Patience, Services, public, retry_after_s
from withinreach.sources.fetch.elements import Elements, read_features, write_osm
from withinreach.sources.fetch.kinds import facility_kinds
from withinreach.sources.fetch.place import Box, Place, locate
from withinreach.sources.fetch.study_file import PROFILES, largest_error_ppm, metric_crs, study_name
from withinreach.study import load_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACE = "新乡市"
FILES = ["boundary.geojson", "facilities.csv", "manifest.json", "streets.osm.gz", "study.toml"]
ASKED = ["search", "levels", "relations", "streets", "facilities"]
# Minutes and requests instead of what depends on the moment.
CLOCK = re.compile(r'"(written_at|fetched_at)": "[^"]*"|127\.0\.0\.1:\d+')


class VirtualTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch) -> None:
    """No request leaves the machine, whatever the environment says about proxies."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    connect = socket.socket.connect

    def guarded(self, address):
        assert address[0] == "127.0.0.1", f"a connection to {address}"
        return connect(self, address)

    def resolved(host, *args, **kwargs):
        assert host == "127.0.0.1", f"a look-up of {host}"
        return getaddrinfo(host, *args, **kwargs)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture
def clock(monkeypatch) -> VirtualTime:
    time = VirtualTime()
    monkeypatch.setattr(client_module, "time", time)
    return time


@pytest.fixture
def server() -> Iterator[OsmServer]:
    running = OsmServer(town_elements(), town_places()).start()
    yield running
    running.stop()


@pytest.fixture
def services(server) -> Services:
    return Services(server.overpass, server.root)


def run(server: OsmServer, folder: Path, *more: str, area: str = PLACE):
    urls = ["--overpass-url", server.overpass, "--nominatim-url", server.root]
    return CliRunner().invoke(cli, ["fetch", area, "-o", str(folder), *urls, *more])


def content(folder: Path) -> dict[str, str]:
    """Every visible file, the moment and the port taken out of the manifest."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            raw = path.read_bytes()
            found[path.name] = CLOCK.sub("", raw.decode()) if path.name == "manifest.json" else raw.hex()
    return found


@pytest.fixture
def fetched(server, clock, tmp_path) -> Path:
    done = run(server, tmp_path / "xinxiang")
    assert done.exit_code == 0, done.output
    server.seen.clear()
    clock.slept.clear()
    return tmp_path / "xinxiang"


# What is written --------------------------------------------------------------------------------------------------


def test_a_place_becomes_a_study(server, clock, tmp_path):
    folder = tmp_path / "xinxiang"
    done = run(server, folder)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(folder / "study.toml")
    assert "新乡市, 河南省, 中国 (relation/100)" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == [".fetch", *FILES]
    assert server.seen == ASKED
    assert {path.suffix for path in (folder / ".fetch").iterdir()} == {".json"}, "staging is gone"


def test_streets_are_all_there_with_tags_of_ways_and_gates(fetched):
    root = ET.fromstring(gzip.decompress((fetched / "streets.osm.gz").read_bytes()))
    ways = {way.get("id"): {t.get("k"): t.get("v") for t in way.iter("tag")} for way in root.iter("way")}
    assert {number: tags["highway"] for number, tags in ways.items()} == {
        "201": "residential",
        "202": "secondary",
        "203": "footway",
        "204": "cycleway",
        "205": "service",
        "206": "motorway",
    }
    assert ways["201"]["sidewalk"] == "separate"
    nodes = {node.get("id"): node for node in root.iter("node")}
    assert float(nodes["31"].get("lon")) == pytest.approx(WEST + 0.005, abs=1e-9)
    assert [tag.get("v") for tag in nodes["35"].iter("tag")] == ["gate", "yes"]
    order = [child.tag for child in root if child.tag != "bounds"]
    assert order == sorted(order, key=["node", "way", "relation"].index), "readers rely on nodes before ways"
    assert set(nodes) == {nd.get("ref") for nd in root.iter("nd")}


def test_streets_can_be_read_by_osmium(fetched):
    osmium = pytest.importorskip("osmium")
    read = osmium.FileProcessor(str(fetched / "streets.osm.gz")).with_locations()
    lines = {o.id: [(n.lon, n.lat) for n in o.nodes] for o in read if o.is_way()}
    assert lines[203] == [pytest.approx((WEST + 0.005, SOUTH + 0.005)), pytest.approx((WEST + 0.005, SOUTH + 0.015))]


def test_boundary_is_the_next_level_without_the_neighbour(fetched):
    units = gpd.read_file(fetched / "boundary.geojson")
    assert units[["code", "name", "osm"]].to_numpy().tolist() == [
        ["410702", "西区", "relation/101"],
        ["R102", "东县", "relation/102"],
    ]
    assert units.crs == "EPSG:4326"
    both = shapely.box(WEST, SOUTH, WEST + 0.04, SOUTH + 0.02)
    assert units.geometry.union_all().symmetric_difference(both).area < 1e-12


def facilities_of(folder: Path) -> list[dict[str, str]]:
    text = (folder / "facilities.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_facilities_by_kind(fetched):
    assert (fetched / "facilities.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows = facilities_of(fetched)
    assert {row["id"]: row["kind"] for row in rows} == {
        "node/301": "hospital",
        "node/302": "clinic",
        "node/303": "elder_care",
        "node/305": "veterans",
        "node/308": "clinic",
        "node/309": "nursery",
        "node/310": "kindergarten",
        "node/311": "sports_ground",
        "node/312": "elder_care",
        "way/401": "nursery",
        "relation/404": "library",
    }
    by_id = {row["id"]: row for row in rows}
    assert by_id["node/301"]["beds"] == "300"
    assert by_id["node/302"]["name"] == ""
    assert by_id["node/308"]["name"] == '\'=HYPERLINK("x")', "no formula in a spreadsheet"
    assert by_id["node/308"]["capacity"] == "", "not a plain number"
    assert by_id["node/309"]["name"] == '大 <小> & "宝" 贝'
    assert by_id["node/309"]["capacity"] == "90"


def test_a_facility_that_is_an_area_lies_inside_it(fetched):
    rows = {row["id"]: row for row in facilities_of(fetched)}

    def at(number: str) -> shapely.Point:
        return shapely.Point(float(rows[number]["lon"]) - WEST, float(rows[number]["lat"]) - SOUTH)

    assert shapely.box(0.008, 0.008, 0.010, 0.010).contains(at("way/401"))
    court = shapely.box(0.0132, 0.0112, 0.0148, 0.0128)
    assert shapely.box(0.012, 0.010, 0.016, 0.014).difference(court).contains(at("relation/404"))


def test_the_study_loads_and_lacks_only_its_population(fetched):
    study = load_study(fetched / "study.toml")
    assert study.name == "xinxiang"
    assert study.title == "新乡市"
    assert (study.language, study.metric_crs, study.as_of) == ("zh", "EPSG:4547", dt.date(2025, 6, 30))
    assert "OpenStreetMap" in study.notice
    assert [path.name for path in study.input_paths() if not path.is_file()] == ["population.tif"]
    assert list(study.services) == [
        "hospital",
        "clinic",
        "nursery",
        "kindergarten",
        "elder_care",
        "veterans",
        "library",
        "sports_ground",
    ]
    assert study.services["elder_care"].profile == "elder"
    text = (fetched / "study.toml").read_text(encoding="utf-8")
    assert "none found: cultural_centre" in text
    done = CliRunner().invoke(cli, ["check", str(fetched / "study.toml")])
    assert done.exit_code == 1
    assert "population.tif: no such file" in done.stderr


def test_the_study_runs_once_people_are_added(fetched, tmp_path):
    pytest.importorskip("osmium")
    with rasterio.open(
        fetched / "population.tif",
        "w",
        driver="GTiff",
        height=20,
        width=40,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=from_origin(WEST, SOUTH + 0.02, 0.001, 0.001),
    ) as grid:
        grid.write(np.full((20, 40), 2, np.float32), 1)
    done = CliRunner().invoke(cli, ["run", str(fetched / "study.toml"), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    hospital = json.loads(done.stdout)["services"]["hospital"]
    assert hospital["total"]["people"] == 1600
    assert 0 < hospital["total"]["served_people"] < 1600
    assert [area["code"] for area in hospital["areas"]] == ["410702", "R102"]


def test_manifest_traces_every_file_and_request(fetched, server):
    manifest = json.loads((fetched / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["area"] == {"asked": PLACE, "title": "新乡市, 河南省, 中国", "osm": "relation/100", "country": "cn"}
    assert manifest["osm_base"] == BASE
    assert manifest["versions"]["osmnx"] == osmnx.__version__
    written = dt.datetime.strptime(manifest["written_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    assert abs(dt.datetime.now(dt.UTC) - written) < dt.timedelta(minutes=10)
    assert [entry["file"] for entry in manifest["files"]] == [name for name in FILES if name != "manifest.json"]
    assert len(manifest["requests"]) == len(ASKED)
    for entry in manifest["files"] + manifest["requests"]:
        raw = (fetched / entry["file"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert manifest["requests"][0]["server"] == f"{server.root}/search"
    assert manifest["requests"][0]["query"]["q"] == PLACE
    assert 'way["highway"]' in manifest["requests"][3]["query"]["data"]
    assert any("cultural_centre" in note for note in manifest["notes"])


def test_servers_see_who_asks_and_keys_stay_secret(server, clock, tmp_path):
    folder = tmp_path / "x"
    with_key = server.overpass.replace("//", "//user:secret@") + "?key=secret"
    done = run(server, folder, "--overpass-url", with_key)
    assert done.exit_code == 0, done.output
    assert {headers["User-Agent"] for headers in server.headers_seen} == {f"withinreach/{version('withinreach')}"}
    for path in folder.rglob("*.json"):
        assert "secret" not in path.read_text(encoding="utf-8")


def test_a_box_becomes_a_study_outside_china(server, clock, tmp_path):
    server.country = "fi"
    done = run(server, tmp_path / "box", area="113.9,35.3,113.94,35.32")
    assert done.exit_code == 0, done.output
    assert server.seen == ["reverse", "streets", "facilities"]
    study = load_study(tmp_path / "box" / "study.toml")
    assert (study.language, study.metric_crs) == ("en", "EPSG:32649")
    units = gpd.read_file(tmp_path / "box" / "boundary.geojson")
    assert units["code"].tolist() == ["box"]


def test_a_box_may_begin_with_a_minus(server, clock, tmp_path):
    done = run(server, tmp_path / "box", area="-1.5,50,-1.4,50.1")
    assert done.exit_code == 1
    assert server.seen == ["reverse", "streets"]
    assert "OpenStreetMap has no street there" in done.stderr


def test_tiles_are_merged(server, clock, fetched, tmp_path, monkeypatch):
    monkeypatch.setattr(place_module, "TILE_DEGREES", 0.02)
    done = run(server, tmp_path / "tiled")
    assert done.exit_code == 0, done.output
    assert server.seen.count("streets") > 6
    for name in ("streets.osm.gz", "boundary.geojson", "facilities.csv"):
        assert (tmp_path / "tiled" / name).read_bytes() == (fetched / name).read_bytes()


def test_progress_tells_as_many_steps_as_it_promised(services, server, clock, tmp_path):
    client = fetch.open_client(PLACE, tmp_path / "x", services=services)
    place = fetch.locate(PLACE, client)
    told: list[str] = []
    result = fetch.download(place, client, tmp_path / "x", progress=told.append)
    assert told == ["boundary", "streets 1/1", "facilities", "files"]
    assert fetch.count_steps(place) == len(told)
    assert (result.streets, result.areas, result.facilities["clinic"]) == (6, 2, 2)


# Reporting units --------------------------------------------------------------------------------------------------


def units_of(server: OsmServer, tmp_path: Path) -> tuple[list[list[str]], list[str]]:
    done = run(server, tmp_path / "x")
    assert done.exit_code == 0, done.output
    units = gpd.read_file(tmp_path / "x" / "boundary.geojson")
    notes = json.loads((tmp_path / "x" / "manifest.json").read_text(encoding="utf-8"))["notes"]
    assert units.geometry.union_all().area == pytest.approx(0.04 * 0.02)
    return units[["code", "name"]].to_numpy().tolist(), notes


def test_what_no_lower_area_covers_is_a_unit_of_its_own(server, clock, tmp_path):
    del server.elements["relation", 102]
    units, notes = units_of(server, tmp_path)
    assert units == [["410700", "新乡市 (rest)"], ["410702", "西区"]]
    assert any("40.0% lies in no mapped area" in note for note in notes)


def test_an_open_boundary_is_told_and_left_to_the_rest(server, clock, tmp_path):
    members = server.elements["relation", 102]["members"]
    server.elements["relation", 102] = server.elements["relation", 102] | {"members": members[:-1]}
    units, notes = units_of(server, tmp_path)
    assert units == [["410700", "新乡市 (rest)"], ["410702", "西区"]]
    assert any("relation/102 (东县): its boundary is not closed" in note for note in notes)


def test_a_place_without_lower_areas_is_one_unit(server, clock, tmp_path):
    for number in (101, 102, 103, 104):
        del server.elements["relation", number]
    units, notes = units_of(server, tmp_path)
    assert units == [["410700", "新乡市"]]
    assert any("one reporting unit" in note for note in notes)


def test_a_place_mapped_mostly_without_lower_areas_is_one_unit(server, clock, tmp_path):
    for number in (101, 102):
        del server.elements["relation", number]
    units, _ = units_of(server, tmp_path)
    assert units == [["410700", "新乡市"]]


def test_codes_are_unique(server, clock, tmp_path):
    server.elements["relation", 102]["tags"]["ref:admin:CN"] = "410702"
    units, _ = units_of(server, tmp_path)
    assert units == [["R101", "西区"], ["R102", "东县"]]


# Failures that pass -----------------------------------------------------------------------------------------------

BUSY = Fault(status=429, headers={"Retry-After": "7"}, body=b"rate limited")
REMARK = json.dumps({"elements": [], "remark": 'runtime error: Query timed out in "query"'}).encode()


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([BUSY], [7]),
        ([Fault(status=504, body=b"<html>gateway</html>")], [5]),
        ([Fault(status=503, body=b"")] * 3, [5, 10, 20]),
        ([Fault(cut=10)], [5]),
        ([Fault(body=b'{"elements": [')], [5]),
        ([Fault(body=b"<html>overloaded</html>")], [5]),
        ([Fault(body=b'{"version": 0.6}')], [5]),
        ([Fault(body=REMARK)], [5]),
        ([Fault(body=b"")], [5]),
        ([Fault(status=504, body=b""), BUSY, Fault(cut=1)], [5, 7, 20]),
    ],
    ids=["429", "504", "503", "truncated", "half JSON", "HTML", "no elements", "remark", "empty", "mixed"],
)
@pytest.mark.parametrize("step", [3, 4], ids=["streets", "facilities"])
def test_a_failure_that_passes_changes_nothing(server, clock, fetched, tmp_path, faults, waits, step):
    server.faults = [Fault()] * step + faults
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    done = run(server, folder)
    assert done.exit_code == 0, done.output
    assert content(folder) == content(fetched)
    assert len(server.seen) == len(ASKED) + len(faults)
    assert [seconds for seconds in clock.slept if seconds > 1] == waits
    assert done.stdout.strip() == str(folder / "study.toml")


def test_nominatim_is_asked_again_too(server, clock, fetched, tmp_path):
    server.faults = [Fault(status=429, body=b""), Fault(body=b'{"error": "busy"}')]
    (tmp_path / "again").mkdir()
    assert run(server, tmp_path / "again" / "xinxiang").exit_code == 0
    assert content(tmp_path / "again" / "xinxiang") == content(fetched)


def test_a_server_that_hangs_is_asked_again(server, services, tmp_path, monkeypatch, caplog):
    slept: list[float] = []
    real = client_module.time.monotonic

    class Quick:
        monotonic = staticmethod(real)
        sleep = staticmethod(slept.append)

    monkeypatch.setattr(client_module, "time", Quick)
    server.faults = [Fault(hang=True)]
    client = Client(tmp_path, services=services, patience=Patience(answer_s=0.2))
    assert len(client.overpass(queries.relations([100]))) > 10
    assert server.seen == ["relations", "relations"]
    assert 5 in slept
    assert "no answer in time; trying again in 5 s (try 2 of 6)" in caplog.text


def test_a_trickle_is_cut_off(server, services, tmp_path, monkeypatch, caplog):
    class Slow(VirtualTime):
        def monotonic(self) -> float:
            self.now += 50
            return self.now

    monkeypatch.setattr(client_module, "time", Slow())
    client = Client(tmp_path, services=services, patience=Patience(answer_s=40, tries=2))
    with pytest.raises(SourceError, match="trickles in too slowly"):
        client.overpass(queries.relations([100]))


def test_requests_are_a_pause_apart(server, clock, tmp_path):
    assert run(server, tmp_path / "x").exit_code == 0
    assert clock.slept == [1.0] * (len(ASKED) - 1)


def test_waits_grow_up_to_a_cap(server, services, clock, tmp_path):
    server.faults = [Fault(status=502, body=b"")] * 8
    client = Client(tmp_path, services=services, patience=Patience(tries=9))
    client.overpass(queries.relations([100]))
    assert [seconds for seconds in clock.slept if seconds > 1] == [5, 10, 20, 40, 80, 120, 120, 120]


def test_retry_after_may_be_a_date_or_nonsense():
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert retry_after_s({"Retry-After": format_datetime(soon, usegmt=True)}) == pytest.approx(90, abs=5)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    assert retry_after_s({"Retry-After": format_datetime(past, usegmt=True)}) == 0
    assert retry_after_s({"Retry-After": "120"}) == 120
    assert retry_after_s({"Retry-After": "soon"}) is None
    assert retry_after_s({}) is None


def test_waiting_is_told(server, clock, tmp_path, caplog):
    server.faults = [Fault()] * 3 + [BUSY]
    assert run(server, tmp_path / "x").exit_code == 0
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage() == (
        f"{server.overpass}/interpreter: status 429 Too Many Requests; trying again in 7 s (try 2 of 6)"
    )


# Failures that stay -----------------------------------------------------------------------------------------------


def lines_of(done) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("error:")]


@pytest.mark.parametrize(
    ("fault", "told", "requests"),
    [
        (Fault(status=504, body=b""), "status 504 Gateway Timeout (try 6 of 6)", 6),
        (Fault(cut=5), "the answer is cut off", 6),
        (Fault(body=REMARK), "runtime error: Query timed out", 6),
        (Fault(status=400, body=b"line 1: parse error"), "refused with status 400 Bad Request", 1),
        (Fault(status=403, body=b""), "refused with status 403 Forbidden", 1),
        (Fault(status=301, headers={"Location": "https://elsewhere.example/api?key=k"}, body=b""), "has moved to", 1),
        (Fault(status=429, headers={"Retry-After": "86400"}, body=b""), "a wait of 86400 s exceeds the time", 1),
    ],
    ids=["504", "cut", "remark", "400", "403", "redirect", "tomorrow"],
)
def test_a_failure_that_stays_is_one_line_and_leaves_only_answers(server, clock, tmp_path, fault, told, requests):
    server.faults = [Fault()] * 3 + [fault] * 20
    folder = tmp_path / "x"
    done = run(server, folder)
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert told in line
    assert "--overpass-url" in line
    assert "key=k" not in line
    assert "Traceback" not in done.output
    assert server.seen == [*ASKED[:3], *["streets"] * requests]
    assert [path.name for path in folder.iterdir()] == [".fetch"]
    assert len(list((folder / ".fetch").iterdir())) == 2 * 3, "three answers with their receipts"


def test_the_time_for_everything_is_limited(server, clock, tmp_path):
    server.faults = [Fault()] * 3 + [Fault(status=504, body=b"")] * 20
    done = run(server, tmp_path / "x", "--max-minutes", "0.5")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "exceeds the time allowed" in line
    assert clock.now - 1000 <= 30


def test_nobody_listens(server, clock, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        done = run(server, tmp_path / "x", "--nominatim-url", f"http://127.0.0.1:{port}")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "the connection failed or broke off (try 6 of 6)" in line
    assert "--nominatim-url" in line
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/api", "overpass", "", "http://[bad"])
def test_an_address_must_be_one(url, tmp_path):
    client = Client(tmp_path, services=Services(overpass=url))
    with pytest.raises(CoverageError, match=r"--overpass-url .*is not an http or https address"):
        client.overpass("[out:json];")


def test_missing_osmnx_is_one_line_before_anything_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "osmnx", None)
    done = run(server, tmp_path / "x")
    assert done.exit_code == 1
    assert lines_of(done) == [
        "error: fetching needs OSMnx, which is not installed: pip install 'withinreach[fetch]'",
    ]
    assert server.seen == []


# Going on where it stopped ----------------------------------------------------------------------------------------


def test_going_on_asks_only_for_what_is_missing(server, clock, fetched, tmp_path):
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    server.faults = [Fault()] * 4 + [Fault(status=400, body=b"")]
    assert run(server, folder).exit_code == 1
    assert server.seen == ASKED
    server.seen.clear()
    done = run(server, folder)
    assert done.exit_code == 0, done.output
    assert server.seen == ["facilities"]
    assert content(folder) == content(fetched)


def test_another_server_can_finish(server, clock, fetched, tmp_path):
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    server.faults = [Fault()] * 4 + [Fault(status=403, body=b"")]
    assert run(server, folder).exit_code == 1
    second = OsmServer(town_elements(), town_places()).start()
    try:
        assert run(second, folder).exit_code == 0
        assert second.seen == ["facilities"]
    finally:
        second.stop()
    assert content(folder) == content(fetched)


def test_a_second_run_asks_nothing_and_fresh_asks_all(server, fetched):
    before = content(fetched)
    assert run(server, fetched).exit_code == 0
    assert server.seen == []
    assert content(fetched) == before
    assert run(server, fetched, "--fresh").exit_code == 0
    assert server.seen == ASKED


@pytest.mark.parametrize("damage", ["body", "cut", "receipt", "no body"])
def test_a_damaged_answer_is_asked_for_again(server, fetched, caplog, damage):
    before = content(fetched)
    key = Question("overpass", "interpreter", {"data": queries.relations([101, 102, 103])}).key
    body, receipt = fetched / ".fetch" / f"{key}.json", fetched / ".fetch" / f"{key}.receipt.json"
    if damage == "body":
        body.write_bytes(body.read_bytes().replace(b"35.3", b"35.4"))
    elif damage == "cut":
        body.write_bytes(body.read_bytes()[:-20])
    elif damage == "receipt":
        receipt.write_text("{", encoding="utf-8")
    else:
        body.unlink()
    done = run(server, fetched)
    assert done.exit_code == 0, done.output
    assert server.seen == ["relations"]
    assert content(fetched) == before
    assert f"{key}.json" in caplog.text
    assert "asking the server again" in caplog.text


def test_a_body_without_receipt_is_a_leftover(server, fetched, caplog):
    key = Question("overpass", "interpreter", {"data": queries.relations([101, 102, 103])}).key
    (fetched / ".fetch" / f"{key}.receipt.json").unlink()
    assert run(server, fetched).exit_code == 0
    assert server.seen == ["relations"]
    assert caplog.text == ""


# The folder -------------------------------------------------------------------------------------------------------


def test_an_edited_study_is_kept(server, fetched):
    study = fetched / "study.toml"
    edited = study.read_text(encoding="utf-8").replace("cutoff_min = 15", "cutoff_min = 10")
    study.write_text(edited, encoding="utf-8")
    (fetched / "population.tif").write_bytes(b"grid")
    for _ in range(2):
        done = run(server, fetched)
        assert done.exit_code == 0, done.output
        assert "has been edited and is kept" in done.stderr
        assert study.read_text(encoding="utf-8") == edited
    listed = [entry["file"] for entry in json.loads((fetched / "manifest.json").read_text(encoding="utf-8"))["files"]]
    assert "study.toml" not in listed, "the manifest vouches only for what was written"
    study.unlink()
    assert run(server, fetched).exit_code == 0
    assert load_study(study).services["clinic"].cutoff_min == 15
    assert (fetched / "population.tif").read_bytes() == b"grid"


def test_a_folder_holds_one_area(server, fetched):
    before = content(fetched)
    done = run(server, fetched, area="郑州市")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "holds '新乡市', not '郑州市'; name another folder" in line
    assert server.seen == []
    assert content(fetched) == before


def test_files_of_others_are_not_touched(server, tmp_path):
    (tmp_path / "study.toml").write_text("mine", encoding="utf-8")
    done = run(server, tmp_path)
    assert done.exit_code == 1
    assert "holds files that are not a download of withinreach" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
    done = run(server, tmp_path / "study.toml")
    assert done.exit_code == 1
    assert "is a file; name a folder" in done.stderr
    assert server.seen == []


def test_files_without_a_manifest_are_replaced_after_an_interruption(server, fetched):
    before = content(fetched)
    (fetched / "manifest.json").unlink()
    (fetched / "boundary.geojson").write_text("half", encoding="utf-8")
    assert run(server, fetched).exit_code == 0
    assert content(fetched) == before


def test_the_manifest_comes_last(server, fetched, tmp_path):
    """A file that cannot be moved leaves a folder without a manifest, not one whose manifest promises too much."""
    (fetched / "streets.osm.gz").unlink()
    (fetched / "streets.osm.gz").mkdir()
    (fetched / "manifest.json").unlink()
    done = run(server, fetched)
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "cannot be written: Is a directory" in line
    assert not (fetched / "manifest.json").exists()
    assert {path.suffix for path in (fetched / ".fetch").iterdir()} == {".json"}


def test_a_folder_that_cannot_be_made_is_one_line(server, clock, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    done = run(server, tmp_path / "file" / "x")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "cannot be written: Not a directory" in line


# Areas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("area", "places", "told"),
    [
        ("Nirgendwo", [], "'Nirgendwo': no such place in OpenStreetMap"),
        ("新乡站", town_places()[:1], "knows it only as a point or a line (新乡站, 中国)"),
        ("113.94,35.3,113.9,35.32", [], "is not a box in degrees; give west,south,east,north"),
        ("35.3,113.9,35.32,113.94", [], "is not a box in degrees"),
        ("170,-10,-170,10", [], "a box across 180° in two parts"),
        ("  ", [], "no area is named"),
        ("70,15,135,55", [], "is too large to ask public servers for"),
        ("100,20,110,45", [], "is too large to ask public servers for"),
    ],
)
def test_an_area_that_cannot_be_fetched_is_one_line(server, clock, tmp_path, area, places, told):
    server.places = places
    done = run(server, tmp_path / "x", area=area)
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert told in line
    assert "streets" not in server.seen


@pytest.mark.parametrize("words", ["1,2,3", "1,2,3,4,5", "Xinxiang, Henan, China, Asia", "35°N,1,2,3"])
def test_anything_but_four_numbers_is_a_name(server, services, clock, tmp_path, words):
    locate(words, Client(tmp_path, services=services))
    assert server.seen == ["search"]


def test_broken_results_are_passed_over(server, services, clock, tmp_path):
    good = town_places()[1]
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    odd = [None, {"geojson": {"type": "Polygon"}}, {"geojson": {"type": "Polygon", "coordinates": [[[0, 0]]]}}]
    server.places = [*odd, {**good, "geojson": bow}]
    place = locate("bow tie", Client(tmp_path, services=services))
    assert shapely.is_valid(place.polygon)
    assert place.polygon.area == pytest.approx(0.5)


def place_at(west: float, south: float, east: float, north: float, country: str = "cn") -> Place:
    return Place("x", "x", shapely.box(west, south, east, north), "", country)


def test_tiles_cover_the_place_and_its_margin_without_the_rest():
    # The second line between tiles lies at 0.434°, within the margin of the arms.
    corner = shapely.Polygon([(0, 0), (2, 0), (2, 0.42), (0.42, 0.42), (0.42, 2), (0, 2)])
    place = Place("L", "L", corner, "", "")
    tiles = place.tiles()
    union = shapely.union_all([shapely.box(*tile) for tile in tiles])
    assert union.covers(corner.buffer(0.017).intersection(shapely.box(*place.extent)))
    assert len(tiles) == 9 * 9 - 6 * 6
    assert sum(shapely.box(*tile).area for tile in tiles) == pytest.approx(union.area), "no overlap"
    assert all(tile.east - tile.west <= 0.25 and tile.north - tile.south <= 0.25 for tile in tiles)


@pytest.mark.parametrize("lat", [0, 35, -60, 89.99])
def test_the_margin_is_two_kilometres(lat):
    extent = place_at(10, lat - 0.005, 10.01, lat + 0.005).extent
    geod = pyproj.Geod(ellps="WGS84")
    assert geod.inv(10, lat, extent.west, lat)[2] == pytest.approx(2000, rel=0.02) or lat == 89.99
    assert geod.inv(10, lat + 0.005, 10, extent.north)[2] == pytest.approx(2000, rel=0.02) or lat == 89.99
    assert Box(-180, -90, 180, 90) == Box(-179.99, -89.99, 179.99, 89.99).wider(5000)


def test_boxes_are_told_to_overpass_south_first():
    assert Box(113.9, 35.3, 113.94, 35.32).overpass() == "35.30000,113.90000,35.32000,113.94000"


# Metric CRS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meridian", range(75, 136, 3))
def test_the_chinese_zone_is_that_of_the_nearest_meridian(meridian):
    crs = pyproj.CRS(metric_crs(place_at(meridian - 0.4, 30, meridian + 0.6, 31)))
    assert crs.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {meridian}E"
    assert {axis.unit_name for axis in crs.axis_info} == {"metre"}
    parameters = {p["name"]: p["value"] for p in crs.to_json_dict()["conversion"]["parameters"]}
    assert parameters["Longitude of natural origin"] == meridian
    assert parameters["False easting"] == 500_000


def test_zones_end_at_the_border():
    assert metric_crs(place_at(73.5, 39, 73.6, 40)) == "EPSG:4534"
    assert metric_crs(place_at(134.9, 48, 135.08, 48.4)) == "EPSG:4554"


def test_elsewhere_it_is_utm():
    assert metric_crs(place_at(24.9, 60.1, 25.0, 60.2, "fi")) == "EPSG:32635"
    assert metric_crs(place_at(-43.3, -23.0, -43.2, -22.9, "br")) == "EPSG:32723"


def test_the_length_error_is_that_of_the_projection():
    """Transverse Mercator: scale 1 + x²/2R² at x metres from the meridian; 1.5° at 35° N are 137 km, 231 ppm."""
    assert largest_error_ppm("EPSG:4547", place_at(113.9, 35, 114.1, 35.1)) < 2
    assert largest_error_ppm("EPSG:4547", place_at(112.5, 35, 115.5, 35.01)) == pytest.approx(231, rel=0.02)


@pytest.mark.parametrize(("text", "name"), [("a b", "a-b"), ("新乡", "osm"), ("..x", "x"), ("", "osm"), ("Å", "osm")])
def test_study_names(text, name):
    assert study_name(text) == name


# The table of kinds -----------------------------------------------------------------------------------------------


def test_the_table_is_complete_and_its_kinds_can_be_reached():
    kinds = facility_kinds()
    for kind in kinds.kinds:
        assert kind.zh
        assert kind.en
        assert kind.reason
        assert kind.wiki
        assert kind.profile in PROFILES
        for first, *_ in kind.blocks:
            assert first.values, f"{kind.name}: a block must begin with a tag"
            assert first.pattern is None
            assert not first.negated
        assert any(
            kinds.kind_of({c.key: c.values[0] for c in block if not c.negated and c.pattern is None}) == kind.name
            for block in kind.blocks
        ) or kind.name in ("veterans",)
    assert len({kind.name for kind in kinds.kinds}) == len(kinds.kinds)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "hospital", "healthcare": "clinic"}, "hospital"),
        ({"healthcare": "centre"}, "clinic"),
        ({"healthcare": "laboratory"}, ""),
        ({"amenity": "dentist"}, ""),
        ({"amenity": "childcare"}, "nursery"),
        ({"amenity": "childcare", "nursery": "no"}, ""),
        ({"amenity": "childcare", "after_school": "only"}, ""),
        ({"amenity": "kindergarten", "name": "小星星托育中心"}, "nursery"),
        ({"amenity": "kindergarten", "name": "Crèche des Lilas"}, "nursery"),
        ({"amenity": "kindergarten", "access": "private"}, ""),
        ({"amenity": "social_facility", "social_facility": "group_home"}, ""),
        ({"amenity": "social_facility", "social_facility": "day_care", "social_facility:for": "senior"}, "elder_care"),
        ({"amenity": "social_facility", "social_facility": "nursing_home"}, "elder_care"),
        (
            {"amenity": "social_facility", "social_facility": "nursing_home", "social_facility:for": "disabled"},
            "",
        ),
        ({"amenity": "social_facility", "name": "社区日间照料中心"}, "elder_care"),
        ({"amenity": "townhall", "name": "County Veterans Office"}, "veterans"),
        ({"amenity": "townhall", "name": "Town hall"}, ""),
        ({"amenity": "arts_centre"}, "cultural_centre"),
        ({"leisure": "pitch", "access": "no"}, ""),
        ({"leisure": "stadium"}, "sports_ground"),
        ({}, ""),
    ],
)
def test_which_kind_an_object_is(tags, kind):
    assert facility_kinds().kind_of(tags) == kind


# Overpass elements ------------------------------------------------------------------------------------------------


def test_incomplete_elements_are_passed_over(tmp_path):
    elements = Elements()
    elements.add(
        [
            {"type": "area", "id": 1},
            {"type": "node", "id": 1, "tags": {"amenity": "clinic"}},
            {"type": "node", "lat": 1, "lon": 1},
            {"type": "way", "id": 2, "tags": {"highway": "path"}},
            {"type": "relation", "id": 3, "tags": {"type": "boundary"}},
        ]
    )
    assert list(elements) == []
    assert read_features(elements, tmp_path).empty
    assert list(read_features(elements, tmp_path).columns) == ["element", "id", "tags", "geometry"]


def test_a_way_without_its_nodes_has_no_geometry(tmp_path):
    elements = Elements()
    elements.add([{"type": "way", "id": 2, "nodes": [8, 9], "tags": {"amenity": "clinic"}}])
    assert read_features(elements, tmp_path).empty
    assert list(tmp_path.iterdir()) == []


def test_control_characters_do_not_break_the_file(tmp_path):
    tags = {"name": "a\x00\x0b<&>\"'\n\ud800z", "k\t": "v"}
    elements = Elements()
    elements.add([{"type": "node", "id": 1, "lat": 1e-7, "lon": -1e-5, "tags": tags}])
    write_osm(elements, tmp_path / "x.osm")
    (node,) = ET.parse(tmp_path / "x.osm").getroot()
    assert (node.get("lat"), node.get("lon")) == ("0.0000001", "-0.0000100")
    assert {tag.get("k"): tag.get("v") for tag in node} == {"name": "a<&>\"'\nz", "k\t": "v"}


def test_osmnx_settings_are_put_back(fetched, server, monkeypatch):
    before = {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")}
    seen = []
    inner = osmnx.features_from_xml

    def watched(path):
        seen.append(osmnx.settings.use_cache)
        return inner(path)

    monkeypatch.setattr(osmnx, "features_from_xml", watched)
    assert run(server, fetched, "--fresh").exit_code == 0
    assert seen == [False, False]
    assert {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")} == before

    def failing(path):
        raise RuntimeError("within the block")

    monkeypatch.setattr(osmnx, "features_from_xml", failing)
    with pytest.raises(RuntimeError, match="within the block"):
        read_features(town(), fetched)
    assert {k: v for k, v in vars(osmnx.settings).items() if not k.startswith("__")} == before
    assert before["use_cache"] is True
    assert not (fetched / "features.osm").exists()


def town() -> Elements:
    elements = Elements()
    elements.add(town_elements())
    return elements


def test_secrets_are_taken_out_of_addresses():
    assert (
        public("https://me:pw@example.org:8080/api/interpreter?key=1#x") == "https://example.org:8080/api/interpreter"
    )
    assert public("http://[bad") == "(not an address)"


@pytest.mark.parametrize(
    "base", ["https://x.example/api", "https://x.example/api/", "https://x.example/api/interpreter"]
)
def test_the_base_address_may_end_as_people_write_it(base):
    question = Question("overpass", "interpreter", {})
    assert Services(overpass=f"{base}?key=1").url(question) == "https://x.example/api/interpreter?key=1"


def test_the_same_question_has_the_same_key_whatever_the_order():
    one = Question("nominatim", "search", {"q": "新乡", "limit": "1"})
    other = Question("nominatim", "search", {"limit": "1", "q": "新乡"})
    assert one.key == other.key
    assert one.key != Question("nominatim", "reverse", {"limit": "1", "q": "新乡"}).key


# A real city ------------------------------------------------------------------------------------------------------

HELSINKI = (24.938, 60.166, 24.946, 60.171)


@pytest.fixture(scope="module")
def helsinki(shared) -> list[dict]:
    """Elements of the centre of Helsinki from an extract, as Overpass would give them."""
    osmium = pytest.importorskip("osmium")
    path = shared / "helsinki" / "network" / "Helsinki.osm.pbf"
    if not path.is_file():
        pytest.skip("the extract of Helsinki is not here")
    found = []
    for o in osmium.FileProcessor(str(path)):
        tags = {"tags": dict(o.tags)} if len(o.tags) else {}
        if o.is_node():
            found.append({"type": "node", "id": o.id, "lat": o.location.lat, "lon": o.location.lon, **tags})
        elif o.is_way():
            found.append({"type": "way", "id": o.id, "nodes": [n.ref for n in o.nodes], **tags})
        elif o.is_relation():
            kinds = {"n": "node", "w": "way", "r": "relation"}
            members = [{"type": kinds[m.type], "ref": m.ref, "role": m.role} for m in o.members]
            found.append({"type": "relation", "id": o.id, "members": members, **tags})
    return found


def test_helsinki(helsinki, clock, tmp_path):
    server = OsmServer(helsinki, [], country="fi").start()
    try:
        done = run(server, tmp_path / "hel", area=",".join(str(side) for side in HELSINKI))
    finally:
        server.stop()
    assert done.exit_code == 0, done.output
    study = load_study(tmp_path / "hel" / "study.toml")
    assert (study.metric_crs, study.language) == ("EPSG:32635", "en")
    nodes = {e["id"] for e in helsinki if e["type"] == "node"}
    ways = {
        e["id"] for e in helsinki if e["type"] == "way" and "highway" in e.get("tags", {}) and nodes & {*e["nodes"]}
    }
    root = ET.fromstring(gzip.decompress((tmp_path / "hel" / "streets.osm.gz").read_bytes()))
    got = {int(way.get("id")) for way in root.iter("way") if any(t.get("k") == "highway" for t in way.iter("tag"))}
    assert got == ways, "the extract lies within the margin, so all of its streets come"
    rows = facilities_of(tmp_path / "hel")
    amenities = {
        f"{e['type']}/{e['id']}" for e in helsinki if e.get("tags", {}).get("amenity") in ("clinic", "doctors")
    }
    assert amenities <= {row["id"] for row in rows if row["kind"] == "clinic"}
    assert len(amenities) == 6
    assert elements_module.need_osmnx() is osmnx
