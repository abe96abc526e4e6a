"""Workbooks are zip archives: what is in one, told without trusting what it says about its own size.

A few kilobytes can claim to be gigabytes, or be gigabytes and claim to be little. So the sizes that an archive states
are added up first, and then its parts are copied, never more of any than stated, before another library sees them.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A sheet of 300,000 facilities with 20 columns takes about 200 MB of XML.
MAX_UNPACKED_MB = 256
MAX_PARTS = 2_000
READ_PARTS = ("_rels/", "[Content_Types].xml", "xl/_rels/", "xl/workbook.xml", "xl/worksheets/", "xl/sharedStrings.xml")
STYLES = "xl/styles.xml"
OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
Attributes = dict[str, str]


@dataclass(frozen=True)
class SheetPart:
    """A sheet of a workbook: its name, whether it is hidden, and its part of the archive."""

    name: str
    hidden: bool
    part: str


def unpacked(path: Path) -> io.BytesIO:
    """A copy of the parts of a workbook that hold values, uncompressed and of proven size.

    Raises
    ------
    SourceError
        If it is no XLSX workbook, is encrypted or damaged, or unpacks to more than `MAX_UNPACKED_MB`.
    """
    with path.open("rb") as file:
        if file.read(len(OLD_FORMAT)) == OLD_FORMAT:
            raise SourceError(f"{path}: is password-protected or an old .xls; save it as .xlsx without a password")
    copy = io.BytesIO()
    try:
        with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w") as target:
            for part in _parts(path, archive):
                with archive.open(part) as packed:
                    target.writestr(part.filename, packed.read(part.file_size))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise SourceError(f"{path}: not a readable XLSX workbook: {str(error).strip()}; save it anew") from None
    return copy


def _parts(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    parts = [part for part in archive.infolist() if part.filename.startswith((*READ_PARTS, STYLES))]
    megabytes = sum(part.file_size for part in parts) / 1e6
    if len(parts) > MAX_PARTS or megabytes > MAX_UNPACKED_MB:
        raise SourceError(
            f"{path}: would unpack to {megabytes:,.0f} MB in {len(parts):,} parts; at most {MAX_UNPACKED_MB} MB in "
            f"{MAX_PARTS:,} are read: save the sheet that is needed as CSV"
        )
    return parts


def sheet_parts(path: Path, archive: zipfile.ZipFile) -> list[SheetPart]:
    """The sheets of cells in the order of the workbook."""
    targets: dict[str, str] = {}
    sheets: list[Attributes] = []
    _walk(path, archive, "xl/_rels/workbook.xml.rels", lambda name, row: _add_target(targets, name, row))
    _walk(path, archive, "xl/workbook.xml", lambda name, row: sheets.append(row) if name == "sheet" else None)
    found = []
    for sheet in sheets:
        relation = next((value for key, value in sheet.items() if key.rpartition(":")[2] == "id"), "")
        part = targets.get(relation, "")
        if part.startswith("xl/worksheets/"):
            found.append(SheetPart(sheet["name"], sheet.get("state", "visible") != "visible", part))
    return found


def _add_target(targets: dict[str, str], name: str, row: Attributes) -> None:
    if name == "Relationship":
        targets[row["Id"]] = posixpath.normpath(posixpath.join("/xl", row["Target"])).lstrip("/")


def parse_part(path: Path, archive: zipfile.ZipFile, part: str, parser: expat.XMLParserType) -> None:
    """Run a part of the archive through a parser; entities, which can grow without bound, are refused.

    Raises
    ------
    SourceError
        If it is missing or no XML.
    """

    def refuse(*_: object) -> None:
        raise SourceError(f"{path}: not a readable XLSX workbook: it declares XML entities; save it anew")

    parser.EntityDeclHandler = refuse
    try:
        with archive.open(part) as source:
            parser.ParseFile(source)
    except SourceError:
        raise
    except (KeyError, ValueError, expat.ExpatError) as error:
        raise SourceError(f"{path}: not a readable XLSX workbook: {part}: {error}; save it anew") from None


def _walk(path: Path, archive: zipfile.ZipFile, part: str, visit: Callable[[str, Attributes], object]) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: visit(name.rpartition(":")[2], attributes)
    parse_part(path, archive, part, parser)
