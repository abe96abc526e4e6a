"""Tables as a workbook that offices read: header frozen, codes as text, and the same bytes for the same tables."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

import xlsxwriter

from withinreach.errors import SourceError
from withinreach.exports.tables import FORMULA_STARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

WIDEST, NARROWEST = 60, 8
A4 = 9
NUMBER = "#,##0.##"
# XML 1.0, production 2: characters that no document may hold.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Text is text, also where it looks like a formula, an address or a number.
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LINE_POINTS = 18.0
# Charts stand in two columns below their table: rows in between, and pixels of each.
CHART_GAP, CHART_WIDTH, CHART_HEIGHT, ROW_PIXELS = 2, 620, 320, 20
# More names than this are read more easily beside lying bars than below standing ones.
STANDING_BARS = 8


@dataclass(frozen=True, slots=True)
class Chart:
    """A native chart over the first rows of a table.

    Attributes
    ----------
    title : str
    sheet : str
        Title of the sheet with the table.
    labels : str
        Column of the names along the axis.
    bars : tuple of str
        Columns of the figures.
    rows : int
        First rows of the table that are drawn.
    """

    title: str
    sheet: str
    labels: str
    bars: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A table as a sheet.

    Attributes
    ----------
    table : DataFrame
        Its columns are the headers.
    formats : mapping from header to number format
        `NUMBER` where a column has none; whole numbers such as years need ``0``.
    unknown : str
        What stands where a figure or text is missing; nothing by default.
    charts : tuple of Chart
        Drawn below the table, of this or other sheets.
    """

    table: pd.DataFrame
    formats: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unknown: str = ""
    charts: tuple[Chart, ...] = ()


def write_workbook(sheets: Mapping[str, Sheet], path: Path, day: dt.date) -> None:
    """Write one sheet per table, dated with the study's day.

    The file appears whole or not at all.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{path.stem[:40]}-", dir=path.parent) as folder:
            whole = Path(folder, path.name)
            with xlsxwriter.Workbook(whole, OPTIONS) as book:
                book.set_properties({"created": dt.datetime.combine(day, dt.time())})
                styles = _Styles(book)
                for title, sheet in sheets.items():
                    page = book.add_worksheet(title)
                    _fill(page, sheet, styles)
                    for number, chart in enumerate(chart for chart in sheet.charts if chart.rows):
                        _draw(book, page, chart, sheets[chart.sheet], _chart_place(sheet, number))
            whole.replace(path)
    except (OSError, xlsxwriter.exceptions.XlsxWriterException) as error:
        raise SourceError(f"{path}: cannot be written: {error}") from None


class _Styles:
    """Formats of a workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._numbers: dict[str, Format] = {}
        top = {"text_wrap": True, "valign": "top"}
        self.head = book.add_format({**top, "bold": True, "bg_color": "#E8EEF4", "bottom": 1})
        self.text = book.add_format(top)
        # Would be run as a formula once somebody edits its cell; with this style it stays the text that it is.
        self.quoted = book.add_format({**top, "quote_prefix": True})
        self.unknown = book.add_format({"valign": "top", "align": "center", "font_color": "#808080"})

    def number(self, style: str) -> Format:
        """The format of a number."""
        if style not in self._numbers:
            self._numbers[style] = self._book.add_format({"num_format": style, "valign": "top"})
        return self._numbers[style]


def _fill(page: Worksheet, sheet: Sheet, styles: _Styles) -> None:
    table = sheet.table
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.set_paper(A4)
    page.fit_to_pages(1, 0)  # as wide as a page, as long as it takes
    page.repeat_rows(0)
    page.autofilter(0, 0, len(table), max(0, len(table.columns) - 1))
    page.set_row(0, LINE_POINTS * max((str(column).count("\n") + 1 for column in table.columns), default=1))
    for place, column in enumerate(table.columns):
        page.write_string(0, place, str(column), styles.head)
        number = styles.number(sheet.formats.get(str(column), NUMBER))
        longest = max(map(_width, str(column).split("\n")))
        values = table[column].astype(object).where(table[column].notna(), None)
        for row, value in enumerate(values, start=1):
            longest = max(longest, _write(page, (row, place), value, sheet.unknown, number, styles))
        page.set_column(place, place, min(max(longest + 2, NARROWEST), WIDEST))


def _chart_place(sheet: Sheet, number: int) -> tuple[int, dict[str, int]]:
    """Row and pixels from the left of a chart, two side by side below the table."""
    down, across = divmod(number, 2)
    row = len(sheet.table) + 1 + CHART_GAP + down * (CHART_HEIGHT // ROW_PIXELS + CHART_GAP)
    return row, {"x_offset": across * (CHART_WIDTH + ROW_PIXELS)}


def _write(page: Worksheet, at: tuple[int, int], value: object, unknown: str, number: Format, styles: _Styles) -> int:
    """Write one cell and tell how wide it is, in characters."""
    if isinstance(value, str) and value:
        text = ILLEGAL.sub("", value)
        page.write_string(*at, text, styles.quoted if text.startswith(FORMULA_STARTS) else styles.text)
        return _width(text)
    if isinstance(value, bool):
        page.write_boolean(*at, value, styles.text)
    elif isinstance(value, (int, float)) and math.isfinite(value):
        page.write_number(*at, value, number)
        return len(f"{value:,.{_decimals(number.num_format)}f}")
    elif unknown:
        page.write_string(*at, unknown, styles.unknown)
    return 0


def _decimals(style: str) -> int:
    """Digits behind the point that a number format shows at most."""
    return len(style.partition(".")[2])


def _width(text: str) -> int:
    """Width in columns of a terminal, which is what a spreadsheet's width counts: Chinese characters take two."""
    return len(text) if text.isascii() else sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _draw(book: Workbook, page: Worksheet, chart: Chart, source: Sheet, at: tuple[int, dict[str, int]]) -> None:
    columns = list(source.table.columns)
    drawn = book.add_chart({"type": "column" if chart.rows <= STANDING_BARS else "bar"})
    labels = columns.index(chart.labels)
    for bar in chart.bars:
        place = columns.index(bar)
        drawn.add_series(
            {
                "name": bar.replace("\n", " "),
                "categories": [chart.sheet, 1, labels, chart.rows, labels],
                "values": [chart.sheet, 1, place, chart.rows, place],
            }
        )
    drawn.set_title({"name": chart.title, "name_font": {"size": 12}})
    drawn.set_legend({"position": "bottom"} if len(chart.bars) > 1 else {"none": True})
    if chart.rows > STANDING_BARS:
        drawn.set_y_axis({"reverse": True})  # bars are drawn from below, tables are read from above
    drawn.set_size({"width": CHART_WIDTH, "height": CHART_HEIGHT})
    row, offset = at
    page.insert_chart(row, 0, drawn, offset)
