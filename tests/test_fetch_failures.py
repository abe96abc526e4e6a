"""What `withinreach fetch` does when servers fail, and how it goes on."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import sys
from email.utils import format_datetime

import pytest

from fetching import (  # noqa: F401
    ASKED,
    VirtualTime,
    clock_fixture,
    content,
    fetched_fixture,
    lines_of,
    only_loopback,
    run,
    server_fixture,
    services_fixture,
)
from osm_server import Fault, OsmServer, town_elements, town_places
from withinreach.errors import CoverageError, SourceError
from withinreach.sources.fetch import client as client_module
from withinreach.sources.fetch import queries
from withinreach.sources.fetch.answers import Question
from withinreach.sources.fetch.client import Client, Patience, Services, retry_after_s

# Failures that pass -----------------------------------------------------------------------------------------------

BUSY = Fault(status=429, headers={"Retry-After": "7"}, body=b"rate limited")
REMARK = json.dumps({"elements": [], "remark": 'runtime error: Query timed out in "query"'}).encode()


@pytest.mark.parametrize(
    ("faults", "waits"),
    [
        ([BUSY], [7]),
        ([Fault(status=504, body=b"<html>gateway</html>")], [5]),
        ([Fault(status=503, body=b"")] * 3, [5, 10, 20]),
        ([Fault(cut=10)], [5]),
        ([Fault(body=b'{"elements": [')], [5]),
        ([Fault(body=b"<html>overloaded</html>")], [5]),
        ([Fault(body=b'{"version": 0.6}')], [5]),
        ([Fault(body=REMARK)], [5]),
        ([Fault(body=b"")], [5]),
        ([Fault(status=504, body=b""), BUSY, Fault(cut=1)], [5, 7, 20]),
    ],
    ids=["429", "504", "503", "truncated", "half JSON", "HTML", "no elements", "remark", "empty", "mixed"],
)
@pytest.mark.parametrize("step", [3, 4], ids=["streets", "facilities"])
def test_a_failure_that_passes_changes_nothing(server, clock, fetched, tmp_path, faults, waits, step):
    server.faults = [Fault()] * step + faults
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    done = run(server, folder)
    assert done.exit_code == 0, done.output
    assert content(folder) == content(fetched)
    assert len(server.seen) == len(ASKED) + len(faults)
    assert [seconds for seconds in clock.slept if seconds > 1] == waits
    assert done.stdout.strip() == str(folder / "study.toml")


def test_nominatim_is_asked_again_too(server, clock, fetched, tmp_path):
    server.faults = [Fault(status=429, body=b""), Fault(body=b'{"error": "busy"}')]
    (tmp_path / "again").mkdir()
    assert run(server, tmp_path / "again" / "xinxiang").exit_code == 0
    assert content(tmp_path / "again" / "xinxiang") == content(fetched)


def test_a_server_that_hangs_is_asked_again(server, services, tmp_path, monkeypatch, caplog):
    slept: list[float] = []
    real = client_module.time.monotonic

    class Quick:
        monotonic = staticmethod(real)
        sleep = staticmethod(slept.append)

    monkeypatch.setattr(client_module, "time", Quick)
    server.faults = [Fault(hang=True)]
    client = Client(tmp_path, services=services, patience=Patience(answer_s=0.2))
    assert len(client.overpass(queries.relations([100]))) > 10
    assert server.seen == ["relations", "relations"]
    assert 5 in slept
    assert "no answer in time; trying again in 5 s (try 2 of 6)" in caplog.text


def test_a_trickle_is_cut_off(server, services, tmp_path, monkeypatch, caplog):
    class Slow(VirtualTime):
        def monotonic(self) -> float:
            self.now += 50
            return self.now

    monkeypatch.setattr(client_module, "time", Slow())
    client = Client(tmp_path, services=services, patience=Patience(answer_s=40, tries=2))
    with pytest.raises(SourceError, match="trickles in too slowly"):
        client.overpass(queries.relations([100]))


def test_requests_are_a_pause_apart(server, clock, tmp_path):
    assert run(server, tmp_path / "x").exit_code == 0
    assert clock.slept == [1.0] * (len(ASKED) - 1)


def test_waits_grow_up_to_a_cap(server, services, clock, tmp_path):
    server.faults = [Fault(status=502, body=b"")] * 8
    client = Client(tmp_path, services=services, patience=Patience(tries=9))
    client.overpass(queries.relations([100]))
    assert [seconds for seconds in clock.slept if seconds > 1] == [5, 10, 20, 40, 80, 120, 120, 120]


def test_retry_after_may_be_a_date_or_nonsense():
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert retry_after_s({"Retry-After": format_datetime(soon, usegmt=True)}) == pytest.approx(90, abs=5)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    assert retry_after_s({"Retry-After": format_datetime(past, usegmt=True)}) == 0
    assert retry_after_s({"Retry-After": "120"}) == 120
    assert retry_after_s({"Retry-After": "soon"}) is None
    assert retry_after_s({}) is None


def test_waiting_is_told(server, clock, tmp_path, caplog):
    server.faults = [Fault()] * 3 + [BUSY]
    assert run(server, tmp_path / "x").exit_code == 0
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage() == (
        f"{server.overpass}/interpreter: status 429 Too Many Requests; trying again in 7 s (try 2 of 6)"
    )


# Failures that stay -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "told", "requests"),
    [
        (Fault(status=504, body=b""), "status 504 Gateway Timeout (try 6 of 6)", 6),
        (Fault(cut=5), "the answer is cut off", 6),
        (Fault(body=REMARK), "runtime error: Query timed out", 6),
        (Fault(status=400, body=b"line 1: parse error"), "refused with status 400 Bad Request", 1),
        (Fault(status=403, body=b""), "refused with status 403 Forbidden", 1),
        (Fault(status=301, headers={"Location": "https://elsewhere.example/api?key=k"}, body=b""), "has moved to", 1),
        (Fault(status=429, headers={"Retry-After": "86400"}, body=b""), "a wait of 86400 s exceeds the time", 1),
    ],
    ids=["504", "cut", "remark", "400", "403", "redirect", "tomorrow"],
)
def test_a_failure_that_stays_is_one_line_and_leaves_only_answers(server, clock, tmp_path, fault, told, requests):
    server.faults = [Fault()] * 3 + [fault] * 20
    folder = tmp_path / "x"
    done = run(server, folder)
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert told in line
    assert "--overpass-url" in line
    assert "key=k" not in line
    assert "Traceback" not in done.output
    assert server.seen == [*ASKED[:3], *["streets"] * requests]
    assert [path.name for path in folder.iterdir()] == [".fetch"]
    assert len(list((folder / ".fetch").iterdir())) == 2 * 3, "three answers with their receipts"


def test_the_time_for_everything_is_limited(server, clock, tmp_path):
    server.faults = [Fault()] * 3 + [Fault(status=504, body=b"")] * 20
    done = run(server, tmp_path / "x", "--max-minutes", "0.5")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "exceeds the time allowed" in line
    assert clock.now - 1000 <= 30


def test_nobody_listens(server, clock, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        done = run(server, tmp_path / "x", "--nominatim-url", f"http://127.0.0.1:{port}")
    assert done.exit_code == 1
    (line,) = lines_of(done)
    assert "the connection failed or broke off (try 6 of 6)" in line
    assert "--nominatim-url" in line
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/api", "overpass", "", "http://[bad"])
def test_an_address_must_be_one(url, tmp_path):
    client = Client(tmp_path, services=Services(overpass=url))
    with pytest.raises(CoverageError, match=r"--overpass-url .*is not an http or https address"):
        client.overpass("[out:json];")


def test_missing_osmnx_is_one_line_before_anything_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "osmnx", None)
    done = run(server, tmp_path / "x")
    assert done.exit_code == 1
    assert lines_of(done) == [
        "error: fetching needs OSMnx, which is not installed: pip install 'withinreach[fetch]'",
    ]
    assert server.seen == []


# Going on where it stopped ----------------------------------------------------------------------------------------


def test_going_on_asks_only_for_what_is_missing(server, clock, fetched, tmp_path):
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    server.faults = [Fault()] * 4 + [Fault(status=400, body=b"")]
    assert run(server, folder).exit_code == 1
    assert server.seen == ASKED
    server.seen.clear()
    done = run(server, folder)
    assert done.exit_code == 0, done.output
    assert server.seen == ["facilities"]
    assert content(folder) == content(fetched)


def test_another_server_can_finish(server, clock, fetched, tmp_path):
    (tmp_path / "again").mkdir()
    folder = tmp_path / "again" / "xinxiang"
    server.faults = [Fault()] * 4 + [Fault(status=403, body=b"")]
    assert run(server, folder).exit_code == 1
    second = OsmServer(town_elements(), town_places()).start()
    try:
        assert run(second, folder).exit_code == 0
        assert second.seen == ["facilities"]
    finally:
        second.stop()
    assert content(folder) == content(fetched)


def test_a_second_run_asks_nothing_and_fresh_asks_all(server, fetched):
    before = content(fetched)
    assert run(server, fetched).exit_code == 0
    assert server.seen == []
    assert content(fetched) == before
    assert run(server, fetched, "--fresh").exit_code == 0
    assert server.seen == ASKED


@pytest.mark.parametrize("damage", ["body", "cut", "receipt", "no body"])
def test_a_damaged_answer_is_asked_for_again(server, fetched, caplog, damage):
    before = content(fetched)
    key = Question("overpass", "interpreter", {"data": queries.relations([101, 102, 103])}).key
    body, receipt = fetched / ".fetch" / f"{key}.json", fetched / ".fetch" / f"{key}.receipt.json"
    if damage == "body":
        body.write_bytes(body.read_bytes().replace(b"35.3", b"35.4"))
    elif damage == "cut":
        body.write_bytes(body.read_bytes()[:-20])
    elif damage == "receipt":
        receipt.write_text("{", encoding="utf-8")
    else:
        body.unlink()
    done = run(server, fetched)
    assert done.exit_code == 0, done.output
    assert server.seen == ["relations"]
    assert content(fetched) == before
    assert f"{key}.json" in caplog.text
    assert "asking the server again" in caplog.text


def test_a_body_without_receipt_is_a_leftover(server, fetched, caplog):
    key = Question("overpass", "interpreter", {"data": queries.relations([101, 102, 103])}).key
    (fetched / ".fetch" / f"{key}.receipt.json").unlink()
    assert run(server, fetched).exit_code == 0
    assert server.seen == ["relations"]
    assert caplog.text == ""
