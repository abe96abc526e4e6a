"""The rows below a header: text columns of them, and which of them are no data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from withinreach.sources.remarks import Remark, Spot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from withinreach.sources.tables.header import Record

# Excel has 16,384; a table of that many columns is a matrix or an attack.
MAX_COLUMNS = 5_000
BATCH = 50_000
TOTALLED_COLUMNS = 3
NOTE_CELLS = 2
BLANKS = r"[\s:\uff1a]+"
TOTALS = frozenset({"合计", "总计", "小计", "总和", "共计", "累计", "全市合计", "全县合计", "total", "subtotal", "sum"})
# A row below the data that signs or explains it. It fills one cell, or says who filled in the form.
NOTE = re.compile(
    r"^\s*[(\uff08*※]?\s*(注|备注|说明|附注|数据来源|资料来源|填表说明|填报说明|填表人|制表人|填报人|审核人|负责人|单位负责人|"
    r"填报单位|填报日期|填表日期|制表日期|制表|审核|联系人|note|notes|source|remark|remarks)\s*\d*\s*[:\uff1a.、)\uff09]",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read.

    Attributes
    ----------
    rows : DataFrame
        Every field as text, NaN where it is empty; the index holds the numbers of the rows as a spreadsheet shows them.
    remarks
        How it was read, for the audit.
    """

    rows: pd.DataFrame
    remarks: tuple[Remark, ...]


def text_frame(names: Sequence[str], records: Iterator[Record]) -> pd.DataFrame:
    """Rows as a table of text, without those that hold only spaces; see `Table`.

    Batches keep the memory that the single fields take as Python texts small.
    """
    numbers: list[int] = []
    batches: list[list[pa.Array]] = [[] for _ in names]
    while batch := list(islice(records, BATCH)):
        fields = [_padded(cells, len(names)) for _, cells in batch]
        columns = [_texts(column) for column in zip(*fields, strict=True)]
        filled = np.logical_or.reduce([column.is_valid().to_numpy(zero_copy_only=False) for column in columns])
        numbers += [number for (number, _), here in zip(batch, filled, strict=True) if here]
        for column, target in zip(columns, batches, strict=True):
            target.append(column.filter(pa.array(filled)))
    columns = [pa.chunked_array(parts, pa.large_string()) for parts in batches]
    frame = pa.table(columns, names=list(names)).to_pandas().astype("str")
    frame.index = pd.Index(numbers, dtype=np.int64)
    nameless = [name for name in names if name.startswith("column ") and frame[name].isna().all()]
    return frame.drop(columns=nameless)


def _padded(cells: list[str], width: int) -> list[str]:
    return cells if len(cells) == width else (cells + [""] * (width - len(cells)))[:width]


def _texts(column: tuple[str, ...]) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(pa.array(column, pa.large_string()))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.large_string()), trimmed)


def data_rows(table: Table) -> Table:
    """The table without rows that are no data: totals, notes below it, and headers that stand again on each page."""
    rows = table.rows
    total, note, header = _totals(rows), _notes(rows), _headers(rows)
    remarks = [Remark("total_left_out", {}, _spot(rows, row)) for row in np.flatnonzero(total).tolist()]
    remarks += [Remark("note_left_out", {}, _spot(rows, row)) for row in np.flatnonzero(note & ~total).tolist()]
    again = header & ~total & ~note
    remarks += [Remark("header_left_out", {}, _spot(rows, row)) for row in np.flatnonzero(again).tolist()]
    return Table(rows[~(total | note | header)], (*table.remarks, *remarks))


def _spot(rows: pd.DataFrame, position: int) -> Spot:
    filled = rows.iloc[position].dropna()
    return Spot(int(rows.index[position]), str(filled.index[0]), str(filled.iloc[0])[:80])


def _totals(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows that say in one of their first cells that they sum the others."""
    said = np.zeros(len(rows), bool)
    for column in rows.columns[:TOTALLED_COLUMNS]:
        said |= rows[column].str.replace(BLANKS, "", regex=True).str.lower().isin(TOTALS).to_numpy(bool)
    return said


def _notes(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows whose first filled cell begins as a note does, and below the first of them rows of a single cell."""
    filled = rows.notna().to_numpy()
    count = filled.sum(axis=1)
    sparse = np.flatnonzero(count <= max(NOTE_CELLS, len(rows.columns) // 2))
    note = np.zeros(len(rows), bool)
    for position in sparse:
        first = rows.iloc[position, int(np.argmax(filled[position]))]
        note[position] = NOTE.match(first) is not None
    return note | (np.logical_or.accumulate(note) & (count == 1))


def _headers(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows that repeat the names of their columns."""
    same = np.column_stack([(rows[column] == column).to_numpy(bool) for column in rows.columns])
    return (same.sum(axis=1) > 1) & (same.sum(axis=1) == rows.notna().sum(axis=1).to_numpy())
