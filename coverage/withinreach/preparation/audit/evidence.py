"""What the rules of the audit look at: the facilities of a case beside all that they can be held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from withinreach.preparation.audit.names import folded
from withinreach.preparation.findings import Proposal
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from withinreach.model import Areas, Network, Places
    from withinreach.preparation.crosswalk import Crosswalk
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.scope import Scope
    from withinreach.study import FacilityLayer, Study

    Facility = int | np.integer[Any]


@dataclass(frozen=True)
class Evidence:
    """A case before it is one. Rules read it and change nothing.

    Columns of ``facilities.table`` that a layer lacks are missing or empty; a rule that needs one has nothing to say
    then. ``columns`` are the columns that hold our attributes, by file.
    """

    study: Study
    facilities: Places
    columns: Mapping[str, Mapping[str, str]]
    scope: Scope
    network: Network
    people: Places
    water: gpd.GeoDataFrame
    frame: MetricFrame
    crosswalk: Crosswalk | None = None

    @property
    def areas(self) -> Areas:
        """The areas of the study."""
        return self.scope.areas

    @property
    def table(self) -> pd.DataFrame:
        """The facilities, one row each; a position in it is a *facility* below."""
        return self.facilities.table

    @cached_property
    def _fields(self) -> dict[str, NDArray[np.object_]]:
        """The table as arrays, in which a single field is looked up at once."""
        return {str(column): self.table[column].to_numpy(object) for column in self.table}

    @cached_property
    def layers(self) -> dict[str, FacilityLayer]:
        """Layers of facilities by the name of their file."""
        return {layer.path.name: layer for layer in self.study.facilities}

    @cached_property
    def folded_names(self) -> NDArray[np.object_]:
        """Names of the facilities made comparable; see `folded`."""
        return folded(self.texts("name"), self.areas.table["name"])

    def path(self, facility: Facility) -> Path:
        """The file that a facility comes from."""
        return self.layers[self._fields["file"][facility]].path

    def row(self, facility: Facility) -> int:
        """Its row there."""
        return int(self._fields["row"][facility])

    def name(self, facility: Facility) -> str:
        """Its name."""
        return str(self._fields["name"][facility])

    def column(self, facility: Facility, role: str) -> str:
        """The column of its file that holds an attribute of ours; empty where there is none."""
        return self.columns.get(self._fields["file"][facility], {}).get(role, "")

    def spot(self, facility: Facility, role: str) -> Spot:
        """Where a finding about an attribute of a facility stands."""
        return Spot(self.row(facility), self.column(facility, role), shown(self._fields[role][facility]))

    def numbers(self, role: str) -> NDArray[np.float64]:
        """A numeric attribute, NaN where unknown or where no layer has it; shape (k,)."""
        if role not in self.table:
            return np.full(len(self.table), np.nan)
        values: NDArray[np.float64] = self.table[role].to_numpy(np.float64)
        return values

    def texts(self, role: str) -> NDArray[np.object_]:
        """A text attribute, empty where unknown or where no layer has it; shape (k,)."""
        if role not in self.table:
            return np.full(len(self.table), "", object)
        column = self.table[role].astype(object)
        values: NDArray[np.object_] = column.where(column.notna(), "").to_numpy(object)
        return values

    def proposal(self, facility: Facility, role: str, value: str = "") -> Proposal | None:
        """That an attribute of a facility become another value, by default unknown; None where no column holds it."""
        column = self.column(facility, role)
        return Proposal({column: value}) if column else None


def shown(value: object) -> str:
    """A value as a reader of the file knows it: 12, not 12.0."""
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.15g}"
    return "" if value is None else str(value)
