"""What all folders of a result are written from, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from withinreach.analysis import judge
from withinreach.exports.geodata import facility_grounds
from withinreach.exports.manifest import manifest_of
from withinreach.exports.tables import every_row, facility_rows
from withinreach.measures import continuous_ledger
from withinreach.model import Frozen
from withinreach.reach import pairs_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from withinreach.analysis import Result
    from withinreach.exports.geodata import Grounds
    from withinreach.model import Case
    from withinreach.reach import Pairs
    from withinreach.standards import Judgement


@dataclass(frozen=True, slots=True, eq=False)
class Publication(Frozen):
    """A result with what its folders share.

    Attributes
    ----------
    result : Result
    judgement : Judgement
    coverage : DataFrame
        See `every_row`.
    facilities : DataFrame
        See `facility_rows`.
    ledger : DataFrame
        See `continuous_ledger`.
    grounds : Grounds
        Isochrones and catchments.
    pairs : mapping from service to Pairs
        Every cell within the cutoff of every facility.
    manifest : mapping
        Of the whole; see `manifest_of`.
    """

    result: Result
    judgement: Judgement
    coverage: pd.DataFrame
    facilities: pd.DataFrame
    ledger: pd.DataFrame
    grounds: Grounds
    pairs: Mapping[str, Pairs]
    manifest: Mapping[str, object]

    @classmethod
    def of(cls, result: Result, grounds: Grounds | None = None) -> Publication:
        """Work out what the folders share: targets, loads, grounds where none are given, digests of the inputs."""
        judgement = judge(result)
        return cls(
            result=result,
            judgement=judgement,
            coverage=every_row(result),
            facilities=facility_rows(result),
            ledger=continuous_ledger(result.case, result.ledgers),
            grounds=grounds or facility_grounds(result),
            pairs=every_pair(result.case),
            manifest=manifest_of(result, judgement),
        )


def every_pair(case: Case) -> Mapping[str, Pairs]:
    """Cells within the cutoff of facilities, by service."""
    return MappingProxyType({name: pairs_within(case, service) for name, service in case.study.services.items()})
