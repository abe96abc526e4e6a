"""Result -> plates: what all of them share is made once, so that each further one costs little."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from withinreach.analysis import result_of
from withinreach.errors import StudyError
from withinreach.maps.classes import density_breaks
from withinreach.maps.content import SQUARE_M_PER_HA, label_point
from withinreach.maps.labels import LABELS
from withinreach.maps.palette import UNCOVERED_COLOURS, WATER_EDGE, WATER_FILL
from withinreach.maps.plates.fonts import find_typeface
from withinreach.maps.plates.frame import sight_of
from withinreach.maps.plates.ground import (
    PAPER,
    look_of,
    paint_border,
    paint_borders,
    paint_cells,
    paint_changes,
    paint_classes,
    paint_facilities,
    paint_paper,
    paint_steps,
    paint_streets,
    paint_water,
)
from withinreach.maps.plates.naming import name_areas, name_places, neighbours_seen
from withinreach.maps.plates.sheet import FRAME, Plate, Sheet, Sign, sign_of
from withinreach.maps.strokes import levels, strokes
from withinreach.maps.telling import tell_people, tell_share
from withinreach.model import file_stem, part_around
from withinreach.showing import COVERAGE_BREAKS, FACILITY, GAIN, LOSS, SITE, STREET, class_names, coverage_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.maps.plates.frame import Sight
    from withinreach.reach import Reach
    from withinreach.scenarios import Comparison, Outcome
    from withinreach.study import Service

# Signs of facilities, in parts of their full size.
OVERVIEW_SCALE, AREA_SCALE = 0.5, 0.75


class _Near(NamedTuple):
    """One area with what lies around it, and its streets as strokes with their levels."""

    row: int
    result: Result
    lines: NDArray[np.object_]
    level: NDArray[np.uint8]


class Atlas:
    """The plates of a result: every service, for all areas together and for each.

    Parameters
    ----------
    result
        What `analyse` returned.

    Attributes
    ----------
    result : Result

    Raises
    ------
    StudyError
        If no typeface with Chinese is installed.
    """

    def __init__(self, result: Result) -> None:
        self._typeface = find_typeface()
        self._kept: _Near | None = None
        self._pictures_of, self._pictures = "", dict[str, bytes]()
        self.result = result
        self._text: Mapping[str, str] = LABELS[result.case.study.language]

    def plate(self, service: str, county: str | None = None) -> Plate:
        """Draw one plate; see `draw_plate`.

        Raises
        ------
        StudyError
            If the study has no such service or area.
        """
        reach = self.result.reaches[self.result.case.study.service(service).name]
        if county is None:
            return self._overview(reach)
        (row,) = self.result.case.areas.rows_of([county])
        return self._area(reach.service, row)

    def png(self, service: str, county: str) -> bytes:
        """The PNG of a county's plate, which the folder of the county and its brief both hold."""
        if self._pictures_of != county:
            self._pictures_of, self._pictures = county, {}
        if service not in self._pictures:
            self._pictures[service] = self.plate(service, county).png()
        return self._pictures[service]

    @cached_property
    def _streets(self) -> tuple[NDArray[np.object_], NDArray[np.uint8]]:
        lines = strokes(self.result.case.network)
        return lines, levels(lines)

    @cached_property
    def _label_points(self) -> NDArray[np.float64]:
        points = [label_point(shape) for shape in self.result.case.areas.table.geometry]
        return np.array(points, np.float64).reshape(-1, 2)

    def _overview(self, reach: Reach) -> Plate:
        case, service = self.result.case, reach.service
        table = self.result.tables[service.name]
        shares = table["coverage"].to_numpy(np.float64)
        sheet, sight = self._in_classes(shares)
        paint_facilities(sheet.ground, case, service, case.facility_rows(service.kinds), scale=OVERVIEW_SCALE)
        name_areas(sheet, sight, table["name"], [tell_share(share) for share in shares], self._label_points)
        groups = [(self._text["layer_coverage"], self._class_signs(shares)), ("", self._ground_signs(service))]
        return self._finished(sheet, sight, reach, self.result.totals[service.name], "", groups)

    def difference(self, outcome: Outcome, service: str) -> Plate:
        """Draw what a scenario makes of a service: coverage after it, who gains, who loses, what opens and closes.

        Parameters
        ----------
        outcome
            Of a comparison with this result.

        Raises
        ------
        StudyError
            If the study has no such service, or people of the scenario live at other places.
        """
        before, after = self.result.case, outcome.result.case
        if after.people.xy is not before.people.xy:
            raise StudyError(
                f"scenario '{outcome.scenario.title}': its people live at other places, and a map cannot show who"
                " gains; leave it out"
            )
        reach = self.result.reaches[before.study.service(service).name]
        new = outcome.result.reaches[reach.service.name]
        kinds = reach.service.kinds
        table = outcome.result.tables[reach.service.name]
        now = table["coverage"].to_numpy(np.float64)
        old_rows, new_rows = before.facility_rows(kinds), after.facility_rows(kinds)
        sheet, sight = self._in_classes(now)
        inhabited = before.people_of(reach.service.people) > 0
        gained, lost = inhabited & new.covered & ~reach.covered, inhabited & reach.covered & ~new.covered
        paint_changes(sheet.ground, before.people.xy, gained, lost)
        paint_facilities(sheet.ground, after, reach.service, np.intersect1d(old_rows, new_rows), scale=OVERVIEW_SCALE)
        opened, closed = np.setdiff1d(new_rows, old_rows), np.setdiff1d(old_rows, new_rows)
        paint_steps(sheet.ground, after.facilities.xy[opened], before.facilities.xy[closed])
        told = [
            [tell_share(share) for share in one["coverage"]] for one in (self.result.tables[reach.service.name], table)
        ]
        shares = [new if old == new else f"{old} → {new}" for old, new in zip(*told, strict=True)]
        name_areas(sheet, sight, table["name"], shares, self._label_points)
        groups = [
            (self._text["compare_difference"], self._change_signs()),
            (self._text["layer_coverage"], self._class_signs(now)),
            ("", self._ground_signs(reach.service)),
        ]
        figures = outcome.result.totals[reach.service.name]
        return self._finished(sheet, sight, new, figures, outcome.scenario.title, groups)

    def _in_classes(self, shares: NDArray[np.float64]) -> tuple[Sheet, Sight]:
        """A sheet with all areas in their classes of coverage, water, streets and borders."""
        case = self.result.case
        sheet, sight = self._begun(case.areas.table.geometry.to_numpy())
        paint_classes(sheet.ground, case.areas, sight, shares)
        paint_water(sheet.ground, case, sight)
        paint_streets(sheet.ground, sight, *self._streets)
        paint_borders(sheet.ground, case.areas, sight)
        return sheet, sight

    def _change_signs(self) -> Iterator[Sign]:
        text = self._text
        yield Sign(text["site_gained"], line=GAIN, marker="+")
        yield Sign(text["site_lost"], PAPER, line=LOSS, marker="s")
        yield Sign(text["compare_added"], SITE, line=PAPER, marker="D")
        yield Sign(text["facility_closed"], line=LOSS, marker="x")

    def own(self, row: int) -> Result:
        """One area with what lies around it: as much as its page has, so that both can be made from the same part."""
        return self._near(row).result

    def _near(self, row: int) -> _Near:
        """The plates of an area are drawn one after the other: its ground is kept until another one's turn comes."""
        if self._kept is None or self._kept.row != row:
            part = part_around(self.result.case, row, self.result.case.study.page_reach_m)
            lines = strokes(part.case.network)
            self._kept = _Near(row, result_of(self.result, part), lines, levels(lines))
        return self._kept

    def _area(self, service: Service, row: int) -> Plate:
        near, whole = self._near(row), self.result.case
        case, reach = near.result.case, near.result.reaches[service.name]
        figures = self.result.tables[service.name].iloc[row]
        uncovered = np.where(reach.covered, 0.0, case.people_of(service.people))
        width, height = case.cell_size_m
        breaks = density_breaks(uncovered, width * height / SQUARE_M_PER_HA)
        sheet, sight = self._begun(whole.areas.table.geometry.iloc[[row]].to_numpy())
        rows = case.facility_rows(service.kinds)
        paint_paper(sheet.ground, whole.areas, sight, row)
        paint_water(sheet.ground, case, sight)
        paint_streets(sheet.ground, sight, near.lines, near.level)
        paint_cells(sheet.ground, case, uncovered, breaks)
        paint_border(sheet.ground, whole.areas, sight, row)
        paint_facilities(sheet.ground, case, service, rows, scale=AREA_SCALE)
        name_places(sheet, sight, case, uncovered, rows, neighbours_seen(whole.areas, sight, row))
        names = class_names(breaks)
        densities = [Sign(name, colour) for name, colour in zip(names, UNCOVERED_COLOURS, strict=True)]
        here = self._class_signs(np.array([figures["coverage"]]))
        groups = [
            (self._text["layer_uncovered"], densities),
            ("", self._ground_signs(service)),
            (self._text["layer_coverage"], here),
        ]
        return self._finished(sheet, sight, reach, figures, str(figures["name"]), groups)

    def _begun(self, shapes: NDArray[np.object_]) -> tuple[Sheet, Sight]:
        sheet = Sheet(self._typeface)
        sight = sight_of(shapely.total_bounds(shapes), FRAME)
        sheet.ground.set_xlim(sight.west, sight.east)
        sheet.ground.set_ylim(sight.south, sight.north)
        return sheet, sight

    def _class_signs(self, shares: NDArray[np.float64]) -> list[Sign]:
        """The classes of coverage, in bold those that are on the plate; areas without people only if there are any."""
        present = set(coverage_classes(shares).tolist())
        names = class_names([at * 100 for at in COVERAGE_BREAKS], "%")
        signs = [sign_of(look_of(at), name, strong=at in present) for at, name in enumerate(names)]
        return signs + ([sign_of(look_of(-1), self._text["no_people"], strong=True)] if -1 in present else [])

    def _ground_signs(self, service: Service) -> Iterator[Sign]:
        text = self._text
        if service.capacity is None:
            yield Sign(text["layer_facilities"], FACILITY, line=PAPER, marker="o")
        else:
            known = text["facility_known"].format(capacity=service.capacity_title)
            yield Sign(known, FACILITY, line=PAPER, marker="o")
            unknown = text["facility_unknown"].format(capacity=service.capacity_title)
            yield Sign(unknown, PAPER, line=FACILITY, marker="o")
        yield Sign(text["layer_streets"], line=STREET, marker="-")
        yield Sign(text["layer_water"], WATER_FILL, line=WATER_EDGE)

    def _finished(
        self,
        sheet: Sheet,
        sight: Sight,
        reach: Reach,
        figures: pd.Series,
        name: str,
        groups: Sequence[tuple[str, Iterable[Sign]]],
    ) -> Plate:
        study, text, service = self.result.case.study, self._text, reach.service
        title = f"{service.title} · {name or study.title}"
        group = study.population.groups[service.people].title
        measured = text["coverage_of"].format(group=group, minutes=f"{service.cutoff_min:g}")
        uncovered = tell_people(float(figures["uncovered_people"]), study.language)
        profile = study.profiles[service.profile]
        subtitle = " · ".join(
            (
                f"{measured} {tell_share(float(figures['coverage']))}",
                f"{text['uncovered']} {uncovered}",
                f"{profile.title} {profile.speed_m_s:g} m/s",
            )
        )
        marks = (text["internal_use"] if study.map.internal_use else "", study.notice)
        sheet.head(title, subtitle, " · ".join(filter(None, marks)))
        sheet.legend(text["legend"], groups)
        sheet.note(text["footer_method"])
        sheet.orient(text["north"], sight.m_per_mm, (text["unit_metres"], text["unit_kilometres"]))
        first = [
            *([study.title] if name else []),
            text["footer_data"].format(date=study.as_of.isoformat()),
            text["footer_population"].format(date=study.population.as_of.isoformat()),
        ]
        second = [text["footer_crs"].format(crs=study.metric_crs), text["footer_boundaries"]]
        if study.producer:
            second.insert(0, text["footer_producer"].format(producer=study.producer))
        if study.map.review_number:
            second.append(text["review_number"].format(number=study.map.review_number))
        sheet.foot([" · ".join(first), " · ".join(second)])
        return Plate(title, sheet.figure)


def draw_plate(result: Result, service: str, county: str | None = None) -> Plate:
    """Draw one service of a result on a sheet for paper and Word, the static twin of the page's map.

    All areas in their classes of coverage, or one county with its cells of uncovered people, facilities, streets,
    rivers and names. In a notebook the plate shows itself; ``.save("x.png")`` or ``.save("x.svg")`` writes it.

    Parameters
    ----------
    service
        Name of a service of the study.
    county
        Code of an area; None draws all.

    Returns
    -------
    Plate

    Raises
    ------
    StudyError
        If the study has no such service or area, or no typeface with Chinese is installed.
    """
    return Atlas(result).plate(service, county)


def write_plates(atlas: Atlas, folder: Path, services: Sequence[str] = (), counties: Sequence[str] = ()) -> list[Path]:
    """Write plates as PNG and SVG into a folder: ``<service>.png``, ``county/<code>/<code>_<service>.png``.

    Parameters
    ----------
    services
        Names; none stands for all.
    counties
        Codes of areas; none stands for all, and for the plates of all areas together.

    Returns
    -------
    list of Path
        Of every file.

    Raises
    ------
    StudyError
        If the study has no such service or area.
    SourceError
        If a file cannot be written.
    """
    case = atlas.result.case
    case.areas.rows_of(counties)
    written: list[Path] = []
    for service in services or case.study.services:
        named: dict[Path, str | None] = {} if counties else {folder / f"{service}.png": None}
        for code in counties or case.areas.table["code"]:
            stem = file_stem(code)
            named[folder / "county" / stem / f"{stem}_{service}.png"] = code
        for path, area in named.items():
            plate = atlas.plate(service, area)
            written += [plate.save(path), plate.save(path.with_suffix(".svg"))]
    return written


def write_differences(comparison: Comparison, folder: Path) -> list[Path]:
    """Write the plates of a comparison as PNG and SVG: ``scenario_<n>_<service>.png``, of services that it changes.

    Returns
    -------
    list of Path
        Of every file.

    Raises
    ------
    StudyError
        If people of a scenario live at other places, or no typeface with Chinese is installed.
    SourceError
        If a file cannot be written.
    """
    atlas = Atlas(comparison.base)
    plates = {
        folder / f"scenario_{number}_{name}.png": atlas.difference(outcome, name)
        for number, outcome in enumerate(comparison.outcomes, start=1)
        for name, reach in outcome.result.reaches.items()
        if reach is not comparison.base.reaches[name]
    }
    return [plate.save(path.with_suffix(suffix)) for path, plate in plates.items() for suffix in (".png", ".svg")]
