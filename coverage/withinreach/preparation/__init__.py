"""Raw layers -> Case: datum, cleaning, units, snapping, and an Audit of all that was changed or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import pandas as pd
import shapely

from withinreach.errors import CoverageError, SourceError
from withinreach.model import Areas, Audit, Case, Network, Places, UnitList, no_statistics
from withinreach.preparation.audit import Evidence, audit
from withinreach.preparation.cache import cached_network
from withinreach.preparation.card import examination_card
from withinreach.preparation.compounds import note_compounds, read_compounds
from withinreach.preparation.crosswalk import read_crosswalk
from withinreach.preparation.facilities import read_all_facilities
from withinreach.preparation.findings import Findings
from withinreach.preparation.frame import MetricFrame
from withinreach.preparation.ground import note_components, note_snapping, note_streets, note_units
from withinreach.preparation.people import prepare_people
from withinreach.preparation.people_findings import note_dates
from withinreach.preparation.repairs import read_repairs, write_repairs
from withinreach.preparation.scope import prepare_scope, scope_of, whole_layers
from withinreach.preparation.snapping import snap_places
from withinreach.preparation.statistics import prepare_statistics
from withinreach.preparation.stored_case import cached_case
from withinreach.preparation.streets import prepare_network
from withinreach.preparation.support import note_support, with_support
from withinreach.preparation.units import place_units, read_units
from withinreach.progress import silent
from withinreach.sources.sample import write_sample
from withinreach.sources.vectors import read_layer
from withinreach.study import load_study

if TYPE_CHECKING:
    from withinreach.preparation.compounds import Compounds
    from withinreach.preparation.facilities import Facilities
    from withinreach.preparation.findings import Finding
    from withinreach.preparation.people import People
    from withinreach.preparation.scope import Scope
    from withinreach.preparation.units import ListedUnits
    from withinreach.progress import Progress
    from withinreach.sources.population import Bounds
    from withinreach.study import Study, WaterLayer

__all__ = [
    "Examination",
    "examine",
    "facility_places",
    "people_places",
    "prepare",
    "read_areas",
    "sample_case",
    "scope_of",
    "write_repairs",
]


def prepare(study: Study, *, progress: Progress = silent) -> Case:
    """Read every layer of a study and make one clean case of them.

    All coordinates go into the study's metric CRS, facilities and cells are snapped to the nearest street, and every
    cell gets its unit. What was changed, dropped or noticed stands in ``case.audit``. A case that was prepared before
    comes from the cache while none of its files, the study, our code and the libraries have changed; see `cache`.

    Parameters
    ----------
    progress
        Called with the name of each stage as it starts.

    Raises
    ------
    CoverageError
        With one line for every problem of every layer: file, row, column and remedy.
    """
    return cached_case(study, lambda findings: _prepared(study, findings, progress))


def read_areas(study: Study) -> Areas:
    """The areas of a study alone.

    Raises
    ------
    CoverageError
        If the layer cannot be used.
    """
    return prepare_scope(study, MetricFrame(study.metric_crs), Findings()).areas


@dataclass(frozen=True)
class Examination:
    """What `prepare` finds, also where it cannot make a case.

    Attributes
    ----------
    findings : DataFrame
        As in `Audit.findings`, in the study's language.
    audit : Audit or None
        None where no case could be made.
    problems
        One line for every problem for which no case could be made.
    proposed
        The findings that come with a proposal, for `write_repairs`.
    language
        Of the findings.
    """

    findings: pd.DataFrame
    audit: Audit | None
    problems: tuple[str, ...]
    proposed: tuple[Finding, ...]
    language: Literal["zh", "en"]

    def __repr__(self) -> str:
        return f"<Examination: {len(self.findings)} findings, {len(self.problems)} problems>"

    def _repr_html_(self) -> str:
        return examination_card(self.findings, self.problems, self.language)


def examine(study: Study, *, progress: Progress = silent) -> Examination:
    """Look at every layer of a study as `prepare` does, and report problems instead of raising them."""
    findings = Findings()
    audited = None
    problems: tuple[str, ...] = ()
    try:
        audited = _prepared(study, findings, progress).audit
    except CoverageError as error:
        problems = error.problems
    return Examination(findings.table(study.language), audited, problems, tuple(findings.proposals()), study.language)


def _prepared(study: Study, findings: Findings, progress: Progress) -> Case:
    frame = MetricFrame(study.metric_crs)
    network = cells = facilities = crosswalk = None
    listed: dict[str, ListedUnits] = {}
    statistics = no_statistics()
    water = gpd.GeoDataFrame(geometry=[], crs=frame.crs)

    progress("areas")
    scope = _read_scope(study, frame, findings)
    within = whole_layers if scope is None else scope.bounds
    progress("streets")
    with findings.problems_kept():
        bounds = within(study.network.datum)
        network = cached_network(study, findings, lambda fresh: prepare_network(study.network, frame, fresh, bounds))
    progress("facilities")
    with findings.problems_kept():
        facilities = read_all_facilities(study, read_repairs(study), frame, findings, within)
    if scope is not None:
        progress("people")
        with findings.problems_kept():
            cells = prepare_people(study.population, scope, frame, findings)
        if study.crosswalk is not None:
            with findings.problems_kept():
                crosswalk = read_crosswalk(study.crosswalk, scope, findings)
        listed, statistics = _read_lists(study, scope, frame, findings)
    if study.water is not None:
        with findings.problems_kept():
            water = _prepare_water(study.water, within(study.water.datum), frame, findings)
    compounds: list[Compounds] = []
    with findings.problems_kept():
        compounds = list(read_compounds(study, frame, findings, within))
    if scope is not None and network is not None:
        with findings.problems_kept():
            _need_overlap(study.network.path, network, scope.areas)
    findings.raise_problems()
    if scope is None or network is None or cells is None or facilities is None:
        raise AssertionError("a layer is missing although no problem was reported")

    progress("snapping")
    areas = scope.areas
    people = people_places(cells, network, study.network.snap_cap_m, frame)
    people = with_support(study.network, network, people, cells.size_m, cells.others_xy)
    places = facility_places(facilities, scope, network, study.network.snap_cap_m, frame)
    units: dict[str, UnitList] = {
        level: place_units(layer, listed[level], cells, scope, network, study.network.snap_cap_m, frame)
        for level, layer in study.units.items()
    }
    note_dates(study, findings)
    note_units(study, units, scope, findings)
    audit(Evidence(study, places, facilities.columns, scope, network, people, water, frame, crosswalk), findings)
    note_snapping(study, people, places, findings)
    note_components(study, network, people, findings)
    note_streets(study, network, areas, people, cells.size_m[0] * cells.size_m[1], findings)
    note_support(study, areas, people, findings)
    for walled in compounds:
        note_compounds(study, walled, network, people, places, cells.size_m[0] * cells.size_m[1], frame, findings)
    return Case(
        study=study,
        network=network,
        facilities=places,
        people=people,
        areas=areas,
        water=water,
        cell_size_m=cells.size_m,
        audit=Audit(
            findings=findings.table(study.language), accounts=cells.accounts, factors=cells.factors, masked=cells.masked
        ),
        units=units,
        statistics=statistics,
    )


def _read_scope(study: Study, frame: MetricFrame, findings: Findings) -> Scope | None:
    """The areas; None where they cannot be used, though the other layers may be looked at."""
    with findings.problems_kept():
        return prepare_scope(study, frame, findings)
    if study.areas.codes:
        findings.raise_problems()  # nobody knows what of the other layers is to be read
    return None


def _read_lists(
    study: Study, scope: Scope, frame: MetricFrame, findings: Findings
) -> tuple[dict[str, ListedUnits], pd.DataFrame]:
    """Lists of units below the areas, by level, and imported statistics: what plans are judged by beside the map."""
    listed: dict[str, ListedUnits] = {}
    statistics = no_statistics()
    for level, layer in study.units.items():
        with findings.problems_kept():
            listed[level] = read_units(layer, level, scope, frame, findings)
    if study.statistics is not None:
        with findings.problems_kept():
            statistics = prepare_statistics(study.statistics, scope, findings)
    return listed, statistics


def _prepare_water(
    layer: WaterLayer, bounds: Bounds | None, frame: MetricFrame, findings: Findings
) -> gpd.GeoDataFrame:
    raw = read_layer(layer.path, layer.datum, kind="Polygon", layer=layer.layer, bounds=bounds)
    findings.take(layer.path, raw.remarks)
    return gpd.GeoDataFrame(geometry=frame.geometries(layer.datum, raw.features.geometry.to_numpy()), crs=frame.crs)


def _need_overlap(path: Path, network: Network, areas: Areas) -> None:
    streets = shapely.box(*network.vertex_xy.min(axis=0), *network.vertex_xy.max(axis=0))
    units = shapely.box(*areas.table.total_bounds)
    if not shapely.intersects(streets, units):
        raise SourceError(f"{path}: the streets do not overlap the areas; check the datum of both layers")


def people_places(cells: People, network: Network, cap_m: float, frame: MetricFrame) -> Places:
    """Cells with the place where each meets the network."""
    lonlat = frame.to_lonlat(cells.xy)
    table = pd.DataFrame({"lon": lonlat[:, 0], "lat": lonlat[:, 1]}).join(cells.groups)
    segment, offset_mm, access_mm = snap_places(network, cells.xy, cap_m)
    return Places(table=table, xy=cells.xy, area=cells.area, segment=segment, offset_mm=offset_mm, access_mm=access_mm)


def facility_places(facilities: Facilities, scope: Scope, network: Network, cap_m: float, frame: MetricFrame) -> Places:
    """Facilities, or what might become one, with their area and the place where each meets the network."""
    xy = facilities.xy
    lonlat = frame.to_lonlat(xy)
    segment, offset_mm, access_mm = snap_places(network, xy, cap_m)
    return Places(
        table=facilities.table.assign(lon=lonlat[:, 0], lat=lonlat[:, 1]),
        xy=xy,
        area=scope.area_of(xy),
        segment=segment,
        offset_mm=offset_mm,
        access_mm=access_mm,
    )


def sample_case() -> Case:
    """The synthetic sample city, made anew and prepared: all 15 units of Xinxiang, openly invented facilities."""
    with TemporaryDirectory(prefix="withinreach-") as folder:
        return prepare(load_study(write_sample(Path(folder))))
