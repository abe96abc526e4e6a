"""CSV and its relatives: encoding and delimiter found, rows counted as a spreadsheet counts them."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

from withinreach.errors import SourceError
from withinreach.sources.encodings import find_encoding
from withinreach.sources.remarks import Remark
from withinreach.sources.tables.body import MAX_COLUMNS, Table, text_frame
from withinreach.sources.tables.header import SEARCHED_ROWS, Header, find_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from withinreach.sources.tables.header import Record

# In this order where two fit equally well; and how the audit shows them, in any language.
DELIMITERS = {",": ",", "\t": "Tab", ";": ";", "\uff0c": "\uff0c"}
# A polygon in a field may be long; a line that is longer is no line of a table, and reading it would take memory.
MAX_LINE = 4_000_000
SNIFFED_LINES = 2_000
CHUNK = 1 << 20


def read_delimited(path: Path, columns: tuple[str, ...]) -> Table:
    """Read a text table; see `read_table`."""
    _need_lines(path)
    encoding = find_encoding(path)
    delimiter = _find_delimiter(path, encoding.codec)
    with _records(path, encoding.codec, delimiter) as records:
        top = list(islice(records, SEARCHED_ROWS))
        header = find_header(top, columns)
        if header is None:
            raise SourceError(f"{path}: the table has no rows; give a CSV with a header and rows below it")
        body = (record for record in chain(top, records) if record[0] > header.last_row)
        rows = text_frame(header.names, _no_wider(path, header, body))
    read = Remark(
        "text_table_read",
        {
            "encoding": encoding.title,
            "delimiter": DELIMITERS[delimiter],
            "header": header.last_row,
            "rows": len(rows),
        },
    )
    return Table(rows, (read, *header.remarks()))


def _no_wider(path: Path, header: Header, records: Iterator[Record]) -> Iterator[Record]:
    """The records, none of them with a field beyond the header: such a row is shifted, and all its values are wrong."""
    width = len(header.names)
    for number, cells in records:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            raise SourceError(
                f"{path}: row {number} has {len(cells)} fields, the header {width}; "
                "put text that holds the delimiter into quotes"
            )
        yield number, cells


def _find_delimiter(path: Path, codec: str) -> str:
    """The delimiter that cuts most of the first rows into the same number of fields."""

    def fit(delimiter: str) -> int:
        try:
            with _records(path, codec, delimiter, SNIFFED_LINES) as records:
                widths = Counter(len(cells) for _, cells in islice(records, SEARCHED_ROWS))
        except SourceError:
            return 0  # what is wrong is told where the rows are read
        return max(((width - 1) * count for width, count in widths.items()), default=0)

    return max(DELIMITERS, key=fit)


@contextmanager
def _records(path: Path, codec: str, delimiter: str, lines: int | None = None) -> Iterator[Iterator[Record]]:
    """Rows that hold anything, with their numbers, read as they are asked for; of the first lines, or of all.

    The limit of the csv module on the length of a field belongs to the whole process; it is put back at the end.
    """
    before = csv.field_size_limit(MAX_LINE)
    try:
        with path.open(encoding=codec, newline="") as file:
            yield _numbered(path, csv.reader(islice(file, lines), delimiter=delimiter, strict=True))
    finally:
        csv.field_size_limit(before)


def _numbered(path: Path, reader: Iterator[list[str]]) -> Iterator[Record]:
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if not any(cells):
                continue
            if len(cells) > MAX_COLUMNS:
                raise SourceError(f"{path}: row {number} has {len(cells):,} fields; a table has {MAX_COLUMNS} at most")
            yield number, cells
    except csv.Error as error:
        raise SourceError(
            f"{path}: row {number + 1}: not a row of a CSV table ({error}); look for a quote that is not closed"
        ) from None


def _need_lines(path: Path) -> None:
    """Raise if a line is too long to be one of a table; looked for in the bytes, so that no line is held as a whole."""
    length = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            ends = [position for mark in (b"\n", b"\r") if (position := chunk.find(mark)) >= 0]
            length += min(ends, default=len(chunk))
            if length > MAX_LINE:
                raise SourceError(f"{path}: a line of more than {MAX_LINE:,} bytes; it is no table: export it again")
            if ends:
                length = len(chunk) - max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) - 1
