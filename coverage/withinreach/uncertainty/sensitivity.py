"""One assumption at a time: what coverage would be at other speeds, cutoffs, caps, borders and populations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from withinreach.errors import StudyError
from withinreach.progress import silent
from withinreach.reach import measure_own_reach, measure_reach, own_grounds
from withinreach.uncertainty.snapped import with_snap_cap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from withinreach.model import Case
    from withinreach.progress import Progress
    from withinreach.reach import Reach

BASE = "as in the study"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is tried out, beside the study's own values.

    Attributes
    ----------
    speeds : tuple of float
        Factors on the speed of every profile. GB 50180 has its 15 minutes reach 800 to 1,000 m: an eighth or ninth
        less and more than the middle. So three speeds with the study's own.
    cutoffs : tuple of float
        Factors on the cutoff; a third less and more than 15 minutes are 10 and 20.
    snap_caps_m : tuple of float
        300 to 500 m are usual.
    """

    speeds: tuple[float, ...] = (800 / 900, 1000 / 900)
    cutoffs: tuple[float, ...] = (2 / 3, 4 / 3)
    snap_caps_m: tuple[float, ...] = (200.0, 500.0)

    def __post_init__(self) -> None:
        for name in ("speeds", "cutoffs", "snap_caps_m"):
            if not all(value > 0 for value in getattr(self, name)):
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")


def vary_assumptions(
    case: Case,
    *,
    settings: Settings | None = None,
    others: Mapping[str, Case] | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Coverage of every service under one other assumption at a time.

    Parameters
    ----------
    others
        Cases with another source of population, by the name they get in the table; they need the same services.
    progress
        Called with each assumption as its turn comes.

    Returns
    -------
    DataFrame with columns
        service; parameter (``base``, ``speed``, ``cutoff``, ``snap cap``, ``borders``, ``population``); setting, as
        text with its unit; people, served_people; coverage, NaN where nobody lives; and change, coverage less that of
        the study.

    Raises
    ------
    StudyError
        If another case lacks a service.
    """
    lacking = [
        f"{name}: has no service '{service}'; population sources are compared service by service"
        for name, other in (others or {}).items()
        for service in case.study.services
        if service not in other.study.services
    ]
    if lacking:
        raise StudyError(lacking)
    rows = []
    for parameter, setting, variant, reaches in _variants(case, settings or Settings(), others or {}):
        progress(f"{parameter} {setting}")
        for name, reach in reaches:
            people = variant.people_of(reach.service.people)
            served = people[reach.covered].sum()
            rows.append((name, parameter, setting, people.sum(), served))
    table = pd.DataFrame(rows, columns=["service", "parameter", "setting", "people", "served_people"])
    table["coverage"] = (table["served_people"] / table["people"]).where(table["people"] > 0)
    base = table[table["parameter"] == "base"].set_index("service")["coverage"]
    return table.assign(change=table["coverage"] - table["service"].map(base))


def _variants(
    case: Case, settings: Settings, others: Mapping[str, Case]
) -> Iterator[tuple[str, str, Case, Iterator[tuple[str, Reach]]]]:
    """Each assumption: its name and setting, the case, and the reach of each service."""
    yield "base", BASE, case, _reaches(case)
    for factor in settings.speeds:
        yield "speed", f"{factor - 1:+.0%}", case, _reaches(_at_speed(case, factor))
    for factor in settings.cutoffs:
        yield "cutoff", f"{factor - 1:+.0%}", case, _reaches(case, cutoff=factor)
    for cap_m in settings.snap_caps_m:
        yield "snap cap", f"{cap_m:g} m", case, _reaches(with_snap_cap(case, cap_m))
    yield "borders", "not crossed", case, _own_reaches(case)
    for name, other in others.items():
        yield "population", name, other, _reaches(other)


def _reaches(case: Case, cutoff: float = 1.0) -> Iterator[tuple[str, Reach]]:
    for name, service in case.study.services.items():
        # Two thirds of 15 are 10 minutes, and not a rounding less.
        minutes = round(service.cutoff_min * cutoff, 6)
        yield name, measure_reach(case, service.model_copy(update={"cutoff_min": minutes}))


def _own_reaches(case: Case) -> Iterator[tuple[str, Reach]]:
    grounds = own_grounds(case)
    for name, service in case.study.services.items():
        yield name, measure_own_reach(case, service, grounds)


def _at_speed(case: Case, factor: float) -> Case:
    """The case with every profile faster or slower, on stairs too; speeds are whole millimetres per second."""
    profiles = {
        name: profile.model_copy(
            update={
                "speed_m_s": round(profile.speed_m_s * factor, 3),
                "steps_m_s": None if profile.steps_m_s is None else profile.steps_m_s * factor,
            }
        )
        for name, profile in case.study.profiles.items()
    }
    return replace(case, study=case.study.model_copy(update={"profiles": profiles}))
