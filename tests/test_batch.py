"""Batches: a county published from its part is, byte by byte, that of the run on the whole."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from filelock import FileLock
from rich.console import Console
from rich.progress import Progress

import withinreach as wr
from batches import ended, files, published, start
from conftest import write_town
from withinreach.batch import Done, Label, load_sources, read_county, read_whole, write_parts
from withinreach.batch.frames import read_frame, write_frame
from withinreach.batch.jobs import PublishCounty, PublishWhole
from withinreach.batch.workplace import HIDDEN
from withinreach.cli import cli
from withinreach.cli.batch_progress import Shown
from withinreach.exports.geodata import Grounds, isochrones_of
from withinreach.model import file_stem
from withinreach.publishing import HOME, NO_WALKS, Material, Publication, write_county
from withinreach.reach import measure_reach

SAMPLE = Path(__file__).parents[1] / "data" / "xinxiang-sample" / "study.toml"
WUHAN = Path(__file__).parent / "studies" / "wuhan.toml"


def run(*args: object):
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def same(one: object, other: object, at: str = "") -> None:
    """Compare two values deeply: types, bits, order."""
    if is_dataclass(one) and not isinstance(one, type):
        assert type(one) is type(other), at
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name), f"{at}.{field.name}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, at
        np.testing.assert_array_equal(one, other, err_msg=at)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=at)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True, check_names=False, obj=at)
    elif hasattr(one, "items"):
        assert list(one) == list(other), at
        for key in one:
            same(one[key], other[key], f"{at}[{key}]")
    elif isinstance(one, tuple) and len(one):
        assert len(one) == len(other), at
        for place, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{at}.{place}")
    else:
        assert one == other, at


def material_of(study: Path) -> Material:
    return Material.of(wr.analyse(wr.prepare(wr.load_study(study))))


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Material, Path]:
    """The sample city, and its parts."""
    whole = material_of(SAMPLE)
    parts = tmp_path_factory.mktemp("sample") / "parts"
    write_parts(whole, "key", parts)
    return whole, parts


# A county from its part --------------------------------------------------------------------------------------------


def county_files(publication: Publication, code: str, folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    write_county(publication, code, folder, home=HOME)
    return files(folder)


def all_counties_are_the_same(whole: Material, parts: Path, folder: Path, codes: list[str]) -> None:
    for code in codes:
        expected = county_files(Publication.made_of(whole), code, folder / "whole" / file_stem(code))
        assert county_files(read_county(parts, code), code, folder / "part" / file_stem(code)) == expected


def test_counties_of_the_sample_are_those_of_the_whole(sample, tmp_path):
    whole, parts = sample
    # In 410724 and 410725 people's nearest facilities stand far beyond what is read around them.
    all_counties_are_the_same(whole, parts, tmp_path, ["410702", "410724", "410725", "410771"])


def test_counties_of_the_town_are_those_of_the_whole(town, tmp_path):
    whole = material_of(town)
    write_parts(whole, "key", tmp_path / "parts")
    all_counties_are_the_same(whole, tmp_path / "parts", tmp_path, ["1", "2"])


def test_districts_of_wuhan_are_those_of_the_whole(shared, tmp_path):
    whole = material_of(WUHAN)
    write_parts(whole, "key", tmp_path / "parts")
    all_counties_are_the_same(whole, tmp_path / "parts", tmp_path, ["420102", "420105", "420115"])


def test_all_that_is_written_comes_back_as_it_was(sample):
    whole, parts = sample
    nothing = isochrones_of(whole.result.case, np.zeros(0, np.int64))
    same(
        Publication.made_of(replace(whole, grounds=Grounds(nothing, whole.grounds.catchments), walks=NO_WALKS)),
        read_whole(parts),
    )


def test_a_town_without_registers_units_or_water_comes_back_as_it_was(town, tmp_path):
    whole = material_of(town)
    write_parts(whole, "key", tmp_path / "parts")
    nothing = isochrones_of(whole.result.case, np.zeros(0, np.int64))
    same(
        Publication.made_of(replace(whole, grounds=Grounds(nothing, whole.grounds.catchments), walks=NO_WALKS)),
        read_whole(tmp_path / "parts"),
    )


@pytest.mark.parametrize("code", ["410725", "410711"])
def test_whoever_is_served_walks_in_the_part_as_in_the_whole(sample, code):
    """The part alone, walked anew: the same millimetres, seconds and facilities for every cell within the cutoff."""
    whole, parts = sample
    part = read_county(parts, code).cells.result
    (row,) = whole.result.case.areas.rows_of([code])
    here, there = part.case.people.area == row, whole.result.case.people.area == row
    ids = [case.facilities.table["id"].to_numpy(object) for case in (part.case, whole.result.case)]
    for name, service in part.case.study.services.items():
        anew, known = measure_reach(part.case, service), whole.result.reaches[name]
        covered = known.covered[there]
        assert covered.any()
        np.testing.assert_array_equal(anew.covered[here], covered)
        for array in ("level_m", "seconds", "status"):
            np.testing.assert_array_equal(
                getattr(anew, array)[here][covered], getattr(known, array)[there][covered], err_msg=array
            )
        assert list(ids[0][anew.nearest[here][covered]]) == list(ids[1][known.nearest[there][covered]])


def test_a_part_is_much_smaller_than_the_whole(sample):
    whole, parts = sample
    case, part = whole.result.case, read_county(parts, "410711").cells.result.case
    assert part.network.n_segments < case.network.n_segments / 4
    assert len(part.people) < len(case.people) / 4


def test_frames_keep_categories_and_times_that_parquet_does_not(tmp_path):
    frame = pd.DataFrame(
        {
            "none": pd.Categorical([None, None], categories=[]),
            "some": pd.Categorical(["b", None], categories=["c", "b", "a"], ordered=True),
            "day": pd.to_datetime(["2025-06-30", None]).astype("datetime64[s]"),
        }
    )
    write_frame(frame, tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "x.parquet"), frame)


# The command -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_town(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """A study, and what a run on it writes; nobody changes it."""
    folder = tmp_path_factory.mktemp("one")
    study = write_town(folder)
    return study, published(study, folder / "published")


def test_a_batch_writes_what_a_run_writes_and_resumes_what_is_gone(one_town, tmp_path):
    study, expected = one_town
    out = tmp_path / "out"
    done = run("batch", study, "--out", out, "--workers", 1, "--json")
    assert done.exit_code == 0, done.output
    assert files(out) == expected
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["event"], line.get("task"), line.get("code")) for line in lines] == [
        ("started", "prepare", None),
        ("done", "prepare", None),
        ("started", "whole", None),
        ("done", "whole", None),
        ("started", "county", "1"),
        ("done", "county", "1"),
        ("started", "county", "2"),
        ("done", "county", "2"),
        ("end", None, None),
    ]
    assert lines[-1]["done"] == 4
    assert not (out / HIDDEN / "parts" / "town").exists()  # nothing is left that is no longer needed

    kept = run("batch", study, "--out", out, "--workers", 1, "--resume", "--json")
    assert json.loads(kept.stdout) == json.loads(kept.stdout) | {"event": "end", "done": 0, "kept": 2, "failed": 0}

    county = out / "county" / "2"
    inode = (out / "county" / "1" / "1.html").stat().st_ino
    for path in county.iterdir():
        path.unlink()
    county.rmdir()
    again = run("batch", study, "--out", out, "--workers", 1, "--resume")
    assert again.exit_code == 0, again.output
    assert files(out) == expected
    assert (out / "county" / "1" / "1.html").stat().st_ino == inode, "a finished county was written anew"


def test_parts_on_disk_give_the_same_bytes_as_the_study(one_town, tmp_path):
    study, expected = one_town
    parts, out = tmp_path / "parts", tmp_path / "out"
    assert run("partition", study, "--out", parts, "--workers", 1).exit_code == 0
    told = run("batch", parts, "--out", out, "--dry-run")
    assert "measured, 6 cells; 2 counties to publish, 0 finished" in told.output
    assert not out.exists()
    assert run("batch", parts, "--out", out, "--workers", 1).exit_code == 0
    assert files(out) == expected
    assert (parts / "town" / "streets.parquet").is_file()  # these are the user's
    assert run("partition", study, "--out", parts, "--workers", 1).exit_code == 0  # kept


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(one_town, tmp_path):
    done = run("batch", one_town[0], "--out", tmp_path / "out", "--dry-run")
    assert done.exit_code == 0
    assert "to be read and measured; 2 counties to publish, 0 finished\n  1 西区\n  2 东区\n" in done.output
    assert not (tmp_path / "out").exists()


def test_what_was_made_of_other_inputs_is_done_anew(town, tmp_path):
    out = tmp_path / "out"
    assert run("batch", town, "--out", out, "--workers", 1).exit_code == 0
    before = files(out)
    people = town.parent / "people.csv"
    good = people.read_text(encoding="utf-8")
    people.write_text(good.replace("100.0", "many"), encoding="utf-8")
    broken = run("batch", town, "--out", out, "--workers", 1, "--resume")
    assert broken.exit_code == 1
    assert "many" in broken.output
    assert files(out) == before  # until there is something to take its place
    people.write_text(good.replace("100.0", "200.0"), encoding="utf-8")
    mended = run("batch", town, "--out", out, "--workers", 1, "--resume")
    assert mended.exit_code == 0
    assert "note: town 小镇: its inputs, parameters or versions have changed since; it is done anew" in mended.output
    assert files(out) == published(town, tmp_path / "published") != before
    again = run("batch", town, "--out", out, "--workers", 1, "--resume", "--json")
    assert [json.loads(line)["event"] for line in again.stdout.splitlines()] == ["end"]


def test_a_broken_study_of_several_is_named_and_the_others_are_finished(one_town, tmp_path):
    expected = one_town[1]
    for name in ("west", "east"):
        (tmp_path / name).mkdir()
        study = write_town(tmp_path / name)
        study.write_text(study.read_text(encoding="utf-8").replace('"town"', f'"{name}"'), encoding="utf-8")
    people = tmp_path / "west" / "people.csv"
    good = people.read_text(encoding="utf-8")
    people.write_text(good.replace(",80.0,", ",eighty,"), encoding="utf-8")
    (tmp_path / "both.toml").write_text('studies = ["west/study.toml", "east/study.toml"]\n', encoding="utf-8")
    out = tmp_path / "out"
    done = run("batch", tmp_path / "both.toml", "--out", out, "--workers", 1)
    assert done.exit_code == 1
    (error,) = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert error.startswith("error: west 小镇: ")
    assert "people.csv" in error
    assert "eighty" in error
    assert set(files(out / "east")) == set(expected)
    assert not (out / "west").exists()
    inode = (out / "east" / "county" / "1" / "1.html").stat().st_ino

    people.write_text(good, encoding="utf-8")
    assert run("batch", tmp_path / "both.toml", "--out", out, "--workers", 1, "--resume").exit_code == 0
    assert (out / "east" / "county" / "1" / "1.html").stat().st_ino == inode
    gathered = pd.read_csv(out / "coverage.csv", dtype={"code": "str"}, keep_default_na=False, na_values=[""])
    assert list(gathered["study"].fillna("")) == ["west"] * 6 + ["east"] * 6 + [""] * 2
    clinics = gathered[(gathered["service"] == "clinic") & (gathered["code"] == "total")]
    west, east, both = clinics["served_people"]
    assert west > 0
    assert both == west + east
    assert list(clinics["coverage"]) == pytest.approx([clinics["coverage"].iloc[0]] * 3)
    assert clinics["median_min"].isna().tolist() == [False, False, True]
    for name in ("west", "east"):
        assert files(out / name) == published(tmp_path / name / "study.toml", tmp_path / "published" / name)


def test_lists_of_studies_name_every_problem(town, tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(f'studies = ["{town.as_posix()}", "{town.as_posix()}", "none.toml"]\n', encoding="utf-8")
    done = run("batch", path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "none.toml: no such study file" in done.output
    assert "list.toml: two studies have the name 'town'" in done.output
    path.write_text("studies = []\n", encoding="utf-8")
    assert run("batch", path, "--out", tmp_path / "out").exit_code == 1
    path.write_text('studies = ["a"]\nworkers = 3\n', encoding="utf-8")
    assert "workers: unknown key" in run("batch", path, "--out", tmp_path / "out").output


def test_two_batches_into_one_folder_are_refused(town, tmp_path):
    out = tmp_path / "out"
    (out / HIDDEN).mkdir(parents=True)
    with FileLock(out / HIDDEN / "lock"):
        code, _, err = ended(start("batch", town, "--out", out, "--workers", 1))
    assert code == 1
    assert err.endswith("out: another batch is at work in this folder; wait for it, or name another\n")


def test_folders_of_others_are_refused(town, tmp_path):
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    done = run("batch", town, "--out", tmp_path)
    assert done.exit_code == 1
    assert "holds files that are not an output of withinreach" in done.output
    assert run("batch", town, "--out", tmp_path / "letter.txt").exit_code == 1
    assert (tmp_path / "letter.txt").read_text(encoding="utf-8") == "mine"
    assert run("batch", town.parent, "--out", tmp_path / "out").exit_code == 1  # a folder without parts
    both = run("batch", town, "--out", tmp_path / "out", "--workers", 2, "--scheduler", "tcp://127.0.0.1:1")
    assert both.exit_code == 2


def test_a_terminal_shows_all_and_each_with_its_stage(tmp_path):
    job = PublishCounty(Label("s", "410782", "辉县市", 5_000), tmp_path / "note", tmp_path, tmp_path, tmp_path)
    other = PublishWhole(Label("s", "", "市", 10_000), tmp_path / "none", tmp_path, tmp_path, tmp_path)
    console = Console(file=StringIO(), force_terminal=True, width=100)
    with Progress("{task.description} {task.completed:g}/{task.total}", console=console, auto_refresh=False) as bars:
        shown = Shown(bars)
        shown.started(job)
        shown.started(other)
        job.note.write_text("2 writing", encoding="utf-8")
        shown.looked([Label("s", "410783", "长垣市", 25_000)])
        assert [(task.description, task.completed, task.total) for task in bars.tasks] == [
            ("all", pytest.approx(10_000 * 2 / 3), 10_000 + 15_000 + 30_000),
            ("410782 辉县市 writing", 2, 3),
            ("s 市 waits", 0, 4),
        ]
        shown.done(job, Done({"writing": 1.0}, 1.0, None))
        shown.failed(other, ("the disk is full",))
        shown.looked([])
        assert [(task.description, task.completed, task.total) for task in bars.tasks] == [("all", 25_000, 25_000)]
    assert "failed: s 市: the disk is full" in console.file.getvalue()


def test_sources_are_studies_lists_or_parts(town):
    (source,) = load_sources(town)
    assert (source.study.name, source.parts) == ("town", None)
