"""Networks that were built before, on disk, under the hash of everything that they were built from.

One file per network in the user's cache folder (``WITHINREACH_CACHE`` names another one; empty switches the cache
off). The name holds the sha256 of the inputs' bytes, of the layer's settings, of our own code that shapes the result
and of the versions of the libraries that do, so nothing that changed is ever served from here. The newest files are
kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from withinreach.model import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from withinreach.preparation.findings import Findings
    from withinreach.study import NetworkLayer

    Records = Sequence[Sequence[Any]]  # see Findings.records

VARIABLE = "WITHINREACH_CACHE"
KEPT_FILES = 20
SHAPING_LIBRARIES = ("numpy", "shapely", "pyproj", "scipy", "osmium")
SHAPING_STAGES = ("model", "preparation", "sources")
# A shapefile is several files; what is excluded by attribute stands in the .dbf.
SIDECARS = (".dbf", ".shx", ".prj", ".cpg")


def cached_network(
    layer: NetworkLayer, metric_crs: str, findings: Findings, build: Callable[[Findings], Network]
) -> Network:
    """Take a network from the cache, or build it and put it there.

    Parameters
    ----------
    findings
        Gets what building the network told, also when it comes from the cache.
    build
        Called with findings of its own if the cache does not have the network.
    """
    folder = _folder()
    if folder is None or not layer.path.is_file():
        return build(findings)
    path = folder / f"network-{_key(layer, metric_crs)}.npz"
    stored = _load(path, layer, findings) if path.is_file() else None
    if stored is not None:
        network, told = stored
        findings.add_records(told)
        path.touch()
        return network
    fresh = type(findings)()
    network = build(fresh)
    findings.add_records(fresh.records())
    _store(path, network, fresh.records())
    return network


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is None:
        return user_cache_path("withinreach", appauthor=False)
    return Path(named) if named else None


def _key(layer: NetworkLayer, metric_crs: str) -> str:
    unshaping = dict.fromkeys(("path", "snap_cap_m", "fallback_detour", "thin_km_per_km2"), True)
    settings = layer.model_dump(mode="json", exclude={**unshaping, "terrain": {"path"}})
    versions = {name: version(name) for name in SHAPING_LIBRARIES}
    digest = hashlib.sha256(json.dumps([layer.path.name, metric_crs, settings, versions], sort_keys=True).encode())
    terrain = () if layer.terrain is None else (layer.terrain.path,)
    for path in (layer.path, *terrain, *(layer.path.with_suffix(suffix) for suffix in SIDECARS), *_shaping_code()):
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]


def _shaping_code() -> list[Path]:
    """Modules and tables of ours that decide what network comes out of a file."""
    package = Path(__file__).parents[1]
    found = (
        path for stage in SHAPING_STAGES for path in (package / stage).glob("*") if path.suffix in (".py", ".toml")
    )
    return sorted(found)


def _load(path: Path, layer: NetworkLayer, findings: Findings) -> tuple[Network, Records] | None:
    """What a file holds, or None and a finding where it is damaged; the archive checks its own CRC sums."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {field.name: archive[field.name] for field in fields(Network)}
            told = json.loads(str(archive["findings"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        findings.note("cache_damaged", layer.path)
        return None
    return Network(**arrays), told


def _store(path: Path, network: Network, told: Records) -> None:
    """Write a file whole or not at all; a cache that cannot be written is no reason to fail."""
    arrays = {field.name: getattr(network, field.name) for field in fields(Network)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            np.savez(file, findings=np.array(json.dumps(told, ensure_ascii=False)), **arrays)
        Path(file.name).replace(path)
        _forget_old(path.parent)
    except OSError:
        return


def _forget_old(folder: Path) -> None:
    newest_first = sorted(folder.glob("network-*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[KEPT_FILES:]:
        path.unlink(missing_ok=True)
