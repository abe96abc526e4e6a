"""The township that a facility names, held against the unit that it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.model import OUTSIDE_AREAS
from withinreach.preparation.audit.labels import labelled_areas

if TYPE_CHECKING:
    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings


def note_townships(evidence: Evidence, findings: Findings) -> None:
    """Facilities whose township, by the crosswalk, belongs to another unit than the one that they lie in."""
    if evidence.crosswalk is None:
        return
    by_code, by_name = labelled_areas(evidence)
    labelled = np.where(by_code >= 0, by_code, by_name)
    lies = evidence.facilities.area
    near = np.where(labelled >= 0, labelled, lies).astype(np.int32)
    belongs = evidence.crosswalk.areas_of(evidence.texts("township"), near)
    names = evidence.areas.table["name"]
    for facility in np.flatnonzero((belongs >= 0) & (lies != OUTSIDE_AREAS) & (belongs != lies)):
        findings.note(
            "township_elsewhere",
            evidence.path(facility),
            {
                "unit": names.iloc[belongs[facility]],
                "other": names.iloc[lies[facility]],
                "name": evidence.name(facility),
            },
            at=evidence.spot(facility, "township"),
        )
