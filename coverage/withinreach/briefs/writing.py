"""Briefs as files: the Word document, and beside it the workbook with the cells that its numbers are from."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.briefs.chapters import CHAPTERS
from withinreach.briefs.desk import Desk
from withinreach.briefs.sources import KEYS
from withinreach.briefs.template import default_template, open_template
from withinreach.briefs.word import Appendix, Writer
from withinreach.errors import SourceError
from withinreach.exports.workbook import Sheet, write_workbook
from withinreach.maps.plates import save_bytes

# Word knows no document without a day.
EPOCH = dt.date(2000, 1, 1)

if TYPE_CHECKING:
    import pandas as pd

    from withinreach.briefs.evidence import Evidence
    from withinreach.study import Study


def write_county_brief(
    evidence: Evidence, code: str, path: Path, *, gaps: pd.DataFrame | None = None, template: Path | None = None
) -> Path:
    """Write the brief of one area, or of all together (code ``total``), and its workbook beside it.

    Parameters
    ----------
    path
        Of the document, ending in ``.docx``; the workbook ends in ``.xlsx`` instead.
    gaps
        See `tables_of`.
    template
        A Word document whose page, header, footer, letterhead and styles are taken; else that of the study
        (``brief_template``), else ours, see `save_template`.

    Raises
    ------
    StudyError
        If no area has this code.
    SourceError
        If the template is no Word document, or a file cannot be written.
    """
    study = evidence.result.case.study
    chosen = template_of(study, template)
    document = default_template(study.language) if chosen is None else open_template(chosen, study.language)
    desk, workbook = Desk(evidence, code, gaps), path.with_suffix(".xlsx")
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


def template_of(study: Study, template: Path | None = None) -> Path | None:
    """The template of a brief: the one that is given, else that of the study; None stands for ours."""
    return study.brief_template.path if template is None and study.brief_template is not None else template
