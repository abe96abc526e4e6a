"""What all folders of a result are written from, worked out once, and cleared of what is not to be told."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from withinreach.analysis import judge
from withinreach.exports.disclosure import open_result, release
from withinreach.exports.disclosure.tables import Tables, figures_only
from withinreach.exports.geodata import facility_grounds
from withinreach.exports.manifest import manifest_of
from withinreach.exports.tables import every_row, facility_rows, township_rows
from withinreach.measures import continuous_ledger
from withinreach.model import Frozen
from withinreach.reach import pairs_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from withinreach.analysis import Result
    from withinreach.exports.disclosure import Protection
    from withinreach.exports.geodata import Grounds
    from withinreach.model import Areas
    from withinreach.reach import Pairs
    from withinreach.standards import Judgement
    from withinreach.study import Study


@dataclass(frozen=True, slots=True, eq=False)
class Cells(Frozen):
    """What is told of single cells and places: a result without protected groups, and what is made of it.

    Attributes
    ----------
    result : Result
    judgement : Judgement
        Withheld figures are unknown.
    grounds : Grounds
        Isochrones and catchments.
    pairs : mapping from service to Pairs
        Every cell within the cutoff of every facility.
    """

    result: Result
    judgement: Judgement
    grounds: Grounds
    pairs: Mapping[str, Pairs]


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
        Of the whole; see `manifest_of`.
    """

    study: Study
    tables: Tables
    protection: Protection | None
    areas: Areas
    points: gpd.GeoSeries
    cells: Cells | None
    manifest: Mapping[str, object]

    @classmethod
    def of(cls, result: Result) -> Publication:
        """Work out what the folders share, and withhold what the study protects."""
        case = result.case
        released = release(_tables(result), case.study)
        shown = open_result(result)
        return cls(
            study=case.study,
            tables=released.tables,
            protection=released.protection,
            areas=case.areas,
            points=gpd.GeoSeries(gpd.points_from_xy(*case.facilities.xy.T), crs=case.study.metric_crs),
            cells=None if shown is None else _cells(shown, figures_only(released.tables.judgement)),
            manifest=manifest_of(result, released.tables.judgement, released),
        )


def _tables(result: Result) -> Tables:
    case = result.case
    facilities = case.facilities
    codes = [*case.areas.table["code"], ""]  # the last one stands for outside all areas
    return Tables(
        coverage=every_row(result),
        townships=pd.concat([township_rows(result, area) for area in range(len(case.areas))], ignore_index=True),
        ledger=continuous_ledger(case, result.ledgers),
        loads=facility_rows(result),
        factors=case.audit.factors,
        findings=case.audit.findings,
        register=facilities.table.assign(code=pd.Series([codes[row] for row in facilities.area], dtype="str")),
        judgement=judge(result),
    )


def _cells(result: Result, judgement: Judgement) -> Cells:
    pairs = {name: pairs_within(result.case, reach.service) for name, reach in result.reaches.items()}
    return Cells(result, judgement, facility_grounds(result), MappingProxyType(pairs))
