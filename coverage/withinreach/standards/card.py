"""What a judgement shows of itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from withinreach.showing import Column, card, figure, line, table, text, whole, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from withinreach.standards.judgement import Judgement


def judgement_card(judgement: Judgement, states: Sequence[str]) -> str:
    """How many targets of each register stand where, and those that are not met by all areas together."""
    says = words(judgement.language)
    titles = {one.id: one.title.in_(judgement.language) for one in judgement.registers}
    counts = judgement.counts()
    columns = [Column(says["register"], text, numbers=False), *(Column(says[state], whole) for state in states)]
    rows = [(titles[name], *values) for name, values in zip(counts.index, counts.to_numpy().tolist(), strict=True)]
    missed = judgement.of_unit().query("state == 'not_met' and judged")
    listed = (
        Column(says["target"], text, numbers=False),
        Column(says["clause"], text, numbers=False),
        Column("", text, numbers=False),
        Column(says["figure"], _amount),
        Column(says["asked"], _amount),
        Column("", text, numbers=False),
    )
    lines = [
        (
            one.target,
            one.clause,
            one.words if judgement.language == "zh" else one.gloss,
            one.value,
            one.target_value,
            one.unit,
        )
        for one in missed.itertuples()
    ]
    return card(
        says["judgement"],
        "",
        table(columns, rows, says["more"]),
        line(says["not_met_list"]),
        table(listed, lines, says["more"]),
    )


def _amount(value: object) -> str:
    return whole(value) if isinstance(value, float) and value >= 1000 else figure(value, ",.4g")
