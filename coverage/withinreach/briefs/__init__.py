"""Evidence -> a Word brief of each county: what was measured, who is covered, which targets are met, what would help.

What all briefs share is worked out once (`Evidence`); the text of one is composed of chapters (`chapters`), each a
function of the tables of its county; every number in it leads to the cell that it is from (`sources`).
"""

from __future__ import annotations

from withinreach.briefs.evidence import Evidence
from withinreach.briefs.template import open_template
from withinreach.briefs.writing import save_template, template_of, write_county_brief

__all__ = ["Evidence", "open_template", "save_template", "template_of", "write_county_brief"]
