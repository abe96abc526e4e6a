"""Codes of areas as parts of file names."""

from __future__ import annotations

import re

LONGEST_STEM = 60


def file_stem(code: str) -> str:
    """A code as a part of a file name: letters, digits, dot, dash; never a path, never hidden, never too long."""
    stem = re.sub(r"[^A-Za-z0-9.-]", "_", code).lstrip(".")
    return stem[:LONGEST_STEM] or "_"
