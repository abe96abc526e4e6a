"""What every reader asks of a path first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def need_file(path: Path) -> None:
    """Raise `SourceError` unless the path is a file, and not a link that brings one in from outside its folder.

    A study that somebody sends may hold a link to a file of the reader's own, which would end up in maps and tables.
    """
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        raise SourceError(f"{path}: is a link to {path.resolve()}, outside its folder; name that file in the study")
    if not path.is_file():
        raise SourceError(f"{path}: no such file; correct the path in the study (it is relative to the study file)")
