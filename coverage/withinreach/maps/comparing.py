"""`draw_comparison`: the present and what scenarios make of it side by side, as one page that needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from branca.element import MacroElement
from folium.template import Template

from withinreach.errors import StudyError
from withinreach.maps.content import NO_LINKS, service_content, study_facts
from withinreach.maps.document import FURNITURE, Furniture, OfflineFigure
from withinreach.maps.facilities import facility_content
from withinreach.maps.labels import LABELS
from withinreach.maps.layers import (
    FULL,
    OVERVIEW,
    area_arrays,
    cell_arrays,
    json_island,
    packed_island,
    street_arrays,
    water_arrays,
)
from withinreach.maps.numbers import number, numbers
from withinreach.maps.shapes import Degrees
from withinreach.model import NOT_OPEN
from withinreach.scenarios.facilities import positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.maps.layers import Island
    from withinreach.model import Case, Places
    from withinreach.reach import Reach
    from withinreach.scenarios import Comparison, Outcome

# Of an area lanes are drawn, too; the streets of several together have room for the longer ones only.
SMALL_AREAS = 1
UNCHANGED = 0


def draw_comparison(comparison: Comparison) -> OfflineFigure:
    """Draw a result and its scenarios side by side: two maps that move together, and what differs between them.

    Parameters
    ----------
    comparison
        What `compare` returned.

    Returns
    -------
    OfflineFigure
        ``.save("comparison.html")`` writes one file that opens by double click and loads nothing; in a notebook it
        shows itself.

    Raises
    ------
    StudyError
        One line for every scenario with people at other places: of these nobody can say who gains and who loses. Also
        if there is no scenario.
    """
    if not comparison.outcomes:
        raise StudyError("nothing to compare with: give at least one scenario")
    base = comparison.base.case
    elsewhere = [one.scenario.title for one in comparison.outcomes if one.result.case.people.xy is not base.people.xy]
    if elsewhere:
        raise StudyError(
            f"scenario '{title}': its people live at other places, and a map cannot show who gains; leave it out"
            for title in elsewhere
        )
    study = base.study
    shown = Degrees(study.metric_crs).bounds_of(base.areas.table.geometry.to_numpy())
    page = ComparisonPage(shown, language=study.language)
    for island in _islands(comparison):
        page.add_child(island)
    figure = OfflineFigure(title=study.title, language=LABELS[study.language]["tag"])
    figure.add_child(page)
    return figure


class ComparisonPage(MacroElement):
    """Two maps of Leaflet inside our page.

    Parameters
    ----------
    bounds
        South-west and north-east, latitude and longitude, of what the maps show.
    language
        Key of `LABELS`.
    """

    _template = Template(
        FURNITURE
        + """
        {% macro script(this, kwargs) %}
        withinReach.compare({{ this.bounds|tojson }});
        {% endmacro %}
        """
    )

    def __init__(self, bounds: list[list[float]], *, language: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "Comparison", "comparison"
        self.bounds = bounds
        self.furniture = Furniture.of("wr-map", language)


def _islands(comparison: Comparison) -> Iterator[Island]:
    base = comparison.base
    case = base.case
    degrees = Degrees(case.study.metric_crs)
    detail = FULL if len(case.areas) == SMALL_AREAS else OVERVIEW
    groups = sorted({service.people for service in case.study.services.values()})
    services = [service_content(base, reach) for reach in base.reaches.values()]
    yield json_island("study", study_facts(case, degrees, NO_LINKS, detail) | {"services": services})
    yield json_island("facilities", _columns(case))
    yield json_island("scenarios", [_scenario(comparison, one, degrees) for one in comparison.outcomes])
    yield packed_island("areas", area_arrays(case, degrees))
    yield packed_island("water", water_arrays(case, degrees))
    yield packed_island("streets", street_arrays(case, degrees, detail))
    yield packed_island("cells", cell_arrays(case, groups, detail))
    yield packed_island("status", {name: reach.status.astype(np.uint8) for name, reach in base.reaches.items()})
    for number_, outcome in enumerate(comparison.outcomes):
        yield packed_island(f"changes-{number_}", _changes(base, outcome.result))
        if outcome.result.case.people.table is not case.people.table:
            people = cell_arrays(outcome.result.case, groups, detail)
            yield packed_island(
                f"people-{number_}", {name: people[name] for name in people if name not in ("lon", "lat")}
            )


def _changes(base: Result, result: Result) -> dict[str, NDArray[np.uint8]]:
    """Of each service 0 for cells whose status stays, and one more than the new status for the others."""
    return {name: _new_status(base.reaches[name], reach) for name, reach in result.reaches.items()}


def _new_status(before: Reach, after: Reach) -> NDArray[np.uint8]:
    return np.where(before.status == after.status, UNCHANGED, after.status + 1).astype(np.uint8)


def _scenario(comparison: Comparison, outcome: Outcome, degrees: Degrees) -> dict[str, object]:
    """Figures, facilities and streets of a scenario, as far as they are not those of the present."""
    scenario, result = outcome.scenario, outcome.result
    table, totals = (found[found["scenario"] == scenario.title] for found in (comparison.table, comparison.totals))
    moved = {
        name: {side: numbers(rows[f"{side}_people"].to_numpy(np.float64)) for side in ("gained", "lost")}
        for name, rows in table.groupby("service", sort=False)
    }
    per_gained = dict(zip(totals["service"], totals["cost_per_gained"], strict=True))
    services = [
        service_content(result, reach) | {"moved": moved[name], "costPerGained": number(per_gained[name])}
        for name, reach in result.reaches.items()
    ]
    return {
        "title": scenario.title,
        "cost": number(outcome.cost),
        "services": services,
        "facilities": _facility_changes(comparison.base.case, result.case),
        "links": [_lonlat(result.case, scenario.datum, link.line, degrees) for link in scenario.link],
        "blocked": [_lonlat(result.case, scenario.datum, (one.at,), degrees)[0] for one in scenario.block],
    }


def _lonlat(case: Case, datum: str, points: tuple[tuple[float, float], ...], degrees: Degrees) -> list[list[float]]:
    xy, _ = positions(case.study, datum, list(points), "")
    return degrees.of(xy).round(6).tolist()


def _facility_changes(before: Case, after: Case) -> dict[str, object]:
    """What a scenario does to facilities: those that are added as `facility_content` tells them, rows of the others."""
    old, new = before.facilities, after.facilities
    count = len(old)
    columns = {name: values[count:] for name, values in _columns(after).items()}
    capacities = [name for name in columns if name.startswith("capacity_")]
    return {
        "added": columns,
        "closed": _rows(~_idle(old) & _idle(new)[:count]),
        "moved": [[row, *lonlat] for row, lonlat in _moved(old, new)],
        "resized": {name: _resized(before, after, name.removeprefix("capacity_")) for name in capacities},
    }


def _columns(case: Case) -> dict[str, list[object]]:
    """What maps draw of facilities; nothing is filtered on this page."""
    content = facility_content(case)
    return {name: values for name, values in content.items() if isinstance(values, list) and name != "filters"}


def _idle(places: Places) -> NDArray[np.bool_]:
    return places.table["status"].isin(NOT_OPEN).to_numpy(bool)


def _rows(chosen: NDArray[np.bool_]) -> list[int]:
    return np.flatnonzero(chosen).tolist()


def _moved(old: Places, new: Places) -> list[tuple[int, list[float]]]:
    rows = _rows((old.xy != new.xy[: len(old)]).any(axis=1))
    lonlat = new.table[["lon", "lat"]].to_numpy(np.float64).round(6)
    return [(row, lonlat[row].tolist()) for row in rows]


def _resized(before: Case, after: Case, attribute: str) -> list[list[float]]:
    old, new = before.capacities(attribute), after.capacities(attribute)[: len(before.facilities)]
    differ = (old != new) & ~(np.isnan(old) & np.isnan(new))
    return [[row, float(new[row])] for row in _rows(differ)]
