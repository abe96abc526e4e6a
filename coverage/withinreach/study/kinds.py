"""Kinds of facility as a taxonomy: ``kinds.toml``, and what a study adds to it."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from withinreach.study.fields import Identifier, Strict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Amap writes several types of one place as "a|b".
ALTERNATIVES = "|"


class StudyKind(Strict):
    """A kind of facility that a study adds, or more names for one that is known.

    `parent` is the kind that it is a kind of; `names` are what a column of kinds may say for it.
    """

    title: str = ""
    parent: Identifier | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of facility; see ``kinds.toml``.

    Attributes
    ----------
    parent
        Empty for the kinds at the top.
    titles
        By language.
    labels
        What a column of kinds may say for it, folded: its name, titles, other names and codes.
    """

    name: str
    parent: str
    titles: Mapping[str, str]
    labels: frozenset[str]


@dataclass(frozen=True)
class Taxonomy:
    """All kinds by their names, in the order of ``kinds.toml``, those of the study after them.

    Raises
    ------
    ValueError
        One line for every parent that is unknown or below its own kind, and for every label of two kinds.
    """

    kinds: Mapping[str, Kind]

    def __post_init__(self) -> None:
        problems = [
            f"kinds.{kind.name}.parent = '{kind.parent}' is no kind above it; known: {', '.join(self.kinds)}"
            for kind in self.kinds.values()
            if kind.parent and (kind.parent not in self.kinds or kind.name in self._line(kind.parent))
        ]
        owner: dict[str, str] = {}
        for kind in self.kinds.values():
            problems += [
                f"kinds.{kind.name}.names: '{label}' is a name of {owner[label]} already; leave it out"
                for label in sorted(kind.labels)
                if owner.setdefault(label, kind.name) != kind.name
            ]
        if problems:
            raise ValueError("\n".join(problems))

    def _line(self, name: str) -> list[str]:
        """A kind and all above it; a circle is walked once."""
        line: list[str] = []
        while name in self.kinds and name not in line:
            line.append(name)
            name = self.kinds[name].parent
        return line

    def within(self, names: Iterable[str]) -> frozenset[str]:
        """These kinds and all kinds below them."""
        wanted = set(names)
        return frozenset(name for name in self.kinds if not wanted.isdisjoint(self._line(name)))

    @cached_property
    def _by_label(self) -> Mapping[str, str]:
        return {label: kind.name for kind in self.kinds.values() for label in kind.labels}

    def kinds_of(self, value: str) -> tuple[str, ...]:
        """The kinds that a field of a table says, none if none is known.

        A map service gives some places several types (``a|b``); then there may be several kinds, in its order.
        """
        alternatives = (value, *value.split(ALTERNATIVES))
        found = (self._by_label.get(_fold(one), "") for one in alternatives)
        return tuple(dict.fromkeys(filter(None, found)))


def _fold(text: str) -> str:
    """A label without case, spaces and full-width forms."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


@cache
def kinds_file() -> Mapping[str, Any]:
    """The tables of ``kinds.toml`` as they stand there: one per kind, and ``osm``."""
    return MappingProxyType(tomllib.loads((files(__package__) / "kinds.toml").read_text(encoding="utf-8")))


def taxonomy(added: Mapping[str, StudyKind]) -> Taxonomy:
    """The kinds of ``kinds.toml`` with those of a study.

    Raises
    ------
    ValueError
        See `Taxonomy`.
    """
    kinds = {name: _known(name, raw) for name, raw in kinds_file().items() if name != "osm"}
    for name, kind in added.items():
        before = kinds.get(name)
        titles = {"zh": kind.title or name, "en": kind.title or name}
        if before is not None:
            titles = titles if kind.title else dict(before.titles)
        parent = kind.parent if kind.parent is not None else (before.parent if before is not None else "")
        labels = frozenset(map(_fold, (name, *filter(None, (kind.title,)), *kind.names)))
        kinds[name] = Kind(name, parent, titles, labels | (before.labels if before is not None else frozenset()))
    return Taxonomy(MappingProxyType(kinds))


def _known(name: str, raw: Mapping[str, Any]) -> Kind:
    titles = {language: raw[language] for language in ("zh", "en")}
    labels = (name, *titles.values(), *raw.get("names", ()), *raw.get("amap", ()))
    return Kind(name, raw.get("parent", ""), titles, frozenset(map(_fold, labels)))
