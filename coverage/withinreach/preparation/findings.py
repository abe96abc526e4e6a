"""The audit while it is being written: what was changed, dropped or noticed, as rules and figures.

What a rule says stands in ``findings.toml``, in every language of a study; here are the findings themselves, which
belong to no language until `Findings.table` gives them one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from withinreach.errors import CoverageError
from withinreach.sources.remarks import WHOLE_FILE, Spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from withinreach.sources.remarks import Remark

__all__ = ["COLUMNS", "Figures", "Finding", "Findings", "Rule", "Sentence", "Spot", "catalogue"]

COLUMNS = ("severity", "rule", "file", "row", "column", "value", "reason", "action")

Figures = Mapping[str, Any]
NO_FIGURES: Figures = MappingProxyType({})


class Proposal(NamedTuple):
    """How the row of a finding could be repaired; see `withinreach.preparation.repairs`.

    Attributes
    ----------
    change
        What columns of the file would hold; nothing where a value would become unknown.
    drop
        Whether the row would be left out.
    """

    change: Mapping[str, str] = MappingProxyType({})
    drop: bool = False


class Sentence(NamedTuple):
    """What a rule says in one language: templates of `str.format`."""

    reason: str
    action: str


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue.

    Attributes
    ----------
    severity
        ``info``, ``warning`` or ``error``.
    says
        By language.
    """

    severity: str
    says: Mapping[str, Sentence]

    def fields(self, language: str) -> frozenset[str]:
        """Names of the figures that its sentence needs."""
        parsed = (part for template in self.says[language] for part in Formatter().parse(template))
        return frozenset(name for _, name, _, _ in parsed if name)


@cache
def catalogue() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of ``findings.toml``."""
    raw = tomllib.loads((files(__package__) / "findings.toml").read_text(encoding="utf-8"))
    return MappingProxyType({name: _rule(entry) for name, entry in raw.items()})


def _rule(entry: dict[str, Any]) -> Rule:
    severity = entry.pop("severity")
    return Rule(severity, {language: Sentence(**says) for language, says in entry.items()})


class Finding(NamedTuple):
    """A rule that applies at a spot of a file, with the figures that its sentence needs."""

    rule: str
    file: str
    figures: Figures
    at: Spot = WHOLE_FILE
    proposal: Proposal | None = None

    def row(self, language: str) -> tuple[str, str, str, int | None, str, str, str, str]:
        """As `COLUMNS` in one language."""
        rule = catalogue()[self.rule]
        reason, action = (template.format_map(self.figures) for template in rule.says[language])
        return rule.severity, self.rule, self.file, *self.at, reason, action


class Findings:
    """Collects findings, which are kept, and problems, which are raised together at the end."""

    def __init__(self) -> None:
        self._all: list[Finding] = []
        self._problems: list[CoverageError] = []

    def note(
        self,
        rule: str,
        path: Path,
        figures: Figures = NO_FIGURES,
        *,
        at: Spot = WHOLE_FILE,
        proposal: Proposal | None = None,
    ) -> None:
        """Add a finding.

        Parameters
        ----------
        rule
            Id in ``findings.toml``.
        path
            The file that it is about.
        figures
            A value for each field of the rule.
        at
            Where in the file.
        proposal
            How its row could be repaired, if we know.
        """
        plain = {name: value.item() if hasattr(value, "item") else value for name, value in figures.items()}
        self._all.append(Finding(rule, path.name, plain, at, proposal))

    def take(self, path: Path, remarks: Iterable[Remark]) -> None:
        """Add what a reader had to say about a file."""
        for rule, figures, at in remarks:
            self.note(rule, path, figures, at=at)

    def records(self) -> list[tuple[Any, ...]]:
        """All findings, without their proposals, as tuples of plain values that JSON can hold."""
        return [tuple(finding[:4]) for finding in self._all]

    def add_records(self, records: Iterable[Iterable[Any]]) -> None:
        """Add findings that were made elsewhere, as `records` gave them."""
        for rule, file, figures, at in records:
            self._all.append(Finding(rule, file, figures, Spot(*at)))

    def proposals(self) -> list[Finding]:
        """The findings that come with a proposal."""
        return [finding for finding in self._all if finding.proposal is not None]

    def __len__(self) -> int:
        return len(self._all)

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

    def table(self, language: str) -> pd.DataFrame:
        """All findings in one language, in the order in which they were made; the same columns also for none."""
        table = pd.DataFrame([finding.row(language) for finding in self._all], columns=list(COLUMNS))
        text = [column for column in COLUMNS if column != "row"]
        return table.astype(dict.fromkeys(text, "str") | {"row": "Int64"})
