"""Several processes write what one writes, and where one of them fails nothing is left."""

from __future__ import annotations

import os
import time
from functools import partial
from multiprocessing import parent_process

import pytest

import withinreach as wr
from batches import files
from withinreach.errors import CoverageError, SourceError
from withinreach.publishing import Publication, open_crew, worth_folders, worth_maps
from withinreach.publishing.crew import Task


@pytest.fixture(scope="module")
def crew():
    with open_crew(2) as crew:
        yield crew


@pytest.fixture
def result(town):
    return wr.analyse(wr.prepare(wr.load_study(town)))


def test_several_write_the_same_bytes_as_one(crew, result, tmp_path):
    told: list[str] = []
    several = files(wr.export(result, tmp_path / "several", crew=crew, progress=told.append))
    alone = files(wr.export(result, tmp_path / "alone"))
    assert list(several) == list(alone)
    assert [name for name in alone if several[name] != alone[name]] == []
    assert sorted(told) == ["1", "2", "index.html"]


def note_process(folder, name, publication):
    (folder / name).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(0.05)


def test_who_asks_works_along(crew, result, tmp_path):
    names = [f"{number:02d}" for number in range(12)]
    tasks = [Task(name, partial(note_process, tmp_path, name)) for name in names]
    assert sorted(crew.carry_out(Publication.of(result), tasks)) == names
    who = [(tmp_path / name).read_text(encoding="ascii") for name in names]
    assert len(set(who)) == 2
    assert who[-1] == str(os.getpid()) != who[0]


def refuse(code, publication):
    assert len(publication.areas) == 2
    raise SourceError(f"county {code} cannot be written")


def note(path, publication):
    path.write_text(publication.study.name, encoding="utf-8")


def test_who_fails_is_heard_and_the_others_stop(crew, result, tmp_path):
    publication = Publication.of(result)
    tasks = [Task(str(code), partial(refuse, code)) for code in (1, 2)]
    with pytest.raises(SourceError, match="cannot be written"):
        list(crew.carry_out(publication, tasks))
    # The same processes go on with the next publication.
    assert list(crew.carry_out(publication, [Task("note", partial(note, tmp_path / "note"))])) == ["note"]
    assert (tmp_path / "note").read_text(encoding="utf-8") == "town"


def rest(publication):
    time.sleep(0.2)


def die(publication):
    assert parent_process() is not None
    os._exit(1)


def test_a_process_that_dies_is_told_in_one_line(result):
    tasks = [Task("deadly", die), *(Task(str(number), rest) for number in range(3))]
    with open_crew(2) as crew, pytest.raises(CoverageError, match=r"died .* --workers 1"):
        list(crew.carry_out(Publication.of(result), tasks))


def test_nothing_is_left_where_a_county_fails(crew, result, tmp_path, monkeypatch):
    monkeypatch.setattr("withinreach.publishing.folders.county_folder", lambda folder, code: folder)
    with pytest.raises(FileExistsError):  # two counties of one folder
        wr.export(result, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


def test_what_is_little_is_not_worth_a_process(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert [worth_folders(counties) for counties in (0, 1, 3, 4, 15, 400)] == [1, 1, 1, 2, 7, 8]
    assert [worth_maps(cells) for cells in (0, 60_000, 160_000, 600_000, 9_000_000)] == [1, 2, 5, 8, 8]
