"""How long the audit of 100,000 invented facilities takes, rule by rule: ``python -m benchmarks.audit``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from withinreach.model import Case
    from withinreach.preparation.audit import Evidence

SEED = 20250630
SYLLABLES = list("和平幸福阳光安康长青宏远德馨益民康宁瑞祥仁爱松鹤金秋")
SUFFIXES = {"elder_care": "养老服务站", "nursery": "托育园", "clinic": "诊所", "veterans": "退役军人服务站"}
# Shares of rows with each fault.
DUPLICATE, WRONG_UNIT, NURSING, STAR = 0.02, 0.01, 0.01, 0.005


def invented(case: Case, count: int) -> pd.DataFrame:
    """Facilities along the streets of the case, some of them with faults; x and y in metres."""
    random = np.random.default_rng(SEED)
    vertex = random.integers(len(case.network.vertex_xy), size=count)
    xy = case.network.vertex_xy[vertex] + random.normal(0, 20, (count, 2))
    copies = random.choice(count, int(count * DUPLICATE), replace=False)
    originals = random.choice(count, len(copies))
    kind = random.choice(list(SUFFIXES), count)
    words = ["".join(random.choice(SYLLABLES, 4)) for _ in range(count)]
    name = np.array([word + SUFFIXES[one] for word, one in zip(words, kind, strict=True)], object)
    xy[copies] = xy[originals] + random.normal(0, 15, (len(copies), 2))
    name[copies], kind[copies] = name[originals], kind[originals]
    beds = np.round(np.exp(random.normal(4, 0.7, count)))
    nursing = np.where(random.random(count) < NURSING, beds + 5, np.round(beds * 0.5))
    star = np.where(random.random(count) < STAR, 6.0, random.integers(1, 6, count))
    codes = case.areas.table["code"].to_numpy(object)
    from withinreach.preparation.areas import assign_areas

    area = assign_areas(case.areas, xy)
    wrong = random.random(count) < WRONG_UNIT
    code = codes[np.where(wrong, random.integers(len(codes), size=count), np.maximum(area, 0))]
    return pd.DataFrame(
        {
            "id": np.arange(count).astype(str),
            "kind": kind,
            "status": "operating",
            "name": name,
            "file": case.study.facilities[0].path.name,
            "row": np.arange(count) + 2,
            "unit_code": code,
            "beds": beds,
            "nursing_beds": nursing,
            "star": star,
            "x": xy[:, 0],
            "y": xy[:, 1],
        }
    )


def evidence_of(case: Case, table: pd.DataFrame) -> Evidence:
    """The case with other facilities, as its rules look at it."""
    from withinreach.model import Places
    from withinreach.preparation.areas import assign_areas
    from withinreach.preparation.audit import Evidence
    from withinreach.preparation.frame import MetricFrame
    from withinreach.preparation.scope import scope_of
    from withinreach.preparation.snapping import snap_places

    xy = table[["x", "y"]].to_numpy()
    spots = snap_places(case.network, xy, case.study.network.snap_cap_m)
    places = Places(table.drop(columns=["x", "y"]), xy, assign_areas(case.areas, xy), *spots)
    frame = MetricFrame(case.study.metric_crs)
    columns = {case.study.facilities[0].path.name: {name: name for name in places.table.columns}}
    return Evidence(
        case.study, places, columns, scope_of(case.areas, frame), case.network, case.people, case.water, frame
    )


def main() -> None:
    """Time every rule and print a table."""
    from withinreach.preparation import prepare
    from withinreach.preparation.audit import RULES
    from withinreach.preparation.findings import Findings
    from withinreach.sources.sample import write_sample
    from withinreach.study import load_study

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100_000, help="how many facilities")
    options.add_argument("--scale", type=float, default=0.1, help="share of the sample city's real size")
    chosen = options.parse_args()
    with TemporaryDirectory(prefix="withinreach-") as folder:
        case = prepare(load_study(write_sample(Path(folder), scale=chosen.scale)))
    evidence = evidence_of(case, invented(case, chosen.count))
    findings = Findings()
    whole = time.perf_counter()
    for rule in RULES:
        started, before = time.perf_counter(), len(findings)
        rule(evidence, findings)
        print(f"{rule.__name__:26} {time.perf_counter() - started:7.3f} s  {len(findings) - before:7,} findings")
    audited = time.perf_counter() - whole
    findings.table(case.study.language)
    total = time.perf_counter() - whole
    print(f"{chosen.count:,} facilities: {audited:.2f} s, {total:.2f} s with the table of {len(findings):,} findings")


if __name__ == "__main__":
    main()
