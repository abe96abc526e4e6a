"""Who is covered: the figures of all services, a map of the worst, and what stands behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.briefs.blocks import Heading, Paragraph, Picture, Table, Text
from withinreach.briefs.voice import tell_count, tell_minutes, tell_needed, tell_plain, tell_ratio
from withinreach.maps.telling import tell_share
from withinreach.model import TOTAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.desk import Desk
    from withinreach.briefs.voice import Parts
    from withinreach.study import Service

# A difference that is worth a sentence, as a share of the people.
BY_NEIGHBOURS = 0.005


def covered(desk: Desk) -> Iterator[Block]:
    """The table, the map, and a paragraph for each service."""
    voice = desk.voice
    yield Heading(1, voice.say("coverage.heading"))
    rows = [_row(desk, service) for service in desk.services]
    widths = (15, 12, 12, 10, 12, 10, 12, 9, 8)
    yield Table(desk.table_caption("coverage.caption"), voice.word("coverage.head"), rows, widths)
    yield Paragraph(voice.say("coverage.note"), "note")
    inhabited = [service for service in desk.services if desk.coverage(service, "people") > 0]
    for place, service in enumerate(inhabited):
        yield Paragraph(_told(desk, service, place))
    if inhabited:
        yield _map(desk, min(inhabited, key=lambda service: desk.coverage(service, "coverage")))


def _row(desk: Desk, service: Service) -> tuple[Line, ...]:
    return (
        (Text(service.title),),
        desk.measure(service, "people", desk.count_people),
        desk.measure(service, "served_people", desk.count_people),
        desk.share(service),
        desk.interval(service),
        desk.share(service, "circle_coverage"),
        desk.measure(service, "uncovered_people", desk.count_people),
        desk.measure(service, "median_min", tell_minutes),
        desk.measure(service, "facilities", tell_count),
    )


def _told(desk: Desk, service: Service, place: int) -> Line:
    voice = desk.voice
    mark: Line = (Text(voice.ordinal(place)),)
    return (
        voice.say("coverage.service", {"mark": mark, "service": service.title})
        + _share(desk, service)
        + _ground(desk, service)
        + _places(desk, service)
    )


def _share(desk: Desk, service: Service) -> Line:
    here, whole = desk.coverage(service, "coverage"), desk.sources.value("coverage", (TOTAL, service.name), "coverage")
    if here == 1:
        return desk.voice.say("coverage.all_covered", {"people": desk.people(service, "people")})
    parts: Parts = {
        "group": desk.group(service),
        "minutes": desk.of_service(service, "cutoff_min", tell_plain),
        "coverage": desk.share(service),
    }
    if desk.code == TOTAL or here == whole:
        return desk.voice.say("coverage.plain", parts)
    side = "coverage.above" if here > whole else "coverage.below"
    return desk.voice.say(side, parts | {"total": desk.of_whole(service)})


def _ground(desk: Desk, service: Service) -> Line:
    """Whether the area has facilities, and what borders would make of it."""
    here = desk.coverage(service, "coverage")
    told: Line = ()
    if desk.coverage(service, "facilities") == 0:
        told += desk.voice.say("coverage.no_facilities")
    if here - desk.coverage(service, "coverage_own") > BY_NEIGHBOURS:
        told += desk.voice.say("coverage.own", {"own": desk.share(service, "coverage_own")})
    return told


def _places(desk: Desk, service: Service) -> Line:
    """Beds, seats and the norm for them."""
    norm, gap = desk.coverage(service, "norm_per_1000"), desk.coverage(service, "gap_places")
    if not norm > 0:
        return ()
    parts: Parts = {"title": service.capacity_title}
    if gap >= 0:
        parts |= {name: desk.measure(service, f"{name}_per_1000", tell_ratio) for name in ("norm",)}
        parts |= {"per": desk.measure(service, "capacity_per_1000", tell_ratio)}
        if gap == 0:
            return desk.voice.say("coverage.norm_met", parts)
        return desk.voice.say("coverage.norm", parts | {"gap": desk.measure(service, "gap_places", tell_needed)})
    if desk.coverage(service, "capacity_known") >= 0:
        known = desk.measure(service, "capacity_known", tell_share)
        return desk.voice.say("coverage.unknown_capacity", parts | {"known": known})
    return ()


def _map(desk: Desk, service: Service) -> Picture:
    names: Parts = {"name": desk.name, "service": service.title}
    atlas = desk.evidence.atlas
    png = atlas.plate(service.name).png() if desk.code == TOTAL else atlas.png(service.name, desk.code)
    caption = desk.voice.say("coverage.picture", names | {"number": desk.picture_number()})
    told = desk.voice.say("coverage.told", names | {"coverage": desk.share(service)})
    return Picture(png, caption, "".join(run.text for run in told))
