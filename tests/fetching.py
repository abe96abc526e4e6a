"""What the tests of `withinreach fetch` share: the command, a clock that only sleeping moves, what was written."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from osm_server import OsmServer, town_elements, town_places
from withinreach.cli import cli
from withinreach.sources.fetch import client as client_module
from withinreach.sources.fetch.client import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLACE = "新乡市"
FILES = ["boundary.geojson", "facilities.csv", "manifest.json", "streets.osm.gz", "study.toml"]
ASKED = ["search", "levels", "relations", "streets", "facilities"]
# Minutes and requests instead of what depends on the moment.
CLOCK = re.compile(r'"(written_at|fetched_at)": "[^"]*"|127\.0\.0\.1:\d+')


class VirtualTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds


def run(server: OsmServer, folder: Path, *more: str, area: str = PLACE):
    urls = ["--overpass-url", server.overpass, "--nominatim-url", server.root]
    return CliRunner().invoke(cli, ["fetch", area, "-o", str(folder), *urls, *more])


def content(folder: Path) -> dict[str, str]:
    """Every visible file, the moment and the port taken out of the manifest."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            raw = path.read_bytes()
            found[path.name] = CLOCK.sub("", raw.decode()) if path.name == "manifest.json" else raw.hex()
    return found


def lines_of(done) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("error:")]


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch) -> None:
    """No request leaves the machine, whatever the environment says about proxies."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    connect = socket.socket.connect

    def guarded(self, address):
        assert address[0] == "127.0.0.1", f"a connection to {address}"
        return connect(self, address)

    def resolved(host, *args, **kwargs):
        assert host == "127.0.0.1", f"a look-up of {host}"
        return getaddrinfo(host, *args, **kwargs)

    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture(name="clock")
def clock_fixture(monkeypatch) -> VirtualTime:
    time = VirtualTime()
    monkeypatch.setattr(client_module, "time", time)
    return time


@pytest.fixture(name="server")
def server_fixture() -> Iterator[OsmServer]:
    running = OsmServer(town_elements(), town_places()).start()
    yield running
    running.stop()


@pytest.fixture(name="services")
def services_fixture(server) -> Services:
    return Services(server.overpass, server.root)


@pytest.fixture(name="fetched")
def fetched_fixture(server, clock, tmp_path) -> Path:
    done = run(server, tmp_path / "xinxiang")
    assert done.exit_code == 0, done.output
    server.seen.clear()
    clock.slept.clear()
    return tmp_path / "xinxiang"
