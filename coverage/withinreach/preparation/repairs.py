"""Repairs that a user keeps: proposals of the audit in a TOML file, applied to rows that still are what they were.

`withinreach check STUDY --repair plan.toml` writes every proposal with its reason; the user deletes what is not to be
done and names the file in the study (``repairs = "plan.toml"``), so that a run can be repeated from its study alone.
Nothing is repaired without such a file, and what was repaired stands in the audit.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from withinreach.errors import SourceError
from withinreach.preparation.facility_files import facility_rows
from withinreach.sources.remarks import Spot
from withinreach.sources.tables import TABLE_SUFFIXES
from withinreach.study.fields import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from withinreach.preparation.findings import Finding, Findings
    from withinreach.study import FacilityLayer, Study

HEADER = {
    "zh": (
        "# 对研究 {study} 的修复建议，由 withinreach check --repair 写出。未作任何修改。\n"
        '# 请逐条核对：保留要执行的 [[repairs]]，删除其余各条；然后在研究文件中写 repairs = "{file}"。\n'
        "# 每条只在该行内容与此处所写一致时执行；文件改动后不再一致的，将报错并指明该条。\n"
    ),
    "en": (
        "# Repairs that withinreach check --repair proposes for the study {study}. Nothing has been changed.\n"
        '# Look at each, delete the [[repairs]] that are not to be done, then put repairs = "{file}" into the study.\n'
        "# Each is done only while its row holds what stands here; if it does not, that is an error.\n"
    ),
}
SAYS = {
    "zh": {"change": "{column}：{old} → {new}", "drop": "删除该行", "unknown": "（未知）"},
    "en": {"change": "{column}: {old} -> {new}", "drop": "leave the row out", "unknown": "(unknown)"},
}


class Change(Strict):
    """What a field holds, and what it is to hold; empty is unknown."""

    old: str
    new: str


class Repair(Strict):
    """One repair of one row: fields to change, or the row to leave out.

    Attributes
    ----------
    file, row
        As findings name them.
    rule, why
        The rule that proposed it, and its reason; they go into the audit.
    change
        By column of the file.
    drop
        Leave the row out if its fields, by column, hold these values.
    """

    file: str
    row: int = Field(ge=1)
    rule: str = ""
    why: str = ""
    change: dict[str, Change] = Field(default_factory=dict)
    drop: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _does_one_thing(self) -> Repair:
        if bool(self.change) == bool(self.drop):
            raise ValueError("give either change or drop")
        return self


class Plan(Strict):
    """All repairs of a file."""

    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Repairs:
    """The repairs of a study, and the file that they stand in.

    Attributes
    ----------
    path : Path or None
        None for a study that repairs nothing.
    by_file : dict
        Repairs by the name of the file that they are about.
    """

    path: Path | None = None
    by_file: dict[str, list[Repair]] = field(default_factory=dict)

    def apply(self, path: Path, rows: pd.DataFrame, findings: Findings) -> pd.DataFrame:
        """A table with its repairs made, each noted.

        Parameters
        ----------
        path
            The file of the table.
        rows : DataFrame
            Every field as text; the index holds the numbers of the rows.

        Raises
        ------
        SourceError
            One line for every repair whose row is not, or no longer, what the repair says.
        """
        repairs = self.by_file.get(path.name, [])
        problems = [line for number, one in enumerate(repairs, 1) for line in self._mismatches(path, rows, number, one)]
        if problems:
            raise SourceError(problems)
        rows = rows.copy() if repairs else rows
        plan = self.path.name if self.path else ""
        for one in repairs:
            for column, change in one.change.items():
                rows.loc[one.row, column] = change.new or np.nan
                findings.note(
                    "repair_changed",
                    path,
                    {"new": change.new, "rule": one.rule, "why": one.why, "plan": plan},
                    at=Spot(one.row, column, change.old),
                )
            for column, value in list(one.drop.items())[:1]:
                findings.note(
                    "repair_dropped",
                    path,
                    {"rule": one.rule, "why": one.why, "plan": plan},
                    at=Spot(one.row, column, value),
                )
        return rows.drop(index=[one.row for one in repairs if one.drop])

    def _mismatches(self, path: Path, rows: pd.DataFrame, number: int, repair: Repair) -> list[str]:
        where = f"{self.path}: repair {number} of {path.name}, row {repair.row}"
        if repair.row not in rows.index:
            return [f"{where}: the file has no such row any more; delete the repair or check the study anew"]
        expected = {column: change.old for column, change in repair.change.items()} | repair.drop
        problems = []
        for column, old in expected.items():
            if column not in rows.columns:
                problems.append(f"{where}: the file has no column '{column}'; delete the repair")
                continue
            have = _text(rows.loc[repair.row, column])
            if have != old:
                problems.append(
                    f"{where}, column '{column}': holds '{have}', the repair expects '{old}'; delete the repair or "
                    "check the study anew"
                )
        return problems


def read_repairs(study: Study) -> Repairs:
    """The repairs that a study names.

    Raises
    ------
    SourceError
        If the file cannot be read, a repair is not well-formed, is about a file that is none of the study's facilities,
        or a row is repaired twice.
    """
    if study.repairs is None:
        return Repairs()
    path = study.repairs.path
    try:
        plan = Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: the repairs of the study cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise SourceError(
            f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_url=False, include_context=False)
        ) from None
    tables = _tables(study)
    by_file: dict[str, list[Repair]] = {}
    problems = []
    for one in plan.repairs:
        if one.file not in tables:
            problems.append(f"{path}: '{one.file}' is no table of facilities of the study; delete its repairs")
        by_file.setdefault(one.file, []).append(one)
    for file, repairs in by_file.items():
        fields = Counter((one.row, column) for one in repairs for column in one.change or ("",))
        dropped = {one.row for one in repairs if one.drop}
        twice = {row for (row, column), count in fields.items() if count > 1 or (column and row in dropped)}
        problems += [f"{path}: row {row} of {file} is repaired twice; keep one of the repairs" for row in sorted(twice)]
    if problems:
        raise SourceError(dict.fromkeys(problems))
    return Repairs(path, by_file)


def _tables(study: Study) -> dict[str, FacilityLayer]:
    """Layers of facilities that are tables, by the name of their file: of these, rows can be repaired."""
    return {layer.path.name: layer for layer in study.facilities if layer.path.suffix.lower() in TABLE_SUFFIXES}


def write_repairs(path: Path, study: Study, proposed: Iterable[Finding]) -> int:
    """Write proposals as a file of repairs, each below a comment that says what and why.

    Returns
    -------
    int
        How many there are. Of several proposals to leave out one row, or to change one field, the first counts.

    Raises
    ------
    SourceError
        If the file exists: a user may have worked on it.
    """
    tables: dict[str, pd.DataFrame] = {}
    blocks: list[str] = []
    seen: set[tuple[str, int | None, str]] = set()
    files = _tables(study)
    for one in proposed:
        if one.file not in files:
            continue
        if one.file not in tables:
            tables[one.file] = facility_rows(files[one.file]).rows
        keys = {(one.file, one.at.row, column) for column in _touched(one)}
        if one.at.row in tables[one.file].index and not keys & seen and (one.file, one.at.row, "*") not in seen:
            seen |= keys
            blocks.append(_block(one, tables[one.file].loc[one.at.row], study.language))
    text = HEADER[study.language].format(study=study.name, file=path.name) + "".join(blocks)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SourceError(f"{path}: exists already; move it away or name another file") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be written: {error}") from None
    return len(blocks)


def _touched(finding: Finding) -> tuple[str, ...]:
    proposal = finding.proposal
    return () if proposal is None else ("*",) if proposal.drop else tuple(proposal.change)


def _block(finding: Finding, row: pd.Series, language: str) -> str:
    """A repair as TOML, below a comment: rule, reason, action, and what would become of which value."""
    severity, rule, file, number, *_, reason, action = finding.row(language)
    says, proposal = SAYS[language], finding.proposal
    if proposal is None:
        raise AssertionError("a finding without a proposal has no repair")
    if proposal.drop:
        steps = [says["drop"]]
        told = {column: _text(value) for column, value in row.items() if _text(value)}
        body = f"drop = {_inline({column: _quoted(value) for column, value in list(told.items())[:3]})}"
    else:
        old = {column: _text(row[column]) for column in proposal.change}
        steps = [
            says["change"].format(column=column, old=old[column] or says["unknown"], new=new or says["unknown"])
            for column, new in proposal.change.items()
        ]
        pairs = {
            column: _inline({"old": _quoted(old[column]), "new": _quoted(new)})
            for column, new in proposal.change.items()
        }
        body = f"change = {_inline(pairs)}"
    comment = [f"{severity}: {rule} · {file}: {number} · {finding.at.value}", f"{reason}; {action}", *steps]
    lines = [f"# {' '.join(line.split())}" for line in comment]
    toml = [
        "[[repairs]]",
        f"rule = {_quoted(rule)}",
        f"why = {_quoted(reason)}",
        f"file = {_quoted(file)}",
        f"row = {number}",
        body,
    ]
    return "\n" + "\n".join([*lines, *toml]) + "\n"


def _inline(pairs: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{_quoted(key)} = {value}" for key, value in pairs.items()) + " }"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's; the one control character that JSON leaves alone is escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)
