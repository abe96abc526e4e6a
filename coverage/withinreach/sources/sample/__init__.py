"""The embedded sample: a synthetic city on a schematic map of Xinxiang, with the real census of 2020.

Units, codes and census totals are real; everything else (borders, streets, settlements, facilities) is invented. The
files are what a planner would have to hand, so that a study on own data starts as a copy of the sample's study.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_SEED = 20250630
DEFAULT_SCALE = 0.1
SCALES = (0.01, 1.0)


def write_sample(
    folder: str | Path,
    *,
    seed: int = DEFAULT_SEED,
    scale: float = DEFAULT_SCALE,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write the sample city to a folder.

    The same seed, scale and versions of the libraries give the same bytes.

    Parameters
    ----------
    folder
        Made if it does not exist; files of an earlier sample in it are replaced.
    seed
        Of everything but borders, rivers and the census: a whole number, 0 or more.
    scale
        Share of the real prefecture's size, from 0.01 to 1: streets, settled cells and villages grow with it,
        facilities with its square root, the area and the people not at all. 0.1 has about 31,000 nodes, 60,000
        inhabited cells and 500 facilities.
    progress
        Called with one line before each step.

    Returns
    -------
    Path
        The study file, to be read by `withinreach.study.load_study`.

    Raises
    ------
    CoverageError
        If seed or scale are out of range, or the folder cannot be written.
    """
    _check(seed, scale)
    # Imported late: geopandas and rasterio take seconds to load, a wrong argument should not.
    from withinreach.sources.sample.city import make_city  # noqa: PLC0415
    from withinreach.sources.sample.files import write_city  # noqa: PLC0415

    folder = Path(folder)
    say = progress or (lambda _: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        city = make_city(seed=seed, scale=scale, progress=say)
        say("writing files")
        return write_city(folder, city, seed=seed, scale=scale)
    except OSError as error:
        raise CoverageError(
            f"{folder}: the sample cannot be written ({error}); give a folder you can write to"
        ) from None


def _check(seed: int, scale: float) -> None:
    problems = []
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(f"seed = {seed!r}: give a whole number, 0 or more")
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not _within(scale):
        problems.append(f"scale = {scale!r}: give a share of the real size from {SCALES[0]:g} to {SCALES[1]:g}")
    if problems:
        raise CoverageError(problems)


def _within(scale: float) -> bool:
    return math.isfinite(scale) and SCALES[0] <= scale <= SCALES[1]
