"""The chapters of a brief, one function each: what it says follows from what the tables hold."""

from __future__ import annotations

from withinreach.briefs.chapters.covered import covered
from withinreach.briefs.chapters.method import method
from withinreach.briefs.chapters.pockets import pockets
from withinreach.briefs.chapters.remedies import remedies
from withinreach.briefs.chapters.summary import ending, summary, title
from withinreach.briefs.chapters.targets import targets

CHAPTERS = (title, summary, method, covered, targets, pockets, remedies, ending)

__all__ = ["CHAPTERS"]
