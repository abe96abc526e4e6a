"""People of the cells -> people of the census: every area and group met, and 60+ never below 65+ in any cell.

Groups are taken apart into classes that share nobody (60+ without 65+, 65+ without 80+, 80+, the rest of all), the
classes are scaled, and the groups put together again: so they nest in every cell whatever the factors are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from withinreach.errors import SourceError
from withinreach.preparation.filling import fill_polygons
from withinreach.preparation.raking import FITTED, rake
from withinreach.preparation.townships import totals_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.model import Areas
    from withinreach.preparation.townships import TownshipMargin

NO_GROUP = -1
# Differences of census figures with split bands carry the rounding of floats.
EXACT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """People of every group per cell, positions in metres and rows in the areas."""

    groups: pd.DataFrame
    xy: NDArray[np.float64]
    area: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Filled:
    """An area in which the census has people and the cells had nobody to scale.

    ``group`` is the one whose people were spread over the settled cells; None if there were none, so that everybody was
    spread evenly over the ``place``: the area, or a township in it.
    """

    place: str
    group: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """What cells are calibrated to: the census, how groups nest, and where people are put who have no cell.

    Attributes
    ----------
    path : Path
        The census, named in errors.
    targets : DataFrame, (areas, groups) float64
        NaN where the census tells nothing.
    parent : (groups,) int64
        As `nesting.parents` gives it.
    spacing_m : float
        Between points that fill an area without settled cells.
    """

    path: Path
    targets: pd.DataFrame
    parent: NDArray[np.int64]
    areas: Areas
    spacing_m: float
    townships: TownshipMargin | None = None


def calibrate(cells: Cells, margins: Margins) -> tuple[Cells, list[Filled]]:
    """Scale the cells of every area to the census.

    Every class of people is multiplied by ``census / people`` of its area, or with townships by the factors of
    iterative proportional fitting. A class that nobody in an area belongs to although the census has some is spread
    over its settled cells in proportion to all their people, and where nobody lives at all over the area. A group that
    the census does not tell follows the smallest group around it that it tells.

    Returns
    -------
    cells
        Those that came in, in their order, and then the points that were added.
    filled
        Where people had to be spread.

    Raises
    ------
    SourceError
        If a group of the census holds fewer people than the groups inside it, or the townships contradict it.
    """
    inside = _membership(margins.parent)
    classes = _classes(cells.groups, margins.parent)
    structure = classes.sum(axis=0)
    order = np.argsort(cells.area, kind="stable")
    ptr = np.searchsorted(cells.area[order], np.arange(len(margins.areas) + 1))
    added: list[_Area] = []
    problems: list[str] = []
    for row in range(len(margins.areas)):
        rows = order[ptr[row] : ptr[row + 1]]
        area = _Area(margins, row, classes[rows], inside, structure)
        if not area.known.any():
            continue
        try:
            area.fill()
            area.scale(rows)
        except SourceError as error:
            problems += error.problems
            continue
        classes[rows] = area.classes[: len(rows)]
        added.append(area)
    if problems:
        raise SourceError(problems)
    new = [area.classes[area.settled :] for area in added]
    whole = pd.DataFrame(np.concatenate([classes, *new]) @ inside, columns=list(cells.groups))
    grown = Cells(
        groups=whole,
        xy=np.concatenate([cells.xy, *(area.spots for area in added)]),
        area=np.concatenate([cells.area, *(np.full(len(area.spots), area.row, np.int32) for area in added)]),
    )
    return grown, [one for area in added for one in area.filled]


def _membership(parent: NDArray[np.int64]) -> NDArray[np.float64]:
    """Which class counts for which groups, (classes, groups): its own and all around it."""
    inside = np.eye(len(parent))
    for one in range(len(parent)):
        at = parent[one]
        while at != NO_GROUP:
            inside[one, at] = 1.0
            at = parent[at]
    return inside


def _classes(groups: pd.DataFrame, parent: NDArray[np.int64]) -> NDArray[np.float64]:
    """People of each group who are in none of the groups inside it, (k, g); never below 0."""
    people = groups.to_numpy(np.float64)
    classes = people.copy()
    for child, at in enumerate(parent):
        if at != NO_GROUP:
            classes[:, at] -= people[:, child]
    # What remains of equal sums is rounding: a class is nobody, and not a millionth of a millionth of a person.
    classes[classes < EXACT * people] = 0.0
    return classes


class _Area:
    """One area while it is being calibrated.

    Attributes
    ----------
    row : int
        Of the areas.
    classes : (k, c) float64
        Of the cells that came in, `settled` of them, and of the spots that were added.
    spots : (p, 2) float64
    known : (g,) bool
        Groups that the census tells here.
    filled : list of Filled
    """

    def __init__(
        self,
        margins: Margins,
        row: int,
        classes: NDArray[np.float64],
        inside: NDArray[np.float64],
        structure: NDArray[np.float64],
    ) -> None:
        self.row = row
        self.classes = classes
        self.settled = len(classes)
        self.spots = np.empty((0, 2))
        self.filled: list[Filled] = []
        self._margins = margins
        self._inside = inside
        self._structure = structure
        self._code = str(margins.areas.table["code"].iloc[row])
        self._names = list(margins.targets)
        census = margins.targets.iloc[row].to_numpy(np.float64)
        self.known = ~np.isnan(census)
        # The class of a group is scaled with the smallest group around it that the census tells.
        self._owner = np.array([self._nearest_known(one) for one in range(len(census))])
        self._block = np.where(self.known, census, 0.0)
        for one in np.flatnonzero(self.known):
            around = NO_GROUP if margins.parent[one] == NO_GROUP else self._nearest_known(margins.parent[one])
            if around != NO_GROUP:
                self._block[around] -= census[one]
        margin = margins.townships
        self._townships = [] if margin is None else margin.rows_in(row)
        self._tolerance = EXACT * max(float(np.nansum(np.abs(census))), 1.0)

    def _nearest_known(self, one: int) -> int:
        while one != NO_GROUP and not self.known[one]:
            one = int(self._margins.parent[one])
        return one

    def fill(self) -> None:
        """Put somebody where the census has people and the cells have nobody."""
        for one in np.flatnonzero(self._block < -self._tolerance):
            raise SourceError(
                f"{self._margins.path}: {self._code}: {self._names[one]} is {-self._block[one]:,.1f} people smaller "
                "than the groups inside it together; correct the census or the ages of the groups"
            )
        self._block = np.maximum(self._block, 0.0)
        people = self.classes.sum(axis=0)
        if self._townships and not people.any():
            return  # its townships are filled, each with its own people
        if self._block.any() and not people.any():
            self.filled.append(Filled(self._code, None))
            self._add(np.array([self._margins.areas.table.geometry.iloc[self.row]]))
            return
        missing = [one for one in np.flatnonzero(self._block) if not people[self._owner == one].any()]
        if missing:
            everybody, expected = self.classes.sum(axis=1)[:, None], self._expected()
            for one in missing:
                block = self._owner == one
                self.classes[:, block] = everybody * expected[block] / self._block[one]
                self.filled.append(Filled(self._code, self._names[one]))

    def _expected(self) -> NDArray[np.float64]:
        """People of every class, (c,): of the census where it tells them, else as all areas are made up."""
        expected = np.zeros(len(self._block))
        for one in np.flatnonzero(self.known):
            block = self._owner == one
            weight = np.where(block, self._structure, 0.0)
            weight[one] += float(not weight.any())
            expected += self._block[one] * weight / weight.sum()
        return expected

    def _add(self, shapes: NDArray[np.object_]) -> NDArray[np.int64]:
        """Add points that fill polygons, every class in proportion to its expected people; the polygon of each."""
        spots, owner = fill_polygons(shapes, self._margins.spacing_m)
        self.spots = np.concatenate([self.spots, spots])
        self.classes = np.concatenate([self.classes, np.tile(self._expected(), (len(spots), 1))])
        return owner

    def scale(self, rows: NDArray[np.int64]) -> None:
        """Multiply every class, of the cells in these rows and the added ones, so that the area has the census."""
        raked = np.zeros(len(self.known), bool)
        townships = self._margins.townships
        if townships is not None and self._townships:
            raked = self._rake(townships, townships.of_cell[rows])
        people, factor = self.classes.sum(axis=0), np.ones(len(self.known))
        for one in np.flatnonzero(self.known & ~raked):
            block = self._owner == one
            have = people[block].sum()
            factor[block] = self._block[one] / have if have > 0 else 0.0
        self.classes *= factor

    def _rake(self, townships: TownshipMargin, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Meet townships and census together, the township of each cell given; which groups that settles, (g,)."""
        one = townships.group
        if not self.known[one]:
            raise SourceError(
                f"{self._margins.path}: {self._code}: has townships but no figure of {self._names[one]}; add it"
            )
        whole = float(self._margins.targets.iloc[self.row, one])
        total = totals_in(townships.path, self._townships, whole, self._code)
        empty = np.flatnonzero((total > 0) & (np.bincount(at, self.classes.sum(axis=1), len(total)) <= 0))
        if len(empty):
            self.filled += [Filled(self._townships[row].name, None) for row in empty]
            owner = self._add(np.array([self._townships[row].shape for row in empty]))
            at = np.concatenate([at, empty[owner]])
        raked = self.known & (self._inside[:, one] > 0)
        groups = np.flatnonzero(raked)
        blocks = np.stack([self.classes[:, self._owner == group].sum(axis=1) for group in groups], axis=1)
        sums = [np.bincount(at, blocks[:, i], len(total)) for i in range(len(groups))]
        table = np.stack(sums, axis=1).astype(np.float64)
        fitted, off = rake(table, total, self._block[groups])
        if off > FITTED:
            raise SourceError(
                f"{townships.path}: the townships of {self._code} cannot be met together with the census "
                f"(off by {off:.1%} of its people): one has nobody of a group that its people must be of; correct them"
            )
        factor = np.divide(fitted, table, out=np.zeros_like(fitted), where=table > 0)
        for i, group in enumerate(groups):
            self.classes[:, self._owner == group] *= factor[at, i][:, None]
        return raked
