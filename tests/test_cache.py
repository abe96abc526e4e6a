"""The cache of networks: equal to what is built, never stale, never trusted when damaged."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import withinreach as wr
from test_terrain import centres, on_a_slope, write_heights
from withinreach.model import Network
from withinreach.preparation import cache
from withinreach.preparation.findings import Findings


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The cache, which keeps networks only; whole cases are those of `test_stored_case`."""
    monkeypatch.setattr("withinreach.preparation.cached_case", lambda study, build: build(Findings()))
    monkeypatch.setenv("WITHINREACH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def prepared(study):
    return wr.prepare(wr.load_study(study))


def stored(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def same(a: Network, b: Network) -> bool:
    return all(np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in fields(Network))


def test_a_stored_network_equals_the_built_one_and_is_not_built_again(town, folder, monkeypatch):
    built = prepared(town)
    assert len(stored(folder)) == 1

    def never(*_):
        raise AssertionError("built although the cache has it")

    monkeypatch.setattr("withinreach.preparation.prepare_network", never)
    again = prepared(town)
    assert same(built.network, again.network)
    assert again.audit.findings.equals(built.audit.findings)
    assert not again.network.xy.flags.writeable


def test_a_stored_network_speaks_the_language_of_whoever_takes_it(town, folder):
    english = prepared(town).audit.findings
    town.write_text(town.read_text(encoding="utf-8").replace('"en"', '"zh"'), encoding="utf-8")
    chinese = prepared(town).audit.findings
    assert len(stored(folder)) == 1
    assert english["rule"].equals(chinese["rule"])
    assert "路网有 2 个互不连通的部分，最大部分含 71.4% 的节点" in chinese["reason"].tolist()


def test_a_changed_input_is_built_anew(town, folder):
    before = prepared(town).network
    path = town.parent / "streets.geojson"
    path.write_text(path.read_text(encoding="utf-8").replace("500900.0", "500950.0"), encoding="utf-8")
    after = prepared(town).network
    assert len(stored(folder)) == 2
    assert after.length_mm.sum() > before.length_mm.sum()


def test_a_changed_parameter_is_built_anew(town, folder):
    prepared(town)
    town.write_text(town.read_text(encoding="utf-8").replace('metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:4526"'))
    # zone 38 writes its number before the easting
    assert prepared(town).network.xy[:, 0].min() > 38_000_000
    assert len(stored(folder)) == 2


def test_another_terrain_is_built_anew(town, folder):
    write_heights(town.parent / "ground.tif", np.zeros((60, 60)))
    on_a_slope(town, town.parent / "ground.tif")
    level = prepared(town).network
    assert (level.uphill == 1).all()
    x, _ = centres((60, 60))
    write_heights(town.parent / "ground.tif", 0.1 * x)
    assert (prepared(town).network.uphill > 1).any()
    assert len(stored(folder)) == 2


def test_the_snap_cap_is_no_part_of_the_network(town, folder):
    prepared(town)
    town.write_text(town.read_text(encoding="utf-8").replace("snap_cap_m = 300", "snap_cap_m = 400"))
    prepared(town)
    assert len(stored(folder)) == 1


@pytest.mark.parametrize("damage", ["truncated", "flipped", "garbage", "empty"])
def test_a_damaged_file_is_built_anew_with_a_warning(town, folder, damage):
    built = prepared(town)
    (path,) = folder.iterdir()
    raw = bytearray(path.read_bytes())
    if damage == "flipped":
        at = raw.index(built.network.xy.tobytes()[:8])
        raw[at] ^= 0xFF
    changed = {"truncated": raw[: len(raw) // 2], "flipped": raw, "garbage": b"not an archive", "empty": b""}
    path.write_bytes(bytes(changed[damage]))
    again = prepared(town)
    assert same(built.network, again.network)
    told = again.audit.findings.query("severity == 'warning'")["reason"].tolist()
    assert "the network in the cache is damaged" in told
    assert same(built.network, prepared(town).network)
    assert not any("damaged" in reason for reason in prepared(town).audit.findings["reason"])


def test_only_the_newest_are_kept(town, folder, monkeypatch):
    monkeypatch.setattr(cache, "KEPT_FILES", 2)
    path = town.parent / "streets.geojson"
    text = path.read_text(encoding="utf-8")
    for metres in (910, 920, 930):
        path.write_text(text.replace("500900.0", f"500{metres}.0"), encoding="utf-8")
        prepared(town)
    assert len(stored(folder)) == 2


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(town, folder):
    folder.write_text("a file where the folder should be")
    assert prepared(town).network.n_segments == 5


def test_errors_are_not_stored(town, folder):
    (town.parent / "streets.geojson").write_text("{}")
    with pytest.raises(wr.CoverageError, match=r"streets\.geojson"):
        prepared(town)
    assert not folder.exists()
