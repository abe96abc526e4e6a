"""Commands that ask further of a study: supply, equity, sensitivity, change."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from withinreach.cli.group import JSON, STUDY, cli
from withinreach.cli.printing import print_json, print_rows, records
from withinreach.cli.progress_bar import progress_bar
from withinreach.cli.studies import load, measure, prepared

if TYPE_CHECKING:
    from withinreach.weighing import Supply

MOST_LOADED = 5


@cli.command()
@STUDY
@JSON
def supply(study: Path, *, as_json: bool) -> None:
    """Hold places against people: what each person shares, what each facility bears, who finds no room in reach."""
    from withinreach.weighing import weigh_supply

    result = measure(load(study))
    named = {name: one for name, one in result.case.study.services.items() if one.capacity is not None}
    found = {name: weigh_supply(result, name) for name in named}
    if as_json:
        print_json({name: _supply_json(one) for name, one in found.items()})
        return
    for name, one in found.items():
        table = one.areas.assign(per_1000=one.areas["mean"] * 1000)
        print_rows(
            f"{named[name].title} · {named[name].cutoff_min:g} min",
            table,
            {
                "code": str,
                "name": str,
                "people": "{:,.0f}".format,
                "per_1000": "{:,.2f}".format,
                "placed": "{:,.0f}".format,
                "no_room": "{:,.0f}".format,
                "room_unknown": "{:,.0f}".format,
            },
        )
        for line in _supply_lines(one):
            click.echo(line)
    if not found:
        click.echo("no service of the study names a capacity")


def _supply_lines(supply: Supply) -> list[str]:
    assignment, areas = supply.assignment, supply.areas
    known = _percent(supply.market.known)
    placed, most = f"{assignment.placed.sum():,.1f}", f"{assignment.most_placed:,.1f}"
    lines = [
        f"places that are known: {assignment.capacity.sum():,.0f}, in {known} of the facilities",
        f"at best {placed} of them are used (no way to use more than {most})",
        f"unserved although in reach: {areas['no_room'].sum():,.0f} people at least",
        f"may find room where the capacity is unknown: {areas['room_unknown'].sum():,.0f} people",
    ]
    worst = supply.facilities.sort_values("load", ascending=False, kind="stable").head(MOST_LOADED)
    lines += [
        f"overloaded: {row['name']} ({row['id']}): {row['catchment_people']:,.0f} people within reach, "
        f"{row['capacity']:,.0f} places, {row['load']:,.1f} times what there is"
        for row in worst.to_dict(orient="records")
        if row["load"] > 1
    ]
    return lines


def _supply_json(supply: Supply) -> dict[str, Any]:
    assignment = supply.assignment
    return {
        "areas": records(supply.areas),
        "facilities": records(supply.facilities),
        "capacity_known": supply.market.known,
        "placed": assignment.placed.sum(),
        "most_placed": assignment.most_placed,
        "walk_s": assignment.walk_s,
        "least_walk_s": assignment.least_walk_s,
    }


@cli.command()
@STUDY
@JSON
def equity(study: Path, *, as_json: bool) -> None:
    """Tell how evenly each service is within reach: Gini, Theil, Palma, town and country, the worst-served tenth."""
    from withinreach.weighing import weigh_equity

    result = measure(load(study))
    found = {name: weigh_equity(result, name) for name in result.reaches}
    if as_json:
        print_json(
            {
                name: {
                    "score": one.score_name,
                    "figures": records(one.figures.reset_index()),
                    "strata": records(one.strata),
                    "worst": records(one.worst),
                    "lorenz": records(one.lorenz),
                }
                for name, one in found.items()
            }
        )
        return
    for name, one in found.items():
        click.echo(f"{result.case.study.services[name].title}: {one.score_name}")
        for figure, value, reason in one.figures.itertuples(name=None):
            click.echo(f"  {figure}: {'—' if math.isnan(value) else format(value, ',.3f')}{reason and f' ({reason})'}")
        for row in one.strata.to_dict(orient="records"):
            told = row["reason"] or f"{row['people']:,.0f} people, {row['coverage']:.1%} served"
            click.echo(f"  {row['stratum']}: {told}")
        worst = one.worst.sort_values("worst_people", ascending=False, kind="stable").head(3)
        places = ", ".join(f"{row['name']} {row['worst_people']:,.0f}" for row in worst.to_dict(orient="records"))
        click.echo(f"  the worst-served tenth lives in: {places}")


@cli.command()
@STUDY
@click.option(
    "--other", "others", multiple=True, type=click.Path(path_type=Path), help="A study with another population; repeat."
)
@click.option("--runs", type=click.IntRange(1), default=200, show_default=True, help="Monte Carlo runs.")
@click.option("--seed", type=int, default=20250630, show_default=True, help="Another seed, other draws.")
@click.option("--plot", type=click.Path(path_type=Path), help="Folder for a tornado per service.")
@JSON
def sensitivity(
    study: Path, others: tuple[Path, ...], plot: Path | None, *, runs: int, seed: int, as_json: bool
) -> None:
    """Tell what coverage hangs on: one assumption at a time, and an interval from all of them at once."""
    from withinreach.uncertainty import draw_tornado, estimate_intervals, vary_assumptions

    case = prepared(load(study))
    populations = {str(other): prepared(load(other)) for other in others}
    with progress_bar("one at a time", 8 + len(populations)) as step:
        table = vary_assumptions(case, others=populations, progress=step)
    with progress_bar("all at once", runs) as step:
        intervals = estimate_intervals(case, runs=runs, seed=seed, progress=step)
    if plot is not None:
        plot.mkdir(parents=True, exist_ok=True)
        for name in case.study.services:
            draw_tornado(table, name).savefig(plot / f"{name}.png", dpi=150)
    if as_json:
        print_json({"assumptions": records(table), "intervals": records(intervals), "seed": seed})
        return
    totals = intervals[intervals["code"] == "total"].set_index("service")
    for name, service in case.study.services.items():
        row = totals.loc[name]
        click.echo(f"{service.title}: {_percent(row['coverage'])} [{_percent(row['low'])}, {_percent(row['high'])}]")
        for one in table[(table["service"] == name) & (table["parameter"] != "base")].to_dict(orient="records"):
            told = "—" if math.isnan(one["change"]) else f"{one['change'] * 100:+.1f} points"
            click.echo(f"  {one['parameter']} {one['setting']}: {_percent(one['coverage'])} ({told})")


@cli.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@JSON
def change(before: Path, after: Path, *, as_json: bool) -> None:
    """Compare two dated studies: new, closed and resized facilities, and whose doing the change of coverage is."""
    from withinreach.change import explain_change

    earlier, later = prepared(load(before)), prepared(load(after))
    with progress_bar("change", 10) as step:
        found = explain_change(earlier, later, progress=step)
    if as_json:
        names = ("facilities", "people", "moved", "coverage")
        print_json({name: records(getattr(found, name)) for name in names})
        return
    totals = found.coverage[found.coverage["code"] == "total"].set_index("service")
    moved = found.moved.set_index("service")
    for name, service in later.study.services.items():
        row, people = totals.loc[name], moved.loc[name]
        click.echo(
            f"{service.title}: {_percent(row['coverage_before'])} -> {_percent(row['coverage_after'])}: "
            f"facilities {_points(row['by_facilities'])}, people {_points(row['by_people'])}, "
            f"streets {_points(row['by_network'])}"
        )
        click.echo(f"  people {people['people_before']:,.0f} -> {people['people_after']:,.0f}")
        for one in found.facilities[found.facilities["service"] == name].to_dict(orient="records"):
            if one["status"] != "kept":
                label = one["name_after"] or one["name_before"]
                click.echo(f"  {one['status']}: {label} ({one['id_after'] or one['id_before']})")


def _percent(share: float) -> str:
    return "—" if math.isnan(share) else f"{share:.1%}"


def _points(share: float) -> str:
    return "—" if math.isnan(share) else f"{share * 100:+.2f}"
