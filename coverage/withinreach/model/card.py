"""What a case shows of itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.showing import PLAIN, Column, Dots, Sketch, beside, card, line, picture, table, text, whole, words

if TYPE_CHECKING:
    from withinreach.model.case import Case

SEVERITIES = ("error", "warning", "info")


def case_card(case: Case) -> str:
    """Who and what is in it, what the audit found, and where its facilities are."""
    study, says = case.study, words(case.study.language)
    facts = (
        says["areas"].format(count=len(case.areas)),
        says["cells"].format(count=f"{len(case.people):,}"),
        says["streets"].format(km=f"{case.network.length_mm.sum() / 1e6:,.0f}"),
        says["as_of"].format(date=study.as_of),
        study.metric_crs,
    )
    columns = (Column("", text, numbers=False), Column("", whole))
    return card(
        study.title,
        study.notice,
        line(" · ".join(facts)),
        beside(table(columns, _rows(case), says["more"]), picture(_sketch(case))),
    )


def _rows(case: Case) -> list[tuple[str, float]]:
    """People per group, open facilities per service, findings per severity."""
    says = words(case.study.language)
    people = [(group.title, case.people_of(name).sum()) for name, group in case.study.population.groups.items()]
    places = [
        (f"{service.title} · {says['facilities']}", len(case.facility_rows(service.kinds)))
        for service in case.study.services.values()
    ]
    found = case.audit.findings["severity"].value_counts()
    findings = [(f"{says['findings']} · {says[one]}", float(found.get(one, 0))) for one in SEVERITIES]
    return [*people, *places, *findings]


def _sketch(case: Case) -> Sketch:
    areas = case.areas.table
    return Sketch(
        shapes=areas.geometry.to_numpy(),
        fills=[PLAIN] * len(areas),
        names=list(areas["name"]),
        dots=(Dots(case.facilities.xy),),
        title=words(case.study.language)["facility"],
        width_px=380,
    )
