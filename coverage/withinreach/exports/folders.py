"""Folders that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "manifest.json"


@contextmanager
def whole_folder(folder: Path, *, mark: str = MARK, staged_in: Path | None = None) -> Iterator[Path]:
    """Give a staging folder, and put it in the place of ``folder`` when the block ends without an error.

    Parameters
    ----------
    mark
        Name of the file by which an earlier output is known.
    staged_in
        An existing folder of the same file system for the staging folder; beside ``folder`` by default.

    Raises
    ------
    SourceError
        If the folder holds anything but an earlier output of ours.
    """
    if folder.exists() and not folder.is_dir():
        raise SourceError(f"{folder}: is a file; name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise SourceError(
            f"{folder}: holds files that are not an output of withinreach (no {mark}); name an empty folder with --out"
        )
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=staged_in or parent))
    try:
        yield staging
        staging.chmod(0o755)
        _replace(folder, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace(folder: Path, staging: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=staging.parent))
    folder.rename(old / folder.name)
    try:
        staging.rename(folder)
    except OSError:
        (old / folder.name).rename(folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
