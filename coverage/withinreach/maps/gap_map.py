"""`draw_map`: the map of who is covered and who is not, as a `folium.Map` that needs no network."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import folium
from folium.template import Template

from withinreach.analysis import judge, result_of
from withinreach.maps.content import NO_LINKS, Links, study_content
from withinreach.maps.document import FURNITURE, TILE_HOSTS, Furniture, OfflineFigure
from withinreach.maps.facilities import facility_content, load_content, unit_content, walked_to
from withinreach.maps.labels import LABELS
from withinreach.maps.layers import (
    FULL,
    OVERVIEW,
    Detail,
    area_arrays,
    cell_arrays,
    json_island,
    packed_island,
    reach_arrays,
    street_arrays,
    water_arrays,
)
from withinreach.maps.pockets import pocket_arrays, worst_pockets
from withinreach.maps.shapes import Degrees
from withinreach.maps.targets import target_content
from withinreach.maps.walks import cost_arrays, paces, walk_arrays, walk_content
from withinreach.model import part_around
from withinreach.preparation.areas import assign_areas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from withinreach.analysis import Result
    from withinreach.maps.layers import Island
    from withinreach.model import Case
    from withinreach.standards import Judgement


def draw_map(result: Result, *, judgement: Judgement | None = None) -> folium.Map:
    """Draw every service of a result on one map.

    Parameters
    ----------
    result
        What `analyse` returned.
    judgement
        What `judge` returned for the result, where it is at hand.

    Returns
    -------
    folium.Map
        ``.save("index.html")`` writes one file that opens by double click and loads nothing; in a notebook the map
        shows itself. Layers of folium can be added before saving, as far as they bring no files of their own:
        vector layers and plain markers do, ``Popup``, ``Choropleth`` and tile layers do not.
    """
    targets, loads = target_content(judgement or judge(result)), load_content(result.case, walked_to(result))
    return _drawn(result, _islands(result, NO_LINKS, FULL, targets, loads))


def draw_area(result: Result, code: str, *, links: Links = NO_LINKS, judgement: Judgement | None = None) -> folium.Map:
    """Draw one area of a result, with the streets and facilities around it, as a page on which sites can be tried.

    Whoever opens the page puts a site on the map and sees whom it would reach in time, or closes a facility and sees
    who would lose; the page walks by itself, and finds the same people as `analyse` for the same sites.

    Parameters
    ----------
    code
        Of the area.
    links
        Where other pages of the same result are.
    judgement
        What `judge` returned for the result, where it is at hand.

    Raises
    ------
    StudyError
        If there is no such area.
    """
    (row,) = result.case.areas.rows_of([code])
    part = part_around(result.case, row, result.case.study.page_reach_m)
    here = result_of(result, part)
    # Where no street is known there is no place to walk to a site from; the page tells what it knows.
    walking = _walking_islands(part.case) if part.case.network.n_segments else ()
    targets = target_content(judgement or judge(result), code)
    # People from beyond the border walk to the area's facilities, too.
    walked = {name: people[part.facilities] for name, people in walked_to(result).items()}
    loads = load_content(part.case, walked)
    return _drawn(here, chain(_islands(here, links, FULL, targets, loads), walking))


def draw_overview(result: Result, links: Links, judgement: Judgement) -> folium.Map:
    """Draw every area, in less detail and each with the way to its own page."""
    return _drawn(
        result,
        _islands(result, links, OVERVIEW, target_content(judgement), load_content(result.case, walked_to(result))),
    )


def _drawn(result: Result, islands: Iterable[Island]) -> folium.Map:
    study = result.case.study
    bounds = Degrees(study.metric_crs).bounds_of(result.case.areas.table.geometry.to_numpy())
    gap_map = GapMap(bounds, language=study.language)
    for island in islands:
        gap_map.add_child(island)
    hosts = TILE_HOSTS[study.map.base_map]
    OfflineFigure(title=study.title, language=LABELS[study.language]["tag"], hosts=hosts).add_child(gap_map)
    return gap_map


class GapMap(folium.Map):
    """folium's map inside our page: Leaflet from the page itself, no tiles, fixed ids.

    Parameters
    ----------
    bounds
        South-west and north-east, latitude and longitude, of what the map shows.
    language
        Key of `LABELS`.
    """

    _template = Template(
        FURNITURE
        + """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
            center: {{ this.location|tojson }},
            crs: L.CRS.{{ this.crs }},
            ...{{ this.options|tojavascript }}
        });
        withinReach.start({{ this.get_name() }}, {{ this.bounds|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, bounds: list[list[float]], *, language: str) -> None:
        (south, west), (north, east) = bounds
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            tiles=None,
            zoom_control=False,
            attribution_control=False,
            zoom_snap=0.1,
            zoom_delta=0.8,
            wheel_px_per_zoom_level=90,
            min_zoom=5,
            max_zoom=18,
        )
        self.bounds = bounds
        # folium numbers its elements at random; with fixed ids the same result gives the same file.
        self._id = "gap"
        self.default_js: list[tuple[str, str]] = []
        self.default_css: list[tuple[str, str]] = []
        self.furniture = Furniture.of(self.get_name(), language)

    def _get_self_bounds(self) -> list[list[float | None]]:
        return [list(corner) for corner in self.bounds]


def _islands(
    result: Result, links: Links, detail: Detail, targets: Mapping[str, object], loads: Mapping[str, list[float]]
) -> Iterator[Island]:
    case = result.case
    degrees = Degrees(case.study.metric_crs)
    # A page on which sites are tried tells of every group, others of those that the services are for.
    groups = {service.people for service in case.study.services.values()}
    shown = case.study.population.groups if len(case.areas) == 1 else groups
    pockets = {name: worst_pockets(result, name) for name in result.reaches}
    yield json_island("study", study_content(result, degrees, links, detail, pockets))
    yield json_island("facilities", facility_content(case))
    yield json_island("loads", loads)
    yield json_island("units", unit_content(case))
    yield json_island("targets", targets)
    yield packed_island("areas", area_arrays(case, degrees))
    yield packed_island("water", water_arrays(case, degrees))
    yield packed_island("streets", street_arrays(case, degrees, detail))
    yield packed_island("cells", cell_arrays(case, sorted(shown), detail))
    for name, reach in result.reaches.items():
        yield packed_island(f"reach-{name}", {**reach_arrays(reach, detail), **pocket_arrays(pockets[name])})


def _walking_islands(case: Case) -> Iterator[Island]:
    yield json_island("walks", walk_content(case, Degrees(case.study.metric_crs), case.study.page_reach_m))
    yield packed_island("network", walk_arrays(case))
    yield from _unit_islands(case)
    for number, costs in enumerate(paces(case)[1]):
        yield packed_island(f"costs-{number}", cost_arrays(costs))


def _unit_islands(case: Case) -> Iterator[Island]:
    """The coarsest polygons that the study lists below its areas, and in which of them each cell lies."""
    listed = [(units.places, units.polygons) for units in case.units.values() if units.polygons is not None]
    if listed:
        places, polygons = min(listed, key=lambda one: len(one[0]))
        yield json_island("cell-units", {"names": [str(name) for name in places.table["name"]]})
        yield packed_island("unit-of-cell", {"of": assign_areas(polygons, case.people.xy)})
