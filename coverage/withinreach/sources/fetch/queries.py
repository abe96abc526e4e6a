"""What Overpass is asked, in its query language.

No query holds a date, so Overpass answers with the data of the day; what it answered is kept and named in the manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.sources.fetch.client import QUERY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from withinreach.sources.fetch.place import Box

HEAD = f"[out:json][timeout:{QUERY_S}];"
# The elements found and all that they consist of, without authors and times of edits.
WITH_PARTS = "(._;>;);out body;"


def streets(box: Box) -> str:
    """Every way with ``highway=*`` that touches the box, and the outlines of squares.

    Nothing is filtered here: which ways are walked on is decided by one table, ``walking_tags.toml``, when the file is
    read, so that the audit can tell what was left out. Nodes come with their tags, because a gate may be locked.
    """
    where = f"({box.overpass()})"
    return f'{HEAD}(way["highway"]{where};rel["highway"]["type"="multipolygon"]{where};);{WITH_PARTS}'


def facilities(box: Box, asked: Mapping[str, tuple[str, ...]]) -> str:
    """Nodes, ways and relations in the box with one of the values of a key, also among several (``a;b``)."""
    where = f"({box.overpass()})"
    found = "".join(f'nwr["{key}"~"(^|; *)({"|".join(values)})( *;|$)"]{where};' for key, values in asked.items())
    return f"{HEAD}({found});{WITH_PARTS}"


def inner_levels(relation: int) -> str:
    """Tags of a relation, and of the administrative relations that lie in it or touch it."""
    return (
        f"{HEAD}rel({relation});out tags;map_to_area->.place;"
        'rel(area.place)["boundary"="administrative"]["admin_level"];out tags;'
    )


def relations(numbers: Iterable[int]) -> str:
    """Relations with their members."""
    return f"{HEAD}rel(id:{','.join(str(number) for number in sorted(numbers))});{WITH_PARTS}"
