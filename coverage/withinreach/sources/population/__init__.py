"""Population: rasters, points or polygon cells, or totals of units, summed to the groups of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.errors import SourceError
from withinreach.sources.population.cells import Bounds, Masked, Moved, PeoplePoints, Suppressed
from withinreach.sources.population.files import is_table
from withinreach.sources.population.homes import HomePlaces, read_homes
from withinreach.sources.population.parts import Parts, is_raster_layer, raster_parts, single_file
from withinreach.sources.population.rasters import raster_datum, read_rasters
from withinreach.sources.population.tables import read_points
from withinreach.sources.population.totals import UnitTotals, read_census, read_totals, read_townships
from withinreach.sources.streets import stated_datum
from withinreach.study import FROM_FILE

if TYPE_CHECKING:
    from withinreach.study import PopulationLayer

__all__ = [
    "Bounds",
    "HomePlaces",
    "Masked",
    "Moved",
    "Parts",
    "PeoplePoints",
    "Suppressed",
    "UnitTotals",
    "population_datum",
    "read_census",
    "read_homes",
    "read_population",
    "read_totals",
    "read_townships",
]


def population_datum(layer: PopulationLayer) -> str:
    """The datum of a layer's coordinates: as declared, or what its file states.

    Raises
    ------
    SourceError, CrsError
        If the file is to state it and does not.
    """
    if layer.datum is None:
        raise AssertionError("a layer of cells has a datum")
    if layer.datum != FROM_FILE:
        return layer.datum
    if is_raster_layer(layer):
        return raster_datum(next(part.path for group in raster_parts(layer).values() for part in group))
    path = single_file(layer)
    if is_table(path):
        raise SourceError(f"{path}: a table states no CRS; declare population.datum")
    return stated_datum(path)


def read_population(
    layer: PopulationLayer, datum: str, bounds: Bounds, of_points: Bounds | None = None
) -> PeoplePoints:
    """Read every group of a population layer.

    Parameters
    ----------
    datum
        As `population_datum` gives it.
    bounds
        West, south, east, north in the coordinates of the datum: rasters are read in this window only.
    of_points
        The window in which points and polygons count; None: all of them do.

    Raises
    ------
    SourceError
        If a file is missing or unreadable, grids differ, a column is missing, or people are not a number, each with
        file, row and column.
    CrsError
        If a CRS contradicts the datum.
    """
    if is_raster_layer(layer):
        return read_rasters(layer, raster_parts(layer), datum, bounds)
    points = read_points(layer, datum, of_points)
    return points if of_points is None else points.within(of_points)
