"""From OpenStreetMap files to networks: the audit, the command, and real extracts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import withinreach as wr
from conftest import EAST as TOWN_EAST
from conftest import NODES as TOWN_NODES
from conftest import NORTH as TOWN_NORTH
from conftest import STREETS as TOWN_STREETS
from osm_document import EAST, FRAME, NORTH, PATH, TRUNK, document, write_pbf
from withinreach.cli import cli
from withinreach.preparation.findings import Findings
from withinreach.preparation.network_report import network_report
from withinreach.preparation.streets import prepare_network
from withinreach.sources.osm import read_osm
from withinreach.sources.streets import stated_datum
from withinreach.study import NetworkLayer, load_study

if TYPE_CHECKING:
    from pathlib import Path


# Into the network -------------------------------------------------------------------------------------------------


def prepared(path: Path, **layer):
    findings = Findings()
    network = prepare_network(NetworkLayer(path=path, datum="wgs84", **layer), FRAME, findings)
    return network, findings.table("en")


def test_what_is_left_out_is_told_once_per_tag_with_counts_and_km(tmp_path):
    nodes = {1: (0, 0), 2: (600, 0), 3: (1500, 0), 4: (0, 900), 5: (2000, 0)}
    ways = [((1, 2), TRUNK), ((2, 3), TRUNK), ((1, 4), {"highway": "footway", "foot": "no"}), ((3, 5), PATH)]
    ways.append(((4, 5), PATH))
    (tmp_path / "x.osm").write_text(document(nodes, ways, {5: {"barrier": "fence"}}), encoding="utf-8")
    _, found = prepared(tmp_path / "x.osm")
    told = found[found["action"] == "left out"][["column", "value", "reason"]].to_numpy().tolist()
    assert told == [
        ["highway", "trunk", "ways not walked: 2 (1.5 km)"],
        ["foot", "no", "ways not walked: 1 (0.9 km)"],
        ["barrier", "fence", "closed barriers: 1"],
    ]


def test_exclude_works_on_openstreetmap_files(tmp_path):
    (tmp_path / "x.osm").write_text(
        document({1: (0, 0), 2: (50, 0), 3: (90, 0)}, [((1, 2), PATH), ((2, 3), {"highway": "steps"})]),
        encoding="utf-8",
    )
    network, found = prepared(tmp_path / "x.osm", exclude={"highway": ("steps",)})
    assert network.n_segments == 1
    assert "1 lines excluded by highway: steps 1" in found["reason"].tolist()


HANGING = {  # two streets, the upper one apart: what lies between them
    "a crossing closed on foot": ([((3, 7), {"highway": "footway", "footway": "crossing", "foot": "no"})], {}, 40),
    "a closed gate": ([((3, 7), PATH)], {3: {"barrier": "gate", "access": "private"}}, 40),
    "nothing, 12 m apart": ([], {}, 12),
    "nothing, 18 m apart": ([], {}, 18),
}


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (
            "a crossing closed on foot",
            (
                "118 m of streets are joined to the largest component only by what is left out by foot=no "
                "(way or node 104)"
            ),
        ),
        (
            "nothing, 12 m apart",
            "138 m of streets end 12.0 m from the largest component; is a crossing missing?",
        ),
        ("nothing, 18 m apart", None),
    ],
)
def test_components_that_hang_by_something_left_out_are_told_with_their_place(tmp_path, case, reason):
    ways, node_tags, apart = HANGING[case]
    nodes = {1: (0, 0), 2: (50, 0), 3: (100, 0), 4: (150, 0), 6: (60, apart), 7: (100, apart), 8: (160, 90)}
    streets = [((1, 2), PATH), ((2, 3), PATH), ((3, 4), PATH), ((6, 7, 8), {"highway": "residential"})]
    (tmp_path / "x.osm").write_text(document(nodes, streets + ways, node_tags), encoding="utf-8")
    _, found = prepared(tmp_path / "x.osm")
    told = found[found["severity"] == "warning"]
    assert told["reason"].tolist() == ([] if reason is None else [reason])
    if reason is not None:
        lon, lat = map(float, told["value"].iloc[0].split())
        x, y = FRAME.to_metres("wgs84", np.array([lon]), np.array([lat]))[0] - (EAST, NORTH)
        assert (round(x), round(y)) == ((100, apart) if "crossing" in case else (60, apart))


def test_what_hangs_behind_a_closed_gate_is_told_by_the_gate(tmp_path):
    nodes = {1: (0, 0), 2: (50, 0), 3: (100, 0), 4: (50, 8), 5: (50, 60)}
    ways = [((1, 2), PATH), ((2, 3), PATH), ((2, 4, 5), {"highway": "service"})]
    gate = {4: {"barrier": "gate", "access": "private"}}
    (tmp_path / "x.osm").write_text(document(nodes, ways, gate), encoding="utf-8")
    network, found = prepared(tmp_path / "x.osm")
    assert network.component.max() == 1
    (told,) = found[found["severity"] == "warning"].to_dict(orient="records")
    assert told["reason"].startswith("52 m of streets are joined")
    assert told["reason"].endswith("by access=private (way or node 4)")


def test_the_town_as_an_openstreetmap_file_gives_the_same_walking_times(town):
    """Positions of OpenStreetMap are rounded to 1e-7 degrees, about a centimetre."""
    ids = {name: i + 1 for i, name in enumerate(TOWN_NODES)}
    nodes = {ids[name]: (TOWN_EAST + x - EAST, TOWN_NORTH + y - NORTH) for name, (x, y) in TOWN_NODES.items()}
    ways = [((ids[a], ids[b]), {"highway": "residential"}) for a, b in TOWN_STREETS]
    write_pbf(town.parent / "streets.osm.pbf", document(nodes, ways))
    lines = wr.analyse(wr.prepare(load_study(town)))
    text = town.read_text(encoding="utf-8")
    text = text.replace('path = "streets.geojson"\ndatum = "EPSG:4547"', 'path = "streets.osm.pbf"\ndatum = "wgs84"')
    town.write_text(text, encoding="utf-8")
    study = load_study(town)
    assert study.network.path.name == "streets.osm.pbf"
    osm_file = wr.analyse(wr.prepare(study))
    for service in study.services:
        seconds = osm_file.reaches[service].seconds
        assert seconds == pytest.approx(lines.reaches[service].seconds, abs=0.05)
        assert (osm_file.reaches[service].status == lines.reaches[service].status).all()


# The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def cross(tmp_path):
    """Two streets of 100 m and 200 m that cross in the middle, a hut apart, and a motorway."""
    nodes = {1: (-50, 0), 2: (0, 0), 3: (50, 0), 4: (0, -100), 5: (0, 100), 6: (400, 0), 7: (400, 30)}
    ways = [((1, 2, 3), PATH), ((4, 2, 5), PATH), ((6, 7), PATH), ((1, 5), {"highway": "motorway"})]
    path = tmp_path / "cross.osm"
    path.write_text(document(nodes, ways), encoding="utf-8")
    return path


def test_network_command_prints_json(cross):
    done = CliRunner().invoke(cli, ["network", str(cross), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["nodes"], told["edges"], told["components"], told["dead_ends"]) == (7, 5, 2, 6)
    assert told["length_km"] == pytest.approx(0.330, abs=5e-5)
    assert told["largest_share"] == pytest.approx(5 / 7)
    assert told["largest_length_share"] == pytest.approx(300 / 330, abs=1e-4)
    assert told["datum"] == "wgs84"
    west, south, east, north = told["bounds"]
    assert west == pytest.approx(114 - 50 / 91_290, abs=1e-5)
    assert (south + north) / 2 == pytest.approx(35, abs=1e-5)
    assert east > west
    (left,) = told["left_out"]
    assert (left["kind"], left["key"], left["value"], left["count"]) == ("way", "highway", "motorway", 1)
    assert left["km"] == pytest.approx(0.1118, abs=1e-4)
    assert any("2 separate components" in row["reason"] for row in told["findings"])


def test_network_command_prints_lines(cross):
    done = CliRunner().invoke(cli, ["network", str(cross)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert {"nodes: 7", "edges: 5", "length_km: 0.330", "components: 2", "dead_ends: 6"} <= set(lines)
    assert any("highway 'motorway': ways not walked: 1 (0.1 km): left out" in line for line in lines)


@pytest.mark.parametrize(
    ("crs", "suffix", "datum"),
    [
        ("EPSG:4547", ".gpkg", "EPSG:4547"),
        ("EPSG:4547", ".parquet", "EPSG:4547"),
        ("EPSG:4326", ".geojson", "wgs84"),
        ("EPSG:4326", ".parquet", "wgs84"),
        ("EPSG:4490", ".gpkg", "cgcs2000"),
        ("EPSG:32649", ".gpkg", "EPSG:32649"),
    ],
)
def test_network_report_of_a_vector_layer_takes_the_datum_that_it_states(cross, tmp_path, crs, suffix, datum):
    path = tmp_path / f"lines{suffix}"
    lines = read_osm(cross).lines.to_crs(crs)
    lines.to_parquet(path) if suffix == ".parquet" else lines.to_file(path)
    report = network_report(path)
    assert report.datum == datum == stated_datum(path)
    assert (report.nodes, report.edges, report.components) == (7, 5, 2)
    assert report.length_km == pytest.approx(0.330, abs=5e-5)
    assert report.left_out.empty
    assert list(report.left_out.columns) == ["kind", "key", "value", "count", "km"]


def test_a_stated_datum_gives_way_to_a_given_one(cross, tmp_path):
    """The shift of GCJ-02 changes by a few metres from one kilometre to the next."""
    path = tmp_path / "amap.geojson"
    read_osm(cross).lines.to_file(path)
    as_stated, shifted = network_report(path), network_report(path, datum="gcj02")
    assert shifted.length_km == pytest.approx(as_stated.length_km, rel=5e-3)
    metres_east = (as_stated.bounds[0] - shifted.bounds[0]) * 91_290
    assert 450 < metres_east < 650


def test_network_command_tells_what_is_wrong_in_one_line(cross, tmp_path):
    no_crs = tmp_path / "no-crs.parquet"
    read_osm(cross).lines.set_crs(None, allow_override=True).to_parquet(no_crs)
    table = tmp_path / "table.parquet"
    pd.DataFrame({"a": [1]}).to_parquet(table)
    far = tmp_path / "far.parquet"
    gpd.GeoDataFrame(geometry=[shapely.LineString([(500, 3900), (900, 3900)])]).to_parquet(far)
    for arguments, says in (
        ([str(no_crs)], "states no CRS"),
        ([str(table)], "no geometry column"),
        ([str(far), "--datum", "wgs84"], "cannot be wgs84"),
        ([str(cross), "--datum", "wgs48"], "'wgs48' is not one of wgs84"),
        ([str(cross), "--datum", "gcj02"], 'declare datum = "wgs84"'),
        ([str(tmp_path / "none.gpkg")], "no such file"),
    ):
        done = CliRunner().invoke(cli, ["network", *arguments])
        assert done.exit_code == 1
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert says in done.stderr


# Real extracts ----------------------------------------------------------------------------------------------------

EXTRACTS = [  # file, edges, km, components, least share of the nodes that the largest holds
    ("helsinki/network/Helsinki.osm.pbf", 5377, 108.6, 22, 0.98),
    ("small_networks/campo-grande.osm.gz", 13793, 1481.4, 29, 0.98),
    ("small_networks/West-Oakland.osm.bz2", 65, 8.1, 3, 0.92),
    ("small_networks/bayfront_singapore.osm.pbf", 542, 28.7, 5, 0.94),
    ("small_networks/pyrosm_test.osm.pbf", 664, 58.9, 3, 0.99),
]


@pytest.mark.parametrize(("name", "edges", "km", "parts", "share"), EXTRACTS, ids=str)
def test_real_extracts_make_one_network(shared, name, edges, km, parts, share):
    report = network_report(shared / name)
    left = ", ".join(f"{row.key}={row.value} {row.count}" for row in report.left_out.itertuples(name="Row"))
    print(f"\n{name}: {report.nodes} nodes, {report.largest_share:.1%} in the largest; left out: {left}")
    assert (report.edges, report.components) == (edges, parts)
    assert report.length_km == pytest.approx(km, abs=0.1)
    assert report.largest_share > share


@pytest.fixture(scope="module")
def helsinki(shared):
    return read_osm(shared / "helsinki" / "network" / "Helsinki.osm.pbf")


@pytest.fixture(scope="module")
def osmnx_lengths(shared, helsinki):
    """Metres of each way in the OSMnx reference that lies inside our extract.

    The reference holds the edges of highway=footway, cycleway and path, with no other filter, each in both directions
    (`reversed`), from an area larger than the extract. Lengths are taken from its geometries, for its own lengths
    are those of a sphere.
    """
    folder = shared / "helsinki" / "expected" / "pyrosm_osmnx_reference"
    edges = gpd.read_parquet(folder / "network_paths.parquet")
    assert set(edges["highway"]) == {"footway", "cycleway", "path"}
    edges = edges[~edges["reversed"]]
    outside = edges.loc[~edges.within(shapely.box(*helsinki.lines.total_bounds)), "osmid"]
    edges = edges[~edges["osmid"].isin(outside)].to_crs("EPSG:3879")
    return edges.assign(m=edges.length).groupby("osmid").agg(highway=("highway", "first"), m=("m", "sum"))


def test_every_way_of_the_reference_is_walked_or_left_out_by_a_sign(helsinki, osmnx_lengths):
    walked = osmnx_lengths.index.isin(helsinki.lines["osm_id"])
    left_out = helsinki.left_out[helsinki.left_out["kind"] == "way"].set_index("osm_id")
    signs = left_out.loc[osmnx_lengths.index[~walked], ["type", "key", "value"]].value_counts().to_dict()
    assert len(osmnx_lengths) == 1117
    assert signs == {
        ("cycleway", "foot", "no"): 28,
        ("footway", "access", "no"): 1,
        ("footway", "access", "private"): 1,
    }


def test_lengths_of_ways_equal_the_reference(helsinki, osmnx_lengths):
    """To the millimetre, but for 0.1 m on each side of a closed gate."""
    lines = helsinki.lines.to_crs("EPSG:3879")
    ours = lines.assign(m=lines.length).groupby("osm_id")["m"].sum()
    both = osmnx_lengths.assign(ours=ours).dropna()
    difference = (both["m"] - both["ours"]).round(3)
    gates = difference[difference > 0]
    assert gates.round(2).isin([0.1, 0.2]).all()
    assert gates.round(1).sum() <= 0.2 * (helsinki.left_out["kind"] == "barrier").sum()
    assert (difference >= 0).all()
    by_class = both.groupby("highway")[["ours", "m"]].sum()
    print(f"\n{by_class.round(1).to_string()}")
    assert by_class["ours"].to_numpy() == pytest.approx(by_class["m"].to_numpy(), abs=1)


def test_cycleways_that_admit_walkers_are_in_the_network(helsinki):
    """A filter that drops highway=cycleway would lose these, crossings among them."""
    cycleways = helsinki.lines[helsinki.lines["highway"] == "cycleway"]
    assert cycleways["osm_id"].nunique() == 86
    assert cycleways["crossing"].sum() > 15
    assert cycleways.to_crs("EPSG:3879").length.sum() == pytest.approx(6838, abs=2)
