"""The registers of the package against the documents they cite, and what is told of a broken one."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, get_args

import pytest

import withinreach as wr
from conftest import ROOT
from withinreach.standards import known_registers, load_registers
from withinreach.standards.reading import FOLDER
from withinreach.standards.register import Register, Target
from withinreach.standards.rules import AnyRule
from withinreach.standards.rules.base import Supply
from withinreach.study import RegisterFile
from withinreach.study.kinds import taxonomy

if TYPE_CHECKING:
    from pathlib import Path

PLAN = ROOT.parent / "shared" / "plan" / "xinxiang-public-services-plan-2023.txt"
NUMERALS = "一二三四五六七八九十"
KINDS = get_args(get_args(AnyRule)[0])


@pytest.fixture(scope="module")
def registers() -> dict[str, Register]:
    return {name: load_registers([RegisterFile(name=name)])[0] for name in known_registers()}


@pytest.fixture(scope="module")
def plan() -> str:
    if not PLAN.is_file():
        pytest.skip("the text of the plan (../shared/plan) is not here")
    return PLAN.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sections(plan) -> dict[str, str]:
    """Text of every section, by chapter and section, e.g. 3.2; of chapters, too."""
    found: dict[str, str] = {}
    chapter = section = 0
    for line in plan.splitlines():
        if re.match(r"第[一二三四五六七八九十]+章 ", line):
            chapter, section = chapter + 1, 0
            found[str(chapter)] = line
        elif re.match(r"第[一二三四五六七八九十]+节 ", line):
            section += 1
        elif chapter:
            found[f"{chapter}.{section}"] = found.get(f"{chapter}.{section}", "") + line
    return found


def test_every_register_of_the_package_is_named_as_its_file(registers):
    assert set(registers) == {"xinxiang-2025", "henan", "national-2025", "national-2030"}
    assert {register.id for register in registers.values()} == set(registers)


def test_the_plan_has_all_its_targets_once(registers):
    assert [target.id for target in registers["xinxiang-2025"].targets] == [f"T{n}" for n in range(1, 72)]


@pytest.mark.parametrize("number", range(1, 72))
def test_words_stand_in_the_section_that_the_clause_names(registers, sections, number):
    target = registers["xinxiang-2025"].targets[number - 1]
    assert target.words in sections[target.clause], f"{target.id} {target.words}"
    for other in target.also:
        assert other in sections


def test_titles_of_chapters_are_those_of_the_plan(registers, sections):
    for number, title in registers["xinxiang-2025"].chapters.items():
        assert sections[number].endswith(f"章 {title.zh}")


def test_numbers_of_the_register_stand_in_its_words(registers):
    """A value that is not implied, and not a number of units that the words spell out, is in the words themselves."""
    spelt = {"T12": (85, 90), "T33": (4, 10), "T52": (13392, 817), "T55": (100,)}
    for target in registers["xinxiang-2025"].targets:
        for rule in target.rules:
            value = getattr(rule, "value", None)
            if value in (None, 100) or rule.implied or rule.rule in ("every_unit", "conditional", "tiers"):
                continue
            amount = value / 10_000 if "万" in target.words else value
            assert f"{amount:g}" in target.words or value in spelt.get(target.id, ()), f"{target.id}: {value}"
            if rule.stretch is not None:
                assert f"力争达到{rule.stretch:g}" in target.words


def test_every_target_tells_how_it_is_known_and_what_it_needs(registers):
    for register in registers.values():
        for target in register.targets:
            assert target.basis in ("computed", "imported", "narrative")
            assert bool(target.needs) == (target.basis != "narrative"), target.id
    bases = [target.basis for target in registers["xinxiang-2025"].targets]
    assert {basis: bases.count(basis) for basis in set(bases)} == {"computed": 41, "imported": 21, "narrative": 9}


def test_every_kind_of_facility_is_known(registers):
    """A kind that the taxonomy lacks could never be computed without anybody saying why."""
    known = taxonomy({}).kinds
    for register in registers.values():
        for target in register.targets:
            for rule in target.rules:
                for part in rule.parts():
                    for need in part.rule.needs():
                        assert set(need.of) <= set(known) or need.sort.startswith("units"), f"{target.id}: {need.of}"


def test_figures_that_no_text_here_shows_say_so(registers):
    """Parameters of ours: where the plan gives no distance, no largest facility and no reading of what is meant."""
    for register in registers.values():
        for target in register.targets:
            for rule in target.rules:
                if rule.rule == "colocation":
                    assert "not verified" in target.note, target.id
    for name in ("T3", "T18", "T38", "T57", "T58"):
        assert next(t for t in registers["xinxiang-2025"].targets if t.id == name).note


def test_the_next_plan_asks_for_more(registers):
    rules = {(register.id, t.id): t.rules[0] for register in registers.values() for t in register.targets}
    values = {key: getattr(rule, "value", None) for key, rule in rules.items()}
    assert values["national-2030", "M1"] == 70
    assert values["national-2030", "M2"] == 73 > values["xinxiang-2025", "T3"] == values["national-2025", "N7"] == 55
    henan = {target.id: target.rules[0] for target in registers["henan"].targets}
    assert (henan["HN1"].at_least, henan["HN2"].at_least, henan["HN3"].value) == (30, 20, 20)


def test_the_schema_is_documented_key_by_key():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for kind in KINDS:
        for field in kind.model_fields:
            assert f"`{field}`" in text or f"{{ {field}" in text or f" {field}," in text, f"{kind.__name__}.{field}"
        assert f"| `{kind.model_fields['rule'].default}` |" in text
    for model in (Register, Target, Supply):
        for field in model.model_fields:
            assert re.search(rf"[`\[ ]{field}[`,\] ]", text), f"{model.__name__}.{field}"
    for name in known_registers():
        assert f"| `{name}` |" in text


# Errors ---------------------------------------------------------------------------------------------------------

GOOD = """\
id = "mine"
title = "我们的"
source = "invented"
year = 2025

[[targets]]
id = "A1"
clause = "1"
words = "甲"
gloss = "a"
rules = [{ rule = "ratio", supply = { kinds = ["clinic"] }, per = 1000, of = "all", value = 1 }]

[[targets]]
id = "A2"
clause = "2"
words = "乙"
gloss = "b"
rules = [{ rule = "statistic", statistic = "A2", value = 1 }]
"""


def load(path: Path, text: str) -> tuple[Register, ...]:
    path.write_text(text, encoding="utf-8")
    return load_registers([RegisterFile(path=path)])


def test_a_register_of_ones_own(tmp_path):
    (register,) = load(tmp_path / "mine.toml", GOOD)
    assert register.title.zh == register.title.en == "我们的"
    assert register.targets[0].needs == ("facilities.kinds.clinic", "population.groups.all")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("value = 1 }]\n\n", "vaule = 1 }]\n\n", "targets.A1.rules.1.vaule: unknown key (did you mean 'value'?)"),
        ('kinds = ["clinic"]', 'kind = ["clinic"]', "targets.A1.rules.1.supply.kinds: is missing; add it"),
        ('kinds = ["clinic"]', "kinds = []", "targets.A1.rules.1.supply.kinds: Tuple should have at least 1 item"),
        (
            'rule = "ratio"',
            'rule = "ration"',
            "targets.A1.rules.1: input tag 'ration' found using 'rule' does not match",
        ),
        ('rule = "ratio", ', "", "targets.A1.rules.1: unable to extract tag using discriminator 'rule'"),
        ("per = 1000", "per = 0", "targets.A1.rules.1.per: Input should be greater than 0"),
        ('of = "all"', 'of = "All"', "targets.A1.rules.1.of: String should match pattern"),
        ("value = 1 }]\n\n", 'value = "one" }]\n\n', "targets.A1.rules.1.value: Input should be a valid number"),
        ("per = 1000", 'level = "village", per = 1000', "write rule = 'every_unit' with of and per"),
        ('id = "A2"', 'id = "A1"', "targets: the id A1 stands twice; rename one"),
        ('id = "A2"', 'id = "2"', "targets.2.id: String should match pattern"),
        ('gloss = "b"\n', "", "targets.A2.gloss: is missing; add it"),
        ('statistic = "A2", ', "", "targets.A2.rules.1.statistic: is missing; add it"),
        ("year = 2025\n", "", "year: is missing; add it"),
        (
            "year = 2025\n",
            'year = 2025\n[chapters]\n1 = "一"\n',
            "targets.A2.clause = '2': chapters has no title for '2'",
        ),
        ("year = 2025\n", "year = 2025\nregion = 1\n", "region: unknown key"),
        ("value = 1 }]\n\n", 'value = 1 }, { rule = "narrative", why = "w" }]\n\n', "give each a name and a title"),
        ("[[targets]]", "[targets]]", "not valid TOML"),
    ],
)
def test_a_broken_register_is_told_by_file_target_and_key(tmp_path, old, new, line):
    path = tmp_path / "mine.toml"
    assert old in GOOD
    with pytest.raises(wr.CoverageError) as raised:
        load(path, GOOD.replace(old, new, 1))
    assert any(problem.startswith(str(path)) and line in problem for problem in raised.value.problems), raised.value


def test_all_problems_of_all_registers_are_told_together(tmp_path):
    files = [RegisterFile(name="newyork"), RegisterFile(path=tmp_path / "none.toml"), RegisterFile(name="henan")]
    with pytest.raises(wr.CoverageError) as raised:
        load_registers([*files, RegisterFile(name="henan")])
    told = "\n".join(raised.value.problems)
    assert "'newyork' is no register of this package, which has: henan, national-2025, national-2030" in told
    assert "none.toml: no such register" in told
    assert "registers: two have the id 'henan'" in told


def test_a_study_names_registers_of_the_package_and_files_beside_it(town):
    text = 'registers = ["henan", "mine.toml"]\n' + town.read_text(encoding="utf-8")
    town.write_text(text, encoding="utf-8")
    (town.parent / "mine.toml").write_text(GOOD, encoding="utf-8")
    study = wr.load_study(town)
    assert [register.id for register in load_registers(study.registers)] == ["henan", "mine"]
    assert town.parent / "mine.toml" in study.input_paths()


def test_there_is_one_copy_of_each_register():
    for name in known_registers():
        same = [path for path in ROOT.rglob(f"{name}.toml") if not {".venv", "build", "dist"} & set(path.parts)]
        assert len(same) == 1
        assert tomllib.loads(same[0].read_text(encoding="utf-8"))["id"] == name


# The sample city --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> wr.Judgement:
    return wr.judge(wr.analyse(wr.prepare(wr.load_study(ROOT / "data" / "xinxiang-sample" / "study.toml"))))


def test_the_sample_city_tells_the_state_of_all_71_targets(sample):
    for code in ("total", "410702", "410773"):
        states = sample.states(code)
        plan = states[states["register"] == "xinxiang-2025"]
        assert plan["target"].tolist() == [f"T{n}" for n in range(1, 72)]
        assert sample.counts(code).loc["xinxiang-2025"].sum() == 71


def test_nothing_of_the_sample_city_is_met_without_a_value(sample):
    table = sample.table
    judged = table[table["state"].isin(["met", "not_met"])]
    assert judged["value"].notna().all()
    assert judged["target_value"].notna().all()
    assert (table.loc[table["state"] == "not_computable", "missing"] != "").all()


def test_nursing_beds_of_the_sample_city(sample):
    """About 45 % of the beds of institutions: what is missing to 55 %, by converting and by adding."""
    rows = sample.of_unit()
    beds = rows[(rows["register"] == "xinxiang-2025") & (rows["target"] == "T3")].iloc[0]
    assert beds["state"] == "not_met"
    assert beds["by_converting"] == pytest.approx(0.55 * beds["base"] - beds["have"])
    assert beds["by_adding"] == pytest.approx(beds["by_converting"] / 0.45)


def test_seats_of_the_sample_city(sample):
    """2.03 seats per 1,000 of 6,251,929 residents: about 15,400 are missing; 3 % of nurseries do not tell theirs."""
    rows = sample.of_unit()
    seats = rows[(rows["register"] == "xinxiang-2025") & (rows["target"] == "T18")].iloc[0]
    assert seats["state"] == "not_met"
    assert seats["base"] == pytest.approx(6_251_929)
    assert seats["value"] == pytest.approx(2.03, abs=0.01)
    assert seats["gap"] == pytest.approx(4.5 * 6251.929 - seats["have"])
    assert 0.9 < seats["known"] < 1
    assert seats["gap_of_units"] >= seats["gap"]
