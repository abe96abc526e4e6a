"""Codes of units that were replaced by others."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT_DIGITS = 6


@cache
def changed_codes() -> Mapping[str, str]:
    """The new code of each old one, as ``code_changes.toml`` lists them."""
    raw = tomllib.loads((files(__package__) / "code_changes.toml").read_text(encoding="utf-8"))
    return MappingProxyType({change["old"]: change["new"] for change in raw["changes"]})


def current_unit(code: str) -> str:
    """The unit of today, six digits, of a code of six, nine or twelve.

    Codes of nine and twelve digits begin with the six of their unit (GB/T 2260). What follows is not carried over: the
    townships of a unit are numbered anew when its code changes.
    """
    return changed_codes().get(code[:UNIT_DIGITS], code[:UNIT_DIGITS])
