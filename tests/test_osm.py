"""OpenStreetMap files: which ways are walked, which barriers stop people, and files of every kind, also broken ones."""

from __future__ import annotations

import bz2
import gzip
import tomllib
from collections import Counter
from functools import partial
from importlib import resources

import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal

from osm_document import PATH, TRUNK, components, document, metres, read_document, write_pbf
from withinreach.errors import CrsError, SourceError
from withinreach.sources.osm import read_osm
from withinreach.sources.streets import read_streets
from withinreach.sources.walking_tags import walking_rules
from withinreach.study import NetworkLayer


@pytest.fixture
def osm(tmp_path):
    """Write a document and read the streets of it."""
    return partial(read_document, tmp_path / "streets.osm")


# The table of tags ----------------------------------------------------------------------------------------------

WAYS = [  # tags, walked, the tag that decides
    # made for walkers, and streets
    ({"highway": "footway"}, True, "highway"),
    ({"highway": "steps"}, True, "highway"),
    ({"highway": "pedestrian", "area": "yes"}, True, "highway"),
    ({"highway": "living_street"}, True, "highway"),
    ({"highway": "residential"}, True, "highway"),
    ({"highway": "residential", "sidewalk": "separate"}, True, "highway"),
    ({"highway": "primary", "sidewalk:both": "separate"}, True, "highway"),
    ({"highway": "unclassified"}, True, "highway"),
    ({"highway": "tertiary"}, True, "highway"),
    ({"highway": "primary_link"}, True, "highway"),
    ({"highway": "road"}, True, "highway"),
    ({"highway": "service", "service": "driveway"}, True, "highway"),
    ({"highway": "service", "service": "parking_aisle"}, True, "highway"),
    ({"highway": "track"}, True, "highway"),
    ({"highway": "bridleway"}, True, "highway"),
    ({"highway": "corridor", "indoor": "yes"}, True, "highway"),
    ({"highway": "platform"}, True, "highway"),
    ({"highway": "elevator"}, True, "highway"),
    ({"highway": "path", "bicycle": "designated"}, True, "highway"),
    # cycleways
    ({"highway": "cycleway"}, True, "highway"),
    ({"highway": "cycleway", "foot": "designated"}, True, "foot"),
    ({"highway": "cycleway", "foot": "no"}, False, "foot"),
    ({"highway": "cycleway", "foot": "no", "segregated": "yes"}, False, "foot"),
    ({"highway": "cycleway", "segregated": "no"}, True, "segregated"),
    ({"highway": "cycleway", "footway": "crossing"}, True, "footway"),
    ({"highway": "cycleway", "cycleway": "crossing"}, True, "cycleway"),
    # foot=* and access=*
    ({"highway": "footway", "foot": "no"}, False, "foot"),
    ({"highway": "service", "foot": "private"}, False, "foot"),
    ({"highway": "secondary", "foot": "use_sidepath"}, False, "foot"),
    ({"highway": "footway", "foot": "permissive"}, True, "foot"),
    ({"highway": "service", "access": "private"}, False, "access"),
    ({"highway": "footway", "access": "no"}, False, "access"),
    ({"highway": "service", "access": "private", "foot": "yes"}, True, "foot"),
    ({"highway": "service", "access": "no", "foot": "designated"}, True, "foot"),
    ({"highway": "service", "access": "customers"}, True, "highway"),
    ({"highway": "residential", "access": "destination"}, True, "highway"),
    ({"highway": "residential", "motor_vehicle": "no"}, True, "highway"),
    ({"highway": "track", "access": "forestry"}, False, "access"),
    ({"highway": "path", "foot": "a value nobody documented"}, True, "highway"),
    # built for vehicles
    ({"highway": "motorway"}, False, "highway"),
    ({"highway": "motorway_link"}, False, "highway"),
    ({"highway": "motorway", "foot": "yes"}, True, "foot"),
    ({"highway": "motorway", "access": "yes"}, False, "highway"),
    ({"highway": "trunk"}, False, "highway"),
    ({"highway": "trunk_link"}, False, "highway"),
    ({"highway": "trunk", "foot": "yes"}, True, "foot"),
    ({"highway": "trunk", "sidewalk": "both"}, True, "sidewalk"),
    ({"highway": "trunk", "sidewalk:both": "yes"}, True, "sidewalk:both"),
    ({"highway": "trunk", "sidewalk:left": "yes"}, True, "sidewalk:left"),
    ({"highway": "trunk", "sidewalk:right": "yes"}, True, "sidewalk:right"),
    ({"highway": "trunk", "sidewalk": "separate"}, False, "highway"),
    ({"highway": "trunk", "sidewalk": "no"}, False, "highway"),
    ({"highway": "primary", "motorroad": "yes"}, False, "motorroad"),
    ({"highway": "primary", "motorroad": "yes", "sidewalk": "right"}, True, "sidewalk"),
    ({"highway": "primary", "motorroad": "no"}, True, "highway"),
    ({"highway": "busway"}, False, "highway"),
    ({"highway": "busway", "foot": "yes"}, True, "foot"),
    ({"highway": "raceway"}, False, "highway"),
    # no way on the ground
    ({"highway": "construction", "construction": "footway"}, False, "highway"),
    ({"highway": "construction", "foot": "yes"}, False, "highway"),
    ({"highway": "proposed"}, False, "highway"),
    ({"highway": "abandoned"}, False, "highway"),
    ({"highway": "services", "area": "yes"}, False, "highway"),
    ({"highway": "via_ferrata", "foot": "yes"}, False, "highway"),
    ({"highway": "path", "sac_scale": "alpine_hiking", "foot": "yes"}, False, "sac_scale"),
    ({"highway": "path", "sac_scale": "hiking"}, True, "highway"),
    ({"highway": "track", "disused": "yes"}, False, "disused"),
    ({"highway": "track", "abandoned": "yes"}, False, "abandoned"),
    ({"highway": "a value nobody documented"}, False, "highway"),
]


@pytest.mark.parametrize(("tags", "walked", "decides"), WAYS, ids=lambda v: str(v) if isinstance(v, dict) else None)
def test_which_ways_are_walked(osm, tags, walked, decides):
    streets = osm({1: (0, 0), 2: (0, 50), 3: (0, 90), 4: (0, 99)}, [((1, 2), tags), ((3, 4), PATH)])
    assert (100 in streets.lines["osm_id"].to_numpy()) == walked
    if walked:
        assert streets.left_out.empty
        assert streets.lines.set_index("osm_id").loc[100, "highway"] == tags["highway"]
    else:
        (row,) = streets.left_out.to_dict(orient="records")
        assert (row["kind"], row["osm_id"], row["type"]) == ("way", 100, tags["highway"])
        assert (row["key"], row["value"]) == (decides, tags[decides])


BARRIERS = [  # tags of a node in the middle of a path, people pass
    ({"barrier": "gate"}, True),
    ({"barrier": "gate", "access": "yes"}, True),
    ({"barrier": "gate", "access": "private"}, False),
    ({"barrier": "gate", "access": "no"}, False),
    ({"barrier": "gate", "access": "private", "foot": "yes"}, True),
    ({"barrier": "gate", "access": "yes", "foot": "no"}, False),
    ({"barrier": "gate", "locked": "yes"}, False),
    ({"barrier": "gate", "locked": "no"}, True),
    ({"barrier": "gate", "locked": "yes", "foot": "yes"}, True),
    ({"barrier": "gate", "access": "conditional=yes @ (Mo-Fr 08:00-20:00)"}, True),
    ({"barrier": "lift_gate", "access": "private"}, False),
    ({"barrier": "lift_gate"}, True),
    ({"barrier": "bollard"}, True),
    ({"barrier": "block"}, True),
    ({"barrier": "turnstile"}, True),
    ({"barrier": "kerb"}, True),
    ({"barrier": "yes"}, True),
    ({"barrier": "wall"}, False),
    ({"barrier": "fence"}, False),
    ({"barrier": "fence", "access": "yes"}, True),
    ({"barrier": "fence", "foot": "permissive"}, True),
    ({"highway": "crossing", "access": "private"}, True),  # no barrier
]


@pytest.mark.parametrize(("tags", "passed"), BARRIERS, ids=lambda v: str(v) if isinstance(v, dict) else None)
def test_which_barriers_stop_people(osm, tags, passed):
    streets = osm({1: (0, 0), 2: (60, 0), 3: (100, 0)}, [((1, 2, 3), PATH)], {2: tags})
    assert components(streets) == (1 if passed else 2)
    assert (streets.left_out["kind"] == "barrier").sum() == (0 if passed else 1)


def test_every_rule_decides_one_of_the_cases():
    def deciding(rules, cases):
        table = pd.DataFrame([{key: tags.get(key) for key in rules.keys} for tags in cases], dtype=object)
        verdict = rules.decide(table)
        return set(zip(verdict.key, verdict.value, strict=True))

    ways, barriers = walking_rules()
    for rules, cases in (
        (ways, [tags for tags, *_ in WAYS]),
        (barriers, [tags for tags, _ in BARRIERS if "barrier" in tags]),
    ):
        decided = deciding(rules, cases)
        unused = [rule for rule in rules.rules if not any((rule.key, value) in decided for value in rule.values)]  # noqa: PD011
        assert unused == []


def test_the_table_gives_reasons_and_never_contradicts_itself():
    text = resources.files("withinreach.sources").joinpath("walking_tags.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    for name in ("way", "barrier"):
        tags = Counter((rule["key"], value) for rule in table[name] for value in rule["values"])
        assert [tag for tag, times in tags.items() if times > 1] == []
        assert all(rule["reason"] and rule["wiki"] for rule in table[name])


def test_columns_and_types_are_the_same_whether_something_is_left_out_or_not(osm):
    nodes = {1: (0, 0), 2: (0, 50)}
    steps = osm(nodes, [((1, 2), {"highway": "steps"})])
    both = osm(nodes, [((1, 2), {"highway": "footway", "footway": "crossing"}), ((1, 2), TRUNK)])
    assert steps.lines[["highway", "osm_id", "steps", "crossing"]].to_numpy().tolist() == [["steps", 100, True, False]]
    assert both.lines[["highway", "osm_id", "steps", "crossing"]].to_numpy().tolist() == [["footway", 100, False, True]]
    for name in ("lines", "left_out"):
        pd.testing.assert_series_equal(getattr(steps, name).dtypes, getattr(both, name).dtypes)
        assert getattr(steps, name).crs == "EPSG:4326"


# Files ------------------------------------------------------------------------------------------------------------

NODES = {1: (0, 0), 2: (50, 0), 3: (90, 0)}
PLAIN = document(NODES, [((1, 2), PATH), ((2, 3), PATH)]).encode()
HALF = len(PLAIN) // 2


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("街道.osm", PLAIN),
        ("STREETS.OSM", PLAIN),
        ("x.osm.gz", gzip.compress(PLAIN)),
        ("x.osm.bz2", bz2.compress(PLAIN)),
        ("several-streams.osm.gz", gzip.compress(PLAIN[:HALF]) + gzip.compress(PLAIN[HALF:])),
        ("several-streams.osm.bz2", bz2.compress(PLAIN[:HALF]) + bz2.compress(PLAIN[HALF:])),
        ("ways-first.osm", document(NODES, [((1, 2), PATH), ((2, 3), PATH)], ways_first=True).encode()),
        (
            "not-uploaded.osm",
            document({-1: NODES[1], -2: NODES[2], 3: NODES[3]}, [((-1, -2), PATH), ((-2, 3), PATH)]).encode(),
        ),
    ],
)
def test_files_of_every_kind_give_the_same_streets(tmp_path, name, data):
    path = tmp_path / "目录" / name
    path.parent.mkdir()
    path.write_bytes(data)
    streets = read_osm(path)
    assert metres(streets) == [40, 50]
    assert components(streets) == 1
    assert streets.remarks == ()


def test_files_that_were_joined_give_every_way_and_gate_once(tmp_path):
    gate = {2: {"barrier": "gate", "locked": "yes"}}
    text = document(NODES, [((1, 2), PATH), ((2, 3), PATH), ((1, 3), TRUNK)], gate)
    start, end = text.index("<node"), text.index("</osm>")
    (tmp_path / "x.osm").write_text(text[:start] + text[start:end] * 2 + text[end:], encoding="utf-8")
    streets = read_osm(tmp_path / "x.osm")
    assert streets.lines["osm_id"].tolist() == [100, 101]
    assert streets.left_out["osm_id"].tolist() == [102, 2]


def test_pbf_gives_the_same_streets_as_xml(tmp_path):
    path = tmp_path / "x.osm.pbf"
    write_pbf(path, PLAIN.decode())
    (tmp_path / "x.osm").write_bytes(PLAIN)
    assert_geodataframe_equal(read_osm(path).lines, read_osm(tmp_path / "x.osm").lines)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("text.osm.pbf", b"this is no map at all, only text" * 40, "cannot be read as OpenStreetMap data"),
        ("empty.osm.pbf", b"", "cannot be read as OpenStreetMap data"),
        ("text.osm", b"this is no map", "cannot be read as OpenStreetMap data"),
        ("empty.osm", b"", "cannot be read as OpenStreetMap data"),
        ("page.osm", b"<html><body>Too many requests</body></html>", "Unknown top-level element: html"),
        ("cut.osm", PLAIN[:-30], "cannot be read as OpenStreetMap data"),
        ("plain.osm.gz", PLAIN, "Not a gzipped file"),
        ("cut.osm.gz", gzip.compress(PLAIN)[:-20], "cannot be read as OpenStreetMap data"),
        ("plain.osm.bz2", PLAIN, "cannot be read as OpenStreetMap data"),
        ("cut.osm.bz2", bz2.compress(PLAIN)[:-20], "cannot be read as OpenStreetMap data"),
        ("bad-number.osm", PLAIN.replace(b'lat="', b'lat="north', 1), "wrong format for coordinate"),
        ("nothing.osm", b'<osm version="0.6"/>', "no way that people walk on (no way has highway=*)"),
        (
            "motorways.osm",
            document(NODES, [((1, 2), TRUNK), ((2, 3), {"highway": "path", "foot": "no"}), ((1, 3), TRUNK)]).encode(),
            "no way that people walk on (left out: highway=trunk 2, foot=no 1)",
        ),
        ("no-nodes.osm", document({}, [((1, 2), PATH)]).encode(), "(their nodes are not in the file)"),
    ],
)
def test_broken_files_end_in_one_line_that_names_them(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as error:
        read_osm(path)
    assert len(error.value.problems) == 1
    assert "\n" not in error.value.problems[0]
    assert error.value.problems[0].startswith(f"{path}: ")
    assert says in error.value.problems[0]


def test_a_pbf_cut_short_is_an_error(tmp_path, shared):
    path = tmp_path / "short.osm.pbf"
    path.write_bytes((shared / "helsinki" / "network" / "Helsinki.osm.pbf").read_bytes()[:300_000])
    with pytest.raises(SourceError, match=r"short\.osm\.pbf: cannot be read as OpenStreetMap data: PBF error"):
        read_osm(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read_osm(tmp_path / "x.osm.pbf")


@pytest.mark.parametrize("datum", ["gcj02", "cgcs2000", "EPSG:4547"])
def test_openstreetmap_is_wgs84_and_must_be_declared_so(tmp_path, datum):
    path = tmp_path / "x.osm"
    path.write_bytes(PLAIN)
    with pytest.raises(CrsError, match='declare datum = "wgs84"'):
        read_streets(NetworkLayer(path=path, datum=datum))


@pytest.mark.parametrize("clean", [{}, {"planarise": False, "gap_m": 1}])
def test_openstreetmap_is_not_cleaned(tmp_path, clean):
    """Closing gaps would open the gates, and cutting lines where they cross would join bridges to what is below."""
    path = tmp_path / "x.osm"
    path.write_bytes(PLAIN)
    with pytest.raises(SourceError, match=r"network\.clean would join bridges"):
        read_streets(NetworkLayer(path=path, datum="wgs84", clean=clean))
