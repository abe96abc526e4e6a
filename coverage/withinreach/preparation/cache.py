"""Networks and cases that were made before, on disk, under the hash of everything that they were made from.

Files in the user's cache folder (``WITHINREACH_CACHE`` names another one; empty switches the cache off). Their names
hold the SHA-256 of the inputs' bytes, of the settings, of our own code and of the versions of Python and of the
libraries that shape the result, so nothing that changed is ever served from here. The newest files are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import zipfile
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from withinreach.model import Network
from withinreach.preparation.digests import Digests, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from withinreach.preparation.findings import Findings
    from withinreach.study import NetworkLayer, Study

    Arrays = Mapping[str, NDArray[Any]]
    Records = Sequence[Sequence[Any]]  # see Findings.records

VARIABLE = "WITHINREACH_CACHE"
KEPT_FILES = 20
SHAPING_LIBRARIES = (
    "geopandas", "numba", "numpy", "osmium", "pandas", "pyarrow", "pyogrio", "pyproj", "python-calamine", "rapidfuzz",
    "rasterio", "scipy", "shapely",
)  # fmt: skip
SHAPING_SUFFIXES = (".py", ".toml")
# An archive checks its own CRC sums; these tell that a file is not what was written.
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def cached_network(study: Study, findings: Findings, build: Callable[[Findings], Network]) -> Network:
    """Take a network from the cache, or build it and put it there.

    Parameters
    ----------
    findings
        Gets what building the network told, also when it comes from the cache.
    build
        Called with findings of its own if the cache does not have the network.
    """
    path = network_file(study)
    if path is None:
        return build(findings)
    stored = _load(path, study.network, findings) if path.is_file() else None
    if stored is not None:
        network, told = stored
        findings.add_records(told)
        path.touch()
        return network
    fresh = type(findings)()
    network = build(fresh)
    findings.add_records(fresh.records())
    records = np.array(json.dumps(fresh.records(), ensure_ascii=False))
    store(path, {field.name: getattr(network, field.name) for field in fields(Network)} | {"findings": records})
    return network


def network_file(study: Study) -> Path | None:
    """Where the cache has, or would have, the network of a study; None where it keeps none."""
    layer = study.network
    # Not of the network: how places meet it, and what is told of it.
    unshaping = dict.fromkeys(("path", "snap_cap_m", "fallback_detour", "thin_km_per_km2"), True)
    settings = layer.model_dump(mode="json", exclude={**unshaping, "terrain": {"path"}})
    inputs = [layer.path] + ([] if layer.terrain is None else [layer.terrain.path])
    around: list[object] = []
    if study.areas.codes:  # of the streets those around the areas
        around = [study.areas.model_dump(mode="json", exclude={"path"}), study.page_reach_m, layer.snap_cap_m]
        inputs.append(study.areas.path)
    return kept_file("network", [study.metric_crs, settings, around], inputs)


def stored_network(path: Path) -> Network:
    """The network that a file of the cache holds, which counts as used; one of `DAMAGE` where it is damaged."""
    path.touch()
    return _network(load(path))


def _network(arrays: Arrays) -> Network:
    return Network(**{field.name: arrays[field.name] for field in fields(Network)})


def _load(path: Path, layer: NetworkLayer, findings: Findings) -> tuple[Network, Records] | None:
    """What a file holds, or None and a finding where it is damaged."""
    try:
        arrays = load(path)
        return _network(arrays), json.loads(str(arrays["findings"]))
    except DAMAGE:
        findings.note("cache_damaged", layer.path)
        return None


def kept_file(sort: str, settings: object, inputs: Iterable[Path]) -> Path | None:
    """Where the cache keeps what comes of some settings and files.

    Parameters
    ----------
    sort
        The first part of its name; the newest files of each sort are kept.
    settings
        Plain values, without paths.

    Returns
    -------
    Path or None
        None where the cache is switched off, an input is a folder or absent, or it or what lies beside it cannot be
        read; whoever reads the inputs tells what is wrong with them.
    """
    folder, inputs = _folder(), tuple(inputs)
    if folder is None or not all(path.is_file() for path in inputs):
        return None
    digests = Digests(folder)
    try:
        told = [digests.of(path) for path in inputs]
    except OSError:
        return None
    digests.remember()
    key = json.dumps([settings, told, _versions(), _code()], sort_keys=True)
    return folder / f"{sort}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def load(path: Path) -> Arrays:
    """The arrays of a file; one of `DAMAGE` where it is damaged."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def store(path: Path, arrays: Arrays) -> None:
    """Write a file whole or not at all; a cache that cannot be written is no reason to fail."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, allow_pickle=False, **arrays)
        Path(file.name).replace(path)
        _forget_old(path.parent, path.name.partition("-")[0])
    except OSError:
        return


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is None:
        return user_cache_path("withinreach", appauthor=False)
    return Path(named) if named else None


@cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in SHAPING_LIBRARIES} | {"python": sys.version}


def _code() -> list[str]:
    """Digests of our modules and tables: whatever of them decides, what it decided before is not served."""
    package = Path(__file__).parents[1]
    return [digest_of(path) for path in sorted(package.rglob("*")) if path.suffix in SHAPING_SUFFIXES]


def _forget_old(folder: Path, sort: str) -> None:
    newest_first = sorted(folder.glob(f"{sort}-*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT_FILES:]:
        path.unlink(missing_ok=True)
