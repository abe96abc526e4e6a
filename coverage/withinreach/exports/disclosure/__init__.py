"""Disclosure control: what is withheld of few people, decided once, before anything is written.

`counts` holds counts that add up, `suppression` chooses what is withheld of them, `rounding` rounds them, `tables`
finds them in the tables of a result and puts what may be told back, and `opening` leaves protected groups out of
whatever is about single cells.
"""

from __future__ import annotations

from withinreach.exports.disclosure.opening import open_result
from withinreach.exports.disclosure.tables import Protection, Released, release

__all__ = ["Protection", "Released", "open_result", "release"]
