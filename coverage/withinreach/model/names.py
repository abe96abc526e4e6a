"""Codes and names of areas as parts of file names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST_STEM = 60
# A name of so many characters of three bytes each leaves room for a code, a date and a suffix within the 255 bytes
# that file systems allow.
LONGEST_NAME = 40
# Names that Windows keeps for devices, whatever their suffix ("Naming Files, Paths, and Namespaces", Microsoft).
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def file_stem(code: str) -> str:
    """A code as a part of a file name: letters, digits, dot, dash; never a path, never hidden, never too long.

    A code that has to be changed for it carries a digest of itself, so that two codes never share a file.
    """
    stem = re.sub(r"[^A-Za-z0-9.-]", "_", code).strip(".")[:LONGEST_STEM]
    if stem and stem == code and not DEVICES.fullmatch(code):
        return stem
    return f"{stem or '_'}-{hashlib.sha256(code.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def told_name(name: str) -> str:
    """A name as a part of a file name, in its own script, without what Windows, macOS or Linux refuse in one."""
    told = "".join("_" if _refused(letter) else letter for letter in unicodedata.normalize("NFC", name))
    return told[:LONGEST_NAME].strip(" .") or "_"


def _refused(letter: str) -> bool:
    return letter in '\\/:*?"<>|' or unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
