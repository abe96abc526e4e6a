"""Walled compounds without a gate: rings of OpenStreetMap, a study's own polygons, and who is inside."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

import withinreach as wr
from conftest import EAST as TOWN_EAST
from conftest import NODES as TOWN_NODES
from conftest import NORTH as TOWN_NORTH
from conftest import STREETS as TOWN_STREETS
from osm_document import EAST, NORTH, document
from withinreach.sources.osm_walls import read_walls

# Around the cell at (300, 450), where 5 people live in a field:
#
#   14----------13    y = 550
#   |            |
#   |     5      |    x = 200 … 400
#   |            |
#   11----------12    y = 350
#
CORNERS = {11: (200, 350), 12: (400, 350), 13: (400, 550), 14: (200, 550)}
# On the wall, inside, in the street below, where the wall could be crossed, close to the wall
SPOTS = {15: (300, 350), 16: (300, 400), 17: (300, 300), 18: (300, 340), 19: (300, 600), 20: (250, 400)}
RING = (11, 15, 12, 13, 14, 11)
FENCE = {"barrier": "fence"}
LANE = {"highway": "service"}


def town_of_openstreetmap(town, ways, node_tags=None, relations=(), corners=None):
    """The town's streets and more ways as an OpenStreetMap file; found in it about compounds."""
    ids = {name: i + 1 for i, name in enumerate(TOWN_NODES)}
    drawn = {ids[name]: position for name, position in TOWN_NODES.items()} | CORNERS | SPOTS | (corners or {})
    nodes = {i: (TOWN_EAST + x - EAST, TOWN_NORTH + y - NORTH) for i, (x, y) in drawn.items()}
    streets = [((ids[a], ids[b]), {"highway": "residential"}) for a, b in TOWN_STREETS]
    text = document(nodes, [*ways, *streets], node_tags, relations)
    (town.parent / "streets.osm").write_text(text, encoding="utf-8")
    study = town.read_text(encoding="utf-8")
    study = study.replace('"streets.geojson"\ndatum = "EPSG:4547"', '"streets.osm"\ndatum = "wgs84"')
    town.write_text(study, encoding="utf-8")
    return compounds_in(wr.prepare(wr.load_study(town)))


def compounds_in(case):
    found = case.audit.findings
    return found[found["rule"] == "compound_shut"]["reason"].tolist()


def shut(name="way 100", people=5.0, facilities=0):
    wall = f"no street crosses or touches the wall of compound {name} and no gate in it is open"
    return [f"{wall}; inside are {people:.1f} people and {facilities} facilities"]


CASES = {
    "a fence all around": ([(RING, FENCE)], {}, shut()),
    "two walls that meet": ([((11, 12, 13), {"barrier": "wall"}), ((13, 14, 11), FENCE)], {}, shut()),
    "walls that go on": ([((11, 12, 13, 19), FENCE), ((13, 14, 11, 17), FENCE)], {}, shut()),
    "a gap": ([((11, 15), FENCE), ((12, 13, 14, 11), FENCE)], {}, []),
    "a gate drawn as a way": ([((15, 12, 13, 14, 11), FENCE), ((11, 15), {"barrier": "gate"})], {}, []),
    "no wall": ([(RING, {"landuse": "residential", "name": "某小区"})], {}, []),
    "a kerb": ([(RING, {"barrier": "kerb"})], {}, []),
    "a named compound": (
        [(RING, {"landuse": "residential", "barrier": "wall", "name": "某小区"})],
        {},
        shut("某小区"),
    ),
    "a pitch": ([(RING, FENCE | {"leisure": "pitch"})], {}, []),
    "a factory": ([(RING, FENCE | {"landuse": "industrial"})], {}, []),
    "an open gate": ([(RING, FENCE)], {15: {"barrier": "gate"}}, []),
    "a locked gate": ([(RING, FENCE)], {15: {"barrier": "gate", "locked": "yes"}}, shut()),
    "a gate for residents": ([(RING, FENCE)], {15: {"barrier": "gate", "access": "private"}}, shut()),
    "a gate elsewhere": ([(RING, FENCE)], {16: {"barrier": "gate"}}, shut()),
    "an entrance": ([(RING, FENCE)], {15: {"entrance": "yes"}}, []),
    "an entrance that is private": ([(RING, FENCE)], {15: {"entrance": "yes", "access": "private"}}, shut()),
    "a street through the gate": ([(RING, FENCE), ((17, 15, 16), LANE)], {15: {"barrier": "gate"}}, []),
    "a street to the wall": ([(RING, FENCE), ((17, 15), LANE)], {}, []),
    "a street across the wall": ([(RING, FENCE), ((17, 16), LANE)], {}, []),
    "a street up to ten metres from it": ([(RING, FENCE), ((17, 18), LANE)], {}, shut()),
    "a street inside alone": ([(RING, FENCE), ((16, 20), LANE)], {}, shut()),
    "a street that nobody walks on": ([(RING, FENCE), ((17, 16), {"highway": "motorway"})], {}, shut()),
    "a street with a closed gate": (
        [(RING, FENCE), ((17, 15, 16), LANE)],
        {15: {"barrier": "gate", "access": "private"}},
        shut(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_encloses_people_and_what_lets_them_out(town, case):
    ways, node_tags, want = CASES[case]
    assert town_of_openstreetmap(town, ways, node_tags) == want


def test_a_walled_area_of_several_ways(town):
    """A multipolygon carries the tags; the school yard inside is no wall."""
    ways = [((11, 12, 13), {}), ((13, 14, 11), {}), ((16, 20, 18, 16), {})]
    area = (
        [(100, "outer"), (101, "outer"), (102, "inner")],
        {"type": "multipolygon", "barrier": "wall", "name": "大院"},
    )
    assert town_of_openstreetmap(town, ways, relations=[area]) == shut("大院")


def test_a_ring_smaller_than_a_cell_tells_nobody(town):
    """In a yard of 30 m × 30 m around the centre of a cell of 100 m most people of the cell do not live."""
    yard = {11: (285, 435), 12: (315, 435), 13: (315, 465), 14: (285, 465), 15: (300, 435)}
    assert town_of_openstreetmap(town, [(RING, FENCE)], corners=yard) == []


@pytest.mark.parametrize(("tags", "people"), [(FENCE, 80.0), (FENCE | {"amenity": "hospital"}, 0.0)])
def test_facilities_inside_count_whatever_is_enclosed(town, tags, people):
    """The clinic at (350, 5) and the cell at (500, 20), the High Street given up."""
    around = {11: (340, 1), 12: (560, 1), 13: (560, 100), 14: (340, 100), 15: (400, 1)}
    assert town_of_openstreetmap(town, [(RING, tags)], corners=around) == shut(people=people, facilities=1)


def test_new_nodes_of_an_editor_and_nodes_that_were_cut_off(tmp_path):
    nodes = {-1: (0, 0), -2: (100, 0), -3: (100, 100)}
    gate = {-2: {"barrier": "gate"}}
    (tmp_path / "new.osm").write_text(document(nodes, [((-1, -2, -3, -1), FENCE)], gate), encoding="utf-8")
    walls = read_walls(tmp_path / "new.osm")
    assert walls.rings["name"].tolist() == ["way 100"]
    assert len(walls.gates) == 1
    (tmp_path / "cut.osm").write_text(document(nodes, [((-1, -2, -3, -4, -1), FENCE)], gate), encoding="utf-8")
    assert len(read_walls(tmp_path / "cut.osm").rings) == 0


def test_the_place_of_a_compound_is_inside_it(town):
    town_of_openstreetmap(town, [(RING, FENCE)])
    found = wr.prepare(wr.load_study(town)).audit.findings
    (place,) = found.loc[found["rule"] == "compound_shut", "value"]
    point = gpd.GeoSeries.from_xy(*[[float(part)] for part in place.split()], crs="EPSG:4326").to_crs("EPSG:4547")
    ring = shapely.Polygon([(TOWN_EAST + x, TOWN_NORTH + y) for x, y in CORNERS.values()])
    assert ring.contains(point.iloc[0])
    (told,) = found.loc[found["rule"] == "compounds_checked", "reason"]
    assert told == "1 walled compounds hold people or facilities; no street or open gate enters 1 of them"


# A layer of the study's own -----------------------------------------------------------------------------------------


def box(west, south, east, north):
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [[TOWN_EAST + x, TOWN_NORTH + y] for x, y in ring]


def with_compounds(town, features, extra=""):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}
    drawn = [{"type": "Feature", "properties": told, "geometry": geometry} for told, geometry in features]
    layer = {"type": "FeatureCollection", "crs": crs, "features": drawn}
    (town.parent / "compounds.geojson").write_text(json.dumps(layer, ensure_ascii=False), encoding="utf-8")
    table = f'\n[compounds]\npath = "compounds.geojson"\ndatum = "EPSG:4547"\n{extra}'
    town.write_text(town.read_text(encoding="utf-8") + table, encoding="utf-8")
    return wr.load_study(town)


def polygon(*bounds):
    return {"type": "Polygon", "coordinates": [box(*bounds)]}


def test_compounds_of_the_study(town):
    features = [
        ({"名称": "田园"}, polygon(200, 350, 400, 550)),
        ({"名称": "高街"}, polygon(-50, -50, 100, 100)),  # the High Street crosses its wall
        ({"名称": "空地"}, polygon(0, 300, 150, 450)),  # nobody lives there
        ({"名称": None}, {"type": "MultiPolygon", "coordinates": [[box(450, 5, 600, 100)], [box(340, 3, 360, 9)]]}),
    ]
    study = with_compounds(town, features, 'name = "名称"')
    case = wr.prepare(study)
    assert compounds_in(case) == shut("田园") + shut("feature 4", 80.0, 1)
    found = case.audit.findings.set_index("rule")
    assert found.loc["compounds_checked", "file"] == "compounds.geojson"
    assert found.loc["compounds_checked", "reason"].startswith("3 walled compounds hold people or facilities")
    assert study.compounds.path in study.input_paths()


def test_compounds_without_names_are_called_by_their_number(town):
    study = with_compounds(town, [({}, polygon(0, 300, 150, 450)), ({}, polygon(200, 350, 400, 550))])
    assert compounds_in(wr.prepare(study)) == shut("feature 2")


@pytest.mark.parametrize(
    ("feature", "extra", "reason"),
    [
        (polygon(0, 0, 1, 1), 'name = "名称"', "no column '名称' (named by compounds.name in the study)"),
        ({"type": "Point", "coordinates": [0, 0]}, "", "holds Point where Polygon geometries are needed"),
    ],
)
def test_a_layer_that_cannot_be_used_is_told(town, feature, extra, reason):
    with pytest.raises(wr.CoverageError) as caught:
        wr.prepare(with_compounds(town, [({"x": 1}, feature)], extra))
    (problem,) = caught.value.problems
    assert "compounds.geojson" in problem
    assert reason in problem


# A real city --------------------------------------------------------------------------------------------------------


def test_the_walls_of_helsinki(shared, measured):
    """Yards and graves: rings far smaller than a cell of the population grid, which tell of nobody."""
    walls = read_walls(shared / "helsinki" / "network" / "Helsinki.osm.pbf")
    m2 = walls.rings.to_crs("EPSG:3879").area
    measured(f"{len(m2)} rings of walls and fences, the largest of {m2.max():,.0f} m²; {len(walls.gates)} open gates")
    assert len(m2) == 12
    assert m2.max() < 250 * 250
    assert walls.rings["homes"].sum() == 11
    assert np.isfinite(walls.gates).all()
