"""What a reader must know of every figure: sources, dates, parameters, definitions. 说明."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from withinreach.exports.sheets import CountyTables
    from withinreach.study import Service, Study

DEFINITIONS = {
    "zh": (
        ("覆盖", "沿道路步行到最近设施的时间不超过时限，两端接入路段计入；可使用邻区设施，不跨界口径另列"),
        ("空白区", "相邻的未覆盖网格连成的片区，止于本区边界；位置为片区内未覆盖人口最多的网格"),
        ("共建", "本区现有其他类别设施，设点后可覆盖片区一半以上未覆盖人口"),
        ("—", "未知或不适用，不是零"),
    ),
    "en": (
        (
            "served",
            "The walk along streets to the nearest facility is within the cutoff, access included, borders or not",
        ),
        (
            "pocket",
            "Neighbouring cells without the service, up to the border; its place is the cell with most such people",
        ),
        (
            "share a building",
            "A facility of another kind in the county from which at least half of the pocket would be in time",
        ),
        ("—", "Unknown or not applicable, not zero"),
    ),
}


def note_rows(tables: CountyTables) -> list[tuple[str, str]]:
    """Rows of item and content, in the study's language."""
    study = tables.study
    zh = study.language == "zh"
    heads = [
        ("研究" if zh else "study", study.title),
        ("单元" if zh else "unit", f"{tables.code} {tables.name}"),
        ("提示" if zh else "notice", study.notice),
        ("制表单位" if zh else "producer", study.producer),
        ("数据截止" if zh else "data as of", _day(study, study.as_of.year, study.as_of.month, study.as_of.day)),
        ("人口时点" if zh else "population as of", study.population.as_of.isoformat()),
        ("投影坐标系" if zh else "metric CRS", study.metric_crs),
        ("经纬度坐标系" if zh else "longitude and latitude", "WGS84"),
        ("最远接入距离" if zh else "snap cap", f"{study.network.snap_cap_m:g} m"),
    ]
    heads += [_service(study, service) for service in study.services.values()]
    names = dict.fromkeys(path.name for path in study.input_paths())
    heads += [("输入文件" if zh else "input", name) for name in names]
    heads += [(register.title.in_(study.language), register.source) for register in tables.judgement.registers]
    return [*heads, *DEFINITIONS[study.language], *(("", remark) for remark in tables.remarks)]


def _day(study: Study, year: int, month: int, day: int) -> str:
    return f"{year}年{month}月{day}日" if study.language == "zh" else f"{year}-{month:02d}-{day:02d}"


def _service(study: Study, service: Service) -> tuple[str, str]:
    """Speed, time and norm of a service, with where they come from."""
    zh = study.language == "zh"
    profile, group = study.profiles[service.profile], study.population.groups[service.people]
    metres = service.cutoff_s * profile.speed_m_s
    if zh:
        walk = f"步行 {service.cutoff_min:g} 分钟，{profile.speed_m_s:g} 米/秒（{metres:,.0f} 米）"
        text = f"{group.title}；{walk}；速度出处：{profile.source}"
        return service.title, text + (f"；标准出处：{service.norm.source}" if service.norm is not None else "")
    walk = f"{service.cutoff_min:g} min on foot at {profile.speed_m_s:g} m/s ({metres:,.0f} m)"
    text = f"{group.title}; {walk}; speed: {profile.source}"
    return service.title, text + (f"; norm: {service.norm.source}" if service.norm is not None else "")
