"""Choosing sites, ours and spopt's, and scenarios on a prefecture: ``python -m benchmarks.siting``.

Both get the same instances: people around thirty centres, candidates near some of them. spopt takes a full matrix of
costs, builds its model with PuLP and lets HiGHS solve it, as ours does; both prove the optimum (a gap of 0), on one
thread. Every solution runs in a fresh process, ours and spopt's in turn; what is timed runs from the pairs, or the
matrix, to the chosen sites. The answers are compared; no time decides whether anything passes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import numpy as np

from benchmarks.fresh import ONE_THREAD, ROOT, machine
from benchmarks.worker import peak_mb

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from withinreach.siting.solving.answers import Answer

CENTRES = 30
OPENINGS = 10
LIMIT_S = 1.0
ROUNDS, ENOUGH_S = 9, 10.0
CANDIDATES = "nodes:1500"


class Instance(NamedTuple):
    """A covering problem: places, candidates, the radius, and how many to choose."""

    name: str
    places: int
    candidates: int
    radius: float
    new: int


INSTANCES = (
    Instance("a town", 1_000, 100, 0.05, 8),
    Instance("a city", 5_000, 500, 0.03, 20),
    Instance("a prefecture", 20_000, 2_000, 0.02, 10),
    Instance("a prefecture, forty sites", 20_000, 2_000, 0.02, 40),
)


@click.command()
@click.option("--largest", default=20_000, show_default=True, help="Places of the largest instance.")
@click.option("--limit", default=600.0, show_default=True, help="Seconds for one solution.")
@click.option("--scale", default=1.0, show_default=True, help="Size of the sample city for scenarios.")
@click.option("--data", default=ROOT / "benchmarks" / ".data", type=click.Path(path_type=Path), help="Sample cities.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for siting.md and siting.json.")
@click.option("--solve", nargs=2, hidden=True, help="Solve one instance: its number, ours or spopt.")
def main(
    *, largest: int, limit: float, scale: float, data: Path, out: Path | None, solve: tuple[str, str] | None
) -> None:
    """Solve the same covering problems with spopt, stop every objective, time scenarios; the last line is JSON."""
    if solve is not None:
        print("\n" + json.dumps(_solved(INSTANCES[int(solve[0])], solve[1], limit)))
        return
    os.environ.update(ONE_THREAD | {"WITHINREACH_CACHE": ""})
    contenders = ["withinreach", *(["spopt"] if importlib.util.find_spec("spopt") else [])]
    if len(contenders) == 1:
        click.echo("spopt is not installed: nothing to compare with", err=True)
    rows = []
    for number, instance in enumerate(INSTANCES):
        if instance.places > largest:
            continue
        answers = {name: _fresh(number, name, limit) for name in contenders}
        _check(instance, answers)
        rows.append({"instance": instance._asdict(), **answers})
        for name, told in answers.items():
            click.echo(
                f"{instance.name}: {instance.places:,} × {instance.candidates:,}, {told['pairs']:,} pairs, "
                f"{instance.new} new: {name}: {told['covered']:,.0f} covered, {told['status']}, "
                f"{told['seconds']:.2f} s, {told['peak_mb']:,.0f} MB ({told['inputs_mb']:,.0f} before)"
            )
    stopped = _stopped(min(largest, INSTANCES[-1].places))
    for told in stopped:
        click.echo(f"limit of {LIMIT_S:g} s: {told['objective']}: {told['status']}, {told['seconds']:.2f} s")
    scenarios = _scenarios(data / f"sample-{scale:g}", scale)
    for what, seconds in scenarios["seconds"].items():
        click.echo(f"{scenarios['cells']:,} cells: {what}: {seconds:.3f} s")
    results = {"machine": machine(), "instances": rows, "stopped": stopped, "scenarios": scenarios}
    if out is not None:
        from benchmarks.siting_report import write

        write(results, out)
    click.echo(json.dumps(results))


def _fresh(number: int, name: str, limit: float) -> dict[str, Any]:
    click.echo(f"… {INSTANCES[number].name}: {name}", err=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.siting", "--solve", str(number), name, "--limit", str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{INSTANCES[number].name}, {name}: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _check(instance: Instance, answers: dict[str, dict[str, Any]]) -> None:
    """Who proves the optimum proves the same, and nobody covers more than another's bound."""
    for name, told in answers.items():
        for other, theirs in answers.items():
            if told["covered"] > theirs["bound"] + 0.5:
                raise AssertionError(f"{instance.name}: {name} covers {told['covered']}, {other} proves less")
            both = told["status"] == theirs["status"] == "optimal"
            if both and abs(told["covered"] - theirs["covered"]) > 0.5:
                raise AssertionError(f"{instance.name}: {name} and {other} prove different optima")


def _places(instance: Instance) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(instance.places + instance.candidates)
    centre = rng.random((CENTRES, 2))[rng.integers(0, CENTRES, instance.places)]
    places = centre + rng.normal(0, 0.05, (instance.places, 2))
    sites = places[rng.choice(instance.places, instance.candidates, replace=False)]
    people = rng.integers(1, 60, instance.places).astype(float)
    return places, sites + rng.normal(0, 0.005, sites.shape), people


def _solved(instance: Instance, name: str, limit: float) -> dict[str, Any]:
    return {"withinreach": _ours, "spopt": _spopt}[name](instance, limit)


def _ours(instance: Instance, limit: float) -> dict[str, Any]:
    from scipy.spatial import cKDTree

    from withinreach.siting.solving.covering import maximal_covering
    from withinreach.siting.solving.problem import Demand, Sites

    places, sites, people = _places(instance)
    near = cKDTree(places).sparse_distance_matrix(cKDTree(sites), instance.radius, output_type="coo_matrix")
    inputs_mb, began = peak_mb(), time.perf_counter()
    demand = Demand.of_pairs(people, np.full(len(people), np.inf), (near.row, near.col, near.data))
    answer = maximal_covering(demand, Sites.free(instance.candidates, instance.new), instance.radius, limit)
    seconds = time.perf_counter() - began
    told = answer.certificate
    return {
        "pairs": len(near.data),
        "covered": told.objective,
        "bound": told.bound,
        "status": str(told.status),
        "seconds": seconds,
        "inputs_mb": inputs_mb,
        "peak_mb": peak_mb(),
    }


def _spopt(instance: Instance, limit: float) -> dict[str, Any]:
    import pulp
    from scipy.spatial.distance import cdist
    from spopt.locate import MCLP

    places, sites, people = _places(instance)
    costs = cdist(places, sites)
    inputs_mb, began = peak_mb(), time.perf_counter()
    model = MCLP.from_cost_matrix(costs, people, instance.radius, p_facilities=instance.new)
    built = time.perf_counter()
    solver = pulp.HiGHS(msg=False, gapRel=0.0, timeLimit=limit, threads=1)
    model.solve(solver, results=False)
    seconds = time.perf_counter() - began
    chosen = np.array([variable.value() > 0.5 for variable in model.fac_vars])
    covered = float(people[(costs[:, chosen] <= instance.radius).any(axis=1)].sum())
    proven = model.problem.sol_status == pulp.LpSolutionOptimal
    return {
        "pairs": int((costs <= instance.radius).sum()),
        "covered": covered,
        "bound": covered if proven else float(people.sum()),
        "status": "optimal" if proven else "time_limit",
        "seconds": seconds,
        "build_s": built - began,
        "inputs_mb": inputs_mb,
        "peak_mb": peak_mb(),
    }


def _stopped(size: int) -> list[dict[str, Any]]:
    """Every objective on one instance with a limit of time: how long it really takes, and what is known then."""
    from scipy.spatial import cKDTree

    from withinreach.siting.solving.capacitated import Rooms, capacitated_covering
    from withinreach.siting.solving.closing import fewest_kept
    from withinreach.siting.solving.covering import maximal_covering, set_covering
    from withinreach.siting.solving.equity import worst_first
    from withinreach.siting.solving.median import centre, median
    from withinreach.siting.solving.problem import Demand, Sites

    (instance,) = [one for one in INSTANCES if one.places == size][-1:]
    places, sites, people = _places(instance)
    n, radius = instance.candidates, instance.radius
    near = cKDTree(places).sparse_distance_matrix(cKDTree(sites), radius, output_type="coo_matrix")
    demand = Demand.of_pairs(people, np.full(len(people), np.inf), (near.row, near.col, near.data))
    few, unit = Sites.free(n, instance.new), (places[:, 0] * 4).astype(int) * 10 + (places[:, 1] * 4).astype(int)
    reachable = float(people[np.unique(near.row)].sum() / people.sum())
    rooms = Rooms(np.full(n, people.sum() / n), np.arange(n, dtype=np.int32))
    asked: dict[str, Callable[[], Answer]] = {
        "maximal covering": lambda: maximal_covering(demand, few, radius, LIMIT_S),
        "set covering, 90 %": lambda: set_covering(demand, Sites.free(n), radius, 0.9 * reachable, LIMIT_S),
        "p-median": lambda: median(demand, few, LIMIT_S),
        "p-centre": lambda: centre(demand, Sites.free(n, n * 19 // 20), LIMIT_S),
        "capacitated covering": lambda: capacitated_covering(demand, few, rooms, radius, LIMIT_S).answer,
        "worst first": lambda: worst_first(demand, few, unit - unit.min(), radius, LIMIT_S),
        "closing, 95 %": lambda: fewest_kept(demand, Sites.free(n), radius, 0.95, LIMIT_S),
    }
    rows = []
    for objective, solve in asked.items():
        began = time.perf_counter()
        told = solve().certificate
        seconds = time.perf_counter() - began
        if not np.isfinite(told.bound):
            raise AssertionError(f"{objective}: no bound after {LIMIT_S:g} s")
        figures = {"value": told.objective, "bound": told.bound, "gap": told.gap}
        known = {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}
        rows.append({"objective": objective, "status": str(told.status), "seconds": seconds, **known})
    return rows


def _scenarios(folder: Path, scale: float) -> dict[str, Any]:
    """Ten openings on a prefecture: the case, its reach, the whole comparison; and where ten more would serve most."""
    import withinreach as wr
    from withinreach.reach import measure_reach
    from withinreach.scenarios import reanalyse
    from withinreach.sources.sample import write_sample

    study = folder / "study.toml"
    if not study.is_file():
        click.echo(f"… generating the sample city at scale {scale:g}", err=True)
        write_sample(folder, scale=scale)
    case = wr.prepare(wr.load_study(study))
    base = wr.analyse(case)
    cells = np.flatnonzero(case.people.snapped)
    spots = case.people.xy[cells[:: len(cells) // OPENINGS][:OPENINGS]]
    openings = [{"kind": "elder_care", "at": tuple(xy)} for xy in spots]
    scenario = wr.Scenario(title="ten more", datum=case.study.metric_crs, open=openings)
    rules = wr.Rules(limit_s=60.0)
    steps: dict[str, Callable[[], object]] = {
        "ten openings: case and reach": lambda: measure_reach(scenario.apply(case), case.study.services["elder_care"]),
        "ten openings: all figures": lambda: reanalyse(base, scenario.apply(case)),
        "ten openings: comparison": lambda: wr.compare(base, scenario),
        "ten openings: comparison and targets": lambda: wr.compare(base, scenario).targets(),
        f"{OPENINGS} sites of {CANDIDATES}": lambda: wr.site(
            base, "elder_care", new=OPENINGS, candidates=CANDIDATES, rules=rules
        ),
        f"{OPENINGS} sites of {CANDIDATES}, the worst area first": lambda: wr.site(
            base, "elder_care", new=OPENINGS, candidates=CANDIDATES, rules=rules, objective="worst_first"
        ),
        "what is missing": lambda: wr.explain_gaps(base, "elder_care"),
    }
    seconds = {}
    for what, step in steps.items():
        step()
        took: list[float] = []
        while len(took) < ROUNDS and sum(took) < ENOUGH_S:
            began = time.perf_counter()
            step()
            took.append(time.perf_counter() - began)
        seconds[what] = min(took)
    changed = reanalyse(base, scenario.apply(case))
    whole = wr.analyse(changed.case)
    for name, reach in changed.reaches.items():
        if not np.array_equal(reach.seconds, whole.reaches[name].seconds):
            raise AssertionError(f"{name}: what is reused differs from measuring everything anew")
    return {"cells": len(case.people), "nodes": case.network.n_nodes, "seconds": seconds}


if __name__ == "__main__":
    main()
