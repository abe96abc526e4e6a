"""Change between two dated studies: the nine-cell town, altered by hand, and Shapley's axioms."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import withinreach as wr
from nine_cells import write_nine_cells
from withinreach.change import explain_change
from withinreach.change.attribution import FACTORS, attribute_coverage, shapley
from withinreach.change.people import TOTAL


def case_of(folder, *edits: tuple[str, str, str]):
    """The town with some texts in its files replaced."""
    write_nine_cells(folder)
    for name, old, new in edits:
        path = folder / name
        text = path.read_text(encoding="utf-8-sig")
        assert old in text, (name, old)
        path.write_text(text.replace(old, new), encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")
    return wr.prepare(wr.load_study(folder / "study.toml"))


@pytest.fixture
def before(tmp_path):
    return case_of(tmp_path / "before")


A = "A,养老,A院,500200.0,3900000.0,63"
B = "B,养老,B院,500800.0,3900000.0,20"
C = "C,养老,C院,501700.0,3900000.0,"


def test_facilities_by_hand(tmp_path, before):
    after = case_of(
        tmp_path / "after",
        ("facilities.csv", A, "A,养老,甲院,500230,3900040.0,80"),  # the same id: moved by 50 m, renamed and larger
        ("facilities.csv", B, "B2,养老,Ｂ 院,500860,3900080.0,20"),  # another id, the same name 100 m away
        ("facilities.csv", C, "D,养老,C院,501700,3900100.1,40"),  # the same name, but a little too far
    )
    table = explain_change(before, after).facilities
    want = [
        ("resized", "id", "A", "A", 50.0, 63.0, 80.0),
        ("kept", "name", "B", "B2", 100.0, 20.0, 20.0),
        ("new", "", "", "D", None, None, 40.0),
        ("closed", "", "C", "", None, None, None),
    ]
    columns = ["status", "matched_by", "id_before", "id_after", "moved_m", "capacity_before", "capacity_after"]
    got = table[columns].astype(object).where(table[columns].notna(), None)
    assert [tuple(row) for row in got.itertuples(index=False)] == want
    assert table["name_before"].tolist() == ["A院", "B院", "", "C院"]
    assert table["name_after"].tolist() == ["甲院", "Ｂ 院", "C院", ""]
    assert set(table["kind"]) == {"elder_care"}


def test_a_capacity_that_became_known_is_no_change_of_size(tmp_path, before):
    after = case_of(tmp_path / "after", ("facilities.csv", C, C + "30"))
    assert explain_change(before, after).facilities["status"].tolist() == ["kept", "kept", "kept"]


def test_ids_that_are_not_unique_are_not_believed(tmp_path):
    doubled = ("facilities.csv", B, B.replace("B,", "A,", 1))
    one, two = case_of(tmp_path / "one", doubled), case_of(tmp_path / "two", doubled)
    assert explain_change(one, two).facilities["matched_by"].tolist() == ["name", "name", "id"]


def test_of_two_namesakes_the_nearer_one_is_meant(tmp_path, before):
    after = case_of(
        tmp_path / "after", ("facilities.csv", A, f"A1,养老,A院,500260,3900000.0,63\n{A.replace('A,', 'A2,', 1)}")
    )
    table = explain_change(before, after).facilities.set_index("id_after")
    assert table.loc["A2", ["status", "matched_by", "moved_m"]].tolist() == ["kept", "name", 0]
    assert table.loc["A1", "status"] == "new"


def test_people_by_hand(tmp_path, before):
    """The west loses cell 1's thirty, the east's cell 8 grows from ten to fifty."""
    after = case_of(
        tmp_path / "after",
        ("people.csv", "3900000.0,30,30\n", "3900000.0,7,0\n"),
        ("people.csv", ",10,10\n", ",50,50\n"),
    )
    change = explain_change(before, after)
    rows = change.people[["code", "people_before", "people_after", "change"]]
    assert rows.to_numpy().tolist() == [["1", 150, 120, -30], ["2", 145, 185, 40]]
    total = change.moved.iloc[0]
    assert total[["people_before", "people_after", "change"]].tolist() == [295, 305, 10]
    assert total["moved_share"] == pytest.approx(185 / 305 - 145 / 295)


def test_each_factor_alone_bears_the_whole_change(tmp_path, before):
    """C closes: cell 7's fifty lose it, cell 6 still has B. Nothing else changed."""
    without_c = ("facilities.csv", C + "\n", "")
    table = explain_change(before, case_of(tmp_path / "facilities", without_c)).coverage.set_index("code")
    assert table.loc[TOTAL, "coverage_before"] == 280 / 295
    assert table.loc[TOTAL, "by_facilities"] == pytest.approx(-50 / 295)
    assert table.loc["2", "by_facilities"] == pytest.approx(-50 / 145)
    assert table[["by_people", "by_network"]].abs().to_numpy().max() < 1e-15
    # fifty more on the island
    more = ("people.csv", "3905000.0,5,5\n", "3905000.0,55,55\n")
    table = explain_change(before, case_of(tmp_path / "people", more)).coverage.set_index("code")
    assert table.loc[TOTAL, "by_people"] == pytest.approx(280 / 345 - 280 / 295)
    assert table[["by_facilities", "by_network"]].abs().to_numpy().max() < 1e-15
    # the street now ends at 1,500 m: cell 7 is 100 m off its end and C 200 m, cell 8 out of reach of any street
    cut = ("streets.geojson", "502400.0", "501500.0")
    table = explain_change(before, case_of(tmp_path / "network", cut)).coverage.set_index("code")
    assert table[["by_facilities", "by_people"]].abs().to_numpy().max() < 1e-15
    assert table.loc[TOTAL, "by_network"] == pytest.approx(table.loc[TOTAL, "change"])


def test_factors_that_work_together_share_the_change(tmp_path, before):
    """A clinic opens on the island, and fifty people move there: each alone would do little."""
    after = case_of(
        tmp_path / "after",
        ("facilities.csv", C, f"{C}\nE,养老,E院,501000,3905000.0,10"),
        ("people.csv", "3905000.0,5,5\n", "3905000.0,55,55\n"),
    )
    row = explain_change(before, after).coverage.set_index("code").loc[TOTAL]
    opened, moved, both = 285 / 295 - 280 / 295, 280 / 345 - 280 / 295, 335 / 345 - 280 / 295
    assert row["by_facilities"] == pytest.approx((opened + both - moved) / 2)
    assert row["by_people"] == pytest.approx((moved + both - opened) / 2)
    assert row["by_network"] == pytest.approx(0, abs=1e-15)
    assert row["change"] == pytest.approx(both)


def test_parts_add_up_when_everything_changed(tmp_path, before):
    after = case_of(
        tmp_path / "after",
        ("facilities.csv", C + "\n", ""),
        ("people.csv", ",10,10\n", ",50,50\n"),
        ("streets.geojson", "502400.0", "501500.0"),
    )
    table = attribute_coverage(before, after)
    assert table["code"].tolist() == ["1", "2", TOTAL]
    parts = table[[f"by_{factor}" for factor in FACTORS]].sum(axis=1)
    np.testing.assert_allclose(parts, table["change"], atol=1e-15)
    # as each case alone has it
    for case, column in ((before, "coverage_before"), (after, "coverage_after")):
        result = wr.analyse(case)
        assert table[column].tolist()[:2] == result.table("elder_care")["coverage"].tolist()
        assert table[column].iloc[2] == result.totals["elder_care"]["coverage"]


def test_areas_that_only_one_case_has_are_unknown_in_the_other(tmp_path, before):
    after = case_of(tmp_path / "after", ("areas.geojson", '"code": "2"', '"code": "3"'))
    change = explain_change(before, after)
    assert change.people["code"].tolist() == ["1", "3", "2"]
    assert change.people["people_before"].isna().tolist() == [False, True, False]
    table = change.coverage.set_index("code")
    assert math.isnan(table.loc["3", "change"])
    assert table.loc[TOTAL, "change"] == 0


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            ("study.toml", "cutoff_min = 10", "cutoff_min = 15"),
            r"services\.elder_care\.cutoff_min is 10\.0 before and 15",
        ),
        (("study.toml", "speed_m_s = 1.0", "speed_m_s = 0.9"), "profile: speed_m_s is 1.0 before and 0.9 after"),
        (("study.toml", "[services.elder_care]", "[services.other]"), "services.other: is not in the study of before"),
        (("study.toml", 'metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:4548"'), "metric_crs is EPSG:4547 before"),
    ],
)
def test_other_definitions_are_no_change(tmp_path, before, edit, told):
    with pytest.raises(wr.CoverageError, match=told):
        explain_change(before, case_of(tmp_path / "after", edit))


MIXES = list(product((False, True), repeat=3))


@given(st.lists(st.fractions(), min_size=8, max_size=8))
def test_shapley_is_the_mean_over_all_orders_and_adds_up_exactly(values):
    worth = dict(zip(MIXES, values, strict=True))
    parts = shapley(worth)
    assert sum(parts) == worth[True, True, True] - worth[False, False, False]
    by_orders = [Fraction(0)] * 3
    for order in permutations(range(3)):
        mix = [False] * 3
        for factor in order:
            without = worth[tuple(mix)]
            mix[factor] = True
            by_orders[factor] += (worth[tuple(mix)] - without) / 6
    assert parts == by_orders
