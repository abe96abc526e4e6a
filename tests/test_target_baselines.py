"""What a register tells beside the number of a target: attribute, department, and where it stood at the beginning."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest

import withinreach as wr
from judged_town import write_judged_town
from withinreach.errors import StudyError

BEGIN = 'gloss = "a rate and a total"\n'


@pytest.fixture
def study(tmp_path):
    """The judged town, whose targets count from 2022."""
    folder = tmp_path / "town"
    folder.mkdir()
    path = write_judged_town(folder)
    plan = folder / "plan.toml"
    text = plan.read_text(encoding="utf-8").replace("year = 2025\n", "year = 2025\nbase_year = 2022\n", 1)
    told = 'attribute = "binding"\ndepartment = "=医保局"\nbaseline = 94.5\n'
    plan.write_text(text.replace(BEGIN, BEGIN + told), encoding="utf-8")
    return path


def judged(path):
    return wr.judge(wr.analyse(wr.prepare(wr.load_study(path))))


def of_imported(judgement, unit, part="rate"):
    table = judgement.of_unit(unit)
    return table[(table["target"] == "imported") & (table["part"] == part)].iloc[0]


def test_a_statistic_of_the_base_year_goes_before_what_the_document_tells(study):
    judgement = judged(study)
    whole = of_imported(judgement, "total")
    assert (whole["baseline"], whole["baseline_year"]) == (96.0, 2022)
    assert (whole["value"], whole["reported_year"]) == (97.2, 2023)
    assert (whole["attribute"], whole["department"]) == ("binding", "=医保局")
    one = of_imported(judgement, "1")  # told for 2023 only, and the document tells of the whole
    assert pd.isna(one["baseline"])
    assert pd.isna(one["baseline_year"])
    total = of_imported(judgement, "total", "total")
    assert (total["baseline"], total["baseline_year"]) == (94.5, 2022)


def test_without_a_base_year_nothing_is_known_and_a_baseline_is_an_error(study):
    plan = study.parent / "plan.toml"
    text = plan.read_text(encoding="utf-8").replace("base_year = 2022\n", "")
    plan.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="baseline: of which year"):
        judged(study)
    plan.write_text(text.replace("baseline = 94.5\n", ""), encoding="utf-8")
    assert judged(study).table["baseline"].isna().all()


def test_sheets_tell_them_in_words_and_a_dash_where_nothing_is_known(study, tmp_path):
    out = wr.export(wr.analyse(wr.prepare(wr.load_study(study))), tmp_path / "out", county="1")
    sheet = openpyxl.load_workbook(out / "county" / "1" / "1.xlsx").worksheets[2]
    header = [cell.value for cell in sheet[1]]
    rows = [dict(zip(header, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=2)]
    told, untold = (next(row for row in rows if row["target"] == target) for target in ("imported", "ratio"))
    assert (told["attribute"], told["department"], told["baseline"]) == ("binding", "=医保局", "—")
    assert (untold["attribute"], untold["department"]) == ("—", "—")
    book = openpyxl.load_workbook(out / "targets.xlsx")["targets"]
    header = [cell.value for cell in book[1]]
    place = header.index("baseline")
    assert [row[place] for row in book.iter_rows(min_row=2, values_only=True) if row[1] == "imported"] == [96, 94.5]
    assert "f" not in {row[header.index("department")].data_type for row in book.iter_rows()}


def test_the_plan_of_xinxiang_tells_two_baselines(sample_result):
    table = wr.judge(sample_result).of_unit("total")
    told = table[table["baseline"].notna() & (table["register"] == "xinxiang-2025")]
    assert dict(zip(told["target"], told["baseline"], strict=True)) == {"T1": 96.0, "T2": 96.0}
    assert set(told["baseline_year"]) == {2020}
