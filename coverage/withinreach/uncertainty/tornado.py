"""Which assumption matters most, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from withinreach.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

LESS, MORE = "#b35806", "#542788"  # ColorBrewer PuOr, told apart by the colour-blind


def draw_tornado(table: pd.DataFrame, service: str) -> Figure:
    """Bars of how far each assumption moves the coverage of a service, the widest on top.

    Parameters
    ----------
    table
        From `vary_assumptions`.

    Returns
    -------
    matplotlib Figure
        Not bound to any window; ``.savefig(path)`` writes it.

    Raises
    ------
    StudyError
        If the table has no such service.
    """
    rows = table[table["service"] == service]
    if rows.empty:
        raise StudyError(f"no service '{service}' in the table; it has: {', '.join(table['service'].unique())}")
    base = rows.loc[rows["parameter"] == "base", "coverage"].iloc[0] * 100
    bars = rows[rows["parameter"] != "base"]
    widest = bars.groupby("parameter")["change"].agg(lambda change: change.abs().max()).sort_values(kind="stable")
    figure = Figure(figsize=(7, 1.2 + 0.5 * len(widest)), layout="constrained")
    axes = figure.add_subplot()
    for height, parameter in enumerate(widest.index):
        ours = bars[bars["parameter"] == parameter]
        for side, colour, away in ((ours["change"] < 0, LESS, -4), (ours["change"] >= 0, MORE, 4)):
            moved = ours.loc[side, "change"] * 100
            if moved.empty:
                continue
            axes.barh([height] * len(moved), moved, left=base, color=colour)
            axes.annotate(
                ", ".join(ours.loc[side, "setting"]),
                (base + moved.iloc[moved.abs().argmax()], height),
                xytext=(away, 0),
                textcoords="offset points",
                ha="right" if away < 0 else "left",
                va="center",
                fontsize=8,
            )
    axes.axvline(base, color="black", linewidth=1)
    axes.set_yticks(range(len(widest)), widest.index)
    axes.margins(x=0.2)
    axes.set_xlabel(f"people of {service} served in time, % (study: {base:.1f})")
    return figure
