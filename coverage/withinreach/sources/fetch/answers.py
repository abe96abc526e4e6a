"""Answers of the servers, kept on disk so that an interrupted download goes on where it stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from withinreach.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

KEY_LENGTH = 32


@dataclass(frozen=True)
class Question:
    """What a server is asked.

    The key does not hold the server's address: an answer of one Overpass server serves as well as that of another, so
    a download that one server refused can be finished with the help of a second.

    Attributes
    ----------
    service
        ``overpass`` or ``nominatim``.
    path
        Below the service's address, e.g. ``interpreter``.
    parameters
        As they are sent.
    """

    service: str
    path: str
    parameters: Mapping[str, str]

    @property
    def key(self) -> str:
        """Name of the question's files: a hash of all that is asked."""
        text = json.dumps([self.service, self.path, dict(sorted(self.parameters.items()))], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class Receipt:
    """What is known about a kept answer: the server without secrets, UTC time, size and sha256 of the body."""

    server: str
    fetched_at: str
    bytes: int
    sha256: str


class Answers:
    """A folder with two files per answer: the body as it came (``.json``) and its receipt (``.receipt.json``).

    The receipt is written last, so a body without one is a leftover of an interruption and is asked for again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, question: Question) -> tuple[bytes, Receipt] | None:
        """The kept answer, or None if there is none or if it is not what its receipt says (told as a warning)."""
        body_path, receipt_path = self._paths(question)
        if not receipt_path.is_file():
            return None
        try:
            receipt = Receipt(**json.loads(receipt_path.read_text(encoding="utf-8")))
            body = body_path.read_bytes()
        except (OSError, ValueError, TypeError):
            log.warning("%s: cannot be read; asking the server again", body_path)
            return None
        if hashlib.sha256(body).hexdigest() != receipt.sha256:
            log.warning("%s: is damaged (sha256 differs from its receipt); asking the server again", body_path)
            return None
        return body, receipt

    def keep(self, question: Question, body: bytes, *, server: str, fetched_at: str) -> Receipt:
        """Keep an answer.

        Raises
        ------
        SourceError
            If the folder cannot be written.
        """
        body_path, receipt_path = self._paths(question)
        receipt = Receipt(server, fetched_at, len(body), hashlib.sha256(body).hexdigest())
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(body_path, body)
            write_whole(receipt_path, json.dumps(asdict(receipt), indent=1).encode())
        except OSError as error:
            raise not_written(self.folder, error) from None
        return receipt

    def _paths(self, question: Question) -> tuple[Path, Path]:
        return self.folder / f"{question.key}.json", self.folder / f"{question.key}.receipt.json"


def not_written(folder: Path, error: OSError) -> SourceError:
    """A full disk, a folder without permission, and the like, as an error of the input."""
    return SourceError(f"{folder}: cannot be written: {error.strerror or error}; free space or name another folder")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
