"""The pockets with most uncovered people: where, how far from what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from withinreach.briefs.blocks import Heading, Paragraph, Table, Text
from withinreach.briefs.evidence import POCKETS
from withinreach.briefs.voice import tell_count, tell_degrees, tell_minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.desk import Desk
    from withinreach.study import Service

NAMES = {0, 1, 3, 5}


def pockets(desk: Desk) -> Iterator[Block]:
    """How many there are of each service, and the largest."""
    voice = desk.voice
    yield Heading(1, voice.say("pockets.heading"))
    if not desk.inhabited:
        yield Paragraph(voice.say("pockets.nobody"))
        return
    lacking = [service for service in desk.services if desk.sources.value("plans", (service.name,), "pockets") > 0]
    if not lacking:
        yield Paragraph(voice.say("pockets.none"))
        return
    counts = [
        voice.say("pockets.count", {"service": service.title, "pockets": desk.plan(service, "pockets", tell_count)})
        for service in lacking
    ]
    yield Paragraph(voice.say("pockets.counts", {"list": voice.listed(counts)}))
    table = desk.sources.tables["pockets"]
    rows = [
        _row(desk, service, row)
        for service in lacking
        for row in table[table["service"] == service.name]
        .head(max(1, POCKETS // len(lacking)))
        .to_dict(orient="records")
    ]
    yield Table(desk.table_caption("pockets.caption"), voice.word("pockets.head"), rows, (20, 21, 13, 24, 9, 13), NAMES)


def _row(desk: Desk, service: Service, row: dict[str, object]) -> tuple[Line, ...]:
    key = (service.name, row["rank"])
    figure, word = desk.sources.figure, desk.voice.word
    place: Line = (Text(str(row["place"])),)
    if not row["place"]:
        lon, lat = ((figure("pockets", key, name, tell_degrees),) for name in ("lon", "lat"))
        place = desk.voice.say("pockets.unnamed", {"lon": lon, "lat": lat})
    return (
        (Text(service.title),),
        place,
        (figure("pockets", key, "people", desk.count_people),),
        (Text(str(row["nearest_name"] or word("pockets.no_way"))),),
        (figure("pockets", key, "minutes", tell_minutes),) if not pd.isna(row["minutes"]) else (Text("—"),),
        (Text(word("pockets.reasons")[row["reason"]]),),
    )
