"""Repairs: proposed by the audit, kept by a user, applied only to rows that still are what they were."""

from __future__ import annotations

import tomllib
from collections import Counter

import pytest
from click.testing import CliRunner

import withinreach as wr
from withinreach.cli import cli
from withinreach.preparation import examine, write_repairs

HEADER = "编号,类别,名称,x,y,床位,护理\n"
ROWS = [
    "A1,养老,幸福里养老院,500000,3900000,10,4",
    "A2,养老,幸福里养老院,500040,3900000,,",
    'A3,养老,"乙""院""=1+1",500900,3900000,20,25',
    "A4,养老,丙养老院（停业）,500300,3900000,0,",
    "C1,诊所,丙诊所,500350,3900005,,",
]


@pytest.fixture
def faulty(town):
    """The town with a table in which four of five rows have something wrong."""
    write(town, ROWS)
    text = town.read_text(encoding="utf-8").replace('{ beds = "床位" }', '{ beds = "床位", nursing_beds = "护理" }')
    town.write_text(text, encoding="utf-8")
    return town


def write(study, rows) -> None:
    (study.parent / "facilities.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8-sig")


def keep(study, plan: str) -> None:
    """Name a plan in the study, as the header of the plan tells."""
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("[areas]", f'repairs = "{plan}"\n\n[areas]', 1), encoding="utf-8")


def proposed(study, plan="plan.toml") -> dict:
    path = study.parent / plan
    found = examine(wr.load_study(study))
    assert found.problems == ()
    write_repairs(path, wr.load_study(study), found.proposed)
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_every_proposal_stands_below_what_and_why(faulty):
    plan = proposed(faulty)
    assert Counter(one["rule"] for one in plan["repairs"]) == {
        "duplicate": 1,
        "nursing_beds_exceed_beds": 1,
        "name_says_not_open": 1,
    }
    text = (faulty.parent / "plan.toml").read_text(encoding="utf-8")
    assert 'put repairs = "plan.toml" into the study' in text
    for block in text.split("\n\n")[1:]:
        comment, _, body = block.partition("[[repairs]]")
        assert all(line.startswith("# ") for line in comment.strip().splitlines()), block
        assert len(comment.strip().splitlines()) >= 3
        assert "rule = " in body
    changed = next(one for one in plan["repairs"] if "change" in one)
    assert changed["change"] == {"护理": {"old": "25", "new": ""}}
    assert "# 护理: 25 -> (unknown)" in text


def test_the_comments_speak_the_language_of_the_study(faulty):
    faulty.write_text(faulty.read_text(encoding="utf-8").replace('"en"', '"zh"'), encoding="utf-8")
    proposed(faulty)
    text = (faulty.parent / "plan.toml").read_text(encoding="utf-8")
    assert "# 护理：25 → （未知）" in text
    assert "删除该行" in text


def test_what_is_kept_is_done_and_stands_in_the_audit(faulty):
    before = wr.prepare(wr.load_study(faulty)).facilities.table
    proposed(faulty)
    keep(faulty, "plan.toml")
    case = wr.prepare(wr.load_study(faulty))
    after = case.facilities.table
    assert before["id"].tolist() == ["A1", "A2", "A3", "A4", "C1"]
    assert after[["id", "row"]].to_numpy().tolist() == [["A1", 2], ["A3", 4], ["C1", 6]]
    assert before["nursing_beds"].tolist()[2] == 25
    assert after["nursing_beds"].isna().tolist() == [False, True, True]
    told = case.audit.findings.set_index("rule")
    assert told.loc["repair_changed", ["row", "column", "value", "action"]].tolist() == [
        4,
        "护理",
        "25",
        "changed to ''",
    ]
    dropped = told.loc["repair_dropped"].set_index("row")["reason"]
    assert sorted(dropped.index) == [3, 5]
    assert dropped[3] == (
        "repaired as plan.toml says (duplicate): seems to be the same as '幸福里养老院', row 2 of facilities.csv: "
        "40 m apart, names 100% alike"
    )
    # What is repaired is not proposed again, and the row of what was dropped is no finding any more.
    assert proposed(faulty, "more.toml").get("repairs", []) == []


def test_what_the_user_deletes_is_not_done(faulty):
    proposed(faulty)
    path = faulty.parent / "plan.toml"
    header, *blocks = path.read_text(encoding="utf-8").split("\n\n")
    path.write_text("\n\n".join([header, *(block for block in blocks if "duplicate" in block)]), encoding="utf-8")
    keep(faulty, "plan.toml")
    assert wr.prepare(wr.load_study(faulty)).facilities.table["id"].tolist() == ["A1", "A3", "A4", "C1"]


def test_a_plan_with_every_repair_deleted_changes_nothing(faulty):
    before = wr.prepare(wr.load_study(faulty)).facilities.table
    (faulty.parent / "plan.toml").write_text("# nothing is to be done\n", encoding="utf-8")
    keep(faulty, "plan.toml")
    assert wr.prepare(wr.load_study(faulty)).facilities.table.equals(before)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            ROWS[1:],
            r"plan\.toml: repair \d of facilities\.csv, row \d, column '\S+': holds '.*', the repair expects '.*'",
        ),
        (ROWS[:2], r"plan\.toml: repair \d of facilities\.csv, row \d: the file has no such row any more"),
    ],
    ids=["rows moved", "rows gone"],
)
def test_a_repair_that_no_longer_fits_its_row_is_named(faulty, rows, line):
    proposed(faulty)
    keep(faulty, "plan.toml")
    write(faulty, rows)
    with pytest.raises(wr.CoverageError, match=line):
        wr.prepare(wr.load_study(faulty))


def test_a_column_that_is_gone_is_named(faulty):
    plan = '[[repairs]]\nfile = "facilities.csv"\nrow = 2\nchange = { "没有" = { old = "1", new = "2" } }\n'
    (faulty.parent / "plan.toml").write_text(plan, encoding="utf-8")
    keep(faulty, "plan.toml")
    with pytest.raises(wr.CoverageError, match=r"row 2: the file has no column '没有'"):
        wr.prepare(wr.load_study(faulty))


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        ("[[repairs]\n", r"plan\.toml: not valid TOML"),
        ('[[repairs]]\nfile = "facilities.csv"\nrow = 2\n', r"repairs\.0: give either change or drop"),
        ('[[repairs]]\nfile = "facilities.csv"\nrow = 0\ndrop = { x = "1" }\n', r"repairs\.0\.row: "),
        ('[[repairs]]\nfile = "facilities.csv"\nrow = 2\ndorp = { x = "1" }\n', r"repairs\.0\.dorp"),
        ('[[repairs]]\nfile = "people.csv"\nrow = 2\ndrop = { x = "1" }\n', r"'people\.csv' is no table of facilities"),
        (
            2 * '[[repairs]]\nfile = "facilities.csv"\nrow = 2\ndrop = { x = "500000" }\n',
            r"row 2 of facilities\.csv is repaired twice",
        ),
    ],
)
def test_a_plan_that_is_wrong_is_told_in_one_line(faulty, plan, line):
    (faulty.parent / "plan.toml").write_text(plan, encoding="utf-8")
    keep(faulty, "plan.toml")
    with pytest.raises(wr.CoverageError, match=line):
        wr.prepare(wr.load_study(faulty))


def test_a_plan_that_is_missing_is_told(faulty):
    keep(faulty, "nowhere.toml")
    with pytest.raises(wr.CoverageError, match=r"nowhere\.toml: the repairs of the study cannot be read"):
        wr.prepare(wr.load_study(faulty))


def test_a_plan_that_a_user_works_on_is_never_overwritten(faulty):
    path = faulty.parent / "plan.toml"
    path.write_text("# mine\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["check", str(faulty), "--repair", str(path)])
    assert done.exit_code == 1
    assert "plan.toml: exists already; move it away or name another file" in done.stderr
    assert path.read_text(encoding="utf-8") == "# mine\n"


def test_exchanged_coordinates_are_repaired_although_the_file_could_not_be_used(town):
    text = town.read_text(encoding="utf-8").replace(
        'path = "facilities.csv"\ndatum = "EPSG:4547"', 'path = "facilities.csv"\ndatum = "wgs84"'
    )
    town.write_text(text, encoding="utf-8")
    (town.parent / "facilities.csv").write_text(
        "编号,类别,名称,x,y,床位\nA1,养老,甲,114.0012,35.2301,1\nA2,养老,乙,35.2302,114.0013,2\nC,诊所,丙,114,35.23,\n",
        encoding="utf-8",
    )
    plan = town.parent / "plan.toml"
    done = CliRunner().invoke(cli, ["check", str(town), "--repair", str(plan)])
    assert done.exit_code == 1
    assert "coordinates_swapped" not in done.stderr
    assert "error: facilities.csv: row 3, x, y '35.2302, 114.0013'" in done.stdout
    keep(town, "plan.toml")
    case = wr.prepare(wr.load_study(town))
    assert case.facilities.table["lon"].round(6).tolist() == [114.0012, 114.0013, 114.0]
