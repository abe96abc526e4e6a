"""Totals of communities and townships go to homes in their unit, by weight, and nobody is lost."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import withinreach as wr
from withinreach.errors import SourceError
from withinreach.preparation.areas import prepare_areas
from withinreach.preparation.filling import fill_polygons
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.people import prepare_people
from withinreach.preparation.scope import scope_of
from withinreach.study import AreaLayer, PopulationLayer

quick = settings(max_examples=80, deadline=None)
CRS = "EPSG:4547"
X, Y = 500_000.0, 3_900_000.0
SIDE_M = 1000.0


# A row of square kilometres: a, b, c … from west to east, each a community and an area.


@pytest.fixture
def squares(tmp_path):
    """Write squares, totals and homes; prepare the people."""

    def prepare(totals: pd.DataFrame, homes, *, count: int = 3, **spread):
        codes = [chr(ord("a") + i) for i in range(count)]
        boxes = [shapely.box(X + i * SIDE_M, Y, X + (i + 1) * SIDE_M, Y + SIDE_M) for i in range(count)]
        gpd.GeoDataFrame({"code": codes, "name": codes}, geometry=boxes, crs=CRS).to_file(tmp_path / "areas.gpkg")
        totals.to_csv(tmp_path / "totals.csv", index=False)
        if isinstance(homes, gpd.GeoDataFrame):
            place = {"path": tmp_path / "homes.gpkg", "datum": CRS}
            homes.to_file(place["path"])
        else:
            place = {"path": tmp_path / "homes.csv", "datum": CRS, "x": "x", "y": "y"}
            homes.assign(x=homes["x"] + X, y=homes["y"] + Y).to_csv(place["path"], index=False)
        place |= {key: spread.pop(key) for key in ("weight", "floors") if key in spread}
        layer = PopulationLayer.model_validate(
            {
                "as_of": dt.date(2020, 11, 1),
                "groups": {
                    "all" if "人口" in name else name: {
                        "title": name,
                        "parts": [{"path": tmp_path / "totals.csv", "column": name}],
                    }
                    for name in totals.columns
                    if name not in ("code", "name")
                },
                "spread": {"homes": place} | spread,
            }
        )
        frame, findings = MetricFrame(CRS), Findings()
        areas = prepare_areas(AreaLayer(path=tmp_path / "areas.gpkg", datum=CRS), frame, findings)
        return prepare_people(layer, scope_of(areas, frame), frame, findings), findings.table("en")

    return prepare


def told(findings: pd.DataFrame, rule: str) -> list[tuple[str, str]]:
    found = findings.query("rule == @rule")
    return list(zip(found["value"], found["reason"], strict=True))


TOTALS = pd.DataFrame({"code": ["a", "b", "c"], "all": [300, 80, 0], "old": [60, 20, 0]})
HOMES = pd.DataFrame({"x": [100, 900, 1500, 2500, 9000], "y": [500] * 5, "flats": [1, 2, 7, 5, 9]})


def test_by_hand(squares):
    """a has flats 1 and 2 at two homes, b one home, c homes but nobody; one home lies outside."""
    people, findings = squares(TOTALS, HOMES, weight="flats")
    assert people.xy.tolist() == [[X + 100, Y + 500], [X + 900, Y + 500], [X + 1500, Y + 500]]
    assert people.groups["all"].tolist() == pytest.approx([100, 200, 80])
    assert people.groups["old"].tolist() == pytest.approx([20, 40, 20])
    assert people.area.tolist() == [0, 0, 1]
    assert told(findings, "homes_outside_units") == [("", "1 of 5 homes lie outside all units")]
    assert people.accounts.loc[("all", "in_areas"), ["a", "b", "c", "total"]].tolist() == pytest.approx(
        [300, 80, 0, 380]
    )


def test_totals_as_offices_write_them(squares):
    """Ten thousands of people in the header, and a row that adds them up."""
    office = pd.DataFrame({"code": ["a", "b", "合计"], "常住人口(万人)": ["0.03", "0.008", "0.038"]})
    people, findings = squares(office, HOMES, weight="flats")
    assert people.groups["all"].tolist() == pytest.approx([100, 200, 80])
    assert told(findings, "total_left_out")[0][0] == "合计"


def test_equal_weights_and_floor_area(squares):
    equal, _ = squares(TOTALS, HOMES)
    assert equal.groups["all"].tolist() == pytest.approx([150, 150, 80])
    buildings = gpd.GeoDataFrame(
        {"floors": [2, 6, 1]},
        geometry=[
            shapely.box(X + x, Y + 500, X + x + width, Y + 520) for x, width in ((100, 30), (900, 20), (1500, 10))
        ],
        crs=CRS,
    )
    floors, _ = squares(TOTALS, buildings, weight="area", floors="floors")
    assert floors.groups["all"].tolist() == pytest.approx([100, 200, 80])  # 30 · 2 to 20 · 6
    assert floors.xy[0].tolist() == [X + 115, Y + 510]


def test_land_use_is_filled_evenly_and_cut_at_borders(squares):
    """One estate over the border of a and b: each part takes the people of its own community."""
    estate = gpd.GeoDataFrame({"use": ["R2"]}, geometry=[shapely.box(X + 800, Y, X + 1400, Y + 200)], crs=CRS)
    people, _ = squares(TOTALS, estate, weight="area")
    assert len(people.xy) == 6 * 2
    assert people.groups["all"].tolist() == pytest.approx([75 if x < X + 1000 else 10 for x in people.xy[:, 0]])


def test_a_unit_without_a_home_has_its_people_over_its_area(squares):
    people, findings = squares(TOTALS, HOMES[HOMES["x"] < 1000], weight="flats")
    in_b = people.area == 1
    assert in_b.sum() == 100
    assert people.groups["all"][in_b].tolist() == pytest.approx([0.8] * 100)
    assert told(findings, "unit_without_homes") == [("b", "has no home: all 80.0, old 20.0")]
    assert people.accounts.loc[("all", "spread"), "b"] == pytest.approx(80)


def test_homes_without_any_weight_are_no_homes(squares):
    _people, findings = squares(TOTALS, HOMES.assign(flats=[1, 2, "—", 5, 9]), weight="flats")
    assert told(findings, "homes_without_weight") == [("", "1 of 5 homes have no weight")]
    assert [value for value, _ in told(findings, "unit_without_homes")] == ["b"]


def test_units_without_a_polygon_stay_in_the_ledger(squares):
    more = pd.concat([TOTALS, pd.DataFrame({"code": ["z"], "all": [40], "old": [4]})])
    people, findings = squares(more, HOMES)
    assert told(findings, "unit_without_polygon") == [("z", "has no polygon: all 40.0, old 4.0")]
    steps = people.accounts.loc["all"]["total"]
    assert steps[["read", "without_area", "outside_areas", "in_areas"]].tolist() == pytest.approx([420, 40, 0, 380])


def test_units_of_their_own(squares, tmp_path):
    """Communities that are no areas: one reaches beyond all of them, and its people there are outside."""
    boxes = [shapely.box(X, Y, X + 2000, Y + 1000), shapely.box(X + 2000, Y, X + 4000, Y + 1000)]
    gpd.GeoDataFrame({"编码": ["1", "2"]}, geometry=boxes, crs=CRS).to_file(tmp_path / "communities.gpkg")
    totals = pd.DataFrame({"code": [1, 2], "all": [40, 10]})
    homes = pd.DataFrame({"x": [500, 1500, 2500, 3500], "y": 500})
    units = {"path": tmp_path / "communities.gpkg", "datum": CRS, "code": "编码"}
    people, _ = squares(totals, homes, units=units)
    assert people.accounts.loc[("all", "in_areas"), ["a", "b", "c"]].tolist() == pytest.approx([20, 20, 5])
    assert people.accounts.loc[("all", "outside_areas"), "total"] == pytest.approx(5)


@pytest.mark.parametrize(
    ("totals", "homes", "spread", "problem"),
    [
        (TOTALS.assign(code=["a", "a", "c"]), HOMES, {}, "row 3, column 'code': code a stands twice"),
        (TOTALS.assign(code=["a", None, "c"]), HOMES, {}, "row 3, column 'code': has no code"),
        (TOTALS.assign(code=["x", "y", "z"]), HOMES, {}, "no code of column 'code' is that of a unit"),
        (TOTALS.assign(all=[1, -2, 3]), HOMES, {}, "row 3, column 'all': '-2' is negative"),
        (TOTALS, HOMES.assign(flats=-1), {"weight": "flats"}, "homes.csv: row 2, column 'flats': '-1' is negative"),
        (TOTALS, HOMES, {"weight": "rooms"}, "no column 'rooms' (named by population.spread.homes.weight"),
        (TOTALS, HOMES, {"weight": "area"}, "homes.csv: points have no area; name the column"),
        (TOTALS, HOMES.assign(y=np.nan), {}, "row 2, column 'y': an empty field is not a coordinate"),
    ],
)
def test_what_cannot_be_spread(squares, totals, homes, spread, problem):
    with pytest.raises(SourceError) as caught:
        squares(totals, homes, **spread)
    assert problem in str(caught.value)


@given(
    totals=st.lists(st.floats(0, 1e6), min_size=4, max_size=4),
    homes=st.lists(st.tuples(st.floats(-500, 4500), st.floats(0, 1000), st.sampled_from([0, 0.5, 3])), max_size=12),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_lost(squares, totals, homes):
    """Every unit with a polygon keeps its people, wherever its homes are; d has none."""
    table = pd.DataFrame({"code": ["a", "b", "c", "d"], "all": totals})
    places = pd.DataFrame(homes or [(1.0, 1.0, 1.0)], columns=["x", "y", "weight"])
    if not any(totals[:3]):
        with pytest.raises(SourceError, match="nobody lives inside the areas"):
            squares(table, places, weight="weight")
        return
    people, _ = squares(table, places, weight="weight")
    assert people.accounts.loc[("all", "in_areas"), ["a", "b", "c"]].tolist() == pytest.approx(totals[:3], rel=1e-9)
    assert people.accounts.loc[("all", "without_area"), "total"] == totals[3]
    assert (people.groups["all"] >= 0).all()


def test_a_whole_study_on_totals(town):
    """The town's two units as totals, over three homes: the figures of the study follow."""
    folder = town.parent
    (folder / "people.csv").write_text("code,all,old\n1,90,30\n2,50,10\n", encoding="utf-8")
    (folder / "homes.csv").write_text(f"x,y,flats\n{X},{Y + 10},2\n{X + 500},{Y + 20},1\n{X + 900},{Y - 30},5\n")
    text = town.read_text(encoding="utf-8")
    text = text.replace('[population]\ndatum = "EPSG:4547"', "[population]").replace(
        'x = "x"\ny = "y"\n\n[pop', "\n[pop", 1
    )
    spread = (
        '[population.spread]\nhomes = { path = "homes.csv", datum = "EPSG:4547", x = "x", y = "y", weight = "flats" }\n'
    )
    town.write_text(text.replace("[[facilities]]", f"{spread}\n[[facilities]]", 1), encoding="utf-8")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    assert result.case.people_of("all").tolist() == pytest.approx([60, 30, 50])
    # A1 is 10 m from the first home; the second is 420 m from A2 and served within 501 s; A2 is 30 m from the third.
    assert result.table("elder_care")["served_people"].tolist() == pytest.approx([30, 10])
    assert result.ledgers["elder_care"]["total"].sum() == pytest.approx(40)


# Filling ------------------------------------------------------------------------------------------------------


@given(
    corners=st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=3, max_size=6),
    spacing=st.floats(5, 400),
)
@quick
def test_polygons_are_filled_with_the_centres_of_cells_in_them(corners, spacing):
    shape = shapely.MultiPoint(corners).convex_hull.buffer(0.5)
    xy, owner = fill_polygons(np.array([shape, shape]), spacing)
    assert len(xy) == len(owner)
    assert set(owner.tolist()) == {0, 1}
    assert all(shape.intersects(shapely.Point(point)) for point in xy)
    one = xy[owner == 0]
    if len(one) > 1:
        assert np.allclose(one / spacing % 1, 0.5, atol=1e-6)
    assert abs(len(one) * spacing**2 - shape.area) <= spacing * shape.length + 4 * spacing**2


def test_too_many_points_are_refused():
    with pytest.raises(SourceError, match="set a larger population"):
        fill_polygons(np.array([shapely.box(0, 0, 1e6, 1e6)]), 1.0)
