"""Places, Areas, Audit, and the Case that holds all inputs of a study."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import StudyError
from withinreach.model.accounts import residual
from withinreach.model.card import case_card
from withinreach.model.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from withinreach.model.network import Network
    from withinreach.study import Study

NO_SEGMENT = -1
OUTSIDE_AREAS = -1
# Values of ``status`` of facilities that serve nobody; where it is unknown they are taken to be open.
NOT_OPEN = ("closed", "under_construction", "planned")
# The code under which tables hold the figures of all areas together.
TOTAL = "total"


@dataclass(frozen=True, slots=True, eq=False)
class Places(Frozen):
    """Facilities or population cells: a table, and where each place meets the network.

    Attributes
    ----------
    table : DataFrame with k rows
        Facilities: id, kind, name, file, row, the attributes of ``headers.toml`` and the study's own (numbers as
        float64, NaN where unknown), status, lon, lat.
        People: lon, lat, one column of people per group, support_km_per_km2 (streets around the cell, see
        `street_support`) and thin_network (whether they are below the study's limit). Longitudes and latitudes are
        WGS84 degrees.
    xy : (k, 2) float64
        Positions, metres.
    area : (k,) int32
        Row in the areas; -1 for facilities outside all of them.
    segment : (k,) int32
        The nearest street segment; -1 where the place is farther from it than the cap.
    offset_mm : (k,) int64
        Where on the segment, from its tail.
    access_mm : (k,) int64
        Straight line from the place to that point.
    """

    table: pd.DataFrame
    xy: NDArray[np.float64]
    area: NDArray[np.int32]
    segment: NDArray[np.int32]
    offset_mm: NDArray[np.int64]
    access_mm: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def snapped(self) -> NDArray[np.bool_]:
        """Which places meet the network, shape (k,)."""
        return self.segment != NO_SEGMENT

    def taken(self, rows: NDArray[np.integer]) -> Places:
        """Some of the places, in the order of ``rows``, on the same network and in the same areas."""
        return Places(
            table=self.table.iloc[rows].reset_index(drop=True),
            xy=self.xy[rows],
            area=self.area[rows],
            segment=self.segment[rows],
            offset_mm=self.offset_mm[rows],
            access_mm=self.access_mm[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Areas(Frozen):
    """Reporting units: ``table`` has code (text), name and geometry (study's metric CRS), one row per unit."""

    table: gpd.GeoDataFrame

    def __len__(self) -> int:
        return len(self.table)

    def rows_of(self, codes: Sequence[str]) -> list[int]:
        """Rows of the areas with these codes, in their order.

        Raises
        ------
        StudyError
            If there is no area with one of them.
        """
        row = {code: at for at, code in enumerate(self.table["code"])}
        unknown = [code for code in codes if code not in row]
        if unknown:
            raise StudyError(f"no area with code {', '.join(unknown)}; the study has: {', '.join(row)}")
        return [row[code] for code in codes]


@dataclass(frozen=True, slots=True, eq=False)
class UnitList(Frozen):
    """Units of one level below the areas: townships, villages, communities or estates.

    Attributes
    ----------
    places : Places
        Where each unit is: its point, or for a polygon a place where its people live. The table has code, name and
        the study's numeric attributes (NaN where unknown).
    polygons : Areas or None
        The units' polygons, in the order of the places.
    near_m : float or None
        How far, straight, a facility may be from the point of a unit to count for it.
    """

    places: Places
    polygons: Areas | None
    near_m: float | None

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True, eq=False)
class Audit(Frozen):
    """What preparation changed, dropped or noticed. Nothing is repaired in silence.

    Attributes
    ----------
    findings : DataFrame
        severity (info, warning, error), rule (its id), file, row (as a reader of the file counts, missing for the whole
        file), column, value, and reason and action in the study's language. One row per finding.
    accounts : DataFrame
        The ledger up to the people in the areas: one row per group and `Step`, one column per area code, then
        ``outside_areas`` and ``total``.
    factors : DataFrame
        What calibration did: code, name, group, people, census, factor (``census / people``, inf where nobody was
        read), plausible. One row per area and group, then one per township; none without
        calibration.
    masked : DataFrame
        Cells and fields of the population that hold no number of people: file, column, cells (looked at), no_data,
        not_a_number, negative. One row per file, or per column of a table.
    """

    findings: pd.DataFrame
    accounts: pd.DataFrame
    factors: pd.DataFrame
    masked: pd.DataFrame

    @property
    def population(self) -> pd.DataFrame:
        """People of every group (columns) at each `Step` and the ``residual`` (rows), all areas together."""
        totals = self.accounts["total"]
        steps = pd.DataFrame({group: totals.loc[group] for group in totals.index.unique("group")})
        steps.loc["residual"] = [residual(steps[group]) for group in steps]
        return steps


STATISTICS = ("code", "statistic", "value", "year", "includes_changyuan")


def no_statistics() -> pd.DataFrame:
    """The table of a study that imports none."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in STATISTICS}).astype({"value": "f8", "year": "i8"})


@dataclass(frozen=True, slots=True, eq=False)
class Case(Frozen):
    """All inputs of a study, prepared: one metric CRS, everything snapped, nothing messy. Made by `prepare`.

    ``cell_size_m`` is the width and height of the cell that a row of ``people`` stands for; ``water`` are polygons or
    lines that the maps draw, in the metric CRS, possibly none. ``units`` are the lists of units below the areas, by
    level. ``statistics`` are imported figures: code (of an area, or ``total``), statistic, value, year,
    includes_changyuan (``yes``, ``no`` or empty).
    """

    study: Study
    network: Network
    facilities: Places
    people: Places
    areas: Areas
    water: gpd.GeoDataFrame
    cell_size_m: tuple[float, float]
    audit: Audit
    units: Mapping[str, UnitList] = field(default_factory=dict)
    statistics: pd.DataFrame = field(default_factory=no_statistics)

    def people_of(self, group: str) -> NDArray[np.float64]:
        """People of a group per cell, shape (k,)."""
        return _column(self.people, group)

    def capacities(self, attribute: str | None) -> NDArray[np.float64]:
        """Places of every facility by the attribute that counts them, shape (k,); NaN where unknown, or without one."""
        if attribute is None:
            return np.full(len(self.facilities), np.nan)
        return _column(self.facilities, attribute)

    def facility_rows(self, kinds: tuple[str, ...]) -> NDArray[np.int32]:
        """Rows of the facilities that are open and of one of these kinds or a kind below them, ascending."""
        return np.flatnonzero(serving(self.facilities.table, self.study.taxonomy.within(kinds))).astype(np.int32)

    def __repr__(self) -> str:
        counts = (
            f"{len(self.areas):,} areas",
            f"{len(self.people):,} cells",
            f"{len(self.facilities):,} facilities",
            f"{self.network.n_segments:,} street segments",
        )
        return f"<Case {self.study.name}: {', '.join(counts)}>"

    def _repr_html_(self) -> str:
        return case_card(self)


def serving(facilities: pd.DataFrame, kinds: frozenset[str]) -> NDArray[np.bool_]:
    """Which facilities are of one of these kinds and open, shape (k,)."""
    here = facilities["kind"].isin(kinds) & ~facilities["status"].isin(NOT_OPEN)
    return here.to_numpy(bool)


def _column(places: Places, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = places.table[name].to_numpy(np.float64)
    return values
