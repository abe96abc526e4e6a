"""Calibration: the census is met by area and group, groups nest in every cell, and nobody is lost on the way."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import withinreach as wr
from naive import rake as slow_rake
from withinreach.errors import SourceError
from withinreach.model import Areas
from withinreach.preparation.calibration import Cells, Margins, calibrate
from withinreach.preparation.nesting import need_apart, parents
from withinreach.preparation.raking import FITTED, rake
from withinreach.study import PopulationLayer, PopulationPart

quick = settings(max_examples=80, deadline=None)
AGES = {"all": [0], "age_60_plus": [60]}


# The town -----------------------------------------------------------------------------------------------------


@pytest.fixture
def calibrated(town):
    """The town with a census, prepared. West has 235 people, 61.5 of them old; east has 50 and 10."""
    for group, ages in AGES.items():
        edit(town, f"[population.groups.{group}]", f"[population.groups.{group}]\nages = {ages}")

    def prepare(census: str, more: str = "") -> wr.Case:
        (town.parent / "census.csv").write_text(f"code,name,all,old\n{census}\n", encoding="utf-8")
        edit(town, "[[facilities]]", f"{CALIBRATION}{more}\n[[facilities]]")
        return wr.prepare(wr.load_study(town))

    return prepare


CALIBRATION = """\
[population.calibration]
path = "census.csv"
as_of = 2020-11-01
groups = { all = ["all"], age_60_plus = ["old"] }
"""


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def by_area(case: wr.Case, group: str) -> list[float]:
    return np.bincount(case.people.area, case.people_of(group), len(case.areas)).tolist()


def told(case: wr.Case, rule: str) -> list[tuple[str, str]]:
    found = case.audit.findings.query("rule == @rule")
    return list(zip(found["value"], found["reason"], strict=True))


def test_by_hand(calibrated):
    """West: the old stay, others go from 173.5 to 408.5. East: the old go from 10 to 20, others from 40 to 30."""
    case = calibrated("1,西区,470,61.5\n2,东区,50,20")
    old, others = case.people_of("age_60_plus"), case.people_of("all") - case.people_of("age_60_plus")
    assert old == pytest.approx([20, 30, 10.5, 16, 4, 1])
    west, east = 408.5 / 173.5, 30 / 40
    assert others == pytest.approx([80 * west, 20 * west, 69.5 * west, 32 * east, 8 * east, 4 * west])
    assert by_area(case, "all") == pytest.approx([470, 50], rel=1e-14)
    steps = case.audit.population["all"]
    assert steps[["read", "calibration", "in_areas", "census"]].tolist() == pytest.approx([285, 235, 520, 520])
    assert case.audit.accounts.loc[("all", "calibration"), ["1", "2"]].tolist() == pytest.approx([235, 0], abs=1e-12)
    assert steps["residual"] == pytest.approx(0, abs=1e-10)


def test_factors_are_told_and_the_implausible_ones_flagged(calibrated):
    case = calibrated("1,西区,470,61.5\n2,东区,50,20")
    factors = case.audit.factors
    assert factors["factor"].tolist() == pytest.approx([2, 1, 1, 2])
    assert factors["plausible"].tolist() == [False, True, True, False]
    assert [value for value, _ in told(case, "factor_implausible")] == ["1", "2"]
    assert "factor 2 outside 0.7 to 1.4" in told(case, "factor_implausible")[0][1]


def test_the_result_and_its_ledger_follow(calibrated):
    result = wr.analyse(calibrated("1,西区,470,61.5\n2,东区,50,20"))
    assert result.totals["elder_care"]["people"] == pytest.approx(81.5)
    assert result.ledgers["elder_care"]["total"].sum() == pytest.approx(81.5)
    assert result.table("elder_care")["people"].tolist() == pytest.approx([61.5, 20])


def test_a_group_that_the_census_does_not_tell_follows_the_one_around_it(calibrated):
    """Nothing is known of the old in the east: they go with everybody there, and stay a fifth of them."""
    case = calibrated("1,西区,470,61.5\n2,东区,100,")
    assert by_area(case, "all") == pytest.approx([470, 100])
    assert by_area(case, "age_60_plus") == pytest.approx([61.5, 20])
    assert np.isnan(case.audit.accounts.loc[("age_60_plus", "census"), "2"])


def test_nobody_old_lives_there_but_the_census_has_some(town, calibrated):
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace(",40.0,8.0", ",40.0,0").replace(",10.0,2.0", ",10.0,0"))
    case = calibrated("1,西区,235,61.5\n2,东区,50,20")
    assert case.people_of("age_60_plus")[3:5] == pytest.approx([16, 4])  # as all people, 40 to 10
    assert case.people_of("all")[3:5] == pytest.approx([40, 10])
    assert told(case, "census_on_settled_cells") == [
        ("2", "the census has people of age_60_plus where the population has none")
    ]


def test_nobody_lives_there_but_the_census_has_people(town, calibrated):
    people = town.parent / "people.csv"
    people.write_text("\n".join(people.read_text().splitlines()[:4]) + "\n")
    case = calibrated("1,西区,235,61.5\n2,东区,130,26")
    new = case.people.area == 1
    assert new.sum() == 4 * 13  # the east is 400 m by 1300 m, its cells 100 m
    assert case.people_of("all")[new] == pytest.approx(np.full(52, 2.5))
    assert case.people_of("age_60_plus")[new] == pytest.approx(np.full(52, 0.5))
    assert told(case, "census_on_empty_ground") == [("2", "the census has people where the population has none")]
    assert by_area(case, "all") == pytest.approx([235, 130])
    assert np.isinf(case.audit.factors.set_index(["code", "group"]).loc[("2", "all"), "factor"])


def test_on_empty_ground_a_group_that_the_census_does_not_tell_is_as_elsewhere(town, calibrated):
    """In the west 61.5 of 235 are old; so are the people whom the census has in the empty east."""
    people = town.parent / "people.csv"
    people.write_text("\n".join(people.read_text().splitlines()[:4]) + "\n500300,3900450,5,1\n")
    case = calibrated("1,西区,235,61.5\n2,东区,130,")
    assert by_area(case, "age_60_plus") == pytest.approx([61.5, 130 * 61.5 / 235])


def test_the_census_has_nobody_where_somebody_lives(calibrated):
    case = calibrated("1,西区,235,61.5\n2,东区,0,0")
    assert by_area(case, "all") == pytest.approx([235, 0])
    assert len(case.people) == 4
    assert case.audit.accounts.loc[("all", "calibration"), "2"] == -50


def test_an_area_without_a_row_is_not_calibrated_and_told(calibrated):
    case = calibrated("1,西区,470,61.5")
    assert by_area(case, "all") == pytest.approx([470, 50])
    assert [value for value, _ in told(case, "area_without_census")] == ["2"]


def test_units_without_a_polygon_stay_in_the_ledger(calibrated):
    case = calibrated("1,西区,235,61.5\n2,东区,50,10\n3,高新区,30,7", 'name = "name"\n')
    steps = case.audit.population
    assert steps.loc["census", "all"] == 315
    assert steps.loc["census_without_area", "all"] == 30
    assert steps.loc["in_areas", "all"] == pytest.approx(285)
    assert told(case, "census_without_area") == [("3", "高新区 has no polygon: all 30.0, age_60_plus 7.0")]


@pytest.mark.parametrize(
    ("into", "east", "west"), [('{ 3 = "2" }', 80, 235), ("{ 3 = { 1 = 0.4, 2 = 0.6 } }", 68, 247)]
)
def test_units_without_a_polygon_go_to_areas_if_the_study_says_so(calibrated, into, east, west):
    case = calibrated("1,西区,235,61.5\n2,东区,50,10\n3,高新区,30,7", f"into = {into}\n")
    assert by_area(case, "all") == pytest.approx([west, east])
    assert case.audit.population.loc["census_without_area", "all"] == 0
    assert [value for value, _ in told(case, "census_sent_to_area")] == ["3"]


def test_names_are_compared_where_codes_are_joined(calibrated):
    case = calibrated("1,西 区,235,61.5\n2,新区,50,10", 'name = "name"\n')
    assert told(case, "names_differ") == [("2", "is 新区 in the census and 东区 in the areas")]


@pytest.mark.parametrize(
    ("census", "more", "problem"),
    [
        ("1,西区,50,61.5\n2,东区,50,10", "", "census.csv: 1: all is 11.5 people smaller than the groups inside it"),
        ("1,西区,235,61.5\n1,东区,50,10", "", "row 3, column 'code': code 1 stands twice (first in row 2)"),
        ("1,西区,235,many\n2,东区,50,10", "", "row 2, column 'old': 'many' is not a number"),
        ("1,西区,235,6\nNA,全国,285,9", "", "row 3, column 'code': has no code; fill it in, or let"),
        ("1,西区,-235,6\n2,东区,50,10", "", "row 2, column 'all': '-235' is negative"),
        ("1,西区,1,1\n7,别处,900,10\n8,别处,900,10", "", "2 of 3 units, with most of the people, are no areas"),
        ("1,西区,235,61.5\n2,东区,50,10", 'prefix = "4107"\n', "no code in column 'code' begins with '4107'"),
        ("1,西区,235,61.5\n2,东区,50,10", 'into = { 9 = "1" }\n', "into: 9 is no unit of the census"),
        ("1,西区,235,61.5\n2,东区,50,10\n3,x,1,1", 'into = { 3 = "4" }\n', "into.3: 4 is no area"),
        ("1,西区,235,61.5\n2,东区,50,10", 'into = { 1 = "2" }\n', "into: 1 is an area itself"),
        (
            "1,西区,235,61.5\n2,东区,50,10",
            'code = "区划代码"\n',
            "no column '区划代码' (named by population.calibration.code",
        ),
    ],
)
def test_a_census_that_cannot_be_used(calibrated, census, more, problem):
    with pytest.raises(SourceError) as caught:
        calibrated(census, more)
    assert len(caught.value.problems) == 1
    assert problem in str(caught.value)


def test_larger_units_are_checked_and_left_out(calibrated, town):
    areas = town.parent / "areas.geojson"
    gpd.read_file(areas).assign(code=["410702", "410703"]).to_file(areas)
    case = calibrated("410700,市,290,70\n410702,西区,235,61.5\n410703,东区,50,10\n410771,高新区,5,1\n410800,焦作,99,9")
    assert by_area(case, "all") == pytest.approx([235, 50])
    assert told(case, "sum_agrees") == [("410700", "all: 290, which is the sum of its parts")]
    assert told(case, "sum_differs") == [("410700", "age_60_plus: 70, but its parts add up to 72")]
    assert case.audit.population.loc["census_without_area", "all"] == 5 + 99


# Townships ----------------------------------------------------------------------------------------------------

TOWNSHIPS = """\
[population.calibration.townships]
path = "townships.csv"
column = "people"
group = "all"
units = { path = "townships.geojson", datum = "EPSG:4547", code = "code" }
"""


@pytest.fixture
def with_townships(town, calibrated):
    """West in two townships, a (x < 250) and b, east in one, c. In a live 150 people, 50 of them old; in b 85, 11.5."""

    def prepare(totals: dict[str, str], census: str = "1,西区,470,100\n2,东区,50,10") -> wr.Case:
        x, y = 500_000.0, 3_900_000.0
        boxes = {"a": (-100, 250), "b": (251, 600), "c": (600, 1000)}
        shapes = [shapely.box(x + west, y - 700, x + east, y + 600) for west, east in boxes.values()]
        layer = gpd.GeoDataFrame({"code": list(boxes)}, geometry=shapes, crs="EPSG:4547")
        layer.to_file(town.parent / "townships.geojson")
        rows = "\n".join(f"{code},{people}" for code, people in totals.items())
        (town.parent / "townships.csv").write_text(f"code,people\n{rows}\n", encoding="utf-8")
        return calibrated(census, TOWNSHIPS)

    return prepare


def in_townships(case: wr.Case, group: str) -> list[float]:
    east = case.people.xy[:, 0] - 500_000
    return np.bincount(np.digitize(east, [250.5, 600]), case.people_of(group), 3).tolist()


def test_townships_and_ages_are_met_together(with_townships):
    case = with_townships({"a": "400", "b": "70", "c": "50"})
    assert in_townships(case, "all") == pytest.approx([400, 70, 50], rel=1e-8)
    assert by_area(case, "all") == pytest.approx([470, 50], rel=1e-12)
    assert by_area(case, "age_60_plus") == pytest.approx([100, 10], rel=1e-12)
    # Iterative fitting keeps the odds ratio of old and others between a and b.
    old, everybody = in_townships(case, "age_60_plus"), in_townships(case, "all")
    odds = [mine / (whole - mine) for mine, whole in zip(old, everybody, strict=True)]
    assert odds[0] / odds[1] == pytest.approx((50 / 100) / (11.5 / 73.5), rel=1e-6)
    townships = case.audit.factors.set_index("code").loc[["a", "b", "c"]]
    assert townships["people"].tolist() == pytest.approx([150, 85, 50])
    assert townships["census"].tolist() == pytest.approx([400, 70, 50])
    assert townships["plausible"].tolist() == [False, True, True]
    assert [value for value, _ in told(case, "factor_implausible")] == ["1", "1", "a"]


def test_townships_are_scaled_to_their_area(with_townships):
    """800 and 140 are twice what the census has of the west: only their proportion counts."""
    case = with_townships({"a": "800", "b": "140", "c": "7"})
    assert in_townships(case, "all") == pytest.approx([400, 70, 50], rel=1e-8)


def test_a_township_without_a_total_gets_the_rest(with_townships):
    case = with_townships({"a": "300", "c": "50", "z": "9"})
    assert in_townships(case, "all") == pytest.approx([300, 170, 50], rel=1e-8)
    assert told(case, "townships_without_total") == [("", "1 townships have no total: b")]
    assert told(case, "townships_without_polygon") == [("", "1 townships with 9 people have no polygon: z")]


def test_a_township_where_nobody_lives_is_filled(town, with_townships):
    people = town.parent / "people.csv"
    lines = [line for line in people.read_text().splitlines() if not line.startswith(("500500", "500300"))]
    people.write_text("\n".join(lines) + "\n")
    case = with_townships({"a": "400", "b": "70", "c": "50"})
    assert in_townships(case, "all") == pytest.approx([400, 70, 50], rel=1e-8)
    assert [value for value, _ in told(case, "census_on_empty_ground")] == ["b"]
    assert len(case.people) == 4 + 3 * 13  # b is 349 m by 1300 m


@pytest.mark.parametrize(
    ("totals", "census", "problem"),
    [
        ({"a": "0", "b": "0", "c": "50"}, None, "the townships of 1 have nobody, the area has 470 people"),
        ({"a": "900", "c": "50"}, None, "the townships of 1 that have a total hold 900 people, the area only 470"),
        ({"a": "400", "b": "70"}, "1,西区,,100\n2,东区,50,10", "1: has townships but no figure of all"),
    ],
)
def test_townships_that_contradict_the_census(with_townships, totals, census, problem):
    with pytest.raises(SourceError) as caught:
        with_townships(totals, *([census] if census else []))
    assert problem in str(caught.value)


def test_a_township_with_nobody_of_a_group_cannot_be_met(town, with_townships):
    """Everybody in b is young; if a shrinks to 50 people, 100 old people have no place."""
    people = town.parent / "people.csv"
    people.write_text(people.read_text().replace(",80.0,10.5", ",80.0,0").replace(",5.0,1.0", ",5.0,0"))
    with pytest.raises(SourceError, match=r"the townships of 1 cannot be met together with the census"):
        with_townships({"a": "50", "b": "420", "c": "50"})


# Raking -------------------------------------------------------------------------------------------------------

counts = st.floats(0.1, 100)


@st.composite
def two_margins(draw):
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    table = np.array(draw(st.lists(counts, min_size=height * width, max_size=height * width))).reshape(height, width)
    rows = np.array(draw(st.lists(counts, min_size=height, max_size=height)))
    columns = np.array(draw(st.lists(counts, min_size=width, max_size=width)))
    return table, rows, columns * (rows.sum() / columns.sum())


@given(case=two_margins())
@quick
def test_raking_meets_both_margins_and_keeps_odds_ratios(case):
    table, rows, columns = case
    fitted, off = rake(table, rows, columns)
    assert off <= FITTED
    assert fitted.sum(axis=0) == pytest.approx(columns, rel=1e-12)
    assert fitted.sum(axis=1) == pytest.approx(rows, rel=1e-6, abs=1e-8 * rows.sum())
    ratio = fitted / table
    cross = ratio * ratio[0, 0] / (ratio[:, :1] * ratio[:1, :])
    assert cross == pytest.approx(np.ones(table.shape), rel=1e-6)


@given(case=two_margins())
@quick
def test_raking_agrees_with_its_slow_twin(case):
    table, rows, columns = case
    fitted, _ = rake(table, rows, columns)
    slow = slow_rake(table.tolist(), rows.tolist(), columns.tolist())
    assert fitted == pytest.approx(np.array(slow), rel=1e-9)


def test_raking_says_where_zeros_are_in_the_way():
    _, off = rake(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3.0, 1.0]), np.array([2.0, 2.0]))
    assert off == pytest.approx(0.25)


# Any cells and groups -----------------------------------------------------------------------------------------

NESTED = {"all": [0], "young": [0, 15], "infants": [0, 3], "old": [60], "older": [65], "oldest": [80]}


def nested_layer() -> PopulationLayer:
    groups = {
        name: {"title": name, "ages": ages, "parts": [{"path": "x", "column": name}]} for name, ages in NESTED.items()
    }
    return PopulationLayer.model_validate({"as_of": "2020-11-01", "datum": "wgs84", "groups": groups})


def nested_parts() -> dict[str, tuple[PopulationPart, ...]]:
    return {name: group.parts for name, group in nested_layer().groups.items()}


def test_how_the_groups_of_the_plan_nest():
    assert parents(nested_layer(), nested_parts()).tolist() == [-1, 0, 1, 0, 3, 4]


@st.composite
def people_and_census(draw):
    """Cells in three areas and a census, in both of which groups hold each other; some areas have nobody."""

    def row() -> list[float]:
        infants, other_young, middle, sixties, seventies, oldest = (
            draw(st.sampled_from([0.0, 0.25, 3.0, 70.5])) for _ in range(6)
        )
        young, older = infants + other_young, seventies + oldest
        return [young + middle + sixties + older, young, infants, sixties + older, older, oldest]

    cells = draw(st.lists(st.tuples(st.integers(0, 2), st.just(None)), max_size=8))
    people = pd.DataFrame([row() for _ in cells], columns=list(NESTED), dtype=np.float64)
    area = np.array([area for area, _ in cells], np.int32)
    census = pd.DataFrame([row() for _ in range(3)], columns=list(NESTED), dtype=np.float64)
    unknown = np.array(draw(st.lists(st.booleans(), min_size=18, max_size=18))).reshape(3, 6) & draw(st.booleans())
    return people, area, census.mask(unknown)


AREAS = Areas(
    gpd.GeoDataFrame(
        {"code": ["1", "2", "3"], "name": ["a", "b", "c"]},
        geometry=[shapely.box(500_000 + i * 1000, 3_900_000, 501_000 + i * 1000, 3_901_000) for i in range(3)],
        crs="EPSG:4547",
    )
)


@given(case=people_and_census())
@quick
def test_the_census_is_met_and_groups_nest_in_every_cell(case):
    people, area, census = case
    parent = parents(nested_layer(), nested_parts())
    xy = np.column_stack([500_500 + area * 1000.0, np.full(len(area), 3_900_500.0)])
    grown, filled = calibrate(Cells(people, xy, area), Margins(Path("census.csv"), census, parent, AREAS, 500.0))
    assert len(grown.xy) == len(grown.groups) == len(grown.area) >= len(people)
    assert (grown.area[: len(area)] == area).all()
    for group in NESTED:
        got = np.bincount(grown.area, grown.groups[group], 3)
        known = census[group].notna().to_numpy()
        assert got[known] == pytest.approx(census[group][known], rel=1e-9, abs=1e-9)
    values = grown.groups.to_numpy()
    assert (values >= 0).all()
    for child, at in enumerate(parent):
        assert at < 0 or (values[:, child] <= values[:, at] * (1 + 1e-12)).all()
    untouched = census.isna().all(axis=1).to_numpy()[area]
    assert values[: len(area)][untouched] == pytest.approx(people[untouched].to_numpy(), abs=1e-9)
    # Somebody is put on empty ground only where the census has people and the cells nobody.
    for place, group in [(one.place, one.group) for one in filled]:
        row = int(place) - 1
        assert census.iloc[row].max() > 0
        assert (group is None) == (people[area == row].to_numpy().sum() == 0)


def part(name: str, share: float = 1.0) -> PopulationPart:
    return PopulationPart(path="x", column=name, share=share)


def test_groups_without_ages_nest_by_their_parts():
    groups = {
        name: {"title": name, "parts": [{"path": "x", "column": name}]} for name in ("all", "infants", "old", "sum")
    }
    layer = PopulationLayer.model_validate({"as_of": "2020-11-01", "datum": "wgs84", "groups": groups})
    parts = {
        "all": (part("00"), part("01"), part("60")),
        "infants": (part("00"), part("01", 0.5)),
        "old": (part("60"),),
        "sum": (part("persons"),),
    }
    assert parents(layer, parts).tolist() == [-1, 0, 0, -1]
    need_apart(layer, parts, parents(layer, parts))


def test_groups_that_overlap_cannot_be_calibrated():
    groups = {name: {"title": name, "parts": [{"path": "x", "column": name}]} for name in ("all", "one", "two")}
    layer = PopulationLayer.model_validate({"as_of": "2020-11-01", "datum": "wgs84", "groups": groups})
    parts = {"all": (part("00"), part("01")), "one": (part("00"),), "two": (part("00", 0.5), part("01"))}
    with pytest.raises(SourceError, match="groups one, two overlap"):
        need_apart(layer, parts, parents(layer, parts))
