"""The table of tags: which ways of OpenStreetMap people walk on, and which barriers stop them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

TABLE = "walking_tags.toml"


@dataclass(frozen=True)
class TagRule:
    """People walk, or do not, where ``key`` has one of ``values``; ``wiki`` names the page that defines the tag."""

    key: str
    values: tuple[str, ...]
    walk: bool
    reason: str
    wiki: str = ""


@dataclass(frozen=True)
class TagRules:
    """Rules in the order in which they are tried; the first that matches decides.

    Attributes
    ----------
    default_key
        The tag that an object must have to be looked at, and that is named where no rule matches.
    default_walk
        Whether people walk where no rule matches.
    """

    rules: tuple[TagRule, ...]
    default_key: str
    default_walk: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the rules look at, once each."""
        return tuple(dict.fromkeys([self.default_key, *(rule.key for rule in self.rules)]))

    def decide(self, tags: pd.DataFrame) -> Verdict:
        """Judge objects by their tags.

        Parameters
        ----------
        tags
            One row per object and one column per key of `keys`; None where an object lacks the tag.
        """
        walk = np.full(len(tags), self.default_walk)
        key = np.full(len(tags), self.default_key, object)
        value = tags[self.default_key].to_numpy(object).copy()
        undecided = np.ones(len(tags), bool)
        for rule in self.rules:
            column = tags[rule.key]
            here = undecided & column.isin(rule.values).to_numpy()
            walk[here] = rule.walk
            key[here] = rule.key
            value[here] = column.to_numpy(object)[here]
            undecided &= ~here
        return Verdict(walk=walk, key=key, value=value)


@dataclass(frozen=True)
class Verdict:
    """For each object whether people walk there, and the tag that decided."""

    walk: NDArray[np.bool_]
    key: NDArray[np.object_]
    value: NDArray[np.object_]


@dataclass(frozen=True)
class EnclosureRule:
    """Which barriers close people in, and which keys say that a ring of them encloses something else than homes."""

    walls: tuple[str, ...]
    homes_landuse: tuple[str, ...]
    other_uses: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that is looked at."""
        return ("name", "landuse", *self.other_uses)

    def homes(self, tags: Mapping[str, str]) -> bool:
        """Whether people may live inside a ring with these tags."""
        used = any(key in tags for key in self.other_uses)
        return not used and tags.get("landuse", self.homes_landuse[0]) in self.homes_landuse


def enclosure_rule() -> EnclosureRule:
    """The rule for walls that close a ring, from ``walking_tags.toml``."""
    return EnclosureRule(**{key: tuple(values) for key, values in _table()["enclosure"].items()})


def walking_rules() -> tuple[TagRules, TagRules]:
    """The rules for ways (``highway=*``) and for nodes (``barrier=*``), from ``walking_tags.toml``."""
    table = _table()
    ways, barriers = (
        tuple(TagRule(**{**row, "values": tuple(row["values"])}) for row in table[name]) for name in ("way", "barrier")
    )
    return TagRules(ways, "highway", default_walk=False), TagRules(barriers, "barrier", default_walk=True)


def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))
