"""Blocks -> a Word document, the same bytes for the same blocks."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Mm, Pt

from withinreach.briefs.blocks import Figure, Heading, Paragraph, Picture, Table, Text
from withinreach.briefs.template import STYLES
from withinreach.exports.workbook import ILLEGAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from docx.document import Document
    from docx.section import Section
    from docx.table import _Cell, _Row
    from docx.text.paragraph import Paragraph as Drawn

    from withinreach.briefs.blocks import Block, Line
    from withinreach.briefs.sources import Cell

LEVELS = ("title", "heading", "subheading")
# ZIP has no earlier day.
EPOCH = (1980, 1, 1, 0, 0, 0)
# What follows the columns of a section, where it is there (ISO/IEC 29500-1, 17.6.17): Word minds the order.
AFTER_COLUMNS = ("w:formProt", "w:vAlign", "w:noEndnote", "w:titlePg", "w:textDirection", "w:bidi", "w:rtlGutter",
                 "w:docGrid", "w:printerSettings", "w:sectPrChange")  # fmt: skip
# Above the numbers of bookmarks that a template may have.
FIRST_BOOKMARK = 10_000
RULE, THIN = 12, 4  # eighths of a point
# A picture over the whole width would leave no room for text on its page.
PICTURE = 0.8
# Of a template that does not say how wide its page is.
A4_WIDTH = Mm(210)
LONGEST = 400
# Of a property of the document, in signs; python-docx refuses longer ones.
PROPERTY = 255


class Appendix(NamedTuple):
    """The list of sources: heading, a sentence before it, the cells."""

    heading: Line
    intro: Line
    cells: Sequence[Cell]
    keys: Mapping[str, tuple[str, ...]]


class Writer:
    """Puts blocks into a document.

    Parameters
    ----------
    document
        A template; what stands in it stays at the beginning.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        section = document.sections[-1]
        sides = (section.left_margin or Emu(0)) + (section.right_margin or Emu(0))
        self._width = Emu((section.page_width or A4_WIDTH) - sides)
        self._bookmarks = FIRST_BOOKMARK
        # By name python-docx looks through all styles for every paragraph, which takes half the time of a brief.
        self._styles = {role: document.styles[look.name].style_id for role, look in STYLES.items()}

    def write(self, blocks: Iterable[Block]) -> None:
        """Write blocks one below the other."""
        for block in blocks:
            if isinstance(block, Heading):
                self._paragraph(block.line, LEVELS[block.level])
            elif isinstance(block, Paragraph):
                self._paragraph(block.line, block.style)
            elif isinstance(block, Table):
                self._table(block)
            elif isinstance(block, Picture):
                self._picture(block)

    def append(self, appendix: Appendix) -> None:
        """Write the sources of all figures in two columns, a paragraph for each sheet."""
        self._paragraph(appendix.heading, "heading")
        self._paragraph(appendix.intro, "sources")
        section = self._document.add_section(WD_SECTION.CONTINUOUS)
        _in_two_columns(section)
        # Sheets and rows in the order in which the text tells them first.
        numbered = list(enumerate(appendix.cells))
        for table in dict.fromkeys(cell.table for cell in appendix.cells):
            paragraph = self._new("sources")
            self._run(paragraph, f"{table} [{', '.join(appendix.keys[table])}]:")
            for row in dict.fromkeys(cell.row for cell in appendix.cells if cell.table == table):
                self._run(paragraph, f" [{', '.join(str(value) for value in row)}]")
                for number, cell in numbered:
                    if cell[:2] == (table, row):
                        self._run(paragraph, f" {cell.column} ")
                        self._marked(paragraph, f"source_{number}", cell.text)

    def _paragraph(self, line: Line, style: str) -> None:
        self._fill(self._new(style), line)

    def _new(self, style: str) -> Drawn:
        """An empty paragraph below all others."""
        return self._styled(self._document.add_paragraph(), style)

    def _styled(self, paragraph: Drawn, style: str) -> Drawn:
        paragraph._p.style = self._styles[style]  # noqa: SLF001  # styles by their id have no public way
        return paragraph

    def _fill(self, paragraph: Drawn, line: Line) -> None:
        for run in line:
            if isinstance(run, Figure):
                self._linked(paragraph, f"source_{run.source}", run.text)
            else:
                self._run(paragraph, run.text)

    @staticmethod
    def _run(paragraph: Drawn, text: str) -> None:
        paragraph.add_run(_clean(text))

    def _linked(self, paragraph: Drawn, anchor: str, text: str) -> None:
        """A figure that leads to its source, and looks like the text around it."""
        link = OxmlElement("w:hyperlink")
        link.set(qn("w:anchor"), anchor)
        link.append(paragraph.add_run(_clean(text))._r)  # noqa: SLF001  # links have no public way
        paragraph._p.append(link)  # noqa: SLF001

    def _marked(self, paragraph: Drawn, name: str, text: str) -> None:
        """A figure that others lead to."""
        start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
        for element in (start, end):
            element.set(qn("w:id"), str(self._bookmarks))
        start.set(qn("w:name"), name)
        self._bookmarks += 1
        paragraph._p.append(start)  # noqa: SLF001
        self._run(paragraph, text)
        paragraph._p.append(end)  # noqa: SLF001

    def _table(self, block: Table) -> None:
        caption = self._new("caption")
        caption.paragraph_format.keep_with_next = True
        self._fill(caption, block.caption)
        table = self._document.add_table(rows=1 + len(block.rows), cols=len(block.head))
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        widths = [Emu(int(self._width * part / sum(block.widths))) for part in block.widths]
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        rows = table.rows
        _flag_row(rows[0], "w:tblHeader")
        for number, row in enumerate(rows):
            _flag_row(row, "w:cantSplit")
            for place, (cell, width) in enumerate(zip(row.cells, widths, strict=True)):
                cell.width = width
                line = (Text(block.head[place]),) if number == 0 else block.rows[number - 1][place]
                role = "head" if number == 0 else "name" if place in block.names else "number"
                paragraph = self._styled(cell.paragraphs[0], role)
                # The caption, the head and the first row are not parted; a long table may run over a page.
                paragraph.paragraph_format.keep_with_next = number == 0
                self._fill(paragraph, line)
                _rule(cell, top=RULE if number == 0 else THIN, bottom=RULE if number == len(block.rows) else THIN)
        after = self._new("name")
        after.paragraph_format.line_spacing = Pt(8)

    def _picture(self, block: Picture) -> None:
        paragraph = self._new("caption")
        paragraph.paragraph_format.line_spacing = 1.0
        paragraph.paragraph_format.keep_with_next = True
        shape = paragraph.add_run().add_picture(BytesIO(block.png), width=Emu(int(self._width * PICTURE)))
        shape._inline.docPr.set("descr", _clean(block.told))  # noqa: SLF001  # words for those who do not see it
        self._paragraph(block.caption, "caption")

    def bytes(self, title: str, author: str, day: dt.date) -> bytes:
        """The document as a file, dated with the study's day."""
        about = self._document.core_properties
        moment = dt.datetime.combine(day, dt.time())
        about.title = _clean(title)[:PROPERTY]
        about.author = about.last_modified_by = _clean(author)[:PROPERTY]
        about.created, about.modified, about.revision, about.comments = moment, moment, 1, ""
        written = BytesIO()
        self._document.save(written)
        return _undated(written)


def _undated(written: BytesIO) -> bytes:
    """The same ZIP without the time of day in it."""
    again = BytesIO()
    with ZipFile(written) as source, ZipFile(again, "w") as target:
        for entry in source.infolist():
            plain = ZipInfo(entry.filename, EPOCH)
            plain.compress_type, plain.external_attr = ZIP_DEFLATED, 0o600 << 16
            target.writestr(plain, source.read(entry))
    return again.getvalue()


def _in_two_columns(section: Section) -> None:
    columns = section._sectPr.find(qn("w:cols"))  # noqa: SLF001  # columns have no public way
    if columns is None:
        columns = OxmlElement("w:cols")
        section._sectPr.insert_element_before(columns, *AFTER_COLUMNS)  # noqa: SLF001
    columns.set(qn("w:num"), "2")
    columns.set(qn("w:space"), "300")


def _flag_row(row: _Row, name: str) -> None:
    """Mark a row: ``w:tblHeader`` is repeated on every page, ``w:cantSplit`` stays on one."""
    row._tr.get_or_add_trPr().append(OxmlElement(name))  # noqa: SLF001  # rows have no public way


def _rule(cell: _Cell, *, top: int, bottom: int) -> None:
    """Lines above and below a cell, in eighths of a point."""
    borders = OxmlElement("w:tcBorders")
    for side, size in (("top", top), ("bottom", bottom)):
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", str(size)), ("color", "000000")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    cell._tc.get_or_add_tcPr().append(borders)  # noqa: SLF001  # cells have no public way


def _clean(text: str) -> str:
    """A text without what XML forbids, and no longer than anybody reads."""
    legal = ILLEGAL.sub("", text)
    return legal if len(legal) <= LONGEST else f"{legal[:LONGEST]}…"
