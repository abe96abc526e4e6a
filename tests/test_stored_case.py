"""Prepared cases in the cache: equal to the bit, never stale, never trusted when damaged."""

from __future__ import annotations

import os
import shutil
from dataclasses import fields, is_dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import withinreach as wr
from conftest import ROOT
from judged_town import write_judged_town
from withinreach.preparation import cache, digests, stored_case
from withinreach.preparation.digests import Digests

WATER = """
[water]
path = "areas.geojson"
datum = "EPSG:4547"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WITHINREACH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def study(tmp_path):
    """A study with every sort of layer: lists of units as points and as polygons, statistics, water, a register."""
    town = tmp_path / "town"
    town.mkdir()
    path = write_judged_town(town)
    shutil.copy(town / "areas.geojson", town / "townships.geojson")
    told = path.read_text(encoding="utf-8") + WATER
    told += '\n[units.township]\npath = "townships.geojson"\ndatum = "EPSG:4547"\n'
    path.write_text(told, encoding="utf-8")
    return path


@pytest.fixture
def made(monkeypatch):
    """Titles of the studies that were prepared and not taken from the cache."""
    titles = []
    prepared = wr.prepare.__globals__["_prepared"]

    def noted(study, *rest):
        titles.append(study.title)
        return prepared(study, *rest)

    monkeypatch.setattr("withinreach.preparation._prepared", noted)
    return titles


def prepared(study):
    return wr.prepare(wr.load_study(study))


def kept(folder, sort="case"):
    return sorted(folder.glob(f"{sort}-*.npz"))


def assert_same(a, b, at="case"):
    """Equal to the bit, with all types, and arrays that nobody can write to."""
    assert type(a) is type(b), at
    if isinstance(a, pd.DataFrame):
        assert a.index.equals(b.index)
        assert type(a.index) is type(b.index)
        assert (a.dtypes == b.dtypes).all(), at
        plain = [one.to_wkb() if isinstance(one, gpd.GeoDataFrame) else one for one in (a, b)]
        assert_frame_equal(*plain, check_exact=True, check_index_type="exact", check_column_type="exact", obj=at)
        assert not isinstance(a, gpd.GeoDataFrame) or a.crs == b.crs
        for column in a.select_dtypes("float64"):
            assert a[column].to_numpy().tobytes() == b[column].to_numpy().tobytes(), f"{at}.{column}"
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), at
        assert not b.flags.writeable
    elif is_dataclass(a):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name), f"{at}.{field.name}")
    elif isinstance(a, dict):
        assert list(a) == list(b), at
        for key in a:
            assert_same(a[key], b[key], f"{at}.{key}")
    else:
        assert a == b, at


def assert_same_results(a, b):
    one, other = wr.analyse(a), wr.analyse(b)
    for name in one.tables:
        assert_frame_equal(one.tables[name], other.tables[name], check_exact=True)
        assert_frame_equal(one.ledgers[name], other.ledgers[name], check_exact=True)
        for field in ("level_m", "seconds", "nearest", "status"):
            assert getattr(one.reaches[name], field).tobytes() == getattr(other.reaches[name], field).tobytes()
    assert_frame_equal(wr.judge(one).table, wr.judge(other).table, check_exact=True)


def test_a_case_from_the_cache_equals_a_fresh_one(study, folder, made, monkeypatch):
    stored = prepared(study)
    taken = prepared(study)
    assert len(made) == 1
    monkeypatch.setenv("WITHINREACH_CACHE", "")
    fresh = prepared(study)
    assert len(made) == 2
    for case in (stored, taken):
        assert_same(fresh, case)
        assert_same_results(fresh, case)
    assert taken.units["township"].polygons is not None
    assert taken.units["village"].near_m == 150


def test_the_sample_city_from_the_cache_equals_a_fresh_one(folder, made):
    study = ROOT / "data" / "xinxiang-sample" / "study.toml"
    stored, taken = prepared(study), prepared(study)
    assert len(made) == 1
    assert_same(stored, taken)
    assert_same_results(stored, taken)


def test_a_study_that_was_moved_is_served_as_itself(study, folder, made, tmp_path):
    before = prepared(study)
    shutil.move(study.parent, tmp_path / "elsewhere")
    after = prepared(tmp_path / "elsewhere" / study.name)
    assert len(made) == 1
    assert after.study.areas.path.parent == tmp_path / "elsewhere"
    assert_same(before.people, after.people)


def test_every_input_counts(study, folder, made):
    """Even a blank more in a file that says the same."""
    inputs = wr.load_study(study).input_paths()
    assert len(inputs) >= 8
    prepared(study)
    for count, path in enumerate(inputs, 2):
        with path.open("ab") as file:
            file.write(b"\n")
        prepared(study)
        assert len(made) == count, path
    prepared(study)
    assert len(made) == 1 + len(inputs)


def test_what_lies_beside_an_input_counts(study, folder, made):
    prepared(study)
    for count, name in enumerate(("streets.prj", "people.csv.aux.xml", "areas.geojson-wal"), 2):
        (study.parent / name).write_text("x")
        prepared(study)
        assert len(made) == count, name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cutoff_min = 6", "cutoff_min = 7"),
        ("snap_cap_m = 300", "snap_cap_m = 301"),
        ("speed_m_s = 1.0", "speed_m_s = 1.1"),
        ('language = "en"', 'language = "zh"'),
        ("near_m = 150", "near_m = 151"),
        ('metric_crs = "EPSG:4547"', 'metric_crs = "EPSG:4526"'),
        ('[profiles.slow]\ntitle = "慢"', '[kinds.hut]\ntitle = "棚"\n\n[profiles.slow]\ntitle = "慢"'),
    ],
)
def test_every_part_of_the_study_counts(study, folder, made, old, new):
    prepared(study)
    told = study.read_text(encoding="utf-8")
    assert old in told
    study.write_text(told.replace(old, new), encoding="utf-8")
    prepared(study)
    assert len(made) == len(kept(folder)) == 2


@pytest.mark.parametrize("part", ["_code", "_versions"])
def test_code_and_libraries_count(study, folder, made, monkeypatch, part):
    prepared(study)
    told = getattr(cache, part)()
    monkeypatch.setattr(cache, part, lambda: [told, "changed"])
    prepared(study)
    assert len(made) == 2


def test_every_module_and_table_of_ours_is_code():
    package = cache.Path(cache.__file__).parents[1]
    assert len(cache._code()) == len([*package.rglob("*.py"), *package.rglob("*.toml")])


def test_files_that_change_places_are_not_taken_for_each_other(study, folder, made):
    """Two layers whose files have one name: their contents are told apart by the layer."""
    for name in ("one", "two"):
        (study.parent / name).mkdir()
        shutil.copy(study.parent / "facilities.csv", study.parent / name / "facilities.csv")
    second = study.parent / "two" / "facilities.csv"
    second.write_text("\n".join(second.read_text(encoding="utf-8").splitlines()[:3]) + "\n", encoding="utf-8")
    told = study.read_text(encoding="utf-8")
    start = told.index("[[facilities]]")
    layer = told[start : told.index("\n[profiles.slow]", start)]
    both = [layer.replace('"facilities.csv"', f'"{name}/facilities.csv"') for name in ("one", "two")]
    other = study.with_name("other.toml")
    study.write_text(told.replace(layer, both[0] + "\n" + both[1]), encoding="utf-8")
    other.write_text(told.replace(layer, both[1] + "\n" + both[0]), encoding="utf-8")
    assert prepared(study).facilities.table["id"].tolist() != prepared(other).facilities.table["id"].tolist()
    assert len(made) == 2


@pytest.mark.parametrize("damage", ["truncated", "flipped", "garbage", "empty"])
@pytest.mark.parametrize("sort", ["case", "network"])
def test_a_damaged_file_is_made_anew_with_a_warning(study, folder, made, damage, sort):
    built = prepared(study)
    (path,) = kept(folder, sort)
    raw = bytearray(path.read_bytes())
    if damage == "flipped":
        xy = built.people.xy if sort == "case" else built.network.xy
        raw[raw.index(xy.tobytes()[:8])] ^= 0xFF
    path.write_bytes(bytes({"truncated": raw[: len(raw) // 2], "flipped": raw, "garbage": b"no", "empty": b""}[damage]))
    again = prepared(study)
    assert len(made) == 2
    rules = again.audit.findings["rule"].tolist()
    assert "cached_case_damaged" in rules
    assert again.audit.findings.query("rule == 'cached_case_damaged'")["severity"].tolist() == ["warning"]
    taken = prepared(study)
    assert len(made) == 2
    assert_same(built, taken)


def test_a_case_whose_network_is_gone_is_made_anew(study, folder, made):
    built = prepared(study)
    (path,) = kept(folder, "network")
    path.unlink()
    assert_same(built, prepared(study))
    assert len(made) == 2
    prepared(study)
    assert len(made) == 2


def test_errors_are_not_stored(study, folder):
    (study.parent / "people.csv").write_text("x,y\n1,2\n")
    with pytest.raises(wr.CoverageError, match=r"people\.csv"):
        prepared(study)
    assert not kept(folder)


def test_without_a_cache_every_case_is_prepared(study, folder, made, monkeypatch):
    monkeypatch.setenv("WITHINREACH_CACHE", "")
    prepared(study)
    prepared(study)
    assert len(made) == 2
    assert not folder.exists()


def test_what_names_other_files_is_not_kept(study, folder, made):
    (study.parent / "streets.vrt").write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="streets"><SrcDataSource relativeToVRT="1">streets.geojson</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    study.write_text(study.read_text(encoding="utf-8").replace("streets.geojson", "streets.vrt"), encoding="utf-8")
    prepared(study)
    assert not kept(folder)


def test_only_the_newest_are_kept(study, folder, monkeypatch):
    monkeypatch.setattr(cache, "KEPT_FILES", 2)
    for minutes in (7, 8, 9):
        told = study.read_text(encoding="utf-8")
        study.write_text(told.replace("cutoff_min = 6", f"cutoff_min = {minutes}"), encoding="utf-8")
        prepared(study)
        study.write_text(told, encoding="utf-8")
    assert len(kept(folder)) == 2


def test_what_cannot_be_read_beside_an_input_is_no_reason_to_fail(study, folder, made, monkeypatch):
    def unreadable(path):
        raise PermissionError(path)

    monkeypatch.setattr(digests, "digest_of", unreadable)
    assert len(prepared(study).people) == 6
    assert not folder.exists()


class Hashed:
    """Counts how often a file is read for its digest."""

    def __init__(self, monkeypatch):
        self.count = 0
        monkeypatch.setattr(digests, "digest_of", self)

    def __call__(self, path):
        self.count += 1
        return cache.digest_of(path)


def test_the_digest_of_a_large_file_is_remembered_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "REMEMBERED_FROM_BYTES", 4)
    monkeypatch.setattr(digests, "SETTLED_AFTER_S", -1.0)
    path = tmp_path / "people.tif"
    path.write_bytes(b"abcd")
    told = path.stat()

    def digest():
        reader = Digests(tmp_path / "cache")
        found = reader.of(path)
        reader.remember()
        return found

    hashed = Hashed(monkeypatch)
    first = digest()
    assert digest() == first
    assert hashed.count == 1
    # Of the same size, and with the time of modification set back.
    path.write_bytes(b"abcx")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert digest() != first
    assert hashed.count == 2


def test_a_large_file_that_changed_just_now_is_not_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "REMEMBERED_FROM_BYTES", 4)
    path = tmp_path / "people.tif"
    path.write_bytes(b"abcd")
    Digests(tmp_path / "cache").remember()
    hashed = Hashed(monkeypatch)
    for _ in range(2):
        reader = Digests(tmp_path / "cache")
        reader.of(path)
        reader.remember()
    assert hashed.count == 2
    assert not (tmp_path / "cache").exists()


def test_small_files_are_hashed_every_time(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "SETTLED_AFTER_S", -1.0)
    path = tmp_path / "facilities.csv"
    path.write_bytes(b"abcd")
    hashed = Hashed(monkeypatch)
    for _ in range(2):
        reader = Digests(tmp_path / "cache")
        reader.of(path)
        reader.remember()
    assert hashed.count == 2


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', "no JSON", '{"a": {"state": 1}}'])
def test_a_damaged_memory_is_forgotten(tmp_path, text):
    (tmp_path / digests.MEMORY).write_text(text)
    assert Digests(tmp_path)._known == {}


COLUMNS = st.sampled_from(["float64", "str", "Int64", "bool", "int64"])
VALUES = {
    "float64": st.floats(),
    "str": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
    "Int64": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "bool": st.booleans(),
}


@given(st.data(), st.integers(0, 6), st.lists(COLUMNS, min_size=1, max_size=5), st.booleans())
def test_tables_come_back_as_they_were(data, rows, types, two_levels):
    """Every type of column that a case has; a NaN comes back as the NaN that NumPy writes."""
    columns = {
        f"列{n}": data.draw(st.lists(VALUES[kind], min_size=rows, max_size=rows)) for n, kind in enumerate(types)
    }
    table = pd.DataFrame(
        {name: pd.Series(v, dtype=kind) for (name, v), kind in zip(columns.items(), types, strict=True)}
    )
    if two_levels:
        keys = [("all", str(n)) for n in range(rows)]
        table.index = pd.MultiIndex.from_tuples(keys, names=["group", "step"]) if rows else table.index
    for name in table.select_dtypes("float64"):
        table[name] = table[name].where(table[name].notna(), np.nan)
    assert_same(table, stored_case._table(stored_case._packed(table)))
