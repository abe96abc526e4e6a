"""What was measured, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.briefs.blocks import Heading, Paragraph, Table, Text
from withinreach.briefs.chapters.summary import tell_level
from withinreach.briefs.voice import tell_count, tell_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.desk import Desk
    from withinreach.briefs.voice import Parts

# Columns that hold text.
NAMES = {0, 1, 5}


def method(desk: Desk) -> Iterator[Block]:
    """Data, walk, the services, and where intervals come from."""
    voice = desk.voice
    yield Heading(1, voice.say("method.heading"))
    data: Parts = {
        "as_of": desk.day("as_of"),
        "population_as_of": desk.day("population.as_of"),
        "name": desk.name,
        "cells": desk.setting("cells", tell_count),
        "findings": desk.setting("audit.findings", tell_count),
    }
    runs: Parts = {
        "runs": desk.setting("intervals.runs", tell_count),
        "level": desk.setting("intervals.level", tell_level),
    }
    yield Paragraph(
        voice.say("method.data", data)
        + voice.say("method.walk", {"cap": desk.setting("network.snap_cap_m", tell_plain)})
        + voice.say("method.interval", runs)
        + _withheld(desk)
    )
    rows = [
        (
            (Text(service.title),),
            (Text(desk.group(service)),),
            desk.of_service(service, "cutoff_min", tell_plain),
            desk.of_service(service, "speed_m_s", tell_plain),
            desk.of_service(service, "reach_m", tell_count),
            (Text(desk.study.profiles[service.profile].source),),
        )
        for service in desk.services
    ]
    yield Table(desk.table_caption("method.caption"), voice.word("method.head"), rows, (20, 15, 8, 11, 9, 37), NAMES)


def _withheld(desk: Desk) -> Line:
    """Services that are left out to protect people."""
    withheld = desk.evidence.withheld
    return desk.voice.say("method.withheld", {"services": desk.voice.listed(withheld)}) if withheld else ()
