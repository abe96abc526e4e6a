"""Facilities by kind: what to ask OpenStreetMap for, and which object is of which kind, after the table of kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from withinreach.study import kinds_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    Tags = Mapping[str, str]

NUMBER = re.compile(r"\d+(?:\.\d+)?")
NAMES = ("name", "official_name", "name:zh", "name:en", "operator")
# A spreadsheet runs a cell that starts with one of these as a formula, and anybody may write names in OpenStreetMap.
FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Condition:
    """One line of a block: a tag has one of some values, has none of them, or contains a pattern."""

    key: str
    values: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    negated: bool = False

    def holds(self, tags: Tags) -> bool:
        """Whether an object with these tags meets the condition."""
        value = tags.get(self.key, "")
        if self.pattern is not None:
            return self.pattern.search(value) is not None
        return any(one.strip() in self.values for one in value.split(";")) is not self.negated


@dataclass(frozen=True)
class Kind:
    """A kind of facility that OpenStreetMap maps; see ``study/kinds.toml``."""

    name: str
    zh: str
    en: str
    profile: str
    reason: str
    wiki: tuple[str, ...]
    blocks: tuple[tuple[Condition, ...], ...]

    def matches(self, tags: Tags) -> bool:
        """Whether an object with these tags is of the kind."""
        return any(all(condition.holds(tags) for condition in block) for block in self.blocks)


@dataclass(frozen=True)
class Kinds:
    """All kinds in the order in which they are tried."""

    kinds: tuple[Kind, ...]
    never: tuple[Condition, ...]
    attributes: Mapping[str, tuple[str, ...]]

    def kind_of(self, tags: Tags) -> str:
        """Name of the first kind that matches, or an empty text."""
        if any(condition.holds(tags) for condition in self.never):
            return ""
        return next((kind.name for kind in self.kinds if kind.matches(tags)), "")

    @cached_property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """Values per key that the server is asked for: the first condition of every block."""
        wanted: dict[str, set[str]] = {}
        for kind in self.kinds:
            for first, *_ in kind.blocks:
                wanted.setdefault(first.key, set()).update(first.values)
        return {key: tuple(sorted(values)) for key, values in sorted(wanted.items())}

    def table(self, features: gpd.GeoDataFrame) -> pd.DataFrame:
        """The facilities among features.

        Parameters
        ----------
        features
            As `read_features` returns them.

        Returns
        -------
        DataFrame
            ``id`` (``way/123``), ``kind``, ``name``, ``lon``, ``lat`` (degrees; of an area a point within it), and the
            attributes as text, empty where the tag is missing or not a plain number. Ordered as the features.
        """
        kind = np.array([self.kind_of(tags) for tags in features["tags"]], object)
        found = features[kind != ""]
        points = shapely.point_on_surface(found.geometry.to_numpy())
        columns = {
            "id": found["element"] + "/" + found["id"].astype("str"),
            "kind": kind[kind != ""],
            "name": [_name(tags) for tags in found["tags"]],
            "lon": np.round(shapely.get_x(points), 7),
            "lat": np.round(shapely.get_y(points), 7),
        }
        for name, keys in self.attributes.items():
            columns[name] = [_number(tags, keys) for tags in found["tags"]]
        return pd.DataFrame(columns).reset_index(drop=True)


def _name(tags: Tags) -> str:
    name = next((" ".join(tags[key].split()) for key in NAMES if tags.get(key, "").strip()), "")
    return f"'{name}" if name.startswith(FORMULA_STARTS) else name


def _number(tags: Tags, keys: tuple[str, ...]) -> str:
    return next((tags[key] for key in keys if NUMBER.fullmatch(tags.get(key, ""))), "")


def facility_kinds() -> Kinds:
    """The kinds of ``kinds.toml`` that say how OpenStreetMap maps them."""
    raw = kinds_file()
    kinds = tuple(
        Kind(
            name=name,
            zh=row["zh"],
            en=row["en"],
            profile=row["osm"]["profile"],
            reason=" ".join(row["osm"]["reason"].split()),
            wiki=tuple(row["osm"]["wiki"]),
            blocks=tuple(_conditions(block) for block in row["osm"]["any"]),
        )
        for name, row in raw.items()
        if "osm" in row
    )
    attributes = {name: tuple(keys) for name, keys in raw["osm"]["attributes"].items()}
    return Kinds(kinds, _conditions(raw["osm"]["never"]), attributes)


def _conditions(block: Mapping[str, str | list[str]]) -> tuple[Condition, ...]:
    return tuple(_condition(key, value) for key, value in block.items())


def _condition(key: str, value: str | list[str]) -> Condition:
    if key.endswith("~"):
        return Condition(key[:-1], pattern=re.compile(str(value), re.IGNORECASE))
    values = (value,) if isinstance(value, str) else tuple(value)
    return Condition(key.removesuffix("!"), values, negated=key.endswith("!"))
