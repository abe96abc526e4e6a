"""The taxonomy of kinds: what a column may say, what belongs to what, and what a study adds."""

from __future__ import annotations

import pytest

import withinreach as wr
from withinreach.errors import StudyError
from withinreach.study import StudyKind, kinds_file
from withinreach.study.kinds import taxonomy

KINDS = taxonomy({})


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("养老院", ("elder_institution",)),
        (" 养老 院 ", ("elder_institution",)),
        ("Nursing Home", ("elder_institution",)),
        ("elder_day_care", ("elder_day_care",)),
        ("村（社区）卫生室", ("village_clinic",)),
        ("村(社区)卫生室", ("village_clinic",)),
        ("乡镇卫生院", ("township_hospital",)),
        ("退役军人服务站", ("veterans",)),
        ("141204", ("kindergarten",)),
        ("科教文化服务;学校;幼儿园", ("kindergarten",)),
        ("090102|090300", ("township_hospital", "clinic")),
        ("医疗保健服务;诊所;诊所|医疗保健服务;综合医院;综合医院", ("clinic", "general_hospital")),
        ("生活服务;美容美发店;美容美发店|医疗保健服务;诊所;诊所", ("clinic",)),
        ("学校", ()),
        ("", ()),
        ("|", ()),
    ],
)
def test_what_a_field_says(value, kinds):
    assert KINDS.kinds_of(value) == kinds


def test_a_kind_stands_for_all_below_it():
    assert KINDS.within(["clinic"]) == {
        "clinic",
        "village_clinic",
        "health_station",
        "health_centre",
        "township_hospital",
    }
    assert KINDS.within(["health"]) > KINDS.within(["clinic"]) | KINDS.within(["hospital"])
    assert KINDS.within(["elder_county_home"]) == {"elder_county_home"}
    assert KINDS.within(["clinic", "library"]) == KINDS.within(["clinic"]) | KINDS.within(["library"])
    assert KINDS.within([]) == frozenset()


def test_every_kind_that_the_plan_counts_is_known():
    """The four tiers of veterans' stations, of elder care and of clinics; culture, sport, social work."""
    for kinds, above in {
        ("veterans_city", "veterans_county", "veterans_township", "veterans_village"): "veterans",
        ("elder_institution", "elder_county_home", "elder_centre", "elder_day_care"): "elder_care",
        ("village_clinic", "health_station", "township_hospital"): "clinic",
        ("general_hospital", "tcm_hospital", "maternal_child_hospital"): "hospital",
        ("stadium", "fitness_plaza", "sports_hall", "swimming_hall", "fitness_hall"): "sports_ground",
        ("cultural_hall", "cultural_station", "cultural_village_centre"): "cultural_centre",
        ("nursery_comprehensive",): "nursery",
        ("kindergarten_central",): "kindergarten",
    }.items():
        assert set(kinds) <= KINDS.within([above])
    assert {"library", "social_work_station", "child_protection_station", "funeral"} <= set(KINDS.kinds)


def test_the_file_holds_what_its_head_explains_and_nothing_else():
    known = {"parent", "zh", "en", "names", "amap", "osm"}
    for name, raw in kinds_file().items():
        if name != "osm":
            assert set(raw) <= known, name
            assert raw["zh"]
            assert raw["en"]
            assert len(set(raw.get("names", ()))) == len(raw.get("names", ()))


# Kinds of a study ---------------------------------------------------------------------------------------------


def test_a_study_adds_kinds_and_names():
    added = taxonomy(
        {
            "tea_house": StudyKind(title="茶馆", parent="cultural_centre", names=("老茶馆",)),
            "clinic": StudyKind(names=("中医馆",)),
        }
    )
    assert added.kinds_of("老茶馆") == ("tea_house",)
    assert added.kinds_of("茶馆") == ("tea_house",)
    assert "tea_house" in added.within(["cultural_centre"])
    assert added.kinds_of("中医馆") == added.kinds_of("诊所") == ("clinic",)
    assert added.kinds["clinic"].titles == KINDS.kinds["clinic"].titles
    assert "tea_house" not in KINDS.kinds


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ({"tea": StudyKind(parent="drinks")}, "kinds.tea.parent = 'drinks' is no kind above it"),
        ({"tea": StudyKind(parent="tea")}, "kinds.tea.parent = 'tea' is no kind above it"),
        ({"a": StudyKind(parent="b"), "b": StudyKind(parent="a")}, "kinds.a.parent = 'b'"),
        ({"health": StudyKind(parent="clinic")}, "kinds.health.parent = 'clinic'"),
        ({"tea": StudyKind(names=("养老院",))}, "'养老院' is a name of elder_institution already"),
    ],
)
def test_what_a_study_cannot_add(added, told):
    with pytest.raises(ValueError, match="kinds") as caught:
        taxonomy(added)
    assert told in str(caught.value)


def test_kinds_in_a_study_file(town):
    text = town.read_text(encoding="utf-8")
    text = text.replace('kinds = { "养老" = "elder_care", "诊所" = "clinic" }\n', "")
    text = text.replace('kinds = ["clinic"]', 'kinds = ["tea_house"]')
    town.write_text(text + '\n[kinds.tea_house]\ntitle = "茶馆"\nnames = ["诊 所 茶馆"]\n', encoding="utf-8")
    path = town.parent / "facilities.csv"
    path.write_text(path.read_text(encoding="utf-8-sig").replace("C1,诊所", "C1,诊所茶馆"), encoding="utf-8")
    case = wr.prepare(wr.load_study(town))
    assert case.facilities.table["kind"].tolist() == ["elder_care", "elder_care", "tea_house"]
    town.write_text(text + '\n[kinds.tea_house]\nparent = "teas"\n', encoding="utf-8")
    with pytest.raises(StudyError, match=r"kinds.tea_house.parent = 'teas'"):
        wr.load_study(town)
