"""The title, what matters most, and who answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.briefs.blocks import Heading, Paragraph, Text
from withinreach.briefs.voice import tell_count, tell_plain
from withinreach.maps.telling import tell_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.desk import Desk
    from withinreach.briefs.voice import Parts
    from withinreach.study import Service


def title(desk: Desk) -> Iterator[Block]:
    """The title, the mark that everybody must see, and the date of the data."""
    yield Heading(0, desk.voice.say("title.main", {"name": desk.name}))
    if desk.study.notice:
        yield Paragraph((Text(desk.study.notice),), "notice")
    yield Paragraph(desk.voice.say("title.dated", {"as_of": desk.day("as_of")}), "dated")


def summary(desk: Desk) -> Iterator[Block]:
    """The best and the worst service, how sure that is, how targets stand, and what would help most."""
    voice = desk.voice
    yield Heading(1, voice.say("summary.heading"))
    if not desk.inhabited:
        yield Paragraph(voice.say("summary.nobody", {"name": desk.name}))
    else:
        told = [service for service in desk.services if desk.coverage(service, "people") > 0]
        worst = min(told, key=lambda service: desk.coverage(service, "coverage"))
        yield Paragraph(_reached(desk, told, worst) + _interval(desk, worst) + _remedy(desk, worst))
    yield Paragraph(_own_facilities(desk) + _targets(desk))


def ending(desk: Desk) -> Iterator[Block]:
    """Producer and date, as under a letter."""
    if desk.study.producer:
        yield Paragraph(desk.voice.say("ending.producer", {"producer": desk.study.producer}), "signed")
    yield Paragraph(desk.voice.say("ending.dated", {"as_of": desk.day("as_of")}), "signed")


def _reached(desk: Desk, told: list[Service], worst: Service) -> Line:
    best = max(told, key=lambda service: desk.coverage(service, "coverage"))
    parts: Parts = {"name": desk.name, "services": desk.setting("services", tell_count)}
    if len(told) == 1:
        parts |= {"service": worst.title, "group": desk.group(worst), "coverage": desk.share(worst)}
        minutes = desk.of_service(worst, "cutoff_min", tell_plain)
        parts |= {"minutes": minutes, "uncovered": desk.people(worst, "uncovered_people")}
        return desk.voice.say("summary.one", parts)
    if desk.coverage(best, "coverage") == desk.coverage(worst, "coverage"):
        return desk.voice.say("summary.alike", parts | {"coverage": desk.share(worst)})
    for name, service in (("best", best), ("worst", worst)):
        parts |= {
            name: service.title,
            f"{name}_group": desk.group(service),
            f"{name}_minutes": desk.of_service(service, "cutoff_min", tell_plain),
            f"{name}_coverage": desk.share(service),
        }
    return desk.voice.say("summary.many", parts | {"uncovered": desk.people(worst, "uncovered_people")})


def _interval(desk: Desk, service: Service) -> Line:
    parts: Parts = {"service": service.title, "range": desk.interval(service)}
    return desk.voice.say("summary.interval", parts | {"level": desk.setting("intervals.level", tell_level)})


def tell_level(level: float) -> str:
    """The share of runs inside an interval: 95%."""
    return f"{level:.0%}"


def _remedy(desk: Desk, service: Service) -> Line:
    # Half a person is what rounding to whole people would show.
    if not desk.sources.value("plans", (service.name,), "gained_people") >= 0.5:
        return ()
    parts: Parts = {
        "service": service.title,
        "sites": desk.plan(service, "sites", tell_count),
        "before": desk.plan(service, "coverage_before", tell_share),
        "after": desk.plan(service, "coverage_after", tell_share),
    }
    return desk.voice.say("summary.remedy", parts)


def _own_facilities(desk: Desk) -> Line:
    without = [service.title for service in desk.services if desk.coverage(service, "facilities") == 0]
    if not without:
        return ()
    return desk.voice.say("summary.no_facilities", {"name": desk.name, "services": desk.voice.listed(without)})


def _targets(desk: Desk) -> Line:
    registers = desk.evidence.judgement.registers
    if not registers:
        return desk.voice.say("summary.no_registers")
    first = registers[0]
    return desk.voice.say(
        "summary.targets", {"registers": first.title.in_(desk.voice.language), **count_parts(desk, first.id)}
    )


def count_parts(desk: Desk, register: str) -> Parts:
    """How many targets of a register are met, missed and open."""
    states = {"met": "met", "missed": "not_met", "open": "not_computable"}
    return {name: (desk.sources.figure("counts", (register,), state, tell_count),) for name, state in states.items()}
