"""What a scenario, and a comparison of scenarios, show of themselves in a notebook."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from withinreach.showing import (
    GAIN,
    LOSS,
    PLAIN,
    SITE,
    Column,
    Dots,
    Sketch,
    beside,
    card,
    figure,
    legend,
    line,
    picture,
    table,
    text,
    whole,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from withinreach.scenarios.comparison import Comparison, Outcome
    from withinreach.scenarios.document import Changes

# Maps of a comparison, those with the most people who gain or lose first.
SKETCHES = 4
GAIN_FILL, LOSS_FILL = "#dcefe1", "#fae3d6"


def scenario_card(scenario: Changes) -> str:
    """Every change in the words of its file. A scenario holds no streets and areas; `compare` draws it."""
    titles = ("change", "kind", "what", "where", "places", "cost")
    columns = [Column(title, text, numbers=title in ("places", "cost")) for title in titles]
    return card(scenario.title, "", table(columns, list(_changes(scenario)), "… and {count} more changes"))


def _changes(scenario: Changes) -> Iterator[tuple[object, ...]]:
    for new in scenario.open:
        yield "open", new.kind, new.name, _where(new.at), _number(new.capacity), _number(new.cost)
    for gone in scenario.close:
        yield "close", gone.kind or "", gone.id, "", None, _number(gone.cost)
    for sized in scenario.resize:
        yield "resize", sized.kind or "", sized.id, "", _number(sized.capacity), _number(sized.cost)
    for moved in scenario.move:
        yield "move", moved.kind or "", moved.id, _where(moved.to), None, _number(moved.cost)
    for link in scenario.link:
        where = " → ".join(map(_where, (link.line[0], link.line[-1])))
        yield "link", "crossing" if link.crossing else "", link.title, where, None, _number(link.cost)
    for street in scenario.block:
        yield "block", "", "", _where(street.at), None, _number(street.cost)
    yield from _changes_of_people(scenario)


def _changes_of_people(scenario: Changes) -> Iterator[tuple[object, ...]]:
    for group, factor in scenario.population.factors.items():
        yield "population", "", f"{group} × {factor:g}", "", None, None
    if scenario.population.study is not None:
        yield "population", "", scenario.population.study.name, "", None, None
    for name, profile in scenario.profiles.items():
        yield "profile", "", f"{name} · {profile.speed_m_s:g} m/s", "", None, None
    for service, profile_name in scenario.walking.items():
        yield "walking", "", f"{service} · {profile_name}", "", None, None


def _where(at: tuple[float, float]) -> str:
    """Degrees to about a metre, or whole metres."""
    digits = 5 if max(map(abs, at)) <= 180 else 0
    return ", ".join(f"{value:.{digits}f}" for value in at)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:,.10g}"


def comparison_card(comparison: Comparison) -> str:
    """Who gains and who loses, per scenario and service that changes, as a table and on maps."""
    study = comparison.base.case.study
    says = words(study.language)
    totals = comparison.totals
    moved = totals[(totals["gained_people"].fillna(1) > 0) | (totals["lost_people"].fillna(1) > 0)]
    columns = (
        Column(says["scenario"], text, numbers=False),
        Column(says["service"], text, numbers=False),
        Column(says["gained"], whole),
        Column(says["lost"], whole),
        Column(says["cost"], whole),
        Column(says["cost_per_gained"], lambda value: figure(value, ",.0f")),
    )
    rows = [
        (
            one.scenario,
            study.services[one.service].title,
            one.gained_people,
            one.lost_people,
            one.cost,
            one.cost_per_gained,
        )
        for one in moved.itertuples()
    ]
    same = [study.services[name].title for name in study.services if name not in set(moved["service"])]
    return card(
        study.title,
        study.notice,
        line(says["same"].format(services=", ".join(same) or says["none"])),
        table(columns, rows, says["more"]),
        beside(*(picture(sketch) for sketch in islice(_sketches(comparison, moved), SKETCHES))),
        legend(((GAIN, says["gained"]), (LOSS, says["lost"]), (SITE, says["site"]))),
    )


def _sketches(comparison: Comparison, moved: pd.DataFrame) -> Iterator[Sketch]:
    outcomes = {one.scenario.title: one for one in comparison.outcomes}
    order = moved.assign(moved=moved["gained_people"] + moved["lost_people"]).sort_values("moved", ascending=False)
    for row in order[order["moved"].notna()].itertuples():
        yield _sketch(comparison, outcomes[str(row.scenario)], str(row.service))


def _sketch(comparison: Comparison, outcome: Outcome, service: str) -> Sketch:
    base, after = comparison.base.case, outcome.result.case
    was, now = (one.reaches[service].covered for one in (comparison.base, outcome.result))
    rows = comparison.table.query("scenario == @outcome.scenario.title and service == @service")
    by_code: dict[str, Any] = rows.set_index("code")[["gained_people", "lost_people"]].to_dict(orient="index")
    kinds = after.study.services[service].kinds
    new = after.facility_rows(kinds)
    return Sketch(
        shapes=base.areas.table.geometry.to_numpy(),
        fills=[_fill(**by_code[code]) for code in base.areas.table["code"]],
        dots=(
            Dots(after.people.xy[np.flatnonzero(now & ~was)], GAIN, 3.0),
            Dots(after.people.xy[np.flatnonzero(was & ~now)], LOSS, 3.0),
            Dots(after.facilities.xy[new[new >= len(base.facilities)]], SITE, 5.0),
        ),
        title=f"{outcome.scenario.title} · {after.study.services[service].title}",
    )


def _fill(gained_people: float, lost_people: float) -> str:
    if gained_people == lost_people:
        return PLAIN
    return GAIN_FILL if gained_people > lost_people else LOSS_FILL
