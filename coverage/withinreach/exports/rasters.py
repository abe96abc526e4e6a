"""Minutes to the nearest facility as a GeoTIFF of hectares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.transform import from_origin

from withinreach.exports.words import WORDS
from withinreach.reach import Status

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.reach import Reach

HECTARE_M = 100.0
# What minutes cannot be.
NO_DATA = -1.0
NOBODY = 255.0


def write_minutes(result: Result, area: int, path: Path) -> None:
    """Write the minutes of every inhabited hectare of an area to the nearest facility, two bands per service.

    The first is the mean over the cells with their middle in the hectare, weighted by the people of the service
    (without any, by cells), of those that have a way; -1, the nodata value, where nobody lives or there is no way.
    The second is why: the status of most people of the hectare by its number (`Status`), 255 where nobody lives; the
    band's tags name them. Hectares are squares of the study's metric CRS with
    corners at whole hundreds of metres, so that neighbouring areas fit together.

    Parameters
    ----------
    area
        Row of the area.
    """
    case, study = result.case, result.case.study
    cells = np.flatnonzero(case.people.area == area)
    xy = case.people.xy[cells] if len(cells) else np.array([_corner(result, area)])
    low = np.floor(xy.min(axis=0) / HECTARE_M)
    width, height = (np.floor(xy.max(axis=0) / HECTARE_M) - low + 1).astype(int)
    column, row = (np.floor(case.people.xy[cells] / HECTARE_M) - low).astype(np.int64).T
    hectare = (height - 1 - row) * width + column
    options = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 2 * len(result.reaches),
        "dtype": "float32",
        "crs": study.metric_crs,
        "transform": from_origin(low[0] * HECTARE_M, (low[1] + height) * HECTARE_M, HECTARE_M, HECTARE_M),
        "nodata": NO_DATA,
        "compress": "deflate",
        "tiled": True,
        "interleave": "band",
    }
    words = WORDS[study.language]
    codes = {status.key: int(status) for status in Status} | {"nobody": int(NOBODY)}
    legend = ", ".join(f"{code} {key}" for key, code in codes.items())
    with rasterio.open(path, "w", **options) as file:
        file.update_tags(TITLE=study.title, NOTICE=study.notice, AS_OF=study.as_of.isoformat())
        for number, (name, reach) in enumerate(result.reaches.items()):
            people = case.people_of(reach.service.people)[cells]
            bands = _bands(reach, cells, people, hectare, width * height)
            titles = (f"{reach.service.title}: {words['minutes']}", f"{reach.service.title}: {words['status']}")
            for part, (band, title) in enumerate(zip(bands, titles, strict=True), start=1):
                at = 2 * number + part
                file.write(band.reshape(height, width).astype(np.float32), at)
                file.set_band_description(at, title)
                file.update_tags(at, SERVICE=name, **({"UNIT": "min"} if part == 1 else {"CODES": legend}))


def _bands(
    reach: Reach,
    cells: NDArray[np.int64],
    people: NDArray[np.float64],
    hectare: NDArray[np.int64],
    count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    seconds, status = reach.seconds[cells], reach.status[cells]
    living = np.bincount(hectare, people, count)
    weight = np.where(living[hectare] > 0, people, 1.0)
    way = np.isfinite(seconds)
    reached = np.bincount(hectare[way], weight[way], count)
    walked = np.bincount(hectare[way], weight[way] * seconds[way] / 60, count)
    minutes = np.full(count, NO_DATA)
    minutes[reached > 0] = walked[reached > 0] / reached[reached > 0]
    by_status = np.bincount(hectare * len(Status) + status, weight, count * len(Status)).reshape(count, len(Status))
    inhabited = np.bincount(hectare, minlength=count) > 0
    why = np.where(inhabited, by_status.argmax(axis=1), NOBODY)
    return minutes, why


def _corner(result: Result, area: int) -> tuple[float, float]:
    """Where the raster of an area without people lies: one hectare at its south-western corner."""
    west, south, _, _ = result.case.areas.table.geometry.iloc[area].bounds
    return float(west), float(south)
