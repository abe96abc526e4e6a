"""A folder of pages: the overview, and one page for each area, linked to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.maps.content import Links
from withinreach.maps.gap_map import draw_area, draw_overview
from withinreach.model import file_stem
from withinreach.progress import silent

if TYPE_CHECKING:
    from pathlib import Path

    from withinreach.analysis import Result
    from withinreach.progress import Progress

INDEX = "index.html"
COUNTIES = "county"


def write_pages(result: Result, folder: Path, *, progress: Progress = silent) -> None:
    """Write ``index.html`` and ``county/<code>.html`` into a folder that exists."""
    codes = list(result.case.areas.table["code"])
    names = {code: f"{file_stem(code)}.html" for code in codes}
    (folder / COUNTIES).mkdir(exist_ok=True)
    progress(INDEX)
    down = Links(areas={code: f"{COUNTIES}/{name}" for code, name in names.items()})
    draw_overview(result, down).save(str(folder / INDEX))
    for code in codes:
        progress(code)
        page = draw_area(result, code, links=Links(home=f"../{INDEX}"))
        page.save(str(folder / COUNTIES / names[code]))
