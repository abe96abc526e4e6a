"""The folder that a batch writes into: whose it is, what it was made from, and what of it is finished.

::

    OUT/                      of one study: its folder, as `export` writes it
    OUT/<study>/              of several studies: one such folder each
    OUT/.withinreach/         what a batch that was broken off goes on with
        lock                  held by the batch that is at work
        <study>.json          from what the study's folders are made, and its counties
        parts/<study>/        see `write_parts`; removed when the study is complete
        whole/<study>/        tables and map of the whole, until all counties are there
        staging/, now/        folders that are being written, and notes of who is at what

A folder of a county is there if it is finished. A study is complete when its ``manifest.json`` is there, which comes
last.
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from withinreach.batch.reading import read_summary
from withinreach.errors import SourceError
from withinreach.exports.folders import MARK
from withinreach.publishing import COUNTIES, county_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIDDEN = ".withinreach"


@dataclass(frozen=True, slots=True)
class Workplace:
    """Paths of one study in the folder of a batch."""

    out: Path
    study: str
    home: Path

    @property
    def hidden(self) -> Path:
        """What is not for readers."""
        return self.out / HIDDEN

    @property
    def parts(self) -> Path:
        """The study's parts, if they are made here."""
        return self.hidden / "parts" / self.study

    @property
    def whole(self) -> Path:
        """Where tables and map of the whole wait for the counties."""
        return self.hidden / "whole" / self.study

    @property
    def staging(self) -> Path:
        """Where folders are written before they appear."""
        return self.hidden / "staging"

    def note(self, stem: str) -> Path:
        """Where a job tells its stage."""
        return self.hidden / "now" / f"{self.study}-{stem}"

    def accepted(self) -> dict[str, Any] | None:
        """What the folders here are made from, and the counties; None before anything was accepted."""
        return read_summary(self._accepted.parent, self._accepted.name)

    @property
    def _accepted(self) -> Path:
        return self.hidden / f"{self.study}.json"

    def accept(self, summary: dict[str, Any]) -> None:
        """Begin with new parts: remove what was made from others, and note what is made from now on."""
        before = self.accepted()
        if before is None or before["key"] != summary["key"]:
            self.clear()
        kept = {name: summary[name] for name in ("key", "counties")}
        self.staging.mkdir(parents=True, exist_ok=True)
        fresh = self.staging / self._accepted.name
        fresh.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._accepted)

    def clear(self) -> None:
        """Remove the study's folders."""
        self._accepted.unlink(missing_ok=True)
        shutil.rmtree(self.whole, ignore_errors=True)
        if self.home.is_dir():
            for path in self.home.iterdir():
                if path.is_dir() and path.name == COUNTIES:
                    shutil.rmtree(path)
                elif path.is_file():
                    path.unlink()

    def finished(self, code: str) -> bool:
        """Whether a county's folder is there."""
        return county_folder(self.home, code).is_dir()

    @property
    def whole_finished(self) -> bool:
        """Whether tables and map of the whole are there, or wait."""
        return self.complete or (self.whole / MARK).is_file()

    @property
    def complete(self) -> bool:
        """Whether all of the study is there."""
        return (self.home / MARK).is_file()

    def finish(self) -> None:
        """Put tables and map of the whole to the counties, the manifest last, and remove the parts."""
        files = sorted(self.whole.iterdir(), key=lambda path: (path.name == MARK, path.name))
        for path in files:
            path.replace(self.home / path.name)
        self.whole.rmdir()
        self.remove_parts()

    def remove_parts(self) -> None:
        """Remove the parts that were made here."""
        shutil.rmtree(self.parts, ignore_errors=True)


@contextmanager
def own_folder(out: Path, *, resume: bool) -> Iterator[None]:
    """Hold a folder against other batches, and clear what a broken one left half written.

    Parameters
    ----------
    resume
        Whether what is finished is kept. If not, it is removed once there is something new to take its place.

    Raises
    ------
    SourceError
        If another batch is at work there, or the folder holds something else.
    """
    _need_ours(out)
    hidden = out / HIDDEN
    try:
        hidden.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"{out}: cannot be written: {error}") from None
    lock = FileLock(hidden / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SourceError(f"{out}: another batch is at work in this folder; wait for it, or name another") from None
    try:
        for name in ("staging", "now"):
            shutil.rmtree(hidden / name, ignore_errors=True)
            (hidden / name).mkdir()
        if not resume:
            for path in hidden.glob("*.json"):
                path.unlink()
            for name in ("parts", "whole"):
                shutil.rmtree(hidden / name, ignore_errors=True)
        for path in (hidden / "parts").glob(".*"):  # written when a batch was broken off
            shutil.rmtree(path, ignore_errors=True)
        yield
    finally:
        for name in ("staging", "now"):
            shutil.rmtree(hidden / name, ignore_errors=True)
        lock.release()


def _need_ours(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise SourceError(f"{out}: is a file; name a folder with --out")
    if out.is_dir() and any(out.iterdir()) and not ((out / MARK).is_file() or (out / HIDDEN).is_dir()):
        raise SourceError(f"{out}: holds files that are not an output of withinreach; name an empty folder with --out")
