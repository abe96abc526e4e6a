"""Word briefs: what they say follows from the tables, every number leads to its cell, and LibreOffice opens them."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple
from zipfile import ZipFile

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from docx.oxml.ns import qn
from matplotlib import font_manager

import withinreach as wr
from conftest import EAST, with_veterans
from withinreach.batch.parts import write_parts
from withinreach.batch.reading import read_county
from withinreach.briefs import Evidence, save_template, write_county_brief
from withinreach.briefs.sources import KEYS
from withinreach.briefs.voice import Voice
from withinreach.cli import cli
from withinreach.maps.plates.fonts import CHINESE
from withinreach.model import Places
from withinreach.publishing import NO_WALKS, Material, Publication, write_county
from withinreach.publishing.briefing import evidence_of, no_grounds
from withinreach.siting.missing.pockets import find_pockets, lacking_in
from withinreach.uncertainty import estimate_intervals

if TYPE_CHECKING:
    from pathlib import Path

    from docx.document import Document

if not {entry.name for entry in font_manager.fontManager.ttflist} & set(CHINESE):
    pytest.skip("no typeface with Chinese is installed", allow_module_level=True)

ENGLISH = {"language": "en", "title": "Walking access", "notice": "Synthetic data", "producer": "Office"}


class Written(NamedTuple):
    """A brief and its workbook, read again."""

    path: Path
    document: Document
    tables: dict[str, pd.DataFrame]

    @classmethod
    def at(cls, path: Path) -> Written:
        book = openpyxl.load_workbook(path.with_suffix(".xlsx"), read_only=True)
        tables = {}
        for sheet in book.worksheets:
            head, *rows = sheet.iter_rows(values_only=True)
            tables[sheet.title] = pd.DataFrame(rows, columns=head)
        return cls(path, docx.Document(str(path)), tables)

    @property
    def text(self) -> str:
        return "\n".join(told(paragraph) for paragraph in body(self.document))


def body(document: Document) -> list:
    """Every paragraph of the text and its tables, in order."""
    return list(document.element.body.iter(qn("w:p")))


def told(element) -> str:
    return "".join(node.text or "" for node in element.iter(qn("w:t")))


def gathered(result, **study) -> Evidence:
    """The evidence of a result, with other settings of its study."""
    changed = result.case.study.model_copy(update=study)
    result = replace(result, case=replace(result.case, study=changed))
    intervals = estimate_intervals(result.case, runs=2)
    return evidence_of(Publication.made_of(Material.of(result, no_grounds(), walks=NO_WALKS, intervals=intervals)))


@pytest.fixture(scope="module")
def sample():
    return wr.analyse(wr.sample_case())


@pytest.fixture(scope="module")
def evidence(sample) -> Evidence:
    return gathered(sample)


@pytest.fixture(scope="module")
def brief(evidence, tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp("brief")
    return Written.at(write_county_brief(evidence, "410782", folder / "410782_brief.docx"))


@pytest.fixture(scope="module")
def english(sample, tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp("english")
    return Written.at(write_county_brief(gathered(sample, **ENGLISH), "410724", folder / "410724_brief.docx"))


@pytest.fixture(params=["brief", "english"])
def either(request) -> Written:
    return request.getfixturevalue(request.param)


SOURCE = re.compile(r"\[([^\]]*)\]")


def sources_of(document: Document) -> dict[str, tuple[str, tuple[str, ...], str, str]]:
    """Table, row, column and number of each entry of the appendix, by the name that figures lead to."""
    found = {}
    for paragraph in body(document):
        marks = [node.get(qn("w:name")) for node in paragraph.iter(qn("w:bookmarkStart"))]
        if not any(mark.startswith("source_") for mark in marks):
            continue
        table, row, before, inside = "", (), "", None
        for node in paragraph.iter(qn("w:bookmarkStart"), qn("w:bookmarkEnd"), qn("w:t")):
            if node.tag == qn("w:bookmarkStart"):
                inside = node.get(qn("w:name"))
            elif node.tag == qn("w:bookmarkEnd"):
                inside, before = None, ""
            elif inside:
                found[inside] = (table, row, before.split("]")[-1].strip(), node.text)
            else:
                before += node.text
                if not table:
                    table, before = before.split(" [")[0], ""
                elif SOURCE.search(before):
                    row = tuple(SOURCE.findall(before)[-1].split(", "))
        assert table in KEYS
    return found


def figures_of(document: Document) -> list[tuple[str, str]]:
    """Each figure of the text: the name of its source, and how it is told."""
    return [(link.get(qn("w:anchor")), told(link)) for link in document.element.body.iter(qn("w:hyperlink"))]


def cell_of(tables: dict[str, pd.DataFrame], table: str, row: tuple[str, ...], column: str) -> object:
    """The one cell of the workbook that an address names."""
    rows = tables[table]
    for key, value in zip(KEYS[table], row, strict=True):
        rows = rows[rows[key].fillna("").astype(str) == value]
    assert len(rows) == 1, (table, row)
    return rows[column].iloc[0]


def assert_tells(text: str, cell: object) -> None:
    """A number as told lies within half of its last digit of the cell."""
    if isinstance(cell, str):
        assert [int(part) for part in re.findall(r"\d+", cell)] == day_of(text)
        return
    number = re.match(r"-?[\d,]+(?:\.\d+)?", text)
    assert number is not None, text
    unit = 1e4 if "万" in text else 0.01 if text.endswith("%") else 1.0
    digits = number[0].replace(",", "")
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2]) * unit
    assert abs(float(digits) * unit - float(cell)) <= half * (1 + 1e-9), (text, cell)


# What closes a gap is told in whole places, sites and people; only of statistics, which counties lack, in points.
WHOLE = ("gap", "gap_places", "by_converting", "by_adding")
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]


def day_of(text: str) -> list[int]:
    if "年" in text:
        return [int(part) for part in re.findall(r"\d+", text)]
    day, month, year = text.split()
    return [int(year), [*MONTHS, "November", "December"].index(month) + 1, int(day)]


def test_every_figure_leads_to_the_cell_that_it_is_from(either):
    sources = sources_of(either.document)
    figures = figures_of(either.document)
    assert len(figures) > 80
    assert {anchor for anchor, _ in figures} == set(sources)
    for anchor, text in figures:
        table, row, column, shown = sources[anchor]
        assert shown == text
        cell = cell_of(either.tables, table, row, column)
        if column in WHOLE:
            assert int(text.replace(",", "")) == math.ceil(float(cell) - 1e-6)
        else:
            assert_tells(text, cell)


def test_no_number_stands_in_the_text_but_figures_and_names(either, evidence):
    names = {"表1", "表2", "表3", "表4", "表5", "图1", either.path.with_suffix(".xlsx").name}
    names |= {f"Table {number}." for number in range(1, 6)} | {f"{number}. " for number in range(1, 7)} | {"Figure 1."}
    for table in either.tables.values():
        names |= {value for column in table for value in table[column] if isinstance(value, str)}
    study = evidence.result.case.study
    names |= {title for register in evidence.judgement.registers for title in (register.title.zh, register.title.en)}
    names |= {group.title for group in study.population.groups.values()}
    names |= {profile.source for profile in study.profiles.values()} | {
        service.title for service in study.services.values()
    }
    longest_first = sorted((name for name in names if re.search(r"\d", name)), key=len, reverse=True)
    for paragraph in body(either.document):
        if paragraph.find(f".//{qn('w:bookmarkStart')}") is not None:
            continue  # the appendix
        text = "".join(
            node.text or ""
            for node in paragraph.iter(qn("w:t"))
            if node.getparent().getparent().tag != qn("w:hyperlink")
        )
        text = re.sub(r"表 ?\d|图 ?\d", "", text)
        for name in longest_first:
            text = text.replace(name, "")
        text = re.sub(r"§[\d.]+", "", text)
        assert not re.search(r"\d", text), text


def test_the_headline_is_that_of_the_tables(brief, sample):
    table = sample.table("nursery").set_index("code").loc["410782"]
    assert f"托育机构覆盖最差，0–2岁婴幼儿步行15分钟覆盖率为{table['coverage']:.1%}" in brief.text
    assert "诊所覆盖最好" in brief.text
    for heading in (
        "一、总体结论",
        "二、评价范围和方法",
        "三、覆盖情况",
        "四、规划目标完成情况",
        "五、主要空白区",
        "六、补足建议",
    ):
        assert heading in brief.text
    assert "每千人口3岁以下婴幼儿托位数达到4.5个,力争达到4.9个（§3.2）" in brief.text
    assert "示例数据·非真实" in brief.text


def test_pockets_are_those_of_the_county_alone(brief, sample):
    pockets, plans = brief.tables["pockets"], brief.tables["plans"].set_index("service")
    assert set(pockets["code"]) == {"410782"}
    for service, rows in pockets.groupby("service"):
        (row,) = sample.case.areas.rows_of(["410782"])
        alone = find_pockets(sample, service, lacking_in(sample, service, row)).table
        assert alone["people"].sum() == pytest.approx(sample.table(service)["uncovered_people"].iloc[row])
        assert rows["people"].tolist() == pytest.approx(alone["people"].nlargest(8).tolist())
        assert plans.loc[service, "pockets"] == len(alone)


def test_new_sites_lie_in_the_county_and_gain_what_the_brief_says(brief, sample):
    plans = brief.tables["plans"].set_index("service")
    areas = dict(zip(sample.case.facilities.table["id"], sample.case.facilities.area, strict=True))
    row = list(sample.case.areas.table["code"]).index("410782")
    assert {areas[identity] for identity in brief.tables["sites"]["id"]} == {row}
    table = brief.tables["sites"].set_index("service").loc["elder_care"]
    opened = zip(table["name"], table["lon"], table["lat"], strict=True)
    kind = sample.case.study.services["elder_care"].kinds[0]
    scenario = wr.Scenario(
        title="checked",
        datum="wgs84",
        open=[{"kind": kind, "name": name, "at": (lon, lat)} for name, lon, lat in opened],
    )
    then = wr.analyse(scenario.apply(sample.case)).table("elder_care").set_index("code").loc["410782"]
    assert then["coverage"] == pytest.approx(plans.loc["elder_care", "coverage_after"], abs=2e-4)


def test_the_same_study_gives_the_same_bytes(evidence, tmp_path):
    for name in ("a", "b"):
        write_county_brief(evidence, "410711", tmp_path / name / "x.docx")
    for suffix in ("docx", "xlsx"):
        assert (tmp_path / "a" / f"x.{suffix}").read_bytes() == (tmp_path / "b" / f"x.{suffix}").read_bytes()
    with ZipFile(tmp_path / "a" / "x.docx") as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_page_is_that_of_official_documents(brief):
    section = brief.document.sections[0]
    size = [section.page_width.mm, section.page_height.mm, section.top_margin.mm, section.left_margin.mm]
    assert np.round(size).tolist() == [210, 297, 37, 28]
    style = brief.document.styles["Brief Text"]
    assert (style.font.size.pt, style.paragraph_format.line_spacing.pt) == (16, 28)
    assert style.element.rPr.rFonts.get(qn("w:eastAsia")) == "仿宋_GB2312"
    assert "PAGE" in section.footer._element.xml
    with ZipFile(brief.path) as file:
        assert '<w:altName w:val="仿宋,FangSong' in file.read("word/fontTable.xml").decode()
    about = brief.document.core_properties
    assert (about.created.date().isoformat(), about.author) == ("2025-06-30", "withinreach 示例")


def test_the_map_is_in_the_brief_with_words_for_those_who_do_not_see_it(brief):
    (picture,) = brief.document.inline_shapes
    assert picture.width.mm > 100
    assert "托育机构步行覆盖地图" in picture._inline.docPr.get("descr")


def test_words_of_both_languages_have_the_same_keys_and_names():
    def fields(language: str) -> dict[str, object]:
        found: dict[str, object] = {}
        for section, entries in Voice(language)._words.items():
            for key, value in entries.items():
                if isinstance(value, str):
                    found[f"{section}.{key}"] = {name for _, name, _, _ in Formatter().parse(value) if name} - {"unit"}
                    assert not re.search(r"\d", re.sub(r"^\d\. ", "", value)), f"{language} {section}.{key}"
                else:
                    found[f"{section}.{key}"] = len(value)
        return found

    assert fields("zh") == fields("en")


def emptied(places: Places) -> Places:
    return Places(
        table=places.table.iloc[:0],
        **{name: getattr(places, name)[:0] for name in ("xy", "area", "segment", "offset_mm", "access_mm")},
    )


def written(case, tmp_path, code: str = "1") -> Written:
    return Written.at(write_county_brief(gathered(wr.analyse(case)), code, tmp_path / "x.docx"))


@pytest.fixture
def town_case(town):
    case = wr.prepare(wr.load_study(town))
    return replace(case, study=case.study.model_copy(update={"language": "zh"}))


def test_a_county_without_people_says_so(town, tmp_path):
    people = town.parent / "people.csv"
    head, *rows = people.read_text("utf-8").splitlines()
    people.write_text("\n".join([head, *(row for row in rows if float(row.split(",")[0]) > EAST + 600)]), "utf-8")
    town.write_text(town.read_text("utf-8").replace('language = "en"', 'language = "zh"'), "utf-8")
    brief = written(wr.prepare(wr.load_study(town)), tmp_path)
    assert "人口数据中西区没有居民" in brief.text
    assert "没有居民，也就没有空白区" in brief.text
    assert "nan" not in brief.text.lower()


def test_a_county_without_facilities_says_so(town_case, tmp_path):
    brief = written(replace(town_case, facilities=emptied(town_case.facilities)), tmp_path)
    assert "西区境内没有养老、诊所" in brief.text
    assert "没有其他公共建筑可用" in brief.text
    assert "无路可达" in brief.text
    assert "nan" not in brief.text.lower()


def test_a_study_without_registers_says_so_and_what_to_do(town_case, tmp_path):
    brief = written(town_case, tmp_path)
    assert "研究文件没有指定规划目标体系" in brief.text
    assert brief.tables["targets"].empty


def test_the_folder_of_a_county_holds_the_brief_that_is_written_alone(town_case, tmp_path):
    """From its part, too: the map is inside, and the pockets are those of the gap list."""
    result = wr.analyse(town_case)
    material = Material.of(result)
    write_parts(material, "key", tmp_path / "parts")
    for name, found in (("whole", Publication.made_of(material)), ("part", read_county(tmp_path / "parts", "2"))):
        (tmp_path / name).mkdir()
        write_county(found, "2", tmp_path / name)
    (alone,) = wr.write_brief(result, tmp_path / "alone", county="2")
    for suffix in (".docx", ".xlsx"):
        one, other = ((tmp_path / name / f"2_brief{suffix}").read_bytes() for name in ("whole", "part"))
        assert one == other == alone.with_suffix(suffix).read_bytes()


REGISTER = """
id = "plan"
title = { zh = "规划", en = "plan" }
source = "invented"
issued = 2024-01-01
year = 2025

[[targets]]
id = "P1"
clause = "1"
words = "全部覆盖"
gloss = "everybody is covered"
rules = [{ rule = "coverage", level = "county", service = "honour", value = 100, gap_unit = "人" }]
"""


def test_what_is_withheld_is_said_in_words(town, tmp_path):
    """Nothing is told of services that count veterans, nor of targets that do."""
    (town.parent / "plan.toml").write_text(REGISTER, "utf-8")
    text = with_veterans(town).read_text("utf-8")
    town.write_text(f'registers = ["plan.toml"]\n{text}', "utf-8")
    result = wr.analyse(wr.prepare(wr.load_study(town)))
    said = {
        "en": ("退役军人服务: the people counted are protected, so this brief tells nothing of it.", "protected"),
        "zh": ("退役军人服务的服务对象受保护，本简报不列其数字。", "受保护"),
    }
    for language, (sentence, word) in said.items():
        brief = Written.at(write_county_brief(gathered(result, language=language), "2", tmp_path / f"{language}.docx"))
        assert sentence in brief.text
        assert "honour" not in set(brief.tables["coverage"]["service"]) | set(brief.tables["intervals"]["service"])
        assert (brief.tables["targets"]["value"] == "protected").any()
        assert word in brief.text.replace(sentence, "")
        assert "nan" not in brief.text.lower()


def test_hostile_names_are_text(town_case, tmp_path):
    hostile = "</w:t>&<script>\x00" + "长" * 10_000
    study = town_case.study.model_copy(update={"title": hostile, "producer": hostile, "notice": hostile})
    brief = written(replace(town_case, study=study), tmp_path, "total")
    assert "</w:t>&<script>" in brief.text


def test_an_office_writes_into_its_own_template(town_case, tmp_path):
    template = save_template(tmp_path / "office.docx", "zh")
    document = docx.Document(str(template))
    document.add_paragraph("新乡市民政局文件")
    document.sections[0].header.paragraphs[0].text = "内部资料"
    document.styles["Brief Text"].font.bold = True
    document.save(str(template))
    result = wr.analyse(town_case)
    (path,) = wr.write_brief(result, tmp_path / "out", county="1", template=template)
    found = docx.Document(str(path))
    assert found.paragraphs[0].text == "新乡市民政局文件"
    assert found.sections[0].header.paragraphs[0].text == "内部资料"
    assert found.styles["Brief Text"].font.bold
    with pytest.raises(wr.CoverageError, match="is there already"):
        save_template(template, "zh")
    broken = tmp_path / "letter.doc"
    broken.write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(wr.CoverageError, match="no Word document"):
        wr.write_brief(result, tmp_path / "no", template=broken)
    assert not (tmp_path / "no").exists()


def test_a_study_names_its_template(town, tmp_path):
    save_template(town.parent / "office.docx", "en")
    text = town.read_text("utf-8")
    town.write_text(
        text.replace("as_of = 2025-06-30\n", 'as_of = 2025-06-30\nbrief_template = "office.docx"\n', 1), "utf-8"
    )
    study = wr.load_study(town)
    assert study.brief_template.path == town.parent / "office.docx"
    assert study.brief_template.path in study.input_paths()


def test_the_command_writes_briefs_and_the_template(town, tmp_path):
    def run(*arguments: object):
        return CliRunner().invoke(cli, ["brief", str(town), *map(str, arguments)])

    assert run("--out", tmp_path / "all").exit_code == 0
    found = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.*"))
    stems = ("brief", "county/1/1_brief", "county/2/2_brief")
    assert found == sorted(f"{stem}.{suffix}" for stem in stems for suffix in ("docx", "xlsx"))
    assert (
        "Walking access to public services in 西区"
        in Written.at(tmp_path / "all" / "county" / "1" / "1_brief.docx").text
    )
    assert run("--save-template", tmp_path / "t.docx").exit_code == 0
    assert (tmp_path / "t.docx").is_file()
    for arguments, said in (
        (("--county", "9"), "no area with code 9"),
        (("--template", tmp_path / "none.docx"), "is not there"),
    ):
        done = run("--out", tmp_path / "no", *arguments)
        assert (done.exit_code, said in done.output) == (1, True), done.output
        assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("which", ["brief", "english"])
def test_libreoffice_opens_it_on_three_to_five_pages(which, request, tmp_path):
    office = shutil.which("soffice")
    if office is None or shutil.which("pdfinfo") is None:
        pytest.skip("LibreOffice (libreoffice-writer) and poppler-utils are not installed")
    path = request.getfixturevalue(which).path
    command = [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(tmp_path), str(path)], check=True, capture_output=True, timeout=120)
    pdf = tmp_path / f"{path.stem}.pdf"
    about = subprocess.run(["pdfinfo", str(pdf)], check=True, capture_output=True, text=True).stdout
    assert 3 <= int(re.search(r"Pages:\s+(\d+)", about)[1]) <= 5
    assert re.search(r"Page size:\s+595\.\d+ x 84[12]", about)
    pages = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout
    assert re.search(r"— ?3 ?—", pages)
    subprocess.run(["pdftoppm", "-r", "40", "-png", str(pdf), str(tmp_path / "page")], check=True)
    assert all(picture.stat().st_size > 3_000 for picture in tmp_path.glob("page*.png"))
