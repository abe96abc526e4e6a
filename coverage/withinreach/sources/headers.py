"""Which column of a table holds what: by the study's own names, or by the labels of ``headers.toml``."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

BRACKETED = re.compile(r"[(\[【〔{]([^()\[\]【】〔〕{}]*)[)\]】〕}]")
# "名称#2" is the second column called 名称; see `tables.header`.
REPEATED = re.compile(r"#\d+$")
PUNCTUATION = re.compile(r"[\s_\-.·•:;、,\"'“”‘’*()\[\]【】〔〕{}]+")
MULTIPLES = MappingProxyType({"": 1.0, "十": 10.0, "百": 100.0, "千": 1e3, "万": 1e4, "亿": 1e8})
NAMED_COLUMNS = 20
# What the lower of two header rows says for the whole of what stands above it.
WHOLE = frozenset({"合计", "总数", "小计", "总计", "数量", "数", "总量", "total", "all"})


@dataclass(frozen=True)
class Role:
    """What a column can be; see ``headers.toml``.

    ``labels`` and ``labels_in`` (by datum) are folded.
    """

    name: str
    holds: str
    labels: frozenset[str]
    labels_in: Mapping[str, frozenset[str]]
    asked: bool


class Column(NamedTuple):
    """A column of a table, and how many people, places or square metres one of its units is."""

    name: str
    factor: float = 1.0


@cache
def _raw() -> Mapping[str, Any]:
    return MappingProxyType(tomllib.loads((files(__package__) / "headers.toml").read_text(encoding="utf-8")))


@cache
def roles() -> Mapping[str, Role]:
    """Every role by its name, in the order of ``headers.toml``."""
    found = {}
    for name, raw in _raw().items():
        if name != "units":
            tagged = {datum: frozenset(map(fold, labels)) for datum, labels in dict(raw.get("datum", {})).items()}
            labels = frozenset(map(fold, raw["names"]))
            found[name] = Role(name, str(raw["holds"]), labels, MappingProxyType(tagged), bool(raw.get("asked")))
    return MappingProxyType(found)


@cache
def known_labels() -> frozenset[str]:
    """Every label of every role, folded."""
    return frozenset().union(*(role.labels.union(*role.labels_in.values()) for role in roles().values()))


def fold(text: str) -> str:
    """A label without case, full-width forms, spaces, punctuation and what stands in brackets."""
    plain = unicodedata.normalize("NFKC", REPEATED.sub("", str(text))).lower()
    return PUNCTUATION.sub("", BRACKETED.sub("", plain)) or PUNCTUATION.sub("", plain)


def readings(label: str) -> tuple[str, ...]:
    """Folded labels that a header may be meant as, the most literal first.

    ``经度(GCJ-02)`` may be 经度gcj02 or 经度; ``床位数/护理型`` may be 床位数护理型, 护理型床位数 or 护理型;
    ``床位数/合计`` may be 床位数合计, 合计床位数 or 床位数.
    """
    plain = unicodedata.normalize("NFKC", REPEATED.sub("", label)).lower()
    found = [PUNCTUATION.sub("", plain), fold(label)]
    above, slash, below = (fold(part) for part in plain.partition("/"))
    if slash:
        found += [above + below, below + above]
        found += [above] if below in WHOLE or unit_factor(below) else [below]
    return tuple(dict.fromkeys(filter(None, found)))


def unit_factor(text: str) -> float | None:
    """How many people, places or square metres a unit is: 万人 -> 10,000, ㎡ -> 1; None if it is no unit."""
    unit = fold(text)
    known = _raw()["units"]
    for multiple, factor in MULTIPLES.items():
        rest = unit.removeprefix(multiple)
        if unit.startswith(multiple) and (rest in known or (not rest and multiple)):
            return factor * float(known.get(rest, 1))
    return None


def header_factor(label: str) -> float:
    """The factor of the unit that a header states in brackets or after a slash, 1 if it states none."""
    plain = unicodedata.normalize("NFKC", label)
    stated = [*BRACKETED.findall(plain), plain.partition("/")[2]]
    factors = (unit_factor(text) for text in stated if text)
    return next((factor for factor in factors if factor is not None), 1.0)


class Named(NamedTuple):
    """How a study names the columns of a layer.

    Attributes
    ----------
    columns
        By role; False where a role is not to be taken from the file at all.
    keys
        The key of the study that names the column of a role, for messages.
    datum
        As declared; it decides between columns of coordinates in several datums.
    """

    columns: Mapping[str, str | bool]
    keys: Mapping[str, str]
    datum: str


def find_columns(path: Path, columns: Sequence[str], named: Named, wanted: Iterable[str]) -> dict[str, Column]:
    """The column of each wanted role that the file has one for.

    Parameters
    ----------
    columns
        Of the file.
    wanted
        Roles to look for; names that are no role of ``headers.toml`` need a column named by the study.

    Raises
    ------
    SourceError
        One line for every named column that is missing, and for every role that several columns fit.
    """
    found: dict[str, Column] = {}
    problems: list[str] = []
    taken = {name for name in named.columns.values() if isinstance(name, str)}
    for role in wanted:
        name = named.columns.get(role)
        if isinstance(name, str):
            fitting = _called(columns, name)
            if not fitting:
                problems.append(missing_column(path, columns, named.keys[role], name))
        elif name is False:
            continue
        else:
            fitting = _fitting([column for column in columns if column not in taken], roles()[role], named.datum)
        if len(fitting) > 1:
            listed = ", ".join(f"'{column}'" for column in fitting)
            problems.append(
                f"{path}: {listed} may each hold {role}; name one with {named.keys[role]} in the study"
                + (" or rename the columns" if len({REPEATED.sub("", c) for c in fitting}) == 1 else "")
            )
        elif fitting:
            found[role] = Column(fitting[0], header_factor(fitting[0]))
    if problems:
        raise SourceError(problems)
    return found


def _called(columns: Sequence[str], name: str) -> list[str]:
    """The columns that a study means: of exactly this name, else of its letters, else but for what is in brackets."""
    if REPEATED.search(name) and name in columns:
        return [name]
    for alike in (lambda text: REPEATED.sub("", text), lambda text: readings(text)[:1], fold):
        found = [column for column in columns if alike(column) == alike(name)]
        if found:
            return found
    return []


def _fitting(columns: Sequence[str], role: Role, datum: str) -> list[str]:
    """The columns whose labels fit a role; those that say the declared datum go before those that say none."""
    if role.asked:
        return []
    here = role.labels_in.get(datum, frozenset())
    stated = [column for column in columns if not here.isdisjoint(readings(column)[:2])]
    if stated:
        return stated
    elsewhere = frozenset().union(*role.labels_in.values())
    return [
        column
        for column in columns
        if elsewhere.isdisjoint(readings(column)[:1]) and not role.labels.isdisjoint(readings(column))
    ]


def missing_column(path: Path, columns: Sequence[str], key: str, name: str) -> str:
    """The line that tells that a column named by a key of the study is not in the file."""
    return f"{path}: no column '{name}' (named by {key} in the study); the file has: {listed_columns(columns)}"


def listed_columns(columns: Sequence[str]) -> str:
    """The names of columns for a message, not all of very many."""
    return ", ".join(columns[:NAMED_COLUMNS]) + (" …" if len(columns) > NAMED_COLUMNS else "")
