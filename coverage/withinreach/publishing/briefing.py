"""A publication -> what its Word briefs and plates are made from, and the briefs alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd

from withinreach.briefs import Evidence, open_template, template_of, write_county_brief
from withinreach.errors import StudyError
from withinreach.exports.geodata import Grounds
from withinreach.maps.plates import Atlas, find_typeface
from withinreach.model import TOTAL, file_stem
from withinreach.progress import silent
from withinreach.publishing.publication import NO_WALKS, Material, Publication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress
    from withinreach.study import Study


def look_for_supplies(study: Study, template: Path | None = None) -> None:
    """Look at the beginning for what would stop a brief or a plate at the end of the work.

    Raises
    ------
    StudyError
        If no typeface with Chinese is installed.
    SourceError
        If the template is no Word document.
    """
    find_typeface()
    chosen = template_of(study, template)
    if chosen is not None:
        open_template(chosen, study.language)


def evidence_of(publication: Publication) -> Evidence:
    """What may be told in briefs and shown on plates.

    Raises
    ------
    StudyError
        If every group is protected, so that nothing may be, or no typeface with Chinese is installed.
    """
    cells, study = publication.cells, publication.study
    if cells is None:
        raise StudyError(
            f"{study.name}: every population group is protected, so no brief can be written; see [disclosure]"
        )
    left_out = () if publication.protection is None else publication.protection.services
    return Evidence(
        result=cells.result,
        judgement=publication.tables.judgement,
        coverage=publication.tables.coverage,
        intervals=cells.intervals,
        atlas=Atlas(cells.result),
        withheld=tuple(study.services[name].title for name in left_out),
    )


def write_brief(
    result: Result,
    folder: str | Path,
    *,
    county: str | Sequence[str] | None = None,
    template: str | Path | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write Word briefs of a result: ``county/<code>/<code>_brief.docx``, and ``brief.docx`` for all together.

    Beside each stands a workbook of the same name with the tables that its numbers are from. Those of counties are the
    same files that `export` writes.

    Parameters
    ----------
    county
        Codes of areas; None writes all, and the brief of the whole.
    template
        A Word document whose page, header, footer, letterhead and styles are taken; else that of the study
        (``brief_template``), else ours.
    progress
        Called with the code of each brief as its turn comes.

    Returns
    -------
    list of Path
        Of the documents.

    Raises
    ------
    StudyError
        If an area has no such code, a register has problems, every group is protected, or no typeface with Chinese is
        installed.
    SourceError
        If the template is no Word document, or a file cannot be written.
    """
    codes = [county] if isinstance(county, str) else list(county or result.case.areas.table["code"])
    result.case.areas.rows_of(codes)
    chosen = None if template is None else Path(template)
    look_for_supplies(result.case.study, chosen)
    evidence = evidence_of(Publication.made_of(Material.of(result, no_grounds(), walks=NO_WALKS)))
    paths = {code: Path(folder, "county", file_stem(code), f"{file_stem(code)}_brief.docx") for code in codes}
    if county is None:
        paths[TOTAL] = Path(folder, "brief.docx")
    for code, path in paths.items():
        progress(code)
        write_county_brief(evidence, code, path, template=chosen)
    return list(paths.values())


def no_grounds() -> Grounds:
    """For briefs, which tell of no isochrones and catchments."""
    return Grounds(gpd.GeoDataFrame(columns=["service"]), gpd.GeoDataFrame(columns=["service"]))
