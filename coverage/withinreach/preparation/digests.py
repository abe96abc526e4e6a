"""SHA-256 of the files of a study, as the names under which the cache keeps what was made of them.

A national raster of people has hundreds of megabytes, of which a city needs a window; hashing it would take longer
than reading that. So the digest of a large file is remembered beside what the file system says of it (size, both
times, inode and device), as version control systems do, and taken from there while that stays the same. A change that
leaves size and modification time alone still changes the time of the last change of the inode.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from glob import escape
from pathlib import Path

# Below this a file is hashed every time, which takes 0.1 s at most: tables that people edit are never taken on trust.
REMEMBERED_FROM_BYTES = 32_000_000
# File systems tell times in steps of up to 2 s (FAT); a file that changed just now might change again within one.
SETTLED_AFTER_S = 3.0
MEMORY = "digests.json"


class Digests:
    """Digests of files, those of large ones remembered in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = _remembered(folder / MEMORY)
        self._learnt = False

    def of(self, path: Path) -> list[tuple[str, str]]:
        """Name and digest of a file and of those that lie beside it under its name.

        A shapefile is several files, and rasters have their position, masks and statistics beside them.
        """
        beside = {found for found in path.parent.glob(f"{escape(path.stem)}.*") if found.is_file()}
        return [(found.name, self._of_one(found)) for found in sorted(beside | {path})]

    def remember(self) -> None:
        """Keep what was learnt; a folder that cannot be written is no reason to fail."""
        if not self._learnt:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".part", delete=False) as file:
                json.dump(self._known, file)
            Path(file.name).replace(self._folder / MEMORY)
        except OSError:
            return

    def _of_one(self, path: Path) -> str:
        before = _state(path)
        if before["size"] < REMEMBERED_FROM_BYTES:
            return digest_of(path)
        known = self._known.get(str(path.resolve()))
        if known is not None and known["state"] == before:
            return str(known["sha256"])
        found = digest_of(path)
        settled = max(before["changed_ns"], before["modified_ns"]) < time.time_ns() - SETTLED_AFTER_S * 1e9
        if settled and _state(path) == before:
            self._known[str(path.resolve())] = {"state": before, "sha256": found}
            self._learnt = True
        return found


def digest_of(path: Path) -> str:
    """SHA-256 of what a file holds."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> dict[str, int]:
    told = path.stat()
    return {
        "size": told.st_size,
        "modified_ns": told.st_mtime_ns,
        "changed_ns": told.st_ctime_ns,
        "inode": told.st_ino,
        "device": told.st_dev,
    }


def _remembered(path: Path) -> dict[str, dict[str, object]]:
    """What was learnt before; nothing where the file is absent or damaged."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {name: {"state": one["state"], "sha256": one["sha256"]} for name, one in known.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
