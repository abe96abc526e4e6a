"""What a judgement says in words, in Chinese and English."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from withinreach.measures import needed
from withinreach.standards.assessment import Reason
from withinreach.standards.judgement import State
from withinreach.standards.needs import Sort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.standards.needs import Need
    from withinreach.study import Taxonomy

_NEEDS = MappingProxyType(
    {
        Sort.KIND: ("没有设施数据：{name}", "no layer has facilities of a kind: {name}"),
        Sort.ATTRIBUTE: ("设施缺少属性 {name}", "facilities do not tell their {name}"),
        Sort.GROUP: ("缺少人口分组 {name}", "no population group {name}"),
        Sort.SERVICE: ("研究文件未定义服务 {name}", "the study has no service {name}"),
        Sort.UNITS: ("缺少{name}单元清单", "no list of units: {name}"),
        Sort.UNIT_FACILITIES: (
            "{name}单元只有点位：需要面状范围或 near_m",
            "units of {name} are points: needs areas, or near_m",
        ),
        Sort.UNIT_ATTRIBUTE: ("单元清单缺少属性 {name}", "the list of units does not tell {name}"),
        Sort.STATISTIC: ("缺少统计数据 {name}", "no statistic {name} imported"),
    }
)
_REASONS = MappingProxyType(
    {
        Reason.WHOLE_ONLY: ("全市指标，不分区考核", "asked of the whole, not of its units"),
        Reason.NO_UNITS: ("此处没有该层级的单元", "no unit of the level here"),
        Reason.NOBODY: ("无常住人口", "nobody lives here"),
        Reason.NO_FACILITIES: ("没有可计算占比的设施", "no facilities to take a share of"),
        Reason.PARTLY_UNKNOWN: ("仅 {known:.1%} 的设施或单元填报完整，尚不能判定", "only {known:.1%} tell; undecided"),
        Reason.NO_FIGURE: ("统计表没有该单元的数值", "no figure for this unit"),
    }
)
_STATES = MappingProxyType(
    {
        State.MET: ("已达标", "met"),
        State.NOT_MET: ("未达标", "not met"),
        State.NOT_COMPUTABLE: ("无法计算", "not computable"),
        State.MEASURED: ("仅监测", "measured"),
        State.NOT_APPLICABLE: ("不适用", "not applicable"),
    }
)
_PARTS = MappingProxyType(
    {
        "people": ("人口", "people"),
        "settled_area": ("居住用地面积", "settled area"),
        "units": ("单元", "units"),
        "city": ("市级", "city"),
        "county": ("县级", "county"),
        "township": ("乡级", "township"),
        "village": ("村级", "village"),
        "community": ("社区", "community"),
        "estate": ("居住区", "estate"),
    }
)
_LANGUAGES = ("zh", "en")


def tell_state(state: str, language: str) -> str:
    """A state in words."""
    return _STATES[State(state)][_LANGUAGES.index(language)]


def closing(gap: float, rule: str) -> float:
    """What closes a gap: whole places, sites and people; points of a statistic as they are."""
    return gap if rule == "statistic" else needed(gap)


def tell_part(part: str, title: str, language: str) -> str:
    """What a part of a target is about: its rule's title, and the tier or the definition of coverage."""
    return " · ".join(name for name in (title, _PARTS[part][_LANGUAGES.index(language)] if part else "") if name)


def tell_missing(needs: list[Need], kinds: Taxonomy, language: str) -> str:
    """Which inputs are missing, those of one sort together; kinds by their titles."""
    place = _LANGUAGES.index(language)
    between, among = (("；", "、"), ("; ", ", "))[place]
    sorts = dict.fromkeys(need.sort for need in needs)
    titles = {kind.name: kind.titles[language] for kind in kinds.kinds.values()}
    names = {sort: [_name(need, place, titles) for need in needs if need.sort is sort] for sort in sorts}
    return between.join(_NEEDS[sort][place].format(name=among.join(dict.fromkeys(names[sort]))) for sort in sorts)


def _name(need: Need, place: int, titles: Mapping[str, str]) -> str:
    """What is missing, the levels of units by their names; of several things one is enough."""
    either = ("或", " or ")[place]
    if need.sort in (Sort.UNITS, Sort.UNIT_FACILITIES):
        return either.join(_PARTS[level][place] for level in need.name.split("|"))
    if need.sort is Sort.KIND:
        return either.join(titles.get(kind, kind) for kind in need.of)
    return need.name


def tell_reason(reason: Reason, known: float, language: str) -> str:
    """Why a target does not apply, or is open."""
    if reason in (Reason.NONE, Reason.NARRATIVE):
        return ""
    return _REASONS[reason][_LANGUAGES.index(language)].format(known=known)
