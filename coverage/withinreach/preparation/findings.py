"""The audit while it is being written: what was changed, dropped or noticed, row by row."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd

from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = ("severity", "file", "row", "column", "value", "reason", "action")


class Findings:
    """Collects findings, which are kept, and problems, which are raised together at the end."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, int | None, str, str, str, str]] = []
        self._problems: list[CoverageError] = []

    def note(self, severity: str, path: Path, reason: str, action: str, *, row: int | None = None) -> None:
        """Add a finding about a row of a file, or about the whole file."""
        self.note_value(severity, path, ("", ""), reason, action, row=row)

    def note_value(
        self,
        severity: str,
        path: Path,
        field: tuple[str, str],
        reason: str,
        action: str,
        *,
        row: int | None = None,
    ) -> None:
        """Add a finding about a field: its column and its value."""
        self._rows.append((severity, path.name, row, *field, reason, action))

    def add_table(self, table: pd.DataFrame) -> None:
        """Add findings that were made elsewhere, as `table` gave them."""
        for row in table.astype(object).where(table.notna(), None).itertuples(index=False):
            self._rows.append(tuple(row))

    @contextmanager
    def problems_kept(self) -> Iterator[None]:
        """Keep the problems raised inside, so that other inputs are looked at before they are reported."""
        try:
            yield
        except CoverageError as error:
            self._problems.append(error)

    @property
    def failed(self) -> bool:
        """Whether any problem was kept."""
        return bool(self._problems)

    def raise_problems(self) -> None:
        """Raise every kept problem as one error, of the first one's type."""
        if self._problems:
            lines = [line for error in self._problems for line in error.problems]
            raise type(self._problems[0])(dict.fromkeys(lines))

    def table(self) -> pd.DataFrame:
        """All findings, in the order in which they were made; the same columns also when there are none."""
        table = pd.DataFrame(self._rows, columns=list(COLUMNS))
        text = [column for column in COLUMNS if column != "row"]
        return table.astype(dict.fromkeys(text, "str") | {"row": "Int64"})
