"""`withinreach fetch` against a loopback server: what is asked and what is written."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import json
import xml.etree.ElementTree as ET
from importlib.metadata import version
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import osmnx
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from rasterio.transform import from_origin

from osm_server import BASE, SOUTH, WEST, OsmServer
from withinreach.cli import cli
from withinreach.sources import fetch
from withinreach.sources.fetch import elements as elements_module
from withinreach.sources.fetch import place as place_module
from withinreach.study import load_study

if TYPE_CHECKING:
    from pathlib import Path
from fetching import (  # noqa: F401
    ASKED,
    FILES,
    PLACE,
    clock_fixture,
    content,
    fetched_fixture,
    lines_of,
    only_loopback,
    run,
    server_fixture,
    services_fixture,
)

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
