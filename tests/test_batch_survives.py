"""Batches that are killed, lose a worker or run out of disk: what is finished stays, the same bytes come out."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import psutil
import pytest

from batches import PACKAGE, ended, files, published, start
from conftest import write_town
from withinreach.batch import Hands, Label, workers
from withinreach.batch.running import run_jobs
from withinreach.batch.workers import open_workers
from withinreach.batch.workplace import HIDDEN
from withinreach.errors import CoverageError

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 240


@pytest.fixture(scope="module")
def one_town(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    """A study, and what a run on it writes; nobody changes it."""
    folder = tmp_path_factory.mktemp("one")
    study = write_town(folder)
    return study, published(study, folder / "published")


def wait_for(condition, what: str):
    """What a condition gives, as soon as it gives something."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


def finished(out: Path) -> dict[str, int]:
    """Pages of the counties that are there, and where on the disk each is."""
    return {path.name: path.stat().st_ino for path in out.glob("county/*/*.html")}


# Everything is killed ----------------------------------------------------------------------------------------------


def test_killed_at_any_moment_a_batch_goes_on_and_writes_the_same_bytes(one_town, tmp_path):
    study, expected = one_town
    out = tmp_path / "out"
    moments = random.Random(8)
    kept: dict[str, int] = {}
    # So many lines of its progress later, and up to so many seconds: while it measures, writes parts, publishes, ends.
    for lines in (1, 3, 5):
        batch = start("batch", study, "--out", out, "--workers", 2, "--json", "--resume")
        assert batch.stdout is not None
        for _ in range(lines):
            batch.stdout.readline()
        time.sleep(moments.uniform(0, 0.3))
        workers = psutil.Process(batch.pid).children(recursive=True)
        batch.kill()
        batch.communicate()
        psutil.wait_procs(workers, timeout=PATIENCE_S)
        assert not any(worker.is_running() for worker in workers), "somebody works on for a batch that is dead"
        there = finished(out)
        assert {name: there[name] for name in kept} == kept, "what was finished was done anew"
        assert all(expected[path] == content for path, content in files(out).items()), "something is half written"
        kept = there
    code, _, err = ended(start("batch", study, "--out", out, "--workers", 2, "--resume"))
    assert (code, err) == (0, "")
    assert files(out) == expected
    assert {name: finished(out)[name] for name in kept} == kept


# A worker is killed ------------------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_costs_nothing(one_town, tmp_path):
    study, expected = one_town
    out = tmp_path / "out"
    batch = start("batch", study, "--out", out, "--workers", 2)
    wait_for(lambda: list((out / HIDDEN).glob("now/town-[12w]*")), "a county that is worked on")
    workers = [one for one in psutil.Process(batch.pid).children() if "spawn_main" in " ".join(one.cmdline())]
    random.Random(8).choice(workers).kill()
    code, _, err = ended(batch)
    assert (code, err) == (0, "")
    assert files(out) == expected


@dataclass(frozen=True)
class Writes:
    """A job that writes a file, as far as it gets."""

    label: Label
    note: Path
    path: Path
    deadly: bool
    stages: ClassVar[int] = 1
    task: ClassVar[str] = "county"

    def run(self, tell) -> None:
        tell("writing")
        if self.deadly:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        self.path.write_text("done", encoding="utf-8")


class Recorded:
    """An agenda and a watcher that take note."""

    def __init__(self, jobs: list[Writes]) -> None:
        self.jobs, self.ended = list(jobs), {}

    def next(self):
        return self.jobs.pop(0) if self.jobs else None

    def waiting(self):
        return [job.label for job in self.jobs]

    def done(self, job, outcome) -> None:
        self.ended[job.label.code] = "done"

    def failed(self, job, problems) -> None:
        self.ended[job.label.code] = problems

    def started(self, job) -> None:
        pass

    def looked(self, waiting) -> None:
        pass


def test_a_job_that_kills_its_process_fails_and_all_others_are_done(tmp_path):
    codes = [str(number) for number in range(6)]
    jobs = [
        Writes(Label("s", code, "", 0), tmp_path / f"note-{code}", tmp_path / code, deadly=code == "2")
        for code in codes
    ]
    record = Recorded(jobs)
    with open_workers(Hands(workers=2)) as workers:
        run_jobs(workers, record, record)
    (problem,) = record.ended.pop("2")
    assert problem.startswith("its process died")
    assert record.ended == dict.fromkeys(set(codes) - {"2"}, "done")
    assert sorted(path.name for path in tmp_path.iterdir() if "note" not in path.name) == sorted(set(codes) - {"2"})


# The disk is full --------------------------------------------------------------------------------------------------


def test_where_the_disk_is_full_the_others_are_finished(one_town, tmp_path):
    resource = pytest.importorskip("resource")
    study, expected = one_town
    parts, out = tmp_path / "parts", tmp_path / "out"
    assert ended(start("partition", study, "--out", parts, "--workers", 1))[0] == 0
    # No file may be longer than this: the page of county 1 is, that of county 2 is not.
    limit = (len(expected["county/1/1.html"]) + len(expected["county/2/2.html"])) // 2
    full = start(
        *("batch", parts, "--out", out, "--workers", 1),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    code, told, err = ended(full)
    assert code == 1
    assert err.startswith("error: town 1 西区: OSError: ")
    assert "2 done, 0 kept, 1 failed" in told
    assert {path for path in files(out) if path.startswith("county")} == {
        path for path in expected if path.startswith("county/2")
    }
    assert not (out / "manifest.json").exists()
    assert ended(start("batch", parts, "--out", out, "--workers", 1, "--resume"))[0] == 0
    assert files(out) == expected


# A cluster ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path):
    """A scheduler of Dask on this machine with two workers, as its client."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    told = tmp_path / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])}

    def dask(module: str, *args: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", str(told), "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*command, *map(str, args)], env=environment, cwd=tmp_path, **quiet)

    running = [dask("dask_scheduler", "--host", "127.0.0.1", "--port", 0)]
    try:
        wait_for(lambda: told.is_file() and told.read_text(encoding="utf-8"), "the scheduler")
        running += [dask("dask_worker", "--no-nanny", "--nthreads", 1) for _ in range(2)]
        address = json.loads(told.read_text(encoding="utf-8"))["address"]
        with distributed.Client(address, timeout=PATIENCE_S) as client:
            client.wait_for_workers(2, timeout=PATIENCE_S)
            yield client
    finally:
        for process in running:
            process.kill()
            process.wait()


def test_a_cluster_does_the_same_and_survives_a_worker_in_mid_job(cluster, one_town, tmp_path):
    study, expected = one_town
    out = tmp_path / "out"
    process = cluster.run(os.getpid)
    batch = start("batch", study, "--out", out, "--scheduler", cluster.scheduler.address)
    wait_for(lambda: list((out / HIDDEN).glob("now/town-[12w]*")), "a county that is worked on")
    busy = [worker for worker, jobs in cluster.processing().items() if jobs]
    psutil.Process(process[random.Random(8).choice(sorted(busy))]).kill()
    code, _, err = ended(batch)
    assert (code, err) == (0, ""), err
    assert files(out) == expected


def test_where_no_scheduler_answers_that_is_told(one_town, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(workers, "PATIENCE_S", 1)
    with pytest.raises(CoverageError, match="no scheduler answers"), open_workers(Hands(scheduler="tcp://127.0.0.1:9")):
        pass
