"""The typefaces of plates: one that has Chinese, looked for before any drawing."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from matplotlib import font_manager, ft2font

from withinreach.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Open ones first, then what Windows and macOS bring; the last two have the glyphs, but not in the mainland's forms.
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Heiti SC",
    "STHeiti",
    "Noto Sans CJK JP",
    "Arial Unicode MS",
)
# Comes with matplotlib, and has the letters of most other scripts.
WESTERN = "DejaVu Sans"
MISSING = (
    "no typeface with Chinese is installed; maps need one: apt-get install fonts-noto-cjk (Debian, Ubuntu), \
dnf install google-noto-sans-cjk-fonts (Fedora), or any of "
    + ", ".join(CHINESE[:8])
)
NO_GLYPH = "□"


class Typeface(NamedTuple):
    """Families in the order in which glyphs are looked for, and every character that they have."""

    families: tuple[str, ...]
    characters: frozenset[int]

    def drawable(self, text: str) -> str:
        """A text in one line, with a box for each character that no family has."""
        line = " ".join(text.split())
        return "".join(
            sign if ord(sign) in self.characters else NO_GLYPH
            for sign in line
            if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Mn")
        )


@cache
def find_typeface() -> Typeface:
    """The first installed family that has Chinese, and a western one beside it.

    Raises
    ------
    StudyError
        If there is none: one line that names what to install.
    """
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    if installed.isdisjoint(CHINESE):
        # matplotlib keeps the list of fonts from its first day on; a typeface that was installed since is not in it.
        installed |= _newly_installed()
    family = next((name for name in CHINESE if name in installed), None)
    if family is None:
        raise StudyError(MISSING)
    return Typeface((family, WESTERN), frozenset(_characters((family, WESTERN))))


def _newly_installed() -> set[str]:
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError):
            continue  # damaged, or of a kind that FreeType does not read
    return {entry.name for entry in font_manager.fontManager.ttflist}


def _characters(families: Iterable[str]) -> set[int]:
    found: set[int] = set()
    for family in families:
        path = font_manager.findfont(font_manager.FontProperties(family=family))
        found.update(ft2font.FT2Font(str(path)).get_charmap())
    return found
