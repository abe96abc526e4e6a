"""What a row says of its facility - unit, township, state, name - held against where it lies and against itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import shapely

from withinreach.model import OUTSIDE_AREAS, serving
from withinreach.preparation.code_changes import UNIT_DIGITS, current_unit
from withinreach.preparation.findings import Proposal
from withinreach.sources.remarks import Spot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.preparation.audit.evidence import Evidence
    from withinreach.preparation.findings import Findings

UNKNOWN = -1
# What offices write into a name, in brackets or at its end, when a site is no longer, or not yet, open. Elsewhere it
# means something else: 建设中路 is a street, 规划展览馆 a museum.
NOT_OPEN_WORDS = (
    "停业|歇业|关闭|关停|注销|撤销|拆除|废弃|停用|在建|拟建|筹建|规划|建设中|closed|planned|under construction"
)
NOT_OPEN = re.compile(rf"[(（\[【][^)）\]】]*(?:{NOT_OPEN_WORDS})|(?:{NOT_OPEN_WORDS})$", re.IGNORECASE)
OPEN = ("", "operating")


def note_area_codes(evidence: Evidence, findings: Findings) -> None:
    """Areas whose code is out of date."""
    for code, name in zip(evidence.areas.table["code"], evidence.areas.table["name"], strict=True):
        if current_unit(code) != code[:UNIT_DIGITS]:
            path, at = evidence.study.areas.path, Spot(value=code)
            findings.note("area_code_old", path, {"name": name, "new": current_unit(code)}, at=at)


def note_codes(evidence: Evidence, findings: Findings) -> None:
    """Codes of units that are out of date, or of no area."""
    codes = evidence.texts("unit_code")
    of_areas = {*evidence.areas.table["code"], *evidence.scope.others}
    known = {*of_areas, *map(current_unit, of_areas)}
    for facility in np.flatnonzero((codes != "") & ~np.isin(codes, list(known))):
        new = current_unit(codes[facility])
        if new in known and len(codes[facility]) == len(new):
            findings.note(
                "unit_code_old",
                evidence.path(facility),
                {"new": new, "name": evidence.name(facility)},
                at=evidence.spot(facility, "unit_code"),
                proposal=evidence.proposal(facility, "unit_code", new),
            )
        elif new not in known:
            findings.note(
                "unit_code_unknown",
                evidence.path(facility),
                {"name": evidence.name(facility)},
                at=evidence.spot(facility, "unit_code"),
            )


def labelled_areas(evidence: Evidence) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The area that each facility's unit code says, and the one that its unit name says; -1 where it says none."""
    code = {current_unit(code): row for row, code in enumerate(evidence.areas.table["code"])}
    codes = evidence.texts("unit_code")
    by_code = [code.get(current_unit(text), UNKNOWN) for text in codes]
    names = _names_of_areas(evidence)
    by_name = [names.get(text, UNKNOWN) for text in evidence.texts("unit_name")]
    return np.array(by_code, np.int32), np.array(by_name, np.int32)


def _names_of_areas(evidence: Evidence) -> dict[str, int]:
    """Rows of areas by name, and by the name without 区, 县 or 市 where that tells it."""
    whole = {name: row for row, name in enumerate(evidence.areas.table["name"])}
    short: dict[str, list[int]] = {}
    for name, row in whole.items():
        if len(name) > 2 and name[-1] in "区县市":
            short.setdefault(name[:-1], []).append(row)
    return {name: rows[0] for name, rows in short.items() if len(rows) == 1} | whole


def note_code_against_name(evidence: Evidence, findings: Findings) -> None:
    """Rows whose code is that of one unit and whose unit name is that of another."""
    by_code, by_name = labelled_areas(evidence)
    names = evidence.areas.table["name"]
    for facility in np.flatnonzero((by_code >= 0) & (by_name >= 0) & (by_code != by_name)):
        findings.note(
            "unit_code_against_name",
            evidence.path(facility),
            {
                "unit": names.iloc[by_code[facility]],
                "other": names.iloc[by_name[facility]],
                "name": evidence.name(facility),
            },
            at=evidence.spot(facility, "unit_code"),
        )


def note_other_unit(evidence: Evidence, findings: Findings) -> None:
    """Facilities that lie in another unit than their row says, and how far from it."""
    by_code, by_name = labelled_areas(evidence)
    said = np.where(by_code >= 0, by_code, by_name)
    lies = evidence.facilities.area
    shapes = evidence.areas.table.geometry.to_numpy()
    names = evidence.areas.table["name"]
    for facility in np.flatnonzero((said >= 0) & (lies != OUTSIDE_AREAS) & (said != lies)):
        point = shapely.Point(evidence.facilities.xy[facility])
        findings.note(
            "unit_elsewhere",
            evidence.path(facility),
            {
                "unit": names.iloc[said[facility]],
                "other": names.iloc[lies[facility]],
                "metres": shapely.distance(shapes[said[facility]], point),
                "name": evidence.name(facility),
            },
            at=evidence.spot(facility, "unit_code" if by_code[facility] >= 0 else "unit_name"),
        )


def note_not_open(evidence: Evidence, findings: Findings) -> None:
    """Facilities whose name says that they are closed, planned or being built, and no other field."""
    status = evidence.texts("status")
    for facility, name in enumerate(evidence.texts("name")):
        if status[facility] in OPEN and NOT_OPEN.search(name):
            at = evidence.spot(facility, "name")
            findings.note("name_says_not_open", evidence.path(facility), at=at, proposal=Proposal(drop=True))


def note_nameless(evidence: Evidence, findings: Findings) -> None:
    """Facilities without a name: nobody can look them up."""
    for facility in np.flatnonzero(evidence.texts("name") == ""):
        at = evidence.spot(facility, "name")
        findings.note("name_missing", evidence.path(facility), at=at)


def note_bare_units(evidence: Evidence, findings: Findings) -> None:
    """Services without any facility, and units without one where others have some: nothing there, or not delivered."""
    for name, service in evidence.study.services.items():
        here = evidence.facilities.area[serving(evidence.table, evidence.study.taxonomy.within(service.kinds))]
        count = np.bincount(here[here != OUTSIDE_AREAS], minlength=len(evidence.areas))
        bare = np.flatnonzero(count == 0)
        if not len(here):
            kinds = ", ".join(service.kinds)
            path = evidence.study.facilities[0].path
            findings.note("service_without_facilities", path, {"service": name, "kinds": kinds})
        elif count.any() and len(bare):
            units = ", ".join(evidence.areas.table["name"].iloc[bare])
            findings.note(
                "unit_without_facility",
                evidence.study.areas.path,
                {"service": service.title, "count": len(bare), "units": units},
            )
