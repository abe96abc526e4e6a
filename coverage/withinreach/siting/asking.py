"""From a result and a question to a plan: demand, sites and pairs for the solvers, and their answer as a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from withinreach.errors import StudyError
from withinreach.model import OUTSIDE_AREAS
from withinreach.reach import pairs_to, pairs_within, spots_of
from withinreach.siting.candidates import away_from, candidates_of, outside_zones
from withinreach.siting.plan import CLOSE, EXTEND, OPEN, Plan
from withinreach.siting.rules import Objective, Rules
from withinreach.siting.solving.capacitated import Rooms, capacitated_covering
from withinreach.siting.solving.closing import fewest_kept
from withinreach.siting.solving.covering import maximal_covering, set_covering
from withinreach.siting.solving.equity import worst_first
from withinreach.siting.solving.median import centre, median
from withinreach.siting.solving.problem import Demand, Sites
from withinreach.siting.solving.sums import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from withinreach.analysis import Result
    from withinreach.model import Places
    from withinreach.reach import Pairs
    from withinreach.siting.candidates import Candidates
    from withinreach.siting.solving.answers import Answer
    from withinreach.study import Service

DEFAULT = Rules()


class _Question(NamedTuple):
    """What was asked, with the places that may be chosen."""

    base: Result
    service: Service
    objective: Objective
    rules: Rules
    candidates: Candidates

    @property
    def weight(self) -> NDArray[np.float64]:
        """How much each cell counts."""
        case, weights = self.base.case, self.rules.weights or {self.service.people: 1.0}
        return np.sum([factor * case.people_of(group) for group, factor in weights.items()], axis=0)


def site(
    result: Result,
    service: str,
    *,
    new: int | None = None,
    objective: Objective = "maximal_covering",
    candidates: str | Candidates = "kinds",
    rules: Rules = DEFAULT,
) -> Plan:
    """Ask where next, which to extend, which to close, or how many are needed.

    What exists stays, and is counted. Everything is walked: candidates reach people along the streets like facilities.

    Parameters
    ----------
    new
        New sites (and extensions) at most; None where the budget, or the objective, says how many.
    objective
        ``maximal_covering``: most people served in time (MCLP). ``set_covering``: the least cost that serves
        ``rules.share`` of the people (LSCP). ``p_median``: least walking. ``p_centre``: the
        shortest longest walk of those who have a way today.
        ``capacitated_covering``: most people with a place, in a service that counts places. ``worst_first``: the
        worst-served area first. ``closing``: which facilities can close without anybody losing the service,
        or so that ``rules.share`` of those who have it keep it.
    candidates
        A word or file, see `candidates_of`, or `Candidates`. The default are existing facilities of all other kinds.
    rules
        What the choice must keep.

    Raises
    ------
    StudyError
        If the service or a group is unknown, or the question lacks something.
    """
    asked = _asked(result, service, new, objective, rules)
    if objective == "closing":
        return _closing(result, asked, rules)
    places = candidates_of(result.case, asked, candidates) if isinstance(candidates, str) else candidates
    if rules.forbidden is not None:
        places = outside_zones(result.case, places, rules.forbidden)
    if rules.spacing_m:
        places = away_from(result.case, places, asked, rules.spacing_m)
    question = _Question(result, asked, objective, rules, places)
    if objective == "capacitated_covering":
        return _with_places(question, new)
    if objective in ("p_median", "p_centre"):
        return _by_walking(question, new)
    return _by_covering(question, new)


def _asked(result: Result, service: str, new: int | None, objective: Objective, rules: Rules) -> Service:
    study = result.case.study
    if service not in study.services:
        raise StudyError(f"no service '{service}' in the study; it has: {', '.join(study.services)}")
    unknown = [group for group in rules.weights if group not in study.population.groups]
    problems = [f"weights: no group '{g}'; the study has: {', '.join(study.population.groups)}" for g in unknown]
    if new is None and rules.budget is None and objective not in ("set_covering", "closing"):
        problems.append(f"{objective.replace('_', ' ')} needs a number of new sites (new, --new) or a budget")
    if objective == "capacitated_covering" and study.services[service].capacity is None:
        problems.append(f"services.{service} names no capacity; ask for maximal covering")
    if problems:
        raise StudyError(problems)
    return study.services[service]


def _by_covering(question: _Question, new: int | None) -> Plan:
    reach = question.base.reaches[question.service.name]
    demand = _demand(question, reach.seconds, question.service.cutoff_s)
    sites, cutoff = _sites(question, new), question.service.cutoff_s
    if question.objective == "set_covering":
        answer = set_covering(demand, sites, cutoff, question.rules.share, question.rules.limit_s)
    elif question.objective == "worst_first":
        unit = question.base.case.people.area
        answer = worst_first(demand, sites, unit, cutoff, question.rules.limit_s)
    else:
        answer = maximal_covering(demand, sites, cutoff, question.rules.limit_s)
    return _plan(question, answer, _opened(question, answer.chosen, demand))


def _by_walking(question: _Question, new: int | None) -> Plan:
    """Candidates are looked for up to a limit; those who have no way today count with the limit, or not at all."""
    limit_s = question.rules.limit_min * 60
    seconds = question.base.reaches[question.service.name].seconds
    demand, sites = _demand(question, seconds, limit_s), _sites(question, new)
    if question.objective == "p_median":
        someway = (np.diff(demand.ptr) > 0) | np.isfinite(seconds)
        demand = replace(demand, base=np.where(someway, np.minimum(seconds, limit_s), np.inf))
        answer = median(demand, sites, question.rules.limit_s)
    else:
        # One island that no site is on would be the longest walk whatever is chosen.
        answer = centre(demand.of_walks(np.isfinite(seconds)[demand.row]), sites, question.rules.limit_s)
    return _plan(question, answer, _opened(question, answer.chosen, demand))


def _with_places(question: _Question, new: int | None) -> Plan:
    """Doors are the existing facilities, then the candidates; an extension is a site of its own at an existing door."""
    case, service, rules = question.base.case, question.service, question.rules
    rows = case.facility_rows(service.kinds)
    room = case.facilities.table[service.capacity].to_numpy(np.float64)[rows]
    standing, n_candidates = len(rows), len(question.candidates)
    places = np.where(np.isnan(question.candidates.capacity), rules.places or np.nan, question.candidates.capacity)
    if np.isnan(places).any():
        raise StudyError("candidates tell no capacity; say how many places a new site has (rules.places, --places)")
    pairs, theirs = pairs_within(case, service), _pairs(question, service.cutoff_s)
    door = np.concatenate([np.searchsorted(rows, pairs.facility), standing + theirs.facility])
    need = _places_needed(question)
    walks = (np.concatenate([pairs.cell, theirs.cell]), door, np.concatenate([pairs.seconds, theirs.seconds]))
    demand = Demand.of_pairs(need, np.full(len(need), np.inf), walks)
    extended = np.flatnonzero(~np.isnan(room)) if rules.extension is not None else np.zeros(0, np.int64)
    more = rules.extension.places if rules.extension is not None else 0.0
    extension_cost = rules.extension.cost if rules.extension is not None else 0.0
    sites = _extended(_sites(question, new), standing, len(extended), extension_cost)
    # Of a facility that tells no capacity nobody knows whether it has room; it takes none.
    capacity = np.concatenate([np.nan_to_num(room), places, np.full(len(extended), more)])
    doors = np.concatenate([np.arange(standing + n_candidates), extended]).astype(np.int32)
    found = capacitated_covering(demand, sites, Rooms(capacity, doors), service.cutoff_s, question.rules.limit_s)
    answer = found.answer
    news = answer.chosen[standing : standing + n_candidates]
    reached = _demand(question, question.base.reaches[service.name].seconds, service.cutoff_s)
    opened = _opened(question, news, reached)
    grown = extended[answer.chosen[standing + n_candidates :]]
    table = _existing(question.base, EXTEND, rows[grown], extension_cost)
    table["capacity"] = room[grown] + more
    unknown = int(np.isnan(room).sum())
    note = f"{unknown} of {standing} existing facilities tell no capacity and take nobody here"
    opened["capacity"] = places[news]
    return _plan(question, answer, pd.concat([table, opened], ignore_index=True), (note,) if unknown else ())


def _closing(result: Result, service: Service, rules: Rules) -> Plan:
    case = result.case
    rows = case.facility_rows(service.kinds)
    pairs = pairs_within(case, service)
    weight = case.people_of(service.people)
    walks = (pairs.cell, np.searchsorted(rows, pairs.facility), pairs.seconds)
    demand = Demand.of_pairs(weight, np.full(len(weight), np.inf), walks)
    answer = fewest_kept(demand, Sites.free(len(rows)), service.cutoff_s, rules.share, rules.limit_s)
    decided = np.isfinite(answer.certificate.objective)
    gone = rows[~answer.chosen] if decided else rows[:0]
    table = _existing(result, CLOSE, gone, 0.0)
    table["reached_people"] = sums(pairs.facility, weight[pairs.cell], len(case.facilities))[gone]
    nobody = np.zeros(0, np.int64)
    origin = f"{len(rows)} existing facilities"
    return Plan(result, service, "closing", rules, table, answer.certificate, nobody, 0.0, origin)


def _pairs(question: _Question, cutoff_s: float) -> Pairs:
    case, rows = question.base.case, np.arange(len(question.candidates), dtype=np.int32)
    return pairs_to(case, question.service, spots_of(question.candidates.places), rows, cutoff_s)


def _demand(question: _Question, base: NDArray[np.float64], cutoff_s: float) -> Demand:
    pairs = _pairs(question, cutoff_s)
    return Demand.of_pairs(question.weight, base, (pairs.cell, pairs.facility, pairs.seconds))


def _places_needed(question: _Question) -> NDArray[np.float64]:
    """Places that each cell needs by the norm, or one per person without a norm."""
    case, service = question.base.case, question.service
    if service.norm is None or question.rules.weights:
        return question.weight
    return case.people_of(service.norm.of) * service.norm.per_1000 / 1000


def _prices(question: _Question) -> NDArray[np.float64]:
    """What each candidate costs by itself or by the tariff; NaN for all if nothing tells.

    Raises
    ------
    StudyError
        If the cost of some is known and that of others is not.
    """
    candidates, tariff = question.candidates, question.rules.tariff
    cost = candidates.cost.copy()
    if tariff is not None:
        places = np.where(np.isnan(candidates.capacity), question.rules.places or 0.0, candidates.capacity)
        cost = np.where(np.isnan(cost), tariff.site + tariff.place * places, cost)
    lacking = np.isnan(cost)
    if lacking.any() and not lacking.all():
        name = candidates.places.table["name"].iloc[int(np.flatnonzero(lacking)[0])]
        raise StudyError(f"candidates: '{name}' tells no cost, others do; fill the column, or give a tariff")
    return cost


def _sites(question: _Question, new: int | None) -> Sites:
    """The candidates as sites: what they cost, which are too near each other, and which areas want one."""
    case, service, rules = question.base.case, question.service, question.rules
    candidates = question.candidates.places
    prices = _prices(question)
    apart = cKDTree(candidates.xy).query_pairs(rules.spacing_m, output_type="ndarray") if rules.spacing_m else None
    wanting = np.zeros(len(case.areas), bool)
    if rules.each_area:
        here = case.facilities.area[case.facility_rows(service.kinds)]
        wanting = ~np.isin(np.arange(len(case.areas)), here)
        nowhere = np.setdiff1d(np.flatnonzero(wanting), candidates.area)
        if len(nowhere):
            names = ", ".join(case.areas.table["name"].iloc[nowhere])
            raise StudyError(f"each_area: no candidate in {names}; give more candidates, e.g. grid:500")
    return Sites(
        fixed=np.zeros(len(candidates), bool),
        cost=np.where(np.isnan(prices), 1.0, prices),
        apart=np.zeros((0, 2), np.int32)
        if apart is None
        else np.unique(np.sort(apart, axis=1), axis=0).astype(np.int32),
        unit=candidates.area,
        wanting=wanting,
        most=new,
        budget=np.inf if rules.budget is None else rules.budget,
    )


def _extended(sites: Sites, standing: int, extended: int, cost: float) -> Sites:
    """Existing facilities before the candidates, and extensions after them."""
    nowhere = np.full(extended, OUTSIDE_AREAS, np.int32)
    return replace(
        sites,
        fixed=np.concatenate([np.ones(standing, bool), sites.fixed, np.zeros(extended, bool)]),
        cost=np.concatenate([np.zeros(standing), sites.cost, np.full(extended, cost)]),
        apart=sites.apart + np.int32(standing),
        unit=np.concatenate([np.full(standing, OUTSIDE_AREAS, np.int32), sites.unit, nowhere]),
    )


def _opened(question: _Question, chosen: NDArray[np.bool_], demand: Demand) -> pd.DataFrame:
    """The chosen candidates as a table."""
    candidates, rows = question.candidates, np.flatnonzero(chosen)
    new = (demand.base > question.service.cutoff_s)[demand.row] & (demand.walk <= question.service.cutoff_s)
    reached = sums(demand.site[new], demand.weight[demand.row[new]], len(candidates))
    capacity = np.where(np.isnan(candidates.capacity), question.rules.places or np.nan, candidates.capacity)
    table = _table(question.base, OPEN, candidates.places, rows)
    return table.assign(capacity=capacity[rows], cost=_prices(question)[rows], reached_people=reached[rows])


def _existing(result: Result, action: str, rows: NDArray[np.integer], cost: float) -> pd.DataFrame:
    """Existing facilities as a table."""
    return _table(result, action, result.case.facilities, rows).assign(capacity=np.nan, cost=cost, reached_people=0.0)


def _table(result: Result, action: str, places: Places, rows: NDArray[np.integer]) -> pd.DataFrame:
    codes = np.append(result.case.areas.table["code"].to_numpy(object), "")  # the last one stands for outside all
    named = places.table.iloc[rows].reset_index(drop=True)
    return pd.DataFrame(
        {
            "action": pd.Series([action] * len(rows), dtype="str"),
            "id": named["id"],
            "name": named["name"],
            "code": pd.Series(codes[places.area[rows]], dtype="str"),
            "lon": named["lon"],
            "lat": named["lat"],
            "x": places.xy[rows, 0],
            "y": places.xy[rows, 1],
            "row": rows.astype(np.int64),
        }
    )


def _plan(question: _Question, answer: Answer, table: pd.DataFrame, notes: tuple[str, ...] = ()) -> Plan:
    people = question.base.case.people_of(question.service.people)
    return Plan(
        base=question.base,
        service=question.service,
        objective=question.objective,
        rules=question.rules,
        sites=table,
        certificate=answer.certificate,
        unservable=answer.unservable,
        unservable_people=float(people[answer.unservable].sum()),
        candidates=question.candidates.origin,
        notes=notes,
    )
