"""HTML of a card: a title, lines and tables, every text escaped."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# More rows than a reader takes in are a dump; whoever wants them asks for the table.
SHOWN_ROWS = 20
UNKNOWN = "—"
# Letters up to which a field stays on one line.
UNBROKEN = 18
CARD = (
    "background:#fff;color:#17222e;max-width:920px;padding:10px 14px;border:1px solid #dde2e6;border-radius:6px;"
    "font:13px/1.5 'Microsoft YaHei','PingFang SC','Noto Sans CJK SC',system-ui,sans-serif"
)
ROW = "display:flex;flex-wrap:wrap;gap:10px 18px;align-items:flex-start"
CELL = "padding:2px 8px;border:0;border-bottom:1px solid #e6eaec;background:#fff;color:#17222e;font-size:13px"


class Column(NamedTuple):
    """A column of a table: its heading, how a value of it is told, and whether it holds numbers."""

    title: str
    told: Callable[[object], str]
    numbers: bool = True


def text(value: object) -> str:
    """Any value as words; a dash for none."""
    return UNKNOWN if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def whole(value: object) -> str:
    """A number without decimals, thousands parted; a dash for what is unknown."""
    return figure(value, ",.0f")


def share(value: object) -> str:
    """A share as per cent with one decimal; a dash for what is unknown."""
    return figure(value, ".1%")


def figure(value: object, style: str) -> str:
    """A number in a style of `format`; a dash for what is unknown."""
    number = float(value)  # type: ignore[arg-type]
    return format(number, style) if math.isfinite(number) else UNKNOWN


def card(title: str, notice: str, *blocks: str) -> str:
    """A frame around blocks of HTML.

    Parameters
    ----------
    notice
        Stands beside the title, such as that the data are invented; may be empty.
    blocks
        HTML, as the functions of this stage make it.
    """
    badge = (
        "padding:1px 8px;border:1px solid #e0a56c;border-radius:20px;background:#fff4e4;color:#7d3f08;font-size:12px"
    )
    told = f' <span style="{badge}">{html.escape(notice)}</span>' if notice else ""
    head = f'<div style="font-size:15px;font-weight:700">{html.escape(title)}{told}</div>'
    return f'<div style="{CARD}">{head}{"".join(blocks)}</div>'


def line(words: str) -> str:
    """A line of small text."""
    return f'<div style="color:#53606c;margin:2px 0 6px">{html.escape(words)}</div>'


def beside(*blocks: str) -> str:
    """Blocks side by side where there is room."""
    return f'<div style="{ROW}">{"".join(f"<div>{block}</div>" for block in blocks)}</div>'


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]], more: str) -> str:
    """A table of at most `SHOWN_ROWS` rows.

    Parameters
    ----------
    rows
        One value for each column.
    more
        What stands below rows that were left out, with ``{count}``.
    """
    heads = "".join(_cell("th", column.title, column) for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell("td", one.told(value), one) for one, value in zip(columns, row, strict=True)) + "</tr>"
        for row in rows[:SHOWN_ROWS]
    )
    left_out = line(more.format(count=len(rows) - SHOWN_ROWS)) if len(rows) > SHOWN_ROWS else ""
    return (
        '<table style="border-collapse:collapse;margin:4px 0">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{left_out}"
    )


def _cell(tag: str, words: str, column: Column) -> str:
    side = "right" if column.numbers else "left"
    broken = "" if len(words) > UNBROKEN else ";white-space:nowrap"
    return f'<{tag} style="{CELL};text-align:{side}{broken}">{html.escape(words)}</{tag}>'
