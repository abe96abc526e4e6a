"""What the groups of people say against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings

# Rasters hold 32-bit floats; sums of bands differ from a published total in their seventh digit.
EQUAL = 1e-6


def note_larger_groups(evidence: Evidence, findings: Findings) -> None:
    """Cells, or rows of a table, in which a part of the people is larger than all of them: 60+ above the total.

    All people are the group with the largest sum. After calibration there are none where the study tells the ages of
    the groups; what was wrong before it `note_order` tells.
    """
    layer = evidence.study.population
    people = evidence.people.table[list(layer.groups)]
    total = people.sum()
    everybody = total.idxmax()
    for name in layer.groups:
        count, all_people = people[name].to_numpy(np.float64), people[everybody].to_numpy(np.float64)
        more = count > all_people * (1 + EQUAL) + EQUAL
        if name != everybody and more.any():
            findings.note(
                "group_exceeds_everybody",
                layer.main_path,
                {
                    "group": name,
                    "everybody": everybody,
                    "cells": more.sum(),
                    "people": (count - all_people)[more].sum(),
                },
            )
