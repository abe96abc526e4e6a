"""Whose doing a change of coverage is: that of facilities, of people, or of streets, by Shapley's rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from withinreach.change.people import TOTAL, all_codes, by_code
from withinreach.errors import StudyError
from withinreach.preparation.snapping import snap_places
from withinreach.progress import silent
from withinreach.reach import measure_reach

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from withinreach.model import Case, Places
    from withinreach.progress import Progress

FACTORS = ("facilities", "people", "network")
# Which factors are those of after, in the order of FACTORS.
Mix = tuple[bool, ...]


def attribute_coverage(before: Case, after: Case, *, progress: Progress = silent) -> pd.DataFrame:
    """Split the change of coverage between facilities, people and streets.

    Coverage is measured for all eight mixtures of old and new facilities, people and streets (with their snap cap). A
    factor's part is what it adds on average over all orders in which the three could have changed (Shapley 1953, "A
    value for n-person games"); the parts add up to the change.

    Returns
    -------
    DataFrame with columns
        service; code, of an area or ``total``; coverage_before, coverage_after, change; by_facilities, by_people,
        by_network. NaN where one of the cases has no people in the area.
    """
    codes = all_codes(before, after)
    mixtures: dict[Mix, dict[str, np.ndarray]] = {}
    for mix in product((False, True), repeat=3):
        facilities, people, network = (name if new else f"old {name}" for name, new in zip(FACTORS, mix, strict=True))
        progress(f"{facilities}, {people}, {network}")
        mixtures[mix] = _coverages(_mixed(before, after, mix), codes)
    blocks = []
    for name in after.study.services:
        worth = {mix: coverages[name] for mix, coverages in mixtures.items()}
        parts = shapley(worth)
        first, last = worth[False, False, False], worth[True, True, True]
        blocks.append(
            pd.DataFrame(
                {
                    "service": name,
                    "code": [*codes, TOTAL],
                    "coverage_before": first,
                    "coverage_after": last,
                    "change": last - first,
                    **{f"by_{factor}": part for factor, part in zip(FACTORS, parts, strict=True)},
                }
            )
        )
    return pd.concat(blocks, ignore_index=True)


def shapley(worth: Mapping[Mix, Any]) -> list[Any]:
    """What each of three factors adds on average, when they join in all six orders.

    The parts add up to ``worth`` of all less ``worth`` of none; with exact numbers, exactly.

    Parameters
    ----------
    worth
        Of every mixture: numbers, or arrays that are split element by element.
    """
    parts = []
    for factor in range(3):
        added = {}
        for mix in product((False, True), repeat=3):
            if not mix[factor]:
                joined = tuple(new or i == factor for i, new in enumerate(mix))
                added[mix] = worth[joined] - worth[mix]
        # Of the six orders two have none of the others before it, two have both, and one each has one of them.
        parts.append(sum(gain * (1 if sum(mix) == 1 else 2) for mix, gain in added.items()) / 6)
    return parts


def need_same_services(before: Case, after: Case) -> None:
    """Refuse cases whose figures cannot be compared.

    Raises
    ------
    StudyError
        With one line for every difference.
    """
    problems = _differences("", before.study, after.study, ("metric_crs",))
    for name, service in after.study.services.items():
        earlier = before.study.services.get(name)
        if earlier is None:
            problems.append(f"services.{name}: is not in the study of before")
            continue
        at = f"services.{name}"
        problems += _differences(f"{at}.", earlier, service, ("kinds", "people", "cutoff_min", "capacity"))
        walks = before.study.profiles[earlier.profile], after.study.profiles[service.profile]
        problems += _differences(f"{at}, profile: ", *walks, ("speed_m_s", "slope", "steps_m_s", "crossing_wait_s"))
    if problems:
        raise StudyError([f"{problem}; measure both by one definition" for problem in problems])


def _differences(at: str, before: BaseModel, after: BaseModel, keys: tuple[str, ...]) -> list[str]:
    pairs = [(key, getattr(before, key), getattr(after, key)) for key in keys]
    return [f"{at}{key} is {earlier} before and {later} after" for key, earlier, later in pairs if earlier != later]


def _mixed(before: Case, after: Case, mix: Mix) -> Case:
    """Facilities, people and streets of either case; places that meet other streets are snapped to them."""
    facilities_of, people_of, network_of = (after if new else before for new in mix)
    study = after.study.model_copy(update={"network": network_of.study.network})

    def placed(case: Case, places: Places) -> Places:
        if case is network_of:
            return places
        segment, offset_mm, access_mm = snap_places(network_of.network, places.xy, study.network.snap_cap_m)
        return replace(places, segment=segment, offset_mm=offset_mm, access_mm=access_mm)

    return replace(
        after,
        study=study,
        network=network_of.network,
        facilities=placed(facilities_of, facilities_of.facilities),
        people=placed(people_of, people_of.people),
        areas=people_of.areas,
    )


def _coverages(case: Case, codes: list[str]) -> dict[str, np.ndarray]:
    """Coverage per service: of each code, the total last."""
    found = {}
    for name, service in case.study.services.items():
        people = case.people_of(service.people)
        served = np.where(measure_reach(case, service).covered, people, 0.0)
        parts = [by_code(case, values, codes) for values in (served, people)]
        both = [np.append(part, np.nansum(part)) for part in parts]
        found[name] = np.divide(both[0], both[1], out=np.full(len(both[0]), np.nan), where=both[1] > 0)
    return found
