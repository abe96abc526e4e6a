"""What a reader has to say about a file: a rule of the audit, its figures, and where in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Spot(NamedTuple):
    """Where in a file a finding stands: a row (as a reader counts them), a column, the value there.

    Without a row it is about the whole file or column. The value is what the file says, in no language of ours.
    """

    row: int | None = None
    column: str = ""
    value: str = ""


WHOLE_FILE = Spot()


class Remark(NamedTuple):
    """Something about a file that belongs into the audit: a rule of it, and the figures that the rule needs."""

    rule: str
    figures: Mapping[str, Any]
    at: Spot = WHOLE_FILE
