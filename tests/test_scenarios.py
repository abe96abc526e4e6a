"""Scenarios: by hand on the town, equal to measuring everything anew on the sample, and wrong ones refused."""

from __future__ import annotations

import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from conftest import EAST, NORTH
from test_reach import graph_with_places
from withinreach.reach import measure_reach
from withinreach.scenarios import Scenario, compare, load_scenario, reanalyse
from withinreach.sources.sample import write_sample


def at(x: float, y: float) -> tuple[float, float]:
    return EAST + x, NORTH + y


def in_town(**changes) -> Scenario:
    return Scenario(title="trial", datum="EPSG:4547", **changes)


@pytest.fixture
def base(town):
    return wr.analyse(wr.prepare(wr.load_study(town)))


# The town, by hand ----------------------------------------------------------------------------------------------


def test_an_opening_serves_those_near_it(base):
    """At e, where 30 old people live: they walk no way at all; nobody else has a nearer one."""
    told = compare(base, in_town(open=[{"kind": "elder_care", "at": at(200, -600), "capacity": 12, "cost": 900}]))
    row = told.totals.set_index("service").loc["elder_care"]
    assert (row["gained_people"], row["lost_people"], row["cost"], row["cost_per_gained"]) == (30, 0, 900, 30)
    west = told.table[(told.table["service"] == "elder_care") & (told.table["code"] == "1")].iloc[0]
    assert (west["facilities_before"], west["facilities_after"]) == (1, 2)
    assert west["served_people_after"] - west["served_people_before"] == 30
    assert west["capacity_after"] - west["capacity_before"] == 12
    cells = told.changes("trial")
    assert cells["elder_care_change"].tolist() == ["gains"]
    assert cells["elder_care_s_after"].tolist() == [0]
    assert cells["elder_care_s_before"].tolist() == [800]


def test_a_closing_takes_the_service_from_those_who_have_no_other(base):
    """Without A1 only A2 at d is left: a (20 old people) walks 900 m, c (10.5) still 420 m."""
    told = compare(base, in_town(close=[{"id": "A1"}]))
    row = told.totals.set_index("service").loc["elder_care"]
    assert (row["gained_people"], row["lost_people"], row["cost"]) == (0, 20, 0)
    assert np.isnan(row["cost_per_gained"])
    result = told.outcomes[0].result
    assert result.case.facilities.table["status"].astype(object).fillna("").tolist() == ["closed", "", ""]
    assert result.reaches["elder_care"].nearest[0] == 1
    assert result.tables["elder_care"]["facilities"].tolist() == [0, 1]


def test_a_move_and_a_resizing(base):
    changes = {"move": [{"id": "A1", "to": at(200, -600), "cost": 5}], "resize": [{"id": "A1", "capacity": 33}]}
    told = compare(base, in_town(**changes))
    row = told.totals.set_index("service").loc["elder_care"]
    assert row["gained_people"] == 30
    assert row["lost_people"] == 20
    assert np.isnan(row["cost"])  # nobody says what the places cost
    case = told.outcomes[0].result.case
    assert case.facilities.table["beds"].tolist()[0] == 33
    assert case.facilities.xy[0].tolist() == [EAST + 200, NORTH - 600]
    tariff = {"elder_care": {"site": 100, "place": 2, "source": "invented"}}
    assert in_town(**changes, tariffs=tariff).cost(base.case) == 5 + 2 * (33 - 10)
    opened = in_town(open=[{"kind": "elder_care", "at": at(0, 0), "capacity": 4}], tariffs=tariff)
    assert opened.cost(base.case) == 108


def test_a_bridge_joins_the_island(base):
    """From (850, 500) on the island to (850, 0) on the High Street, 50 m from A2; the people live at (850, 510)."""
    told = compare(base, in_town(link=[{"line": [at(850, 500), at(850, 0)], "cost": 1000}]))
    reach = told.outcomes[0].result.reaches["elder_care"]
    assert reach.level_m[4] == 10 + 500 + 50
    assert reach.nearest[4] == 1
    assert told.totals["gained_people"].tolist() == [0, 0]  # 560 s are too far: 501 s count
    other = compare(base, in_town(link=[{"line": [at(900, 500), at(900, 0)]}])).outcomes[0].result
    assert other.reaches["elder_care"].level_m[4] == 10 + 50 + 500
    assert other.case.network.n_segments == base.case.network.n_segments + 1
    assert told.outcomes[0].result.case.network.n_segments == base.case.network.n_segments + 3


def test_a_blocked_street_is_as_if_it_were_not_there(base, town):
    blocked = in_town(block=[{"at": at(200, -300)}]).apply(base.case)
    streets = json.loads((town.parent / "streets.geojson").read_text(encoding="utf-8"))
    del streets["features"][3]
    (town.parent / "streets.geojson").write_text(json.dumps(streets), encoding="utf-8")
    rebuilt = wr.prepare(wr.load_study(town))
    assert blocked.network.n_segments == rebuilt.network.n_segments == base.case.network.n_segments - 1
    for name, service in blocked.study.services.items():
        np.testing.assert_array_equal(
            measure_reach(blocked, service).level_m, measure_reach(rebuilt, service).level_m, err_msg=name
        )


def test_people_of_a_later_year(base):
    told = compare(base, in_town(population={"factors": {"age_60_plus": 2.0}}))
    result = told.outcomes[0].result
    for name in ("elder_care", "clinic"):
        assert result.reaches[name] is base.reaches[name]
    before, after = (one.totals["elder_care"] for one in (base, result))
    assert after["people"] == 2 * before["people"]
    assert after["coverage"] == before["coverage"]
    assert result.ledgers["elder_care"]["total"].sum() == 2 * base.ledgers["elder_care"]["total"].sum()


def test_people_of_another_study(base, town, tmp_path):
    other = tmp_path / "later"
    other.mkdir()
    for path in town.parent.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "people.csv").write_text(f"x,y,all,old\n{EAST + 900},{NORTH},10,7\n", encoding="utf-8")
    file = tmp_path / "scenario.toml"
    file.write_text('title = "2035"\n[population]\nstudy = "later/study.toml"\n', encoding="utf-8")
    told = compare(base, load_scenario(file))
    result = told.outcomes[0].result
    assert result.totals["elder_care"]["people"] == 7
    assert result.totals["elder_care"]["coverage"] == 1
    assert told.totals["gained_people"].isna().all()
    assert len(told.changes("2035")) == 0
    assert_same(result, wr.analyse(result.case))


def test_another_profile_for_a_service(base):
    fast = {"fast": {"title": "fast", "speed_m_s": 2.0, "source": "invented"}}
    told = compare(base, in_town(profiles=fast, walking={"elder_care": "fast"}))
    result = told.outcomes[0].result
    np.testing.assert_array_equal(result.reaches["elder_care"].seconds, base.reaches["elder_care"].seconds / 2)
    assert result.reaches["clinic"] is base.reaches["clinic"]
    assert_same(result, wr.analyse(result.case))


def test_all_problems_are_told_together(base):
    wrong = in_town(
        open=[{"kind": "nursery", "at": at(0, 0)}, {"kind": "clinic", "at": at(0, 0), "capacity": 3}],
        close=[{"id": "A9"}],
        link=[{"line": [at(850, 500), at(9000, 0)]}],
        walking={"nursery": "slow"},
        population={"factors": {"age_99": 2}},
    )
    with pytest.raises(wr.CoverageError) as error:
        wrong.apply(base.case)
    text = "\n".join(error.value.problems)
    for part in ("close.1", "link.1.line", "walking.nursery", "population.factors.age_99"):
        assert part in text
    opened = wrong.model_copy(update={"close": (), "link": (), "walking": {}, "population": in_town().population})
    with pytest.raises(wr.CoverageError, match=r"open\.1\.kind[\s\S]*open\.2\.capacity"):
        opened.apply(base.case)
    with pytest.raises(wr.CoverageError, match=r"open\.1\.at: no street within 300 m"):
        in_town(open=[{"kind": "clinic", "at": at(300, 450)}]).apply(base.case)


EVERYTHING = """\
title = "trial"
datum = "EPSG:4547"
close = [{ id = "C1", kind = "clinic", cost = 2 }]
walking = { clinic = "fast" }

[[open]]
kind = "elder_care"
name = "new"
at = [500200, 3899400]
capacity = 12

[[resize]]
id = "A1"
capacity = 20

[[move]]
id = "A2"
to = [500500, 3900000]
cost = 5

[[link]]
title = "footbridge"
line = [[500850, 3900500], [500850, 3900000]]
crossing = true
cost = 100

[[block]]
at = [500100, 3900000]

[population]
factors = { age_60_plus = 1.5 }

[profiles.fast]
title = "fast"
speed_m_s = 2
source = "invented"

[tariffs.elder_care]
site = 50
place = 2
source = "invented"
"""


def test_every_part_from_a_file_is_as_from_python(base, tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    scenario = in_town(
        close=[{"id": "C1", "kind": "clinic", "cost": 2}],
        open=[{"kind": "elder_care", "name": "new", "at": at(200, -600), "capacity": 12}],
        resize=[{"id": "A1", "capacity": 20}],
        move=[{"id": "A2", "to": at(500, 0), "cost": 5}],
        link=[{"title": "footbridge", "line": [at(850, 500), at(850, 0)], "crossing": True, "cost": 100}],
        block=[{"at": at(100, 0)}],
        population={"factors": {"age_60_plus": 1.5}},
        profiles={"fast": {"title": "fast", "speed_m_s": 2, "source": "invented"}},
        walking={"clinic": "fast"},
        tariffs={"elder_care": {"site": 50, "place": 2, "source": "invented"}},
    )
    assert load_scenario(file) == scenario
    assert scenario.cost(base.case) == 2 + 5 + 100 + (50 + 2 * 12) + 2 * (20 - 10)
    result = reanalyse(base, scenario.apply(base.case))
    assert_same(result, wr.analyse(result.case))
    # Without the street at a its people and A1 have theirs at b, 200.25 and 200 m away; e has the new one; A2 is now at
    # c, 400 m from d, and 10 + 500 + 350 m from the people of the island, over the bridge.
    reach = result.reaches["elder_care"]
    assert reach.level_m[:5].tolist() == [400.25, 0, 20, 430, 860]
    assert result.totals["elder_care"]["people"] == pytest.approx(1.5 * 71.5)
    assert result.totals["clinic"]["facilities"] == 0


def test_a_link_to_a_street_that_is_blocked_too_is_told(base):
    wrong = in_town(link=[{"line": [at(850, 500), at(850, 0)]}], block=[{"at": at(700, 0)}])
    with pytest.raises(wr.CoverageError, match=r"link\.1\.line: an end is on a street that is blocked"):
        wrong.apply(base.case)


def test_a_wrong_file_is_refused(tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text('title = "x"\n[[opn]]\nkind = "clinic"\nat = [1, 2]\n', encoding="utf-8")
    with pytest.raises(wr.CoverageError, match="opn: unknown key"):
        load_scenario(file)
    file.write_text('title = "x"\nclose = [{id = "A1"}]\nresize = [{id = "A1", capacity = 3}]\n', encoding="utf-8")
    with pytest.raises(wr.CoverageError, match="named twice"):
        load_scenario(file)
    with pytest.raises(wr.CoverageError, match="no such scenario"):
        load_scenario(tmp_path / "absent.toml")


# The sample -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return wr.analyse(wr.prepare(wr.load_study(write_sample(folder, scale=0.02))))


def assert_same(one, other) -> None:
    """Equal to the last digit."""
    for name in one.case.study.services:
        for reaches in ("reaches", "own_reaches"):
            mine, theirs = getattr(one, reaches)[name], getattr(other, reaches)[name]
            for part in ("level_m", "seconds", "nearest", "status"):
                np.testing.assert_array_equal(getattr(mine, part), getattr(theirs, part), err_msg=f"{name} {part}")
        pd.testing.assert_frame_equal(one.tables[name], other.tables[name], check_exact=True)
        pd.testing.assert_series_equal(one.totals[name], other.totals[name], check_exact=True)
        pd.testing.assert_frame_equal(one.ledgers[name], other.ledgers[name], check_exact=True)


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_what_is_reused_equals_measuring_everything(sample, data):
    case = sample.case
    table = case.facilities.table
    cells = np.flatnonzero(case.people.snapped)
    kinds = st.sampled_from(["elder_care", "nursery"])
    rows = data.draw(st.lists(st.integers(0, len(table) - 1), unique=True, max_size=6))
    where = [tuple(case.people.xy[row]) for row in data.draw(st.lists(st.sampled_from(cells.tolist()), max_size=4))]
    named = [{"id": table["id"].iloc[row], "kind": table["kind"].iloc[row]} for row in rows]
    scenario = Scenario(
        title="trial",
        datum=case.study.metric_crs,
        open=[{"kind": data.draw(kinds), "at": xy} for xy in where],
        close=named[:2],
        move=[one | {"to": tuple(case.people.xy[cells[i]])} for i, one in enumerate(named[2:4])],
        population={"factors": data.draw(st.sampled_from([{}, {"all": 1.5}]))},
    )
    after = scenario.apply(case)
    assert after.network is case.network
    assert after.people.xy is case.people.xy
    assert_same(reanalyse(sample, after), wr.analyse(after))


def test_services_that_nothing_changes_for_keep_their_objects(sample):
    cell = int(np.flatnonzero(sample.case.people.snapped)[0])
    opening = {"kind": "nursery", "at": tuple(sample.case.people.xy[cell]), "capacity": 30}
    result = reanalyse(
        sample, Scenario(title="x", datum=sample.case.study.metric_crs, open=[opening]).apply(sample.case)
    )
    for name in ("elder_care", "clinic", "veterans"):
        assert result.reaches[name] is sample.reaches[name]
        assert result.tables[name] is sample.tables[name]
    assert result.case.people is sample.case.people
    assert result.case.areas is sample.case.areas


def test_links_agree_with_networkx(sample):
    """Three links between places far apart, one from a segment's middle twice, and one street blocked."""
    network = sample.case.network
    middle = [network.point_on(row, int(network.length_mm[row]) // 2) for row in range(0, network.n_segments, 97)]
    lines = [
        (tuple(middle[0]), tuple(middle[3])),
        (tuple(middle[0]), tuple(middle[5])),
        (tuple(middle[8]), tuple(middle[2])),
    ]
    scenario = Scenario(
        title="x",
        datum=sample.case.study.metric_crs,
        link=[{"line": line} for line in lines],
        block=[{"at": tuple(middle[9])}],
    )
    case = scenario.apply(sample.case)
    assert case.network.n_segments == network.n_segments - 1 + 3 + 5
    assert case.network.length_mm.sum() > network.length_mm.sum()
    service = case.study.services["elder_care"]
    reach = measure_reach(case, service)
    rows = case.facility_rows(service.kinds)
    rows = rows[case.facilities.snapped[rows]]
    lengths = nx.multi_source_dijkstra_path_length(
        graph_with_places(case, rows), {("facility", int(row)) for row in rows}
    )
    want = np.array([lengths.get(("cell", row), np.inf) for row in range(len(case.people))]) / 1000
    np.testing.assert_array_equal(reach.level_m, want)
    ends = case.network.vertex_ptr
    np.testing.assert_allclose(case.network.vertex_xy[ends[:-1]], case.network.xy[case.network.tail], atol=2e-3)
    np.testing.assert_allclose(case.network.vertex_xy[ends[1:] - 1], case.network.xy[case.network.head], atol=2e-3)
