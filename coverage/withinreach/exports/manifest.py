"""The manifest: what went in, with which parameters and versions, and where every person ended up."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from withinreach.exports.withheld import figures
from withinreach.measures.ledger import RESIDUAL
from withinreach.model import TOTAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from withinreach.analysis import Result
    from withinreach.exports.disclosure import Released
    from withinreach.exports.disclosure.tables import Tables
    from withinreach.standards import Judgement
    from withinreach.study import Study

LIBRARIES = ("contourpy", "geopandas", "numba", "numpy", "pandas", "pyogrio", "pyproj", "rasterio", "scipy", "shapely")


def manifest_of(result: Result, judgement: Judgement) -> dict[str, object]:
    """What ``manifest.json`` of the whole says.

    Inputs with size and sha256, the study as it was understood, versions, the population's way from file to areas, what
    of it was masked, the ledger per service, how many findings of each severity stand in ``audit.csv``, and how many
    targets of each register are in which state. Nothing in it depends on the clock or the machine's folders, so equal
    inputs give equal bytes. There is no seed, for nothing is random.
    """
    study = result.case.study
    return {
        "study": study.name,
        "title": study.title,
        "notice": study.notice,
        "as_of": study.as_of.isoformat(),
        **provenance(study),
        "population": _numbers(result.case.audit.population.T),
        "masked": result.case.audit.masked.to_dict(orient="records"),
        "ledger": _ledger(result, TOTAL),
        "findings": {str(k): int(v) for k, v in result.case.audit.findings["severity"].value_counts().items()},
        "targets": _targets(judgement, TOTAL),
    }


def released_manifest(manifest: Mapping[str, Any], released: Released) -> dict[str, object]:
    """The manifest with what was done to protect people; figures that are withheld are null."""
    protection = released.protection
    if protection is None:
        return {**manifest, "disclosure": None}
    population = {
        step: {group: None if group in protection.groups else people for group, people in of_group.items()}
        for step, of_group in manifest["population"].items()
    }
    told = {"ledger": told_ledger(released.tables.ledger, TOTAL), "disclosure": protection.told()}
    return {**manifest, **told, **({"population": population} if protection.acted else {})}


def provenance(study: Study) -> dict[str, object]:
    """What decides on every figure: inputs with their digests, parameters, the seed, versions."""
    return {
        "inputs": [_input(path) for path in study.input_paths()],
        "parameters": _plain_paths(study.model_dump(mode="json")),
        "seed": None,
        "versions": {
            "withinreach": version("withinreach"),
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def county_manifest(whole: Mapping[str, object], tables: Tables, code: str, name: str) -> dict[str, object]:
    """What ``manifest.json`` of one county says: that of the whole, with the county's own ledger and targets."""
    of_county = {"ledger": told_ledger(tables.ledger, code), "targets": _targets(tables.judgement, code)}
    return {**whole, "unit": {"code": code, "name": name}, **of_county}


def told_ledger(ledger: pd.DataFrame, code: str) -> dict[str, dict[str, float | None]]:
    """People of every service by status, of one county or of all; null where they are withheld."""
    statuses = ledger[(ledger["service"] != "") & (ledger["step"] != RESIDUAL)]
    return {
        str(name): {
            str(step): None if math.isnan(people) else float(people)
            for step, people in zip(rows["step"], figures(rows[code]), strict=True)
        }
        for name, rows in statuses.groupby("service", sort=False)
    }


def write_manifest(manifest: Mapping[str, object], folder: Path) -> None:
    """Write ``manifest.json``."""
    text = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _ledger(result: Result, code: str) -> dict[str, dict[str, float | None]]:
    return {name: _numbers(table[[code]])[code] for name, table in result.ledgers.items()}


def _targets(judgement: Judgement, code: str) -> dict[str, dict[str, int]]:
    return {str(k): {str(s): int(n) for s, n in row.items()} for k, row in judgement.counts(code).iterrows()}


def _input(path: Path) -> dict[str, object]:
    """Size and digest of a file; unknown once it is gone, as those of `sample_case` are."""
    if not path.is_file():
        return {"file": path.name, "bytes": None, "sha256": None}
    told = path.stat()
    return {"file": path.name, "bytes": told.st_size, "sha256": _digest(path, told.st_size, told.st_mtime_ns)}


@cache
def _digest(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 -- they tell whether it is known already
    """The digest of a file, worked out once for all studies that read it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain_paths(value: object) -> object:
    """The study with file names in the place of absolute paths."""
    if isinstance(value, dict):
        return {
            key: str(item).replace("\\", "/").rsplit("/", 1)[-1]
            if key == "path" and item is not None
            else _plain_paths(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_plain_paths(item) for item in value]
    return value


def _numbers(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Figures by column and row; null where one is unknown."""
    return {
        str(column): {str(k): None if math.isnan(v) else float(v) for k, v in table[column].items()}
        for column in table.columns
    }
