"""What is missing: pockets and walks of the town by hand; links against the case with them, and against all others."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import withinreach as wr
from conftest import EAST, NORTH
from withinreach.cli import cli
from withinreach.measures.assignment import assign_places
from withinreach.reach import pairs_within
from withinreach.scenarios import compare
from withinreach.siting import explain_gaps
from withinreach.siting.missing import links as links_module
from withinreach.sources.sample import write_sample


@pytest.fixture
def longer(town):
    """The town with 9.5 minutes (570 s) for elder care: enough for a bridge to the island, not for e."""
    town.write_text(town.read_text(encoding="utf-8").replace("8.35", "9.5"), encoding="utf-8")
    return wr.analyse(wr.prepare(wr.load_study(town)))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return wr.analyse(wr.prepare(wr.load_study(write_sample(folder, scale=0.02))))


def test_pockets_of_the_town(longer):
    pockets = explain_gaps(longer, "elder_care").pockets
    assert pockets["people"].tolist() == [30, 2, 1]
    assert pockets["reason"].tolist() == ["distance", "no_connection", "no_street"]
    assert pockets["nearest_id"].tolist() == ["A1", "", ""]
    assert pockets["level_m"].tolist()[0] == 800
    walk = shapely.get_coordinates(pockets.geometry.iloc[0]) - (EAST, NORTH)
    assert shapely.remove_repeated_points(shapely.LineString(walk)).equals_exact(
        shapely.LineString([(200, -600), (200, 0), (0, 0)]), 1e-6
    )
    assert pockets.geometry.geom_type.tolist() == ["LineString", "Point", "Point"]


def test_the_bridge_that_is_missing(longer):
    told = explain_gaps(longer, "elder_care", longest_m=520)
    assert told.links["gained_people"].tolist() == [2]
    assert told.links["length_m"].tolist() == [500]
    assert told.pockets["link"].tolist() == [0, 1, 0]
    gained = compare(longer, told.scenario(1)).totals.set_index("service").loc["elder_care", "gained_people"]
    assert gained == 2
    assert len(explain_gaps(longer, "elder_care", longest_m=499).links) == 0


def test_people_without_room_lack_the_service(longer):
    """A1 has 10 places for the 20 old people at a, of whom the norm gives every second one a place. With 4, 12 lack."""
    case = wr.Scenario(title="x", datum="EPSG:4547", resize=[{"id": "A1", "capacity": 4}]).apply(longer.case)
    result = wr.analyse(case)
    assignment = assign_places(case, pairs_within(case, case.study.services["elder_care"]))
    pockets = explain_gaps(result, "elder_care", assignment=assignment).pockets.set_index("reason")
    assert pockets.loc["capacity", "capacity_people"].sum() == pytest.approx(12 + 10.5 + 8)  # A2 tells no capacity
    assert pockets["people"].sum() == pytest.approx(33 + 12 + 10.5 + 8)


@pytest.mark.parametrize("service", ["elder_care", "clinic"])
def test_links_serve_exactly_whom_they_say(sample, service):
    told = explain_gaps(sample, service, longest_m=100, links=4)
    assert (told.links["gained_people"].diff().dropna() <= 0).all()
    assert (told.links["length_m"] <= 100).all()
    for rank, gained in enumerate(told.links["gained_people"], start=1):
        real = compare(sample, told.scenario(rank)).totals.set_index("service").loc[service, "gained_people"]
        assert real == pytest.approx(gained, rel=1e-9)
    assert len(told.links) == 4
    everybody = sample.ledgers[service]["total"].drop(["served", "outside_areas"]).sum()
    assert told.pockets["people"].sum() == pytest.approx(everybody)


def test_no_link_is_better_than_the_first(sample, monkeypatch):
    """Looking at all links at once finds the same ones as looking until the bound says enough."""
    quick = explain_gaps(sample, "elder_care", longest_m=100, links=3).links
    monkeypatch.setattr(links_module, "BATCH", 10**9)
    slow = explain_gaps(sample, "elder_care", longest_m=100, links=3).links
    assert slow["gained_people"].tolist() == quick["gained_people"].tolist()
    assert len(quick) == 3


def test_walks_are_as_long_as_the_reach_says(sample):
    pockets = explain_gaps(sample, "nursery", links=0).pockets
    walked = pockets[pockets.geometry.geom_type == "LineString"]
    assert len(walked) > 50
    lengths = walked.geometry.length.to_numpy()
    assert (lengths <= walked["level_m"] + 1e-3).all()
    # No slopes in the sample: the level way is the way, rounded up to the millimetre per street.
    np.testing.assert_allclose(lengths, walked["level_m"], atol=0.5, rtol=1e-4)


def test_missing_from_the_shell(town, tmp_path):
    done = CliRunner().invoke(
        cli, ["missing", str(town), "--service", "elder_care", "--room", "--out", str(tmp_path / "gaps")]
    )
    assert done.exit_code == 0, done.output
    assert "no_connection" in done.output
    layers = gpd.list_layers(tmp_path / "gaps" / "missing.gpkg")["name"].tolist()
    assert layers == ["pockets", "walks", "links"]
    assert len(gpd.read_file(tmp_path / "gaps" / "missing.gpkg", layer="walks")) >= 1
    wrong = CliRunner().invoke(cli, ["missing", str(town), "--service", "school"])
    assert wrong.exit_code == 1
