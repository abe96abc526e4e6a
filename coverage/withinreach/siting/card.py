"""What a plan, and what is missing, show of themselves in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from withinreach.showing import (
    SITE,
    Column,
    Dots,
    beside,
    card,
    coverage_legend,
    figure,
    line,
    picture,
    share,
    table,
    text,
    whole,
    words,
)

if TYPE_CHECKING:
    from withinreach.siting.missing.gaps import Missing
    from withinreach.siting.plan import Plan

POCKETS = 10


def plan_card(plan: Plan) -> str:
    """Its sites as a table and on the map of today's coverage, and what is proven of them."""
    study = plan.base.case.study
    says = words(study.language)
    names = dict(zip(plan.base.case.areas.table["code"], plan.base.case.areas.table["name"], strict=True))
    columns = (
        Column("", text, numbers=False),
        Column(says["action"], text, numbers=False),
        Column(says["name"], text, numbers=False),
        Column(says["area"], text, numbers=False),
        Column(says["reached"], whole),
        Column(says["capacity"], whole),
        Column(says["cost"], whole),
    )
    rows = [
        (n, says[s.action], s.name or s.id, names.get(s.code, ""), s.reached_people, s.capacity, s.cost)
        for n, s in enumerate(plan.sites.itertuples(), 1)
    ]
    sites = Dots(plan.sites[["x", "y"]].to_numpy(np.float64), SITE, numbered=True)
    notes = (says["unservable"].format(people=whole(plan.unservable_people)), *plan.notes)
    return card(
        f"{plan.service.title} · {says[plan.objective]}",
        study.notice,
        line(f"{plan.candidates} · {_proof(plan)}"),
        beside(table(columns, rows, says["more"]), picture(plan.base.sketch(plan.service.name, sites))),
        coverage_legend(says["no_people"]),
        *(line(note) for note in notes),
    )


def _proof(plan: Plan) -> str:
    told, says = plan.certificate, words(plan.base.case.study.language)
    seconds = figure(told.seconds, ".2f")
    if not np.isfinite(told.objective):
        return says["unsolved"].format(status=told.status, seconds=seconds)
    bound = says["bound"].format(
        bound=figure(told.bound, ",.6g"), gap=share(told.gap), status=told.status, seconds=seconds
    )
    return f"{says[f'{plan.objective}_counts']}: {figure(told.objective, ',.6g')} ({bound})"


def missing_card(missing: Missing) -> str:
    """The largest pockets with what stops them, and the links that would serve most, numbered on the map."""
    case, service = missing.base.case, missing.base.case.study.services[missing.service]
    says = words(case.study.language)
    names = dict(zip(case.areas.table["code"], case.areas.table["name"], strict=True))
    pockets = (
        Column(says["people_lacking"], whole),
        Column(says["reason"], text, numbers=False),
        Column(says["area"], text, numbers=False),
        Column(says["walk"], lambda value: figure(value, ".0f")),
        Column(says["link"], text),
    )
    rows = [
        (one.people, says[f"stopped_by_{one.reason}"], names.get(one.code, ""), one.minutes, one.link or None)
        for one in missing.pockets.head(POCKETS).itertuples()
    ]
    links = (Column(says["link"], text), Column(says["gained"], whole), Column(says["metres_long"], whole))
    ranked = [(rank, one.gained_people, one.length_m) for rank, one in enumerate(missing.links.itertuples(), 1)]
    middles = Dots(missing.links[["from_x", "from_y"]].to_numpy(np.float64), SITE, numbered=True)
    return card(
        service.title,
        case.study.notice,
        line(says["pockets"].format(count=f"{len(missing.pockets):,}", people=whole(missing.pockets["people"].sum()))),
        beside(
            table(pockets, rows, says["more"]),
            table(links, ranked, says["more"]),
            picture(missing.base.sketch(missing.service, middles)),
        ),
        coverage_legend(says["no_people"]),
    )
