"""What the core types have in common."""

from __future__ import annotations

from dataclasses import fields

import numpy as np


class Frozen:
    """Base of the core types: makes every array of a dataclass read-only, also after unpickling."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
