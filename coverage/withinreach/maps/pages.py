"""Pages as files: the overview of all areas, and the page of one area, linked to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.maps.content import Links
from withinreach.maps.gap_map import draw_area, draw_overview

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from withinreach.analysis import Result
    from withinreach.standards import Judgement


def write_overview(result: Result, judgement: Judgement, path: Path, pages: Mapping[str, str]) -> None:
    """Write the page of all areas.

    Parameters
    ----------
    judgement
        Of the result.
    pages
        Address of the page of each area by its code, relative to this page.
    """
    draw_overview(result, Links(areas=pages), judgement).save(str(path))


def write_area(result: Result, judgement: Judgement, code: str, path: Path, home: str = "") -> None:
    """Write the page of one area.

    Parameters
    ----------
    judgement
        Of the result.
    home
        Address of the overview, relative to this page; empty where there is none.
    """
    draw_area(result, code, links=Links(home=home), judgement=judgement).save(str(path))
