"""What would close the gaps: sites in buildings that stand, how good that choice is, and whom it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.briefs.blocks import Heading, Paragraph, Table, Text
from withinreach.briefs.voice import tell_count
from withinreach.maps.telling import tell_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.desk import Desk
    from withinreach.briefs.voice import Parts
    from withinreach.study import Service

# Fewer people than this are no people when told in whole ones.
SOMEBODY = 0.5
# A proven distance from the best below this is told as none: it would read 0.0 %.
PROVEN = 0.0005


def remedies(desk: Desk) -> Iterator[Block]:
    """The sites of all services in a table, and a sentence for each service without any."""
    voice = desk.voice
    yield Heading(1, voice.say("remedies.heading"))
    if not desk.inhabited:
        yield Paragraph(voice.say("remedies.nobody"))
        return
    living = [service for service in desk.services if desk.coverage(service, "people") > 0]
    helped = [service for service in living if _value(desk, service, "gained_people") >= SOMEBODY]
    if helped:
        sites = desk.setting("brief.new_sites", tell_count)
        yield Paragraph(voice.say("remedies.intro", {"sites": sites}) + _proof(desk, helped))
        rows = [_row(desk, service) for service in helped]
        widths = (18, 36, 13, 10, 10, 13)
        yield Table(desk.table_caption("remedies.caption"), voice.word("remedies.head"), rows, widths, {0, 1})
    others: Line = ()
    for service in living:
        if service not in helped:
            others += _without(desk, service)
    if others:
        yield Paragraph(others)


def _row(desk: Desk, service: Service) -> tuple[Line, ...]:
    sites = desk.sources.tables["sites"]
    return (
        (Text(service.title),),
        desk.voice.listed(sites.loc[sites["service"] == service.name, "name"]),
        desk.plan(service, "gained_people", desk.count_people),
        desk.plan(service, "coverage_before", tell_share),
        desk.plan(service, "coverage_after", tell_share),
        desk.plan(service, "unservable_people", desk.count_people),
    )


def _value(desk: Desk, service: Service, column: str) -> float:
    return desk.sources.value("plans", (service.name,), column)


def _proof(desk: Desk, helped: Sequence[Service]) -> Line:
    """How far the choices may be from the best."""
    told: Line = ()
    for service in helped:
        if not _value(desk, service, "gap") < PROVEN:
            parts: Parts = {"service": service.title, "gap": desk.plan(service, "gap", tell_share)}
            told += desk.voice.say("remedies.gap", parts)
    return told or desk.voice.say("remedies.optimal")


def _without(desk: Desk, service: Service) -> Line:
    """Why a service has no new site."""
    name: Parts = {"service": service.title}
    if desk.coverage(service, "uncovered_people") < SOMEBODY:
        return desk.voice.say("remedies.covered", name)
    if not _value(desk, service, "offered") > 0:
        people: Parts = {"people": desk.people(service, "uncovered_people")}
        return desk.voice.say("remedies.no_candidates", {**name, **people})
    return desk.voice.say("remedies.no_gain", name)
