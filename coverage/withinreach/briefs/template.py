"""The template of a brief: A4 and the styles of Chinese official documents, or what an office brings.

After GB/T 9704-2012, 5.2 and 6: margins of 37 mm above and 28 mm at the binding, a text area of 156 mm x 225 mm, the
title in 小标宋 of size 二 (22 pt), headings in 黑体 and 楷体, text in 仿宋 of size 三 (16 pt), lines 28 pt apart, page
numbers in 宋体 of size 四 (14 pt) between dashes at the outer foot of the page. 方正小标宋, 仿宋_GB2312 and
楷体_GB2312 are not part of Windows and may not be shipped; the template names what Word takes in their place.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from docx.document import Document
    from docx.section import Section
    from docx.styles.style import ParagraphStyle
    from docx.text.paragraph import Paragraph

LEFT, RIGHT, CENTRE, BOTH = (
    WD_ALIGN_PARAGRAPH.LEFT,
    WD_ALIGN_PARAGRAPH.RIGHT,
    WD_ALIGN_PARAGRAPH.CENTER,
    WD_ALIGN_PARAGRAPH.JUSTIFY,
)
MARGINS_MM = {"top_margin": 37, "bottom_margin": 35, "left_margin": 28, "right_margin": 26}
WESTERN = "Times New Roman"
# Typefaces that an office may lack, and what Word shows instead, in this order.
SUBSTITUTES = {
    "方正小标宋简体": "方正小标宋_GBK,华文中宋,STZhongsong,宋体,Noto Serif CJK SC",
    "仿宋_GB2312": "仿宋,FangSong,华文仿宋,Noto Serif CJK SC",
    "楷体_GB2312": "楷体,KaiTi,华文楷体,Noto Serif CJK SC",
    "黑体": "SimHei,Microsoft YaHei,Noto Sans CJK SC",
    "宋体": "SimSun,Noto Serif CJK SC",
}


class Look(NamedTuple):
    """A style: name in Word, typeface of Chinese signs, size, distance of lines (both points), and the rest."""

    name: str
    face: str
    points: float
    line_points: float
    align: WD_ALIGN_PARAGRAPH
    indent_ems: float = 0.0
    bold: bool = False
    space_points: float = 0.0


# Roles of paragraphs; a template of an office has them as styles of these names.
STYLES: Mapping[str, Look] = MappingProxyType(
    {
        "title": Look("Title", "方正小标宋简体", 22, 34, CENTRE, space_points=4),
        "heading": Look("Heading 1", "黑体", 16, 28, LEFT, 2),
        "subheading": Look("Heading 2", "楷体_GB2312", 16, 28, LEFT, 2),
        "body": Look("Brief Text", "仿宋_GB2312", 16, 28, BOTH, 2),
        "dated": Look("Brief Date", "楷体_GB2312", 14, 24, CENTRE, space_points=6),
        "notice": Look("Brief Notice", "黑体", 14, 24, CENTRE),
        "signed": Look("Brief Signature", "仿宋_GB2312", 16, 28, RIGHT),
        "caption": Look("Caption", "黑体", 12, 20, CENTRE, space_points=2),
        "note": Look("Brief Note", "楷体_GB2312", 10.5, 15, LEFT),
        "head": Look("Brief Table Head", "黑体", 9, 11.5, CENTRE),
        "name": Look("Brief Table Text", "宋体", 9, 11.5, LEFT),
        "number": Look("Brief Table Number", "宋体", 9, 11.5, RIGHT),
        "sources": Look("Brief Sources", "宋体", 7, 9, LEFT),
    }
)
# English text is smaller: at 16 pt a line would hold nine words.
ENGLISH = {"title": (20, 26), "heading": (14, 20), "subheading": (12, 17), "body": (12, 17), "dated": (12, 17),
           "notice": (12, 17), "signed": (12, 17), "caption": (10.5, 15), "head": (8, 10.5), "name": (8.5, 11),
           "number": (8.5, 11)}  # fmt: skip
GAP_POINTS = 5
ALARM = RGBColor(0xB2, 0x3A, 0x12)
BLACK = RGBColor(0, 0, 0)


def default_template(language: str) -> Document:
    """An empty document with the page and the styles of a brief."""
    document = docx.Document()
    for paragraph in list(document.paragraphs):
        paragraph._p.getparent().remove(paragraph._p)  # noqa: SLF001  # python-docx has no way to remove one
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    for name, millimetres in MARGINS_MM.items():
        setattr(section, name, Mm(millimetres))
    section.footer_distance = Mm(28)
    add_styles(document, language)
    _number_pages(section)
    _name_substitutes(document)
    # Programs choose the forms of Chinese signs, and where lines break, by their language.
    for language_of in document.styles.element.iter(qn("w:lang")):
        language_of.set(qn("w:eastAsia"), "zh-CN")
    return document


def open_template(path: Path, language: str) -> Document:
    """The template of an office: its page, header, footer and letterhead stand; styles that it lacks are added.

    Raises
    ------
    SourceError
        If the file is missing or no Word document.
    """
    try:
        document = docx.Document(str(path))
    except (OSError, PackageNotFoundError, BadZipFile, KeyError, ValueError):
        raise SourceError(
            f"{path}: is not there, or is no Word document; save the template as .docx (not .doc, .dotx or .wps)"
        ) from None
    add_styles(document, language)
    return document


def add_styles(document: Document, language: str) -> None:
    """Give a document every style of `STYLES` that it lacks; of Word's own styles a new document has the defaults."""
    fresh = document.core_properties.author == "python-docx"
    known = {style.name for style in document.styles}
    for role, look in STYLES.items():
        if look.name not in known:
            style = document.styles.add_style(look.name, WD_STYLE_TYPE.PARAGRAPH)
            style.base_style = None
        elif not fresh:
            continue
        points, line_points = ENGLISH.get(role, look[2:4]) if language == "en" else look[2:4]
        _shape(document.styles[look.name], look._replace(points=points, line_points=line_points), language)
    document.styles[STYLES["notice"].name].font.color.rgb = ALARM


def _shape(style: ParagraphStyle, look: Look, language: str) -> None:
    font, form = style.font, style.paragraph_format
    font.name, font.size, font.bold, font.italic = WESTERN, Pt(look.points), look.bold, False
    font.color.rgb = BLACK
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        if name.endswith("Theme"):
            del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{script}"), WESTERN)
    fonts.set(qn("w:eastAsia"), look.face)
    if language == "en" and look.face == "黑体":
        font.bold = True
    form.alignment = look.align
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(look.line_points)
    form.space_before, form.space_after = Pt(look.space_points), Pt(look.space_points)
    # Chinese paragraphs begin two signs in, English ones after a gap.
    form.first_line_indent = Pt(look.indent_ems * look.points) if language == "zh" else Pt(0)
    if language == "en" and look.indent_ems:
        form.space_before = Pt(GAP_POINTS)
    form.keep_with_next = look.name.startswith("Heading")
    borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
    if borders is not None:  # Word's own title is underlined
        borders.getparent().remove(borders)


def _number_pages(section: Section) -> None:
    """The number of the page between dashes, in the middle of the foot."""
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = CENTRE
    _write(paragraph, "— ")
    for kind in ("begin", "PAGE", "end"):
        run = paragraph.add_run()
        run.font.name, run.font.size = WESTERN, Pt(14)
        if kind == "PAGE":
            field = OxmlElement("w:instrText")
            field.set(qn("xml:space"), "preserve")
            field.text = kind
        else:
            field = OxmlElement("w:fldChar")
            field.set(qn("w:fldCharType"), kind)
        run._r.append(field)  # noqa: SLF001  # fields have no public way
    _write(paragraph, " —")


def _write(paragraph: Paragraph, text: str) -> None:
    run = paragraph.add_run(text)
    run.font.name, run.font.size = WESTERN, Pt(14)


def _name_substitutes(document: Document) -> None:
    """Tell in the table of typefaces what may stand for those that are not installed."""
    part = next(part for part in document.part.package.iter_parts() if part.partname.endswith("fontTable.xml"))
    entries = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/></w:font>'
        for name, others in SUBSTITUTES.items()
    )
    part._blob = part.blob.replace(b"</w:fonts>", entries.encode() + b"</w:fonts>")  # noqa: SLF001  # opaque to python-docx
