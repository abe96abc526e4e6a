"""What all folders of a result are written from, worked out once, and cleared of what is not to be told."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import geopandas as gpd
import pandas as pd

from withinreach.analysis import judge
from withinreach.exports.disclosure import open_result, release
from withinreach.exports.disclosure.tables import Tables, figures_only
from withinreach.exports.geodata import Grounds, facility_grounds
from withinreach.exports.manifest import manifest_of, released_manifest
from withinreach.exports.tables import every_row, facility_rows, township_rows
from withinreach.measures import continuous_ledger
from withinreach.model import Frozen
from withinreach.reach import pairs_within
from withinreach.siting import building_pairs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.analysis import Result
    from withinreach.exports.disclosure import Protection
    from withinreach.model import Areas, Case
    from withinreach.reach import Pairs
    from withinreach.standards import Judgement
    from withinreach.study import Study

    Table = TypeVar("Table", pd.DataFrame, gpd.GeoDataFrame)


class Walks(NamedTuple):
    """Cells within the cutoff, by service: of its facilities, and of buildings that could share with it."""

    pairs: Mapping[str, Pairs]
    buildings: Mapping[str, Pairs]


# For what tells of no single walks: the tables of the whole, and briefs.
NO_WALKS = Walks(MappingProxyType({}), MappingProxyType({}))
# For folders without briefs.
NO_INTERVALS = pd.DataFrame(columns=["service", "code", "coverage", "low", "median", "high", "runs"])
# Monte Carlo runs: the bounds of 95 % of them are then known to about a percentage point of rank.
RUNS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Material(Frozen):
    """What a publication is made of, before anything is withheld.

    Attributes
    ----------
    result : Result
    tables : Tables
    grounds : Grounds
        Isochrones and catchments.
    walks : Walks
    intervals : DataFrame
        See `estimate_intervals`.
    manifest : mapping
        Of the whole; see `manifest_of`.
    """

    result: Result
    tables: Tables
    grounds: Grounds
    walks: Walks
    intervals: pd.DataFrame
    manifest: Mapping[str, object]

    @classmethod
    def of(
        cls,
        result: Result,
        grounds: Grounds | None = None,
        *,
        walks: Walks | None = None,
        intervals: pd.DataFrame | None = None,
    ) -> Material:
        """Work it out: targets, loads, digests of the inputs; grounds, walks and intervals where none are given."""
        tables = _tables(result)
        return cls(
            result=result,
            tables=tables,
            grounds=grounds or facility_grounds(result),
            walks=every_walk(result.case) if walks is None else walks,
            intervals=_intervals(result) if intervals is None else intervals,
            manifest=manifest_of(result, tables.judgement),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cells(Frozen):
    """What is told of single cells and places: a result without protected groups, and what is made of it.

    Attributes
    ----------
    result : Result
    judgement : Judgement
        Withheld figures are unknown.
    grounds : Grounds
    walks : Walks
    intervals : DataFrame
        See `estimate_intervals`.
    """

    result: Result
    judgement: Judgement
    grounds: Grounds
    walks: Walks
    intervals: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Publication(Frozen):
    """A result as it may be published, with what its folders share. Whatever writes a file takes it from here.

    Attributes
    ----------
    study : Study
    tables : Tables
        Withheld figures hold their mark.
    protection : Protection or None
        What was done to protect people; None if the study protects nobody.
    areas : Areas
        The counties.
    points : GeoSeries
        Where the facilities of the register are.
    cells : Cells or None
        None if every group is protected.
    manifest : mapping
        Of the whole.
    """

    study: Study
    tables: Tables
    protection: Protection | None
    areas: Areas
    points: gpd.GeoSeries
    cells: Cells | None
    manifest: Mapping[str, object]

    @classmethod
    def of(cls, result: Result, *, intervals: pd.DataFrame | None = None) -> Publication:
        """Work out what the folders share, and withhold what the study protects; see `Material.of`."""
        return cls.made_of(Material.of(result, intervals=intervals))

    @classmethod
    def made_of(cls, material: Material) -> Publication:
        """Withhold what the study protects."""
        case = material.result.case
        released = release(material.tables, case.study)
        return cls(
            study=case.study,
            tables=released.tables,
            protection=released.protection,
            areas=case.areas,
            points=gpd.GeoSeries(gpd.points_from_xy(*case.facilities.xy.T), crs=case.study.metric_crs),
            cells=_cells(material, figures_only(released.tables.judgement)),
            manifest=released_manifest(material.manifest, released),
        )


def every_walk(case: Case) -> Walks:
    """Cells within the cutoff of facilities, and of buildings, by service."""
    services = case.study.services
    return Walks(
        pairs=MappingProxyType({name: pairs_within(case, service) for name, service in services.items()}),
        buildings=MappingProxyType({name: building_pairs(case, service) for name, service in services.items()}),
    )


def facility_register(case: Case) -> pd.DataFrame:
    """Every facility with its attributes and the ``code`` of its area, empty outside all."""
    codes = [*case.areas.table["code"], ""]  # the last one stands for outside all areas
    code = pd.Series([codes[row] for row in case.facilities.area], dtype="str")
    return case.facilities.table.assign(code=code)


def _intervals(result: Result) -> pd.DataFrame:
    from withinreach.uncertainty import estimate_intervals  # noqa: PLC0415 -- it can draw, too, which takes long to load

    return estimate_intervals(result.case, reaches=result.reaches, runs=RUNS)


def _tables(result: Result) -> Tables:
    case = result.case
    return Tables(
        coverage=every_row(result),
        townships=township_rows(result),
        ledger=continuous_ledger(case, result.ledgers),
        loads=facility_rows(result),
        factors=case.audit.factors,
        findings=case.audit.findings,
        register=facility_register(case),
        judgement=judge(result),
    )


def _cells(material: Material, judgement: Judgement) -> Cells | None:
    """Cells and places of the groups that are not protected."""
    shown = open_result(material.result)
    if shown is None:
        return None
    if shown is material.result:
        return Cells(shown, judgement, material.grounds, material.walks, material.intervals)
    services = list(shown.case.study.services)

    def told(table: Table) -> Table:
        return table[table["service"].isin(services)].reset_index(drop=True)

    walks = NO_WALKS if material.walks is NO_WALKS else every_walk(shown.case)
    return Cells(shown, judgement, Grounds(*map(told, material.grounds)), walks, told(material.intervals))
