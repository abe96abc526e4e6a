"""Briefs as files: the Word document, and beside it the workbook with the cells that its numbers are from."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.briefs.chapters import CHAPTERS
from withinreach.briefs.desk import Desk
from withinreach.briefs.evidence import Evidence
from withinreach.briefs.sources import KEYS
from withinreach.briefs.template import default_template, open_template
from withinreach.briefs.word import Appendix, Writer
from withinreach.errors import SourceError
from withinreach.exports.workbook import Sheet, write_workbook
from withinreach.maps.plates import save_bytes
from withinreach.model import TOTAL, file_stem
from withinreach.progress import silent

# Word knows no document without a day.
EPOCH = dt.date(2000, 1, 1)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.analysis import Result
    from withinreach.progress import Progress


def write_brief(
    result: Result,
    folder: str | Path,
    *,
    county: str | Sequence[str] | None = None,
    template: str | Path | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write Word briefs of a result: ``county/<code>/<code>_brief.docx``, and ``brief.docx`` for all together.

    Beside each stands a workbook of the same name with the tables that its numbers are from.

    Parameters
    ----------
    county
        Codes of areas; None writes all, and the brief of the whole.
    template
        A Word document whose page, header, footer, letterhead and styles are taken; else that of the study
        (``brief_template``), else ours, see `save_template`.
    progress
        Called with the code of each brief as its turn comes.

    Returns
    -------
    list of Path
        Of the documents.

    Raises
    ------
    StudyError
        If an area has no such code, a register has problems, or no typeface with Chinese is installed.
    SourceError
        If the template is no Word document, or a file cannot be written.
    """
    codes = [county] if isinstance(county, str) else list(county or result.case.areas.table["code"])
    result.case.areas.rows_of(codes)
    chosen = _template(result, template)
    if chosen is not None:
        open_template(chosen, result.case.study.language)
    evidence = Evidence.of(result)
    paths = {code: Path(folder, "county", file_stem(code), f"{file_stem(code)}_brief.docx") for code in codes}
    if county is None:
        paths[TOTAL] = Path(folder, "brief.docx")
    for code, path in paths.items():
        progress(code)
        write_county_brief(evidence, code, path, template=template)
    return list(paths.values())


def write_county_brief(evidence: Evidence, code: str, path: str | Path, *, template: str | Path | None = None) -> Path:
    """Write the brief of one area, or of all together (code ``total``), and its workbook beside it.

    Parameters
    ----------
    evidence
        `Evidence.of` a result; worked out once for all areas.
    path
        Of the document, ending in ``.docx``; the workbook ends in ``.xlsx`` instead.
    template
        See `write_brief`.

    Raises
    ------
    StudyError
        If no area has this code.
    SourceError
        If the template is no Word document, or a file cannot be written.
    """
    path, study = Path(path), evidence.result.case.study
    chosen = _template(evidence.result, template)
    document = default_template(study.language) if chosen is None else open_template(chosen, study.language)
    desk, workbook = Desk(evidence, code), path.with_suffix(".xlsx")
    writer = Writer(document)
    writer.write(chain.from_iterable(chapter(desk) for chapter in CHAPTERS))
    intro = desk.voice.say("sources.intro", {"file": workbook.name})
    writer.append(Appendix(desk.voice.say("sources.heading"), intro, desk.sources.cells, KEYS))
    title = "".join(run.text for run in desk.voice.say("title.main", {"name": desk.name}))
    save_bytes(path, writer.bytes(title, study.producer, study.as_of))
    write_workbook({name: Sheet(table) for name, table in desk.sources.tables.items()}, workbook, study.as_of)
    return path


def save_template(path: str | Path, language: str) -> Path:
    """Write our template, for an office to make its own of.

    Raises
    ------
    SourceError
        If the file is there already, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        raise SourceError(f"{path}: is there already; name another file")
    save_bytes(path, Writer(default_template(language)).bytes("", "", EPOCH))
    return path


def _template(result: Result, template: str | Path | None) -> Path | None:
    named = result.case.study.brief_template
    if template is not None:
        return Path(template)
    return None if named is None else named.path
